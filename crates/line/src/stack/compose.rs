//! The text of our requests. Pure: everything that goes in is an argument.

use crate::config::{Transport, TrunkConfig};
use crate::core::InDialog;
use crate::gate;
use crate::route::Leg;

/// What we answer.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, NOTIFY";

/// How we name ourselves.
pub(super) const AGENT: &str = concat!("Hark/", env!("CARGO_PKG_VERSION"));

/// Our side of one call on one trunk.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) call_id: String,
    pub(super) tag: String,
    /// `<sip:user@domain>`, without tag.
    from: String,
    /// `<sip:number@host>`, without tag.
    to: String,
    /// The Request-URI of the INVITE.
    pub(super) target: String,
    contact_user: String,
    /// P-Asserted-Identity and Privacy.
    identity: String,
}

/// Where a message leaves from, as the peer shall see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) transport: Transport,
    /// `host:port` for Via.
    pub(super) via: &'a str,
    /// `host:port` for Contact.
    pub(super) contact: &'a str,
}

/// What is special about one INVITE.
#[derive(Debug, Clone, Copy)]
pub(super) struct InviteParts<'a> {
    pub(super) cseq: u32,
    pub(super) branch: &'a str,
    pub(super) reliable: bool,
    pub(super) session: Option<u32>,
    pub(super) min_se: Option<u32>,
    pub(super) authorization: Option<&'a (&'static str, String)>,
    pub(super) sdp: &'a str,
}

/// What is special about one request inside a dialog.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts<'a> {
    pub(super) branch: &'a str,
    /// Whole header lines.
    pub(super) extra: &'a str,
    pub(super) authorization: Option<&'a (&'static str, String)>,
    pub(super) sdp: Option<&'a str>,
}

impl Identity {
    /// Who calls whom over a trunk. `domain` is the line's.
    pub(super) fn new(leg: &Leg, call_id: String, tag: String, domain: &str) -> Self {
        let config = &leg.trunk.config;
        let caller = leg.passed.caller_id.as_ref();
        let user = config
            .from_user
            .clone()
            .or_else(|| caller.map(|id| gate::write_caller_id(config, id)))
            .or_else(|| config.username.clone())
            .unwrap_or_else(|| "hark".to_owned());
        let user = escape_user(&user);
        let from_domain = config.from_domain.as_deref().unwrap_or(domain);
        let from = if config.privacy {
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned()
        } else {
            format!("<sip:{user}@{from_domain}>")
        };
        let mut identity = String::new();
        if let Some(id) = caller.filter(|_| config.asserted_identity) {
            let global = gate::global_caller_id(config, id);
            identity += &format!("P-Asserted-Identity: <sip:{global}@{from_domain}>\r\n");
        }
        if config.privacy {
            identity += "Privacy: id\r\n";
        }
        let number = escape_user(&leg.passed.dialled);
        Self {
            call_id,
            tag,
            from,
            to: format!("<sip:{number}@{}>", config.address),
            target: format!("sip:{number}@{}{}", config.address, uri_transport(config)),
            contact_user: if config.privacy {
                "anonymous".to_owned()
            } else {
                user
            },
            identity,
        }
    }

    /// An INVITE outside a dialog.
    pub(super) fn invite(&self, here: Here<'_>, parts: InviteParts<'_>) -> String {
        let mut head = self.head(
            "INVITE",
            &self.target,
            here,
            parts.branch,
            parts.cseq,
            &self.to,
            &[],
        );
        head += &self.contact(here);
        head += &format!("Allow: {ALLOW}\r\n");
        head += if parts.reliable {
            "Supported: timer, 100rel\r\n"
        } else {
            "Supported: timer\r\n"
        };
        if let Some(session) = parts.session {
            head += &format!("Session-Expires: {session}\r\n");
        }
        if let Some(min) = parts.min_se {
            head += &format!("Min-SE: {min}\r\n");
        }
        head += &self.identity;
        finish(head, parts.authorization, Some(parts.sdp))
    }

    /// CANCEL of an INVITE: the same branch, the same CSeq number.
    pub(super) fn cancel(&self, here: Here<'_>, cseq: u32, branch: &str) -> String {
        finish(
            self.head("CANCEL", &self.target, here, branch, cseq, &self.to, &[]),
            None,
            None,
        )
    }

    /// ACK of a refusal: the same branch.
    pub(super) fn ack_refusal(&self, here: Here<'_>, cseq: u32, branch: &str, tag: &str) -> String {
        let to = tagged(&self.to, tag);
        finish(
            self.head("ACK", &self.target, here, branch, cseq, &to, &[]),
            None,
            None,
        )
    }

    /// A request inside the dialog with one fork.
    pub(super) fn in_dialog(
        &self,
        method: &str,
        dialog: &InDialog,
        here: Here<'_>,
        parts: Parts<'_>,
    ) -> String {
        let (uri, routes) = self.way(dialog);
        let to = tagged(&self.to, &dialog.tag);
        let mut head = self.head(method, uri, here, parts.branch, dialog.cseq, &to, &routes);
        if matches!(method, "INVITE" | "UPDATE") {
            head += &self.contact(here);
            head += &format!("Allow: {ALLOW}\r\nSupported: timer\r\n");
        }
        head += parts.extra;
        finish(head, parts.authorization, parts.sdp)
    }

    /// Request-URI and Route headers (RFC 3261 §12.2.1.1), loose and strict routers alike.
    pub(super) fn way<'a>(&'a self, dialog: &'a InDialog) -> (&'a str, Vec<&'a str>) {
        let target = dialog.target.as_deref().unwrap_or(&self.target);
        let mut routes: Vec<&str> = dialog.routes.iter().map(String::as_str).collect();
        match routes.first() {
            Some(first) if super::text::uri_param(first, "lr").is_none() => {
                let first = routes.remove(0);
                routes.push(target);
                (first, routes)
            }
            _ => (target, routes),
        }
    }

    fn contact(&self, here: Here<'_>) -> String {
        format!("Contact: {}\r\n", self.contact_value(here))
    }

    /// The value of our Contact.
    pub(super) fn contact_value(&self, here: Here<'_>) -> String {
        let transport = match here.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:{}@{}{transport}>", self.contact_user, here.contact)
    }

    #[expect(clippy::too_many_arguments, reason = "the lines of a request, in their order")]
    fn head(
        &self,
        method: &str,
        uri: &str,
        here: Here<'_>,
        branch: &str,
        cseq: u32,
        to: &str,
        routes: &[&str],
    ) -> String {
        let mut head = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{} {};branch={branch};rport\r\nMax-Forwards: 70\r\n",
            here.transport.as_str(),
            here.via
        );
        for route in routes {
            head += &format!("Route: <{route}>\r\n");
        }
        head + &format!(
            "From: {};tag={}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n",
            self.from, self.tag, self.call_id
        )
    }
}

/// An OPTIONS that asks a trunk whether it lives.
pub(super) fn options(
    config: &TrunkConfig,
    here: Here<'_>,
    call_id: &str,
    tag: &str,
    branch: &str,
    domain: &str,
) -> String {
    let user = escape_user(
        config
            .from_user
            .as_deref()
            .or(config.username.as_deref())
            .unwrap_or("hark"),
    );
    let from_domain = config.from_domain.as_deref().unwrap_or(domain);
    let head = format!(
        "OPTIONS sip:{address}{transport} SIP/2.0\r\nVia: SIP/2.0/{} {};branch={branch};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@{from_domain}>;tag={tag}\r\nTo: <sip:{address}>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\
         Contact: <sip:{user}@{}{transport}>\r\nAccept: application/sdp\r\n",
        here.transport.as_str(),
        here.via,
        here.contact,
        address = config.address,
        transport = uri_transport(config),
    );
    finish(head, None, None)
}

fn finish(mut head: String, authorization: Option<&(&'static str, String)>, sdp: Option<&str>) -> String {
    if let Some((name, value)) = authorization {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("User-Agent: {AGENT}\r\n");
    match sdp {
        Some(sdp) => {
            head + &format!(
                "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
                sdp.len()
            )
        }
        None => head + "Content-Length: 0\r\n\r\n",
    }
}

fn tagged(to: &str, tag: &str) -> String {
    if tag.is_empty() {
        to.to_owned()
    } else {
        format!("{to};tag={tag}")
    }
}

const fn uri_transport(config: &TrunkConfig) -> &'static str {
    match config.transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
    }
}

/// What may not stand in the user part of a URI is written as `%xx`.
fn escape_user(user: &str) -> String {
    user.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
