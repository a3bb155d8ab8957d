//! Twice the work that the machine can do: the kernel gives the worker half the CPU time that its live calls take. Only
//! the worker is slowed down, so that tests beside this one are not.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hark_carrier::behaviour::Person;
use hark_carrier::{Behaviour, NumberRule};
use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{Child, Lab, Reads, Sound, until};
use serde_json::json;

use crate::network::{carrier, settled};
use crate::roles::program;

/// Calls that are live when the machine gets slow; as many again wait then.
const LIVE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_short_of_cpu_takes_no_new_call_and_harms_no_live_one() {
    let Some(group) = CpuGroup::new() else { return };
    let lab = Lab::start().await;
    let patient = Person {
        again: 20,
        ..Person::default()
    };
    let rules = vec![NumberRule::new("+86*", Behaviour::Person(patient))];
    let carrier = carrier(&lab, rules).await;
    Sound::Monologue.write_wav(&lab.place.file("hello.wav"));
    let config = lab
        .config()
        .trunk("main", carrier.address())
        .set("trunk.main", "max_channels", json!(2 * LIVE))
        .set("trunk.main", "max_calls_per_second", json!(50))
        .set("campaign.default", "play", json!("hello.wav"))
        .set("campaign.brief", "listen_s", json!(4));
    let mut worker = start(&lab, &config.write());
    group.take(&worker);
    publish(&lab, "default", 0).await;
    until(
        "every person has picked up",
        Duration::from_secs(30),
        async || {
            let answered = carrier
                .report()
                .calls
                .iter()
                .filter(|c| c.answered.is_some())
                .count();
            (answered == LIVE).then_some(())
        },
    )
    .await;

    group.give(cpu_share_of(&worker).await / 2.0);
    until(
        "the worker notices that it is too slow",
        Duration::from_secs(20),
        async || is_shut(&worker.log()).then_some(()),
    )
    .await;
    let noticed = worker.log().len();
    publish(&lab, "brief", LIVE).await;

    for i in 0..LIVE {
        let result = lab.result(&format!("j{i}")).await;
        result.reads(Disposition::Answered, Cause::Person);
        assert!(
            result.flags.contains(&Flag::Played),
            "played to its end: {result:?}"
        );
        // In this order: what was dialled before the log was read, was dialled before it became calm.
        let dialled = carrier.report().calls.len();
        let calm = worker.log()[noticed..].contains("calm again");
        assert!(calm || dialled == LIVE, "{dialled} calls, and it is overloaded");
        assert!(!calm || i > 0, "calm with half the CPU that it needs");
    }
    group.give(1.0);
    worker.says("calm again", Duration::from_secs(30)).await;
    for i in LIVE..2 * LIVE {
        let result = lab
            .customer
            .result("brief", &format!("j{i}"), Duration::from_secs(60))
            .await;
        result.reads(Disposition::Answered, Cause::Person);
    }

    let log = &worker.log()[noticed..];
    let (calm, dialled) = (log.find("calm again"), log.find("INVITE sent"));
    assert!(
        calm.is_some() && calm < dialled,
        "dialled while it was overloaded"
    );
    lab.customer.no_job_is_left().await;
    worker.signal("TERM");
    assert_eq!(worker.ended(Duration::from_secs(20)).await.code(), Some(0));
    let report = settled(&carrier).await;
    assert_eq!(report.calls.len(), 2 * LIVE);
    assert!(report.numbers.values().all(|n| *n == 1), "{:?}", report.numbers);
}

/// A worker that may not run in real time: such threads would be outside any share of the CPU.
fn start(lab: &Lab, config: &Path) -> Child {
    Child::start(
        "hark worker",
        Path::new("setpriv"),
        lab.place.file("worker.log"),
        |c| {
            c.args(["--bounding-set=-sys_nice", "--inh-caps=-sys_nice", "--"])
                .arg(program())
                .arg("--config")
                .arg(config)
                .arg("worker")
                .current_dir(lab.place.folder())
                .env_remove("RUST_LOG");
        },
    )
}

async fn publish(lab: &Lab, campaign: &str, from: usize) {
    for i in from..from + LIVE {
        let job = json!({"id": format!("j{i}"), "to": format!("+86138000003{i:02}")}).to_string();
        lab.customer.publish(campaign, "normal", job.as_bytes()).await;
    }
}

/// The share of one core that a process takes, watched for a second.
async fn cpu_share_of(child: &Child) -> f64 {
    let pid = child.pid().expect("it runs");
    // proc(5): after the name in parentheses, the 12th and 13th fields, in hundredths of a second.
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields
            .skip(11)
            .take(2)
            .filter_map(|n| n.parse::<u32>().ok())
            .sum::<u32>()
    };
    let (began, before) = (Instant::now(), ticks());
    tokio::time::sleep(Duration::from_secs(1)).await;
    f64::from(ticks() - before) / 100.0 / began.elapsed().as_secs_f64()
}

/// Whether it takes no new calls now, by what it logged last.
fn is_shut(log: &str) -> bool {
    log.rfind("overloaded: no new calls") > log.rfind("calm again")
}

/// A control group of processes, to which the kernel gives a share of one core and no more.
struct CpuGroup {
    folder: PathBuf,
    unified: bool,
}

impl CpuGroup {
    const PERIOD_US: f64 = 100_000.0;

    /// `None` where none may be made; the reason is printed then.
    fn new() -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let name = format!("hark-test-{}", std::process::id());
        // Version 2 has one tree, version 1 has one for the CPU.
        let unified = root.join("cgroup.subtree_control").is_file();
        let folder = if unified {
            root.join(name)
        } else {
            root.join("cpu").join(name)
        };
        let group = Self { folder, unified };
        let made = std::fs::create_dir(&group.folder);
        let limited = made.and_then(|()| std::fs::write(group.limit(), group.words(1.0)));
        match limited {
            Ok(()) => Some(group),
            Err(e) => {
                let limit = group.limit();
                eprintln!(
                    "SKIPPED: {}: {e}; limiting CPU time needs root and control groups",
                    limit.display()
                );
                None
            }
        }
    }

    /// Takes a process, with all its threads.
    fn take(&self, child: &Child) {
        let pid = child.pid().expect("it runs");
        self.write(&self.folder.join("cgroup.procs"), &pid.to_string());
    }

    /// Gives this share of one core from now on.
    fn give(&self, share: f64) {
        self.write(&self.limit(), &self.words(share));
    }

    fn limit(&self) -> PathBuf {
        self.folder.join(if self.unified {
            "cpu.max"
        } else {
            "cpu.cfs_quota_us"
        })
    }

    fn words(&self, share: f64) -> String {
        // A hundredth is the least that the kernel takes.
        let quota = (share.max(0.01) * Self::PERIOD_US).round();
        if self.unified {
            format!("{quota} {}", Self::PERIOD_US)
        } else {
            quota.to_string()
        }
    }

    fn write(&self, file: &Path, words: &str) {
        std::fs::write(file, words).unwrap_or_else(|e| panic!("{} ← {words}: {e}", file.display()));
    }
}

impl Drop for CpuGroup {
    #[expect(clippy::disallowed_methods, reason = "a drop cannot await")]
    fn drop(&mut self) {
        // A process that was just killed holds its group a moment longer.
        let began = Instant::now();
        while self.folder.exists() && began.elapsed() < Duration::from_secs(2) {
            if std::fs::remove_dir(&self.folder).is_err() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
