//! Sound as arithmetic: G.711, frames, resampling, WAV, tone synthesis. No I/O but WAV files.

mod frame;
pub mod g711;
pub mod resample;
pub mod tone;
pub mod wav;

pub use frame::{FRAME_SAMPLES, Frame, Origin, SAMPLE_RATE, frames};
