//! Writing: our offer, and our answer to a peer's.

use sdp_types::{Attribute, Connection, Media, Origin, Session, Time};

use super::super::remote::{COMFORT_PT, EVENT_PT};
use super::super::{Codec, Direction};
use super::OfferParams;
use super::read::Audio;

pub(super) fn offer(ours: &OfferParams<'_>) -> String {
    let codecs = ours
        .codecs
        .iter()
        .map(|codec| (codec.payload_type(), *codec))
        .collect::<Vec<_>>();
    let mut session = session(ours);
    let stream = audio(
        ours,
        "RTP/AVP",
        &codecs,
        Some(COMFORT_PT),
        Some(EVENT_PT),
        Direction::SendRecv,
    );
    session.add_media(stream);
    text(&session)
}

/// One codec, the peer's numbers, and a refusal for every stream but the one chosen (RFC 3264 §6).
pub(super) fn answer(ours: &OfferParams<'_>, theirs: &Session, chosen: &Audio) -> String {
    let mut session = session(ours);
    for (index, media) in theirs.medias.iter().enumerate() {
        session.add_media(if index == chosen.index {
            let codec = [(chosen.remote.payload_types.send(), chosen.remote.codec)];
            let direction = chosen.remote.direction;
            audio(
                ours,
                &media.proto,
                &codec,
                chosen.comfort,
                chosen.events,
                direction,
            )
        } else {
            Media {
                port: 0,
                ..bare(&media.media, &media.proto, &media.fmt)
            }
        });
    }
    text(&session)
}

fn session(ours: &OfferParams<'_>) -> Session {
    let origin = Origin::with_ip_addr(ours.session_id, ours.version, ours.address);
    let mut session = Session::new(origin, "-");
    session.set_connection(Connection::from_ip_addr(ours.address));
    session.add_time(Time::new(0, 0));
    session
}

fn audio(
    ours: &OfferParams<'_>,
    proto: &str,
    codecs: &[(u8, Codec)],
    comfort: Option<u8>,
    events: Option<u8>,
    direction: Direction,
) -> Media {
    let mut numbers: Vec<u8> = codecs.iter().map(|(number, _)| *number).collect();
    numbers.extend(comfort);
    numbers.extend(events);
    let fmt = numbers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");

    let mut media = Media {
        port: ours.rtp_port,
        ..bare("audio", proto, &fmt)
    };
    let mut attribute = |name, value: String| media.add_attribute(Attribute::with_value(name, value));
    for (number, codec) in codecs {
        attribute("rtpmap", format!("{number} {codec}/8000"));
    }
    if let Some(number) = comfort {
        attribute("rtpmap", format!("{number} CN/8000"));
    }
    if let Some(number) = events {
        attribute("rtpmap", format!("{number} telephone-event/8000"));
        attribute("fmtp", format!("{number} 0-15"));
    }
    attribute("ptime", "20".to_owned());
    media.add_attribute(Attribute::new(direction.name()));
    media
}

fn bare(media: &str, proto: &str, fmt: &str) -> Media {
    Media {
        media: media.to_owned(),
        port: 0,
        num_ports: None,
        proto: proto.to_owned(),
        fmt: fmt.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

fn text(session: &Session) -> String {
    let mut bytes = Vec::with_capacity(512);
    session.write(&mut bytes).expect("a Vec takes every write");
    String::from_utf8(bytes).expect("every part written is a String or a number")
}
