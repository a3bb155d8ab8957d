//! From the SIP library's messages to the machine's words.

use rsipstack::sip::{HasHeaders, Header, HeadersExt, Request, Response};

use super::digest;
use super::text;
use crate::core::{Incoming, Method, Refresher, Reply, Session};

/// Marks a response the stack made up itself; see [`super::inspector`].
pub(super) const LOCAL: &str = "X-Hark-Local";

/// A response.
pub(super) fn reply(response: &Response) -> Reply {
    let code = u16::from(response.status_code.clone());
    let to = response
        .to_header()
        .map(|to| to.value().to_owned())
        .unwrap_or_default();
    let mut routes: Vec<String> = values(response, |h| matches!(h, Header::RecordRoute(_)))
        .flat_map(text::list)
        .filter_map(text::uri)
        .map(str::to_owned)
        .collect();
    routes.reverse();
    Reply {
        code,
        phrase: response
            .wire_reason
            .clone()
            .unwrap_or_else(|| response.status_code.text().to_owned()),
        cseq: cseq(response),
        tag: text::param(&to, "tag").unwrap_or_default().to_owned(),
        contact: contact(response),
        routes,
        sdp: sdp(response, &response.body),
        rseq: (code > 100 && code < 200 && has_token(response, "Require", "100rel"))
            .then(|| value(response, "RSeq")?.trim().parse().ok())
            .flatten(),
        demands_reliable: code >= 300 && has_token(response, "Require", "100rel"),
        session: session(response),
        min_se: value(response, "Min-SE").and_then(|v| leading_number(&v)),
        allows_update: has_token(response, "Allow", "UPDATE"),
        reason: value(response, "Reason"),
        challenge: matches!(code, 401 | 407)
            .then(|| digest::challenge(response, code))
            .flatten(),
        local: response
            .headers
            .iter()
            .any(|h| matches!(h, Header::Other(name, _) if name == LOCAL)),
    }
}

/// A request of the peer; `id` names it.
pub(super) fn incoming(request: &Request, id: u64) -> Incoming {
    use rsipstack::sip::Method as M;
    let tag = |value: &str| text::param(value, "tag").map(str::to_owned);
    Incoming {
        id,
        method: match request.method {
            M::Invite => Method::Invite,
            M::Bye => Method::Bye,
            M::Update => Method::Update,
            M::Refer => Method::Refer,
            M::Info => Method::Info,
            M::Options => Method::Options,
            M::Notify => Method::Notify,
            _ => Method::Other,
        },
        cseq: cseq(request),
        to_tag: request.to_header().ok().and_then(|h| tag(h.value())),
        from_tag: request
            .from_header()
            .ok()
            .and_then(|h| tag(h.value()))
            .unwrap_or_default(),
        contact: contact(request),
        sdp: sdp(request, &request.body),
        reason: value(request, "Reason"),
        session: session(request),
    }
}

/// A header's value, by its long name.
pub(super) fn value(message: &impl HasHeaders, name: &str) -> Option<String> {
    message
        .headers()
        .iter()
        .find(|h| h.name().eq_ignore_ascii_case(name))
        .map(|h| h.value().trim().to_owned())
}

fn values<'a>(
    message: &'a impl HasHeaders,
    wanted: impl Fn(&Header) -> bool + 'a,
) -> impl Iterator<Item = &'a str> {
    message
        .headers()
        .iter()
        .filter(move |h| wanted(h))
        .map(|h| h.value())
}

fn cseq(message: &impl HeadersExt) -> u32 {
    message.cseq_header().ok().and_then(|h| h.seq().ok()).unwrap_or(0)
}

fn contact(message: &impl HasHeaders) -> Option<String> {
    values(message, |h| matches!(h, Header::Contact(_)))
        .flat_map(text::list)
        .find_map(text::uri)
        .map(str::to_owned)
}

fn has_token(message: &impl HasHeaders, name: &str, token: &str) -> bool {
    message
        .headers()
        .iter()
        .filter(|h| h.name().eq_ignore_ascii_case(name))
        .flat_map(|h| h.value().split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn session(message: &impl HasHeaders) -> Option<Session> {
    let header = value(message, "Session-Expires")?;
    let refresher = match text::param(&format!("<>;{header}"), "refresher")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("uac") => Some(Refresher::Uac),
        Some("uas") => Some(Refresher::Uas),
        _ => None,
    };
    Some(Session {
        seconds: leading_number(&header)?,
        refresher,
    })
}

fn leading_number(value: &str) -> Option<u32> {
    let digits = value.trim();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// The SDP of a body: the whole of it, or the first SDP part of a multipart one.
fn sdp(message: &impl HasHeaders, body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return None;
    }
    let kind = value(message, "Content-Type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    if kind.is_empty() || kind.starts_with("application/sdp") {
        return Some(body.to_vec());
    }
    if !kind.starts_with("multipart/") {
        return None;
    }
    let boundary = text::param(&format!("<>;{}", value(message, "Content-Type")?), "boundary")?.to_owned();
    let body = String::from_utf8_lossy(body);
    body.split(&format!("--{boundary}")).find_map(|part| {
        let part = part.trim_start_matches(['\r', '\n']);
        let (head, content) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
        head.to_ascii_lowercase()
            .contains("application/sdp")
            .then(|| content.as_bytes().to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(extra: &str, body: &str) -> Response {
        let text = format!(
            "SIP/2.0 183 Session Progress\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=us\r\n\
             To: \"x;tag=no\" <sip:b@h>;tag=them\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Response::try_from(text.as_str()).expect("a response")
    }

    #[test]
    fn a_response_is_read_whole() {
        let r = reply(&response(
            "m: <sip:b@10.0.0.9:5070>;expires=1\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n\
             Require: 100rel\r\nRSeq: 42\r\nx: 1800 ; refresher = UAS\r\nAllow: INVITE, UPDATE\r\nReason: Q.850;cause=16\r\n\
             c: application/sdp\r\n",
            "v=0\r\n",
        ));
        assert_eq!(
            (r.code, r.cseq, r.tag.as_str(), r.rseq),
            (183, 7, "them", Some(42))
        );
        assert_eq!(r.contact.as_deref(), Some("sip:b@10.0.0.9:5070"));
        assert_eq!(
            r.routes,
            ["sip:p3;lr", "sip:p2;lr", "sip:p1;lr"],
            "nearest proxy first"
        );
        assert_eq!(
            r.session,
            Some(Session {
                seconds: 1800,
                refresher: Some(Refresher::Uas)
            })
        );
        assert!(r.allows_update && r.sdp.is_some() && !r.local);
        assert_eq!(r.reason.as_deref(), Some("Q.850;cause=16"));
    }

    #[test]
    fn rseq_counts_only_where_prack_is_required() {
        assert_eq!(reply(&response("RSeq: 42\r\n", "")).rseq, None);
    }

    #[test]
    fn sdp_is_found_in_a_multipart_body() {
        let body = "--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1--\r\n";
        let r = reply(&response("Content-Type: multipart/mixed;boundary=b1\r\n", body));
        assert_eq!(r.sdp.as_deref(), Some(&b"v=0\r\n"[..]));
        let r = reply(&response("Content-Type: text/plain\r\n", "hello"));
        assert_eq!(r.sdp, None);
    }
}
