//! The stream we receive: which stream it is, what its packets carry, and the books about them.

use std::time::Duration;

use hark_sound::Frame;

use super::codec::Codec;
use super::comfort::Noise;
use super::dtmf::KeyReader;
use super::jitter::{Brought, JitterBuffer, Place};
use super::remote::Payload;
use super::rtp::Packet;
use super::sequence::{Order, Sequence};

/// Another stream is followed at once when this one has been silent for so long, else with its second packet.
const SILENT: Duration = Duration::from_millis(60);

/// See the module.
#[derive(Debug)]
pub(super) struct Inbound {
    stream: Option<Stream>,
    candidate: Option<u32>,
    buffer: JitterBuffer,
    keys: KeyReader,
    received: u64,
    duplicate: u64,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    sequence: Sequence,
    heard: Duration,
}

impl Inbound {
    pub(super) fn new() -> Self {
        Self {
            stream: None,
            candidate: None,
            buffer: JitterBuffer::new(),
            keys: KeyReader::default(),
            received: 0,
            duplicate: 0,
        }
    }

    /// Takes a packet from the peer; returns a key if it begins one. Of a payload nobody announced (`None`) only the
    /// number counts, so that it is not taken for lost.
    pub(super) fn take(
        &mut self,
        arrival: Duration,
        packet: &Packet<'_>,
        payload: Option<Payload>,
    ) -> Option<char> {
        let order = self.order(arrival, packet, payload.is_some())?;
        let (number, newest, new_clock) = match order {
            Order::Newest(number) => (number, true, false),
            Order::Reordered(number) => (number, false, false),
            Order::Restart(number) => (number, true, true),
            Order::Duplicate => {
                self.duplicate += 1;
                return None;
            }
            Order::Suspect => return None,
        };
        self.received += 1;

        let stream = self.stream.as_mut()?;
        let place = Place {
            arrival,
            number,
            newest,
            timestamp: packet.timestamp,
            new_clock,
        };
        match payload? {
            Payload::Audio(codec) if !packet.payload.is_empty() => {
                stream.sequence.timed(arrival, packet.timestamp);
                self.buffer.push(
                    place,
                    Brought::Sound(decoded(codec, packet.payload)),
                    &stream.sequence,
                );
            }
            Payload::Audio(_) => {}
            Payload::Comfort => {
                let noise = Noise::from_payload(packet.payload);
                self.buffer.push(place, Brought::Comfort(noise), &stream.sequence);
            }
            Payload::Event => {
                self.buffer.excuse(arrival);
                return self.keys.read(packet.timestamp, packet.marker, packet.payload);
            }
        }
        None
    }

    /// The frame of this tick.
    pub(super) fn frame(&mut self, now: Duration) -> Frame {
        match &self.stream {
            Some(stream) => self.buffer.pull(now, &stream.sequence),
            None => Frame::ABSENT,
        }
    }

    /// Whether silence is right now.
    pub(super) fn is_excused(&self, now: Duration) -> bool {
        self.buffer.is_excused(now)
    }

    /// The peer said goodbye: its silence has no excuse any more.
    pub(super) fn said_bye(&mut self) {
        self.buffer.forget_excuses();
    }

    /// The stream's name and books, to report on.
    pub(super) fn reported(&mut self) -> Option<(u32, &mut Sequence)> {
        self.stream
            .as_mut()
            .map(|stream| (stream.ssrc, &mut stream.sequence))
    }

    /// The books.
    pub(super) fn counts(&self) -> Counts {
        let sequence = self.stream.as_ref().map(|stream| &stream.sequence);
        Counts {
            received: self.received,
            duplicate: self.duplicate,
            lost: sequence.map_or(0, Sequence::lost),
            late: self.buffer.late(),
            concealed: self.buffer.concealed(),
            jitter: sequence.map_or(0.0, Sequence::jitter),
        }
    }

    /// Which stream a packet is of, and its place in it; `None` to leave it.
    fn order(&mut self, arrival: Duration, packet: &Packet<'_>, announced: bool) -> Option<Order> {
        let Some(stream) = &mut self.stream else {
            let sequence = Sequence::new(packet.sequence);
            let first = Order::Newest(sequence.newest());
            self.stream = announced.then_some(Stream {
                ssrc: packet.ssrc,
                sequence,
                heard: arrival,
            });
            return announced.then_some(first);
        };
        if stream.ssrc == packet.ssrc {
            stream.heard = arrival;
            self.candidate = None;
            return Some(stream.sequence.arrive(packet.sequence));
        }
        let is_silent = arrival.saturating_sub(stream.heard) >= SILENT;
        if !announced || !(is_silent || self.candidate == Some(packet.ssrc)) {
            self.candidate = announced.then_some(packet.ssrc);
            return None;
        }
        self.candidate = None;
        stream.ssrc = packet.ssrc;
        stream.heard = arrival;
        self.keys = KeyReader::default();
        Some(stream.sequence.restart(packet.sequence))
    }
}

/// What became of the packets, so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    /// Packets, each counted once.
    pub(super) received: u64,
    /// Packets that came again.
    pub(super) duplicate: u64,
    /// Packets that never came.
    pub(super) lost: u64,
    /// Packets too late to be heard.
    pub(super) late: u64,
    /// Samples invented.
    pub(super) concealed: u64,
    /// In samples.
    pub(super) jitter: f64,
}

fn decoded(codec: Codec, codes: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; codes.len()];
    codec.decode(codes, &mut samples);
    samples
}

#[cfg(test)]
mod tests {
    use hark_sound::Origin;

    use super::*;

    const SOUND: [u8; 160] = [0x80; 160];

    fn packet(ssrc: u32, sequence: u16) -> Packet<'static> {
        let timestamp = u32::from(sequence) * 160;
        Packet {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
            payload: &SOUND,
        }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pcmu() -> Option<Payload> {
        Some(Payload::Audio(Codec::Pcmu))
    }

    #[test]
    fn another_stream_is_followed_without_counting_loss() {
        let mut inbound = Inbound::new();
        for n in 0..10 {
            inbound.take(ms(u64::from(n) * 20), &packet(1, n), pcmu());
        }
        // From ringback to the person, say: another machine, other numbers.
        let mut origins = Vec::new();
        for n in 0..10u16 {
            inbound.take(ms(200 + u64::from(n) * 20), &packet(2, 40_000 + n), pcmu());
            origins.push(inbound.frame(ms(201 + u64::from(n) * 20)).origin);
        }
        assert_eq!(inbound.counts().received, 19, "one packet told the change");
        assert_eq!((inbound.counts().lost, inbound.counts().late), (0, 0));
        assert!(
            origins.iter().all(|origin| *origin == Origin::Received),
            "{origins:?}"
        );
    }

    #[test]
    fn a_single_stray_of_another_stream_changes_nothing() {
        let mut inbound = Inbound::new();
        for n in 0..10 {
            inbound.take(ms(u64::from(n) * 20), &packet(1, n), pcmu());
            inbound.take(ms(u64::from(n) * 20 + 1), &packet(7, 5), pcmu());
        }
        let counts = inbound.counts();
        assert_eq!((counts.received, counts.lost, counts.duplicate), (10, 0, 0));
    }

    #[test]
    fn payloads_nobody_announced_are_counted_but_not_heard() {
        let mut inbound = Inbound::new();
        assert_eq!(inbound.take(ms(0), &packet(1, 0), None), None);
        assert_eq!(inbound.counts(), Counts::default(), "they begin no stream");
        inbound.take(ms(0), &packet(1, 1), pcmu());
        inbound.take(ms(20), &packet(1, 2), None);
        inbound.take(ms(40), &packet(1, 3), pcmu());
        assert_eq!((inbound.counts().received, inbound.counts().lost), (3, 0));
    }

    #[test]
    fn a_key_is_told_once_and_excuses_silence() {
        let mut inbound = Inbound::new();
        let event = Packet {
            payload: &[5, 0x0A, 0, 160],
            marker: true,
            ..packet(1, 0)
        };
        assert_eq!(inbound.take(ms(0), &event, Some(Payload::Event)), Some('5'));
        let again = Packet {
            sequence: 1,
            marker: false,
            ..event
        };
        assert_eq!(inbound.take(ms(20), &again, Some(Payload::Event)), None);
        assert!(inbound.is_excused(ms(100)) && !inbound.is_excused(ms(500)));
    }
}
