//! What a line hears of its caller: counted, not understood.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hark_sound::{SAMPLE_RATE, g711};

use super::packet::Received;

/// Mean square of -45 dBm0: what is louder is somebody speaking.
const VOICE_POWER: u64 = 8_239;

/// How long a telephone-event of one timestamp stays the same digit.
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// What the driver reads while the media thread writes.
#[derive(Debug)]
pub(crate) struct Counters {
    began: Instant,
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub before_answer: AtomicU64,
    pub answered: AtomicBool,
    voice_ms: AtomicU64,
    /// Milliseconds since `began`, plus one; 0 = never.
    last_voice: AtomicU64,
    dtmf: Mutex<String>,
    recording: Mutex<Vec<i16>>,
    record_samples: usize,
}

/// A look at what the caller said so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Milliseconds of voice in all.
    pub voice_ms: u64,
    /// Since the last voice.
    pub quiet_for: Duration,
}

impl Counters {
    pub(super) fn new(record_s: f64) -> Self {
        Self {
            began: Instant::now(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            before_answer: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            voice_ms: AtomicU64::new(0),
            last_voice: AtomicU64::new(0),
            dtmf: Mutex::default(),
            recording: Mutex::default(),
            record_samples: (record_s.clamp(0.0, 3_600.0) * f64::from(SAMPLE_RATE)) as usize,
        }
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Heard {
        let quiet_for = match self.last_voice.load(Ordering::Relaxed) {
            0 => Duration::MAX,
            at => self.began.elapsed().saturating_sub(Duration::from_millis(at - 1)),
        };
        Heard {
            voice_ms: self.voice_ms.load(Ordering::Relaxed),
            quiet_for,
        }
    }

    /// The digits received.
    pub(crate) fn dtmf(&self) -> String {
        self.dtmf.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The samples kept.
    pub(crate) fn recording(&self) -> Vec<i16> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Decodes and counts packets.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    last_digit: Option<u32>,
    samples: Vec<i16>,
}

impl Hearing {
    /// Takes one datagram; says whether it was RTP.
    pub(super) fn take(&mut self, bytes: &[u8], dtmf: Option<u8>, counters: &Counters) -> bool {
        let Some(packet) = Received::read(bytes) else {
            return false;
        };
        counters.received.fetch_add(1, Ordering::Relaxed);
        if !counters.answered.load(Ordering::Relaxed) {
            counters.before_answer.fetch_add(1, Ordering::Relaxed);
        }
        match packet.payload_type {
            0 => self.sound(packet.payload, g711::ulaw_decode_slice, counters),
            8 => self.sound(packet.payload, g711::alaw_decode_slice, counters),
            pt if Some(pt) == dtmf => self.digit(&packet, counters),
            _ => {}
        }
        true
    }

    fn sound(&mut self, payload: &[u8], decode: fn(&[u8], &mut [i16]) -> usize, counters: &Counters) {
        self.samples.resize(payload.len(), 0);
        decode(payload, &mut self.samples);
        let power: u64 = self.samples.iter().map(|&s| i64::from(s).pow(2) as u64).sum();
        if power > VOICE_POWER * payload.len() as u64 {
            counters.voice_ms.fetch_add(
                payload.len() as u64 * 1000 / u64::from(SAMPLE_RATE),
                Ordering::Relaxed,
            );
            let now = counters.began.elapsed().as_millis() as u64;
            counters.last_voice.store(now + 1, Ordering::Relaxed);
        }
        if counters.record_samples > 0 {
            let mut kept = counters.recording.lock().unwrap_or_else(PoisonError::into_inner);
            let room = counters.record_samples.saturating_sub(kept.len());
            kept.extend(self.samples.iter().take(room));
        }
    }

    fn digit(&mut self, packet: &Received<'_>, counters: &Counters) {
        if self.last_digit == Some(packet.timestamp) {
            return;
        }
        let Some(&digit) = packet
            .payload
            .first()
            .and_then(|&event| DIGITS.get(usize::from(event)))
        else {
            return;
        };
        self.last_digit = Some(packet.timestamp);
        let mut digits = counters.dtmf.lock().unwrap_or_else(PoisonError::into_inner);
        if digits.len() < 64 {
            digits.push(char::from(digit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::Stream;
    use super::*;

    fn packet(payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        Stream {
            ssrc: 1,
            sequence: 1,
            timestamp,
        }
        .packet(payload_type, false, payload)
    }

    #[test]
    fn voice_is_counted_and_silence_is_not() {
        let counters = Counters::new(1.0);
        let mut hearing = Hearing::default();
        let loud = [g711::ulaw_encode(3000); 160];
        let faint = [g711::alaw_encode(30); 160];
        assert!(hearing.take(&packet(0, 0, &loud), None, &counters));
        assert!(hearing.take(&packet(8, 160, &faint), None, &counters));
        assert_eq!(counters.heard().voice_ms, 20);
        assert!(counters.heard().quiet_for < Duration::from_secs(5));
        assert_eq!(counters.recording().len(), 320);
        assert_eq!(counters.before_answer.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_digit_sent_in_many_packets_is_one_digit() {
        let counters = Counters::new(0.0);
        let mut hearing = Hearing::default();
        for _ in 0..5 {
            hearing.take(&packet(101, 800, &[5, 10, 0, 160]), Some(101), &counters);
        }
        hearing.take(&packet(101, 1600, &[11, 10, 0, 160]), Some(101), &counters);
        assert_eq!(counters.dtmf(), "5#");
    }
}
