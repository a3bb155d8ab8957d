//! The Q.850 cause in a Reason header (RFC 3326): `Q.850;cause=17;text="User busy"`, perhaps among others.

/// The cause, if the header holds one.
pub(crate) fn q850(header: &str) -> Option<u8> {
    values(header).into_iter().find_map(|value| {
        let mut parts = value.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("q.850") {
            return None;
        }
        parts.find_map(|part| {
            let (name, cause) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("cause")
                .then(|| cause.trim().trim_matches('"').parse().ok())?
        })
    })
}

/// The header's values: split at commas outside quotes.
fn values(header: &str) -> Vec<&str> {
    let mut values = Vec::new();
    let (mut from, mut quoted) = (0, false);
    for (at, c) in header.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                values.push(header[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    values.push(header[from..].trim());
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::q850;

    #[test]
    fn the_cause_is_found_among_others() {
        assert_eq!(q850("Q.850;cause=17;text=\"User busy\""), Some(17));
        assert_eq!(
            q850("SIP;cause=200;text=\"a, Q.850;cause=1\", q.850 ; Cause = 16"),
            Some(16)
        );
        assert_eq!(q850("SIP;cause=487"), None);
        assert_eq!(q850("Q.850;cause=1000"), None);
        assert_eq!(q850("Q.850;text=\"x\";cause=\"31\""), Some(31));
    }

    proptest! {
        #[test]
        fn no_header_panics(header in ".{0,60}") {
            let _ = q850(&header);
        }
    }
}
