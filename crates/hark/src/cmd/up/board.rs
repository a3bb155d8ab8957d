//! The live picture in the terminal, and the table at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hark_carrier::Report;
use hark_outcome::{CallResult, Disposition, Persons};

use crate::show;

/// Width of the progress bar, in characters.
const BAR: usize = 40;

/// Latest results shown.
const LATEST: usize = 5;

/// What is drawn while calls run.
pub(super) struct Board {
    total: u32,
    counts: BTreeMap<Disposition, u32>,
    latest: Vec<String>,
    done: u32,
    began: Instant,
    terminal: bool,
    lines: usize,
    last_plain: Option<Instant>,
}

impl Board {
    pub(super) fn new(total: u32, terminal: bool) -> Self {
        Self {
            total,
            counts: BTreeMap::new(),
            latest: Vec::new(),
            done: 0,
            began: Instant::now(),
            terminal,
            lines: 0,
            last_plain: None,
        }
    }

    pub(super) fn add(&mut self, result: &CallResult) {
        self.done += 1;
        *self.counts.entry(result.disposition).or_default() += 1;
        self.latest.push(show::result_line(result));
        if self.latest.len() > LATEST {
            self.latest.remove(0);
        }
    }

    /// The next picture. On a terminal it is drawn over the last one; elsewhere it is a line every two seconds.
    pub(super) fn draw(&mut self, live: usize) -> String {
        if self.terminal {
            self.picture(live)
        } else {
            self.line(live)
        }
    }

    fn picture(&mut self, live: usize) -> String {
        let mut text = String::new();
        if self.lines > 0 {
            let _ = write!(text, "\x1b[{}A", self.lines);
        }
        let full =
            BAR * usize::try_from(self.done).unwrap_or(0) / usize::try_from(self.total.max(1)).unwrap_or(1);
        let mut lines = vec![format!(
            "  {}{} {}/{} done, {live} live, {:.0} s",
            "█".repeat(full),
            "░".repeat(BAR - full),
            self.done,
            self.total,
            self.began.elapsed().as_secs_f64()
        )];
        lines.push(format!("  {}", self.tally()));
        lines.extend(self.latest.iter().map(|l| format!("    {l}")));
        self.lines = lines.len();
        for line in lines {
            let short: String = line.chars().take(118).collect();
            let _ = writeln!(text, "\x1b[2K{short}");
        }
        text
    }

    fn line(&mut self, live: usize) -> String {
        let due = self
            .last_plain
            .is_none_or(|t| t.elapsed() >= Duration::from_secs(2))
            || self.done == self.total;
        if !due {
            return String::new();
        }
        self.last_plain = Some(Instant::now());
        format!(
            "  {:>3.0} s  {}/{} done, {live} live: {}\n",
            self.began.elapsed().as_secs_f64(),
            self.done,
            self.total,
            self.tally()
        )
    }

    fn tally(&self) -> String {
        self.counts
            .iter()
            .map(|(d, n)| format!("{d} {n}"))
            .collect::<Vec<_>>()
            .join("  ")
    }
}

/// The closing table: how calls ended, what line time was saved, and what the carrier saw.
pub(super) fn closing(results: &[CallResult], report: &Report, took: Duration) -> String {
    let mut persons = Persons::default();
    let mut answered = 0;
    for r in results {
        persons.count(r);
        answered += u64::from(r.sip_answered);
    }
    let mut text = show::outcome_table(results.iter());
    let held: f64 = results.iter().map(|r| r.timing.line_s.get()).sum();
    let (saved, saved_on) = saved(report);
    let dialled_twice = report.numbers.values().filter(|n| **n > 1).count();
    let _ = writeln!(
        text,
        "\n  {} results in {:.1} s{}",
        results.len(),
        took.as_secs_f64(),
        show::rates(persons, answered)
    );
    let _ = writeln!(
        text,
        "  line time {held:.0} s held; {:.0} s saved on {} calls by hanging up on what was heard (of the simulated network's unshortened times)",
        saved.as_secs_f64(),
        saved_on
    );
    let _ = write!(
        text,
        "  carrier   saw {} INVITEs to {} numbers; numbers dialled twice: {dialled_twice}; calls still up: {}",
        report.numbers.values().sum::<u32>(),
        report.numbers.len(),
        report.live_calls
    );
    text
}

/// How much longer the calls that we cancelled would have held the line, and how many there were. Unshortened times: what
/// a real network would have taken. Only the carrier can know.
fn saved(report: &Report) -> (Duration, usize) {
    let saved = report
        .calls
        .iter()
        .filter(|c| c.cancelled.is_some())
        .filter_map(|c| {
            let longer = c.would_have_ended_after?.checked_sub(c.would_have_lasted)?;
            (!longer.is_zero()).then_some(longer)
        });
    saved.fold((Duration::ZERO, 0), |(sum, n), longer| (sum + longer, n + 1))
}
