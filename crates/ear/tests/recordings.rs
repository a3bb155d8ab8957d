//! The ear on recordings of people, greetings and music, where they are: floors that no change may fall below.
//!
//! The recordings are no part of the repository. `HARK_AUDIO` names their folder (default `../shared/audio` beside the
//! workspace); without them these tests say so and pass.

mod common;

use std::path::{Path, PathBuf};

use common::Chain;
use hark_ear::Classification;
use hark_outcome::{Disposition, Grade};

fn recordings(folder: &str, every: usize) -> Vec<(PathBuf, Vec<i16>)> {
    let root = std::env::var_os("HARK_AUDIO").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/audio"),
        PathBuf::from,
    );
    let folder = root.join("recordings").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!(
            "skipped: no recordings at {}; set HARK_AUDIO to their folder",
            folder.display()
        );
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    paths
        .into_iter()
        .step_by(every)
        .map(|path| (path.clone(), flac(&path)))
        .collect()
}

fn flac(path: &Path) -> Vec<i16> {
    let mut reader = claxon::FlacReader::open(path).expect("a FLAC file");
    reader
        .samples()
        .map(|s| s.expect("a whole file") as i16)
        .collect()
}

/// As a call carries it: a quiet line before and after, through µ-law.
fn called(clip: &[i16]) -> Classification {
    let line = |ms: usize, seed| common::noise(-58.0, ms * 8, seed);
    common::answered(&Chain::MuLaw.pass(&[line(1_000, 1), clip.to_vec(), line(2_500, 2)].concat()))
}

#[test]
fn no_tone_is_heard_in_music_people_or_announcements() {
    let mut heard = 0;
    for (folder, every) in [
        ("music", 1),
        ("human_short", 4),
        ("speech_long", 4),
        ("voicemail_greeting", 4),
        ("announcement_vacant", 2),
        ("noise", 1),
        ("tone_ringback", 1),
        ("tone_callwaiting", 1),
        ("beep", 1),
    ] {
        for (path, clip) in recordings(folder, every) {
            let said = common::early(&Chain::ALaw.pass(&clip));
            assert_eq!(said.disposition, None, "{}: {said:?}", path.display());
            heard += 1;
        }
    }
    println!("{heard} recordings, none of them taken for a network tone");
}

#[test]
fn people_are_kept_and_never_certainly_machines() {
    let people = recordings("human_short", 2);
    let (mut kept, mut machines) = (0, 0);
    for (path, clip) in &people {
        let said = called(clip);
        kept += usize::from(said.disposition == Some(Disposition::Answered));
        let machine = said.disposition == Some(Disposition::Machine);
        machines += usize::from(machine);
        assert!(
            !(machine && said.grade == Grade::Certain),
            "{}: {said:?}",
            path.display()
        );
    }
    println!(
        "people: {kept} of {} kept, {machines} called machines",
        people.len()
    );
    assert!(kept * 100 >= people.len() * 97 && machines * 100 <= people.len());
}

#[test]
fn people_who_talk_on_are_never_certainly_machines() {
    for (path, clip) in recordings("speech_long", 3) {
        let said = called(&clip);
        assert_ne!(
            (said.disposition, said.grade),
            (Some(Disposition::Machine), Grade::Certain),
            "{}",
            path.display()
        );
    }
}

#[test]
fn greetings_are_machines() {
    let greetings = recordings("voicemail_greeting", 1);
    let caught = greetings
        .iter()
        .filter(|(_, clip)| called(clip).disposition == Some(Disposition::Machine))
        .count();
    println!("greetings: {caught} of {}", greetings.len());
    assert!(caught * 100 >= greetings.len() * 95);
}
