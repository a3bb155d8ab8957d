//! From a wish to dial to the right to dial: which trunks may take a number, and a channel on one of them.

use std::sync::Arc;

use hark_outcome::{Number, TrunkId};

use crate::gate::Passed;
use crate::trunk::{Hold, Trunk};

/// The trunks that may dial one number, in order. Made by [`Line::route`](crate::Line::route) only.
#[derive(Debug, Clone)]
pub struct Route {
    pub(crate) to: Number,
    pub(crate) legs: Vec<Leg>,
}

/// One trunk of a route.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub(crate) trunk: Arc<Trunk>,
    pub(crate) passed: Passed,
}

impl Route {
    /// The trunks, in the order they are tried.
    pub fn trunks(&self) -> impl Iterator<Item = &TrunkId> {
        self.legs.iter().map(|leg| &leg.trunk.id)
    }

    /// The number.
    #[must_use]
    pub const fn to(&self) -> &Number {
        &self.to
    }
}

/// A channel on one trunk, held for one call. Dropping it gives the channel back.
#[derive(Debug)]
pub struct Reservation {
    pub(crate) route: Route,
    pub(crate) leg: usize,
    pub(crate) hold: Hold,
}

impl Reservation {
    /// The trunk.
    #[must_use]
    pub fn trunk(&self) -> &TrunkId {
        &self.hold.trunk.id
    }

    /// The number it would show, if no other is asked for.
    #[must_use]
    pub fn caller_id(&self) -> Option<&Number> {
        self.route.legs[self.leg].passed.caller_id.as_ref()
    }

    /// Whether the far end is a simulation.
    #[must_use]
    pub fn simulated(&self) -> bool {
        self.hold.trunk.config.simulated
    }

    /// Which tones the trunk's country plays.
    #[must_use]
    pub fn tone_plan(&self) -> Option<&str> {
        self.hold.trunk.config.tone_plan.as_deref()
    }
}
