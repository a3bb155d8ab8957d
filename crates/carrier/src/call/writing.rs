//! Writes the carrier's responses and requests of one call.

use std::net::SocketAddr;

use super::{Dialog, Machine};
use crate::media::Remote;
use crate::script::SdpQuirk;
use crate::sip::{Direction, Message, NameAddr, Start, Text, answer, direction_answer};

/// Methods we understand.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO";

/// A response to any request: what must be copied, copied. `tag` is added to To where it has none.
pub(crate) fn respond(request: &Message, source: SocketAddr, code: u16, tag: &str) -> Text {
    let mut text = Text::response(code);
    for (n, via) in request.headers("via").enumerate() {
        text = if n == 0 {
            text.header("Via", reached(via, source))
        } else {
            text.header("Via", via)
        };
    }
    let to = request.header("to").unwrap_or_default();
    let to = if request.to_tag().is_some() || code == 100 {
        to.to_owned()
    } else {
        format!("{to};tag={tag}")
    };
    text.header("From", request.header("from").unwrap_or_default())
        .header("To", to)
        .header("Call-ID", request.call_id())
        .header("CSeq", request.header("cseq").unwrap_or_default())
}

/// The topmost Via with `received` and `rport` filled in (RFC 3581).
fn reached(via: &str, source: SocketAddr) -> String {
    let (first, rest) = match via.split_once(',') {
        Some((first, rest)) => (first, format!(",{rest}")),
        None => (via, String::new()),
    };
    let mut parts: Vec<String> = first.split(';').map(str::to_owned).collect();
    for part in parts.iter_mut().skip(1) {
        if part.trim().eq_ignore_ascii_case("rport") {
            *part = format!("rport={};received={}", source.port(), source.ip());
        }
    }
    parts.join(";") + &rest
}

impl Machine {
    /// The To tag of a fork.
    pub(super) fn tag(&self, fork: usize) -> String {
        if fork == 0 {
            self.tag.clone()
        } else {
            format!("{}-{fork}", self.tag)
        }
    }

    /// A response to the present INVITE that makes or may make a dialog.
    pub(super) fn dialog_response(&self, request: &Message, code: u16, fork: usize) -> Text {
        let mut text = respond(request, self.setting.source, code, &self.tag(fork));
        for route in request.headers("record-route") {
            text = text.header("Record-Route", route);
        }
        if code < 200 || !self.script.quirks.no_contact {
            text = text.header("Contact", self.contact());
        }
        text.header("Allow", ALLOW)
            .header("Server", "hark-carrier (simulated)")
    }

    /// Our own address in the dialog.
    pub(super) fn contact(&self) -> String {
        let transport = match self.setting.transport {
            "udp" => String::new(),
            other => format!(";transport={other}"),
        };
        format!("<sip:carrier@{}{transport}>", self.setting.local)
    }

    /// Our SDP, as the present offer allows it.
    pub(super) fn sdp(&self, final_answer: bool) -> Option<String> {
        let quirk = if final_answer {
            self.script.quirks.sdp
        } else {
            SdpQuirk::Sound
        };
        let mut at = self.setting.rtp;
        let (mut codecs, dtmf, comfort, direction) = match &self.offer {
            Some(o) => (
                self.chosen(&o.codecs),
                o.dtmf,
                o.comfort,
                direction_answer(o.direction),
            ),
            None => (self.setting.codecs.clone(), Some(101), false, "sendrecv"),
        };
        match quirk {
            SdpQuirk::Sound => {}
            SdpQuirk::PortZero => at.set_port(0),
            SdpQuirk::NoCodec => codecs = Vec::new(),
            SdpQuirk::Absent => return None,
        }
        let session = u64::from(self.setting.rtp.port());
        Some(answer(at, session, &codecs, dtmf, comfort, direction))
    }

    /// The first codec of theirs that we take.
    pub(super) fn chosen(&self, offered: &[crate::Codec]) -> Vec<crate::Codec> {
        offered
            .iter()
            .copied()
            .find(|c| self.setting.codecs.contains(c))
            .into_iter()
            .collect()
    }

    /// Where our media goes, once both sides have described theirs.
    pub(super) fn remote(&self) -> Option<Remote> {
        let offer = self.offer.as_ref()?;
        Some(Remote {
            address: offer.rtp?,
            codec: *self.chosen(&offer.codecs).first()?,
            dtmf: offer.dtmf,
            sends: matches!(offer.direction, Direction::SendRecv | Direction::RecvOnly),
        })
    }

    /// A request of ours inside a dialog, and its branch.
    pub(super) fn in_dialog(&mut self, method: &'static str, dialog: usize) -> Option<(Text, String, u32)> {
        let branch = format!(
            "z9hG4bK{}{}",
            self.setting.dice.token(),
            self.setting.dice.token()
        );
        self.dialogs[dialog].local_cseq += 1;
        let cseq = self.dialogs[dialog].local_cseq;
        let text = self.in_dialog_as(method, &self.dialogs[dialog], &branch, cseq)?;
        Some((text, branch, cseq))
    }

    /// A request of ours with a given branch and CSeq: an ACK, too.
    pub(super) fn in_dialog_as(
        &self,
        method: &str,
        dialog: &Dialog,
        branch: &str,
        cseq: u32,
    ) -> Option<Text> {
        let invite = &self.invites.last()?.request;
        let Start::Request { uri, .. } = &invite.start else {
            return None;
        };
        let target = invite
            .header("contact")
            .map_or(uri.as_str(), |c| NameAddr::read(c).uri);
        let mut text = Text::request(method, target).header(
            "Via",
            format_args!(
                "SIP/2.0/{} {};branch={branch};rport",
                self.setting.transport.to_ascii_uppercase(),
                self.setting.local
            ),
        );
        for route in invite.headers("record-route") {
            text = text.header("Route", route);
        }
        Some(
            text.header("Max-Forwards", 70)
                .header(
                    "From",
                    format_args!("{};tag={}", invite.header("to")?, dialog.tag),
                )
                .header("To", invite.header("from")?)
                .header("Call-ID", invite.call_id())
                .header("CSeq", format_args!("{cseq} {method}"))
                .header("Contact", self.contact()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_top_via_is_told_where_it_came_from() {
        let source = "127.0.0.1:5099".parse().expect("an address");
        assert_eq!(
            reached("SIP/2.0/UDP a;rport;branch=1, SIP/2.0/UDP b;rport", source),
            "SIP/2.0/UDP a;rport=5099;received=127.0.0.1;branch=1, SIP/2.0/UDP b;rport"
        );
        assert_eq!(
            reached("SIP/2.0/TCP a;branch=1", source),
            "SIP/2.0/TCP a;branch=1"
        );
    }
}
