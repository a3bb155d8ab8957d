//! The buffer against a simulated network: packets with arrival times, ticks every 20 ms, no sockets and no waiting.

use hark_sound::Origin;
use proptest::prelude::*;

use super::super::sequence::Order;
use super::*;

/// A packet on its way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// When it arrives, in milliseconds.
    at: u64,
    number: u16,
    timestamp: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// So many samples of the test tone, by the timestamp's place in it.
    Sound(usize),
    /// Comfort noise of this level.
    Comfort(u8),
}

/// A sender of a 500 Hz tone: its packets arrive as sent, until a test says otherwise.
fn talk(from_ms: u64, number: u16, timestamp: u32, packets: u16, ptime: u32) -> Vec<Sent> {
    let packet = |n: u16| Sent {
        at: from_ms + u64::from(n) * u64::from(ptime),
        number: number.wrapping_add(n),
        timestamp: timestamp.wrapping_add(u32::from(n) * ptime * 8),
        kind: Kind::Sound(ptime as usize * 8),
    };
    (0..packets).map(packet).collect()
}

fn tone(timestamp: u32, len: usize) -> Vec<i16> {
    let sample = |n: u32| (std::f32::consts::TAU * (n % 16) as f32 / 16.0).sin() * 8000.0;
    (0..len as u32)
        .map(|n| sample(timestamp.wrapping_add(n)) as i16)
        .collect()
}

/// What came of it.
struct Played {
    frames: Vec<Frame>,
    buffer: JitterBuffer,
    sequence: Sequence,
}

impl Played {
    fn count(&self, origin: Origin) -> usize {
        self.frames.iter().filter(|frame| frame.origin == origin).count()
    }

    /// One letter a frame: r, c(oncealed), q(uiet), - absent; runs as `r12`.
    fn story(&self) -> String {
        let letter = |frame: &Frame| match frame.origin {
            Origin::Received => 'r',
            Origin::Concealed => 'c',
            Origin::Comfort => 'q',
            Origin::Absent => '-',
        };
        let runs = self.frames.chunk_by(|a, b| a.origin == b.origin);
        runs.map(|run| format!("{}{}", letter(&run[0]), run.len()))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Ticks at 7, 27, 47 … ms for as long as told.
fn play(mut packets: Vec<Sent>, frames: u64) -> Played {
    packets.sort_by_key(|packet| packet.at);
    let mut packets = packets.into_iter().peekable();
    let mut buffer = JitterBuffer::new();
    let mut sequence: Option<Sequence> = None;
    let mut played = Vec::new();
    for tick in 0..frames {
        let now = 7 + tick * 20;
        while let Some(packet) = packets.next_if(|packet| packet.at <= now) {
            let order = match &mut sequence {
                Some(sequence) => sequence.arrive(packet.number),
                None => Order::Newest(sequence.insert(Sequence::new(packet.number)).newest()),
            };
            let (Order::Newest(number) | Order::Reordered(number) | Order::Restart(number)) = order else {
                continue;
            };
            let place = Place {
                arrival: Duration::from_millis(packet.at),
                number,
                newest: !matches!(order, Order::Reordered(_)),
                timestamp: packet.timestamp,
                new_clock: matches!(order, Order::Restart(_)),
            };
            let brought = match packet.kind {
                Kind::Sound(len) => Brought::Sound(tone(packet.timestamp, len)),
                Kind::Comfort(level) => Brought::Comfort(Noise::from_payload(&[level])),
            };
            buffer.push(place, brought, sequence.as_ref().expect("set above"));
        }
        played.push(match &sequence {
            Some(sequence) => buffer.pull(Duration::from_millis(now), sequence),
            None => Frame::ABSENT,
        });
    }
    Played {
        frames: played,
        buffer,
        sequence: sequence.unwrap_or_else(|| Sequence::new(0)),
    }
}

/// Whether the sound could be one unbroken tone.
fn is_smooth(frames: &[Frame]) -> bool {
    // The tone's own steepest step is 3121.
    let samples: Vec<i16> = frames.iter().flat_map(|frame| frame.samples).collect();
    samples
        .windows(2)
        .all(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs() < 3200)
}

#[test]
fn an_even_stream_is_played_whole_after_40_ms() {
    let played = play(talk(0, 65_500, u32::MAX - 4000, 100, 20), 103);
    assert_eq!(
        played.story(),
        "-2 r100 c1",
        "starts at 47 ms, wraps numbers and clock unheard"
    );
    assert!(is_smooth(&played.frames[2..102]));
    assert_eq!((played.buffer.late(), played.sequence.lost()), (0, 0));
}

#[test]
fn packets_of_any_length_are_played_in_frames_of_20_ms() {
    for ptime in [5, 10, 30, 40, 60] {
        let packets = 3000 / ptime as u16;
        let played = play(talk(0, 1, 77, packets, ptime), 152);
        assert_eq!(
            played.count(Origin::Received),
            150,
            "{ptime} ms: {}",
            played.story()
        );
        assert_eq!(played.buffer.concealed(), 0, "{ptime} ms");
        assert!(is_smooth(&played.frames[2..152]), "{ptime} ms");
    }
}

#[test]
fn reordered_packets_are_put_in_order() {
    let mut packets = talk(0, 1, 0, 100, 20);
    for pair in packets.chunks_mut(2) {
        (pair[0].at, pair[1].at) = (pair[1].at, pair[0].at);
    }
    let played = play(packets, 101);
    assert_eq!(played.count(Origin::Concealed), 0, "{}", played.story());
    assert!(is_smooth(&played.frames[3..]));
}

#[test]
fn a_packet_that_comes_twice_is_played_once() {
    let packets = talk(0, 1, 0, 50, 20);
    let twice = packets
        .iter()
        .flat_map(|packet| {
            [
                *packet,
                Sent {
                    at: packet.at + 3,
                    ..*packet
                },
            ]
        })
        .collect();
    assert_eq!(play(twice, 52).story(), "-2 r50");
}

#[test]
fn a_lost_packet_is_concealed_and_counted() {
    let mut packets = talk(0, 1, 0, 100, 20);
    packets.remove(50);
    let played = play(packets, 102);
    assert_eq!(played.story(), "-2 r50 c1 r49");
    assert_eq!((played.buffer.concealed(), played.sequence.lost()), (160, 1));
    assert!(is_smooth(&played.frames[2..]), "the tone goes on");
}

#[test]
fn a_long_loss_fades_to_silence_and_time_goes_on() {
    let mut packets = talk(0, 1, 0, 100, 20);
    packets.drain(50..70);
    let played = play(packets, 102);
    assert_eq!(played.story(), "-2 r50 c3 -17 r30");
}

#[test]
fn two_percent_loss_invents_two_percent() {
    let packets: Vec<Sent> = talk(0, 1, 0, 5000, 20);
    let kept = packets
        .into_iter()
        .filter(|packet| packet.number % 50 != 7)
        .collect();
    let played = play(kept, 5000);
    assert_eq!(played.count(Origin::Concealed), 100);
    assert_eq!(played.sequence.lost(), 100);
}

#[test]
fn jitter_is_ridden_out_after_a_short_while() {
    let mut packets = talk(0, 1, 0, 1500, 20);
    for (n, packet) in packets.iter_mut().enumerate() {
        // 0 to 80 ms, unrelated from packet to packet; many overtake.
        packet.at += (n as u64 * 7919) % 81;
    }
    let played = play(packets, 1500);
    let settled = &played.frames[250..];
    let concealed = settled
        .iter()
        .filter(|frame| frame.origin != Origin::Received)
        .count();
    assert!(
        concealed <= settled.len() / 50,
        "{concealed} of {}: {}",
        settled.len(),
        played.story()
    );
}

#[test]
fn the_delay_comes_down_again_when_the_network_calms() {
    let mut packets = talk(0, 1, 0, 2000, 20);
    for packet in &mut packets[100..200] {
        packet.at += if packet.number % 5 == 0 { 110 } else { 0 };
    }
    let played = play(packets, 2000);
    let in_store = played.buffer.queue.end() - played.buffer.next;
    assert!(
        in_store <= 3 * FRAME,
        "{in_store} samples wait at the end; {}",
        played.story()
    );
    assert!(played.count(Origin::Concealed) < 40, "{}", played.story());
}

#[test]
fn a_stall_of_a_second_costs_a_second_and_no_delay_after() {
    let mut packets = talk(0, 1, 0, 500, 20);
    for packet in &mut packets[100..150] {
        packet.at = 3000;
    }
    let played = play(packets, 502);
    assert!(
        played.buffer.late() >= 35,
        "most of it is too old: {}",
        played.buffer.late()
    );
    let in_store = played.buffer.queue.end() - played.buffer.next;
    assert!(in_store <= 4 * FRAME, "{in_store}; {}", played.story());
    assert!(played.count(Origin::Absent) >= 40, "{}", played.story());
}

#[test]
fn clocks_that_drift_apart_are_followed() {
    for drift in [-1i64, 1] {
        let mut packets = talk(1000, 1, 0, 3000, 20);
        for (n, packet) in packets.iter_mut().enumerate() {
            // One millisecond in a second: worse than any telephone.
            packet.at = packet
                .at
                .checked_add_signed(drift * n as i64 / 50)
                .expect("small");
        }
        let played = play(packets, 3040);
        let received = played.count(Origin::Received);
        assert!(
            (2935..=3000).contains(&received),
            "{drift}: {received}; {}",
            played.story()
        );
        let in_store = played.buffer.queue.end() - played.buffer.next;
        assert!(in_store <= 5 * FRAME, "{drift}: {in_store}");
    }
}

#[test]
fn silence_announced_by_comfort_noise_is_comfort_however_long() {
    let mut packets = talk(0, 1, 0, 50, 20);
    packets.push(Sent {
        at: 1000,
        number: 51,
        timestamp: 8000,
        kind: Kind::Comfort(50),
    });
    packets.extend(talk(61_000, 52, 61 * 8000, 50, 20));
    let played = play(packets, 3102);
    assert_eq!(played.story(), "-2 r50 q3000 r50");
    let noise = &played.frames[1000];
    assert!(
        noise.samples.iter().any(|sample| *sample != 0),
        "noise, not nothing"
    );
    assert!(played.buffer.is_excused(Duration::ZERO) == played.buffer.noise.is_some());
}

#[test]
fn a_sender_that_falls_silent_without_a_word_is_excused_once_it_has_shown_so() {
    let mut packets = talk(0, 1, 0, 50, 20);
    packets.extend(talk(3000, 51, 24_000, 50, 20));
    packets.extend(talk(9000, 101, 72_000, 50, 20));
    let played = play(packets, 510);
    // The first silence is not known to be one until it ends; the second is.
    assert_eq!(played.story(), "-2 r50 c3 -95 q2 r50 c3 q247 r50 c3 q5");
    assert!(played.buffer.is_excused(Duration::ZERO));
}

#[test]
fn losing_packets_teaches_no_excuse() {
    let mut packets = talk(0, 1, 0, 250, 20);
    packets.drain(50..150);
    let played = play(packets, 260);
    assert!(!played.buffer.is_excused(Duration::ZERO), "{}", played.story());
}

#[test]
fn a_key_press_excuses_the_silence_it_makes() {
    let mut buffer = JitterBuffer::new();
    let sequence = Sequence::new(0);
    let place = Place {
        arrival: Duration::ZERO,
        number: sequence.newest(),
        newest: true,
        timestamp: 0,
        new_clock: false,
    };
    buffer.push(place, Brought::Sound(tone(0, 160)), &sequence);
    buffer.excuse(Duration::from_millis(20));
    let frames: Vec<Frame> = (0..20)
        .map(|n| buffer.pull(Duration::from_millis(40 + n * 20), &sequence))
        .collect();
    assert_eq!(frames[0].origin, Origin::Received);
    assert!(frames[1..9].iter().all(|frame| frame.origin == Origin::Comfort));
    assert_eq!(frames[19].origin, Origin::Absent, "but not for ever");
    assert_eq!(buffer.concealed(), 480);
}

#[test]
fn a_senders_clock_that_jumps_is_followed_without_a_hole() {
    for jump in [1_000_000u32, 0u32.wrapping_sub(1_000_000)] {
        let mut packets = talk(0, 1, 0, 50, 20);
        packets.extend(talk(1000, 51, 8000u32.wrapping_add(jump), 50, 20));
        assert_eq!(play(packets, 102).story(), "-2 r100", "jump by {jump}");
    }
}

#[test]
fn a_sender_that_counts_anew_is_followed() {
    let mut packets = talk(0, 1, 0, 50, 20);
    packets.extend(talk(1000, 30_000, 777_777, 50, 20));
    let played = play(packets, 102);
    assert_eq!(
        played.count(Origin::Received),
        99,
        "one packet told the restart: {}",
        played.story()
    );
    assert_eq!(played.sequence.lost(), 0);
}

#[test]
fn a_pause_with_a_stopped_clock_begins_anew_at_the_usual_delay() {
    let mut packets = talk(0, 1, 0, 50, 20);
    packets.extend(talk(5000, 51, 8000, 300, 20));
    let played = play(packets, 560);
    let in_store = played.buffer.queue.end() - played.buffer.next;
    assert!(in_store <= 3 * FRAME, "{in_store}");
    assert_eq!(played.count(Origin::Received), 350, "{}", played.story());
}

proptest! {
    #[test]
    fn any_packets_at_any_time_give_one_frame_a_tick(
        packets in prop::collection::vec(
            (0u64..4000, any::<u16>(), any::<u32>(), prop_oneof![
                (0usize..700).prop_map(Kind::Sound), any::<u8>().prop_map(Kind::Comfort)
            ]), 0..200)
    ) {
        let packets = packets.into_iter()
            .map(|(at, number, timestamp, kind)| Sent { at, number, timestamp, kind }).collect();
        let played = play(packets, 220);
        prop_assert_eq!(played.frames.len(), 220);
        prop_assert!(played.buffer.queue.len() <= 64);
    }

    #[test]
    fn near_misses_of_a_stream_are_survived_and_the_books_balance(
        fates in prop::collection::vec((any::<bool>(), 0u64..150, any::<bool>()), 100..400), start: u16, clock: u32
    ) {
        let mut packets = Vec::new();
        for (packet, (kept, delay, twice)) in talk(0, start, clock, fates.len() as u16, 20).into_iter().zip(&fates) {
            if *kept {
                let packet = Sent { at: packet.at + delay, ..packet };
                packets.push(packet);
                packets.extend(twice.then_some(Sent { at: packet.at + 11, ..packet }));
            }
        }
        let kept = fates.iter().filter(|(kept, ..)| *kept).count();
        let played = play(packets, fates.len() as u64 + 20);
        let received = played.count(Origin::Received);
        prop_assert!(received as u64 + played.buffer.late() <= kept as u64 + 1);
        prop_assert!(played.buffer.queue.len() <= 11, "{} wait", played.buffer.queue.len());
    }
}
