//! The level of the background: the quietest 40 ms of the last second and a half, never below what G.711 can carry. Before
//! that has passed the line is taken for quiet: a word at once is heard, and noise at once is no voice anyway.

use crate::front::NOTHING_DBM0;

/// Frames of one of the windows whose minima are kept.
const WINDOW: u32 = 15;
const WINDOWS: usize = 5;

#[derive(Debug, Clone)]
pub(crate) struct Floor {
    minima: [f32; WINDOWS],
    current: f32,
    frames: u32,
    last: f32,
}

impl Floor {
    pub(crate) const fn new() -> Self {
        Self {
            minima: [NOTHING_DBM0; WINDOWS],
            current: 0.0,
            frames: 0,
            last: NOTHING_DBM0,
        }
    }

    /// Takes a frame's level; gives the floor in dBm0.
    pub(crate) fn push(&mut self, level: f32) -> f32 {
        let level = level.max(NOTHING_DBM0);
        // Two frames together: a single quiet one lies between two pitch pulses.
        let smooth = level.max(self.last);
        self.last = level;
        self.current = self.current.min(smooth);
        self.frames += 1;
        if self.frames >= WINDOW {
            self.minima.rotate_left(1);
            self.minima[WINDOWS - 1] = self.current;
            self.current = 0.0;
            self.frames = 0;
        }
        self.minima.iter().copied().fold(self.current, f32::min)
    }
}
