//! Cuts messages out of a stream by Content-Length.

use super::message::{MAX_HEAD, split_head};

/// The largest body accepted.
const MAX_BODY: usize = 64 * 1024;

/// Bytes that came, not yet cut into messages.
#[derive(Debug, Default)]
pub(crate) struct Framer(Vec<u8>);

/// The stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

impl Framer {
    /// Takes bytes as they come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole message; `None` when more bytes must come first.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let skip = self.0.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.0.drain(..skip);
        let Some((head, rest)) = split_head(&self.0) else {
            return if self.0.len() > MAX_HEAD {
                Err(Broken)
            } else {
                Ok(None)
            };
        };
        let length = content_length(head).ok_or(Broken)?;
        if length > MAX_BODY {
            return Err(Broken);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let end = self.0.len() - rest.len() + length;
        Ok(Some(self.0.drain(..end).collect()))
    }
}

/// 0 when absent, as RFC 3261 lets old peers do.
fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':')
            && ["content-length", "l"]
                .iter()
                .any(|n| name.trim().eq_ignore_ascii_case(n))
        {
            return value.trim().parse().ok();
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO: &[u8] = b"\r\nA b SIP/2.0\r\nContent-Length: 3\r\n\r\nxyzB c SIP/2.0\r\nl: 0\r\n\r\n";

    #[test]
    fn a_stream_without_end_of_head_is_given_up() {
        let mut framer = Framer::default();
        framer.push(&vec![b'a'; MAX_HEAD + 1]);
        assert_eq!(framer.next(), Err(Broken));
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_they_were_cut(cuts in proptest::collection::vec(1usize..20, 0..20)) {
            let mut framer = Framer::default();
            let mut out = Vec::new();
            let mut rest = TWO;
            for cut in cuts.into_iter().chain([TWO.len()]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                framer.push(now);
                while let Some(m) = framer.next().expect("sound") {
                    out.push(m);
                }
            }
            let second = TWO.len() - b"B c SIP/2.0\r\nl: 0\r\n\r\n".len();
            prop_assert_eq!(out, vec![TWO[2..second].to_vec(), TWO[second..].to_vec()]);
        }
    }
}
