use hark_bus::{Bus, BusConfig, BusError};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::lab::*;

async fn refusal(config: &BusConfig) -> BusError {
    within("an answer", Bus::connect(config, "test"))
        .await
        .expect_err("must be refused")
}

/// The test binary's own environment has a PATH; its value is a wrong password for any server.
fn with_password_in_path(server: &Server, user: &str) -> BusConfig {
    BusConfig {
        user: Some(user.to_owned()),
        password_env: Some("PATH".to_owned()),
        ..server.config()
    }
}

#[tokio::test]
async fn nats_down_says_where_it_was_looked_for_and_how_to_mend_it() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = BusConfig {
        url: format!("nats://127.0.0.1:{port}"),
        ..BusConfig::default()
    };
    let since = Instant::now();
    let error = refusal(&config).await;
    assert!(matches!(error, BusError::Down { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&config.url) && text.contains("nats.url"), "{text}");
    assert!(
        since.elapsed().as_secs() < 3,
        "a dead port answers at once: {:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = BusConfig {
        url: format!("nats://{}", listener.local_addr().unwrap()),
        connect_timeout_s: 0.3,
        ..BusConfig::default()
    };
    assert!(matches!(refusal(&config).await, BusError::Down { .. }));
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such_and_never_shown() {
    let server =
        Server::start_with(|o| o.extra = "authorization { user: hark, password: right }".into()).await;
    let error = refusal(&with_password_in_path(&server, "hark")).await;
    assert!(matches!(error, BusError::Unauthorized { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("nats.password_env") && !text.contains("/bin"),
        "{text}"
    );

    let config = BusConfig {
        url: format!("nats://hark:wrong@127.0.0.1:{}", server.port),
        ..server.config()
    };
    let text = refusal(&config).await.to_string();
    assert!(
        text.contains("refuses our credentials") && !text.contains("wrong"),
        "{text}"
    );
    let config = BusConfig {
        url: format!("nats://hark:right@127.0.0.1:{}", server.port),
        ..server.config()
    };
    bus(&config).await;
}

#[tokio::test]
async fn no_credentials_where_some_are_needed_is_told_as_such() {
    let server = Server::start_with(|o| o.extra = "authorization { token: secret }".into()).await;
    assert!(matches!(
        refusal(&server.config()).await,
        BusError::Unauthorized { .. }
    ));
}

#[tokio::test]
async fn missing_secrets_and_files_name_their_setting() {
    let server = Server::start().await;
    let config = BusConfig {
        token_env: Some("HARK_NO_SUCH_VARIABLE".into()),
        ..server.config()
    };
    let text = refusal(&config).await.to_string();
    assert!(
        text.contains("nats.token_env") && text.contains("HARK_NO_SUCH_VARIABLE"),
        "{text}"
    );
    let config = BusConfig {
        credentials_file: Some("/no/such.creds".into()),
        ..server.config()
    };
    let text = refusal(&config).await.to_string();
    assert!(
        text.contains("nats.credentials_file") && text.contains("/no/such.creds"),
        "{text}"
    );
    let config = BusConfig {
        credentials_file: Some(file!().into()),
        ..server.config()
    };
    let text = refusal(&config).await.to_string();
    assert!(text.contains("nats.credentials_file"), "{text}");
}

#[tokio::test]
async fn a_server_too_old_is_refused_with_both_versions() {
    let config = BusConfig {
        url: format!("nats://127.0.0.1:{}", fake_server("2.9.10").await),
        ..BusConfig::default()
    };
    let error = refusal(&config).await;
    assert!(matches!(error, BusError::TooOld { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("2.9.10") && text.contains("2.12.0"), "{text}");
}

#[tokio::test]
async fn a_server_without_jetstream_is_refused_with_how_to_turn_it_on() {
    let server = Server::start_with(|o| o.jetstream = false).await;
    let error = refusal(&server.config()).await;
    assert!(matches!(error, BusError::NoJetStream { .. }), "{error:?}");
    assert!(error.to_string().contains("-js"), "{error}");
}

#[tokio::test]
async fn a_user_without_permission_is_told_which_permissions_are_needed() {
    let extra = r#"authorization { users: [ { user: hark, password: p, permissions: { publish: "other.>", subscribe: ">" } } ] }"#;
    let server = Server::start_with(|o| o.extra = extra.into()).await;
    let config = BusConfig {
        url: format!("nats://hark:p@127.0.0.1:{}", server.port),
        request_timeout_s: 1.0,
        ..BusConfig::default()
    };
    let error = refusal(&config).await;
    assert!(matches!(error, BusError::Denied { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("$JS.API.INFO") && text.contains("hark.>"), "{text}");
}

#[tokio::test]
async fn of_several_servers_one_that_lives_is_enough() {
    let server = Server::start().await;
    let dead = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = BusConfig {
        url: format!("nats://127.0.0.1:{dead}, nats://127.0.0.1:{}", server.port),
        ..server.config()
    };
    let bus = bus(&config).await;
    assert!(bus.is_connected());
    assert!(bus.server_version().starts_with("2."), "{}", bus.server_version());
}
