//! Any text as the configuration, as an override of it, and as a section.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = hark::config::Config::parse(text, "fuzz", &hark::config::Overrides::default());
    let set = hark::config::Overrides { set: vec![text.to_owned()], ..Default::default() };
    let _ = hark::config::Config::parse("", "fuzz", &set);
    let _ = toml::from_str::<hark_bus::BusConfig>(text);
    let _ = toml::from_str::<hark_worker::WorkerConfig>(text);
    let _ = toml::from_str::<hark_carrier::CarrierConfig>(text);
    if let Ok(line) = toml::from_str::<hark_line::LineConfig>(text) {
        let _ = line.check();
    }
    if let Ok(trunk) = toml::from_str::<hark_line::TrunkConfig>(text) {
        // Closed by default, and no spelling of "everything" opens it.
        assert!(trunk.allowed_prefixes.iter().all(|p| p.to_string().bytes().any(|b| b.is_ascii_digit())));
    }
    if let Ok(campaign) = toml::from_str::<hark_worker::CampaignConfig>(text) {
        let _ = campaign.fault();
    }
});
