//! What each main behaviour says on the wire, to a phone by raw UDP socket.

mod phone;

use std::time::Duration;

use hark_carrier::behaviour::{Announcement, NoAnswer, Person, Refuse, Ringback, Silence, SilenceKind, Tone};
use hark_carrier::{Behaviour, CarrierConfig, DigestConfig, Fault, NumberRule, PeerFault, Side};
use hark_outcome::Cause;
use hark_sound::g711;
use phone::{Phone, Wire, carrier, carrier_with, eventually};

fn person() -> Behaviour {
    Behaviour::Person(Person {
        answer_after_s: 1.0,
        ..Person::default()
    })
}

async fn refusal(behave: Behaviour) -> (Wire, hark_carrier::CallSeen) {
    let carrier = carrier(behave).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    let last = loop {
        let wire = phone.next().await;
        if wire.code() >= 200 {
            break wire;
        }
    };
    phone.ack(&last).await;
    eventually("the ACK is seen", || {
        carrier
            .report()
            .call(&phone.call_id)
            .is_some_and(|c| c.acked.is_some())
    })
    .await;
    assert_eq!(carrier.live_calls(), 0);
    let report = carrier.report();
    carrier.shutdown().await;
    assert_eq!(
        report.faults().count(),
        0,
        "{:?}",
        report.faults().collect::<Vec<_>>()
    );
    (last, report.calls[0].clone())
}

#[tokio::test]
async fn a_person_rings_answers_speaks_and_takes_our_bye() {
    let carrier = carrier(person()).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    assert_eq!(phone.next().await.code(), 100);
    assert_eq!(phone.next().await.code(), 180);
    let ok = phone.until(200).await;
    phone.ack(&ok).await;
    assert!(ok.rtp().is_some() && ok.header("Contact").is_some());

    let packets = phone.packets(Duration::from_millis(2_500)).await;
    assert!(
        (100..=160).contains(&packets.len()),
        "50 a second, got {} in 2.5 s",
        packets.len()
    );
    let loud = packets
        .iter()
        .filter(|(_, pt, p)| *pt == 0 && level(p) > -35.0)
        .count();
    assert!(
        (15..90).contains(&loud),
        "a hello of 0.3 to 1.8 s, got {loud} loud packets"
    );

    phone.bye(&ok).await;
    assert_eq!(phone.until(200).await.header("CSeq"), Some("2 BYE"));
    let report = carrier.report();
    let call = report.call(&phone.call_id).expect("seen");
    assert_eq!(
        (call.invites, call.retransmissions, call.byed_by),
        (1, 0, Some(Side::Caller))
    );
    assert_eq!(
        (call.dialogs.answered, call.dialogs.acked, call.dialogs.ended),
        (1, 1, 1)
    );
    assert_eq!(call.truth, [Cause::Person]);
    assert!(call.would_have_lasted > call.lasted, "ringing was shortened");
    assert_eq!(
        (report.live_calls, report.peak_calls, report.faults().count()),
        (0, 1, 0)
    );
    assert_eq!(report.numbers[phone::NUMBER], 1);
}

#[tokio::test]
async fn a_refusal_has_its_code_and_its_reason() {
    for (behave, code, q850) in [
        (Behaviour::Busy(Refuse::default()), 486, 17),
        (
            Behaviour::Reject(Refuse {
                ringing: true,
                ..Refuse::default()
            }),
            603,
            21,
        ),
        (Behaviour::NotFound(Refuse::default()), 404, 1),
        (Behaviour::Unavailable(Refuse::default()), 503, 34),
    ] {
        let (wire, call) = refusal(behave).await;
        assert_eq!(wire.code(), code);
        assert_eq!(
            wire.header("Reason"),
            Some(format!("Q.850;cause={q850}").as_str())
        );
        assert_eq!((call.final_code, call.answered), (Some(code), None));
    }
    let (wire, _) = refusal(Behaviour::Redirect(hark_carrier::behaviour::Redirect::default())).await;
    assert!(wire.code() == 302 && wire.header("Contact").is_some_and(|c| c.contains("19005550100")));
}

#[tokio::test]
async fn a_cancel_is_answered_and_ends_the_invite_by_487() {
    let carrier = carrier(Behaviour::NoAnswer(NoAnswer {
        rings_s: None,
        ..NoAnswer::default()
    }))
    .await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    phone.until(180).await;
    assert_eq!(carrier.live_calls(), 1);
    phone.cancel().await;
    assert_eq!(phone.until(200).await.header("CSeq"), Some("1 CANCEL"));
    let end = phone.until(487).await;
    phone.ack(&end).await;
    eventually("the ACK is seen", || carrier.report().calls[0].acked.is_some()).await;
    let call = carrier.report().calls[0].clone();
    assert!(call.cancelled.is_some() && call.final_code == Some(487));
    assert_eq!(call.would_have_ended_after, None);
    assert_eq!(carrier.live_calls(), 0);
}

#[tokio::test]
async fn a_busy_tone_sounds_in_its_real_cadence_and_ends_in_486() {
    let tone = Tone {
        lasts_s: 14.0,
        ..Tone::default()
    };
    let carrier = carrier(Behaviour::BusyTone(tone)).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    assert!(phone.until(183).await.rtp().is_some());
    let packets = phone.packets(Duration::from_millis(3_500)).await;
    let on: Vec<bool> = packets.iter().map(|(_, _, p)| level(p) > -20.0).collect();
    // 350 ms on, 350 ms off, in packets of 20 ms: runs of 17 or 18.
    let mut runs: Vec<usize> = on.chunk_by(|a, b| a == b).map(<[bool]>::len).collect();
    runs.pop();
    assert!(
        runs.len() >= 8 && runs.iter().skip(1).all(|n| (17..=18).contains(n)),
        "{runs:?}"
    );
    let end = phone.until(486).await;
    phone.ack(&end).await;
    let call = carrier.report().calls[0].clone();
    assert!(
        call.lasted < Duration::from_millis(5_600),
        "4 s kept, 10 s scaled to 1: {:?}",
        call.lasted
    );
    assert!(
        call.would_have_lasted > Duration::from_secs(14),
        "{:?}",
        call.would_have_lasted
    );
    assert!(call.would_have_ended_after >= Some(Duration::from_secs(14)));
}

#[tokio::test]
async fn an_announcement_speaks_before_any_answer_and_says_what_a_cancel_saves() {
    let said = Announcement {
        cause: Cause::PoweredOff,
        delay_s: Some(0.3),
        ..Announcement::default()
    };
    let carrier = carrier(Behaviour::Announcement(said)).await;
    let mut phone = Phone::new(&carrier).await;
    phone.codecs = "8 0";
    phone.invite().await;
    let progress = phone.until(183).await;
    assert!(progress.sdp().contains("RTP/AVP 8"), "the caller's order decides");
    let packets = phone.packets(Duration::from_secs(2)).await;
    assert!(packets.iter().all(|(_, pt, _)| *pt == 8));
    phone.cancel().await;
    phone.until(200).await;
    let end = phone.until(487).await;
    phone.ack(&end).await;
    let call = carrier.report().calls[0].clone();
    assert_eq!(call.truth, [Cause::PoweredOff]);
    let saved = call.would_have_ended_after.expect("it ends by itself") - call.would_have_lasted;
    assert!(saved > Duration::from_secs(8), "{saved:?}");
}

#[tokio::test]
async fn silence_is_of_four_kinds() {
    for (sends, packets, types) in [
        (SilenceKind::NoMedia, 0..=0, None),
        (SilenceKind::Digital, 40..=60, Some(0)),
        (SilenceKind::Noise, 40..=60, Some(0)),
        (SilenceKind::ComfortNoise, 4..=7, Some(13)),
    ] {
        let silence = Silence {
            answer_after_s: 0.5,
            sends,
            ..Silence::default()
        };
        let carrier = carrier(Behaviour::Silence(silence)).await;
        let mut phone = Phone::new(&carrier).await;
        phone.invite().await;
        let ok = phone.until(200).await;
        phone.ack(&ok).await;
        let got = phone.packets(Duration::from_secs(1)).await;
        assert!(packets.contains(&got.len()), "{sends:?}: {} packets", got.len());
        assert!(got.iter().all(|(_, pt, _)| Some(*pt) == types), "{sends:?}");
        phone.bye(&ok).await;
        phone.until(200).await;
    }
}

#[tokio::test]
async fn a_person_spoken_to_talks_back_and_the_voice_is_counted() {
    let rule = NumberRule::new("*", person());
    let config = CarrierConfig {
        time_scale: 0.1,
        record_s: 10.0,
        ..CarrierConfig::on_loopback(vec![rule])
    };
    let carrier = carrier_with(config).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    let ok = phone.until(200).await;
    phone.ack(&ok).await;
    let to = ok.rtp().expect("SDP");
    phone.packets(Duration::from_secs(3)).await; // the hello
    let loud: Vec<u8> = (0..160)
        .map(|n| g711::ulaw_encode(((n as f32 * 0.7).sin() * 6000.0) as i16))
        .collect();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for n in 0..50u16 {
        pace.tick().await;
        let [hi, lo] = n.to_be_bytes();
        let packet = [&[0x80, 0, hi, lo, 0, 0, 0, 0, 0, 0, 0, 1], &loud[..]].concat();
        phone.rtp.send_to(&packet, to).await.expect("loopback");
    }
    let after = phone.packets(Duration::from_secs(3)).await;
    let reply = after
        .iter()
        .filter(|(at, _, p)| *at > Duration::from_millis(600) && level(p) > -35.0)
        .count();
    assert!(reply > 15, "{reply} loud packets after we spoke");
    let call = carrier.report().calls[0].clone();
    assert!(
        (900..=1_000).contains(&call.voice_ms) && call.rtp_received >= 45,
        "{call:?}"
    );
    assert!(
        carrier
            .recording(&phone.call_id)
            .is_some_and(|s| s.len() >= 45 * 160)
    );
    let bye = phone.until_request("BYE").await;
    phone.ok(&bye, "").await;
    eventually("no call is left", || carrier.live_calls() == 0).await;
    assert_eq!(carrier.report().calls[0].byed_by, Some(Side::Carrier));
}

#[tokio::test]
async fn credentials_are_demanded_and_the_retry_counts_once() {
    let digest = DigestConfig {
        user: "u".into(),
        password: "p".into(),
        realm: "r".into(),
        proxy: true,
    };
    let config = CarrierConfig {
        digest: Some(digest),
        time_scale: 0.1,
        ..CarrierConfig::on_loopback(vec![NumberRule::new("*", Behaviour::Busy(Refuse::default()))])
    };
    let carrier = carrier_with(config).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    let challenge = phone.until(407).await;
    phone.ack(&challenge).await;
    phone.cseq = 2;
    phone.extra = "Proxy-Authorization: Digest username=\"u\", realm=\"r\", nonce=\"x\", uri=\"sip:a\", response=\"0\"\r\n".into();
    phone.invite().await;
    let again = phone.until(407).await;
    phone.ack(&again).await;
    eventually("the wrong answer is noted", || {
        carrier
            .report()
            .faults()
            .any(|(_, f)| f.what == PeerFault::WrongCredentials)
    })
    .await;
    let call = carrier.report().calls[0].clone();
    assert_eq!((call.invites, call.challenged), (0, 2));
    assert!(carrier.report().numbers.is_empty(), "nothing was dialled");
}

#[tokio::test]
async fn a_challenge_that_takes_anything_is_passed_by_the_retry() {
    let carrier = carrier(Behaviour::faulty(Fault::Challenge)).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    let challenge = phone.until(407).await;
    phone.ack(&challenge).await;
    phone.cseq = 2;
    phone.extra = "Proxy-Authorization: Digest username=\"u\"\r\n".into();
    phone.invite().await;
    let ok = phone.until(200).await;
    phone.ack(&ok).await;
    phone.bye(&ok).await;
    phone.until(200).await;
    let call = carrier.report().calls[0].clone();
    assert_eq!((call.invites, call.challenged), (1, 1));
    assert!(call.faults.is_empty(), "{:?}", call.faults);
}

#[tokio::test]
async fn ringback_and_music_come_as_early_media() {
    for ringback in [Ringback::Tone, Ringback::Music] {
        let behave = Behaviour::NoAnswer(NoAnswer {
            ringback,
            ..NoAnswer::default()
        });
        let carrier = carrier(behave).await;
        let mut phone = Phone::new(&carrier).await;
        phone.invite().await;
        phone.until(183).await;
        let packets = phone.packets(Duration::from_millis(900)).await;
        let loud = packets.iter().filter(|(_, _, p)| level(p) > -30.0).count();
        assert!(loud >= 35, "{ringback:?}: {loud} of {}", packets.len());
        phone.cancel().await;
        phone.until(200).await;
        let end = phone.until(487).await;
        phone.ack(&end).await;
    }
}

#[tokio::test]
async fn requests_outside_any_call_are_answered_and_noted() {
    let carrier = carrier(person()).await;
    let mut phone = Phone::new(&carrier).await;
    phone.branch = "z9hG4bK1".into();
    let to = "<sip:x@test>;tag=nobody";
    phone.send(&phone.text("BYE", to, "z9hG4bK2", 1, "")).await;
    assert_eq!(phone.next().await.code(), 481);
    phone
        .send(&phone.text("OPTIONS", "<sip:x@test>", "z9hG4bK3", 1, ""))
        .await;
    assert_eq!(phone.next().await.code(), 200);
    phone.cancel().await;
    assert_eq!(phone.next().await.code(), 481);
    phone.send("what is this\r\n\r\n").await;
    eventually("the nonsense is counted", || carrier.report().malformed == 1).await;
    let report = carrier.report();
    let strays: Vec<_> = report.strays.iter().map(|f| f.what).collect();
    assert_eq!(
        strays,
        [PeerFault::ByeOutsideDialog, PeerFault::CancelOutsideTransaction]
    );
    assert_eq!(report.options, 1);

    carrier.mute(true);
    phone
        .send(&phone.text("OPTIONS", "<sip:x@test>", "z9hG4bK4", 2, ""))
        .await;
    assert!(
        phone.next_within(Duration::from_millis(300)).await.is_none(),
        "a dead trunk says nothing"
    );
}

/// Level of a packet in dBm0, whichever law it is in (their levels differ by less than it matters here).
fn level(payload: &[u8]) -> f32 {
    let mut samples = vec![0; payload.len()];
    g711::ulaw_decode_slice(payload, &mut samples);
    hark_sound::tone::dbm0_of_samples(&samples)
}
