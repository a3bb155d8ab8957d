mod properties;

use super::*;
use crate::config::{NumberFormat, Numbering};

fn trunk() -> TrunkId {
    TrunkId::new("main").expect("valid")
}

fn number(text: &str) -> Number {
    Number::parse(text).expect("a number")
}

/// A trunk that may dial as much as a trunk can.
fn open(country: Option<&str>) -> TrunkConfig {
    TrunkConfig {
        allowed_prefixes: (0..=9)
            .flat_map(|d| [format!("+{d}"), d.to_string()])
            .map(|p| p.parse().expect("a prefix"))
            .collect(),
        caller_ids: vec![number("+861088886666")],
        numbering: Numbering {
            country: country.map(str::to_owned),
            ..Numbering::default()
        },
        ..TrunkConfig::at("carrier.example")
    }
}

fn dial(config: &TrunkConfig, to: &str) -> Result<Passed, Barred> {
    pass(&trunk(), config, &number(to), None)
}

#[test]
fn a_fresh_trunk_dials_nothing() {
    let closed = TrunkConfig {
        allowed_prefixes: vec![],
        ..open(None)
    };
    let error = dial(&closed, "+8613800138000").expect_err("closed");
    assert!(error.to_string().contains("allowed_prefixes"), "{error}");
}

#[test]
fn only_allowed_prefixes_leave() {
    let china = TrunkConfig {
        allowed_prefixes: vec!["+86".parse().expect("prefix")],
        ..open(Some("86"))
    };
    assert_eq!(
        dial(&china, "13800138000").expect("china").dialled,
        "8613800138000"
    );
    assert!(matches!(
        dial(&china, "+14155550100"),
        Err(Barred::NotAllowed { .. })
    ));
    let unknown = TrunkConfig {
        numbering: Numbering::default(),
        ..china
    };
    let error = dial(&unknown, "13800138000").expect_err("no country");
    assert!(error.to_string().contains("numbering.country"), "{error}");
}

#[test]
fn plain_prefixes_open_no_number_written_with_plus() {
    let config = |country: Option<&str>| TrunkConfig {
        allowed_prefixes: vec!["138".parse().expect("plain digits")],
        ..open(country)
    };
    assert!(dial(&config(None), "13800138000").is_ok());
    for country in [None, Some("86")] {
        let got = dial(&config(country), "+13845551234");
        assert!(
            matches!(got, Err(Barred::NotAllowed { .. })),
            "{country:?}: {got:?}"
        );
    }
}

#[test]
fn emergency_numbers_never_leave_in_any_dress() {
    let dresses = [
        "110",
        "112",
        "119",
        "120",
        "122",
        "911",
        "999",
        "000",
        "111",
        "00",
        "12",
        "+86110",
        "86110",
        "0086110",
        "010110",
        "+8610110",
        "0755110",
        "+86755119",
        "+1911",
        "+44999",
        "0119",
        "9110",
        "9911",
        "12110",
        "95110",
        "+61000",
        "+911",
        "+999",
    ];
    for config in [open(None), open(Some("86")), open(Some("1")), open(Some("44"))] {
        for text in dresses {
            // "911" as "+911…" is India's code in a long number, but alone it is what a frightened person dials.
            if text == "0755110" || text == "010110" {
                continue;
            }
            assert_eq!(
                dial(&config, text),
                Err(Barred::Emergency),
                "{text} {:?}",
                config.numbering
            );
        }
    }
    for text in ["0755110", "010110", "0755120"] {
        assert_eq!(dial(&open(Some("86")), text), Err(Barred::Emergency), "{text}");
    }
}

#[test]
fn rewriting_cannot_make_an_emergency_number() {
    for strip in 1..=12 {
        let config = TrunkConfig {
            numbering: Numbering {
                country: Some("86".into()),
                strip,
                ..Numbering::default()
            },
            ..open(Some("86"))
        };
        for to in ["+8613800000110", "+8613800000911", "+861380013112"] {
            if let Ok(passed) = dial(&config, to) {
                assert!(
                    passed.dialled.len() > 5,
                    "strip {strip} of {to} dials {}",
                    passed.dialled
                );
            }
        }
    }
    let outside = TrunkConfig {
        numbering: Numbering {
            strip: 10,
            prefix: "9".into(),
            ..Numbering::default()
        },
        ..open(None)
    };
    assert_eq!(
        dial(&outside, "+8613800001110"),
        Err(Barred::Emergency),
        "9 and then 110"
    );
    let made_premium = TrunkConfig {
        numbering: Numbering {
            strip: 2,
            prefix: "+1900".into(),
            ..Numbering::default()
        },
        ..open(None)
    };
    assert!(
        dial(&made_premium, "+865551234").is_err(),
        "the prefix makes it a premium number"
    );
}

#[test]
fn premium_numbers_never_leave_in_any_form() {
    let cases = [
        (None, "+19005551234"),
        (Some("1"), "9005551234"),
        (Some("1"), "19005551234"),
        (Some("1"), "01119005551234"),
        (None, "+19765551234"),
        (None, "+14159761234"),
        (Some("86"), "0019005551234"),
        (None, "+449098790879"),
        (Some("44"), "09098790879"),
        (Some("44"), "08712345678"),
        (None, "+448712345678"),
        (Some("86"), "96500"),
        (Some("86"), "0755168123"),
        (Some("86"), "16812345"),
        (None, "+8696500"),
        (None, "+979123456789"),
        (None, "19005551234"),
        (None, "09001234567"),
        (None, "+88216123456"),
    ];
    for (country, to) in cases {
        let got = dial(&open(country), to);
        assert!(
            matches!(got, Err(Barred::Premium { .. })),
            "{to} in {country:?}: {got:?}"
        );
    }
}

#[test]
fn ordinary_numbers_leave() {
    let cases = [
        (Some("86"), "13800138000", "8613800138000"),
        (Some("86"), "19005551234", "8619005551234"),
        (Some("86"), "13809761234", "8613809761234"),
        (Some("86"), "01088886666", "861088886666"),
        (Some("86"), "16688886666", "8616688886666"),
        (Some("1"), "4155550100", "14155550100"),
        (Some("44"), "02079460000", "442079460000"),
        (None, "+911123456789", "911123456789"),
        (None, "+4915112345678", "4915112345678"),
    ];
    for (country, to, dialled) in cases {
        assert_eq!(dial(&open(country), to).expect(to).dialled, dialled);
    }
}

#[test]
fn a_caller_id_must_be_the_trunks_own() {
    let config = open(Some("86"));
    let ask = |id: &str| pass(&trunk(), &config, &number("+8613800138000"), Some(&number(id)));
    assert_eq!(
        ask("01088886666").expect("its own, written nationally").caller_id,
        Some(number("+861088886666"))
    );
    let error = ask("+8613900000000").expect_err("somebody else's");
    assert!(matches!(error, Barred::CallerId { .. }));
    assert!(
        !error.to_string().contains("13900000000"),
        "no number in a message: {error}"
    );
}

#[test]
fn the_default_caller_id_is_the_first() {
    assert_eq!(
        dial(&open(None), "+8613800138000").expect("open").caller_id,
        Some(number("+861088886666"))
    );
    let none = TrunkConfig {
        caller_ids: vec![],
        ..open(None)
    };
    assert_eq!(dial(&none, "+8613800138000").expect("open").caller_id, None);
}

#[test]
fn zeros_and_exit_codes_hide_no_premium_number() {
    let cases = [
        (None, "+44 (0)909 879 0879"),
        (Some("86"), "+44 (0)909 879 0879"),
        (Some("44"), "+44 (0)909 879 0879"),
        (None, "+49 (0)900 123456"),
        (None, "+41 (0)900 123456"),
        (None, "+4400 1900 5551234"),
        (Some("86"), "+860019005551234"),
        (Some("81"), "01019005551234"),
        (Some("61"), "001119005551234"),
        (Some("7"), "81019005551234"),
        (Some("7"), "88095551234"),
        (None, "01119005551234"),
        (None, "01019005551234"),
        (None, "001119005551234"),
    ];
    for (country, to) in cases {
        let got = dial(&open(country), to);
        assert!(
            matches!(got, Err(Barred::Premium { .. })),
            "{to} in {country:?}: {got:?}"
        );
    }
}

#[test]
fn a_zero_after_the_own_country_code_is_refused_with_how_to_mend_it() {
    for (country, to) in [("44", "+44 (0)20 7946 0000"), ("86", "+86013800138000")] {
        let error = dial(&open(Some(country)), to).expect_err(to);
        assert!(error.to_string().contains("leave it out"), "{error}");
    }
    for (country, to) in [("39", "+390612345678"), ("225", "+2250712345678")] {
        assert!(
            dial(&open(Some(country)), to).is_ok(),
            "{to}: the zero is part of it"
        );
    }
}

#[test]
fn emergency_numbers_behind_an_exit_code_never_leave() {
    let hong_kong = TrunkConfig {
        allowed_prefixes: vec!["+852".parse().expect("prefix")],
        ..open(Some("1"))
    };
    assert_eq!(dial(&hong_kong, "011852999"), Err(Barred::Emergency));
    assert_eq!(dial(&open(Some("81")), "01086110"), Err(Barred::Emergency));
    assert_eq!(dial(&open(Some("61")), "001144999"), Err(Barred::Emergency));
}

#[test]
fn rewriting_cannot_make_a_number_of_another_country() {
    let config = |format, strip, prefix: &str| TrunkConfig {
        allowed_prefixes: vec!["+86".parse().expect("prefix"), "+44".parse().expect("prefix")],
        numbering: Numbering {
            country: Some("86".into()),
            format,
            strip,
            prefix: prefix.into(),
        },
        ..open(None)
    };
    let barred = [
        (NumberFormat::E164, 2, "", "+860014155550100"),
        (NumberFormat::National, 1, "", "+860014155550100"),
        (NumberFormat::National, 1, "", "+4414155550100"),
        (NumberFormat::E164, 2, "", "+442079460000"),
        (NumberFormat::E164, 1, "", "+8613800138000"),
        (NumberFormat::E164, 2, "00", "+8614155550100"),
    ];
    for (format, strip, prefix, to) in barred {
        let got = dial(&config(format, strip, prefix), to);
        assert!(
            matches!(got, Err(Barred::NotAllowed { .. })),
            "{format:?} {strip} {to}: {got:?}"
        );
    }
    let leaves = [
        (NumberFormat::E164, 2, "", "+8613800138000", "13800138000"),
        (NumberFormat::E164, 2, "0", "+8613800138000", "013800138000"),
        (NumberFormat::E164, 2, "9", "+8613800138000", "913800138000"),
        (NumberFormat::E164, 0, "00", "+442079460000", "00442079460000"),
        (NumberFormat::National, 1, "", "+861088886666", "1088886666"),
        (NumberFormat::National, 0, "9", "+442079460000", "900442079460000"),
        (
            NumberFormat::Plus,
            0,
            "77#",
            "+8613800138000",
            "77#+8613800138000",
        ),
    ];
    for (format, strip, prefix, to, dialled) in leaves {
        assert_eq!(
            dial(&config(format, strip, prefix), to).expect(to).dialled,
            dialled
        );
    }
    // A trunk of unknown country: zeros left in front are a way abroad, whatever they were.
    let unknown = TrunkConfig {
        numbering: Numbering {
            strip: 2,
            ..Numbering::default()
        },
        ..open(None)
    };
    assert!(dial(&unknown, "+860014155550100").is_err());
    assert_eq!(
        dial(&unknown, "+8613800138000").expect("open").dialled,
        "13800138000"
    );
}

#[test]
fn numbers_that_only_look_like_premium_ones_leave() {
    for to in [
        "+861068881234",
        "+861088161234",
        "+8613800190012",
        "+390892123456",
        "+18109791234",
    ] {
        for country in [None, Some("86"), Some("1"), Some("39")] {
            assert!(dial(&open(country), to).is_ok(), "{to} in {country:?}");
        }
    }
    for to in ["01088161234", "13800190012"] {
        assert!(dial(&open(None), to).is_ok(), "{to}");
    }
}
