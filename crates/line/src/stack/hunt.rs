//! The next place to send an INVITE: first the targets of one trunk, then the next trunk of the route. It is asked
//! again only while no INVITE was sent, or after a 503 that rang nowhere; the machine decides that.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Core;
use super::resolve;
use super::way::Way;
use crate::route::{Leg, Reservation};
use crate::trunk::{Hold, Permit};

/// How long a call that moves to another trunk waits for that trunk's pace.
const PACE_PATIENCE: Duration = Duration::from_secs(1);

/// What was found.
pub(super) enum Found {
    /// A way that can be sent to.
    Way(Box<Way>),
    /// A place that cannot be reached.
    Unreachable(String),
    /// Nothing further.
    Exhausted,
}

/// Where a call has been, and where it may still go.
pub(super) struct Hunt {
    pub(super) leg: Leg,
    grip: Grip,
    targets: Option<VecDeque<SocketAddr>>,
    legs: VecDeque<Leg>,
}

/// The channel on the present trunk.
#[derive(Default)]
enum Grip {
    Hold(Hold),
    Permit(#[expect(dead_code, reason = "held for its drop")] Permit),
    #[default]
    None,
}

impl Hunt {
    pub(super) fn new(reservation: Reservation) -> Self {
        let Reservation { route, leg, hold } = reservation;
        let mut legs: VecDeque<Leg> = route.legs.into_iter().skip(leg).collect();
        let leg = legs
            .pop_front()
            .expect("a reservation is made for a leg of its own route");
        Self {
            leg,
            grip: Grip::Hold(hold),
            targets: None,
            legs,
        }
    }

    /// An INVITE leaves over the present trunk: its channel and one of its day's calls are used, by the first one.
    pub(super) fn spend(&mut self) {
        self.grip = match std::mem::take(&mut self.grip) {
            Grip::Hold(hold) => Grip::Permit(hold.spend()),
            spent => spent,
        };
    }

    /// The channel is free again.
    pub(super) fn release(&mut self) {
        self.grip = Grip::None;
    }

    /// Goes on to the next place.
    pub(super) async fn next(&mut self, core: &Arc<Core>) -> Found {
        let config = &self.leg.trunk.config;
        let patience = self.leg.trunk.setup_timeout();
        let targets = match &mut self.targets {
            Some(targets) => targets,
            None => match resolve::targets(&*core.names, config, core.ways.local().ip(), patience).await {
                Ok(found) => self.targets.insert(found.into()),
                Err(why) => {
                    self.targets = Some(VecDeque::new());
                    return Found::Unreachable(format!("trunk {}: {why}", self.leg.trunk.id));
                }
            },
        };
        if let Some(target) = targets.pop_front() {
            return match core.ways.to_trunk(config, target, patience).await {
                Ok(way) => Found::Way(Box::new(way)),
                Err(why) => Found::Unreachable(format!("trunk {}: {why}", self.leg.trunk.id)),
            };
        }
        self.next_trunk().await
    }

    async fn next_trunk(&mut self) -> Found {
        let Some(leg) = self.legs.pop_front() else {
            return Found::Exhausted;
        };
        let hold = match leg.trunk.reserve() {
            Ok(hold) => hold,
            Err(full) => return Found::Unreachable(full.to_string()),
        };
        match leg.trunk.slot(Instant::now(), PACE_PATIENCE) {
            Ok(slot) => tokio::time::sleep_until(slot.into()).await,
            Err(_) => {
                return Found::Unreachable(format!(
                    "trunk {}: its calls per second are used up",
                    leg.trunk.id
                ));
            }
        }
        let why = format!("going on over trunk {}", leg.trunk.id);
        self.leg = leg;
        self.grip = Grip::Hold(hold);
        self.targets = None;
        // Its targets are asked for next.
        Found::Unreachable(why)
    }
}
