//! What can be wrong with a session description, and on which line.

use std::fmt;

use sdp_types::ParserError;

/// A session description we cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SDP {at}: {fault}")]
pub struct SdpError {
    /// Where.
    pub at: At,
    /// What.
    pub fault: SdpFault,
}

/// A line of a session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Its number, from 1; the last one when something is missing.
    pub line: usize,
    /// Its text, shortened.
    pub text: String,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpFault {
    /// Not SDP.
    #[error("not readable: {0}")]
    Unreadable(String),
    /// No `m=audio` line.
    #[error("no audio stream (m=audio) is described")]
    NoAudio,
    /// Port 0.
    #[error("the audio stream is refused (port 0)")]
    Refused,
    /// Not plain RTP.
    #[error("transport {0} is not spoken here; RTP/AVP is")]
    Transport(String),
    /// None of ours among theirs.
    #[error("no common codec; we speak {0}")]
    NoCommonCodec(String),
    /// A `c=` line with the address of a group.
    #[error("not a unicast IP address: {0}")]
    Multicast(String),
}

impl At {
    /// The `index`-th `m=` line.
    pub(super) fn media(text: &[u8], index: usize) -> Self {
        let wanted = lines(text).filter(|(_, line)| line.starts_with(b"m=")).nth(index);
        wanted.map_or_else(|| Self::end(text), Self::of)
    }

    /// The last line that begins so and governs the `index`-th stream: in the stream itself, else in the session part.
    pub(super) fn governing(text: &[u8], index: usize, prefix: &[u8]) -> Self {
        let mut stream = None;
        let mut found = None;
        for (number, line) in lines(text) {
            if line.starts_with(b"m=") {
                stream = Some(stream.map_or(0, |stream| stream + 1));
            }
            if line.starts_with(prefix) && (stream.is_none() || stream == Some(index)) {
                found = Some((number, line));
            }
        }
        found.map_or_else(|| Self::end(text), Self::of)
    }

    /// The last line.
    pub(super) fn end(text: &[u8]) -> Self {
        lines(text)
            .filter(|(_, line)| !line.is_empty())
            .last()
            .map_or_else(
                || Self {
                    line: 1,
                    text: String::new(),
                },
                Self::of,
            )
    }

    fn numbered(text: &[u8], number: usize) -> Self {
        lines(text)
            .nth(number.saturating_sub(1))
            .map_or_else(|| Self::end(text), Self::of)
    }

    fn of((line, text): (usize, &[u8])) -> Self {
        Self {
            line,
            text: String::from_utf8_lossy(text).chars().take(80).collect(),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug quotes control characters: the text comes from the network and goes to a log.
        write!(f, "line {} {:?}", self.line, self.text)
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let whole = text.split(|byte| *byte == b'\n');
    whole
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .enumerate()
        .map(|(at, line)| (at + 1, line))
}

/// A parser's complaint, with its line's text.
pub(super) fn unreadable(text: &[u8], error: &ParserError) -> SdpError {
    use ParserError as P;
    #[expect(
        deprecated,
        reason = "the parser no longer makes these, yet a match must be complete"
    )]
    let number = match error {
        P::UnexpectedLine(n, _)
        | P::InvalidLineFormat(n, _)
        | P::InvalidFieldEncoding(n, _)
        | P::InvalidFieldFormat(n, _)
        | P::MissingField(n, _)
        | P::FieldTrailingData(n, _)
        | P::InvalidVersion(n, _)
        | P::MultipleVersions(n)
        | P::MultipleOrigins(n)
        | P::MultipleSessionNames(n)
        | P::MultipleSessionDescription(n)
        | P::MultipleUris(n)
        | P::MultipleConnections(n)
        | P::MultipleTimeZones(n)
        | P::MultipleMediaTitles(n)
        | P::MultipleKeys(n)
        | P::RepeatWithoutTime(n) => *n,
        P::NoVersion | P::NoOrigin | P::NoSessionName => 1,
    };
    SdpError {
        at: At::numbered(text, number),
        fault: SdpFault::Unreadable(error.to_string()),
    }
}
