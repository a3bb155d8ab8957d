use std::path::Path;

use hark_bus::{NatsChild, NatsChildError, NatsOptions};
use tokio::net::TcpListener;

use crate::lab::*;

#[tokio::test]
async fn a_missing_binary_says_where_it_was_looked_for_and_how_to_get_it() {
    let dir = tempfile::tempdir().unwrap();
    let error = NatsChild::start(Path::new("/no/nats-server"), dir.path(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, NatsChildError::NoBinary { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("/no/nats-server") && text.contains("make setup"),
        "{text}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_program_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let error = NatsChild::start(Path::new(file!()), dir.path(), None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            NatsChildError::CannotRun { .. } | NatsChildError::NoBinary { .. }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let error = NatsChild::start(&binary(), dir.path(), Some(port))
        .await
        .unwrap_err();
    assert!(
        matches!(error, NatsChildError::PortTaken { port: p } if p == port),
        "{error:?}"
    );
}

#[tokio::test]
async fn one_folder_serves_one_server_at_a_time() {
    let server = Server::start().await;
    let error = NatsChild::start(&binary(), server.dir.path(), None)
        .await
        .unwrap_err();
    let NatsChildError::FolderInUse { pid: Some(_), .. } = &error else {
        panic!("{error:?}")
    };
    server.bus().await;
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let options = NatsOptions {
        extra: "no_such_setting: 1".into(),
        ..NatsOptions::new(binary(), dir.path())
    };
    let error = NatsChild::start_with(&options).await.unwrap_err();
    assert!(matches!(error, NatsChildError::Exited { .. }), "{error:?}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = NatsChild::start(&binary(), &file.join("data"), None)
        .await
        .unwrap_err();
    assert!(matches!(error, NatsChildError::Folder { .. }), "{error:?}");
}

#[tokio::test]
async fn a_stopped_server_is_gone_and_its_folder_is_free_again() {
    let dir = tempfile::tempdir().unwrap();
    let child = NatsChild::start(&binary(), dir.path(), None).await.unwrap();
    let port = child.port();
    child.stop().await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let mut again = NatsChild::start(&binary(), dir.path(), Some(port)).await.unwrap();
    assert!(again.is_running());
    drop(again);
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
