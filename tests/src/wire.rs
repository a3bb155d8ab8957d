//! What a peer saw, read from SIPp's own message log.

use std::collections::BTreeMap;

/// Which way a message went, seen from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It came to the peer: Hark sent it.
    Received,
    /// The peer sent it.
    Sent,
}

/// One SIP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which way it went.
    pub direction: Direction,
    /// Request or status line.
    pub first_line: String,
    /// Everything: first line, headers, body.
    pub text: String,
}

impl Message {
    /// The method of a request; `None` for a response.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        let (first, rest) = self.first_line.split_once(' ')?;
        rest.ends_with("SIP/2.0").then_some(first)
    }

    /// The status of a response; `None` for a request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.first_line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// A header by its full name, in any case of letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text
            .lines()
            .take_while(|l| !l.is_empty())
            .filter_map(|l| l.split_once(':'))
            .find_map(|(n, v)| n.trim().eq_ignore_ascii_case(name).then(|| v.trim()))
    }

    /// The tag of From or To.
    #[must_use]
    pub fn tag(&self, header: &str) -> Option<&str> {
        let value = self.header(header)?;
        let (_, tag) = value.split_once(";tag=")?;
        tag.split([';', '>']).next()
    }

    /// The Call-ID; empty if there is none, which is a fault of its own.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.header("Call-ID").unwrap_or_default()
    }

    /// The branch of the topmost Via: the transaction.
    #[must_use]
    pub fn branch(&self) -> &str {
        let via = self.header("Via").unwrap_or_default();
        via.split_once("branch=")
            .and_then(|(_, b)| b.split([';', ',']).next())
            .unwrap_or_default()
    }
}

/// Every message of a peer, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wire(pub Vec<Message>);

impl Wire {
    /// Reads SIPp's `-trace_msg` log: blocks begun by a line of dashes with the time, then `… received` or `… sent`.
    #[must_use]
    pub fn parse(log: &str) -> Self {
        let mut messages = Vec::new();
        for block in log
            .split("-----------------------------------------------")
            .skip(1)
        {
            // Dashes, time; which way; empty line; the message.
            let mut lines = block.lines().skip(1);
            let Some(way) = lines.next() else { continue };
            let direction = if way.contains("received") {
                Direction::Received
            } else {
                Direction::Sent
            };
            let text: String = lines
                .skip_while(|l| l.is_empty())
                .flat_map(|l| [l.trim_end_matches('\r'), "\n"])
                .collect();
            let Some(first_line) = text.lines().next().map(ToOwned::to_owned) else {
                continue;
            };
            messages.push(Message {
                direction,
                first_line,
                text,
            });
        }
        Self(messages)
    }

    /// The requests of this method that Hark sent, retransmissions included.
    #[must_use]
    pub fn requests(&self, method: &str) -> Vec<&Message> {
        self.0
            .iter()
            .filter(|m| m.direction == Direction::Received && m.method() == Some(method))
            .collect()
    }

    /// How many transactions of this method Hark started: retransmissions count once.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        let mut branches: Vec<_> = self.requests(method).iter().map(|m| m.branch()).collect();
        branches.sort_unstable();
        branches.dedup();
        branches.len()
    }

    /// INVITE transactions by Call-ID: the dials, and for each how many times it asked (once, and once more with
    /// credentials).
    #[must_use]
    pub fn dials(&self) -> BTreeMap<&str, usize> {
        let mut dials = BTreeMap::<_, Vec<_>>::new();
        for invite in self.requests("INVITE") {
            dials.entry(invite.call_id()).or_default().push(invite.branch());
        }
        dials
            .into_iter()
            .map(|(id, mut branches)| {
                branches.sort_unstable();
                branches.dedup();
                (id, branches.len())
            })
            .collect()
    }

    /// The methods Hark sent, in order, each transaction once: `["INVITE", "ACK", "BYE"]`.
    #[must_use]
    pub fn story(&self) -> Vec<&str> {
        let mut seen = Vec::new();
        let mut story = Vec::new();
        for message in self.0.iter().filter(|m| m.direction == Direction::Received) {
            let Some(method) = message.method() else { continue };
            let key = (method, message.branch(), message.tag("To"));
            if !seen.contains(&key) {
                seen.push(key);
                story.push(method);
            }
        }
        story
    }

    /// The statuses that Hark answered to requests of `method`.
    #[must_use]
    pub fn answers(&self, method: &str) -> Vec<u16> {
        self.0
            .iter()
            .filter(|m| {
                m.direction == Direction::Received && m.header("CSeq").is_some_and(|c| c.ends_with(method))
            })
            .filter_map(Message::status)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "----------------------------------------------- 2026-11-24 06:11:47.217744\n\
        UDP message received [429] bytes :\n\n\
        INVITE sip:123@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9x;rport\r\nTo: <sip:a@b>;tag=q\r\n\
        Call-ID: one\r\n\r\nv=0\r\n\n\
        ----------------------------------------------- 2026-11-24 06:11:47.217902\n\
        UDP message sent (211 bytes):\n\nSIP/2.0 100 Trying\r\nCall-ID: one\r\n\r\n\n\
        ----------------------------------------------- 2026-11-24 06:11:48.0\n\
        UDP message received [429] bytes :\n\n\
        INVITE sip:123@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9x;rport\r\nCall-ID: one\r\n\r\n\n";

    #[test]
    fn retransmission_is_seen_and_counts_once() {
        let wire = Wire::parse(LOG);
        assert_eq!(wire.0.len(), 3);
        assert_eq!(wire.requests("INVITE").len(), 2);
        assert_eq!((wire.count("INVITE"), wire.dials()["one"]), (1, 1));
    }

    #[test]
    fn message_is_taken_apart() {
        let wire = Wire::parse(LOG);
        let invite = &wire.0[0];
        assert_eq!(
            (invite.method(), invite.status(), invite.branch()),
            (Some("INVITE"), None, "z9x")
        );
        assert_eq!(invite.tag("to"), Some("q"));
        assert_eq!(wire.0[1].status(), Some(100));
        assert_eq!(wire.0[1].direction, Direction::Sent);
    }
}
