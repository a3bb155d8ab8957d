use std::collections::BTreeMap;
use std::time::Duration;

use hark_bus::{BusConfig, Delivery};
use hark_outcome::Priority;
use tokio::time::Instant;

use crate::lab::*;

async fn fill(bus: &hark_bus::Bus, name: &str, priority: Priority, jobs: usize) {
    for n in 0..jobs {
        bus.put_job(&campaign(name), priority, &job(&format!("{priority}-{n}")))
            .await
            .unwrap();
    }
}

fn by_priority(deliveries: &[Delivery]) -> BTreeMap<Priority, usize> {
    let mut counts = BTreeMap::new();
    for d in deliveries {
        *counts.entry(d.priority).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn pulls_prefer_high_over_normal_over_low_and_starve_none() {
    let server = Server::start().await;
    let bus = server.bus().await;
    for priority in Priority::ALL {
        fill(&bus, "spring", priority, 30).await;
    }
    let mut source = bus.source(&[campaign("spring")]).await.unwrap();
    let mut first = Vec::new();
    for _ in 0..20 {
        first.extend(source.pull(1, PATIENCE).await.unwrap());
    }
    let counts = by_priority(&first);
    assert_eq!(
        counts,
        BTreeMap::from([(Priority::High, 12), (Priority::Normal, 6), (Priority::Low, 2)])
    );
    let batch = source.pull(20, PATIENCE).await.unwrap();
    assert_eq!(
        by_priority(&batch),
        counts,
        "one pull of many is shared as many pulls of one"
    );
}

#[tokio::test]
async fn a_pull_takes_what_there_is_when_a_priority_runs_dry() {
    let server = Server::start().await;
    let bus = server.bus().await;
    fill(&bus, "spring", Priority::High, 2).await;
    fill(&bus, "spring", Priority::Low, 10).await;
    let mut source = bus.source(&[campaign("spring")]).await.unwrap();
    let jobs = source.pull(10, PATIENCE).await.unwrap();
    assert_eq!(
        by_priority(&jobs),
        BTreeMap::from([(Priority::High, 2), (Priority::Low, 8)])
    );
}

#[tokio::test]
async fn campaigns_take_turns_and_never_see_each_others_jobs() {
    let server = Server::start().await;
    let bus = server.bus().await;
    fill(&bus, "spring", Priority::Normal, 20).await;
    fill(&bus, "autumn", Priority::Normal, 20).await;
    let mut both = bus
        .source(&[campaign("spring"), campaign("autumn")])
        .await
        .unwrap();
    let jobs = both.pull(10, PATIENCE).await.unwrap();
    assert_eq!(
        jobs.iter().filter(|d| d.campaign == campaign("spring")).count(),
        5
    );

    let mut one = bus.source(&[campaign("autumn")]).await.unwrap();
    let rest = one.pull(100, PATIENCE).await.unwrap();
    assert_eq!(
        rest.len(),
        15,
        "what the other source has not taken, and nothing of spring's"
    );
    assert!(rest.iter().all(|d| d.campaign == campaign("autumn")));
}

#[tokio::test]
async fn a_waiting_pull_is_woken_by_the_first_job() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let mut source = bus
        .source(&[campaign("spring"), campaign("autumn")])
        .await
        .unwrap();
    let waiting = tokio::spawn(async move { (source.pull(5, PATIENCE).await.unwrap(), source) });
    // Whether the pull waits already or not, the job must reach it at once.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let since = Instant::now();
    fill(&bus, "autumn", Priority::Low, 1).await;
    let (jobs, _source) = within("the job", waiting).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[tokio::test]
async fn jobs_that_meet_one_waiting_place_are_given_back_at_once() {
    let server = Server::start().await;
    // An ack wait far beyond patience: what is not given back would never come.
    let bus = bus(&BusConfig {
        ack_wait_s: 3000.0,
        ..server.config()
    })
    .await;
    let campaigns: Vec<_> = (0..4).map(|n| campaign(&format!("c{n}"))).collect();
    let mut source = bus.source(&campaigns).await.unwrap();
    let waiting = tokio::spawn(async move { (source.pull(1, PATIENCE).await.unwrap(), source) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let put = campaigns.iter().map(|c| {
        let bus = bus.clone();
        async move { bus.put_job(c, Priority::Normal, &job("a")).await.unwrap() }
    });
    futures::future::join_all(put).await;
    let (jobs, mut source) = within("the first", waiting).await.unwrap();
    assert_eq!(jobs.len(), 1, "never more than asked");
    let mut rest = 0;
    while rest < 3 {
        let more = within("the rest", source.pull(3, PATIENCE)).await.unwrap();
        assert!(
            !more.is_empty(),
            "a job was lost to its ack wait after {rest} of 3"
        );
        rest += more.len();
    }
}

#[tokio::test]
async fn a_pull_ends_at_its_deadline_with_nothing() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let mut source = bus.source(&[campaign("spring")]).await.unwrap();
    let since = Instant::now();
    assert!(
        source
            .pull(1, Duration::from_millis(400))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        (Duration::from_millis(350)..Duration::from_secs(2)).contains(&since.elapsed()),
        "{:?}",
        since.elapsed()
    );
    assert!(
        source.pull(0, PATIENCE).await.unwrap().is_empty(),
        "no room, no wait"
    );
}

#[tokio::test]
async fn a_removed_consumer_is_made_again_and_no_job_is_lost() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let mut source = bus.source(&[campaign("spring")]).await.unwrap();
    fill(&bus, "spring", Priority::High, 1).await;
    let js = async_nats::jetstream::new(server.raw().await);
    for consumer in ["spring_high", "spring_normal", "spring_low"] {
        js.delete_consumer_from_stream(consumer, "HARK_JOB")
            .await
            .unwrap();
    }
    assert_eq!(pull_one(&mut source).await.priority, Priority::High);
}
