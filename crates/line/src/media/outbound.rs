//! The stream we send: one packet of 20 ms at each tick, silence where nothing is played.
//!
//! Silence is sent too: some networks send us nothing until they hear us, and address translators forget a quiet
//! port. On hold nothing is sent, but the stream's clock runs on, and its first packet afterwards carries the marker.

use std::sync::Arc;

use hark_sound::FRAME_SAMPLES;

use super::MediaEvent;
use super::codec::Codec;
use super::rtp::{PACKET_LEN, Packet};

/// See the module.
#[derive(Debug)]
pub(super) struct Outbound {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// The next packet begins a talk spurt.
    marker: bool,
    packets: u64,
    playing: Option<Playing>,
    datagram: [u8; PACKET_LEN],
}

#[derive(Debug)]
struct Playing {
    sound: Arc<[i16]>,
    at: usize,
}

impl Outbound {
    /// Numbers begin anywhere, as RFC 3550 wants.
    pub(super) const fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            sequence,
            timestamp,
            marker: true,
            packets: 0,
            playing: None,
            datagram: [0; PACKET_LEN],
        }
    }

    /// Plays this from the next packet on, in place of whatever plays.
    pub(super) fn play(&mut self, sound: Arc<[i16]>) {
        self.playing = Some(Playing { sound, at: 0 });
    }

    /// Back to silence.
    pub(super) fn stop(&mut self) {
        self.playing = None;
    }

    /// Makes this tick's [`Self::datagram`]; tells if a sound ends with it.
    pub(super) fn packet(&mut self, codec: Codec, payload_type: u8) -> Option<MediaEvent> {
        let mut codes = [codec.silence(); FRAME_SAMPLES];
        let mut played = None;
        if let Some(playing) = &mut self.playing {
            let left = playing.sound.get(playing.at..).unwrap_or_default();
            playing.at += codec.encode(left, &mut codes);
            if playing.at >= playing.sound.len() {
                self.playing = None;
                played = Some(MediaEvent::Played);
            }
        }
        let packet = Packet {
            marker: std::mem::take(&mut self.marker),
            payload_type: payload_type & 0x7F,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            payload: &codes,
        };
        packet
            .write(&mut self.datagram)
            .expect("seven bits of payload type, and room for one frame");
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        self.packets += 1;
        played
    }

    /// The latest packet.
    pub(super) fn datagram(&self) -> &[u8] {
        &self.datagram
    }

    /// A tick, or several, without a packet.
    pub(super) fn pause(&mut self, ticks: u32) {
        self.timestamp = self
            .timestamp
            .wrapping_add((FRAME_SAMPLES as u32).wrapping_mul(ticks));
        self.marker = true;
    }

    /// Our stream's name.
    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The place of the next packet on the stream's clock.
    pub(super) fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Packets sent.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(outbound: &mut Outbound, codec: Codec) -> (bool, u16, u32, Vec<u8>, Option<MediaEvent>) {
        let event = outbound.packet(codec, codec.payload_type());
        let packet = Packet::parse(outbound.datagram()).expect("our own");
        assert_eq!((packet.ssrc, packet.payload_type), (9, codec.payload_type()));
        (
            packet.marker,
            packet.sequence,
            packet.timestamp,
            packet.payload.to_vec(),
            event,
        )
    }

    #[test]
    fn silence_is_sent_in_step_and_only_the_first_packet_is_marked() {
        let mut outbound = Outbound::new(9, 65_535, u32::MAX);
        assert_eq!(
            next(&mut outbound, Codec::Pcmu),
            (true, 65_535, u32::MAX, vec![0xFF; 160], None)
        );
        assert_eq!(
            next(&mut outbound, Codec::Pcmu),
            (false, 0, 159, vec![0xFF; 160], None)
        );
        assert_eq!(
            next(&mut outbound, Codec::Pcma),
            (false, 1, 319, vec![0xD5; 160], None)
        );
        assert_eq!(outbound.packets(), 3);
    }

    #[test]
    fn a_sound_is_sent_whole_and_its_end_is_told_with_its_last_packet() {
        let mut outbound = Outbound::new(9, 0, 0);
        outbound.play((0..250).map(|n| n * 100).collect());
        let (.., first, none) = next(&mut outbound, Codec::Pcmu);
        let (.., second, played) = next(&mut outbound, Codec::Pcmu);
        let (.., third, _) = next(&mut outbound, Codec::Pcmu);
        assert_eq!((none, played), (None, Some(MediaEvent::Played)));
        let mut back = [0; 250];
        Codec::Pcmu.decode(&[first, second.clone()].concat(), &mut back);
        assert!(
            back.iter()
                .zip(0..)
                .all(|(sample, n)| (i32::from(*sample) - n * 100).abs() <= 32 + n * 3)
        );
        assert!(
            second[90..].iter().all(|code| *code == 0xFF),
            "the rest of its last frame is silence"
        );
        assert_eq!(third, [0xFF; 160]);
    }

    #[test]
    fn a_stopped_sound_tells_no_end_and_an_empty_one_ends_at_once() {
        let mut outbound = Outbound::new(9, 0, 0);
        outbound.play(vec![1000; 1600].into());
        next(&mut outbound, Codec::Pcmu);
        outbound.stop();
        assert_eq!(next(&mut outbound, Codec::Pcmu).4, None);
        outbound.play([].into());
        assert_eq!(next(&mut outbound, Codec::Pcmu).4, Some(MediaEvent::Played));
    }

    #[test]
    fn after_a_pause_the_clock_has_run_on_and_the_marker_is_set() {
        let mut outbound = Outbound::new(9, 0, 0);
        next(&mut outbound, Codec::Pcmu);
        outbound.pause(10);
        let (marker, sequence, timestamp, ..) = next(&mut outbound, Codec::Pcmu);
        assert_eq!((marker, sequence, timestamp), (true, 1, 11 * 160));
    }
}
