//! Network tones: plans as data, detection by frequency and cadence.

mod plan;

pub use plan::{PlanTone, ToneMeaning, TonePlan};
