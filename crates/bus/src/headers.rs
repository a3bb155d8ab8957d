//! Header blocks read from a stream's store, as raw bytes. Any producer may write anything there, so reading them never
//! fails: what is no header line is left out. The client library is less patient; see [`is_digestible`].

use std::str::FromStr;

use async_nats::{HeaderName, HeaderValue};

const VERSION: &str = "NATS/1.0";

/// `name: value` lines, in order, values of one name kept apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(pub Vec<(String, String)>);

impl Headers {
    pub fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let lines = text.lines().skip(1).filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        });
        Self(lines.collect())
    }

    /// The last value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}

impl From<&async_nats::HeaderMap> for Headers {
    fn from(map: &async_nats::HeaderMap) -> Self {
        let pairs = map.iter().flat_map(|(name, values)| {
            values
                .iter()
                .map(move |value| (name.to_string(), value.as_str().to_owned()))
        });
        Self(pairs.collect())
    }
}

/// Whether the client library can read this header block at all. If not, the message breaks the connection of every
/// worker it is delivered to, again and again, unless it is taken out of the queue by [`crate::poison`].
pub(crate) fn is_digestible(raw: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(raw) else {
        return false;
    };
    let mut lines = text.lines();
    let Some(status) = lines
        .next()
        .and_then(|line| line.strip_prefix(VERSION))
        .map(str::trim)
    else {
        return raw.is_empty();
    };
    let code = status.split(' ').next().unwrap_or_default();
    let status_fits = code.is_empty() || async_nats::StatusCode::from_str(code).is_ok();
    status_fits && lines.filter(|line| !line.is_empty()).all(is_digestible_line)
}

fn is_digestible_line(line: &str) -> bool {
    if line.starts_with(char::is_whitespace) {
        return !line.contains('\r');
    }
    line.split_once(':').is_some_and(|(name, value)| {
        HeaderName::from_str(name).is_ok() && HeaderValue::from_str(value.trim()).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_value_of_a_name_is_kept_in_order() {
        let headers = Headers::parse(b"NATS/1.0\r\nA: 1\r\nB: x:y\r\nA: 2\r\n\r\n");
        let pairs = [("A", "1"), ("B", "x:y"), ("A", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(headers.0, pairs);
        assert_eq!(headers.get("a"), Some("2"));
    }

    #[test]
    fn what_would_break_a_connection_is_told_apart() {
        for good in [
            &b""[..],
            b"NATS/1.0\r\nA: 1\r\n\r\n",
            b"NATS/1.0 404 None\r\n\r\n",
        ] {
            assert!(is_digestible(good), "{}", good.escape_ascii());
        }
        let bad: [&[u8]; 6] = [
            b"NATS/1.0\r\nA: \xff\r\n\r\n",
            b"HTTP/1.0\r\nA: 1\r\n\r\n",
            b"NATS/1.0\r\nno colon\r\n\r\n",
            b"NATS/1.0\r\nA: 1\rB: 2\r\n\r\n",
            b"NATS/1.0 many\r\n\r\n",
            b"NATS/1.0\r\nA B: 1\r\n\r\n",
        ];
        for bad in bad {
            assert!(!is_digestible(bad), "{}", bad.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Headers::parse(&raw);
            let _ = is_digestible(&raw);
        }
    }
}
