//! OPTIONS: does a trunk live?

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::perform::{branch, parse};
use super::{Core, compose, resolve, transact};
use crate::error::{ProbeError, ProbeReport};
use crate::trunk::{Sign, Trunk};

/// A trunk in trouble is asked more often.
const TROUBLE_INTERVAL: Duration = Duration::from_secs(5);

/// Asks a trunk again and again until the line closes.
pub(super) async fn watch(core: Weak<Core>, trunk: Arc<Trunk>, closing: CancellationToken) {
    loop {
        let Some(strong) = core.upgrade() else { return };
        let sign = tokio::select! {
            sign = ask(&strong, &trunk) => sign,
            () = closing.cancelled() => return,
        };
        drop(strong);
        let alive = matches!(sign, Sign::Alive(_));
        let text = match &sign {
            Sign::Alive(text) | Sign::Trouble(text) => text.clone(),
        };
        match trunk.saw(sign) {
            Some(true) => tracing::info!(trunk = %trunk.id, seen = text, "trunk answers again"),
            Some(false) => {
                tracing::warn!(trunk = %trunk.id, seen = text, "trunk does not answer; it gets no calls")
            }
            None => tracing::debug!(trunk = %trunk.id, seen = text, "trunk asked"),
        }
        let interval = Duration::from_secs(trunk.config.options_interval_s.into());
        let wait = if alive {
            interval
        } else {
            interval.min(TROUBLE_INTERVAL)
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = closing.cancelled() => return,
        }
    }
}

async fn ask(core: &Arc<Core>, trunk: &Trunk) -> Sign {
    match probe(core, trunk).await {
        // "I am down", or a proxy that finds nobody behind it. Any other answer, even a refusal, is life.
        Ok(report) if matches!(report.code, 408 | 502..=504) => {
            Sign::Trouble(format!("{} {}", report.code, report.phrase))
        }
        Ok(report) => Sign::Alive(format!("{} {}", report.code, report.phrase)),
        Err(error) => Sign::Trouble(error.to_string()),
    }
}

/// One OPTIONS, to the first target that can be reached and answers.
pub(super) async fn probe(core: &Core, trunk: &Trunk) -> Result<ProbeReport, ProbeError> {
    let config = &trunk.config;
    let patience = trunk.setup_timeout();
    let targets = resolve::targets(&*core.names, config, core.ways.local().ip(), patience)
        .await
        .map_err(|why| ProbeError::Resolve {
            host: config.address.clone(),
            why,
        })?;
    let mut trouble = ProbeError::Resolve {
        host: config.address.clone(),
        why: "it has no address".into(),
    };
    for target in targets {
        let way = match core.ways.to_trunk(config, target, patience).await {
            Ok(way) => way,
            Err(why) => {
                trouble = ProbeError::Connect {
                    target: target.to_string(),
                    why,
                };
                continue;
            }
        };
        let domain = core.domain(way.ip);
        let (call_id, tag) = (
            format!("{:032x}@{domain}", rand::random::<u128>()),
            format!("{:016x}", rand::random::<u64>()),
        );
        let text = compose::options(config, way.here(), &call_id, &tag, &branch(), &domain);
        let request = match parse(&text) {
            Ok(request) => request,
            Err(why) => {
                return Err(ProbeError::Connect {
                    target: target.to_string(),
                    why,
                });
            }
        };
        let asked = Instant::now();
        let answered = tokio::time::timeout(patience, transact::request(&core.endpoint, &way, request)).await;
        match answered {
            Ok(Ok(answered)) if !answered.reply.local => {
                return Ok(ProbeReport {
                    target,
                    code: answered.reply.code,
                    phrase: answered.reply.phrase,
                    took: asked.elapsed(),
                    server: answered.server,
                    allow: answered.allow,
                });
            }
            Ok(Ok(answered)) if answered.reply.code == 503 => {
                trouble = ProbeError::Connect {
                    target: target.to_string(),
                    why: answered.reply.phrase,
                };
            }
            _ => {
                trouble = ProbeError::Silent {
                    target: target.to_string(),
                    waited: patience,
                }
            }
        }
    }
    Err(trouble)
}
