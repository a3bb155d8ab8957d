//! `hark carrier`: the simulated network as a service of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use hark_carrier::Carrier;

use crate::config::Config;
use crate::out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen. Default: carrier.listen of the configuration.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Write what was seen (INVITEs per Call-ID and number) to this file at the end, as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let mut carrier = config.carrier;
    if let Some(listen) = args.listen {
        carrier.listen = listen;
    }
    let signals = crate::signals::watch()?;
    let carrier = Carrier::start(carrier).await?;
    let tls = carrier
        .tls_address()
        .map(|a| format!(", TLS on {a}"))
        .unwrap_or_default();
    out::line(format_args!(
        "simulated carrier on {} (UDP and TCP{tls}); Ctrl-C ends it",
        carrier.address()
    ));
    signals.drain.cancelled().await;
    let report = carrier.report();
    carrier.shutdown().await;
    if let Some(path) = args.report {
        std::fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("the report could not be written to {}", path.display()))?;
        out::line(format_args!("report written to {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
