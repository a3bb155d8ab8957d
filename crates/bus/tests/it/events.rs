use hark_bus::{Bus, BusConfig};
use hark_outcome::{CallEvent, EventKind, SchemaVersion, WorkerId};

use crate::lab::*;

fn event(n: usize) -> CallEvent {
    CallEvent {
        schema: SchemaVersion::default(),
        attempt: attempt(&format!("job-{n}")),
        at: "2026-11-24T09:00:00Z".parse().unwrap(),
        worker: WorkerId::new("w1").unwrap(),
        kind: EventKind::Answered,
    }
}

#[tokio::test]
async fn events_reach_who_watches_and_are_kept_for_a_day() {
    let server = Server::start().await;
    let (bus, watcher) = (server.bus().await, server.bus().await);
    let mut events = watcher.events().await.unwrap();
    for n in 0..100 {
        bus.event(event(n));
    }
    for n in 0..100 {
        assert_eq!(within("an event", events.next()).await, event(n));
    }
    assert_eq!(bus.events_dropped(), 0);
    let js = async_nats::jetstream::new(server.raw().await);
    let kept = async || {
        js.get_stream("HARK_EVENT")
            .await
            .unwrap()
            .get_info()
            .await
            .unwrap()
            .state
            .messages
            == 100
    };
    eventually("all are stored", kept).await;
}

#[tokio::test]
async fn events_beyond_the_queue_are_dropped_and_counted_and_nobody_waits() {
    let mut server = Server::start().await;
    let bus = bus(&BusConfig {
        request_timeout_s: 0.2,
        ..server.config()
    })
    .await;
    server.crash();
    within("the loss is noticed", bus.connection_lost()).await;
    let sent = 10_000;
    // Not one await: a call can never be held up here.
    for n in 0..sent {
        bus.event(event(n));
    }
    let dropped = bus.events_dropped();
    assert!(dropped > 0 && dropped < sent as u64, "{dropped} of {sent}");

    server.restart().await;
    let js = async_nats::jetstream::new(server.raw().await);
    let arrived = async || {
        let info = js
            .get_stream("HARK_EVENT")
            .await
            .unwrap()
            .get_info()
            .await
            .unwrap();
        info.state.messages + bus.events_dropped() == sent as u64
    };
    eventually("what was queued arrives, and the sum is right", arrived).await;
}

#[tokio::test]
async fn a_flush_sends_every_queued_event_before_the_end() {
    let server = Server::start().await;
    let bus: Bus = server.bus().await;
    for n in 0..500 {
        bus.event(event(n));
    }
    bus.flush().await.unwrap();
    drop(bus);
    let js = async_nats::jetstream::new(server.raw().await);
    let kept = async || {
        js.get_stream("HARK_EVENT")
            .await
            .unwrap()
            .get_info()
            .await
            .unwrap()
            .state
            .messages
            == 500
    };
    eventually("all are stored", kept).await;
}
