//! What the machine says, done: messages built and sent, media steered, the owner told.

use std::net::SocketAddr;
use std::time::Duration;

use rsipstack::sip::{Request, Uri};

use super::compose::{InviteParts, Parts};
use super::driver::{Driver, Report, Sent};
use super::registry::Reaction;
use super::resolve::literal;
use super::way::Way;
use super::{text, transact};
use crate::config::Transport;
use crate::core::{Answer, Asked, Body, Command, Event, InDialog, Invite, Refresher};
use crate::facts::{EndedBy, FactKind};
use crate::media::Remote;
use crate::media::sdp::{self, OfferParams};

/// Finding a peer's Contact, where it is a name or needs a connection. Then the INVITE's way is taken.
const NEXT_HOP_PATIENCE: Duration = Duration::from_secs(2);

impl Driver {
    /// Does it, in order. Returns what the doing itself brought up.
    pub(super) async fn execute(&mut self, commands: Vec<Command>) -> Option<Event> {
        let mut event = None;
        for command in commands {
            match command {
                Command::Connect => self.hunt_on(),
                Command::Invite(invite) => {
                    if let Some(refused) = self.sent.last() {
                        refused.handle.acknowledged().await;
                    }
                    event = self.invite(&invite).or(event);
                }
                Command::Abandon => {
                    if let Some(sent) = self.sent.last() {
                        sent.handle.abandon();
                    }
                }
                Command::Cancel { cseq } => self.cancel(cseq),
                Command::Ack(dialog) => self.ack(&dialog).await,
                Command::AckRefusal { cseq, tag } => self.ack_refusal(cseq, &tag).await,
                Command::Prack {
                    dialog,
                    rseq,
                    invite_cseq,
                } => {
                    let extra = format!("RAck: {rseq} {invite_cseq} INVITE\r\n");
                    self.ask("PRACK", dialog, &extra, Asked::Prack).await;
                }
                Command::Bye { dialog, tag } => self.ask("BYE", dialog, "", Asked::Bye(tag)).await,
                Command::Refresh {
                    dialog,
                    update,
                    session,
                } => self.refresh(dialog, update, session).await,
                Command::Answer(answer) => self.answer(answer).await,
                Command::Media { sdp, settled } => {
                    if let Err(why) = self.use_sdp(&sdp) {
                        // Who is heard already is not hung up on for a description.
                        if settled && !self.media_connected {
                            event = Some(Event::NoMedia(why));
                        } else {
                            self.tell(FactKind::Note(format!("the peer's SDP cannot be used: {why}")));
                        }
                    }
                }
                Command::MediaAnswered => self.on_answered(),
                Command::Tell(fact) => self.tell(fact),
                Command::End(mut ended) => {
                    self.stats = self.media.take().map(crate::media::MediaSession::close);
                    ended.media = self.stats.clone().filter(|_| ended.invited);
                    let by = match &ended.by {
                        EndedBy::Network(why) => why.clone(),
                        by => format!("{by:?}"),
                    };
                    tracing::info!(code = ended.code, by, answered = ended.answered, "call ended");
                    self.tell(FactKind::Ended(ended));
                }
                Command::Release => {
                    self.released = true;
                    if let Some(hunt) = &mut self.hunt {
                        hunt.release();
                    }
                }
            }
        }
        event
    }

    fn hunt_on(&mut self) {
        let Some(mut hunt) = self.hunt.take() else { return };
        let (core, reports) = (self.core.clone(), self.reports.clone());
        tokio::spawn(async move {
            let found = hunt.next(&core).await;
            reports.send(Report::Hunted(hunt, Box::new(found))).await.ok();
        });
    }

    fn invite(&mut self, invite: &Invite) -> Option<Event> {
        let (Some(way), Some(identity)) = (self.way.clone(), self.identity.clone()) else {
            return Some(Event::Unreachable("no way was found".into()));
        };
        let Some(hunt) = &mut self.hunt else { return None };
        hunt.spend();
        let config = hunt.leg.trunk.config.clone();
        let (trunk, caller_id) = (hunt.leg.trunk.id.clone(), hunt.leg.passed.caller_id.clone());
        self.codecs.clone_from(&config.codecs);
        self.sdp = sdp::offer(&OfferParams {
            address: way.ip,
            rtp_port: self
                .media
                .as_ref()
                .map_or(0, crate::media::MediaSession::rtp_port),
            codecs: &config.codecs,
            session_id: self.session_id,
            version: self.sdp_version,
        });
        let authorization = invite
            .challenge
            .as_ref()
            .zip(self.credentials.as_mut())
            .map(|(challenge, credentials)| credentials.answer(challenge, "INVITE", &identity.target));
        let branch = branch();
        let text = identity.invite(
            way.here(),
            InviteParts {
                cseq: invite.cseq,
                branch: &branch,
                reliable: invite.reliable,
                session: invite.session,
                min_se: invite.min_se,
                authorization: authorization.as_ref(),
                sdp: &self.sdp,
            },
        );
        let sent = parse(&text).and_then(|request| transact::invite(&self.core.endpoint, &way, request));
        match sent {
            Ok(handle) => {
                if self.told.as_ref() != Some(&trunk) {
                    self.told = Some(trunk.clone());
                    let caller_id = caller_id.filter(|_| !config.privacy);
                    self.tell(FactKind::Invited {
                        trunk,
                        caller_id,
                        call_id: self.call_id.clone(),
                    });
                }
                tracing::debug!(peer = %way.peer, cseq = invite.cseq, "INVITE sent");
                self.sent.push(Sent {
                    cseq: invite.cseq,
                    branch,
                    way,
                    identity,
                    authorization,
                    handle,
                });
                None
            }
            Err(why) => {
                tracing::error!(why, "an INVITE could not be built");
                None
            }
        }
    }

    fn cancel(&mut self, cseq: u32) {
        let Some(sent) = self.sent.iter().find(|s| s.cseq == cseq) else {
            return;
        };
        let text = sent.identity.cancel(sent.way.here(), cseq, &sent.branch);
        let way = sent.way.clone();
        self.send(&text, &way, Asked::Cancel, cseq);
    }

    async fn ack(&mut self, dialog: &InDialog) {
        let sent = self.sent.iter().find(|s| s.cseq == dialog.cseq);
        // The ACK carries the INVITE's own credentials (RFC 3261 §22.1).
        let authorization = sent.and_then(|s| s.authorization.clone());
        let base = sent.map(|s| s.way.clone()).or_else(|| self.way.clone());
        let identity = sent.map(|s| s.identity.clone()).or_else(|| self.identity.clone());
        let Some((base, identity)) = base.zip(identity) else {
            return;
        };
        let (way, dialog) = self.next_hop(&base, dialog).await;
        let branch = branch();
        let parts = Parts {
            branch: &branch,
            authorization: authorization.as_ref(),
            ..Parts::default()
        };
        let text = identity.in_dialog("ACK", &dialog, way.here(), parts);
        match parse(&text) {
            Ok(request) => way.send(request).await,
            Err(why) => tracing::error!(why, "an ACK could not be built"),
        }
        self.fork_ways.insert(dialog.tag, way);
    }

    async fn ack_refusal(&mut self, cseq: u32, tag: &str) {
        let Some(sent) = self.sent.iter().find(|s| s.cseq == cseq) else {
            return;
        };
        let text = sent
            .identity
            .ack_refusal(sent.way.here(), cseq, &sent.branch, tag);
        if let Ok(request) = parse(&text) {
            sent.way.send(request).await;
        }
    }

    /// A request inside the dialog, minded by a transaction.
    async fn ask(&mut self, method: &'static str, dialog: InDialog, extra: &str, asked: Asked) {
        let base = self.fork_ways.get(&dialog.tag).or(self.way.as_ref()).cloned();
        let Some(base) = base else { return };
        let (way, dialog) = self.next_hop(&base, &dialog).await;
        let (Some(identity), branch) = (&self.identity, branch()) else {
            return;
        };
        let uri = identity.way(&dialog).0;
        let authorization = dialog
            .challenge
            .as_ref()
            .zip(self.credentials.as_mut())
            .map(|(challenge, credentials)| credentials.answer(challenge, method, uri));
        let sdp = (method == "INVITE").then_some(self.sdp.as_str());
        let parts = Parts {
            branch: &branch,
            extra,
            authorization: authorization.as_ref(),
            sdp,
        };
        let text = identity.in_dialog(method, &dialog, way.here(), parts);
        if method != "INVITE" {
            return self.send(&text, &way, asked, dialog.cseq);
        }
        let identity = identity.clone();
        match parse(&text).and_then(|request| transact::invite(&self.core.endpoint, &way, request)) {
            Ok(handle) => self.sent.push(Sent {
                cseq: dialog.cseq,
                branch,
                way,
                identity,
                authorization,
                handle,
            }),
            Err(why) => tracing::error!(why, "a re-INVITE could not be built"),
        }
    }

    async fn refresh(&mut self, dialog: InDialog, update: bool, session: u32) {
        let extra = format!("Session-Expires: {session};refresher=uac\r\n");
        self.ask(
            if update { "UPDATE" } else { "INVITE" },
            dialog,
            &extra,
            Asked::Update,
        )
        .await;
    }

    fn send(&self, text: &str, way: &Way, asked: Asked, cseq: u32) {
        let request = match parse(text) {
            Ok(request) => request,
            Err(why) => return tracing::error!(why, ?asked, "a request could not be built"),
        };
        let answered = transact::request(&self.core.endpoint, way, request);
        let reports = self.reports.clone();
        tokio::spawn(async move {
            if let Ok(answered) = answered.await {
                let reply = crate::core::Reply {
                    cseq,
                    ..answered.reply
                };
                reports.send(Report::Outcome(asked, Box::new(reply))).await.ok();
            }
        });
    }

    /// Where a request of this dialog goes: along its route set, to its Contact, or where the INVITE went.
    async fn next_hop(&self, base: &Way, dialog: &InDialog) -> (Way, InDialog) {
        let mut dialog = dialog.clone();
        // What the stack cannot read as a URI cannot be sent to; else it is as the stack will write it.
        dialog.target = dialog
            .target
            .and_then(|uri| Uri::try_from(uri.as_str()).ok())
            .map(|uri| uri.to_string());
        let way = self.find_hop(base, &dialog).await.unwrap_or_else(|| base.clone());
        (way, dialog)
    }

    async fn find_hop(&self, base: &Way, dialog: &InDialog) -> Option<Way> {
        if base.transport != Transport::Udp {
            return self.core.ways.again(base, NEXT_HOP_PATIENCE).await.ok();
        }
        let hop = dialog.routes.first().or(dialog.target.as_ref())?;
        let (host, port) = text::host_port(hop)?;
        let ip = match literal(host) {
            Some(ip) => ip,
            None => {
                let found = tokio::time::timeout(NEXT_HOP_PATIENCE, self.core.names.addresses(host)).await;
                found.ok()?.ok()?.into_iter().next()?
            }
        };
        let tcp = text::uri_param(hop, "transport").is_some_and(|t| t.eq_ignore_ascii_case("tcp"));
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        let peer = SocketAddr::new(ip, port.unwrap_or(transport.default_port()));
        if peer.ip().is_unspecified() || peer.is_ipv4() != self.core.ways.local().is_ipv4() {
            return None;
        }
        self.core
            .ways
            .elsewhere(transport, peer, NEXT_HOP_PATIENCE)
            .await
            .ok()
    }

    async fn answer(&mut self, answer: Answer) {
        let Some(sender) = self.answers.remove(&answer.id) else {
            return;
        };
        let mut reaction = Reaction::of(answer.code);
        match self.body(&answer.body) {
            Ok(sdp) => reaction.sdp = sdp,
            Err(why) => {
                self.tell(FactKind::Note(format!(
                    "the peer's new offer cannot be used, so it is refused: {why}"
                )));
                sender.send(Reaction::of(488)).ok();
                return;
            }
        }
        if answer.code == 200 {
            if let (Some(identity), Some(way)) = (&self.identity, &self.way) {
                reaction
                    .headers
                    .push(("Contact", identity.contact_value(way.here())));
            }
            reaction.headers.push(("Supported", "timer".into()));
        }
        if let Some(session) = answer.session {
            let refresher = if session.refresher == Some(Refresher::Uas) {
                "uas"
            } else {
                "uac"
            };
            if refresher == "uac" {
                reaction.headers.push(("Require", "timer".into()));
            }
            reaction.headers.push((
                "Session-Expires",
                format!("{};refresher={refresher}", session.seconds),
            ));
        }
        sender.send(reaction).ok();
    }

    fn body(&mut self, body: &Body) -> Result<Option<String>, String> {
        if *body == Body::None {
            return Ok(None);
        }
        let (Some(media), Some(way)) = (&self.media, &self.way) else {
            return Err("the call is over".into());
        };
        let ours = OfferParams {
            address: way.ip,
            rtp_port: media.rtp_port(),
            codecs: &self.codecs,
            session_id: self.session_id,
            version: self.sdp_version + 1,
        };
        let sdp = match body {
            Body::AnswerTo(offer) => {
                let answer = sdp::answer_to(offer, &ours).map_err(|e| e.to_string())?;
                self.connect_media(answer.remote);
                answer.sdp
            }
            Body::Offer | Body::None => sdp::offer(&ours),
        };
        self.sdp_version += 1;
        self.sdp.clone_from(&sdp);
        Ok(Some(sdp))
    }

    /// The peer's answer, in the ACK of a re-INVITE that came without an offer.
    pub(super) fn on_ack(&mut self, sdp: &[u8]) {
        if let Err(why) = self.use_sdp(sdp) {
            self.tell(FactKind::Note(format!("the peer's SDP cannot be used: {why}")));
        }
    }

    fn use_sdp(&mut self, sdp: &[u8]) -> Result<(), String> {
        let remote = sdp::parse_answer(sdp, &self.codecs).map_err(|e| e.to_string())?;
        self.connect_media(remote);
        Ok(())
    }

    fn connect_media(&mut self, mut remote: Remote) {
        let Some(media) = &self.media else { return };
        // Its description names no address: most likely it is where its signalling is, until its packets tell.
        if let Some(way) = &self.way
            && remote.rtp.ip().is_unspecified()
            && remote.direction.sends()
        {
            remote.rtp.set_ip(way.peer.ip());
        }
        media.connect(remote);
        self.media_connected = true;
    }
}

pub(super) fn branch() -> String {
    format!(
        "z9hG4bK{:016x}{:08x}",
        rand::random::<u64>(),
        rand::random::<u32>()
    )
}

pub(super) fn parse(text: &str) -> Result<Request, String> {
    Request::try_from(text).map_err(|e| e.to_string())
}
