//! RTCP (RFC 3550 §6): what we tell a peer about our stream and its own, and what it tells us.
//!
//! Each datagram is a compound: a report first (SR if we have sent, else RR), then our name (SDES CNAME), and BYE at
//! the end of the call.

use std::time::Duration;

const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;

/// What a report of ours says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    /// Our stream.
    pub(super) ssrc: u32,
    /// A name that lasts as long as the call, telling nothing of us (RFC 7022).
    pub(super) cname: &'a str,
    /// What we sent, if anything yet.
    pub(super) sent: Option<Sent>,
    /// What we received, if anything yet.
    pub(super) received: Option<Block>,
    /// Whether we leave.
    pub(super) bye: bool,
}

/// Our stream so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// Now, as NTP has it.
    pub(super) ntp: u64,
    /// Now, on the stream's clock.
    pub(super) timestamp: u32,
    /// Packets sent.
    pub(super) packets: u32,
    /// Bytes of sound sent.
    pub(super) octets: u32,
}

/// What a receiver says about one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The stream.
    pub(super) ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub(super) fraction_lost: u8,
    /// Lost in all; 24 bits travel.
    pub(super) lost: u32,
    /// The highest sequence number, wraps counted above.
    pub(super) highest: u32,
    /// Interarrival jitter in samples.
    pub(super) jitter: u32,
    /// The middle of the NTP time of the last SR from it; 0 if none came.
    pub(super) last_sr: u32,
    /// How long ago that was, in 65536ths of a second.
    pub(super) since_last_sr: u32,
}

/// What a compound from the peer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The middle of its SR's NTP time, to be echoed.
    pub(super) sr: Option<u32>,
    /// What it received, per stream.
    pub(super) blocks: Vec<Block>,
    /// Whether it leaves.
    pub(super) bye: bool,
}

/// Why a datagram is no RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum RtcpError {
    /// Not version 2.
    #[error("RTCP version {0} at byte {1}; 2 is spoken here")]
    Version(u8, usize),
    /// A length that leads out of the datagram.
    #[error("RTCP packet at byte {at} claims {claimed} bytes; {there} are there")]
    Truncated {
        /// Where it begins.
        at: usize,
        /// How long it says it is.
        claimed: usize,
        /// How long it can be.
        there: usize,
    },
    /// A compound must begin with SR or RR.
    #[error("RTCP begins with packet type {0}; a report (200 or 201) comes first")]
    NoReportFirst(u8),
}

impl Report<'_> {
    /// Writes the compound over what `out` held.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        let blocks = u8::from(self.received.is_some());
        packet(out, blocks, if self.sent.is_some() { SR } else { RR }, |out| {
            out.extend(self.ssrc.to_be_bytes());
            if let Some(sent) = &self.sent {
                out.extend(sent.ntp.to_be_bytes());
                out.extend(
                    [sent.timestamp, sent.packets, sent.octets]
                        .map(u32::to_be_bytes)
                        .as_flattened(),
                );
            }
            if let Some(block) = &self.received {
                let lost = block.lost.min(0x7F_FFFF) | u32::from(block.fraction_lost) << 24;
                let words = [
                    block.ssrc,
                    lost,
                    block.highest,
                    block.jitter,
                    block.last_sr,
                    block.since_last_sr,
                ];
                out.extend(words.map(u32::to_be_bytes).as_flattened());
            }
        });
        packet(out, 1, SDES, |out| {
            let name = &self.cname.as_bytes()[..self.cname.len().min(255)];
            out.extend(self.ssrc.to_be_bytes());
            out.extend([1, name.len() as u8]);
            out.extend(name);
            // At least one zero ends the items; more fill the word.
            let filled = (name.len() + 2) % 4;
            out.extend(&[0; 4][filled..]);
        });
        if self.bye {
            packet(out, 1, BYE, |out| out.extend(self.ssrc.to_be_bytes()));
        }
    }
}

/// A packet with its header, the length filled in afterwards.
fn packet(out: &mut Vec<u8>, count: u8, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0x80 | count, kind, 0, 0]);
    body(out);
    // Every body is whole words, and few of them.
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

impl Heard {
    /// Reads a compound. Packets of unknown types are stepped over.
    pub(super) fn parse(datagram: &[u8]) -> Result<Self, RtcpError> {
        let mut heard = Self::default();
        let mut at = 0;
        while at < datagram.len() {
            let rest = &datagram[at..];
            let &[first, kind, high, low, ..] = rest else {
                return Err(RtcpError::Truncated {
                    at,
                    claimed: 4,
                    there: rest.len(),
                });
            };
            if first >> 6 != 2 {
                return Err(RtcpError::Version(first >> 6, at));
            }
            let len = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
            let Some(body) = rest.get(4..len) else {
                return Err(RtcpError::Truncated {
                    at,
                    claimed: len,
                    there: rest.len(),
                });
            };
            match kind {
                SR => heard.report(first & 31, body, 24),
                RR => heard.report(first & 31, body, 4),
                _ if at == 0 => return Err(RtcpError::NoReportFirst(kind)),
                BYE => heard.bye = true,
                _ => {}
            }
            at += len;
        }
        Ok(heard)
    }

    fn report(&mut self, count: u8, body: &[u8], blocks_at: usize) {
        let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
        if blocks_at == 24 && body.len() >= 24 {
            self.sr = Some(word(&body[6..]));
        }
        let blocks = body.get(blocks_at..).unwrap_or_default().as_chunks::<24>().0;
        self.blocks
            .extend(blocks.iter().take(count.into()).map(|block| Block {
                ssrc: word(block),
                fraction_lost: block[4],
                lost: word(&block[4..]) & 0xFF_FFFF,
                highest: word(&block[8..]),
                jitter: word(&block[12..]),
                last_sr: word(&block[16..]),
                since_last_sr: word(&block[20..]),
            }));
    }
}

/// A time since 1970 as NTP has it: seconds since 1900 above, their fraction below.
pub(super) fn ntp(since_1970: Duration) -> u64 {
    const BETWEEN: u64 = 2_208_988_800;
    let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
    since_1970.as_secs().wrapping_add(BETWEEN) << 32 | fraction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: Block = Block {
        ssrc: 7,
        fraction_lost: 128,
        lost: 3,
        highest: 70_000,
        jitter: 80,
        last_sr: 0x1234_5678,
        since_last_sr: 65_536,
    };

    fn report() -> Report<'static> {
        let sent = Sent {
            ntp: 0x0102_0304_0506_0708,
            timestamp: 160,
            packets: 1,
            octets: 160,
        };
        Report {
            ssrc: 0xAABB_CCDD,
            cname: "abc",
            sent: Some(sent),
            received: Some(BLOCK),
            bye: true,
        }
    }

    #[test]
    fn a_report_has_the_bytes_the_rfc_draws() {
        let mut out = vec![9; 3];
        Report {
            received: None,
            ..report()
        }
        .write(&mut out);
        let mut expected = vec![0x80, 200, 0, 6, 0xAA, 0xBB, 0xCC, 0xDD, 1, 2, 3, 4, 5, 6, 7, 8];
        expected.extend([0, 0, 0, 160, 0, 0, 0, 1, 0, 0, 0, 160]);
        expected.extend([
            0x81, 202, 0, 3, 0xAA, 0xBB, 0xCC, 0xDD, 1, 3, b'a', b'b', b'c', 0, 0, 0,
        ]);
        expected.extend([0x81, 203, 0, 1, 0xAA, 0xBB, 0xCC, 0xDD]);
        assert_eq!(out, expected);
    }

    #[test]
    fn a_report_reads_back() {
        let mut out = Vec::new();
        report().write(&mut out);
        let heard = Heard::parse(&out).expect("our own");
        assert_eq!(
            heard,
            Heard {
                sr: Some(0x0304_0506),
                blocks: vec![BLOCK],
                bye: true
            }
        );
    }

    #[test]
    fn what_is_no_compound_is_refused_by_place() {
        assert_eq!(
            Heard::parse(&[0x80, 203, 0, 0]),
            Err(RtcpError::NoReportFirst(203))
        );
        assert_eq!(Heard::parse(&[0x40, 200, 0, 0]), Err(RtcpError::Version(1, 0)));
        let error = Heard::parse(&[0x80, 201, 0, 9, 1, 2, 3, 4]).expect_err("too long");
        assert_eq!(
            error.to_string(),
            "RTCP packet at byte 0 claims 40 bytes; 8 are there"
        );
    }

    #[test]
    fn ntp_time_begins_in_1900() {
        assert_eq!(ntp(Duration::from_millis(500)), 2_208_988_800 << 32 | 1 << 31);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            let _ = Heard::parse(&bytes);
        }

        #[test]
        fn nearly_rtcp_never_panics(kind in 198u8..206, count: u8, words in 0u16..12, body: Vec<u8>) {
            let [high, low] = words.to_be_bytes();
            let mut bytes = vec![0x80 | count & 31, kind, high, low];
            bytes.extend(body);
            let _ = Heard::parse(&bytes);
        }

        #[test]
        fn any_name_keeps_whole_words(cname in "[a-z0-9]{0,300}") {
            let mut out = Vec::new();
            Report { cname: &cname, ..report() }.write(&mut out);
            prop_assert_eq!(out.len() % 4, 0);
            prop_assert!(Heard::parse(&out).is_ok());
        }
    }
}
