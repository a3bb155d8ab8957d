//! The roles that run for a while: everything on one machine, the simulated carrier, the doctor who finds all well.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hark_carrier::Report;
use hark_outcome::{CallResult, Cause, Disposition, Flag};
use hark_tests::{Child, Finished, Lab, Place, Reads, Sound, hark, hark_with};
use serde_json::json;

use crate::network::{carrier, settled};

/// How long a role may take to come up or to go.
const SOON: Duration = Duration::from_secs(20);

/// Starts `hark ARGS` and lets it run; what it prints is its log.
pub(crate) fn role(place: &Place, name: &str, args: &[&str]) -> Child {
    Child::start(
        &format!("hark {name}"),
        &program(),
        place.file(&format!("{name}.log")),
        |c| {
            c.args(args).current_dir(place.folder()).env_remove("RUST_LOG");
        },
    )
}

/// `HARK_BIN`, else `hark` beside the running test (target/debug/deps/test → target/debug/hark).
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let beside = test.ancestors().nth(2).unwrap_or(Path::new(".")).join("hark");
    std::env::var_os("HARK_BIN").map_or(beside, PathBuf::from)
}

#[tokio::test]
async fn up_runs_a_campaign_from_nothing_and_again_over_the_same_data() {
    let place = Place::new();
    let data = place.file("data");

    let first = up(&data, 12).await;

    let results = results_of(&first);
    assert_eq!(results.len(), 12);
    let numbers: BTreeSet<_> = results.iter().map(|r| r.to.to_string()).collect();
    assert_eq!(numbers.len(), 12, "each number once: {numbers:?}");
    for result in &results {
        assert!(
            result.flags.contains(&Flag::Simulated),
            "marked as such: {result:?}"
        );
        assert_ne!(result.disposition, Disposition::Interrupted, "{result:?}");
        assert!(result.labels.contains_key("list"), "{result:?}");
    }
    assert_eq!(calls_in_the_table(&first.stdout), 12, "{}", first.stdout);

    let second = up(&data, 3).await;

    assert_eq!(results_of(&second).len(), 3);
    assert_eq!(results_of(&first), results, "the first run's file is still there");
    let log = std::fs::read_to_string(data.join("hark.log")).expect("up logs into its data folder");
    assert!(!log.contains("panicked at"), "{log}");
}

/// `hark up`, which must end well and say so.
async fn up(data: &Path, jobs: u32) -> Finished {
    let server = std::env::var("HARK_NATS_SERVER")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../.cache/nats-server").to_owned());
    let (data, jobs) = (data.display().to_string(), jobs.to_string());
    let end = hark_with(
        &["up", "--jobs", &jobs, "--data", &data],
        &[("HARK_NATS_SERVER", &server)],
    )
    .await;
    assert_eq!(
        end.status.code(),
        Some(0),
        "stdout: {}\nstderr: {}",
        end.stdout,
        end.stderr
    );
    for part in [
        "numbers dialled twice: 0;",
        "calls still up: 0",
        "s saved on",
        "漏空率",
    ] {
        assert!(end.stdout.contains(part), "{part:?} in {}", end.stdout);
    }
    assert!(!end.stderr.contains("panicked at"), "{}", end.stderr);
    end
}

/// The results in the file that the closing lines name.
fn results_of(end: &Finished) -> Vec<CallResult> {
    let named = end
        .stdout
        .lines()
        .find_map(|l| l.trim().strip_prefix("results ")?.split(" (").next());
    let file = named
        .unwrap_or_else(|| panic!("no results file is named in {}", end.stdout))
        .trim();
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{file}: {e}"));
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{file}: {e}: {l}")))
        .collect()
}

/// The sum of the column "calls" of the closing table.
fn calls_in_the_table(said: &str) -> u32 {
    let rows = said
        .lines()
        .skip_while(|l| !l.trim().starts_with("disposition"))
        .skip(1)
        .take_while(|l| !l.trim().is_empty());
    rows.map(|row| {
        let calls = row.split_whitespace().nth(2).and_then(|n| n.parse::<u32>().ok());
        calls.unwrap_or_else(|| panic!("no row of the table: {row}"))
    })
    .sum()
}

#[tokio::test]
async fn the_carrier_serves_calls_and_reports_each_invite() {
    let lab = Lab::start().await;
    let (listen, report) = (lab.place.port(), lab.place.file("report.json"));
    let settings = lab.place.file("carrier.toml");
    let text = "[carrier]\ntime_scale = 0.2\nrtp_ports = \"0\"\n\
        [[carrier.numbers]]\npattern = \"+8613800000001\"\nbehave = \"reject\"\n\
        [[carrier.numbers]]\npattern = \"+8613800000002\"\nbehave = { kind = \"person\", answer_after_s = 2 }\n";
    std::fs::write(&settings, text).expect("the place's folder can be written");
    let mut serving = role(
        &lab.place,
        "carrier",
        &[
            "--config",
            &settings.display().to_string(),
            "carrier",
            "--listen",
            &listen.to_string(),
            "--report",
            &report.display().to_string(),
        ],
    );
    serving.says(&listen.to_string(), SOON).await;
    let config = lab.config().trunk("main", listen).write().display().to_string();

    for (number, disposition, cause) in [
        ("+8613800000001", Disposition::Rejected, Cause::Declined),
        ("+8613800000002", Disposition::Answered, Cause::Person),
    ] {
        let end = hark(&["--config", &config, "call", number, "--json"]).await;
        let result: CallResult = serde_json::from_str(&end.stdout)
            .unwrap_or_else(|e| panic!("{e}; stdout: {}; stderr: {}", end.stdout, end.stderr));
        result.reads(disposition, cause);
    }
    serving.signal("TERM");
    let status = serving.ended(SOON).await;

    assert_eq!(status.code(), Some(0), "{}", serving.log());
    let text = std::fs::read_to_string(&report).unwrap_or_else(|e| panic!("{e}: {}", serving.log()));
    let report: Report = serde_json::from_str(&text).expect("the report reads back");
    for number in ["+8613800000001", "+8613800000002"] {
        let invites: u32 = report.calls_to(number).map(|c| c.invites).sum();
        assert_eq!(invites, 1, "{number}: {text}");
    }
    assert_eq!(report.numbers.len(), 2, "nobody else was called: {text}");
    assert_eq!(report.faults().count(), 0, "{text}");
    assert_eq!(report.live_calls, 0, "{text}");
}

#[tokio::test]
async fn the_carriers_port_taken_is_said_with_its_address() {
    let lab = Lab::start().await;
    let taken = carrier(&lab, Vec::new()).await;

    let end = hark(&["carrier", "--listen", &taken.address().to_string()]).await;

    assert!(!end.status.success());
    assert!(
        end.stderr.contains(&taken.address().to_string()),
        "where: {}",
        end.stderr
    );
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
}

#[tokio::test]
async fn the_doctor_finds_all_well_and_dials_nobody() {
    let lab = Lab::start().await;
    let carrier = carrier(&lab, Vec::new()).await;
    Sound::Monologue.write_wav(&lab.place.file("hello.wav"));
    let config = lab
        .config()
        .trunk("main", carrier.address())
        .set("campaign.default", "play", json!("hello.wav"))
        .write()
        .display()
        .to_string();

    let end = hark(&["--config", &config, "doctor", "--number", "+8613800000001"]).await;

    assert_eq!(end.status.code(), Some(0), "{}{}", end.stdout, end.stderr);
    for part in [
        "all is well",
        "hello.wav is 10.0 s long",
        "answered OPTIONS",
        "INVITE sip:",
    ] {
        assert!(end.stdout.contains(part), "{part:?} in {}", end.stdout);
    }
    assert!(!end.stdout.contains("BAD"), "{}", end.stdout);
    let report = settled(&carrier).await;
    assert!(report.options >= 1, "the trunk was asked");
    assert!(report.calls.is_empty(), "and not called: {:?}", report.calls);
}
