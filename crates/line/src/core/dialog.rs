//! The forks of one call. Each To tag is its own dialog (RFC 3261 §12): several may ring, several may answer.

use super::words::{Challenge, InDialog, Reply, Tag};

/// One fork.
#[derive(Debug, Clone, Default)]
pub(super) struct Dialog {
    pub(super) tag: Tag,
    target: Option<String>,
    routes: Vec<String>,
    /// The SDP it sent before its 200.
    pub(super) early_sdp: Option<Vec<u8>>,
    /// The last reliable provisional response seen of it.
    pub(super) rseq: Option<u32>,
    /// The highest CSeq of its own requests.
    pub(super) peer_cseq: Option<u32>,
    /// It said BYE already, perhaps before its 200 reached us.
    pub(super) said_bye: bool,
    /// Our BYE to it was challenged already.
    pub(super) bye_challenged: bool,
    /// It answered, and is acknowledged.
    pub(super) answered: bool,
}

impl Dialog {
    /// Where a request to this fork goes.
    pub(super) fn way(&self, cseq: u32, challenge: Option<Challenge>) -> InDialog {
        InDialog {
            cseq,
            tag: self.tag.clone(),
            target: self.target.clone(),
            routes: self.routes.clone(),
            challenge,
        }
    }

    /// A target refresh (RFC 3261 §12.2.1.2): the peer moved.
    pub(super) fn moved(&mut self, contact: Option<&String>) {
        if let Some(contact) = contact {
            self.target = Some(contact.clone());
        }
    }
}

/// All forks seen.
#[derive(Debug, Default)]
pub(super) struct Dialogs(Vec<Dialog>);

/// More forks than any real network makes; beyond it the oldest unanswered one is forgotten.
const MAX_FORKS: usize = 16;

impl Dialogs {
    /// The fork a response came from, brought up to date.
    pub(super) fn learn(&mut self, reply: &Reply) -> &mut Dialog {
        let at = match self.0.iter().position(|d| d.tag == reply.tag) {
            Some(at) => at,
            None => {
                if self.0.len() >= MAX_FORKS
                    && let Some(oldest) = self.0.iter().position(|d| !d.answered)
                {
                    self.0.remove(oldest);
                }
                self.0.push(Dialog {
                    tag: reply.tag.clone(),
                    ..Dialog::default()
                });
                self.0.len() - 1
            }
        };
        let dialog = &mut self.0[at];
        dialog.moved(reply.contact.as_ref());
        // The route set is settled by the 2xx (RFC 3261 §13.2.2.4); before it, by each provisional.
        if !dialog.answered && (!reply.routes.is_empty() || (200..300).contains(&reply.code)) {
            dialog.routes.clone_from(&reply.routes);
        }
        if reply.sdp.is_some() && reply.code < 200 {
            dialog.early_sdp.clone_from(&reply.sdp);
        }
        dialog
    }

    pub(super) fn get(&self, tag: &str) -> Option<&Dialog> {
        self.0.iter().find(|d| d.tag == tag)
    }

    pub(super) fn get_mut(&mut self, tag: &str) -> Option<&mut Dialog> {
        self.0.iter_mut().find(|d| d.tag == tag)
    }

    /// A fork known only by a request it sent: its response is still on the way.
    pub(super) fn meet(&mut self, tag: &str) -> &mut Dialog {
        self.learn(&Reply {
            tag: tag.to_owned(),
            ..Reply::default()
        })
    }

    /// Another target: nothing said by the one before holds.
    pub(super) fn forget(&mut self) {
        self.0.retain(|d| d.answered);
    }
}
