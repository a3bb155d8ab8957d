//! When RTCP reports are due, and what they say: about every five seconds, at random so that calls begun together do
//! not report together (RFC 3550 §6.2).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::rtcp::{Block, Heard, Report, Sent};
use super::sequence::Sequence;

const INTERVAL: Duration = Duration::from_secs(5);

/// The reporting of one session.
#[derive(Debug)]
pub(super) struct Reports {
    cname: String,
    random: StdRng,
    due: Option<Duration>,
    /// The middle of the NTP time of the peer's last SR, and when it came.
    last_sr: Option<(u32, Duration)>,
}

impl Reports {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let cname = format!("{:016x}", random.random::<u64>());
        Self {
            cname,
            random,
            due: None,
            last_sr: None,
        }
    }

    /// Whether a report is due; the next is then set. The first comes after half the interval.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let share = self.random_share();
        let due = *self.due.get_or_insert(now + INTERVAL.mul_f64(share / 2.0));
        if now < due {
            return false;
        }
        self.due = Some(now + INTERVAL.mul_f64(share));
        true
    }

    /// Takes the peer's reports.
    pub(super) fn heard(&mut self, now: Duration, heard: &Heard) {
        if let Some(sr) = heard.sr {
            self.last_sr = Some((sr, now));
        }
    }

    /// Writes a compound.
    pub(super) fn write(
        &self,
        now: Duration,
        ssrc: u32,
        sent: Option<Sent>,
        received: Option<(u32, &mut Sequence)>,
        bye: bool,
        out: &mut Vec<u8>,
    ) {
        let (last_sr, since_last_sr) = self.last_sr.map_or((0, 0), |(sr, at)| {
            let since = now.saturating_sub(at).as_secs_f64() * 65_536.0;
            (sr, since as u32)
        });
        let received = received.map(|(ssrc, sequence)| Block {
            ssrc,
            fraction_lost: sequence.fraction_lost(),
            lost: u32::try_from(sequence.lost_here()).unwrap_or(u32::MAX),
            highest: sequence.highest(),
            jitter: sequence.jitter() as u32,
            last_sr,
            since_last_sr,
        });
        Report {
            ssrc,
            cname: &self.cname,
            sent,
            received,
            bye,
        }
        .write(out);
    }

    /// Between half and one and a half.
    fn random_share(&mut self) -> f64 {
        self.random.random_range(0.5..1.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_come_about_every_five_seconds() {
        let mut reports = Reports::new(1);
        let ticks = (0..500_000u64).map(|tick| Duration::from_millis(tick * 20));
        let due: Vec<Duration> = ticks.filter(|now| reports.is_due(*now)).collect();
        let gaps: Vec<f64> = due
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect();
        assert!((1.2..=3.8).contains(&due[0].as_secs_f64()), "{:?}", due[0]);
        assert!(gaps.iter().all(|gap| (2.48..=7.52).contains(gap)));
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((4.8..=5.2).contains(&mean), "{mean}");
    }

    #[test]
    fn the_peers_last_report_is_echoed_with_its_age() {
        let mut reports = Reports::new(1);
        reports.heard(
            Duration::from_secs(10),
            &Heard {
                sr: Some(0xABCD),
                ..Heard::default()
            },
        );
        let mut sequence = Sequence::new(0);
        let mut out = Vec::new();
        reports.write(
            Duration::from_secs(12),
            1,
            None,
            Some((2, &mut sequence)),
            false,
            &mut out,
        );
        let block = Heard::parse(&out).expect("our own").blocks[0];
        assert_eq!(
            (block.ssrc, block.last_sr, block.since_last_sr),
            (2, 0xABCD, 2 << 16)
        );
    }
}
