use futures::future::join_all;
use hark_bus::{BusConfig, From, Written};
use hark_outcome::{Cause, Disposition};

use crate::lab::*;

#[tokio::test]
async fn a_second_result_of_an_attempt_is_not_kept() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let first = result(&attempt("j"));
    let mut second = first.clone();
    second.cause = Cause::BusyTone;
    assert_eq!(bus.publish_result(&first).await.unwrap(), Written::First);
    assert_eq!(bus.publish_result(&second).await.unwrap(), Written::AlreadyThere);
    assert_eq!(bus.publish_result(&first).await.unwrap(), Written::AlreadyThere);
    assert_eq!(bus.result_of(&attempt("j")).await.unwrap(), Some(first));
    assert_eq!(bus.result_count().await.unwrap(), 1);
}

#[tokio::test]
async fn even_a_writer_without_manners_cannot_replace_a_result() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let first = result(&attempt("j"));
    bus.publish_result(&first).await.unwrap();
    let js = async_nats::jetstream::new(server.raw().await);
    let ack = js.publish("hark.result.spring.j.1", "{}".into()).await.unwrap();
    assert!(ack.await.is_err(), "the stream itself keeps the first");
    assert_eq!(bus.result_of(&attempt("j")).await.unwrap(), Some(first));
}

#[tokio::test]
async fn of_16_writers_of_one_result_one_is_first() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let result = result(&attempt("j"));
    let all = join_all((0..16).map(|_| bus.publish_result(&result))).await;
    assert_eq!(
        all.iter().filter(|w| **w == Ok(Written::First)).count(),
        1,
        "{all:?}"
    );
    assert_eq!(
        all.iter().filter(|w| **w == Ok(Written::AlreadyThere)).count(),
        15,
        "{all:?}"
    );
}

#[tokio::test]
async fn a_result_whose_acknowledgement_was_lost_is_known_as_ours() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port).await;
    let config = BusConfig {
        url: proxy.url(),
        request_timeout_s: 1.0,
        ..BusConfig::default()
    };
    let bus = bus(&config).await;
    let witness = server.bus().await;
    let result = result(&attempt("j"));

    proxy.mute();
    let publishing = tokio::spawn({
        let (bus, result) = (bus.clone(), result.clone());
        async move { bus.publish_result(&result).await }
    });
    let landed = async || witness.result_of(&attempt("j")).await.unwrap().is_some();
    eventually("the result lands", landed).await;
    proxy.reconnect_to(server.port);
    assert_eq!(
        within("the answer", publishing).await.unwrap().unwrap(),
        Written::First
    );
    assert_eq!(witness.result_count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_result_carries_schema_disposition_and_cause_in_its_headers() {
    let server = Server::start().await;
    let bus = server.bus().await;
    bus.publish_result(&result(&attempt("j"))).await.unwrap();
    let js = async_nats::jetstream::new(server.raw().await);
    let stream = js.get_stream("HARK_RESULT").await.unwrap();
    let message = stream
        .get_last_raw_message_by_subject("hark.result.spring.j.1")
        .await
        .unwrap();
    let header = |name: &str| message.headers.get(name).unwrap().as_str().to_owned();
    assert_eq!(header("Hark-Schema"), "1");
    assert_eq!(header("Hark-Disposition"), Disposition::Busy.as_str());
    assert_eq!(header("Hark-Cause"), Cause::UserBusy.as_str());
}

#[tokio::test]
async fn results_are_followed_in_order_from_the_beginning_and_from_now() {
    let server = Server::start().await;
    let bus = server.bus().await;
    for n in 0..3 {
        bus.publish_result(&result(&attempt(&format!("old-{n}"))))
            .await
            .unwrap();
    }
    let mut all = bus.results(From::Beginning).await.unwrap();
    let mut new = bus.results(From::New).await.unwrap();
    assert_eq!(all.backlog(), 3);
    bus.publish_result(&result(&attempt("new"))).await.unwrap();

    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(
            within("a result", all.next())
                .await
                .unwrap()
                .unwrap()
                .attempt
                .job
                .to_string(),
        );
    }
    assert_eq!(seen, ["old-0", "old-1", "old-2", "new"]);
    assert_eq!(all.backlog(), 0);
    assert_eq!(
        within("a result", new.next())
            .await
            .unwrap()
            .unwrap()
            .attempt
            .job
            .as_str(),
        "new"
    );
}

#[tokio::test]
async fn an_unreadable_result_is_an_error_and_the_next_one_is_read() {
    let server = Server::start().await;
    let bus = server.bus().await;
    put_raw(&server.raw().await, "hark.result.spring.bad.1", b"no json").await;
    bus.publish_result(&result(&attempt("good"))).await.unwrap();
    let mut results = bus.results(From::Beginning).await.unwrap();
    let error = within("the bad one", results.next())
        .await
        .unwrap()
        .unwrap_err()
        .to_string();
    assert!(error.contains("hark.result.spring.bad.1"), "{error}");
    assert_eq!(
        within("the good one", results.next())
            .await
            .unwrap()
            .unwrap()
            .attempt
            .job
            .as_str(),
        "good"
    );
}

#[tokio::test]
async fn a_thousand_and_more_results_come_once_each_and_in_order() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let total = 1300;
    let puts = (0..total).map(|n| {
        let bus = bus.clone();
        async move {
            bus.publish_result(&result(&attempt(&format!("job-{n}"))))
                .await
                .unwrap()
        }
    });
    let mut results = bus.results(From::Beginning).await.unwrap();
    let publish = join_all(puts);
    let read = async {
        let mut seen = std::collections::BTreeSet::new();
        while seen.len() < total {
            // A reader that is interrupted again and again loses nothing.
            let short = std::time::Duration::from_micros(300);
            if let Ok(next) = tokio::time::timeout(short, results.next()).await {
                let job = next.unwrap().unwrap().attempt.job;
                assert!(seen.insert(job.to_string()), "{job} came twice");
            }
        }
    };
    within("all results", async { tokio::join!(publish, read) }).await;
    assert_eq!(results.backlog(), 0);
}
