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
