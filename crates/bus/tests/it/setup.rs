use hark_bus::{Bus, BusConfig, BusError};

use crate::lab::*;

const ALL: [&str; 7] = [
    "HARK_JOB",
    "HARK_RESULT",
    "HARK_EVENT",
    "HARK_DEAD",
    "KV_hark_claims",
    "KV_hark_campaigns",
    "KV_hark_presence",
];

#[tokio::test]
async fn streams_are_made_once_and_found_good_afterwards() {
    let server = Server::start().await;
    let bus = Bus::connect(&server.config(), "test").await.unwrap();
    let first = bus.ensure().await.unwrap();
    assert_eq!(first.created, ALL);
    let second = bus.ensure().await.unwrap();
    assert!(second.created.is_empty());
    assert_eq!(second.checked, ALL);
}

#[tokio::test]
async fn eight_workers_that_start_together_all_find_good_streams() {
    let server = Server::start().await;
    let mut buses = Vec::new();
    for _ in 0..8 {
        buses.push(Bus::connect(&server.config(), "test").await.unwrap());
    }
    for setup in futures::future::join_all(buses.iter().map(Bus::ensure)).await {
        setup.unwrap();
    }
    let campaigns = [campaign("spring")];
    for source in futures::future::join_all(buses.iter().map(|b| b.source(&campaigns))).await {
        source.unwrap();
    }
}

#[tokio::test]
async fn a_stream_somebody_edited_is_refused_by_name_field_values_and_mend() {
    let server = Server::start().await;
    server.bus().await;
    let js = async_nats::jetstream::new(server.raw().await);
    let mut config = js
        .get_stream("HARK_JOB")
        .await
        .unwrap()
        .get_info()
        .await
        .unwrap()
        .config;
    config.duplicate_window = std::time::Duration::from_secs(60);
    js.update_stream(&config).await.unwrap();

    let bus = Bus::connect(&server.config(), "test").await.unwrap();
    let BusError::Setup(mismatch) = bus.ensure().await.unwrap_err() else {
        panic!("a mismatch")
    };
    assert_eq!(
        (mismatch.name.as_str(), mismatch.field.as_str()),
        ("HARK_JOB", "duplicate_window")
    );
    let text = mismatch.to_string();
    for part in ["60s", "600s", "nats stream edit HARK_JOB --dupe-window 600s"] {
        assert!(text.contains(part), "{part} in: {text}");
    }
}

#[tokio::test]
async fn a_stream_of_another_kind_under_our_name_is_refused() {
    let server = Server::start().await;
    let js = async_nats::jetstream::new(server.raw().await);
    let foreign = async_nats::jetstream::stream::Config {
        name: "HARK_JOB".into(),
        subjects: vec!["hark.job.>".into()],
        ..Default::default()
    };
    js.create_stream(foreign).await.unwrap();
    let bus = Bus::connect(&server.config(), "test").await.unwrap();
    let text = bus.ensure().await.unwrap_err().to_string();
    assert!(
        text.contains("HARK_JOB") && text.contains("retention") && text.contains("workqueue"),
        "{text}"
    );
}

#[tokio::test]
async fn an_operator_may_keep_events_longer() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let js = async_nats::jetstream::new(server.raw().await);
    let mut config = js
        .get_stream("HARK_EVENT")
        .await
        .unwrap()
        .get_info()
        .await
        .unwrap()
        .config;
    config.max_age = std::time::Duration::from_secs(7 * 24 * 3600);
    config.description = Some("ours, for a week".into());
    js.update_stream(&config).await.unwrap();
    bus.ensure().await.unwrap();
}

#[tokio::test]
async fn more_replicas_than_servers_is_refused_with_the_setting_to_change() {
    let server = Server::start().await;
    let bus = Bus::connect(
        &BusConfig {
            replicas: 3,
            ..server.config()
        },
        "test",
    )
    .await
    .unwrap();
    let text = bus.ensure().await.unwrap_err().to_string();
    assert!(text.contains("nats.replicas"), "{text}");
}

#[tokio::test]
async fn a_consumer_with_another_ack_wait_is_refused_by_name() {
    let server = Server::start().await;
    server.bus().await.source(&[campaign("spring")]).await.unwrap();
    let other = bus(&BusConfig {
        ack_wait_s: 45.0,
        ..server.config()
    })
    .await;
    let text = other.source(&[campaign("spring")]).await.unwrap_err().to_string();
    for part in ["spring_high", "ack_wait", "30s", "45s", "nats.ack_wait_s"] {
        assert!(text.contains(part), "{part} in: {text}");
    }
}

#[tokio::test]
async fn somebody_elses_consumer_on_our_jobs_is_named_as_the_obstacle() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let js = async_nats::jetstream::new(server.raw().await);
    let greedy = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some("greedy".into()),
        filter_subject: "hark.job.spring.*".into(),
        ..Default::default()
    };
    js.create_consumer_on_stream(greedy, "HARK_JOB").await.unwrap();
    let text = bus.source(&[campaign("spring")]).await.unwrap_err().to_string();
    assert!(
        text.contains("another consumer") && text.contains("nats consumer ls HARK_JOB"),
        "{text}"
    );
}

#[tokio::test]
async fn two_prefixes_on_one_server_do_not_meet() {
    let server = Server::start().await;
    let one = server.bus().await;
    let two = bus(&BusConfig {
        prefix: "trial".into(),
        ..server.config()
    })
    .await;
    one.put_job(&campaign("spring"), hark_outcome::Priority::High, &job("a"))
        .await
        .unwrap();
    assert_eq!(two.job_count().await.unwrap(), 0);
    let mut source = two.source(&[campaign("spring")]).await.unwrap();
    pull_none(&mut source).await;
}

#[tokio::test]
async fn without_streams_a_job_is_refused_and_not_lost_in_silence() {
    let server = Server::start().await;
    let config = BusConfig {
        request_timeout_s: 0.3,
        ..server.config()
    };
    let bus = Bus::connect(&config, "test").await.unwrap();
    let put = bus
        .put_job(&campaign("spring"), hark_outcome::Priority::High, &job("a"))
        .await;
    assert!(matches!(put, Err(BusError::Missing { .. })), "{put:?}");
}
