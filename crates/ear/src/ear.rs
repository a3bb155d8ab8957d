//! The ear of one call: frames in, opinion and evidence out. Counts samples, never looks at a clock.

use hark_outcome::{Heard, Phase};
use hark_sound::Frame;

use crate::{EarConfig, Opinion};

/// Listens to one call.
#[derive(Debug, Clone)]
pub struct Ear {
    opinion: Opinion,
}

impl Ear {
    /// An ear for a new call.
    #[must_use]
    pub fn new(_config: &EarConfig) -> Self {
        Self {
            opinion: Opinion::default(),
        }
    }

    /// Hears the next 20 ms. `Some` when the opinion changed.
    pub fn hear(&mut self, phase: Phase, _frame: &Frame) -> Option<Opinion> {
        self.opinion.phase = phase;
        None
    }

    /// What it thinks now.
    #[must_use]
    pub fn opinion(&self) -> Opinion {
        self.opinion.clone()
    }

    /// What it heard so far, in time order.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        Vec::new()
    }

    /// The call is over: nothing more will come, so what was waited for is decided now.
    pub fn finish(&mut self) {}
}
