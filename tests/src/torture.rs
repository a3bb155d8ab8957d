//! Messages that hurt SIP stacks, read from `tests/torture/messages.txt` and sent to one.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

const MESSAGES: &str = include_str!("../torture/messages.txt");

/// How long an answer may take; where none is due, how long it is watched for.
const DUE: Duration = Duration::from_secs(2);
const WATCHED: Duration = Duration::from_millis(100);

/// What became of one message.
#[derive(Debug, Clone)]
pub struct Torture {
    /// Its name in RFC 4475.
    pub name: &'static str,
    /// Whether an answer must come.
    pub due: bool,
    /// The message was an INVITE.
    pub invite: bool,
    /// The statuses that came back.
    pub statuses: Vec<u16>,
}

/// Sends every message to `you`, one after the other, and tells what came back.
///
/// # Panics
/// When no socket can be opened at the address.
pub async fn torture(you: SocketAddr, me: SocketAddr) -> Vec<Torture> {
    let socket = UdpSocket::bind(me).await.expect("a port of this place's own");
    let mut told = Vec::new();
    for case in MESSAGES.split("\n=== ").skip(1) {
        let (head, message) = case.split_once('\n').expect("a head and a message");
        let mut head = head.split([' ', '|']);
        let name = head.next().expect("a name");
        let due = head.nth(1) == Some("answer");
        let bytes = render(message, you, me);
        socket.send_to(&bytes, you).await.expect("loopback takes it");
        let mut statuses = Vec::new();
        let mut buffer = vec![0; 65_536];
        let mut patience = if due { DUE } else { WATCHED };
        while let Ok(Ok((len, _))) = tokio::time::timeout(patience, socket.recv_from(&mut buffer)).await {
            patience = WATCHED;
            let text = String::from_utf8_lossy(&buffer[..len]);
            // Late answers and retransmissions to an earlier message are not this one's.
            if text.contains(&format!("{name}.torture")) || text.contains("bK-.!%66") {
                statuses.extend(
                    text.strip_prefix("SIP/2.0 ")
                        .and_then(|t| t.get(..3)?.parse::<u16>().ok()),
                );
            }
        }
        statuses.dedup();
        told.push(Torture {
            name,
            due,
            invite: message.starts_with("INVITE"),
            statuses,
        });
    }
    told
}

/// Fills in the addresses and the length, and writes the bytes as they go on the wire.
fn render(message: &str, you: SocketAddr, me: SocketAddr) -> Vec<u8> {
    // The file's blank lines between cases are not the messages'; what ends headers, or a body's last line, is.
    let message = message.trim_matches('\n');
    let end = if message.contains("\n\n") { "\n" } else { "\n\n" };
    let text = format!("{message}{end}")
        .replace("{me}", &me.to_string())
        .replace("{you}", &you.to_string())
        .replace("{ip}", &me.ip().to_string());
    let mut bytes = Vec::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let code = rest
            .strip_prefix("\\x")
            .and_then(|r| u8::from_str_radix(r.get(..2)?, 16).ok());
        let taken = match (c, code) {
            (_, Some(byte)) => {
                bytes.push(byte);
                4
            }
            ('\\', _) if rest.starts_with("\\\\") => {
                bytes.push(b'\\');
                2
            }
            ('\n', _) => {
                bytes.extend(b"\r\n");
                1
            }
            _ => {
                bytes.extend(c.to_string().bytes());
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    let body = find(&bytes, b"\r\n\r\n").map_or(0, |at| bytes.len() - at - 4);
    match find(&bytes, b"{len}") {
        Some(at) => [&bytes[..at], body.to_string().as_bytes(), &bytes[at + 5..]].concat(),
        None => bytes,
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|w| w == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_the_standard_is_there_and_can_be_sent() {
        let cases: Vec<_> = MESSAGES.split("\n=== ").skip(1).collect();
        assert_eq!(cases.len(), 49);
        let address = "127.0.0.1:5060".parse().expect("an address");
        for case in cases {
            let (_, message) = case.split_once('\n').expect("a head and a message");
            let bytes = render(message, address, address);
            assert!(find(&bytes, b"\r\n\r\n").is_some(), "{case}");
            assert!(
                find(&bytes, b"{").is_none_or(|_| case.starts_with("intmeth")),
                "{case}"
            );
        }
    }
}
