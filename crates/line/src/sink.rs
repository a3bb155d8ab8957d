//! Where a call's sound goes.

use hark_outcome::Phase;
use hark_sound::Frame;

/// Takes a call's frames, one every 20 ms from the moment the peer's SDP is known.
///
/// Called from a media thread that paces hundreds of calls: it must not block, lock for long, or do the hearing
/// itself.
pub trait FrameSink: Send {
    /// One frame, heard before or after the answer.
    fn frame(&mut self, phase: Phase, frame: &Frame);
}
