//! Streams and buckets: made if missing, and compared, as the server echoes them, with what was asked. An old server
//! ignores in silence what it does not know, and a person may have edited a stream; on any difference that could break
//! a promise Hark does not run.

use serde_json::{Value, json};

use crate::subjects::{Bucket, Names};
use crate::wire::{ApiError, Wire};
use crate::{Bus, BusError};

mod difference;
mod plan;

pub use difference::Mismatch;
pub(crate) use difference::{Kind, first_difference};
use plan::Plan;

/// What [`Bus::ensure`] found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    /// Streams (and buckets, as `KV_…`) that were made now.
    pub created: Vec<String>,
    /// Those that were there and are as they must be.
    pub checked: Vec<String>,
}

impl Bus {
    /// Makes the streams and buckets that are missing and checks those that are there.
    ///
    /// # Errors
    /// [`BusError::Setup`] names the stream, the field, both values and how to mend it.
    pub async fn ensure(&self) -> Result<Setup, BusError> {
        let wire = &self.0.wire;
        let mut setup = Setup::default();
        for plan in plan::all(&self.0.names, &self.0.config) {
            let name = plan.name().to_owned();
            if ensure(wire, &plan).await? {
                tracing::info!(stream = %name, "made");
                setup.created.push(name);
            } else {
                setup.checked.push(name);
            }
        }
        Ok(setup)
    }
}

/// Whether it had to be made.
async fn ensure(wire: &Wire, plan: &Plan) -> Result<bool, BusError> {
    let what = format!("stream {}", plan.name());
    let info = format!("STREAM.INFO.{}", plan.name());
    let (answer, created) = match wire.api(&info, &json!({}), &what).await? {
        Ok(answer) => (answer, false),
        Err(e) if e.code == ApiError::STREAM_NOT_FOUND => {
            let create = format!("STREAM.CREATE.{}", plan.name());
            match wire.api(&create, &plan.config, &what).await? {
                Ok(answer) => (answer, true),
                // Somebody made it in between.
                Err(e) if e.code == ApiError::STREAM_NAME_IN_USE => {
                    let answer = wire.api(&info, &json!({}), &what).await?;
                    (answer.map_err(|e| refused(wire, &what, &e))?, false)
                }
                Err(e) => return Err(refused(wire, &what, &e)),
            }
        }
        Err(e) => return Err(refused(wire, &what, &e)),
    };
    let echoed = answer.get("config").unwrap_or(&Value::Null);
    match first_difference(Kind::Stream, plan.name(), &plan.config, echoed, plan.free) {
        Some(mismatch) => Err(BusError::Setup(Box::new(mismatch))),
        None => Ok(created),
    }
}

fn refused(wire: &Wire, what: &str, error: &ApiError) -> BusError {
    let hint = match error.code {
        ApiError::NOT_CLUSTERED => "; this is a single server: set nats.replicas = 1",
        10005 => "; the cluster has fewer servers than nats.replicas",
        10065 => "; another stream already takes these subjects: choose another nats.prefix, or remove it",
        10047 | 10023 => "; raise max_file_store in the server's jetstream block",
        _ => "",
    };
    wire.refused(what, format!("{error}{hint}"))
}
