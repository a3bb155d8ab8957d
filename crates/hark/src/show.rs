//! How things look in a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hark_bus::{DeadLetter, JobListing};
use hark_outcome::{CallResult, Cause, Disposition, Grade, Heard, Persons, Phase};

/// An error and its causes on one line, without saying anything twice.
pub fn error(e: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in e.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

/// One result as one line.
pub fn result_line(r: &CallResult) -> String {
    let sip = r
        .sip
        .as_ref()
        .and_then(|s| s.code)
        .map_or(String::new(), |c| format!(" sip {c}"));
    let flags: Vec<String> = r.flags.iter().filter_map(word).collect();
    let flags = if flags.is_empty() {
        String::new()
    } else {
        format!(" [{}]", flags.join(" "))
    };
    format!(
        "{} {} {}/{} {:.0} % {}{sip} line {:.1} s{flags}",
        r.attempt,
        r.to,
        r.disposition,
        r.cause,
        f64::from(r.confidence.get()) * 100.0,
        grade(r.grade),
        r.timing.line_s.get(),
    )
}

/// The evidence of one result, indented.
pub fn evidence(r: &CallResult) -> String {
    let mut text = String::new();
    let ruling = &r.evidence.ruling;
    let at = ruling.decided_at_s.map_or(String::new(), |s| {
        format!(", decided at {:.2} s of sound", s.get())
    });
    // Writing to a String cannot fail.
    let _ = writeln!(text, "    why    {} (rule {}{at})", ruling.because, ruling.rule);
    for other in &ruling.instead_of {
        let _ = writeln!(
            text,
            "    not    {}/{} (rule {})",
            other.disposition, other.cause, other.rule
        );
    }
    for s in &r.evidence.signals {
        let _ = writeln!(text, "    {:>6.2} s  {}", s.at_s.get(), s.what);
    }
    for h in &r.evidence.heard {
        let _ = writeln!(text, "    {}", heard(h));
    }
    if let Some(m) = &r.media {
        let codec = m.codec.as_deref().unwrap_or("no codec");
        let _ = writeln!(
            text,
            "    media  {codec}, {} packets in, {} out, {} lost, {:.2} s concealed, jitter {:.1} ms",
            m.received,
            m.sent,
            m.lost,
            m.concealed_s.get(),
            m.jitter_ms
        );
    }
    text
}

fn heard(h: &Heard) -> String {
    let phase = match h.phase {
        Phase::Early => "early",
        Phase::Answered => "after",
    };
    let plan = h.plan.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
    let detail = h.detail.as_ref().map(|d| format!(": {d}")).unwrap_or_default();
    format!(
        "heard  {phase} {:>6.2}–{:.2} s {}{plan}{detail}",
        h.from_s.get(),
        h.to_s.get(),
        h.what
    )
}

/// A table of how calls ended, busiest first.
pub fn outcome_table<'a>(results: impl Iterator<Item = &'a CallResult>) -> String {
    let mut rows: BTreeMap<(Disposition, Cause), (u64, f64)> = BTreeMap::new();
    for r in results {
        let row = rows.entry((r.disposition, r.cause)).or_default();
        row.0 += 1;
        row.1 += r.timing.line_s.get();
    }
    let total: u64 = rows.values().map(|r| r.0).sum();
    let mut sorted: Vec<_> = rows.into_iter().collect();
    sorted.sort_by_key(|((d, c), (n, _))| (std::cmp::Reverse(*n), *d, *c));
    let mut text = format!(
        "  {:<12} {:<18} {:>6} {:>7} {:>11}\n",
        "disposition", "cause", "calls", "share", "line time"
    );
    for ((disposition, cause), (n, line_s)) in sorted {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = n as f64 / total.max(1) as f64 * 100.0;
        let _ = writeln!(
            text,
            "  {disposition:<12} {cause:<18} {n:>6} {share:>6.1}% {line_s:>9.1} s"
        );
    }
    text
}

/// Connect rate and 漏空率.
pub fn rates(persons: Persons, sip_answered: u64) -> String {
    let Some(missed) = persons.missed_and_empty_rate() else {
        return String::new();
    };
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let asr = sip_answered as f64 / persons.attempts as f64 * 100.0;
    format!(
        "; {} of {} attempts reached a person: missed-and-empty rate (漏空率) {:.1} %, answer-seizure ratio {asr:.1} %",
        persons.persons,
        persons.attempts,
        missed * 100.0
    )
}

/// A waiting job as one line.
pub fn job(j: &JobListing) -> String {
    let what = match &j.job {
        Ok(job) => format!("{} {}", job.id, job.to),
        Err(e) => format!("unreadable: {e}"),
    };
    let campaign = j.campaign.as_ref().map_or("-", |c| c.as_str());
    let priority = j.priority.map_or("-", |p| p.as_str());
    format!("{:>8} {} {campaign} {priority} {what}", j.sequence, j.queued_at)
}

/// A dead letter as one line.
pub fn dead_letter(d: &DeadLetter) -> String {
    format!("{:>8} {} {} — {}", d.sequence, d.at, d.subject, d.reason)
}

const fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => "certain",
        Grade::Likely => "likely",
        Grade::Unsure => "unsure",
    }
}

fn word(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(ToOwned::to_owned)
}
