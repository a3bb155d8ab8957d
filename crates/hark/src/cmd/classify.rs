//! `hark classify`: the ear on WAV files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use hark_ear::{Classification, classify};
use hark_outcome::{Cause, Confidence, Disposition, Heard, Phase, Ruling, Seconds};
use hark_worker::tones::ear_for;
use serde::Serialize;

use crate::out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// WAV files of any rate and channel count.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What the sound is of: before the answer, or after it.
    #[arg(long)]
    phase: PhaseArg,
    /// One JSON object a file.
    #[arg(long)]
    json: bool,
    /// Tone plans to listen for. Default: all.
    #[arg(long, value_delimiter = ',')]
    plans: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PhaseArg {
    Early,
    Answered,
}

/// What `--json` prints for one file. `disposition` is null when the sound alone decides nothing.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    disposition: Option<Disposition>,
    cause: Option<Cause>,
    confidence: Confidence,
    decided_at_s: Option<Seconds>,
    heard: Vec<Heard>,
    evidence: Ruling,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let phase = match args.phase {
        PhaseArg::Early => Phase::Early,
        PhaseArg::Answered => Phase::Answered,
    };
    let config = ear_for(&args.plans)?;
    let mut failed = false;
    for file in &args.files {
        match hark_sound::wav::read(file) {
            Ok(clip) => {
                let c = classify(hark_sound::frames(&clip), phase, &config);
                print(&report(file.display().to_string(), c), args.json)?;
            }
            Err(e) => {
                failed = true;
                eprintln!("hark: {e}");
                if args.json {
                    // One object a file, so that a script can count: this one names what was wrong.
                    out::line(
                        serde_json::json!({ "file": file.display().to_string(), "error": e.to_string() }),
                    );
                }
            }
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn report(file: String, c: Classification) -> Report {
    Report {
        file,
        disposition: c.disposition,
        cause: c.cause,
        confidence: c.confidence,
        decided_at_s: c.decided_at_s,
        heard: c.heard,
        evidence: c.evidence,
    }
}

fn print(r: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        out::line(serde_json::to_string(r)?);
        return Ok(());
    }
    let verdict = match (r.disposition, r.cause) {
        (Some(d), Some(c)) => format!("{d}/{c} {:.0} %", f64::from(r.confidence.get()) * 100.0),
        _ => "decides nothing".to_owned(),
    };
    out::line(format_args!(
        "{}: {verdict} — {} (rule {})",
        r.file, r.evidence.because, r.evidence.rule
    ));
    for h in &r.heard {
        out::line(format_args!(
            "    {:>6.2}–{:.2} s {}",
            h.from_s.get(),
            h.to_s.get(),
            h.what
        ));
    }
    Ok(())
}
