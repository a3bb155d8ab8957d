//! Jobs that break the connection of whoever they are delivered to: their header block is not what the client library
//! can read. Nobody could ever take such a job, and each try would cost a worker its connection. So after a lost
//! connection, and before the first pull, the jobs that are out but unacknowledged are read from the store, where
//! nothing is parsed, and the broken ones go to the dead letters.

use serde_json::{Value, json};

use crate::BusError;
use crate::dead::{Corpse, bury, remove};
use crate::headers::is_digestible;
use crate::subjects::Names;
use crate::wire::Wire;

/// Most jobs looked at in one queue: what a handful of workers may hold.
const MOST: u64 = 1000;

const REASON: &str = "the message's NATS headers are malformed (not UTF-8, no `NATS/1.0` line, no colon, or a stray line end); publish the job with well-formed headers or none";

/// Looks through the unacknowledged jobs of one queue and returns how many were buried.
pub(crate) async fn bury_poison(
    wire: &Wire,
    names: &Names,
    consumer: &str,
    subject: &str,
) -> Result<u64, BusError> {
    let stream = names.job_stream();
    let what = "the unacknowledged jobs";
    let info = match wire
        .api(&format!("CONSUMER.INFO.{stream}.{consumer}"), &json!({}), what)
        .await?
    {
        Ok(info) => info,
        Err(e) => return Err(wire.refused(what, e.to_string())),
    };
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    if number(&info["num_ack_pending"]) == 0 {
        return Ok(0);
    }
    let last = number(&info["delivered"]["stream_seq"]);
    let mut from = number(&info["ack_floor"]["stream_seq"]) + 1;
    let mut buried = 0;
    for _ in 0..MOST {
        let Some(read) = wire.next(&stream, subject, from, what).await? else {
            break;
        };
        if read.sequence > last {
            break;
        }
        from = read.sequence + 1;
        if is_digestible(&read.raw_headers) {
            continue;
        }
        tracing::warn!(
            sequence = read.sequence,
            subject,
            "a job with malformed headers goes to the dead letters"
        );
        let address = names.job_address(&read.subject);
        bury(wire, names, &Corpse::of(&read, &address), REASON).await?;
        remove(wire, &stream, read.sequence).await?;
        buried += 1;
    }
    Ok(buried)
}
