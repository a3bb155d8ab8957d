//! Digest authentication, the server's side (RFC 7616 with MD5 and qop=auth, as trunks use it).

use md5::{Digest as _, Md5};

use crate::DigestConfig;

/// The value of WWW-Authenticate or Proxy-Authenticate.
pub(crate) fn challenge(realm: &str, nonce: &str) -> String {
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"")
}

/// Whether an Authorization value answers a challenge of ours rightly.
pub(crate) fn is_right(value: &str, method: &str, config: &DigestConfig, nonce: &str) -> bool {
    let Some(fields) = value.trim().strip_prefix("Digest ").map(fields) else {
        return false;
    };
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let (Some(uri), Some(response)) = (field("uri"), field("response")) else {
        return false;
    };
    if field("username") != Some(&config.user)
        || field("realm") != Some(&config.realm)
        || field("nonce") != Some(nonce)
    {
        return false;
    }
    let ha1 = hex_md5(&format!("{}:{}:{}", config.user, config.realm, config.password));
    let ha2 = hex_md5(&format!("{method}:{uri}"));
    let expected = match (field("qop"), field("nc"), field("cnonce")) {
        (None, _, _) => hex_md5(&format!("{ha1}:{nonce}:{ha2}")),
        (Some(qop), Some(nc), Some(cnonce)) => hex_md5(&format!("{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}")),
        _ => return false,
    };
    response.eq_ignore_ascii_case(&expected)
}

fn fields(value: &str) -> Vec<(String, String)> {
    let mut quoted = false;
    value
        .split(move |c| {
            if c == '"' {
                quoted = !quoted;
            }
            c == ',' && !quoted
        })
        .filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((
                name.trim().to_ascii_lowercase(),
                value.trim().trim_matches('"').to_owned(),
            ))
        })
        .collect()
}

fn hex_md5(text: &str) -> String {
    Md5::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_2617_is_right_and_any_change_is_wrong() {
        let config = DigestConfig {
            user: "Mufasa".into(),
            password: "Circle Of Life".into(),
            realm: "testrealm@host.com".into(),
            proxy: false,
        };
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let value = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
            nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, nc=00000001, \
            cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\"";
        assert!(is_right(value, "GET", &config, nonce));
        assert!(!is_right(value, "INVITE", &config, nonce));
        assert!(!is_right(value, "GET", &config, "another"));
        assert!(!is_right(&value.replace("6629", "6628"), "GET", &config, nonce));
        assert!(!is_right("Basic abc", "GET", &config, nonce));
    }
}
