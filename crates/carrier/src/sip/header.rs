//! Pieces of header values: parameters, addresses.

/// A parameter of a header value (`;name=value`), outside `<>` and quotes; empty for one without value.
pub(crate) fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    split_outside(value, ';').skip(1).find_map(|part| {
        let (key, val) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| val.trim())
    })
}

/// The address inside From, To or Contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameAddr<'a> {
    pub uri: &'a str,
}

impl<'a> NameAddr<'a> {
    /// The first address of a value.
    pub(crate) fn read(value: &'a str) -> Self {
        let first = split_outside(value, ',').next().unwrap_or_default();
        let uri = match (first.find('<'), first.rfind('>')) {
            (Some(open), Some(close)) if open < close => &first[open + 1..close],
            _ => first.split(';').next().unwrap_or_default(),
        };
        Self { uri: uri.trim() }
    }
}

/// The user part of a `sip:`, `sips:` or `tel:` URI, without parameters; the number dialled.
pub(crate) fn user_of(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let user = rest.split_once('@').map_or(rest, |(user, _)| user);
    let user = user.split(';').next().unwrap_or_default();
    user.split(':').next().unwrap_or_default()
}

/// Splits at a character that is neither inside `<>` nor inside quotes.
fn split_outside(value: &str, at: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    let mut depth = 0u32;
    value.split(move |c: char| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => depth += 1,
            '>' if !quoted => depth = depth.saturating_sub(1),
            _ => return c == at && !quoted && depth == 0,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_inside_quotes_and_brackets_are_not_the_headers() {
        let value = "\"a;tag=1\" <sip:u@h;tag=2>;tag=3;lr";
        assert_eq!(param(value, "tag"), Some("3"));
        assert_eq!(param(value, "lr"), Some(""));
        assert_eq!(param(value, "x"), None);
        assert_eq!(NameAddr::read(value).uri, "sip:u@h;tag=2");
        assert_eq!(NameAddr::read("sip:u@h;tag=2").uri, "sip:u@h");
    }

    #[test]
    fn the_number_is_the_user_without_parameters() {
        assert_eq!(
            user_of("sip:+8613800138000;npdi@host:5060;user=phone"),
            "+8613800138000"
        );
        assert_eq!(user_of("tel:+8613800138000;phone-context=x"), "+8613800138000");
        assert_eq!(user_of("sip:100:secret@host"), "100");
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in ".{0,80}") {
            let _ = (param(&text, "tag"), NameAddr::read(&text), user_of(&text));
        }
    }
}
