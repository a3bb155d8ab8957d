//! One SIP message: start line, headers in order, body. Compact names are spelt out on reading; folded lines are joined.

use std::fmt::Write as _;

/// A message read from the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub start: Start,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    Request { method: String, uri: String },
    Response { code: u16 },
}

/// Why bytes are no SIP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("no empty line ends the headers")]
    Unfinished,
    #[error("the head is not UTF-8")]
    NotText,
    #[error("the first line is neither a request nor a status line of SIP/2.0")]
    StartLine,
    #[error("a header line has no colon")]
    Header,
    #[error("Content-Length is no number, or more than what came")]
    Length,
    #[error("Via, From, To, Call-ID or CSeq is missing or broken")]
    Mandatory,
}

/// A head this long is an attack or a mistake.
pub(crate) const MAX_HEAD: usize = 32 * 1024;

impl Message {
    /// Reads a whole datagram, or a message cut out of a stream.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        // Keep-alives and stray line ends may stand before a message (RFC 3261 §7.5).
        let skip = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let bytes = &bytes[skip..];
        let (head, body) = split_head(bytes).ok_or(ParseError::Unfinished)?;
        let head = std::str::from_utf8(head).map_err(|_| ParseError::NotText)?;
        let mut lines = head.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l));
        let start = start_line(lines.next().unwrap_or_default())?;

        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.last_mut().ok_or(ParseError::Header)?;
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(ParseError::Header)?;
            headers.push((full_name(name.trim_end()), value.trim().to_owned()));
        }
        let mut message = Self {
            start,
            headers,
            body: body.to_vec(),
        };
        if let Some(length) = message.header("content-length") {
            let length: usize = length.parse().map_err(|_| ParseError::Length)?;
            if length > message.body.len() {
                return Err(ParseError::Length);
            }
            message.body.truncate(length);
        }
        message.check()?;
        Ok(message)
    }

    /// The first header of a name, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Every header of a name, given in lower case.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The method of a request; the CSeq's method of a response.
    pub(crate) fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => self.cseq().map_or("", |(_, m)| m),
        }
    }

    /// CSeq: number and method.
    pub(crate) fn cseq(&self) -> Option<(u32, &str)> {
        let (number, method) = self.header("cseq")?.split_once(char::is_whitespace)?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// Call-ID.
    pub(crate) fn call_id(&self) -> &str {
        self.header("call-id").unwrap_or_default()
    }

    /// The topmost Via.
    pub(crate) fn via(&self) -> &str {
        let value = self.header("via").unwrap_or_default();
        value.split_once(',').map_or(value, |(first, _)| first).trim()
    }

    /// The branch of the topmost Via, which names the transaction.
    pub(crate) fn branch(&self) -> &str {
        super::param(self.via(), "branch").unwrap_or_default()
    }

    /// The tag of From.
    pub(crate) fn caller_tag(&self) -> &str {
        self.header("from")
            .and_then(|v| super::param(v, "tag"))
            .unwrap_or_default()
    }

    /// The tag of To.
    pub(crate) fn to_tag(&self) -> Option<&str> {
        self.header("to").and_then(|v| super::param(v, "tag"))
    }

    /// Whether a comma-separated header of this name lists a word.
    pub(crate) fn lists(&self, name: &str, word: &str) -> bool {
        self.headers(name)
            .flat_map(|v| v.split(','))
            .any(|w| w.trim().eq_ignore_ascii_case(word))
    }

    fn check(&self) -> Result<(), ParseError> {
        let whole = !self.branch().is_empty()
            && !self.call_id().is_empty()
            && !self.caller_tag().is_empty()
            && self.header("to").is_some_and(|v| !v.is_empty())
            && self.cseq().is_some_and(|(_, m)| !m.is_empty());
        let agrees = match &self.start {
            Start::Request { method, .. } => self.cseq().is_some_and(|(_, m)| m == method),
            Start::Response { .. } => true,
        };
        if whole && agrees {
            Ok(())
        } else {
            Err(ParseError::Mandatory)
        }
    }
}

/// A message being written: lines in the order given.
#[derive(Debug, Clone)]
pub(crate) struct Text(String);

impl Text {
    /// A request.
    pub(crate) fn request(method: &str, uri: &str) -> Self {
        Self(format!("{method} {uri} SIP/2.0\r\n"))
    }

    /// A response.
    pub(crate) fn response(code: u16) -> Self {
        Self(format!("SIP/2.0 {code} {}\r\n", phrase(code)))
    }

    /// One header.
    pub(crate) fn header(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let _ = write!(self.0, "{name}: {value}\r\n");
        self
    }

    /// The end, with a body or without one.
    pub(crate) fn body(self, content: Option<&str>) -> Vec<u8> {
        let content_type = content.map_or("", |_| "Content-Type: application/sdp\r\n");
        let content = content.unwrap_or_default();
        format!(
            "{}{content_type}Content-Length: {}\r\n\r\n{content}",
            self.0,
            content.len()
        )
        .into_bytes()
    }
}

/// Splits after the empty line.
pub(super) fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let limit = bytes.len().min(MAX_HEAD);
    let mut at = 0;
    while let Some(n) = bytes[at..limit].iter().position(|&b| b == b'\n') {
        let end = at + n;
        let rest = &bytes[end + 1..];
        if rest.starts_with(b"\r\n") {
            return Some((&bytes[..end], &rest[2..]));
        }
        if rest.starts_with(b"\n") {
            return Some((&bytes[..end], &rest[1..]));
        }
        at = end + 1;
    }
    None
}

fn start_line(line: &str) -> Result<Start, ParseError> {
    let mut words = line.split(' ').filter(|w| !w.is_empty());
    let mut word = || words.next().ok_or(ParseError::StartLine);
    let first = word()?;
    if first.eq_ignore_ascii_case("SIP/2.0") {
        let code = word()?
            .parse()
            .ok()
            .filter(|c| (100..=699).contains(c))
            .ok_or(ParseError::StartLine)?;
        return Ok(Start::Response { code });
    }
    let (method, uri, version) = (first, word()?, word()?);
    let is_token = method
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b));
    if !is_token || !version.eq_ignore_ascii_case("SIP/2.0") || words.next().is_some() {
        return Err(ParseError::StartLine);
    }
    Ok(Start::Request {
        method: method.to_owned(),
        uri: uri.to_owned(),
    })
}

/// Lower case, and compact forms spelt out (RFC 3261 §7.3.3 and its extensions).
fn full_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let full = match name.as_str() {
        "i" => "call-id",
        "m" => "contact",
        "e" => "content-encoding",
        "l" => "content-length",
        "c" => "content-type",
        "f" => "from",
        "s" => "subject",
        "k" => "supported",
        "t" => "to",
        "v" => "via",
        "o" => "event",
        "r" => "refer-to",
        "x" => "session-expires",
        "u" => "allow-events",
        _ => return name,
    };
    full.to_owned()
}

/// The phrase networks put beside a code.
pub(crate) const fn phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        420 => "Bad Extension",
        421 => "Extension Required",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        607 => "Unwanted",
        608 => "Rejected",
        _ => "Unspecified",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INVITE: &str = "INVITE sip:+8613800000001@127.0.0.1 SIP/2.0\r\n\
        v: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK77, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n\
        f: \"A, B\" <sip:100@x>;tag=abc\r\nt: <sip:+8613800000001@x>\r\ni: c1@x\r\n\
        CSeq: 1 INVITE\r\nSubject: a\r\n folded line\r\nl: 4\r\n\r\nbodyextra";

    #[test]
    fn compact_names_folded_lines_and_lengths_are_understood() {
        let m = Message::parse(INVITE.as_bytes()).expect("a message");
        assert_eq!(
            (m.method(), m.call_id(), m.caller_tag(), m.to_tag()),
            ("INVITE", "c1@x", "abc", None)
        );
        assert_eq!(m.branch(), "z9hG4bK77");
        assert_eq!(m.header("subject"), Some("a folded line"));
        assert_eq!(m.body, b"body");
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_reason() {
        let parse = |text: &str| Message::parse(text.as_bytes()).expect_err("refused");
        assert_eq!(parse("INVITE sip:a SIP/2.0\r\n"), ParseError::Unfinished);
        assert_eq!(parse("HELLO\r\n\r\n"), ParseError::StartLine);
        assert_eq!(
            parse(&INVITE.replace("CSeq: 1 INVITE", "CSeq: 1 BYE")),
            ParseError::Mandatory
        );
        assert_eq!(parse(&INVITE.replace("tag=abc", "")), ParseError::Mandatory);
        assert_eq!(parse(&INVITE.replace("l: 4", "l: 400")), ParseError::Length);
        assert_eq!(
            parse(&INVITE.replace("Subject: a", "Subject")),
            ParseError::Header
        );
    }

    #[test]
    fn what_we_write_we_can_read() {
        let bytes = Text::response(183)
            .header("Via", "SIP/2.0/UDP a;branch=z9hG4bK1")
            .header("From", "<sip:a@b>;tag=1")
            .header("To", "<sip:c@d>;tag=2")
            .header("Call-ID", "x")
            .header("CSeq", "1 INVITE")
            .body(Some("v=0\r\n"));
        let m = Message::parse(&bytes).expect("a message");
        assert_eq!(
            (&m.start, m.method(), m.to_tag()),
            (&Start::Response { code: 183 }, "INVITE", Some("2"))
        );
        assert_eq!(m.body, b"v=0\r\n");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Message::parse(&bytes);
        }

        #[test]
        fn no_wound_to_a_message_makes_the_parser_panic(at in 0usize..300, with in any::<u8>(), cut in 0usize..420) {
            let mut bytes = INVITE.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = with;
            bytes.truncate(cut.max(1));
            if let Ok(m) = Message::parse(&bytes) {
                let _ = (m.branch(), m.cseq(), m.to_tag(), m.lists("require", "100rel"));
            }
        }
    }
}
