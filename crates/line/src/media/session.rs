//! One call's sound, sans-IO: datagrams and a clock in; datagrams, frames and events out.
//!
//! - *Unconnected*: the peer's SDP is not known. The last few packets wait; nothing is sent.
//! - *Connected*: each tick sends a packet and hands over a frame, whether or not anything came.
//!
//! Unconnected => Connected: [`Core::connect`], which also tells of any later change of the peer's SDP.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hark_outcome::{MediaStats, Phase};
use hark_sound::{Frame, SAMPLE_RATE};

use super::alive::Alive;
use super::inbound::{Counts, Inbound};
use super::latch::Latch;
use super::outbound::Outbound;
use super::reports::Reports;
use super::rtp::Packet;
use super::{Codec, MediaEvent, Remote, rtcp, rtp};

/// Packets that wait for the SDP that explains them: 200 ms of early media.
const WAITING: usize = 10;

/// Events signalling has not taken yet. More only if it has stopped taking them; keys are then lost.
const EVENTS: usize = 32;

/// Frames made up for after the machine stood still: 5 s.
const MISSED: u32 = 250;

/// What makes one session's stream differ from another's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed {
    /// Our stream's name.
    pub(super) ssrc: u32,
    /// Its first number.
    pub(super) sequence: u16,
    /// Where its clock begins.
    pub(super) timestamp: u32,
    /// For the timing and the name in reports.
    pub(super) reports: u64,
    /// The time since 1970 at the clock's zero.
    pub(super) epoch: Duration,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Core {
    seed: Seed,
    remote: Option<Remote>,
    phase: Phase,
    latch: Latch,
    /// Where the peer's RTCP was seen to come from.
    rtcp_source: Option<SocketAddr>,
    inbound: Inbound,
    outbound: Outbound,
    reports: Reports,
    report: Vec<u8>,
    alive: Alive,
    waiting: VecDeque<(Duration, SocketAddr, Vec<u8>)>,
    events: VecDeque<MediaEvent>,
}

/// What a tick asks for.
#[derive(Debug)]
pub(super) struct Tick<'a> {
    /// To the ear, once connected.
    pub(super) frame: Option<(Phase, Frame)>,
    /// From the RTP socket.
    pub(super) rtp: Option<(SocketAddr, &'a [u8])>,
    /// From the RTCP socket.
    pub(super) rtcp: Option<(SocketAddr, &'a [u8])>,
}

/// The books of a session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Books {
    codec: Option<Codec>,
    sent: u64,
    counts: Counts,
}

impl Core {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seed,
            remote: None,
            phase: Phase::Early,
            latch: Latch::default(),
            rtcp_source: None,
            inbound: Inbound::new(),
            outbound: Outbound::new(seed.ssrc, seed.sequence, seed.timestamp),
            reports: Reports::new(seed.reports),
            report: Vec::new(),
            alive: Alive::default(),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The peer is known, or has changed.
    pub(super) fn connect(&mut self, now: Duration, remote: Remote) {
        self.latch.signal(remote.rtp);
        self.remote = Some(remote);
        if self.phase == Phase::Answered {
            self.alive.expect(now);
        }
        for (arrival, source, datagram) in std::mem::take(&mut self.waiting) {
            self.receive(arrival, source, &datagram);
        }
    }

    /// The call was answered: from here on, sound is due.
    pub(super) fn answered(&mut self, now: Duration) {
        self.phase = Phase::Answered;
        self.alive.expect(now);
    }

    /// See [`Outbound::play`].
    pub(super) fn play(&mut self, sound: Arc<[i16]>) {
        self.outbound.play(sound);
    }

    /// See [`Outbound::stop`].
    pub(super) fn stop_playing(&mut self) {
        self.outbound.stop();
    }

    /// A datagram came to the RTP port.
    pub(super) fn receive(&mut self, arrival: Duration, source: SocketAddr, datagram: &[u8]) {
        if rtp::is_rtcp(datagram) {
            return self.receive_rtcp(arrival, source, datagram);
        }
        let Some(remote) = &self.remote else {
            if self.waiting.len() == WAITING {
                self.waiting.pop_front();
            }
            return self.waiting.push_back((arrival, source, datagram.to_vec()));
        };
        let packet = match Packet::parse(datagram) {
            Ok(packet) => packet,
            Err(error) => return tracing::trace!(%source, %error, "not RTP"),
        };
        let payload = remote.payload_types.meaning(packet.payload_type);
        if payload.is_some() && !self.latch.hear(arrival, source, packet.ssrc, packet.sequence) {
            return tracing::trace!(%source, "RTP from a stranger");
        }
        if payload.is_none() && self.latch.target() != Some(source) {
            return;
        }
        if let Some(key) = self.inbound.take(arrival, &packet, payload) {
            self.tell(MediaEvent::Dtmf(key));
        }
        if payload.is_some() {
            for event in self.alive.heard(arrival) {
                self.tell(event);
            }
        }
    }

    /// A datagram came to the RTCP port.
    pub(super) fn receive_rtcp(&mut self, arrival: Duration, source: SocketAddr, datagram: &[u8]) {
        let hosts = [self.rtcp_target(), self.latch.target()];
        if !hosts.into_iter().flatten().any(|host| host.ip() == source.ip()) {
            return tracing::trace!(%source, "RTCP from a stranger");
        }
        match rtcp::Heard::parse(datagram) {
            Ok(heard) => {
                self.rtcp_source = Some(source);
                self.reports.heard(arrival, &heard);
                if heard.bye {
                    self.inbound.said_bye();
                }
            }
            Err(error) => tracing::trace!(%source, %error, "not RTCP"),
        }
    }

    /// 20 ms have passed.
    pub(super) fn tick(&mut self, now: Duration) -> Tick<'_> {
        let Some(remote) = &self.remote else {
            return Tick {
                frame: None,
                rtp: None,
                rtcp: None,
            };
        };
        let (codec, payload_type, direction) = (remote.codec, remote.payload_types.send(), remote.direction);

        let frame = self.inbound.frame(now);
        let excused = !direction.receives() || self.inbound.is_excused(now);
        let lost = self.alive.tick(now, excused);

        let target = self.latch.target().filter(|_| direction.sends());
        let played = if target.is_some() {
            self.outbound.packet(codec, payload_type)
        } else {
            self.outbound.pause(1);
            None
        };
        for event in lost.into_iter().chain(played) {
            self.tell(event);
        }

        let report_to = self.rtcp_target();
        let report = self.reports.is_due(now) && report_to.is_some();
        if report {
            self.write_report(now, false);
        }
        Tick {
            frame: Some((self.phase, frame)),
            rtp: target.map(|target| (target, self.outbound.datagram())),
            rtcp: report_to
                .filter(|_| report)
                .map(|target| (target, &self.report[..])),
        }
    }

    /// Ticks nobody came for: the machine stood still. Time goes on without them; the ear, which counts samples,
    /// still gets their frames, of up to five seconds.
    pub(super) fn skip(&mut self, now: Duration, ticks: u32, mut each: impl FnMut(Phase, &Frame)) {
        if self.remote.is_none() {
            return;
        }
        self.outbound.pause(ticks);
        for _ in 0..ticks.min(MISSED) {
            each(self.phase, &self.inbound.frame(now));
        }
    }

    /// The goodbye to send, if the peer is known.
    pub(super) fn bye(&mut self, now: Duration) -> Option<(SocketAddr, &[u8])> {
        let target = self.rtcp_target()?;
        self.write_report(now, true);
        Some((target, &self.report))
    }

    /// The oldest event not yet told.
    pub(super) fn event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// It could not be told: later, then.
    pub(super) fn event_back(&mut self, event: MediaEvent) {
        self.events.push_front(event);
    }

    /// The books so far.
    pub(super) fn books(&self) -> Books {
        Books {
            codec: self.remote.as_ref().map(|remote| remote.codec),
            sent: self.outbound.packets(),
            counts: self.inbound.counts(),
        }
    }

    fn tell(&mut self, event: MediaEvent) {
        if self.events.len() < EVENTS || !matches!(event, MediaEvent::Dtmf(_)) {
            self.events.push_back(event);
        }
    }

    fn rtcp_target(&self) -> Option<SocketAddr> {
        let signalled = self.remote.as_ref().and_then(|remote| {
            let port = remote.rtp.port().checked_add(1)?;
            Some(remote.rtcp.unwrap_or(SocketAddr::new(remote.rtp.ip(), port)))
        });
        let target = self.rtcp_source.or(signalled);
        target.filter(|address| address.port() != 0 && !address.ip().is_unspecified())
    }

    fn write_report(&mut self, now: Duration, bye: bool) {
        let packets = self.outbound.packets();
        let sent = (packets > 0).then(|| rtcp::Sent {
            ntp: rtcp::ntp(self.seed.epoch + now),
            timestamp: self.outbound.timestamp(),
            packets: packets as u32,
            octets: (packets as u32).wrapping_mul(hark_sound::FRAME_SAMPLES as u32),
        });
        let received = self.inbound.reported();
        self.reports
            .write(now, self.outbound.ssrc(), sent, received, bye, &mut self.report);
    }
}

impl From<Books> for MediaStats {
    fn from(books: Books) -> Self {
        let Books { codec, sent, counts } = books;
        Self {
            codec: codec.map(|codec| codec.name().to_owned()),
            received: counts.received,
            sent,
            lost: counts.lost,
            late: counts.late,
            duplicate: counts.duplicate,
            concealed_s: Duration::from_micros(counts.concealed * 125).into(),
            jitter_ms: (counts.jitter * 1000.0 / f64::from(SAMPLE_RATE)) as f32,
        }
    }
}

#[cfg(test)]
mod tests;
