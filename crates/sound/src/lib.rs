//! Sound as arithmetic: G.711, frames, resampling, WAV, tone synthesis. No I/O but WAV files.

mod frame;

pub use frame::{FRAME_SAMPLES, Frame, Origin, SAMPLE_RATE};
