//! May this job be dialled now? Pure: the job and the clock in, a decision out.

use std::time::Duration;

use hark_outcome::{Cause, DialJob, Timestamp};

/// The longest a job is put back in one go; it is looked at again then.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Dial it.
    Dial,
    /// Not yet: look again after this.
    Later(Duration),
    /// Never: the cause and why, in words.
    Refuse(Cause, String),
}

/// Decides for `job` at `now`.
#[must_use]
pub fn gate(job: &DialJob, now: Timestamp) -> Gate {
    if let Some(end) = job.expires_at.filter(|end| *end <= now) {
        return Gate::Refuse(Cause::Expired, format!("the job expired at {end}"));
    }
    match job.not_before {
        Some(start) if start > now => Gate::Later(Duration::from(start.since(now)).min(LONGEST_WAIT)),
        _ => Gate::Dial,
    }
}

#[cfg(test)]
mod tests {
    use hark_outcome::{JobId, Number};

    use super::*;

    fn job() -> DialJob {
        DialJob::new(
            JobId::new("a").expect("valid"),
            Number::parse("+8613800138000").expect("valid"),
        )
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_millis(s * 1000).expect("in range")
    }

    #[test]
    fn an_expired_job_is_refused_at_its_very_instant() {
        let job = DialJob {
            expires_at: Some(at(100)),
            ..job()
        };
        assert_eq!(gate(&job, at(99)), Gate::Dial);
        assert!(matches!(gate(&job, at(100)), Gate::Refuse(Cause::Expired, _)));
    }

    #[test]
    fn a_job_for_later_waits_and_is_looked_at_again() {
        let job = DialJob {
            not_before: Some(at(100)),
            ..job()
        };
        assert_eq!(gate(&job, at(70)), Gate::Later(Duration::from_secs(30)));
        assert_eq!(gate(&job, at(100)), Gate::Dial);
        assert_eq!(
            gate(
                &DialJob {
                    not_before: Some(at(100_000)),
                    ..job
                },
                at(0)
            ),
            Gate::Later(LONGEST_WAIT)
        );
    }
}
