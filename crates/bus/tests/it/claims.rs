use hark_bus::{Bus, BusConfig, Claimed};
use tokio::task::JoinSet;

use crate::lab::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_64_contenders_exactly_one_gets_each_claim() {
    let server = Server::start().await;
    // Four connections, so that the contenders do not queue up behind one.
    let mut buses = Vec::new();
    for _ in 0..4 {
        buses.push(server.bus().await);
    }
    for key in 0..20 {
        let mut contenders = JoinSet::new();
        for n in 0..64 {
            let bus = buses[n % 4].clone();
            contenders.spawn(async move {
                let attempt = attempt(&format!("job-{key}"));
                let claim = claim(&attempt, &format!("w{n}"));
                (bus.claim(&attempt, &claim).await, claim)
            });
        }
        let all = contenders.join_all().await;
        let winners: Vec<_> = all.iter().filter(|(c, _)| *c == Claimed::Ours).collect();
        assert_eq!(winners.len(), 1, "job-{key}");
        let winner = &winners[0].1;
        for (claimed, _) in &all {
            assert!(
                matches!(claimed, Claimed::Ours) || *claimed == Claimed::Theirs(winner.clone()),
                "{claimed:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_claim_whose_acknowledgement_was_lost_is_known_again() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port).await;
    let config = BusConfig {
        url: proxy.url(),
        request_timeout_s: 0.3,
        ..BusConfig::default()
    };
    let bus = bus(&config).await;
    let attempt = attempt("j");
    let claim = claim(&attempt, "w1");

    // The write lands, its acknowledgement does not come back.
    proxy.mute();
    let unsure = within("a claim", bus.claim(&attempt, &claim)).await;
    assert!(matches!(unsure, Claimed::Unknown(_)), "{unsure:?}");
    assert_eq!(
        server.bus().await.claim_of(&attempt).await.unwrap(),
        Some(claim.clone()),
        "it landed"
    );

    proxy.reconnect_to(server.port);
    let again = async || {
        // The very same claim, as the contract says.
        bus.claim(&attempt, &claim).await == Claimed::Ours
    };
    eventually("the claim is ours", again).await;
}

#[tokio::test]
async fn a_write_that_times_out_and_landed_is_ours_in_the_same_call() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port).await;
    let config = BusConfig {
        url: proxy.url(),
        request_timeout_s: 1.0,
        ..BusConfig::default()
    };
    let bus = bus(&config).await;
    let attempt = attempt("j");
    let claim = claim(&attempt, "w1");
    let witness = server.bus().await;

    proxy.mute();
    let claiming = tokio::spawn({
        let (bus, attempt, claim) = (bus.clone(), attempt.clone(), claim.clone());
        async move { bus.claim(&attempt, &claim).await }
    });
    eventually("the write lands", async || {
        witness.claim_of(&attempt).await.unwrap().is_some()
    })
    .await;
    proxy.reconnect_to(server.port);
    assert_eq!(within("the claim", claiming).await.unwrap(), Claimed::Ours);
}

#[tokio::test]
async fn without_nats_a_claim_is_unknown_and_never_ours() {
    let mut server = Server::start().await;
    let config = BusConfig {
        request_timeout_s: 0.2,
        ..server.config()
    };
    let bus = bus(&config).await;
    server.crash();
    let attempt = attempt("j");
    let claimed = within("an answer", bus.claim(&attempt, &claim(&attempt, "w1"))).await;
    assert!(matches!(claimed, Claimed::Unknown(_)), "{claimed:?}");
}

#[tokio::test]
async fn a_restarted_worker_finds_its_earlier_runs_claim_as_somebody_elses() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let attempt = attempt("j");
    let first = claim(&attempt, "w1");
    assert_eq!(bus.claim(&attempt, &first).await, Claimed::Ours);
    assert_eq!(
        bus.claim(&attempt, &claim(&attempt, "w1")).await,
        Claimed::Theirs(first)
    );
}

#[tokio::test]
async fn a_claim_can_be_neither_overwritten_nor_deleted() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let attempt = attempt("j");
    let first = claim(&attempt, "w1");
    assert_eq!(bus.claim(&attempt, &first).await, Claimed::Ours);

    let js = async_nats::jetstream::new(server.raw().await);
    let store = js.get_key_value("hark_claims").await.unwrap();
    assert!(store.put(attempt.key(), "{}".into()).await.is_err());
    assert!(store.delete(attempt.key()).await.is_err());
    assert!(store.purge(attempt.key()).await.is_err());
    assert_eq!(bus.claim_of(&attempt).await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_claim_outlives_a_killed_server() {
    let mut server = Server::start().await;
    let bus: Bus = server.bus().await;
    let attempt = attempt("j");
    let first = claim(&attempt, "w1");
    assert_eq!(bus.claim(&attempt, &first).await, Claimed::Ours);
    server.crash();
    server.restart().await;
    let second = claim(&attempt, "w2");
    assert_eq!(
        within("an answer", bus.claim(&attempt, &second)).await,
        Claimed::Theirs(first)
    );
}
