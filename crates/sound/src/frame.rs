//! The unit all sound travels in: 20 ms of 8 kHz mono.

/// Samples per second of all telephone sound in the house.
pub const SAMPLE_RATE: u32 = 8_000;

/// Samples in one frame: 20 ms.
pub const FRAME_SAMPLES: usize = 160;

/// Where a frame's samples come from. The ear must know: sound we invented is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Decoded from a packet.
    Received,
    /// Invented to hide a lost packet.
    Concealed,
    /// Comfort noise, or silence the sender told us of (DTX): the line is alive and nobody speaks.
    Comfort,
    /// Nothing came and nothing was promised. The samples are zero.
    Absent,
}

/// 20 ms of sound, linear 16-bit at 8 kHz.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The samples.
    pub samples: [i16; FRAME_SAMPLES],
    /// Where they come from.
    pub origin: Origin,
}

impl Frame {
    /// Nothing came.
    pub const ABSENT: Self = Self {
        samples: [0; FRAME_SAMPLES],
        origin: Origin::Absent,
    };
}

impl Frame {
    /// Received samples; fewer than a frame's are followed by silence, more are not taken.
    #[must_use]
    pub fn received(samples: &[i16]) -> Self {
        let mut frame = Self {
            samples: [0; FRAME_SAMPLES],
            origin: Origin::Received,
        };
        let n = samples.len().min(FRAME_SAMPLES);
        frame.samples[..n].copy_from_slice(&samples[..n]);
        frame
    }
}

/// Cuts a clip into received frames; the last one is filled up with silence.
pub fn frames(clip: &[i16]) -> impl ExactSizeIterator<Item = Frame> + '_ {
    clip.chunks(FRAME_SAMPLES).map(Frame::received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frame_of_a_clip_is_filled_up_with_silence() {
        let cut: Vec<Frame> = frames(&[5; 200]).collect();
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[0].samples, [5; 160]);
        assert_eq!((cut[1].samples[39], cut[1].samples[40]), (5, 0));
        assert_eq!(frames(&[]).len(), 0);
    }
}
