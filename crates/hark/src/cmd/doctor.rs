//! `hark doctor`: is everything there? Each line says what was looked at, how it is, and how to mend it.

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::ExitCode;

use hark_bus::Bus;
use hark_line::Line;
use hark_outcome::{Number, TrunkId};

use crate::config::Config;
use crate::out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the INVITE that each trunk would be sent for this number. Nothing is dialled.
    #[arg(long)]
    number: Option<Number>,
}

/// Collects findings.
#[derive(Default)]
struct Findings {
    bad: u32,
}

impl Findings {
    fn good(&self, what: &str, how: &str) {
        out::line(format_args!("  ok    {what}: {how}"));
    }

    fn note(&self, what: &str, how: &str) {
        out::line(format_args!("  note  {what}: {how}"));
    }

    fn bad(&mut self, what: &str, how: &str) {
        self.bad += 1;
        out::line(format_args!("  BAD   {what}: {how}"));
    }
}

pub async fn run(args: Args, config: Config, path: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    match &path {
        Some(path) => findings.good("configuration", &format!("{} is well-formed", path.display())),
        None => findings.note(
            "configuration",
            "no hark.toml here; defaults are used (write one, or give --config)",
        ),
    }
    nats(&config, &mut findings).await;
    ports(&config, &mut findings);
    sounds(&config, &mut findings);
    findings.good(
        "models",
        "none are needed: this version's ear listens to tones and timing only",
    );
    trunks(&args, config, &mut findings).await;
    if findings.bad == 0 {
        out::line(format_args!("all is well"));
        return Ok(ExitCode::SUCCESS);
    }
    out::line(format_args!("{} of these must be mended", findings.bad));
    Ok(ExitCode::FAILURE)
}

async fn nats(config: &Config, findings: &mut Findings) {
    let bus = match Bus::connect(&config.nats, "hark-doctor").await {
        Ok(bus) => bus,
        Err(e) => return findings.bad("NATS", &e.to_string()),
    };
    findings.good(
        "NATS",
        &format!("{} is version {}", bus.url(), bus.server_version()),
    );
    match bus.ensure().await {
        Ok(_) => findings.good("streams", "all are there and configured as asked"),
        Err(e) => findings.bad("streams", &e.to_string()),
    }
}

fn ports(config: &Config, findings: &mut Findings) {
    let range = config.line.rtp_ports;
    let bind = config.line.bind;
    let (mut taken, mut seen) = (0_u32, 0_u32);
    for port in range.even_ports().take(1000) {
        seen += 1;
        taken += u32::from(UdpSocket::bind((bind, port)).is_err());
    }
    let text = format!("{taken} of the first {seen} RTP ports of {range} on {bind} are taken");
    if taken == seen {
        findings.bad(
            "ports",
            &format!("{text}; choose another line.rtp_ports or line.bind"),
        );
    } else {
        findings.good("ports", &text);
    }
    let sip = config.line.sip_port;
    if sip != 0 && UdpSocket::bind((bind, sip)).is_err() {
        findings.bad(
            "SIP port",
            &format!("{bind}:{sip} is taken; choose another line.sip_port, or 0 for any"),
        );
    }
}

fn sounds(config: &Config, findings: &mut Findings) {
    let sounds = hark_worker::sounds::Sounds::new(config.worker.sounds.clone());
    for (id, campaign) in &config.campaign {
        let Some(play) = &campaign.play else { continue };
        match sounds.load(play) {
            #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
            Ok(sound) => findings.good(
                &format!("campaign {id}"),
                &format!("{play} is {:.1} s long", sound.len() as f64 / 8000.0),
            ),
            Err(e) => findings.bad(&format!("campaign {id}"), &e.to_string()),
        }
    }
}

async fn trunks(args: &Args, config: Config, findings: &mut Findings) {
    if config.trunk.is_empty() {
        findings.note("trunks", "none is configured; add [trunk.NAME] with its address and allowed_prefixes (see docs/trunks.md), or try `hark up`");
        return;
    }
    let names: Vec<_> = config.trunk.keys().cloned().collect();
    for (name, trunk) in &config.trunk {
        if trunk.allowed_prefixes.is_empty() {
            findings.bad(
                &format!("trunk {name}"),
                &format!("it may dial nothing; set trunk.{name}.allowed_prefixes, for example [\"+86\"]"),
            );
        }
    }
    for name in names {
        // One trunk at a time: a password that is missing for one must not hide how the others are.
        let only = std::collections::BTreeMap::from([(name.clone(), config.trunk[&name].clone())]);
        match Line::start(config.line.clone(), only).await {
            Ok(line) => trunk(args, &line, &name, findings).await,
            Err(e) => findings.bad(&format!("trunk {name}"), &e.to_string()),
        }
    }
}

async fn trunk(args: &Args, line: &Line, name: &TrunkId, findings: &mut Findings) {
    let what = format!("trunk {name}");
    match line.probe(name).await {
        Ok(r) => findings.good(
            &what,
            &format!(
                "{} answered OPTIONS with {} {} in {} ms",
                r.target,
                r.code,
                r.phrase,
                r.took.as_millis()
            ),
        ),
        Err(e) => findings.bad(&what, &e.to_string()),
    }
    if let Some(number) = &args.number {
        match line.preview_invite(name, number) {
            Ok(invite) => {
                findings.good(&what, "it would be sent (nothing was dialled):");
                for l in invite.lines() {
                    out::line(format_args!("          {l}"));
                }
            }
            Err(e) => findings.bad(&what, &e.to_string()),
        }
    }
    line.shutdown(std::time::Duration::from_secs(2)).await;
}
