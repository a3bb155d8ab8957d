//! Lists of jobs in, lists of results out: `hark jobs` and `hark results` as a person at a terminal uses them.

use std::time::Duration;

use hark_carrier::behaviour::Refuse;
use hark_carrier::{Behaviour, NumberRule};
use hark_outcome::{CallResult, Cause, Disposition};
use hark_tests::{Finished, Lab, Reads, Worker, hark};
use serde_json::{Value, json};

use crate::network::{carrier, settled};
use crate::roles::role;

const SOON: Duration = Duration::from_secs(20);

/// `hark --set nats.url=… ARGS`.
async fn at(lab: &Lab, args: &[&str]) -> Finished {
    let url = format!("nats.url={}", lab.nats.url());
    let end = hark(&[&["--set", &url], args].concat()).await;
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
    end
}

/// The same, which must end well; gives what it printed.
async fn said(lab: &Lab, args: &[&str]) -> String {
    let end = at(lab, args).await;
    assert_eq!(
        end.status.code(),
        Some(0),
        "{args:?}: {}{}",
        end.stdout,
        end.stderr
    );
    end.stdout
}

fn objects(lines: &str) -> Vec<Value> {
    let read = |l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"));
    lines.lines().map(read).collect()
}

#[tokio::test]
async fn a_job_added_is_queued_once_and_listed() {
    let lab = Lab::start().await;
    let add = [
        "jobs",
        "add",
        "+8613800000001",
        "--id",
        "one",
        "--label",
        "list=spring",
        "--priority",
        "high",
    ];

    assert!(
        said(&lab, &add)
            .await
            .contains("job one is queued in campaign default")
    );
    assert!(said(&lab, &add).await.contains("job one was queued already"));

    assert_eq!(lab.customer.count("HARK_JOB").await, Some(1));
    let table = said(&lab, &["jobs", "list"]).await;
    assert!(
        table.contains("default high one ") && table.contains("1 of 1 waiting jobs"),
        "{table}"
    );
    let listed = objects(&said(&lab, &["jobs", "list", "--json"]).await);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["priority"], "high");
    assert_eq!(listed[0]["job"]["to"], "+8613800000001");
    assert_eq!(listed[0]["job"]["labels"], json!({"list": "spring"}));
}

#[tokio::test]
async fn a_job_that_cannot_be_meant_is_refused_before_it_is_queued() {
    let lab = Lab::start().await;
    for (args, named) in [
        (["jobs", "add", "call-me", "--id", "x"], "call-me"),
        (
            ["jobs", "add", "+8613800000001", "--id", "not an id"],
            "not an id",
        ),
    ] {
        let end = at(&lab, &args).await;
        assert!(!end.status.success(), "{args:?}");
        assert!(end.stderr.contains(named), "{}", end.stderr);
    }
    let label = ["jobs", "add", "+8613800000001", "--id", "x", "--label", "spring"];
    let end = at(&lab, &label).await;
    assert!(
        !end.status.success() && end.stderr.contains("key=value"),
        "{}",
        end.stderr
    );
    let waiting = lab.customer.count("HARK_JOB").await.unwrap_or(0);
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn good_rows_of_a_list_are_queued_and_bad_ones_named_by_line() {
    let lab = Lab::start().await;
    let file = lab.place.file("list.csv");
    let rows = "id,to,source,city\n\
        a,+8613800000001,crm,Ulm\n\
        b,call me,crm,Ulm\n\
        c,+8613800000003,crm\n\
        d,+8613800000004,,\"Neu-Ulm, Donau\"\n\
        ,+8613800000005,crm,Ulm\n";
    std::fs::write(&file, rows).expect("the place's folder can be written");
    let name = file.display().to_string();

    let end = at(&lab, &["jobs", "import", &name]).await;

    assert!(!end.status.success(), "a script must notice the rows left out");
    assert!(
        end.stdout
            .contains("2 jobs queued in campaign default, 0 were there already, 3 rows left out"),
        "{}",
        end.stdout
    );
    let of_line = |n: u32| {
        let start = format!("{name}:{n}: ");
        let line = end.stderr.lines().find(|l| l.starts_with(&start));
        line.unwrap_or_else(|| panic!("no word of line {n}: {}", end.stderr))
            .to_owned()
    };
    assert!(of_line(3).contains("the number holds 'c'"), "{}", of_line(3));
    assert!(of_line(4).contains("fields"), "the columns: {}", of_line(4));
    assert!(of_line(6).contains("\"id\" is empty"), "the id: {}", of_line(6));

    let jobs = objects(&said(&lab, &["jobs", "list", "--json"]).await);
    let ids: Vec<_> = jobs.iter().map(|j| &j["job"]["id"]).collect();
    assert_eq!(ids, ["a", "d"]);
    assert_eq!(jobs[0]["job"]["source"], "crm");
    assert_eq!(jobs[1]["job"]["labels"], json!({"city": "Neu-Ulm, Donau"}));

    let again = at(&lab, &["jobs", "import", &name]).await;
    assert!(
        again
            .stdout
            .contains("0 jobs queued in campaign default, 2 were there already"),
        "{}",
        again.stdout
    );
    assert_eq!(lab.customer.count("HARK_JOB").await, Some(2));
}

#[tokio::test]
async fn a_list_without_an_id_column_is_refused_whole() {
    let lab = Lab::start().await;
    let file = lab.place.file("list.csv");
    std::fs::write(&file, "name,to\nx,+8613800000001\n").expect("the place's folder can be written");
    let name = file.display().to_string();

    let end = at(&lab, &["jobs", "import", &name]).await;

    assert!(!end.status.success());
    assert!(
        end.stderr.contains(&format!("{name}:1:")) && end.stderr.contains("\"id\""),
        "{}",
        end.stderr
    );
    assert_eq!(lab.customer.count("HARK_JOB").await, Some(0));
    let gone = at(&lab, &["jobs", "import", &format!("{name}.gone")]).await;
    assert!(
        !gone.status.success() && gone.stderr.contains("list.csv.gone"),
        "{}",
        gone.stderr
    );
}

#[tokio::test]
async fn dead_letters_are_listed_with_reason_and_bytes() {
    let lab = Lab::start().await;
    let worker = lab.worker(lab.place.port());
    lab.customer
        .publish("default", "normal", br#"{"id":"x","to":"call me"}"#)
        .await;
    lab.customer.dead_letters(1, SOON).await;

    let table = said(&lab, &["jobs", "list", "--dead"]).await;
    let letters = objects(&said(&lab, &["jobs", "list", "--dead", "--json"]).await);

    assert!(
        table.contains("hark.job.default.normal — ") && table.contains("1 dead letters"),
        "{table}"
    );
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["body"], r#"{"id":"x","to":"call me"}"#);
    let reason = letters[0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("number"), "{reason}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_listed_by_campaign_and_followed_until_told_to_stop() {
    let lab = Lab::start().await;
    let rules = vec![
        NumberRule::new("+8613800000001", Behaviour::Busy(Refuse::default())),
        NumberRule::new("+86138*", Behaviour::NotFound(Refuse::default())),
    ];
    let carrier = carrier(&lab, rules).await;
    let config =
        lab.config()
            .trunk("main", carrier.address())
            .set("campaign.spring", "ring_timeout_s", json!(5));
    let worker = Worker::start(&lab, &config);
    let url = format!("nats.url={}", lab.nats.url());
    let follow = |name| {
        role(
            &lab.place,
            name,
            &["--set", &url, "results", "--follow", "--json"],
        )
    };
    lab.dial("first").await.reads(Disposition::Busy, Cause::UserBusy);
    let (mut on_int, mut on_term) = (follow("follow-int"), follow("follow-term"));
    for following in [&on_int, &on_term] {
        following.says("\"first\"", SOON).await;
    }

    let refused = at(
        &lab,
        &[
            "jobs",
            "add",
            "+8613800000002",
            "--id",
            "lost",
            "--campaign",
            "sprign",
        ],
    )
    .await;
    assert!(
        !refused.status.success() && refused.stderr.contains("spring"),
        "names the known: {}",
        refused.stderr
    );
    let add = [
        "jobs",
        "add",
        "+8613800000002",
        "--id",
        "second",
        "--campaign",
        "spring",
    ];
    said(&lab, &add).await;

    for following in [&on_int, &on_term] {
        following.says("\"second\"", SOON).await;
    }
    on_int.signal("INT");
    on_term.signal("TERM");
    assert_eq!(on_int.ended(SOON).await.code(), Some(0), "{}", on_int.log());
    let _ = on_term.ended(SOON).await;
    for following in [&on_int, &on_term] {
        assert_eq!(jobs_of(&following.log()), ["first", "second"]);
    }

    let table = said(&lab, &["results"]).await;
    assert!(
        table.contains("busy/user_busy") && table.contains("invalid/vacant_number"),
        "{table}"
    );
    assert!(table.contains("2 results") && table.contains("漏空率"), "{table}");
    assert_eq!(
        jobs_of(&said(&lab, &["results", "--json"]).await),
        ["first", "second"]
    );
    assert_eq!(
        jobs_of(&said(&lab, &["results", "--json", "--campaign", "spring"]).await),
        ["second"]
    );
    let nobody = said(&lab, &["results", "--campaign", "autumn"]).await;
    assert!(nobody.contains("0 results"), "{nobody}");
    worker.stop().await;
    assert_eq!(settled(&carrier).await.calls.len(), 2);
}

/// The jobs of results, one a line, each a whole result.
fn jobs_of(lines: &str) -> Vec<String> {
    let read = |l| serde_json::from_str::<CallResult>(l).unwrap_or_else(|e| panic!("{e}: {l}"));
    lines.lines().map(|l| read(l).attempt.job.to_string()).collect()
}
