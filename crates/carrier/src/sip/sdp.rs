//! The little of SDP a carrier needs: where to send which codec, and an answer.

use std::net::{IpAddr, SocketAddr};

use crate::Codec;

/// What a caller offered for audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Where it wants RTP; `None` when held with port 0 or an unusable address.
    pub rtp: Option<SocketAddr>,
    /// Codecs of ours it offers, in its order.
    pub codecs: Vec<Codec>,
    /// Payload type of telephone-event.
    pub dtmf: Option<u8>,
    /// Whether it offers comfort noise.
    pub comfort: bool,
    /// sendrecv, sendonly, recvonly or inactive.
    pub direction: Direction,
}

/// Which way media flows, from the writer's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    fn read(line: &str) -> Option<Self> {
        Some(match line {
            "a=sendrecv" => Self::SendRecv,
            "a=sendonly" => Self::SendOnly,
            "a=recvonly" => Self::RecvOnly,
            "a=inactive" => Self::Inactive,
            _ => return None,
        })
    }
}

/// Reads the first audio stream of an offer; `None` when there is none.
pub(crate) fn read_offer(body: &[u8]) -> Option<Offer> {
    let text = std::str::from_utf8(body).ok()?;
    let mut address: Option<IpAddr> = None;
    let mut direction = Direction::SendRecv;
    let mut audio: Option<(u16, Vec<u8>)> = None;
    let (mut in_audio, mut dtmf) = (false, None);
    for line in text.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            in_audio = audio.is_none() && media.starts_with("audio ");
            if in_audio {
                let mut words = media.split_ascii_whitespace().skip(1);
                let port = words.next()?.split('/').next()?.parse().ok()?;
                audio = Some((port, words.skip(1).filter_map(|w| w.parse().ok()).collect()));
            }
            continue;
        }
        if audio.is_some() && !in_audio {
            continue; // another stream's lines
        }
        if let Some(c) = line
            .strip_prefix("c=IN IP4 ")
            .or_else(|| line.strip_prefix("c=IN IP6 "))
        {
            address = c.split('/').next()?.trim().parse().ok();
        } else if let Some(d) = Direction::read(line) {
            direction = d;
        } else if let Some(map) = line.strip_prefix("a=rtpmap:")
            && let Some((pt, name)) = map.split_once(' ')
            && name.to_ascii_lowercase().starts_with("telephone-event/8000")
        {
            dtmf = pt.parse().ok();
        }
    }
    let (port, types) = audio?;
    let codecs = types
        .iter()
        .filter_map(|pt| match pt {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            _ => None,
        })
        .collect();
    let rtp = address
        .filter(|a| port != 0 && !a.is_unspecified())
        .map(|a| SocketAddr::new(a, port));
    Some(Offer {
        rtp,
        codecs,
        dtmf,
        comfort: types.contains(&13),
        direction,
    })
}

/// Writes a description of our side: codec (none = only G.729, which nobody here speaks), DTMF, comfort noise.
pub(crate) fn answer(
    at: SocketAddr,
    session: u64,
    codecs: &[Codec],
    dtmf: Option<u8>,
    comfort: bool,
    direction: &str,
) -> String {
    use std::fmt::Write as _;
    let ip = at.ip();
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let mut types = Vec::new();
    let mut maps = String::new();
    for codec in codecs {
        let (pt, name) = match codec {
            Codec::Pcmu => (0, "PCMU"),
            Codec::Pcma => (8, "PCMA"),
        };
        types.push(pt.to_string());
        let _ = write!(maps, "a=rtpmap:{pt} {name}/8000\r\n");
    }
    if codecs.is_empty() {
        types.push("18".into());
        maps.push_str("a=rtpmap:18 G729/8000\r\n");
    }
    if comfort {
        types.push("13".into());
        maps.push_str("a=rtpmap:13 CN/8000\r\n");
    }
    if let Some(pt) = dtmf {
        types.push(pt.to_string());
        let _ = write!(maps, "a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-15\r\n");
    }
    format!(
        "v=0\r\no=carrier {session} 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {} RTP/AVP {}\r\n{maps}a=ptime:20\r\na={direction}\r\n",
        at.port(),
        types.join(" ")
    )
}

/// The direction that answers one (RFC 3264 §6.1).
pub(crate) const fn direction_answer(offered: Direction) -> &'static str {
    match offered {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "recvonly",
        Direction::RecvOnly => "sendonly",
        Direction::Inactive => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_offer_is_read_and_our_own_description_too() {
        let body = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
            m=audio 4000 RTP/AVP 9 8 0 101\r\nc=IN IP4 127.0.0.1\r\na=rtpmap:101 telephone-event/8000\r\n\
            a=sendonly\r\nm=video 5000 RTP/AVP 96\r\nc=IN IP4 192.0.2.9\r\na=inactive\r\n";
        let offer = read_offer(body.as_bytes()).expect("audio");
        assert_eq!(offer.rtp, "127.0.0.1:4000".parse().ok());
        assert_eq!(offer.codecs, [Codec::Pcma, Codec::Pcmu]);
        assert_eq!(
            (offer.dtmf, offer.comfort, offer.direction),
            (Some(101), false, Direction::SendOnly)
        );

        let at = "127.0.0.1:10000".parse().expect("an address");
        let ours = answer(at, 1, &[Codec::Pcma], Some(101), true, "sendrecv");
        let read = read_offer(ours.as_bytes()).expect("audio");
        assert_eq!(
            (read.rtp, read.codecs, read.comfort),
            (Some(at), vec![Codec::Pcma], true)
        );
    }

    #[test]
    fn a_port_of_zero_is_nowhere_to_send() {
        let offer = read_offer(b"v=0\nc=IN IP4 127.0.0.1\nm=audio 0 RTP/AVP 0\n").expect("audio");
        assert_eq!(offer.rtp, None);
        assert_eq!(read_offer(b"v=0\nm=video 1 RTP/AVP 0\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_offer(&bytes);
        }

        #[test]
        fn no_lines_make_it_panic(lines in "((m=audio|c=IN IP4|a=rtpmap:|a=)[ 0-9a-z/.:]{0,20}\r\n){0,8}") {
            let _ = read_offer(lines.as_bytes());
        }
    }
}
