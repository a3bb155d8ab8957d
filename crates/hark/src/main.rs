//! `hark`: one command, several roles.

mod cmd;

mod limits;
mod nats_binary;
mod out;
mod show;
mod signals;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use hark::config::{self, Config, Overrides};
use tracing::Level;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// Outbound-call workers that hear who answered.
#[derive(Debug, Parser)]
#[command(name = "hark", version, about, max_term_width = 100)]
struct Cli {
    /// The configuration file (TOML). Default: hark.toml in this folder, if it is there.
    #[arg(long, short, global = true, env = "HARK_CONFIG")]
    config: Option<PathBuf>,
    /// Set one key, over file and environment: --set nats.url=nats://10.0.0.5:4222
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Everything on one machine: NATS, a simulated carrier, a worker, a sample campaign of 200 numbers
    Up(cmd::up::Args),
    /// Pull jobs from NATS and place calls until told to stop (SIGTERM drains, a second one stops)
    Worker,
    /// A telephone network in a box: a SIP server that plays persons, machines, tones and announcements
    Carrier(cmd::carrier::Args),
    /// Place one call now, and print the verdict and why
    Call(cmd::call::Args),
    /// Let the ear listen to WAV files
    Classify(cmd::classify::Args),
    /// Add, import and list jobs
    Jobs(cmd::jobs::Args),
    /// Read results
    Results(cmd::results::Args),
    /// Print the JSON Schemas of jobs, results and events, or of the configuration
    Schema(cmd::schema::Args),
    /// Check NATS, trunks, ports and models, and say how to mend what is wrong
    Doctor(cmd::doctor::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("hark: {}", show::error(&e));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // Roles that need no configuration must not fail for a broken one.
    match cli.role {
        Role::Schema(args) => return cmd::schema::run(&args),
        Role::Classify(args) => return cmd::classify::run(&args),
        _ => {}
    }
    let path = cli
        .config
        .or_else(|| Some(PathBuf::from("hark.toml")).filter(|p| p.exists()));
    let config = Config::load(path.as_deref(), &Overrides::from_process(cli.set))?;
    start_log(&config.log, &cli.role)?;
    limits::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime did not start")?;
    let code = runtime.block_on(async {
        match cli.role {
            Role::Up(args) => cmd::up::run(args, config).await,
            Role::Worker => cmd::worker::run(config).await,
            Role::Carrier(args) => cmd::carrier::run(args, config).await,
            Role::Call(args) => cmd::call::run(args, config).await,
            Role::Jobs(args) => cmd::jobs::run(args, config).await,
            Role::Results(args) => cmd::results::run(args, config).await,
            Role::Doctor(args) => cmd::doctor::run(args, config, path).await,
            Role::Schema(_) | Role::Classify(_) => unreachable!("returned above"),
        }
    });
    // A stray task must not keep the process from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}

/// Services log at the configured level; one-shot commands only what went wrong; `up` draws on the terminal and logs
/// into its data folder. `RUST_LOG` overrides the level.
fn start_log(config: &config::LogConfig, role: &Role) -> anyhow::Result<()> {
    let level = match role {
        Role::Worker | Role::Carrier(_) | Role::Up(_) => config.filter.clone(),
        // Their connection is closed by themselves, which is no news.
        _ => "warn,hark_bus::state=error".to_owned(),
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .or_else(|_| tracing_subscriber::EnvFilter::try_new(&level))
        .with_context(|| {
            format!("log.filter is {level:?}; write for example \"info\" or \"warn,hark_line=debug\"")
        })?;
    // The SIP library logs whole messages, with numbers and credentials, at `info`: no setting may open that.
    let hushed = filter_fn(|m| !m.target().starts_with("rsipstack") || *m.level() <= Level::WARN);
    let text = fmt::layer();
    let layer: Box<dyn Layer<Registry> + Send + Sync> = if let Role::Up(args) = role {
        text.with_ansi(false)
            .with_writer(Arc::new(args.log_file()?))
            .boxed()
    } else if config.json {
        text.json().with_writer(std::io::stderr).boxed()
    } else {
        text.with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed()
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter.and(hushed)))
        .init();
    Ok(())
}
