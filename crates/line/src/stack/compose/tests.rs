use std::sync::Arc;

use hark_outcome::{Number, TrunkId};
use tokio::sync::Notify;

use super::*;
use crate::gate;
use crate::trunk::Trunk;

fn leg(config: TrunkConfig) -> Leg {
    let id = TrunkId::new("main").expect("valid");
    let config = TrunkConfig {
        allowed_prefixes: vec!["+86".parse().expect("a prefix")],
        caller_ids: vec![Number::parse("+861088886666").expect("a number")],
        ..config
    };
    let to = Number::parse("+8613800138000").expect("a number");
    let passed = gate::pass(&id, &config, &to, None).expect("allowed");
    Leg {
        trunk: Arc::new(Trunk::new(id, config, Arc::new(Notify::new()), |_| None).expect("good")),
        passed,
    }
}

fn identity(config: TrunkConfig) -> Identity {
    Identity::new(&leg(config), "c@line".into(), "us".into(), "line.example")
}

const HERE: Here<'_> = Here {
    transport: Transport::Udp,
    via: "10.0.0.1:5060",
    contact: "10.0.0.1:5060",
};

fn invite(config: TrunkConfig) -> String {
    let parts = InviteParts {
        cseq: 1,
        branch: "z9hG4bKx",
        reliable: config.reliable_provisional,
        session: config.session_expires_s,
        min_se: None,
        authorization: None,
        sdp: "v=0\r\n",
    };
    identity(config).invite(HERE, parts)
}

#[test]
fn an_invite_has_what_a_trunk_needs_and_parses() {
    let text = invite(TrunkConfig::at("carrier.example:5080"));
    for line in [
        "INVITE sip:8613800138000@carrier.example:5080 SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport",
        "From: <sip:861088886666@line.example>;tag=us",
        "To: <sip:8613800138000@carrier.example:5080>",
        "Call-ID: c@line",
        "CSeq: 1 INVITE",
        "Contact: <sip:861088886666@10.0.0.1:5060>",
        "Supported: timer",
        "Content-Length: 5",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    assert!(
        !text.contains("P-Asserted-Identity")
            && !text.contains("100rel")
            && !text.contains("Session-Expires")
    );
    let request = rsipstack::sip::Request::try_from(text.as_str()).expect("parses");
    assert_eq!(request.body, b"v=0\r\n");
}

#[test]
fn identity_and_privacy_are_as_configured() {
    let text = invite(TrunkConfig {
        asserted_identity: true,
        privacy: true,
        reliable_provisional: true,
        session_expires_s: Some(1800),
        from_user: Some("account".into()),
        ..TrunkConfig::at("carrier.example")
    });
    for line in [
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=us",
        "P-Asserted-Identity: <sip:+861088886666@line.example>",
        "Privacy: id",
        "Supported: timer, 100rel",
        "Session-Expires: 1800",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    assert!(
        !text.contains("Contact: <sip:861088886666@"),
        "privacy hides the number in Contact too\n{text}"
    );
    let account = invite(TrunkConfig {
        from_user: Some("acc@realm".into()),
        ..TrunkConfig::at("c.example")
    });
    assert!(
        account.contains("From: <sip:acc%40realm@line.example>"),
        "{account}"
    );
}

#[test]
fn loose_routes_stand_in_order_and_strict_ones_take_the_request_uri() {
    let us = identity(TrunkConfig::at("carrier.example"));
    let dialog = InDialog {
        cseq: 2,
        tag: "them".into(),
        target: Some("sip:bob@10.0.0.9:5070".into()),
        routes: vec!["sip:p1;lr".into(), "sip:p2;lr".into()],
        challenge: None,
    };
    let text = us.in_dialog(
        "BYE",
        &dialog,
        HERE,
        Parts {
            branch: "z9hG4bKy",
            ..Parts::default()
        },
    );
    assert!(
        text.starts_with("BYE sip:bob@10.0.0.9:5070 SIP/2.0\r\n"),
        "{text}"
    );
    assert!(
        text.contains("Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"),
        "{text}"
    );
    assert!(
        text.contains("To: <sip:8613800138000@carrier.example>;tag=them\r\n"),
        "{text}"
    );
    let strict = InDialog {
        routes: vec!["sip:old".into(), "sip:p2;lr".into()],
        ..dialog
    };
    let text = us.in_dialog(
        "BYE",
        &strict,
        HERE,
        Parts {
            branch: "z9hG4bKy",
            ..Parts::default()
        },
    );
    assert!(text.starts_with("BYE sip:old SIP/2.0\r\n"), "{text}");
    assert!(
        text.contains("Route: <sip:p2;lr>\r\nRoute: <sip:bob@10.0.0.9:5070>\r\n"),
        "{text}"
    );
}

#[test]
fn without_a_contact_the_invites_target_is_used() {
    let us = identity(TrunkConfig {
        transport: Transport::Tcp,
        ..TrunkConfig::at("carrier.example")
    });
    let dialog = InDialog {
        cseq: 1,
        tag: "t".into(),
        target: None,
        routes: vec![],
        challenge: None,
    };
    let text = us.in_dialog(
        "ACK",
        &dialog,
        HERE,
        Parts {
            branch: "z9hG4bKy",
            ..Parts::default()
        },
    );
    assert!(
        text.starts_with("ACK sip:8613800138000@carrier.example;transport=tcp SIP/2.0\r\n"),
        "{text}"
    );
}

#[test]
fn cancel_is_the_invites_twin() {
    let us = identity(TrunkConfig::at("carrier.example"));
    let text = us.cancel(HERE, 7, "z9hG4bKx");
    assert!(
        text.contains("branch=z9hG4bKx;") && text.contains("CSeq: 7 CANCEL\r\n"),
        "{text}"
    );
    assert!(
        text.contains("To: <sip:8613800138000@carrier.example>\r\n"),
        "no tag: {text}"
    );
}
