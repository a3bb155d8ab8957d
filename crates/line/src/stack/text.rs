//! Small readings of header values that no peer can break: tags, URIs, lists, parameters. What cannot be read is
//! absent, never an error.

/// Splits a list at commas that stand neither in quotes nor in angle brackets.
pub(super) fn list(value: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut from, mut quoted, mut angle) = (0, false, false);
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !angle => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            ',' if !quoted && !angle => {
                items.push(value[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(value[from..].trim());
    items.retain(|item| !item.is_empty());
    items
}

/// The URI of a name-addr or addr-spec.
pub(super) fn uri(value: &str) -> Option<&str> {
    let outside = skip_quoted(value);
    let uri = match outside.find('<') {
        Some(open) => {
            let inner = &outside[open + 1..];
            &inner[..inner.find('>')?]
        }
        // Without brackets, parameters belong to the header.
        None => outside.split(';').next().unwrap_or_default(),
    };
    let uri = uri.trim();
    let clean = !uri.is_empty() && !uri.bytes().any(|b| b.is_ascii_control() || b == b' ');
    (clean && uri.contains(':') && uri != "*").then_some(uri)
}

/// A parameter of the header itself, after the URI.
pub(super) fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let outside = skip_quoted(value);
    let after = outside.rfind('>').map_or(outside, |at| &outside[at + 1..]);
    after
        .split(';')
        .skip(usize::from(!outside.contains('>')))
        .find_map(|part| named(part, name))
}

/// A parameter of a URI: `Some("")` when it has no value.
pub(super) fn uri_param<'a>(uri: &'a str, name: &str) -> Option<&'a str> {
    let end = uri.find('?').unwrap_or(uri.len());
    let host = uri[..end].rfind('@').map_or(0, |at| at + 1);
    uri[host..end]
        .split(';')
        .skip(1)
        .find_map(|part| named(part, name))
}

/// Host and port of a SIP URI.
pub(super) fn host_port(uri: &str) -> Option<(&str, Option<u16>)> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") && !scheme.eq_ignore_ascii_case("sips") {
        return None;
    }
    let rest = &rest[..rest.find('?').unwrap_or(rest.len())];
    let rest = rest.rfind('@').map_or(rest, |at| &rest[at + 1..]);
    crate::config::split_address(rest.split(';').next()?)
}

/// `name=value` or `name`, the name without regard to case; quotes are taken off.
fn named<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = part.split_once('=').unwrap_or((part, ""));
    key.trim()
        .eq_ignore_ascii_case(name)
        .then(|| value.trim().trim_matches('"'))
}

/// What follows a quoted display name.
fn skip_quoted(value: &str) -> &str {
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"') else {
        return value;
    };
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &inner[at + 1..],
            _ => {}
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn display_names_may_hold_anything() {
        let value = "\"A, <sip:evil@x>;tag=no \\\" \" <sip:bob@host:5070;lr>;tag=yes";
        assert_eq!(uri(value), Some("sip:bob@host:5070;lr"));
        assert_eq!(param(value, "TAG"), Some("yes"));
        assert_eq!(list(&format!("{value}, <sip:b@c,d>")).len(), 2);
    }

    #[test]
    fn a_uri_without_brackets_leaves_its_parameters_to_the_header() {
        assert_eq!(uri("sip:bob@host;tag=1"), Some("sip:bob@host"));
        assert_eq!(param("sip:bob@host;tag=1", "tag"), Some("1"));
        assert_eq!(uri("*"), None);
        assert_eq!(uri("<sip:a@b\r\nX: y>"), None);
    }

    #[test]
    fn hosts_are_found_behind_users_with_parameters() {
        assert_eq!(
            host_port("sip:+86138;npdi=yes@10.0.0.1:5080;transport=tcp?x=y"),
            Some(("10.0.0.1", Some(5080)))
        );
        assert_eq!(
            uri_param("sip:+86138;npdi=yes@10.0.0.1;transport=tcp;lr?x=y", "transport"),
            Some("tcp")
        );
        assert_eq!(uri_param("sip:u;lr@h", "lr"), None);
        assert_eq!(uri_param("sip:h;lr", "lr"), Some(""));
        assert_eq!(host_port("sip:[::1]:5062"), Some(("[::1]", Some(5062))));
        assert_eq!(host_port("tel:+861380000"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(value in "[\\PC<>\",;:@=\\\\ ]{0,60}") {
            let _ = (list(&value), uri(&value), param(&value, "tag"), uri_param(&value, "lr"), host_port(&value));
        }
    }
}
