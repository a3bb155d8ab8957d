use std::time::Duration;

use async_nats::HeaderMap;
use hark_bus::BusConfig;
use hark_outcome::{JobError, Priority};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lab::*;

#[tokio::test]
async fn an_undecodable_job_becomes_a_dead_letter_byte_for_byte() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let spring = campaign("spring");
    // No JSON, no UTF-8, a NUL and line ends.
    let body = b"\xff\xfe{\"id\":\0 \"a\"\r\n\r\n";
    let mut headers = HeaderMap::new();
    headers.insert("Customer", "acme");
    headers.append("Customer", "zenith");
    let js = async_nats::jetstream::new(server.raw().await);
    let sent = js
        .publish_with_headers("hark.job.spring.high", headers, body.to_vec().into())
        .await
        .unwrap();
    sent.await.unwrap();

    let mut source = bus.source(std::slice::from_ref(&spring)).await.unwrap();
    let delivery = pull_one(&mut source).await;
    assert_eq!(delivery.body(), body);
    let Err(error @ JobError::Json(_)) = &delivery.job else {
        panic!("{:?}", delivery.job)
    };
    // A reason of several lines must not break the header.
    delivery
        .dead_letter(&format!("{error}\r\nsecond line"))
        .await
        .unwrap();

    let letters = bus.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(letter.body, body);
    assert_eq!(
        (&letter.campaign, letter.priority),
        (&Some(spring), Some(Priority::High))
    );
    assert_eq!(letter.subject, "hark.job.spring.high");
    assert!(
        letter.reason.contains("no valid JSON job") && letter.reason.contains("second line"),
        "{}",
        letter.reason
    );
    assert_eq!(letter.headers["Customer"], ["acme", "zenith"]);
    assert_eq!(bus.job_count().await.unwrap(), 0, "and it left the queue");
    pull_none(&mut source).await;
}

#[tokio::test]
async fn a_job_buried_twice_is_one_dead_letter() {
    let server = Server::start().await;
    let bus = bus(&BusConfig {
        ack_wait_s: 0.3,
        ..server.config()
    })
    .await;
    put_raw(&server.raw().await, "hark.job.spring.low", b"?").await;
    let mut source = bus.source(&[campaign("spring")]).await.unwrap();
    let first = pull_one(&mut source).await;
    // Delivered again before the first holder buried it.
    let second = pull_one(&mut source).await;
    first.dead_letter("bad").await.unwrap();
    second.dead_letter("bad").await.unwrap();
    assert_eq!(bus.dead_letters(10).await.unwrap().len(), 1);
    assert_eq!(bus.job_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_with_no_room_left_for_a_reason_is_still_kept_whole() {
    let server = Server::start().await;
    let bus = server.bus().await;
    let body = vec![b'x'; 1_048_576 - 150];
    put_raw(&server.raw().await, "hark.job.spring.low", &body).await;
    let mut source = bus.source(&[campaign("spring")]).await.unwrap();
    pull_one(&mut source)
        .await
        .dead_letter("not JSON, and so large that the reason does not fit")
        .await
        .unwrap();
    let letters = bus.dead_letters(10).await.unwrap();
    assert!(letters[0].body == body, "all {} bytes", body.len());
    assert!(letters[0].reason.starts_with("not JSON"), "{}", letters[0].reason);
}

/// Publishes a job with a header block that no client library would send.
async fn put_with_header_block(server: &Server, subject: &str, block: &[u8], body: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let mut bytes = b"CONNECT {\"verbose\":false,\"headers\":true}\r\n".to_vec();
    bytes.extend(format!("HPUB {subject} {} {}\r\n", block.len(), block.len() + body.len()).bytes());
    bytes.extend([block, body, b"\r\nPING\r\n"].concat());
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"PONG\r\n") {
        let n = within("PONG", stream.read_buf(&mut answer)).await.unwrap();
        assert!(n > 0, "{}", answer.escape_ascii());
    }
}

/// Pulls until the poisoned job is a dead letter and the good ones before and behind it are done.
async fn survive(block: &'static [u8]) {
    let server = Server::start().await;
    let bus = bus(&BusConfig {
        ack_wait_s: 1.0,
        request_timeout_s: 1.0,
        ..server.config()
    })
    .await;
    let spring = campaign("spring");
    bus.put_job(&spring, Priority::Normal, &job("before"))
        .await
        .unwrap();
    put_with_header_block(&server, "hark.job.spring.normal", block, b"poison").await;
    bus.put_job(&spring, Priority::Normal, &job("after"))
        .await
        .unwrap();

    let mut source = bus.source(&[spring]).await.unwrap();
    let mut good = std::collections::BTreeSet::new();
    let through = async {
        while good.len() < 2 || bus.job_count().await != Ok(0) {
            for delivery in source
                .pull(10, Duration::from_millis(300))
                .await
                .unwrap_or_default()
            {
                good.insert(delivery.job.as_ref().unwrap().id.to_string());
                delivery.done().await.unwrap();
            }
        }
    };
    within("the good jobs, in spite of the bad one", through).await;
    let letters = bus.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body, b"poison");
    assert!(
        letters[0].reason.contains("headers are malformed"),
        "{}",
        letters[0].reason
    );
}

#[tokio::test]
async fn a_job_whose_headers_break_the_connection_does_not_stop_the_others() {
    survive(b"NATS/1.0\r\nCustomer: \xff\r\n\r\n").await;
}

#[tokio::test]
async fn a_job_whose_headers_kill_the_client_does_not_stop_the_others() {
    survive(b"NATS/1.0\r\nCustomer: a\rb\r\n\r\n").await;
}
