//! What is left of a description the parser cannot read: the lines we act on (`m=`, `c=`, `a=`), made readable.

use std::net::IpAddr;

/// The description without what we do not need, and without what the parser would stumble over. Streams stay in their
/// order; an audio stream that cannot be read stays as it is, for the parser to name.
pub(super) fn cleaned(text: &[u8]) -> String {
    let mut clean = String::from("v=0\r\n");
    let (mut in_stream, mut addressed) = (false, false);
    for line in String::from_utf8_lossy(text).lines() {
        let line: String = line
            .chars()
            .map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' })
            .collect();
        let kept = match line.trim_start().split_once('=') {
            Some(("m", value)) => {
                in_stream = true;
                Some(stream(value))
            }
            // The session has one address, a stream may have several.
            Some(("c", value)) if in_stream || !addressed => {
                let kept = connection(value);
                addressed |= kept.is_some();
                kept
            }
            Some(("a", value)) => Some(format!("a={value}")),
            _ => None,
        };
        if let Some(kept) = kept {
            clean += &kept;
            clean += "\r\n";
        }
    }
    clean
}

fn stream(value: &str) -> String {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let port = words
        .get(1)
        .and_then(|port| port.split('/').next()?.parse::<u16>().ok());
    match (&words[..], port) {
        ([name, _, proto, formats @ ..], Some(port)) if !formats.is_empty() => {
            format!("m={name} {port} {proto} {}", formats.join(" "))
        }
        ([name, ..], _) if !name.eq_ignore_ascii_case("audio") => format!("m={name} 0 RTP/AVP 0"),
        _ => format!("m={value}"),
    }
}

fn connection(value: &str) -> Option<String> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    if let ["IN", kind @ ("IP4" | "IP6"), address, ..] = &words[..] {
        return Some(format!("c=IN {kind} {address}"));
    }
    let ip: IpAddr = words.iter().find_map(|word| word.parse().ok())?;
    Some(format!("c=IN {} {ip}", if ip.is_ipv4() { "IP4" } else { "IP6" }))
}
