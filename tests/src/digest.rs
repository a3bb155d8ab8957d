//! Checks a digest answer as a carrier's registrar would (RFC 2617, MD5, qop=auth), in code of the tests' own.

use std::collections::HashMap;

use md5::{Digest, Md5};

/// Whether the value of an `Authorization` or `Proxy-Authorization` header proves `user` and `password` for an INVITE.
///
/// # Errors
/// Says which part is missing or wrong.
pub fn digest_is_right(header: &str, user: &str, password: &str) -> Result<(), String> {
    let fields: HashMap<_, _> = header
        .strip_prefix("Digest ")
        .ok_or_else(|| format!("no digest: {header}"))?
        .split(',')
        .filter_map(|field| field.trim().split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
        .collect();
    let field = |name: &str| {
        fields
            .get(name)
            .copied()
            .ok_or_else(|| format!("{name} is missing in {header}"))
    };
    if field("username")? != user {
        return Err(format!("the user is not {user}: {header}"));
    }
    let who = md5(&format!("{user}:{}:{password}", field("realm")?));
    let what = md5(&format!("INVITE:{}", field("uri")?));
    let wanted = md5(&format!(
        "{who}:{}:{}:{}:{}:{what}",
        field("nonce")?,
        field("nc")?,
        field("cnonce")?,
        field("qop")?
    ));
    if field("response")? == wanted {
        Ok(())
    } else {
        Err(format!("the response is {}, not {wanted}", field("response")?))
    }
}

fn md5(text: &str) -> String {
    Md5::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The response was computed with another language's MD5.
    #[test]
    fn right_and_wrong_passwords_are_told_apart() {
        let header = "Digest username=\"hark\", realm=\"hark.test\", nonce=\"n0nce1\", uri=\"sip:1@127.0.0.1\", \
                      qop=auth, nc=00000001, cnonce=\"c\", response=\"RESPONSE\", algorithm=MD5";
        let response = "08297f3fda0aa8b947558ee91b769d87";
        let header = header.replace("RESPONSE", response);
        assert_eq!(digest_is_right(&header, "hark", "opensesame"), Ok(()));
        assert!(digest_is_right(&header, "hark", "guess").is_err());
        assert!(digest_is_right(&header, "other", "opensesame").is_err());
    }
}
