//! Two real sessions on real sockets: what one plays, the other hears.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hark_outcome::Phase;
use hark_sound::{Frame, Origin};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::sdp::{self, OfferParams};
use super::*;
use crate::sink::FrameSink;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Generous: only a test that fails waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(Phase, Frame)>>>);

impl FrameSink for Recorder {
    fn frame(&mut self, phase: Phase, frame: &Frame) {
        locked(&self.0).push((phase, frame.clone()));
    }
}

impl Recorder {
    fn received(&self) -> Vec<i16> {
        let frames = locked(&self.0);
        let received = frames
            .iter()
            .filter(|(_, frame)| frame.origin == Origin::Received);
        received.flat_map(|(_, frame)| frame.samples).collect()
    }
}

struct Party {
    session: MediaSession,
    events: mpsc::Receiver<MediaEvent>,
    heard: Recorder,
}

fn engine() -> MediaEngine {
    let ports = PortRange::new(30_000, 39_999).expect("valid");
    MediaEngine::start(MediaConfig {
        bind: LOOPBACK,
        ports,
        threads: 2,
    })
    .expect("threads")
}

fn party(engine: &MediaEngine) -> Party {
    let heard = Recorder::default();
    let (sender, events) = mpsc::channel(8);
    let session = engine
        .open(Box::new(heard.clone()), sender)
        .expect("a pair of ports");
    Party {
        session,
        events,
        heard,
    }
}

/// Offer and answer, as signalling would carry them.
fn connect(caller: &Party, callee: &Party, codecs: &[Codec]) {
    let params = |party: &Party| OfferParams {
        address: LOOPBACK,
        rtp_port: party.session.rtp_port(),
        codecs,
        session_id: 1,
        version: 1,
    };
    let answer = sdp::answer_to(sdp::offer(&params(caller)).as_bytes(), &params(callee)).expect("an answer");
    callee.session.connect(answer.remote);
    caller
        .session
        .connect(sdp::parse_answer(answer.sdp.as_bytes(), codecs).expect("understood"));
}

async fn wait_for(party: &mut Party, wanted: MediaEvent) {
    loop {
        let event = timeout(DEADLINE, party.events.recv())
            .await
            .expect("in time")
            .expect("the engine lives");
        if event == wanted {
            return;
        }
    }
}

fn tone(hertz: f32, seconds: f32) -> Arc<[i16]> {
    let sample = |n: usize| (std::f32::consts::TAU * hertz * n as f32 / 8000.0).sin() * 10_000.0;
    (0..(seconds * 8000.0) as usize)
        .map(|n| sample(n) as i16)
        .collect()
}

/// The strength of one frequency, as the amplitude of its sine.
fn strength(samples: &[i16], hertz: f32) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = std::f32::consts::TAU * hertz * n as f32 / 8000.0;
        re += f32::from(*sample) * angle.cos();
        im += f32::from(*sample) * angle.sin();
    }
    2.0 * re.hypot(im) / samples.len() as f32
}

#[tokio::test]
async fn a_tone_played_here_is_heard_there_as_loud_and_as_high() {
    for codec in Codec::ALL {
        let engine = engine();
        let (mut caller, mut callee) = (party(&engine), party(&engine));
        connect(&caller, &callee, &[codec]);
        wait_for(&mut callee, MediaEvent::FirstPacket).await;
        caller.session.answered();
        caller.session.play(tone(450.0, 1.0));
        wait_for(&mut caller, MediaEvent::Played).await;
        // What was sent last is played when it is 40 ms old; a packet that comes back proves that time has passed.
        caller.session.play(tone(450.0, 0.1));
        wait_for(&mut caller, MediaEvent::Played).await;

        let heard = callee.heard.received();
        let loud = heard
            .iter()
            .position(|sample| sample.unsigned_abs() > 1000)
            .expect("a tone");
        let tone = heard.get(loud..loud + 7200).expect("0.9 s of it");
        let amplitude = strength(tone, 450.0);
        assert!((9_500.0..10_500.0).contains(&amplitude), "{codec}: {amplitude}");
        assert!(strength(tone, 1350.0) < 150.0, "{codec}: clean");

        let stats = caller.session.close();
        assert_eq!(stats.codec.as_deref(), Some(codec.name()));
        assert!(stats.sent >= 55 && stats.received >= 40, "{stats:?}");
        assert!(
            locked(&caller.heard.0)
                .iter()
                .any(|(phase, _)| *phase == Phase::Answered)
        );
        assert!(
            locked(&callee.heard.0)
                .iter()
                .all(|(phase, _)| *phase == Phase::Early)
        );
    }
}

#[tokio::test]
async fn a_session_that_ends_says_goodbye_and_frees_its_ports() {
    let engine = engine();
    let peer = tokio::net::UdpSocket::bind((LOOPBACK, 0)).await.expect("a port");
    let reports = tokio::net::UdpSocket::bind((LOOPBACK, 0)).await.expect("a port");
    let party = party(&engine);
    let rtcp = Some(reports.local_addr().expect("bound"));
    party.session.connect(Remote {
        rtcp,
        ..remote(peer.local_addr().expect("bound"))
    });
    let mut datagram = [0; 1500];
    let silence = timeout(DEADLINE, peer.recv(&mut datagram))
        .await
        .expect("in time")
        .expect("received");
    assert_eq!(
        (silence, datagram[171]),
        (172, 0xFF),
        "silence comes without waiting for anything"
    );

    let port = party.session.rtp_port();
    drop(party.session);
    loop {
        let len = timeout(DEADLINE, reports.recv(&mut datagram))
            .await
            .expect("in time")
            .expect("received");
        if rtcp::Heard::parse(&datagram[..len]).expect("RTCP").bye {
            break;
        }
    }
    // The sockets are dropped just after the goodbye was sent.
    let freed = async {
        while tokio::net::UdpSocket::bind((LOOPBACK, port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, freed).await.expect("free again");
    assert_eq!(engine.health().sessions, 0);
}

#[tokio::test]
async fn a_sink_that_panics_takes_no_other_call_with_it() {
    struct Bad;
    impl FrameSink for Bad {
        fn frame(&mut self, _: Phase, _: &Frame) {
            panic!("as a sink must not");
        }
    }
    let ports = PortRange::new(30_000, 39_999).expect("valid");
    let engine = MediaEngine::start(MediaConfig {
        bind: LOOPBACK,
        ports,
        threads: 1,
    })
    .expect("a thread");
    let (sender, mut events) = mpsc::channel(8);
    let bad = engine.open(Box::new(Bad), sender).expect("a pair of ports");
    let target = SocketAddr::new(LOOPBACK, bad.rtp_port());
    bad.connect(remote(target));
    assert_eq!(
        timeout(DEADLINE, events.recv()).await.expect("in time"),
        None,
        "the bad session is gone"
    );

    let (mut caller, callee) = (party(&engine), party(&engine));
    connect(&caller, &callee, &Codec::ALL);
    wait_for(&mut caller, MediaEvent::FirstPacket).await;
}

#[tokio::test]
async fn punctuality_is_measured() {
    let engine = engine();
    assert_eq!(engine.health(), MediaHealth::default());
    let (mut caller, callee) = (party(&engine), party(&engine));
    connect(&caller, &callee, &Codec::ALL);
    caller.session.play(tone(450.0, 1.0));
    wait_for(&mut caller, MediaEvent::Played).await;
    let health = engine.health();
    assert_eq!(health.sessions, 2);
    // A machine busy with other tests may be late, but it does not lose count.
    assert!((95..=150).contains(&health.ticks), "{health:?}");
}

#[tokio::test]
async fn a_thread_that_hangs_does_not_look_well() {
    struct Slow(std::sync::mpsc::Receiver<()>);
    impl FrameSink for Slow {
        fn frame(&mut self, _: Phase, _: &Frame) {
            // Blocks, as a sink must not, until the test lets go.
            let _ = self.0.recv();
        }
    }
    let ports = PortRange::new(30_000, 39_999).expect("valid");
    let engine = MediaEngine::start(MediaConfig {
        bind: LOOPBACK,
        ports,
        threads: 1,
    })
    .expect("a thread");
    let (hold, held) = std::sync::mpsc::channel();
    let (sender, _events) = mpsc::channel(8);
    let slow = engine
        .open(Box::new(Slow(held)), sender)
        .expect("a pair of ports");
    let target = SocketAddr::new(LOOPBACK, slow.rtp_port());
    slow.connect(remote(target));
    let looks_late = async {
        while engine.health().late < 10 {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, looks_late)
        .await
        .expect("ten ticks are overdue after 200 ms");
    drop(hold);
}

fn remote(rtp: SocketAddr) -> Remote {
    Remote {
        rtp,
        rtcp: None,
        codec: Codec::Pcmu,
        payload_types: PayloadTypes::new(0),
        ptime: None,
        direction: Direction::SendRecv,
    }
}
