//! Digest credentials (RFC 7616, RFC 8760): MD5 and SHA-256, with and without qop=auth.

use std::collections::HashMap;

use md5::Md5;
use rsipstack::sip::{HasHeaders, Response};
use sha2::{Digest, Sha256};

use super::text;
use crate::config::Secret;
use crate::core::Challenge;

/// Who we are to a trunk, and how often each nonce was used.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) secret: Secret,
    used: HashMap<String, u32>,
}

impl Credentials {
    pub(super) fn new(username: String, secret: Secret) -> Self {
        Self {
            username,
            secret,
            used: HashMap::new(),
        }
    }

    /// The header that answers a challenge: its name and its value.
    pub(super) fn answer(
        &mut self,
        challenge: &Challenge,
        method: &str,
        uri: &str,
    ) -> (&'static str, String) {
        let count = self.used.entry(challenge.nonce.clone()).or_default();
        *count += 1;
        let name = if challenge.proxy {
            "Proxy-Authorization"
        } else {
            "Authorization"
        };
        let cnonce = format!("{:016x}", rand::random::<u64>());
        let who = (self.username.as_str(), self.secret.reveal());
        (name, header(challenge, who, (method, uri), *count, &cnonce))
    }
}

/// The best challenge of a 401 or 407 that we can answer.
pub(super) fn challenge(response: &Response, code: u16) -> Option<Challenge> {
    let (first, second) = if code == 407 {
        ("Proxy-Authenticate", "WWW-Authenticate")
    } else {
        ("WWW-Authenticate", "Proxy-Authenticate")
    };
    let of = |name: &str| {
        response
            .headers()
            .iter()
            .filter(|h| h.name().eq_ignore_ascii_case(name))
            .filter_map(|h| parse(h.value(), name == "Proxy-Authenticate"))
            .max_by_key(|c| {
                c.algorithm
                    .as_deref()
                    .is_some_and(|a| a.eq_ignore_ascii_case("SHA-256"))
            })
    };
    of(first).or_else(|| of(second))
}

fn parse(value: &str, proxy: bool) -> Option<Challenge> {
    let value = value.trim();
    let scheme = value.get(..6)?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let (mut realm, mut nonce, mut opaque, mut algorithm, mut qop, mut stale) =
        (None, None, None, None, None, false);
    for item in text::list(&value[6..]) {
        let Some((key, value)) = item.split_once('=') else {
            continue;
        };
        let value = unquote(value);
        match key.trim().to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "nonce" => nonce = Some(value),
            "opaque" => opaque = Some(value),
            "algorithm" => algorithm = Some(value),
            "qop" => qop = Some(value),
            "stale" => stale = value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
    if let Some(algorithm) = &algorithm {
        let known = ["MD5", "SHA-256"]
            .iter()
            .any(|a| algorithm.eq_ignore_ascii_case(a));
        if !known {
            return None;
        }
    }
    let qop_auth = match &qop {
        None => false,
        Some(list) => {
            if !list.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")) {
                return None;
            }
            true
        }
    };
    Some(Challenge {
        proxy,
        realm: realm?,
        nonce: nonce?,
        opaque,
        algorithm,
        qop_auth,
        stale,
    })
}

fn unquote(value: &str) -> String {
    let value = value.trim();
    match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        Some(inner) => {
            let mut out = String::with_capacity(inner.len());
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                out.extend(if c == '\\' { chars.next() } else { Some(c) });
            }
            out
        }
        None => value.to_owned(),
    }
}

fn header(
    challenge: &Challenge,
    (username, password): (&str, &str),
    (method, uri): (&str, &str),
    count: u32,
    cnonce: &str,
) -> String {
    let sha = challenge
        .algorithm
        .as_deref()
        .is_some_and(|a| a.eq_ignore_ascii_case("SHA-256"));
    let hash = |text: String| {
        if sha {
            hex(&Sha256::digest(text.as_bytes()))
        } else {
            hex(&Md5::digest(text.as_bytes()))
        }
    };
    let Challenge { realm, nonce, .. } = challenge;
    let ha1 = hash(format!("{username}:{realm}:{password}"));
    let ha2 = hash(format!("{method}:{uri}"));
    let response = if challenge.qop_auth {
        hash(format!("{ha1}:{nonce}:{count:08x}:{cnonce}:auth:{ha2}"))
    } else {
        hash(format!("{ha1}:{nonce}:{ha2}"))
    };
    let mut value = format!(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\"",
        quote(username),
        quote(realm),
        quote(nonce)
    );
    if let Some(algorithm) = &challenge.algorithm {
        value += &format!(", algorithm={algorithm}");
    }
    if let Some(opaque) = &challenge.opaque {
        value += &format!(", opaque=\"{}\"", quote(opaque));
    }
    if challenge.qop_auth {
        value += &format!(", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\"");
    }
    value
}

/// For a quoted string; control characters, which a hostile challenge could smuggle in, are dropped.
fn quote(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7616 §3.9.1.
    #[test]
    fn the_examples_of_the_standard_come_out() {
        let value = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
                     nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let challenge = parse(value, false).expect("a challenge");
        let who = ("Mufasa", "Circle of Life");
        let what = ("GET", "/dir/index.html");
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = header(&challenge, who, what, 1, cnonce);
        assert!(
            answer.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            "{answer}"
        );
        let md5 = Challenge {
            algorithm: Some("MD5".into()),
            ..challenge
        };
        let answer = header(&md5, who, what, 1, cnonce);
        assert!(answer.contains("8ca523f5e9506fed4657c9700eebdbec"), "{answer}");
    }

    #[test]
    fn without_qop_the_old_form_is_used() {
        // RFC 2069 as corrected by its errata: HA1:nonce:HA2.
        let challenge = parse("Digest realm=\"r\",nonce=\"n\"", true).expect("a challenge");
        let answer = header(&challenge, ("u", "p"), ("INVITE", "sip:x@y"), 1, "c");
        assert!(!answer.contains("cnonce") && challenge.proxy);
    }

    #[test]
    fn what_we_cannot_answer_is_no_challenge() {
        for value in [
            "Basic realm=\"r\"",
            "Digest realm=\"r\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\",nonce=\"n\",algorithm=SHA-512-256",
            "Digest realm=\"r\",nonce=\"n\",qop=\"auth-int\"",
            "",
            "Dig",
            "Digést realm=\"r\",nonce=\"n\"",
        ] {
            assert_eq!(parse(value, false), None, "{value}");
        }
    }

    #[test]
    fn a_nonce_used_again_counts_up() {
        let challenge = parse("Digest realm=\"r\",nonce=\"n\",qop=\"auth\"", false).expect("a challenge");
        let secret = crate::config::read_secret(
            "t",
            &crate::config::TrunkConfig {
                username: Some("u".into()),
                password_env: Some("x".into()),
                ..crate::config::TrunkConfig::at("h")
            },
            |_| Some("p".into()),
        );
        let mut credentials = Credentials::new("u".into(), secret.expect("readable").expect("there"));
        assert!(
            credentials
                .answer(&challenge, "INVITE", "sip:x")
                .1
                .contains("nc=00000001")
        );
        assert!(
            credentials
                .answer(&challenge, "BYE", "sip:x")
                .1
                .contains("nc=00000002")
        );
    }

    #[test]
    fn a_hostile_realm_cannot_break_out_of_its_quotes() {
        assert_eq!(quote("a\"\r\nX: y\\"), "a\\\"X: y\\\\");
    }
}
