use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;
use crate::media::{Direction, Payload};

fn ours(codecs: &[Codec]) -> OfferParams<'_> {
    OfferParams {
        address: [192, 0, 2, 7].into(),
        rtp_port: 20_000,
        codecs,
        session_id: 77,
        version: 1,
    }
}

fn answer(lines: &str) -> Result<Remote, SdpError> {
    parse_answer(lines.as_bytes(), &Codec::ALL)
}

fn error(lines: &str) -> String {
    answer(lines).expect_err("must be refused").to_string()
}

#[test]
fn an_offer_lists_codecs_in_order_then_comfort_noise_and_events() {
    let text = offer(&ours(&[Codec::Pcma, Codec::Pcmu]));
    assert_eq!(
        text,
        "v=0\r\no=- 77 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 0 13 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:13 CN/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn an_ipv6_offer_says_so() {
    let text = offer(&OfferParams {
        address: Ipv6Addr::LOCALHOST.into(),
        ..ours(&Codec::ALL)
    });
    assert!(
        text.contains("o=- 77 1 IN IP6 ::1\r\n") && text.contains("c=IN IP6 ::1\r\n"),
        "{text}"
    );
}

#[test]
fn an_answer_says_where_and_what_to_send() {
    let remote = answer(
        "v=0\r\no=SIPp 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\n",
    )
    .expect("a plain answer");
    assert_eq!(remote.rtp, "127.0.0.1:6000".parse().expect("address"));
    assert_eq!((remote.codec, remote.payload_types.send()), (Codec::Pcma, 8));
    assert_eq!(
        (remote.ptime, remote.direction, remote.rtcp),
        (Some(30), Direction::SendRecv, None)
    );
    assert_eq!(remote.payload_types.meaning(101), Some(Payload::Event));
}

#[test]
fn line_feeds_alone_and_a_missing_origin_are_read() {
    let remote = answer("v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\n").expect("sloppy, but clear");
    assert_eq!(remote.rtp, "10.0.0.1:4000".parse().expect("address"));
}

#[test]
fn the_streams_own_address_goes_before_the_sessions() {
    let remote =
        answer("v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::5\n").expect("valid");
    assert_eq!(remote.rtp, "[2001:db8::5]:4000".parse().expect("address"));
}

#[test]
fn the_peers_order_chooses_among_what_we_offered() {
    let only_a_law = parse_answer(
        b"v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0 8\n",
        &[Codec::Pcma],
    );
    assert_eq!(only_a_law.expect("valid").codec, Codec::Pcma);
}

#[test]
fn a_dynamic_number_for_pcmu_is_used_to_send_and_understood() {
    let remote = answer(
        "v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 18 107 96\na=rtpmap:107 pcmu/8000/1\n\
         a=rtpmap:96 telephone-event/8000\n",
    )
    .expect("valid");
    assert_eq!((remote.codec, remote.payload_types.send()), (Codec::Pcmu, 107));
    assert_eq!(
        remote.payload_types.meaning(107),
        Some(Payload::Audio(Codec::Pcmu))
    );
    assert_eq!(
        remote.payload_types.meaning(96),
        Some(Payload::Event),
        "their number"
    );
    assert_eq!(
        remote.payload_types.meaning(101),
        Some(Payload::Event),
        "and ours"
    );
}

#[test]
fn the_first_stream_that_works_is_taken() {
    let remote = answer(
        "v=0\nc=IN IP4 10.0.0.1\nm=video 5000 RTP/AVP 31\nm=audio 5002 RTP/SAVP 0\nm=audio 5004 RTP/AVP 0\n",
    );
    assert_eq!(remote.expect("the third").rtp.port(), 5004);
}

#[test]
fn rtcp_elsewhere_is_found() {
    let with = |value: &str| {
        answer(&format!(
            "v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=rtcp:{value}\n"
        ))
    };
    assert_eq!(
        with("5555").expect("port").rtcp,
        Some("10.0.0.1:5555".parse().expect("address"))
    );
    let full = with("5555 IN IP4 10.0.0.2").expect("port and address");
    assert_eq!(full.rtcp, Some("10.0.0.2:5555".parse().expect("address")));
    for odd in ["many", "", "99999", "5555 IN IP4", "5555 IN IP4 host.example"] {
        let remote = with(odd).expect("no reason to lose a call");
        assert_eq!(remote.rtp, "10.0.0.1:4000".parse().expect("address"), "{odd:?}");
    }
}

#[test]
fn a_peer_without_a_readable_address_may_be_sent_to_once_heard() {
    for address in ["c=IN IP4 media.example.com\n", "c=IN IP4 10.0.0.999\n", ""] {
        let remote = answer(&format!("v=0\n{address}m=audio 4000 RTP/AVP 0\n")).expect("a person answered");
        assert_eq!(
            remote.rtp,
            "0.0.0.0:4000".parse().expect("address"),
            "{address:?}"
        );
        assert_eq!(remote.direction, Direction::SendRecv, "{address:?}: no hold");
    }
}

#[test]
fn faulty_lines_that_do_not_matter_are_passed_over() {
    let faulty = [
        "v=0\no=- x y IN IP4 10.0.0.1\ns=\u{ff}\nc=IN IP4 10.0.0.1\nt=a b\nm=audio 4000 RTP/AVP 0\n",
        "v=0 \no=-\nc=IN IP4 10.0.0.1 extra\nm=audio  4000/x  RTP/AVP  0\n",
        "c=IN IP4 10.0.0.1\nc=IN IP4 10.0.0.2\nb=AS\nm=audio 4000 RTP/AVP 0\n",
        "v=0\nhello\n\nc=10.0.0.1\nm=audio 4000 RTP/AVP 0\nb=x:y\na=ptime:20\n",
        "v=0\no=a b c d\nm=video none\nm=audio 4000 RTP/AVP 0\nc=IN IP4 10.0.0.1\na=label:\u{fc}\n",
    ];
    for text in faulty {
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
        let remote = parse_answer(&bytes, &Codec::ALL).expect(text);
        assert_eq!(remote.rtp, "10.0.0.1:4000".parse().expect("address"), "{text:?}");
    }
    let offer = b"v=0\no=a b c d\nm=video none\nm=audio 4000 RTP/AVP 0\n";
    let answer = answer_to(offer, &ours(&Codec::ALL)).expect("readable").sdp;
    assert!(
        answer.contains("m=video 0 RTP/AVP 0\r\nm=audio 20000"),
        "in its place: {answer}"
    );
}

#[test]
fn hold_in_every_dialect_stops_us_from_sending() {
    let held = |lines: &str| {
        answer(&format!(
            "v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\n{lines}"
        ))
    };
    assert_eq!(
        held("a=sendonly\n").expect("valid").direction,
        Direction::RecvOnly
    );
    assert_eq!(
        held("a=inactive\n").expect("valid").direction,
        Direction::Inactive
    );
    assert_eq!(
        held("a=recvonly\n").expect("valid").direction,
        Direction::SendOnly
    );
    assert_eq!(
        held("c=IN IP4 0.0.0.0\n").expect("valid").direction,
        Direction::RecvOnly
    );
    assert_eq!(
        held("c=IN IP4 0.0.0.0\na=recvonly\n").expect("valid").direction,
        Direction::Inactive
    );
    let for_the_session = answer("v=0\na=sendonly\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\n");
    assert_eq!(for_the_session.expect("valid").direction, Direction::RecvOnly);
    let overridden = answer("v=0\na=inactive\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=sendrecv\n");
    assert_eq!(overridden.expect("valid").direction, Direction::SendRecv);
}

#[test]
fn every_refusal_names_its_line() {
    assert_eq!(
        error("v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n"),
        "SDP line 3 \"m=audio 0 RTP/AVP 0\": the audio stream is refused (port 0)"
    );
    assert_eq!(
        error("v=0\nc=IN IP4 10.0.0.1\nm=video 5 RTP/AVP 1\nm=audio 9 RTP/AVP 18\n"),
        "SDP line 4 \"m=audio 9 RTP/AVP 18\": no common codec; we speak PCMU, PCMA"
    );
    assert!(
        error("v=0\nc=IN IP4 10.0.0.1\n").starts_with("SDP line 2 \"c=IN IP4 10.0.0.1\": no audio stream")
    );
    assert!(
        error("v=0\nc=IN IP4 10.0.0.1\nm=audio 9 RTP/AVP 0\nc=IN IP4 224.0.0.1/9\n")
            .starts_with("SDP line 4")
    );
    assert!(error("v=0\nc=IN IP4 10.0.0.1\nm=audio 9 RTP/SAVP 0\n").contains("line 3"));
    assert!(
        error("v=0\nm=audio seven RTP/AVP 0\n")
            .starts_with("SDP line 2 \"m=audio seven RTP/AVP 0\": not readable")
    );
    assert!(error("").starts_with("SDP line 1"));
    assert!(error("hello").starts_with("SDP line 1 \"hello\""));
}

#[test]
fn a_hold_offer_is_answered_with_its_mirror_and_a_new_version() {
    let offer = b"v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 8 97\r\na=rtpmap:97 telephone-event/8000\r\na=sendonly\r\n";
    let answer = answer_to(
        offer,
        &OfferParams {
            version: 2,
            ..ours(&[Codec::Pcma])
        },
    )
    .expect("valid");
    assert!(
        answer.sdp.contains("o=- 77 2 IN IP4 192.0.2.7\r\n"),
        "{}",
        answer.sdp
    );
    assert!(
        answer.sdp.contains("m=audio 20000 RTP/AVP 8 97\r\n"),
        "{}",
        answer.sdp
    );
    assert!(
        answer.sdp.contains("a=rtpmap:97 telephone-event/8000\r\n") && answer.sdp.contains("a=recvonly\r\n")
    );
    assert!(!answer.sdp.contains(" CN/"), "comfort noise was not offered");
    assert_eq!(answer.remote.direction, Direction::RecvOnly);
}

#[test]
fn streams_we_do_not_want_are_answered_in_place_with_port_0() {
    let offer =
        b"v=0\nc=IN IP4 10.0.0.1\nm=video 9 RTP/AVP 31 32\nm=audio 4000 RTP/AVP 0\nm=image 8 udptl t38\n";
    let answer = answer_to(offer, &ours(&Codec::ALL)).expect("valid");
    let streams: Vec<&str> = answer.sdp.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        streams,
        [
            "m=video 0 RTP/AVP 31 32",
            "m=audio 20000 RTP/AVP 0",
            "m=image 0 udptl t38"
        ]
    );
}

fn codecs() -> impl Strategy<Value = Vec<Codec>> {
    prop_oneof![
        Just(vec![Codec::Pcmu]),
        Just(vec![Codec::Pcma]),
        Just(vec![Codec::Pcma, Codec::Pcmu]),
        Just(Codec::ALL.to_vec())
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = parse_answer(&bytes, &Codec::ALL);
        let _ = answer_to(&bytes, &ours(&Codec::ALL));
    }

    #[test]
    fn nearly_sdp_never_panics(lines in prop::collection::vec("[vosctma]=[ -~]{0,40}", 0..12)) {
        let text = format!("v=0\n{}", lines.join("\n"));
        let _ = parse_answer(text.as_bytes(), &Codec::ALL);
        let _ = answer_to(text.as_bytes(), &ours(&Codec::ALL));
    }

    #[test]
    fn what_we_offer_reads_back(ip: IpAddr, port in 1u16.., codecs in codecs(), version: u64) {
        prop_assume!(!ip.is_multicast() && !ip.is_unspecified());
        let params = OfferParams { address: ip, rtp_port: port, codecs: &codecs, session_id: 1, version };
        let remote = parse_answer(offer(&params).as_bytes(), &codecs).expect("our own words");
        prop_assert_eq!(remote.rtp, std::net::SocketAddr::new(ip, port));
        prop_assert_eq!(remote.codec, codecs[0]);
        prop_assert_eq!(remote.direction, Direction::SendRecv);
        prop_assert_eq!(remote.ptime, Some(20));

        let theirs = ours(&Codec::ALL);
        let answer = answer_to(offer(&params).as_bytes(), &theirs).expect("an offer of ours is acceptable to us");
        prop_assert_eq!(&answer.remote, &remote);
        let back = parse_answer(answer.sdp.as_bytes(), &codecs).expect("and so is the answer");
        prop_assert_eq!(back.codec, remote.codec);
        prop_assert_eq!(back.rtp.port(), theirs.rtp_port);
    }
}
