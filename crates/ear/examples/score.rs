//! Scores the ear on labelled recordings: what each label was taken for, as calls that were answered.
//!
//! `cargo run --release -p hark-ear --example score [-- WORD]` reads `manifest.csv` of the folder in `HARK_AUDIO`
//! (default `../shared/audio` beside the workspace). Each clip is heard twice: as it is, and as on a telephone (1 s of
//! line noise before and 2.5 s after, −18 dBm0, µ-law). With WORD, every clip whose path holds it is told one by one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hark_ear::{EarConfig, classify};
use hark_outcome::Phase;
use hark_sound::tone::{amplitude, dbm0_of_samples};
use hark_sound::{frames, g711};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::var_os("HARK_AUDIO").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/audio"),
        PathBuf::from,
    );
    let word = std::env::args().nth(1);
    let manifest = std::fs::read_to_string(root.join("manifest.csv")).map_err(|e| {
        format!(
            "{}: {e}. Set HARK_AUDIO to a folder of recordings",
            root.display()
        )
    })?;
    let mut random = StdRng::seed_from_u64(7);
    for telephone in [false, true] {
        let mut table: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
        let (mut spent, mut heard) = (Duration::ZERO, 0.0);
        for line in manifest.lines().skip(1).filter(|l| l.starts_with("recordings/")) {
            let mut fields = line.split(',');
            let (Some(path), Some(label)) = (fields.next(), fields.next()) else {
                continue;
            };
            let mut clip = flac(&root.join(path))?;
            if telephone {
                clip = on_a_telephone(&clip, &mut random);
            }
            let begun = Instant::now();
            let said = classify(frames(&clip), Phase::Answered, &EarConfig::default());
            spent += begun.elapsed();
            heard += clip.len() as f64 / 8000.0;
            let verdict = said.cause.map_or("nothing", hark_outcome::Cause::as_str);
            if word.as_ref().is_some_and(|w| path.contains(w.as_str())) {
                let at = said.decided_at_s.map_or(f64::NAN, |s| s.get());
                let heard: Vec<String> = said
                    .heard
                    .iter()
                    .map(|h| format!("{} {:.2}-{:.2}", h.what, h.from_s.get(), h.to_s.get()))
                    .collect();
                println!(
                    "{path}: {verdict} at {at:.2} ({}) [{}]",
                    said.evidence.rule,
                    heard.join(", ")
                );
            }
            *table
                .entry(label.to_owned())
                .or_default()
                .entry(format!("{verdict} {:?}", said.grade))
                .or_default() += 1;
        }
        println!(
            "{}",
            if telephone {
                "as on a telephone"
            } else {
                "as it is"
            }
        );
        for (label, verdicts) in table {
            println!("  {label:28} {verdicts:?}");
        }
        println!(
            "bench ear_us_per_second_of_audio {:.0} us",
            spent.as_secs_f64() * 1e6 / heard
        );
    }
    Ok(())
}

fn flac(path: &Path) -> Result<Vec<i16>, Box<dyn std::error::Error>> {
    let mut reader = claxon::FlacReader::open(path)?;
    Ok(reader
        .samples()
        .map(|s| s.map(|s| s as i16))
        .collect::<Result<_, _>>()?)
}

fn on_a_telephone(clip: &[i16], random: &mut StdRng) -> Vec<i16> {
    let gain = 10f32.powf((-18.0 - dbm0_of_samples(clip)) / 20.0);
    let noise = amplitude(-58.0) * 1.22;
    std::iter::repeat_n(0, 8_000)
        .chain(clip.iter().copied())
        .chain(std::iter::repeat_n(0, 20_000))
        .map(|s| {
            let sample = f32::from(s) * gain + noise * random.random_range(-1.0..1.0);
            g711::ulaw_decode(g711::ulaw_encode(sample as i16))
        })
        .collect()
}
