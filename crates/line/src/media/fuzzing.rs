//! Doors for the fuzzer; see `fuzz/`.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::inbound::Inbound;
use super::rtcp::Heard;
use super::rtp::{Packet, is_rtcp};
use super::sdp::{OfferParams, answer_to, parse_answer};
use super::{Codec, Payload};

/// Any bytes as an answer to our offer, and as an offer to be answered; our answer must be one we can read.
pub fn sdp(bytes: &[u8]) {
    let codecs = [Codec::Pcmu, Codec::Pcma];
    let _ = parse_answer(bytes, &codecs);
    let ours = OfferParams {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        rtp_port: 20_000,
        codecs: &codecs,
        session_id: 1,
        version: 1,
    };
    if let Ok(answer) = answer_to(bytes, &ours) {
        parse_answer(answer.sdp.as_bytes(), &codecs).expect("what we write, we read");
    }
}

/// A stream of datagrams (each begun by its length and the milliseconds since the last) through the receiving side,
/// frame by frame.
pub fn rtp(bytes: &[u8]) {
    let mut inbound = Inbound::new();
    let mut rest = bytes;
    let (mut now, mut ticked) = (Duration::ZERO, Duration::ZERO);
    while let [len, wait, tail @ ..] = rest {
        let (datagram, after) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = after;
        now += Duration::from_millis(u64::from(*wait));
        if is_rtcp(datagram) {
            let _ = Heard::parse(datagram);
        } else if let Ok(packet) = Packet::parse(datagram) {
            let payload = match packet.payload_type {
                0 => Some(Payload::Audio(Codec::Pcmu)),
                8 => Some(Payload::Audio(Codec::Pcma)),
                13 => Some(Payload::Comfort),
                101 => Some(Payload::Event),
                _ => None,
            };
            inbound.take(now, &packet, payload);
        }
        while ticked < now {
            ticked += Duration::from_millis(20);
            inbound.frame(ticked);
        }
    }
    let counts = inbound.counts();
    let invented = Duration::from_millis(counts.concealed / 8);
    assert!(invented <= ticked, "no more was invented than was played");
}

/// Any bytes as a compound of reports.
pub fn rtcp(bytes: &[u8]) {
    let _ = Heard::parse(bytes);
}
