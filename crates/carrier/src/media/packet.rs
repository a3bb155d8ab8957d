//! RTP packets, written and read (RFC 3550 §5.1).

/// Bytes of the fixed header.
const HEADER: usize = 12;

/// The running numbers of a stream we send.
#[derive(Debug)]
pub(super) struct Stream {
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
}

impl Stream {
    /// Writes one packet and moves the sequence on; the timestamp is moved by whoever keeps the time.
    pub(super) fn packet(&mut self, payload_type: u8, marker: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER + payload.len());
        packet.push(0x80);
        packet.push(payload_type | if marker { 0x80 } else { 0 });
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

/// A packet received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received<'a> {
    pub payload_type: u8,
    pub timestamp: u32,
    pub payload: &'a [u8],
}

impl<'a> Received<'a> {
    /// Reads a packet; `None` for what is no RTP.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let &[first, second, _, _, t0, t1, t2, t3, ..] = bytes else {
            return None;
        };
        if first >> 6 != 2 {
            return None;
        }
        let mut start = HEADER + 4 * usize::from(first & 0x0F);
        if first & 0x10 != 0 {
            let words = bytes.get(start + 2..start + 4)?;
            start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        let padding = if first & 0x20 != 0 {
            usize::from(*bytes.last()?)
        } else {
            0
        };
        let payload = bytes.get(start..bytes.len().checked_sub(padding)?)?;
        Some(Self {
            payload_type: second & 0x7F,
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_written_is_read() {
        let mut stream = Stream {
            ssrc: 7,
            sequence: 65_535,
            timestamp: 160,
        };
        let packet = stream.packet(8, true, b"abc");
        assert_eq!(stream.sequence, 0);
        let read = Received::read(&packet).expect("a packet");
        assert_eq!(
            read,
            Received {
                payload_type: 8,
                timestamp: 160,
                payload: b"abc"
            }
        );
    }

    #[test]
    fn csrc_extension_and_padding_are_no_payload() {
        let mut packet = vec![0x80 | 0x20 | 0x10 | 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        packet.extend([1, 1, 1, 1]); // CSRC
        packet.extend([0, 0, 0, 1, 2, 2, 2, 2]); // extension of one word
        packet.extend([5, 6, 0, 2]); // payload and 2 bytes of padding
        assert_eq!(Received::read(&packet).map(|r| r.payload), Some(&[5u8, 6][..]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Received::read(&bytes);
        }
    }
}
