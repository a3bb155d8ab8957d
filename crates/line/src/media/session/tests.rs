//! One session, its peer played by the test: datagrams in and out, no sockets, no waiting.

use hark_sound::Origin;
use proptest::prelude::*;

use super::super::{Direction, Payload, PayloadTypes};
use super::*;

const SEED: Seed = Seed {
    ssrc: 0x1234,
    sequence: 7,
    timestamp: 70,
    reports: 1,
    epoch: Duration::from_secs(1_700_000_000),
};

fn peer() -> SocketAddr {
    "192.0.2.9:4000".parse().expect("an address")
}

fn remote() -> Remote {
    let mut payload_types = PayloadTypes::new(8);
    payload_types.learn(101, Payload::Event);
    Remote {
        rtp: peer(),
        rtcp: None,
        codec: Codec::Pcma,
        payload_types,
        ptime: None,
        direction: Direction::SendRecv,
    }
}

fn connected() -> Core {
    let mut core = Core::new(SEED);
    core.connect(ms(0), remote());
    core
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn rtp(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let timestamp = u32::from(sequence) * 160;
    let packet = Packet {
        marker: false,
        payload_type,
        sequence,
        timestamp,
        ssrc: 99,
        payload,
    };
    let mut out = [0; 1500];
    let len = packet.write(&mut out).expect("fits");
    out[..len].to_vec()
}

fn events(core: &mut Core) -> Vec<MediaEvent> {
    std::iter::from_fn(|| core.event()).collect()
}

#[test]
fn nothing_is_sent_or_heard_before_the_peer_is_known() {
    let mut core = Core::new(SEED);
    let tick = core.tick(ms(0));
    assert!(tick.frame.is_none() && tick.rtp.is_none() && tick.rtcp.is_none());
    assert!(core.bye(ms(0)).is_none());
}

#[test]
fn silence_goes_out_from_the_first_tick_on() {
    let mut core = connected();
    for n in 0..3u16 {
        let tick = core.tick(ms(u64::from(n) * 20));
        let (target, datagram) = tick.rtp.expect("sent");
        let packet = Packet::parse(datagram).expect("RTP");
        assert_eq!(target, peer());
        assert_eq!(
            (packet.ssrc, packet.payload_type, packet.marker),
            (0x1234, 8, n == 0)
        );
        assert_eq!(
            (packet.sequence, packet.timestamp),
            (7 + n, 70 + 160 * u32::from(n))
        );
        assert_eq!(packet.payload, [0xD5; 160]);
        assert_eq!(tick.frame.expect("a frame").1, Frame::ABSENT);
    }
}

#[test]
fn early_media_that_overtakes_its_sdp_is_heard() {
    let mut core = Core::new(SEED);
    for n in 0..20u16 {
        core.receive(ms(u64::from(n) * 20), peer(), &rtp(0, n, &[0x80; 160]));
    }
    assert_eq!(events(&mut core), []);
    core.connect(ms(400), remote());
    assert_eq!(events(&mut core), [MediaEvent::FirstPacket]);
    let (phase, frame) = core.tick(ms(400)).frame.expect("a frame");
    assert_eq!(
        (phase, frame.origin),
        (Phase::Early, Origin::Received),
        "PCMU has its static number"
    );
    assert_eq!(core.books().counts.received, 10, "the last 200 ms waited");
}

#[test]
fn frames_say_whether_the_call_was_answered() {
    let mut core = connected();
    assert_eq!(core.tick(ms(0)).frame.expect("a frame").0, Phase::Early);
    core.answered(ms(10));
    assert_eq!(core.tick(ms(20)).frame.expect("a frame").0, Phase::Answered);
}

#[test]
fn an_echo_of_our_own_stream_is_heard_like_any_other() {
    // SIPp and many test lines send back what they get, our stream's name included.
    let mut core = connected();
    let mut heard = 0;
    for n in 0..50 {
        let now = ms(n * 20);
        let tick = core.tick(now);
        heard += usize::from(tick.frame.expect("a frame").1.origin == Origin::Received);
        let echo = tick.rtp.expect("sent").1.to_vec();
        core.receive(now + ms(5), peer(), &echo);
    }
    assert_eq!(heard, 47);
    assert_eq!(core.books().counts.received, 50);
}

#[test]
fn sound_is_sent_back_to_where_it_comes_from() {
    let mut core = connected();
    let behind_nat = "192.0.2.9:61234".parse().expect("an address");
    core.receive(ms(0), behind_nat, &rtp(8, 1, &[0xD5; 160]));
    assert_eq!(core.tick(ms(20)).rtp.expect("sent").0, behind_nat);
}

#[test]
fn strangers_and_rubbish_are_not_heard() {
    let mut core = connected();
    core.receive(ms(0), peer(), &rtp(8, 1, &[0xD5; 160]));
    let stranger = "198.51.100.1:9".parse().expect("an address");
    for n in 0..20 {
        core.receive(ms(1), stranger, &rtp(8, 100 + n, &[0x00; 160]));
    }
    core.receive(ms(2), peer(), b"OPTIONS sip:");
    core.receive(ms(2), peer(), &[]);
    core.receive(ms(2), peer(), &rtp(33, 2, &[1; 160]));
    assert_eq!(core.tick(ms(20)).rtp.expect("sent").0, peer());
    assert_eq!(
        core.books().counts.received,
        2,
        "the unannounced payload counts, the rest does not"
    );
}

#[test]
fn loss_of_sound_is_told_and_comfort_noise_excuses_it() {
    let mut core = connected();
    core.receive(ms(0), peer(), &rtp(8, 1, &[0xD5; 160]));
    let told: Vec<(u64, MediaEvent)> = (0..600)
        .flat_map(|n| {
            core.tick(ms(n * 20));
            events(&mut core).into_iter().map(move |event| (n * 20, event))
        })
        .collect();
    assert_eq!(told, [(0, MediaEvent::FirstPacket), (5000, MediaEvent::Lost)]);

    core.receive(ms(12_000), peer(), &rtp(8, 2, &[0xD5; 160]));
    core.receive(ms(12_020), peer(), &rtp(13, 3, &[60]));
    for n in 601..3000 {
        core.tick(ms(n * 20));
    }
    assert_eq!(events(&mut core), [MediaEvent::Back], "however long the silence");

    let mut goodbye = Vec::new();
    rtcp::Report {
        ssrc: 99,
        cname: "peer",
        sent: None,
        received: None,
        bye: true,
    }
    .write(&mut goodbye);
    core.receive_rtcp(
        ms(60_000),
        "192.0.2.9:4001".parse().expect("an address"),
        &goodbye,
    );
    for n in 3000..3300 {
        core.tick(ms(n * 20));
    }
    assert_eq!(events(&mut core), [MediaEvent::Lost], "but not after its goodbye");
}

#[test]
fn an_answered_call_without_any_sound_has_lost_it_and_a_ringing_one_has_not() {
    let mut core = connected();
    for n in 0..500 {
        core.tick(ms(n * 20));
    }
    assert_eq!(events(&mut core), []);
    core.answered(ms(10_000));
    for n in 500..760 {
        core.tick(ms(n * 20));
    }
    assert_eq!(events(&mut core), [MediaEvent::Lost]);
}

#[test]
fn on_hold_nothing_is_sent_nothing_is_missed_and_the_clock_runs_on() {
    let mut core = connected();
    core.receive(ms(0), peer(), &rtp(8, 1, &[0xD5; 160]));
    core.tick(ms(0));
    core.connect(
        ms(20),
        Remote {
            direction: Direction::Inactive,
            ..remote()
        },
    );
    for n in 1..501 {
        assert!(core.tick(ms(n * 20)).rtp.is_none());
    }
    assert_eq!(events(&mut core), [MediaEvent::FirstPacket]);
    core.connect(ms(10_020), remote());
    let tick = core.tick(ms(10_020));
    let packet = Packet::parse(tick.rtp.expect("sent again").1).expect("RTP");
    assert_eq!(
        (packet.marker, packet.sequence, packet.timestamp),
        (true, 8, 70 + 501 * 160)
    );
}

#[test]
fn keys_are_told_once() {
    let mut core = connected();
    for n in 0..3 {
        core.receive(ms(0), peer(), &rtp(101, n, &[1, 0x0A, 0, 160]));
    }
    let told = events(&mut core);
    // The helper gives each its own timestamp: three presses.
    assert_eq!(
        told.iter()
            .filter(|event| **event == MediaEvent::Dtmf('1'))
            .count(),
        3
    );
    let again = rtp(101, 2, &[1, 0x8A, 0, 240]);
    core.receive(ms(1), peer(), &again);
    assert_eq!(events(&mut core), []);
}

#[test]
fn reports_go_to_the_next_port_and_goodbye_at_the_end() {
    let mut core = connected();
    let mut reports = Vec::new();
    for n in 0..1000 {
        core.receive(ms(n * 20), peer(), &rtp(8, n as u16, &[0xD5; 160]));
        if let Some((target, report)) = core.tick(ms(n * 20)).rtcp {
            reports.push((target, rtcp::Heard::parse(report).expect("RTCP")));
        }
    }
    assert!((3..=9).contains(&reports.len()), "{} in 20 s", reports.len());
    assert!(reports.iter().all(|(target, heard)| {
        target.port() == 4001 && heard.sr.is_some() && heard.blocks[0].ssrc == 99 && !heard.bye
    }));
    let (_, bye) = core.bye(ms(20_000)).expect("a goodbye");
    let heard = rtcp::Heard::parse(bye).expect("RTCP");
    assert!(heard.bye);
    assert_eq!((heard.blocks[0].lost, heard.blocks[0].highest), (0, 999));
}

#[test]
fn a_machine_that_stood_still_goes_on_in_time() {
    let mut core = connected();
    core.tick(ms(0));
    let mut frames = 0;
    core.skip(ms(1000), 49, |_, _| frames += 1);
    assert_eq!(frames, 49, "the ear counts samples");
    let tick = core.tick(ms(1000));
    let packet = Packet::parse(tick.rtp.expect("sent").1).expect("RTP");
    assert_eq!(
        (packet.marker, packet.sequence, packet.timestamp),
        (true, 8, 70 + 50 * 160)
    );
}

#[test]
fn the_books_are_told_in_the_words_of_results() {
    let mut core = connected();
    for n in (0..100).filter(|n| *n != 50) {
        core.receive(ms(n * 20), peer(), &rtp(8, n as u16, &[0xD5; 160]));
        core.tick(ms(n * 20 + 1));
    }
    let stats = MediaStats::from(core.books());
    assert_eq!(stats.codec.as_deref(), Some("PCMA"));
    assert_eq!((stats.received, stats.sent, stats.lost), (99, 99, 1));
    assert!(
        (stats.concealed_s.get() - 0.02).abs() < 0.001,
        "{:?}",
        stats.concealed_s
    );
}

proptest! {
    #[test]
    fn arbitrary_datagrams_never_panic(datagrams in prop::collection::vec(
        (any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)), 0..50)) {
        let mut core = connected();
        for (n, (rtcp, mut datagram)) in (0..).zip(datagrams) {
            if let Some(first) = datagram.first_mut() {
                *first = 0x80 | *first & 0x3F;
            }
            if rtcp {
                core.receive_rtcp(ms(n), peer(), &datagram);
            } else {
                core.receive(ms(n), peer(), &datagram);
            }
            prop_assert!(core.tick(ms(n)).frame.is_some());
        }
    }
}
