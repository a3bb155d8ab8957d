//! Bytes nobody should send, through everything a datagram goes through before a call sees it: the library's parser,
//! what it derives for its tables, and our own readings.

use rsipstack::sip::SipMessage;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::SipConnection;

use super::read;

/// As the sockets and the endpoint do it.
fn swallow(bytes: &[u8]) {
    let Ok(message) = SipMessage::try_from(bytes) else {
        return;
    };
    let from = "192.0.2.1:5060".parse().expect("an address");
    let Ok(message) = SipConnection::update_msg_received(message, from, rsipstack::sip::Transport::Udp)
    else {
        return;
    };
    let _ = message.to_bytes();
    match &message {
        SipMessage::Request(request) => {
            let _ = TransactionKey::from_request(request, TransactionRole::Server);
            let _ = rsipstack::dialog::DialogId::try_from((request, TransactionRole::Server));
            let _ = read::incoming(request, 1);
        }
        SipMessage::Response(response) => {
            let _ = TransactionKey::from_response(response, TransactionRole::Client);
            let _ = rsipstack::dialog::DialogId::try_from((response, TransactionRole::Client));
            let _ = read::reply(response);
        }
    }
    let _ = SipConnection::get_destination(&message);
}

#[test]
fn mutated_messages_break_nothing() {
    let seeds: Vec<Vec<u8>> = include_str!("../../tests/torture/messages.txt")
        .split("\n=== ")
        .skip(1)
        .filter_map(|part| part.split_once('\n'))
        .map(|(_, message)| format!("{message}\n").replace('\n', "\r\n").into_bytes())
        .collect();
    let rounds: usize = std::env::var("HARK_FUZZ_ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    };
    for round in 0..rounds {
        let mut message = seeds[round % seeds.len()].clone();
        for _ in 0..=random(6) {
            if message.is_empty() {
                break;
            }
            let at = random(message.len());
            match random(5) {
                0 => message[at] = u8::try_from(random(256)).unwrap_or(0),
                1 => message.truncate(at),
                2 => drop(message.remove(at)),
                3 => message.insert(at, b";,<>\"@:=\r\n\0%[]\xc3\\"[random(16)]),
                _ => {
                    let other = &seeds[random(seeds.len())];
                    let (from, to) = (random(other.len()), random(other.len()));
                    let cut = other[from.min(to)..from.max(to).min(from.min(to) + 80)].to_vec();
                    message.splice(at..at, cut);
                }
            }
        }
        swallow(&message);
    }
}
