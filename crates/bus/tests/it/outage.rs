use std::time::Duration;

use hark_bus::{BusError, Connection, From, Put};
use hark_outcome::Priority;

use crate::lab::*;

#[tokio::test]
async fn a_killed_server_keeps_every_job_and_the_bus_goes_on() {
    let mut server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    let mut source = bus.source(std::slice::from_ref(&spring)).await.unwrap();
    // One follower has read something before the outage, the other nothing: both go on at their place.
    bus.publish_result(&result(&attempt("before"))).await.unwrap();
    let mut results = bus.results(From::Beginning).await.unwrap();
    within("a result", results.next()).await.unwrap().unwrap();
    let mut new = bus.results(From::New).await.unwrap();
    for n in 0..50 {
        bus.put_job(&spring, Priority::Normal, &job(&format!("job-{n}")))
            .await
            .unwrap();
    }
    let held = pull_one(&mut source).await;

    server.crash();
    within("the loss is noticed", bus.connection_lost()).await;
    assert!(!bus.is_connected());
    let error = source.pull(1, Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, BusError::Down { .. }), "{error}");
    server.restart().await;

    // The same bus, the same source, the same delivery: nothing was opened anew.
    within("the job held before is done", held.done()).await.unwrap();
    assert_eq!(
        bus.put_job(&spring, Priority::Normal, &job("job-0"))
            .await
            .unwrap(),
        Put::Duplicate,
        "still known"
    );
    assert_eq!(bus.job_count().await.unwrap(), 49);
    let mut got = 0;
    while got < 49 {
        let jobs = within("jobs", source.pull(20, PATIENCE)).await.unwrap();
        for delivery in jobs {
            delivery.done().await.unwrap();
            got += 1;
        }
    }
    assert_eq!(bus.job_count().await.unwrap(), 0);

    bus.publish_result(&result(&attempt("after"))).await.unwrap();
    for follower in [&mut results, &mut new] {
        let after = within("a result after the outage", follower.next())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(after.attempt, attempt("after"));
    }
}

#[tokio::test]
async fn a_job_put_while_nats_restarts_is_put_when_it_is_back() {
    let mut server = Server::start().await;
    let bus = server.bus().await;
    server.crash();
    let putting = tokio::spawn({
        let bus = bus.clone();
        async move {
            bus.put_job(&campaign("spring"), Priority::Normal, &job("a"))
                .await
        }
    });
    server.restart().await;
    assert_eq!(within("the put", putting).await.unwrap().unwrap(), Put::New);
    assert_eq!(bus.job_count().await.unwrap(), 1);
}

#[tokio::test]
async fn requests_without_nats_end_at_their_deadline_and_say_where_it_should_be() {
    let mut server = Server::start().await;
    let config = hark_bus::BusConfig {
        request_timeout_s: 0.2,
        ..server.config()
    };
    let bus = bus(&config).await;
    server.crash();
    let error = within("an error", bus.publish_result(&result(&attempt("a"))))
        .await
        .unwrap_err();
    assert!(error.is_temporary(), "{error}");
    let error = within(
        "an error",
        bus.put_job(&campaign("spring"), Priority::Normal, &job("a")),
    )
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{}", server.port)),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_comes_back_too_old() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port).await;
    let config = hark_bus::BusConfig {
        url: proxy.url(),
        request_timeout_s: 0.5,
        ..server.config()
    };
    let bus = bus(&config).await;
    let mut watch = bus.connection();
    assert_eq!(watch.now(), Connection::Connected);

    proxy.reconnect_to(fake_server("2.9.10").await);
    let too_old = Connection::TooOld("2.9.10".to_owned());
    while within("the old server is noticed", watch.changed())
        .await
        .unwrap()
        != too_old
    {}
    assert!(!bus.is_connected());
    let error = bus.job_count().await.unwrap_err();
    assert!(matches!(error, BusError::TooOld { .. }), "{error}");

    proxy.reconnect_to(server.port);
    while within("the good server is noticed", watch.changed())
        .await
        .unwrap()
        != Connection::Connected
    {}
    assert_eq!(bus.job_count().await.unwrap(), 0);
}
