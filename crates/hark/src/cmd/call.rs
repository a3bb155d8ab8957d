//! `hark call`: one call now, without NATS.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hark_line::{Line, TrunkConfig};
use hark_outcome::{Attempt, CampaignId, DialJob, EventKind, JobId, Number, Timestamp, TrunkId, WorkerId};
use hark_worker::account::Author;
use hark_worker::conduct::Plan;
use hark_worker::ears::Ears;
use hark_worker::place::{Order, Witness, place};
use hark_worker::tones::ear_for;

use crate::config::Config;
use crate::out;
use crate::show;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whom to call, for example +8613800138000.
    number: Number,
    /// Over this trunk. Default: any that may dial the number.
    #[arg(long)]
    trunk: Option<TrunkId>,
    /// Show this caller ID; the trunk must own it.
    #[arg(long)]
    caller_id: Option<Number>,
    /// A WAV file to play to a person.
    #[arg(long)]
    play: Option<PathBuf>,
    /// Seconds to let it ring.
    #[arg(long, default_value_t = 45)]
    ring: u32,
    /// Only listen: no verdict ends the call early.
    #[arg(long)]
    keep: bool,
    /// Call into a simulated carrier of our own instead of a trunk; every number is answered by somebody or something.
    #[arg(long)]
    simulate: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The name of the trunk that `--simulate` makes.
const SIMULATED: &str = "simulated";

pub async fn run(args: Args, mut config: Config) -> anyhow::Result<ExitCode> {
    let signals = crate::signals::watch()?;
    let carrier = if args.simulate {
        Some(simulate(&mut config).await?)
    } else {
        None
    };
    let ring = Duration::from_secs(u64::from(args.ring.clamp(1, 600)));
    let sound = args.play.as_ref().map(hark_sound::wav::read).transpose()?;
    let wanted = args.trunk.as_slice();
    let line = Line::start(config.line, config.trunk).await?;
    let route = line.route(&args.number, wanted, args.caller_id.as_ref())?;
    let reservation = line.reserve(&route)?;
    line.pace(&reservation, Duration::from_secs(10)).await?;

    let campaign = CampaignId::new("call").context("a constant name")?;
    let job = DialJob::new(
        JobId::new(format!("call-{:016x}", rand::random::<u64>()))?,
        args.number,
    );
    let plans: Vec<String> = reservation
        .tone_plan()
        .map(ToOwned::to_owned)
        .into_iter()
        .collect();
    let order = Order {
        attempt: Attempt::first(campaign, job.id.clone()),
        job: &job,
        taken_at: Timestamp::from(jiff::Timestamp::now()),
        reservation,
        caller_id: args.caller_id,
        ring_timeout: ring,
        max_duration: Duration::from_secs(120),
        plan: Plan {
            end_early: !args.keep,
            listen: Duration::from_secs(8),
            script: sound.is_some(),
        },
        sound: sound.map(Arc::from),
        ear: ear_for(&plans)?,
    };
    let author = Author {
        worker: WorkerId::new("call").context("a constant name")?,
        version: env!("CARGO_PKG_VERSION"),
    };
    let ears = Ears::start(1)?;
    let mut narrator = Narrator {
        quiet: args.json,
        start: std::time::Instant::now(),
    };
    let result = place(&line, &ears, &author, order, &mut narrator, &signals.drain).await;
    if args.json {
        out::line(serde_json::to_string_pretty(&result)?);
    } else {
        out::line(show::result_line(&result));
        out::text(show::evidence(&result));
    }
    line.shutdown(Duration::from_secs(5)).await;
    if let Some(carrier) = carrier {
        carrier.shutdown().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts a carrier on a free port and makes it the only trunk.
async fn simulate(config: &mut Config) -> anyhow::Result<hark_carrier::Carrier> {
    let mut settings = config.carrier.clone();
    settings.listen = ([127, 0, 0, 1], 0).into();
    if settings.mix.is_empty() {
        settings.mix = hark_carrier::realistic_mix(&[settings.language]);
    }
    let carrier = hark_carrier::Carrier::start(settings).await?;
    config.line.bind = [127, 0, 0, 1].into();
    config.trunk = BTreeMap::from([(TrunkId::new(SIMULATED)?, trunk_to(&carrier)?)]);
    Ok(carrier)
}

/// A trunk that leads to `carrier` and may dial the countries it plays.
pub fn trunk_to(carrier: &hark_carrier::Carrier) -> anyhow::Result<TrunkConfig> {
    let table = toml::toml! {
        allowed_prefixes = ["+86", "+1"]
        caller_ids = ["+861050000000"]
        max_channels = 100
        max_calls_per_second = 20.0
        simulated = true
        numbering = { format = "plus" }
        options_interval_s = 0
    };
    let mut table = table;
    table.insert("address".to_owned(), carrier.address().to_string().into());
    Ok(table.try_into()?)
}

/// Tells what happens, as it happens.
struct Narrator {
    quiet: bool,
    start: std::time::Instant,
}

impl Witness for Narrator {
    fn saw(&mut self, kind: EventKind) {
        if self.quiet {
            return;
        }
        let what = match kind {
            EventKind::Dialling { trunk } => format!("dialling over {trunk}"),
            EventKind::Ringing { code } => format!("{code}"),
            EventKind::EarlyMedia => "sound comes".to_owned(),
            EventKind::Answered => "answered".to_owned(),
            EventKind::Verdict {
                disposition,
                cause,
                grade,
                rule,
            } => format!("sounds like {disposition}/{cause} ({grade:?}, rule {rule})").to_lowercase(),
            EventKind::Playing => "playing".to_owned(),
            EventKind::Ended { .. } => "over".to_owned(),
            _ => return,
        };
        out::line(format_args!(
            "{:>7.2} s  {what}",
            self.start.elapsed().as_secs_f64()
        ));
    }
}
