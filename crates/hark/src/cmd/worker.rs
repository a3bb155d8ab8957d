//! `hark worker`: the service.

use std::process::ExitCode;
use std::time::Duration;

use hark_bus::Bus;
use hark_line::Line;
use hark_worker::{Campaigns, Worker};

use crate::config::Config;
use crate::signals;

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    // Such a worker could only bury every job it pulled.
    anyhow::ensure!(
        !config.trunk.is_empty(),
        "no trunk is configured; add a [trunk.NAME] table with its address and allowed_prefixes (docs/trunks.md shows one)"
    );
    let signals = signals::watch()?;
    let name = config.worker.id.as_ref().map_or("hark", |id| id.as_str());
    let bus = Bus::connect(&config.nats, name).await?;
    let line = Line::start(config.line, config.trunk).await?;
    let campaigns = Campaigns::new(config.campaign);
    let worker = Worker::new(
        bus,
        line.clone(),
        config.worker,
        campaigns,
        env!("CARGO_PKG_VERSION"),
        &signals,
    )
    .await?;
    let summary = worker.run().await;
    line.shutdown(Duration::from_secs(5)).await;
    tracing::info!(?summary, "worker stopped");
    Ok(ExitCode::SUCCESS)
}
