use std::time::Duration;

use hark_outcome::Priority;

use crate::lab::*;

#[tokio::test]
async fn a_job_of_an_unknown_campaign_is_swept_with_the_known_names() {
    let server = Server::start().await;
    let bus = server.bus().await;
    bus.register_campaign(&campaign("spring")).await.unwrap();
    bus.put_job(&campaign("sprnig"), Priority::Normal, &job("typo"))
        .await
        .unwrap();
    bus.put_job(&campaign("spring"), Priority::Normal, &job("good"))
        .await
        .unwrap();
    bus.put_job(&campaign("autumn"), Priority::Normal, &job("mine"))
        .await
        .unwrap();

    assert_eq!(
        bus.sweep_unknown_campaigns(&[campaign("autumn")]).await.unwrap(),
        0,
        "not within its grace"
    );
    let moved = bus
        .sweep_unknown_campaigns_after(&[campaign("autumn")], Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(moved, 1);

    let letters = bus.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].campaign, Some(campaign("sprnig")));
    assert_eq!(letters[0].body, serde_json::to_vec(&job("typo")).unwrap());
    let reason = &letters[0].reason;
    assert!(
        reason.contains("sprnig") && reason.contains("autumn, spring"),
        "{reason}"
    );
    assert_eq!(bus.job_count().await.unwrap(), 2, "the others wait on");
}

#[tokio::test]
async fn jobs_on_subjects_of_no_queue_are_swept_too() {
    let server = Server::start().await;
    let bus = server.bus().await;
    bus.register_campaign(&campaign("spring")).await.unwrap();
    let raw = server.raw().await;
    for subject in [
        "hark.job.spring.urgent",
        "hark.job.spring",
        "hark.job.spring.high.extra",
        "hark.job.+86138.high",
    ] {
        put_raw(&raw, subject, subject.as_bytes()).await;
    }
    assert_eq!(
        bus.sweep_unknown_campaigns_after(&[], Duration::ZERO)
            .await
            .unwrap(),
        4
    );
    assert_eq!(bus.job_count().await.unwrap(), 0);
    let letters = bus.dead_letters(10).await.unwrap();
    for letter in &letters {
        assert_eq!(letter.body, letter.subject.as_bytes());
        let mend = letter.reason.contains("high, normal, low") || letter.reason.contains("no campaign id");
        assert!(mend, "{}", letter.reason);
    }
    assert_eq!(letters.len(), 4);
}

#[tokio::test]
async fn two_sweepers_at_once_bury_each_job_once() {
    let server = Server::start().await;
    let (one, two) = (server.bus().await, server.bus().await);
    for n in 0..30 {
        one.put_job(&campaign("nobody"), Priority::Low, &job(&format!("job-{n}")))
            .await
            .unwrap();
    }
    let sweep = async |bus: &hark_bus::Bus| {
        bus.sweep_unknown_campaigns_after(&[], Duration::ZERO)
            .await
            .unwrap()
    };
    tokio::join!(sweep(&one), sweep(&two));
    assert_eq!(one.dead_letters(100).await.unwrap().len(), 30);
    assert_eq!(one.job_count().await.unwrap(), 0);
}

#[tokio::test]
async fn campaigns_are_known_once_registered_or_served() {
    let server = Server::start().await;
    let bus = server.bus().await;
    assert!(bus.campaigns().await.unwrap().is_empty());
    bus.register_campaign(&campaign("b")).await.unwrap();
    bus.register_campaign(&campaign("b")).await.unwrap();
    bus.source(&[campaign("a"), campaign("a")]).await.unwrap();
    assert_eq!(bus.campaigns().await.unwrap(), [campaign("a"), campaign("b")]);
}
