//! One test's world.

use std::net::SocketAddr;
use std::time::Duration;

use hark_outcome::{CallResult, Cause, Disposition};
use serde_json::{Value, json};

use crate::{ConfigFile, Customer, NatsServer, Place, Worker};

/// A number that trunks of the lab may dial and that belongs to nobody.
pub(crate) const NUMBER: &str = "+8613800000001";

/// How long a call and its result may take unless a test says otherwise.
const RESULT: Duration = Duration::from_secs(60);

/// A job's name in the default campaign.
pub type JobName = &'static str;

/// A folder, an address, a NATS server and a customer of it.
#[derive(Debug)]
pub struct Lab {
    /// The folder and address.
    pub place: Place,
    /// The server.
    pub nats: NatsServer,
    /// A customer, connected to it.
    pub customer: Customer,
}

impl Lab {
    /// Starts one.
    ///
    /// # Panics
    /// When the NATS server does not start.
    pub async fn start() -> Self {
        let place = Place::new();
        let nats = NatsServer::start(&place).await;
        let customer = Customer::connect(&nats).await;
        Self {
            place,
            nats,
            customer,
        }
    }

    /// A configuration for a worker here, without a trunk.
    #[must_use]
    pub fn config(&self) -> ConfigFile {
        ConfigFile::new(&self.place, &self.nats.url())
    }

    /// A worker with one trunk, `main`, to `peer`.
    #[must_use]
    pub fn worker(&self, peer: SocketAddr) -> Worker {
        Worker::start(self, &self.config().trunk("main", peer))
    }

    /// Publishes a job of the default campaign to the lab's number and waits for its result.
    ///
    /// # Panics
    /// When no result comes in time.
    pub async fn dial(&self, job: JobName) -> CallResult {
        self.publish(job, json!({})).await;
        self.result(job).await
    }

    /// Publishes a job with more fields than the least.
    ///
    /// # Panics
    /// When the server does not take it in time.
    pub async fn publish(&self, job: JobName, more: Value) {
        let mut body = json!({"id": job, "to": NUMBER});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.customer
            .publish("default", "normal", body.to_string().as_bytes())
            .await;
    }

    /// Waits for the result of a job's first attempt.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn result(&self, job: &str) -> CallResult {
        self.customer.result("default", job, RESULT).await
    }
}

/// What a test most often asserts of a result.
pub trait Reads {
    /// Asserts how it ended.
    fn reads(&self, disposition: Disposition, cause: Cause);
}

impl Reads for CallResult {
    #[track_caller]
    fn reads(&self, disposition: Disposition, cause: Cause) {
        assert_eq!(
            (self.disposition, self.cause),
            (disposition, cause),
            "the whole result: {}",
            serde_json::to_string_pretty(self).unwrap_or_default()
        );
    }
}
