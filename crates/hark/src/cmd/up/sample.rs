//! The sample campaign: numbers that belong to nobody, in two countries.

use hark_outcome::{DialJob, JobId, Number};

/// Letters only: a run's name stands in job ids, which must not look like a number.
pub(super) fn run_name() -> String {
    let mut n = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    let mut name = String::from("run");
    while n > 0 {
        // n % 26 < 26, so it is a letter.
        name.push(char::from(b'a' + u8::try_from(n % 26).unwrap_or_default()));
        n /= 26;
    }
    name
}

/// `count` jobs: two of three numbers in China (a block given to nobody here), one in the fictional 555-01xx range.
pub(super) fn jobs(run: &str, count: u32) -> anyhow::Result<Vec<DialJob>> {
    (0..count)
        .map(|n| {
            let (number, list) = if n % 3 == 2 {
                (
                    format!("+1{}55501{:02}", 201 + (n / 300) % 700, (n / 3) % 100),
                    "north-america",
                )
            } else {
                (format!("+861380{:07}", n * 7919 % 10_000_000), "china")
            };
            let mut job = DialJob::new(
                JobId::new(format!("{run}-{:04}", n + 1))?,
                Number::parse(&number)?,
            );
            job.source = Some("sample".to_owned());
            job.labels.insert("list".to_owned(), list.to_owned());
            Ok(job)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hark_outcome::CampaignId;

    use super::*;

    #[test]
    fn sample_numbers_are_all_different_and_every_job_is_valid() {
        let jobs = jobs(&run_name(), 200).expect("valid");
        let numbers: BTreeSet<_> = jobs.iter().map(|j| j.to.to_string()).collect();
        assert_eq!(numbers.len(), 200);
        for job in &jobs {
            job.check(&CampaignId::default()).expect("valid");
        }
    }
}
