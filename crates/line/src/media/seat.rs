//! A session's place on a media thread: its core with its sockets, its sink and its orders.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::pacer::STEPS;
use super::session::{Books, Core};
use super::socket::{Batch, Pair, send};
use super::{MediaEvent, Remote, locked};
use crate::sink::FrameSink;

/// Reports come seldom: their socket is looked at every fifth tick.
const REPORTS_EVERY: u32 = 5;

/// What signalling and a media thread share of a session. Held for moments only, by either.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) orders: Mutex<Orders>,
    pub(super) books: Mutex<Books>,
}

/// What signalling wants, until the next tick does it. Only the latest of each kind counts, so they cannot pile up.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) connect: Option<Remote>,
    pub(super) answered: bool,
    /// `Some(None)` stops.
    pub(super) play: Option<Option<Arc<[i16]>>>,
    pub(super) close: bool,
}

/// See the module.
pub(super) struct Seat {
    pub(super) core: Core,
    pub(super) pair: Pair,
    pub(super) is_v6: bool,
    pub(super) sink: Box<dyn FrameSink>,
    pub(super) events: mpsc::Sender<MediaEvent>,
    pub(super) shared: Arc<Shared>,
    last_step: Option<u64>,
    ticks: u32,
    send_failed: bool,
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat")
            .field("port", &self.pair.port)
            .finish_non_exhaustive()
    }
}

impl Seat {
    pub(super) fn new(
        core: Core,
        pair: Pair,
        is_v6: bool,
        sink: Box<dyn FrameSink>,
        events: mpsc::Sender<MediaEvent>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            core,
            pair,
            is_v6,
            sink,
            events,
            shared,
            last_step: None,
            ticks: 0,
            send_failed: false,
        }
    }

    /// How many ticks were missed since the last, now that `step` has come.
    pub(super) fn missed(&mut self, step: u64) -> u64 {
        let last = self.last_step.replace(step);
        last.map_or(0, |last| ((step - last) / STEPS as u64).saturating_sub(1))
    }

    /// One tick; false when the session is over.
    pub(super) fn tick(&mut self, now: Duration, wall: SystemTime, missed: u64, batch: &mut Batch) -> bool {
        if missed > 0 {
            let missed = u32::try_from(missed).unwrap_or(u32::MAX);
            self.core
                .skip(now, missed, |phase, frame| self.sink.frame(phase, frame));
        }
        self.receive(now, wall, batch);
        if self.obey(now) {
            self.close(now);
            return false;
        }
        let tick = self.core.tick(now);
        let sent = tick
            .rtp
            .map(|(target, rtp)| (target, send(&self.pair.rtp, self.is_v6, target, rtp)));
        if let Some((target, report)) = tick.rtcp {
            // Reports are a courtesy; one that does not leave is not missed.
            let _ = send(&self.pair.rtcp, self.is_v6, target, report);
        }
        if let Some((phase, frame)) = tick.frame {
            self.sink.frame(phase, &frame);
        }
        if let Some((target, sent)) = sent {
            self.note(target, sent);
        }
        self.tell();
        *locked(&self.shared.books) = self.core.books();
        true
    }

    /// Says goodbye and publishes the books.
    pub(super) fn close(&mut self, now: Duration) {
        if let Some((target, bye)) = self.core.bye(now) {
            let _ = send(&self.pair.rtcp, self.is_v6, target, bye);
        }
        *locked(&self.shared.books) = self.core.books();
    }

    fn receive(&mut self, now: Duration, wall: SystemTime, batch: &mut Batch) {
        let core = &mut self.core;
        let rtp = batch.receive(&self.pair.rtp, wall, |waited, source, datagram| {
            core.receive(now.saturating_sub(waited), source, datagram);
        });
        self.ticks = self.ticks.wrapping_add(1);
        let rtcp = if self.ticks.is_multiple_of(REPORTS_EVERY) {
            batch.receive(&self.pair.rtcp, wall, |waited, source, datagram| {
                core.receive_rtcp(now.saturating_sub(waited), source, datagram);
            })
        } else {
            Ok(())
        };
        for error in [rtp, rtcp].into_iter().filter_map(Result::err) {
            tracing::debug!(port = self.pair.port, %error, "nothing received");
        }
    }

    /// Does what signalling wants; true if that is to end.
    fn obey(&mut self, now: Duration) -> bool {
        let orders = std::mem::take(&mut *locked(&self.shared.orders));
        if let Some(remote) = orders.connect {
            self.core.connect(now, remote);
        }
        if orders.answered {
            self.core.answered(now);
        }
        match orders.play {
            Some(Some(sound)) => self.core.play(sound),
            Some(None) => self.core.stop_playing(),
            None => {}
        }
        orders.close
    }

    /// Tells signalling what it has room for; the rest later.
    fn tell(&mut self) {
        while let Some(event) = self.core.event() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => return self.core.event_back(event),
                // Nobody listens any more: the call is about to close.
                Err(TrySendError::Closed(_)) => {}
            }
        }
    }

    /// Warns once when sending fails and once when it works again: 50 lines a second help nobody.
    fn note(&mut self, target: SocketAddr, sent: std::io::Result<()>) {
        match sent {
            Err(error) if !self.send_failed => {
                tracing::warn!(port = self.pair.port, %target, %error, "RTP cannot be sent");
                self.send_failed = true;
            }
            Ok(()) if self.send_failed => {
                tracing::info!(port = self.pair.port, %target, "RTP is sent again");
                self.send_failed = false;
            }
            _ => {}
        }
    }
}
