//! Doors for the fuzzer; see `fuzz/`.

use crate::DigestConfig;
use crate::sip::{Framer, Message, digest, read_offer};

/// Any bytes as a datagram, and as a stream that comes in two pieces.
pub fn sip(bytes: &[u8]) {
    read(bytes);
    let mut framer = Framer::default();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        framer.push(piece);
        while let Ok(Some(message)) = framer.next() {
            assert!(
                !message.is_empty(),
                "a message takes bytes away, or this goes on for ever"
            );
            read(&message);
        }
    }
}

fn read(bytes: &[u8]) {
    let _ = read_offer(bytes);
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    let _ = (
        message.method(),
        message.cseq(),
        message.call_id(),
        message.via(),
        message.branch(),
    );
    let _ = (
        message.caller_tag(),
        message.to_tag(),
        message.lists("Supported", "100rel"),
    );
    let config = DigestConfig {
        user: "a".into(),
        password: "b".into(),
        realm: "c".into(),
        proxy: false,
    };
    for value in message.headers("Authorization") {
        assert!(!digest::is_right(
            value,
            message.method(),
            &config,
            "a nonce nobody was given"
        ));
    }
}
