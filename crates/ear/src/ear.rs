//! The ear of one call: frames in, opinion and evidence out. It counts samples and never looks at a clock.
//!
//! Each phase is a scene of its own; at the answer the early opinion is forgotten and only remembered as heard. An
//! opinion once certain stays; a likely one is revised as more is heard.

use hark_outcome::{Confidence, Grade, Heard, Phase};
use hark_sound::Frame;

use crate::evidence::seconds;
use crate::front::Front;
use crate::scene::Scene;
use crate::verdict::{BEEP, Verdict, after_answer, before_answer};
use crate::{EarConfig, Opinion};

/// Listens to one call.
#[derive(Debug, Clone)]
pub struct Ear {
    config: EarConfig,
    front: Front,
    scene: Option<Scene>,
    past: Vec<Heard>,
    opinion: Opinion,
    last_person_ms: Option<f32>,
}

impl Ear {
    /// An ear for a new call.
    #[must_use]
    pub fn new(config: &EarConfig) -> Self {
        Self {
            config: config.clone(),
            front: Front::new(),
            scene: None,
            past: Vec::new(),
            opinion: Opinion::default(),
            last_person_ms: None,
        }
    }

    /// Hears the next 20 ms. `Some` when the opinion changed.
    pub fn hear(&mut self, phase: Phase, frame: &Frame) -> Option<Opinion> {
        let before = self.marks();
        let mut scene = self.enter(phase);
        let found = scene.hear(frame, &mut self.front);
        self.think(&scene, &found, false);
        self.scene = Some(scene);
        (self.marks() != before).then(|| self.opinion.clone())
    }

    /// What it thinks now.
    #[must_use]
    pub fn opinion(&self) -> Opinion {
        self.opinion.clone()
    }

    /// What it heard so far, in time order.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let now = self.scene.iter().flat_map(Scene::heard);
        self.past.iter().cloned().chain(now).collect()
    }

    /// The call is over: nothing more will come, so what was waited for is decided now.
    pub fn finish(&mut self) {
        if let Some(mut scene) = self.scene.take() {
            let found = scene.finish();
            self.think(&scene, &found, true);
            self.opinion.speaking = false;
            self.scene = Some(scene);
        }
    }

    /// The scene of a phase; a new one if the phase began.
    fn enter(&mut self, phase: Phase) -> Scene {
        match self.scene.take() {
            Some(scene) if scene.phase == phase => scene,
            other => {
                if let Some(mut old) = other {
                    let found = old.finish();
                    self.think(&old, &found, true);
                    self.past.extend(old.heard());
                }
                self.opinion = Opinion {
                    phase,
                    early: self.opinion.early,
                    ..Opinion::default()
                };
                Scene::new(phase, &self.config)
            }
        }
    }

    fn think(&mut self, scene: &Scene, found: &[crate::scene::Found], over: bool) {
        self.opinion.speaking = scene.voices.is_speaking();
        let verdict = match scene.phase {
            Phase::Early => before_answer(scene, found, &mut self.opinion.early, over),
            Phase::Answered => {
                self.opinion.voice = seconds(scene.voices.voice() as f32 * 20.0);
                after_answer(scene, found, &self.config, self.last_person_ms, over)
            }
        };
        if let Some(verdict) = verdict {
            self.adopt(verdict, scene.now_ms());
        }
    }

    fn adopt(&mut self, verdict: Verdict, now_ms: f32) {
        let reading = verdict.cause.map(|cause| (cause.disposition(), cause));
        let unchanged = self.opinion.reading == reading
            && self.opinion.grade == verdict.grade
            && self.opinion.rule == verdict.rule;
        // A beep says more than the timing of the voice before it.
        let outranked = self.opinion.rule == BEEP && verdict.grade != Grade::Certain;
        if self.opinion.grade == Grade::Certain || unchanged || outranked {
            return;
        }
        if verdict.is_person() {
            self.last_person_ms = Some(now_ms);
        }
        self.opinion.decided_at = verdict.cause.map(|_| seconds(now_ms));
        self.opinion.reading = reading;
        self.opinion.grade = verdict.grade;
        self.opinion.confidence = Confidence::new(verdict.confidence);
        self.opinion.rule = verdict.rule;
        self.opinion.because = verdict.because();
    }

    /// All of an opinion by which a change is told.
    fn marks(&self) -> impl PartialEq + use<> {
        let o = &self.opinion;
        (o.phase, o.reading, o.grade, o.rule, o.speaking, o.early)
    }
}
