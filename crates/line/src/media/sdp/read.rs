//! Reading: the first audio stream a peer describes that we can talk to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp_types::{Media, Session};

use super::super::remote::{COMFORT_PT, EVENT_PT};
use super::super::{Codec, Direction, Payload, PayloadTypes, Remote};
use super::clean::cleaned;
use super::error::{At, SdpError, SdpFault, unreadable};

/// An audio stream of a description, understood.
pub(super) struct Audio {
    /// Which `m=` line it is.
    pub(super) index: usize,
    /// The peer in it.
    pub(super) remote: Remote,
    /// The number it gave comfort noise, if it listed any.
    pub(super) comfort: Option<u8>,
    /// The number it gave telephone events, if it listed any.
    pub(super) events: Option<u8>,
}

/// The description as its parser has it; of a faulty one, what matters to us.
pub(super) fn description(text: &[u8]) -> Result<Session, SdpError> {
    Session::parse(text).or_else(|error| {
        Session::parse(cleaned(text).as_bytes())
            .ok()
            .filter(|theirs| theirs.medias.iter().any(is_audio))
            .ok_or_else(|| unreadable(text, &error))
    })
}

/// The first audio stream that is switched on, speaks plain RTP and one of our codecs; else why the first one fails.
pub(super) fn audio(theirs: &Session, text: &[u8], ours: &[Codec]) -> Result<Audio, SdpError> {
    let mut first_refusal = None;
    for (index, media) in theirs.medias.iter().enumerate().filter(|(_, m)| is_audio(m)) {
        match stream(theirs, media, index, text, ours) {
            Ok(audio) => return Ok(audio),
            Err(error) => _ = first_refusal.get_or_insert(error),
        }
    }
    Err(first_refusal.unwrap_or_else(|| SdpError {
        at: At::end(text),
        fault: SdpFault::NoAudio,
    }))
}

fn is_audio(media: &Media) -> bool {
    media.media.eq_ignore_ascii_case("audio")
}

fn stream(
    theirs: &Session,
    media: &Media,
    index: usize,
    text: &[u8],
    ours: &[Codec],
) -> Result<Audio, SdpError> {
    let on_media_line = |fault| SdpError {
        at: At::media(text, index),
        fault,
    };
    if media.port == 0 {
        return Err(on_media_line(SdpFault::Refused));
    }
    if !["RTP/AVP", "RTP/AVPF"]
        .iter()
        .any(|spoken| media.proto.eq_ignore_ascii_case(spoken))
    {
        return Err(on_media_line(SdpFault::Transport(media.proto.clone())));
    }

    let formats: Vec<(u8, Payload)> = formats(media).collect();
    let spoken = formats.iter().find_map(|(number, payload)| match payload {
        Payload::Audio(codec) if ours.contains(codec) => Some((*number, *codec)),
        _ => None,
    });
    let Some((number, codec)) = spoken else {
        let names: Vec<&str> = ours.iter().map(|codec| codec.name()).collect();
        return Err(on_media_line(SdpFault::NoCommonCodec(names.join(", "))));
    };

    let mut payload_types = PayloadTypes::new(number);
    for (number, payload) in &formats {
        payload_types.learn(*number, *payload);
    }
    // A peer may send events under the number we offered or under the one it answered: both are met.
    payload_types.learn(EVENT_PT, Payload::Event);

    let known = address(theirs, media, index, text)?;
    let ip = known.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let held = known.is_some_and(|ip| ip.is_unspecified());
    let listed = |wanted| {
        formats
            .iter()
            .find(|(_, payload)| *payload == wanted)
            .map(|(number, _)| *number)
    };
    Ok(Audio {
        index,
        comfort: listed(Payload::Comfort),
        events: listed(Payload::Event),
        remote: Remote {
            rtp: SocketAddr::new(ip, media.port),
            rtcp: rtcp(media, ip),
            codec,
            payload_types,
            ptime: attribute(media, "ptime").and_then(|value| value.trim().parse().ok()),
            direction: direction(theirs, media, held),
        },
    })
}

/// The numbers on the `m=` line that we understand, in its order.
fn formats(media: &Media) -> impl Iterator<Item = (u8, Payload)> {
    let numbers = media
        .fmt
        .split_ascii_whitespace()
        .filter_map(|number| number.parse::<u8>().ok());
    numbers.filter_map(|number| Some((number, meaning(media, number)?)))
}

fn meaning(media: &Media, number: u8) -> Option<Payload> {
    match number {
        0 => return Some(Payload::Audio(Codec::Pcmu)),
        8 => return Some(Payload::Audio(Codec::Pcma)),
        COMFORT_PT => return Some(Payload::Comfort),
        96..=127 => {}
        _ => return None,
    }
    let mapped = attributes(media, "rtpmap").find_map(|value| {
        let (mapped, name) = value.trim().split_once([' ', '\t'])?;
        (mapped.parse() == Ok(number)).then(|| name.trim())
    })?;
    let mut parts = mapped.split('/');
    let (name, rate) = (parts.next()?, parts.next().unwrap_or("8000"));
    if rate.trim() != "8000" || parts.next().is_some_and(|channels| channels != "1") {
        return None;
    }
    match name {
        _ if name.eq_ignore_ascii_case("telephone-event") => Some(Payload::Event),
        _ if name.eq_ignore_ascii_case("CN") => Some(Payload::Comfort),
        _ => name.parse().ok().map(Payload::Audio),
    }
}

/// Where the peer is; `None` where it gives a name, or nothing: its packets will tell.
fn address(theirs: &Session, media: &Media, index: usize, text: &[u8]) -> Result<Option<IpAddr>, SdpError> {
    let connection = media.connections.first().or(theirs.connection.as_ref());
    let Some((connection, ip)) = connection.and_then(|c| Some((c, c.try_address().ok()?.ip))) else {
        return Ok(None);
    };
    if ip.is_multicast() {
        return Err(SdpError {
            at: At::governing(text, index, b"c="),
            fault: SdpFault::Multicast(connection.connection_address.clone()),
        });
    }
    Ok(Some(ip))
}

/// Where RTCP goes if not to the next port: `a=rtcp:PORT [IN IP4 ADDRESS]`, RFC 3605. What cannot be read is ignored:
/// no call is worth a report.
fn rtcp(media: &Media, rtp: IpAddr) -> Option<SocketAddr> {
    let mut words = attribute(media, "rtcp")?.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    let ip = words.nth(2).map_or(Some(rtp), |ip| ip.parse().ok())?;
    Some(SocketAddr::new(ip, port))
}

/// Ours: the mirror of what the peer wrote, less sending if it is held (by the address 0.0.0.0, as RFC 2543 had it).
fn direction(theirs: &Session, media: &Media, held: bool) -> Direction {
    const ALL: [Direction; 4] = [
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ];
    let named = |has: &dyn Fn(&str) -> bool| ALL.into_iter().find(|direction| has(direction.name()));
    let written = named(&|name| media.has_attribute(name))
        .or_else(|| named(&|name| theirs.has_attribute(name)))
        .unwrap_or(Direction::SendRecv);
    match written.reversed() {
        Direction::SendRecv if held => Direction::RecvOnly,
        Direction::SendOnly if held => Direction::Inactive,
        ours => ours,
    }
}

fn attribute<'a>(media: &'a Media, name: &'a str) -> Option<&'a str> {
    attributes(media, name).next()
}

fn attributes<'a>(media: &'a Media, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = media
        .attributes
        .iter()
        .filter(move |a| a.attribute.eq_ignore_ascii_case(name));
    named.filter_map(|a| a.value.as_deref())
}
