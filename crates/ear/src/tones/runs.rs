//! Tones on and off, with their edges to a few milliseconds.
//!
//! `Idle => On` when two frames in a row are tonal. `On => Idle` when three quiet frames, or five that are not this tone,
//! came; a hole of one or two lost packets is bridged. Edges inside a frame are found by energy: a frame half as strong as
//! the tone is half filled by it. Frames that were not received say nothing; they only widen the slack of the edges.

use super::composition::{Composer, Composition, LONGEST};
use crate::front::{Look, SLOW_FRAME};

const FRAME_MS: f32 = 20.0;
/// Quieter tones are not heard.
const QUIETEST_DBM0: f32 = -44.0;
/// Power in the one or two lobes of a tonal frame.
const TONAL: f32 = 0.88;
const BAND_HZ: std::ops::Range<f32> = 370.0..2100.0;
/// A frame this far below the tone is off.
const OFF_DB: f32 = 10.0;
/// A frame this far from the tone's level is not of it.
const LEVEL_DB: f32 = 3.0;
/// Power in the lobes of a machine's tone, and how far its level moves: a pair beats by 1.2 dB.
const STEADY: f32 = 0.96;
const STEADY_DB: f32 = 3.0;
/// Frames of the slow view kept: 600 ms.
const KEPT: usize = 30;
const SLOW_PER_MS: f32 = SLOW_FRAME as f32 / FRAME_MS;

/// A tone, or the quiet after one. Times are milliseconds of the phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Segment {
    pub on: bool,
    pub from_ms: f32,
    pub to_ms: f32,
    /// Lost sound at its edges, in milliseconds.
    pub slack_ms: f32,
    /// Of a tone: what it consists of, where that could be told.
    pub composition: Option<Composition>,
    /// Of a tone: the full band's peak, and how far it wandered.
    pub peak_hz: f32,
    pub wander_hz: f32,
    /// Of a tone: mean share of the power in one lobe.
    pub one_lobe: f32,
    /// Of a tone: as steady as a machine's, no vowel.
    pub steady: bool,
    pub level: f32,
}

impl Segment {
    pub(crate) fn ms(&self) -> f32 {
        self.to_ms - self.from_ms
    }
}

/// What a frame brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Event {
    /// A tone ended, or a quiet between two tones.
    Segment(Segment),
    /// Other sound came: what was before and what comes are not one cadence.
    Break,
}

#[derive(Clone)]
pub(crate) struct Runs {
    slow: [[f32; SLOW_FRAME]; KEPT],
    /// Which of them were received, and tonal.
    clean: [bool; KEPT],
    composer: Composer,
    frame: u32,
    state: State,
    last_level: f32,
    /// The end and level of the last tone, while only quiet followed.
    quiet_since: Option<(f32, f32)>,
    dirty: u32,
    unknown: u32,
}

#[derive(Debug, Clone)]
enum State {
    Idle { tonal: u32, levels: [f32; 2] },
    On(Run),
}

const IDLE: State = State::Idle {
    tonal: 0,
    levels: [-99.0; 2],
};

#[derive(Debug, Clone)]
struct Run {
    from_ms: f32,
    /// The last frame that was surely of the tone.
    last: u32,
    frames: u32,
    level: f32,
    peak_sum: f32,
    peak_min: f32,
    peak_max: f32,
    lobe_sum: f32,
    lobes_sum: f32,
    /// Levels after the first frame, lowest and highest.
    levels: (f32, f32),
    gap: u32,
    quiet: u32,
    /// Share of the first frame of the gap that the tone still filled.
    tail: f32,
    unknown: u32,
}

impl Run {
    /// A vowel may be tonal for a while; it never holds its level and is never quite pure.
    fn is_steady(&self) -> bool {
        self.lobes_sum / self.frames as f32 >= STEADY && self.levels.1 - self.levels.0 <= STEADY_DB
    }
}

impl Runs {
    pub(crate) fn new() -> Self {
        Self {
            slow: [[0.0; SLOW_FRAME]; KEPT],
            clean: [false; KEPT],
            composer: Composer::new(),
            frame: 0,
            state: IDLE,
            last_level: -99.0,
            quiet_since: None,
            dirty: 0,
            unknown: 0,
        }
    }

    /// Whether a tone surely sounds now.
    pub(crate) fn is_on(&self) -> bool {
        matches!(&self.state, State::On(run) if run.gap < 2 && run.frames >= 4 && run.is_steady())
    }

    /// How long it has been quiet since the last tone, if nothing else came.
    pub(crate) fn quiet_ms(&self) -> Option<f32> {
        let (since, _) = self
            .quiet_since
            .filter(|_| matches!(self.state, State::Idle { .. }))?;
        Some(self.frame as f32 * FRAME_MS - since)
    }

    /// Takes the next frame; `None` for one that was not received.
    pub(crate) fn push(&mut self, look: Option<&Look>) -> [Option<Event>; 2] {
        self.slow.rotate_left(1);
        self.slow[KEPT - 1] = look.map_or([0.0; SLOW_FRAME], |l| l.slow);
        self.clean.rotate_left(1);
        self.clean[KEPT - 1] = look.is_some_and(is_tonal);
        self.frame += 1;
        let Some(look) = look else {
            self.unknown += 1;
            if let State::On(run) = &mut self.state {
                run.unknown += 1;
            }
            return self.give_up_on_loss();
        };
        let events = match std::mem::replace(&mut self.state, IDLE) {
            State::Idle { tonal, levels } => [self.idle(tonal, levels, look), None],
            State::On(run) => self.on(run, look),
        };
        self.last_level = look.level;
        events
    }

    /// Nothing more will come: a tone that sounds now ends here.
    pub(crate) fn finish(&mut self) -> Option<Event> {
        let State::On(run) = std::mem::replace(&mut self.state, IDLE) else {
            return None;
        };
        self.close(&run).map(Event::Segment)
    }

    fn idle(&mut self, tonal: u32, levels: [f32; 2], look: &Look) -> Option<Event> {
        if !is_tonal(look) {
            return self.not_tonal(look);
        }
        if tonal == 0 {
            self.state = State::Idle {
                tonal: 1,
                levels: [self.last_level, look.level],
            };
            return None;
        }
        let run = self.open(levels, look);
        let off = self.quiet_since.take().map(|(since, level)| Segment {
            on: false,
            from_ms: since,
            to_ms: run.from_ms,
            slack_ms: FRAME_MS * self.unknown.min(3) as f32,
            composition: None,
            peak_hz: 0.0,
            wander_hz: 0.0,
            one_lobe: 0.0,
            steady: true,
            level,
        });
        self.state = State::On(run);
        self.dirty = 0;
        self.unknown = 0;
        off.map(Event::Segment)
    }

    fn not_tonal(&mut self, look: &Look) -> Option<Event> {
        let (_, level) = self.quiet_since?;
        if look.level > level - OFF_DB {
            self.dirty += 1;
            // One or two are the smeared frames at an edge.
            if self.dirty > 2 {
                self.quiet_since = None;
                self.dirty = 0;
                return Some(Event::Break);
            }
        }
        None
    }

    /// The tone began in the two frames before this one; their energy says where.
    fn open(&self, levels: [f32; 2], look: &Look) -> Run {
        let filled: f32 = levels.iter().map(|l| filled(*l, look.level)).sum();
        Run {
            from_ms: ((self.frame - 1) as f32 - filled).max(0.0) * FRAME_MS,
            last: self.frame,
            frames: 1,
            level: look.level,
            peak_sum: look.peak_hz,
            peak_min: look.peak_hz,
            peak_max: look.peak_hz,
            lobe_sum: look.one_lobe,
            lobes_sum: look.two_lobes,
            levels: (look.level, look.level),
            gap: 0,
            quiet: 0,
            tail: 0.0,
            unknown: self.unknown.min(3),
        }
    }

    fn on(&mut self, mut run: Run, look: &Look) -> [Option<Event>; 2] {
        let same = is_tonal(look) && (look.level - run.level).abs() <= LEVEL_DB;
        if same {
            run.last = self.frame;
            run.frames += 1;
            run.level += (look.level - run.level) / run.frames.min(8) as f32;
            run.peak_sum += look.peak_hz;
            run.peak_min = run.peak_min.min(look.peak_hz);
            run.peak_max = run.peak_max.max(look.peak_hz);
            run.lobe_sum += look.one_lobe;
            run.lobes_sum += look.two_lobes;
            run.levels = (run.levels.0.min(look.level), run.levels.1.max(look.level));
            run.gap = 0;
            run.quiet = 0;
            self.state = State::On(run);
            return [None, None];
        }
        run.gap += 1;
        if run.gap == 1 {
            run.tail = if look.level < run.level + LEVEL_DB {
                filled(look.level, run.level)
            } else {
                0.0
            };
        }
        let quiet = look.level < run.level - OFF_DB;
        run.quiet += u32::from(quiet);
        if run.quiet < 3 && run.gap < 5 {
            self.state = State::On(run);
            return [None, None];
        }
        let segment = self.close(&run);
        self.state = IDLE;
        self.dirty = 0;
        self.unknown = 0;
        if run.quiet >= 3 {
            let end = segment.map_or(run.last as f32 * FRAME_MS, |s| s.to_ms);
            self.quiet_since = Some((end, run.level));
            [segment.map(Event::Segment), None]
        } else {
            self.quiet_since = None;
            [segment.map(Event::Segment), Some(Event::Break)]
        }
    }

    /// A long loss tells nothing about a cadence: what came before it is forgotten.
    fn give_up_on_loss(&mut self) -> [Option<Event>; 2] {
        match &self.state {
            State::On(run) if run.unknown > 5 && self.frame - run.last > 5 => {
                self.state = IDLE;
                self.quiet_since = None;
                [Some(Event::Break), None]
            }
            State::Idle { .. } if self.quiet_since.is_some() && self.unknown > 10 => {
                self.quiet_since = None;
                [Some(Event::Break), None]
            }
            _ => [None, None],
        }
    }

    /// The tone as a segment; `None` if it was too short to be one.
    fn close(&mut self, run: &Run) -> Option<Segment> {
        let to_ms = (run.last as f32 + run.tail) * FRAME_MS;
        if run.frames < 2 || to_ms - run.from_ms < 50.0 {
            return None;
        }
        let composition = self
            .interior(run.from_ms, to_ms)
            .and_then(|slow| self.composer.compose(&slow));
        Some(Segment {
            on: true,
            from_ms: run.from_ms,
            to_ms,
            slack_ms: FRAME_MS * run.unknown.min(3) as f32,
            composition,
            peak_hz: run.peak_sum / run.frames as f32,
            wander_hz: run.peak_max - run.peak_min,
            one_lobe: run.lobe_sum / run.frames as f32,
            steady: run.is_steady(),
            level: run.level,
        })
    }

    /// The slow view inside a tone: its longest whole stretch, edges and holes left out, as far as it is kept.
    fn interior(&self, from_ms: f32, to_ms: f32) -> Option<Vec<f32>> {
        let kept_from = (self.frame as f32 - KEPT as f32) * FRAME_MS;
        let index = |ms: f32| (((ms - kept_from) * SLOW_PER_MS).max(0.0) as usize).min(KEPT * SLOW_FRAME);
        let (from, to) = (index(from_ms + 8.0), index(to_ms - 6.0));
        let frame = |i: usize| (i * SLOW_FRAME).max(from)..((i + 1) * SLOW_FRAME).min(to);
        let mut best = 0..0;
        let mut current = 0..0;
        for i in (0..KEPT).filter(|&i| !frame(i).is_empty()) {
            // A frame at the edge need not be tonal: what of it lies inside is the tone.
            let edge = frame(i).len() < SLOW_FRAME;
            current = match (self.clean[i] || edge, current.end == frame(i).start) {
                (true, true) => current.start..frame(i).end,
                (true, false) => frame(i),
                (false, _) => 0..0,
            };
            if current.len() >= best.len() {
                best = current.clone();
            }
        }
        let from = best.start.max(best.end.saturating_sub(LONGEST));
        (from < best.end).then(|| self.slow.as_flattened()[from..best.end].to_vec())
    }
}

fn is_tonal(look: &Look) -> bool {
    look.level > QUIETEST_DBM0 && look.two_lobes >= TONAL && BAND_HZ.contains(&look.peak_hz)
}

/// Which share of a frame a tone fills, by energy.
fn filled(level: f32, tone: f32) -> f32 {
    let share = 10f32.powf((level - tone) / 10.0);
    // Within 1 dB the frame is full: pairs beat.
    if share > 0.8 { 1.0 } else { share }
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runs")
            .field("frame", &self.frame)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
