use std::time::Duration;

use hark_bus::{BusConfig, BusError, Claimed, Put};
use hark_outcome::{Attempt, JobError, Priority};
use tokio::time::Instant;

use crate::lab::*;

#[tokio::test]
async fn a_job_put_pulled_and_done_leaves_nothing_behind() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    assert_eq!(
        bus.put_job(&spring, Priority::Normal, &job("a")).await.unwrap(),
        Put::New
    );
    let mut source = bus.source(std::slice::from_ref(&spring)).await.unwrap();
    let delivery = pull_one(&mut source).await;
    assert_eq!(delivery.job.as_ref().unwrap(), &job("a"));
    assert_eq!(
        (delivery.campaign.clone(), delivery.priority, delivery.delivered),
        (spring, Priority::Normal, 1)
    );
    delivery.in_progress().await.unwrap();
    delivery.done().await.unwrap();
    assert_eq!(bus.job_count().await.unwrap(), 0);
    pull_none(&mut source).await;
}

#[tokio::test]
async fn the_same_id_put_twice_is_one_job_whatever_its_priority() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    assert_eq!(
        bus.put_job(&spring, Priority::Normal, &job("a")).await.unwrap(),
        Put::New
    );
    assert_eq!(
        bus.put_job(&spring, Priority::High, &job("a")).await.unwrap(),
        Put::Duplicate
    );
    assert_eq!(
        bus.put_job(&campaign("autumn"), Priority::High, &job("a"))
            .await
            .unwrap(),
        Put::New
    );
    assert_eq!(bus.job_count().await.unwrap(), 2);
}

#[tokio::test]
async fn a_job_published_again_outside_the_window_is_harmless_by_its_claim() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    // Without a message id nothing is recognised on the way in, as after the window.
    let body = serde_json::to_vec(&job("a")).unwrap();
    let raw = server.raw().await;
    put_raw(&raw, "hark.job.spring.normal", &body).await;
    put_raw(&raw, "hark.job.spring.normal", &body).await;
    let mut source = bus.source(&[spring]).await.unwrap();
    let mut ours = 0;
    for _ in 0..2 {
        let delivery = pull_one(&mut source).await;
        let attempt = Attempt::first(
            delivery.campaign.clone(),
            delivery.job.as_ref().unwrap().id.clone(),
        );
        ours += u32::from(bus.claim(&attempt, &claim(&attempt, "w1")).await == Claimed::Ours);
        delivery.done().await.unwrap();
    }
    assert_eq!(ours, 1);
}

#[tokio::test]
async fn a_job_nobody_acknowledges_comes_again_after_the_ack_wait() {
    let server = Server::start().await;
    let bus = bus(&BusConfig {
        ack_wait_s: 0.5,
        ..server.config()
    })
    .await;
    let spring = campaign("spring");
    bus.put_job(&spring, Priority::Normal, &job("a")).await.unwrap();
    let mut source = bus.source(&[spring]).await.unwrap();
    let first = pull_one(&mut source).await;
    let since = Instant::now();
    pull_none(&mut source).await;
    let second = pull_one(&mut source).await;
    assert!(
        since.elapsed() > Duration::from_millis(350),
        "{:?}",
        since.elapsed()
    );
    assert_eq!((first.delivered, second.delivered), (1, 2));
    second.done().await.unwrap();
    // An acknowledgement too late is answered, and harms nothing.
    first.done().await.unwrap();
    assert_eq!(bus.job_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_in_progress_does_not_come_again() {
    let server = Server::start().await;
    let bus = bus(&BusConfig {
        ack_wait_s: 0.6,
        ..server.config()
    })
    .await;
    let spring = campaign("spring");
    bus.put_job(&spring, Priority::Normal, &job("a")).await.unwrap();
    let mut source = bus.source(&[spring]).await.unwrap();
    let delivery = pull_one(&mut source).await;
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(1500) {
        delivery.in_progress().await.unwrap();
        let again = source.pull(1, Duration::from_millis(150)).await.unwrap();
        assert!(again.is_empty(), "after {:?}: {again:?}", since.elapsed());
    }
    delivery.done().await.unwrap();
}

#[tokio::test]
async fn a_job_given_back_comes_again_after_its_delay() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    bus.put_job(&spring, Priority::Normal, &job("a")).await.unwrap();
    let mut source = bus.source(&[spring]).await.unwrap();
    let since = Instant::now();
    pull_one(&mut source)
        .await
        .retry_after(Duration::from_millis(600))
        .await
        .unwrap();
    let again = pull_one(&mut source).await;
    assert!(
        since.elapsed() >= Duration::from_millis(500),
        "{:?}",
        since.elapsed()
    );
    again.retry_after(Duration::ZERO).await.unwrap();
    pull_one(&mut source).await.done().await.unwrap();
}

#[tokio::test]
async fn a_job_whose_id_holds_its_number_is_not_put() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let refused = bus
        .put_job(&campaign("spring"), Priority::Normal, &job("x-13800138000"))
        .await
        .unwrap_err();
    assert_eq!(refused, BusError::Job(JobError::NumberInId));
    assert_eq!(bus.job_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_too_large_is_refused_with_its_name() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let mut big = job("big");
    big.source = Some("x".repeat(2_000_000));
    let error = bus
        .put_job(&campaign("spring"), Priority::Normal, &big)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("job big") && error.contains("max_payload"),
        "{error}"
    );
}

#[tokio::test]
async fn waiting_jobs_are_listed_and_counted_without_taking_them() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    bus.put_job(&spring, Priority::High, &job("a")).await.unwrap();
    bus.put_job(&spring, Priority::Low, &job("b")).await.unwrap();
    put_raw(&server.raw().await, "hark.job.spring.low", b"{").await;
    let jobs = bus.jobs(10).await.unwrap();
    assert_eq!(jobs.len(), 3);
    assert_eq!(jobs[0].job.as_ref().unwrap().id.as_str(), "a");
    assert_eq!(jobs[0].priority, Some(Priority::High));
    assert!(jobs[2].job.is_err());
    assert_eq!(bus.jobs(1).await.unwrap().len(), 1);
    assert_eq!(bus.job_count().await.unwrap(), 3);
    let queues = bus.queues().await.unwrap();
    assert_eq!(queues[&(spring.clone(), Priority::High)], 1);
    assert_eq!(queues[&(spring, Priority::Low)], 2);
}

#[tokio::test]
async fn no_subject_anywhere_holds_the_number() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    bus.put_job(&spring, Priority::Normal, &job("a")).await.unwrap();
    bus.put_job(&spring, Priority::Normal, &job("left-waiting"))
        .await
        .unwrap();
    put_raw(
        &server.raw().await,
        "hark.job.spring.high",
        format!("{{\"to\":\"{NUMBER}\"}}").as_bytes(),
    )
    .await;
    let mut source = bus.source(&[spring]).await.unwrap();
    for delivery in source.pull(2, PATIENCE).await.unwrap() {
        match &delivery.job {
            Err(e) => delivery.dead_letter(&e.to_string()).await.unwrap(),
            Ok(job) => {
                let attempt = Attempt::first(delivery.campaign.clone(), job.id.clone());
                assert_eq!(bus.claim(&attempt, &claim(&attempt, "w1")).await, Claimed::Ours);
                bus.publish_result(&result(&attempt)).await.unwrap();
                delivery.done().await.unwrap();
            }
        }
    }
    let js = async_nats::jetstream::new(server.raw().await);
    let mut seen = Vec::new();
    for stream in [
        "HARK_JOB",
        "HARK_RESULT",
        "HARK_DEAD",
        "KV_hark_claims",
        "KV_hark_campaigns",
    ] {
        let stream = js.get_stream(stream).await.unwrap();
        let info = stream.info_builder().subjects(">").fetch().await.unwrap();
        seen.extend(
            info.info
                .state
                .subjects_count
                .checked_sub(1)
                .map(|_| info.info.config.name.clone()),
        );
        let mut sequence = 1;
        while let Ok(message) = stream
            .raw_message_builder()
            .sequence(sequence)
            .next_by_subject(">")
            .send()
            .await
        {
            assert!(!message.subject.contains("13800138000"), "{}", message.subject);
            sequence = message.sequence + 1;
        }
    }
    assert_eq!(seen.len(), 5, "every stream held something: {seen:?}");
}
