//! `hark up`: everything on one machine, to see it work.
//!
//! A nats-server as a child, a simulated carrier with shortened ring and talk times, a worker, and a sample campaign.
//! Nothing leaves the machine: all sockets are on loopback, and the only trunk leads to the carrier.

mod board;
mod sample;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use hark_bus::{Bus, From, NatsChild, ResultStream};
use hark_carrier::{Carrier, CarrierConfig, Language, realistic_mix};
use hark_line::Line;
use hark_outcome::{CallResult, CampaignId, Priority, TrunkId, WorkerId};
use hark_worker::{CampaignConfig, Campaigns, StopSignals, Summary, Worker};

use crate::config::Config;
use crate::nats_binary;
use crate::out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Numbers in the sample campaign.
    #[arg(long, default_value_t = 200)]
    jobs: u32,
    /// Where NATS keeps its data, and results are written.
    #[arg(long, default_value = "hark-data")]
    data: PathBuf,
    /// How much the simulated network's ring and talk times are shortened; 1 = not at all.
    #[arg(long, default_value_t = 0.2)]
    time_scale: f64,
    /// Calls at once.
    #[arg(long, default_value_t = 60)]
    channels: u32,
    /// Keep everything running afterwards, until Ctrl-C, to try `hark jobs`, `hark results` and `hark call`.
    #[arg(long)]
    keep: bool,
    /// NATS's port; 0 = any free one.
    #[arg(long, default_value_t = 0)]
    nats_port: u16,
}

impl Args {
    /// Where `up` logs: the terminal is drawn on.
    pub fn log_file(&self) -> anyhow::Result<std::fs::File> {
        let path = self.data.join("hark.log");
        std::fs::create_dir_all(&self.data)
            .and_then(|()| std::fs::File::options().create(true).append(true).open(&path))
            .with_context(|| {
                format!(
                    "{} cannot be written; choose another folder with --data",
                    path.display()
                )
            })
    }
}

/// The campaign and the trunk that `up` makes.
const CAMPAIGN: &str = "demo";
const TRUNK: &str = "simulated";

/// The sound that people hear.
const MESSAGE: &str = "message.wav";

/// How long the whole campaign may take before we give up on what is missing.
const PATIENCE: Duration = Duration::from_secs(180);

pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let signals = crate::signals::watch()?;
    let began = Instant::now();
    let parts = Parts::start(&args, config, &signals).await?;
    let run = sample::run_name();
    out::line(format_args!(
        "NATS {} on {} · simulated carrier on {} (ring and talk times × {}) · worker {}",
        parts.bus.server_version(),
        parts.nats.url(),
        parts.carrier.address(),
        args.time_scale,
        parts.worker_id
    ));
    let campaign = CampaignId::new(CAMPAIGN)?;
    let results = parts.bus.results(From::New).await?;
    for job in sample::jobs(&run, args.jobs)? {
        parts.bus.put_job(&campaign, Priority::Normal, &job).await?;
    }
    out::line(format_args!(
        "campaign {CAMPAIGN}: {} numbers queued in {:.1} s",
        args.jobs,
        began.elapsed().as_secs_f64()
    ));
    let started = Instant::now();
    let collected = collect(results, &parts, &args, &run, &signals).await;
    let took = started.elapsed();
    let report = parts.carrier.report();
    let file = write_results(&args.data, &run, &collected)?;
    out::line(format_args!("\n{}", board::closing(&collected, &report, took)));
    out::line(format_args!(
        "  results   {} (one JSON object a line), and stream {} on NATS",
        file.display(),
        parts.bus.result_stream()
    ));
    out::line(format_args!(
        "  log       {}",
        args.data.join("hark.log").display()
    ));
    out::line(format_args!(
        "  again     hark up · one call: hark call +8613800000001 --simulate · why: docs/results.md"
    ));
    let missing = usize::try_from(args.jobs)
        .unwrap_or(usize::MAX)
        .saturating_sub(collected.len());
    if args.keep && !signals.drain.is_cancelled() {
        out::line(format_args!(
            "\nstill running; Ctrl-C ends it. Try: hark --set nats.url={} results --follow",
            parts.nats.url()
        ));
        signals.drain.cancelled().await;
    }
    let summary = parts.stop(&signals).await;
    if missing > 0 {
        eprintln!(
            "hark: {missing} of {} results are missing ({summary:?})",
            args.jobs
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What runs.
struct Parts {
    nats: NatsChild,
    bus: Bus,
    carrier: Carrier,
    line: Line,
    worker: Option<tokio::task::JoinHandle<Summary>>,
    worker_id: WorkerId,
}

impl Parts {
    async fn start(args: &Args, config: Config, signals: &StopSignals) -> anyhow::Result<Self> {
        let sounds = args.data.join("sounds");
        std::fs::create_dir_all(&sounds).with_context(|| {
            format!(
                "the folder {} cannot be made; choose another with --data",
                sounds.display()
            )
        })?;
        let message = hark_carrier::prompts::message(Language::Zh);
        hark_sound::wav::write(sounds.join(MESSAGE), &message)?;

        let port = (args.nats_port != 0).then_some(args.nats_port);
        let nats = NatsChild::start(&nats_binary::find()?, &args.data.join("nats"), port).await?;
        let carrier = Carrier::start(CarrierConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            time_scale: args.time_scale,
            mix: realistic_mix(&[Language::Zh, Language::En]),
            ..config.carrier
        })
        .await?;

        let mut bus_config = config.nats;
        nats.url().clone_into(&mut bus_config.url);
        let bus = Bus::connect(&bus_config, "hark-up").await?;
        let mut line_config = config.line;
        line_config.bind = [127, 0, 0, 1].into();
        let mut trunk = super::call::trunk_to(&carrier)?;
        trunk.max_channels = args.channels;
        let trunk_id = TrunkId::new(TRUNK)?;
        let line = Line::start(line_config, BTreeMap::from([(trunk_id.clone(), trunk)])).await?;
        let campaign = CampaignConfig {
            trunks: vec![trunk_id],
            play: Some(MESSAGE.to_owned()),
            ring_timeout_s: 20,
            max_call_s: 60,
            listen_s: 6.0,
            ..CampaignConfig::default()
        };
        let campaigns = Campaigns::new(BTreeMap::from([(CampaignId::new(CAMPAIGN)?, campaign)]));
        let mut worker_config = config.worker;
        worker_config.sounds = sounds;
        worker_config.max_calls = args.channels;
        let worker = Worker::new(
            bus.clone(),
            line.clone(),
            worker_config,
            campaigns,
            env!("CARGO_PKG_VERSION"),
            signals,
        )
        .await?;
        let worker_id = worker.id().clone();
        Ok(Self {
            nats,
            bus,
            carrier,
            line,
            worker: Some(tokio::spawn(worker.run())),
            worker_id,
        })
    }

    /// Drains the worker and takes everything down in order.
    async fn stop(mut self, signals: &StopSignals) -> Summary {
        signals.drain.cancel();
        let summary = match self.worker.take() {
            Some(worker) => worker.await.unwrap_or_default(),
            None => Summary::default(),
        };
        self.line.shutdown(Duration::from_secs(3)).await;
        self.carrier.shutdown().await;
        self.nats.stop().await;
        summary
    }
}

/// Reads this run's results and draws the board until all are there, or nothing more will come.
async fn collect(
    mut results: ResultStream,
    parts: &Parts,
    args: &Args,
    run: &str,
    signals: &StopSignals,
) -> Vec<CallResult> {
    let mut collected = Vec::new();
    let mut board = board::Board::new(args.jobs, std::io::stdout().is_terminal());
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let deadline = tokio::time::sleep(PATIENCE);
    tokio::pin!(deadline);
    let want = usize::try_from(args.jobs).unwrap_or(usize::MAX);
    while collected.len() < want {
        tokio::select! {
            next = results.next() => match next {
                Some(Ok(result)) if result.attempt.job.as_str().starts_with(run) => {
                    board.add(&result);
                    collected.push(result);
                }
                Some(Ok(_)) => {}
                Some(Err(e)) => eprintln!("hark: a result could not be read: {e}"),
                None => break,
            },
            _ = tick.tick() => {
                out::text(board.draw(parts.carrier.live_calls()));
                // A terminal that went away is no reason to stop.
                let _ = std::io::stdout().flush();
            }
            () = signals.drain.cancelled() => break,
            () = &mut deadline => break,
        }
    }
    out::text(board.draw(parts.carrier.live_calls()));
    collected
}

fn write_results(data: &Path, run: &str, results: &[CallResult]) -> anyhow::Result<PathBuf> {
    let file = data.join(format!("results-{run}.jsonl"));
    let mut text = String::new();
    for result in results {
        text.push_str(&serde_json::to_string(result)?);
        text.push('\n');
    }
    std::fs::write(&file, text)
        .with_context(|| format!("results could not be written to {}", file.display()))?;
    Ok(file)
}
