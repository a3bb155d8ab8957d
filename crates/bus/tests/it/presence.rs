use hark_bus::BusConfig;
use hark_outcome::WorkerId;

use crate::lab::*;

#[tokio::test]
async fn a_worker_is_present_while_its_guard_lives_and_gone_when_it_leaves() {
    let server = Server::start().await;
    let (bus, other) = (server.bus().await, server.bus().await);
    let worker = WorkerId::new("w1").unwrap();
    assert!(!other.is_present(&worker).await.unwrap());
    let presence = bus.presence(&worker).await;
    assert!(other.is_present(&worker).await.unwrap());
    presence.leave().await;
    assert!(!other.is_present(&worker).await.unwrap());

    drop(bus.presence(&worker).await);
    eventually("a dropped guard says goodbye, too", async || {
        !other.is_present(&worker).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_worker_stays_present_far_beyond_its_time_to_live() {
    let server = Server::start().await;
    let bus = bus(&BusConfig {
        presence_ttl_s: 1,
        ..server.config()
    })
    .await;
    let worker = WorkerId::new("w1").unwrap();
    let _presence = bus.presence(&worker).await;
    let until = tokio::time::Instant::now() + std::time::Duration::from_millis(3200);
    while tokio::time::Instant::now() < until {
        assert!(bus.is_present(&worker).await.unwrap());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_worker_cut_off_is_gone_after_its_time_to_live_and_back_when_it_is_back() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port).await;
    let config = BusConfig {
        presence_ttl_s: 1,
        url: proxy.url(),
        request_timeout_s: 0.5,
        ..server.config()
    };
    let bus = bus(&config).await;
    let other = server.bus().await;
    let worker = WorkerId::new("w1").unwrap();
    let _presence = bus.presence(&worker).await;
    assert!(other.is_present(&worker).await.unwrap());
    proxy.reconnect_to(fake_server("2.9.10").await);
    eventually("it is gone", async || !other.is_present(&worker).await.unwrap()).await;
    proxy.reconnect_to(server.port);
    eventually("it is back", async || other.is_present(&worker).await.unwrap()).await;
}
