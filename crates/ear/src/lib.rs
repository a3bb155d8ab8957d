//! The ear: sound in, evidence and verdict out.
//!
//! Sans-IO: [`Ear::hear`] takes one 20 ms frame after the other and counts samples; it reads no clock, no file and no
//! socket. [`judge`] joins what it heard with what signalling said. [`classify`] is both for a clip without a call.

mod classify;
mod config;
mod ear;
mod evidence;
mod front;
mod judge;
mod opinion;
mod scene;
mod tones;
mod verdict;
mod voice;

pub use classify::{Classification, classify};
pub use config::{EarConfig, UnknownPlan};
pub use ear::Ear;
pub use judge::{Judgement, Signals, WhoEnded, judge};
pub use opinion::{EarlySound, Opinion};
pub use tones::{PlanTone, ToneMeaning, TonePlan};
