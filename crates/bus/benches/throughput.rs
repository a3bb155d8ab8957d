//! How fast the bus is against a real nats-server on this machine: `cargo bench -p hark-bus`.
//!
//! Prints `bench NAME VALUE UNIT` lines. 64 requests are in flight; jobs and results are about 1 KB.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on must fail where it stands"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use hark_bus::{Bus, BusConfig, Claim, Claimed, Delivery, NatsChild, Put, Written};
use hark_outcome::{Attempt, CallResult, CampaignId, DialJob, JobId, Number, Priority, WorkerId};

const JOBS: usize = 20_000;
const IN_FLIGHT: usize = 64;

#[tokio::main]
async fn main() {
    let binary = std::env::var_os("HARK_NATS_SERVER").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cache/nats-server")),
        PathBuf::from,
    );
    let dir = tempfile::tempdir().unwrap();
    let server = NatsChild::start(&binary, dir.path(), None).await.unwrap();
    let config = BusConfig {
        url: server.url().to_owned(),
        ..BusConfig::default()
    };
    let bus = Bus::connect(&config, "bench").await.unwrap();
    bus.ensure().await.unwrap();
    let campaign = CampaignId::new("bench").unwrap();

    let began = Instant::now();
    let puts = stream::iter(0..JOBS).for_each_concurrent(IN_FLIGHT, |n| {
        let (bus, campaign) = (&bus, &campaign);
        async move {
            assert_eq!(
                bus.put_job(campaign, Priority::Normal, &job(n)).await.unwrap(),
                Put::New
            );
        }
    });
    puts.await;
    rate("put_job", JOBS, began);

    let mut source = bus.source(std::slice::from_ref(&campaign)).await.unwrap();
    let began = Instant::now();
    let mut done = 0;
    let mut tasks = tokio::task::JoinSet::new();
    while done < JOBS {
        let room = IN_FLIGHT - tasks.len();
        if room > 0 && done + tasks.len() < JOBS {
            for delivery in source.pull(room, Duration::from_secs(1)).await.unwrap() {
                tasks.spawn(one(bus.clone(), delivery));
            }
        }
        if tasks.join_next().await.is_some() {
            done += 1;
        }
        while tasks.try_join_next().is_some() {
            done += 1;
        }
    }
    rate("pull_claim_result_done", JOBS, began);

    let mut waits = Vec::new();
    for n in 0..500 {
        let mut next = job(JOBS + n);
        next.source = None;
        let waiting = source.pull(1, Duration::from_secs(5));
        let putting = async {
            // The pull is waiting by then; what is measured is put → in hand.
            tokio::time::sleep(Duration::from_millis(3)).await;
            let began = Instant::now();
            bus.put_job(&campaign, Priority::High, &next).await.unwrap();
            began
        };
        let ((deliveries, at), began) =
            tokio::join!(async { (waiting.await.unwrap(), Instant::now()) }, putting);
        waits.push(at - began);
        for delivery in deliveries {
            delivery.done().await.unwrap();
        }
    }
    waits.sort();
    println!(
        "bench bus_put_to_pull_p50_ms {:.2} ms",
        waits[waits.len() / 2].as_secs_f64() * 1000.0
    );
    println!(
        "bench bus_put_to_pull_p99_ms {:.2} ms",
        waits[waits.len() * 99 / 100].as_secs_f64() * 1000.0
    );
    server.stop().await;
}

fn rate(name: &str, n: usize, began: Instant) {
    println!(
        "bench bus_{name}_per_s {:.0} 1/s",
        n as f64 / began.elapsed().as_secs_f64()
    );
}

fn job(n: usize) -> DialJob {
    let mut job = DialJob::new(
        JobId::new(format!("job-{n}")).unwrap(),
        Number::parse("+8613800138000").unwrap(),
    );
    job.source = Some("x".repeat(900));
    job
}

async fn one(bus: Bus, delivery: Delivery) {
    let job = delivery.job.as_ref().unwrap();
    let attempt = Attempt::first(delivery.campaign.clone(), job.id.clone());
    let worker = WorkerId::new("bench").unwrap();
    delivery.in_progress().await.unwrap();
    let claim = Claim::new(worker, 1, &attempt, &job.to, delivery.queued_at);
    assert_eq!(bus.claim(&attempt, &claim).await, Claimed::Ours);
    assert_eq!(
        bus.publish_result(&result(attempt, job)).await.unwrap(),
        Written::First
    );
    delivery.done().await.unwrap();
}

fn result(attempt: Attempt, job: &DialJob) -> CallResult {
    let json = serde_json::json!({
        "attempt": attempt, "to": job.to, "disposition": "busy", "cause": "user_busy", "confidence": 0.9,
        "grade": "certain", "sip_answered": false, "billable_s": 0, "worker": "bench", "source": job.source,
        "timing": { "taken_at": "2026-11-24T09:00:00Z", "ended_at": "2026-11-24T09:00:05Z", "line_s": 5 },
        "evidence": { "ruling": { "rule": "sip", "because": "486" } },
    });
    serde_json::from_value(json).unwrap()
}
