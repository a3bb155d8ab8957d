//! `hark jobs`: add one, import a list, see what waits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use hark_bus::{Bus, Put};
use hark_outcome::{CallerIdChoice, CampaignId, DialJob, JobId, Number, Priority, Script, Timestamp};

use crate::config::Config;
use crate::out;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add one job
    Add(Add),
    /// Import a CSV file with the columns id, to and, if you like: source, script, caller_id, not_before, expires_at; every other column becomes a label
    Import(Import),
    /// List waiting jobs and dead letters
    List {
        /// Most rows to print.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// The dead letters instead.
        #[arg(long)]
        dead: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Where {
    /// The campaign.
    #[arg(long, default_value = "default")]
    campaign: CampaignId,
    /// high, normal or low.
    #[arg(long, default_value_t = Priority::Normal)]
    priority: Priority,
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The number to call.
    to: Number,
    /// The job's id; the same id in the same campaign is the same job, for ever.
    #[arg(long)]
    id: JobId,
    #[command(flatten)]
    place: Where,
    /// A label for reports, key=value; several may be given.
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// A WAV file in the worker's sound folder to play to a person.
    #[arg(long)]
    play: Option<String>,
    /// The caller ID to show; the trunk must own it.
    #[arg(long)]
    caller_id: Option<Number>,
    /// Not before this time (RFC 3339).
    #[arg(long)]
    not_before: Option<Timestamp>,
    /// Not from this time on (RFC 3339).
    #[arg(long)]
    expires_at: Option<Timestamp>,
}

#[derive(Debug, clap::Args)]
struct Import {
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    place: Where,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let bus = Bus::connect(&config.nats, "hark-jobs").await?;
    bus.ensure().await?;
    match args.what {
        What::Add(add) => self::add(&bus, add).await,
        What::Import(import) => self::import(&bus, &import).await,
        What::List {
            limit,
            json,
            dead: false,
        } => list(&bus, limit, json).await,
        What::List {
            limit,
            json,
            dead: true,
        } => dead(&bus, limit, json).await,
    }
}

/// A job for a campaign that no worker serves would only be buried; say so now.
async fn check_campaign(bus: &Bus, campaign: &CampaignId) -> anyhow::Result<()> {
    let known = bus.campaigns().await?;
    anyhow::ensure!(
        known.is_empty() || known.contains(campaign),
        "no worker has registered campaign {campaign}; add [campaign.{campaign}] to a worker's file and start it (known: {})",
        known
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok(())
}

async fn add(bus: &Bus, add: Add) -> anyhow::Result<ExitCode> {
    check_campaign(bus, &add.place.campaign).await?;
    let mut job = DialJob::new(add.id, add.to);
    for label in add.label {
        let (key, value) = label
            .split_once('=')
            .with_context(|| format!("the label {label:?} is no pair; write --label key=value"))?;
        job.labels.insert(key.to_owned(), value.to_owned());
    }
    job.script = add.play.map(|play| Script { play: Some(play) });
    job.caller_id = add.caller_id.map(CallerIdChoice::Number);
    job.not_before = add.not_before;
    job.expires_at = add.expires_at;
    job.check(&add.place.campaign)?;
    let campaign = &add.place.campaign;
    match bus.put_job(campaign, add.place.priority, &job).await? {
        Put::New => out::line(format_args!(
            "job {} is queued in campaign {}",
            job.id, add.place.campaign
        )),
        Put::Duplicate => out::line(format_args!("job {} was queued already; nothing changed", job.id)),
    };
    Ok(ExitCode::SUCCESS)
}

async fn import(bus: &Bus, import: &Import) -> anyhow::Result<ExitCode> {
    check_campaign(bus, &import.place.campaign).await?;
    let file = import.file.display();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(false)
        .trim(csv::Trim::All)
        .from_path(&import.file)
        .with_context(|| format!("{file} cannot be read"))?;
    let header = reader
        .headers()
        .with_context(|| format!("{file} has no readable first line"))?
        .clone();
    for needed in ["id", "to"] {
        anyhow::ensure!(
            header.iter().any(|h| h == needed),
            "{file}:1: there is no column {needed:?}; the first line must name the columns, at least id,to"
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = header.iter().find(|h| !seen.insert(*h)) {
        anyhow::bail!(
            "{file}:1: there are two columns {twice:?}; which one counts cannot be known, rename one"
        );
    }
    let (mut new, mut duplicate, mut bad) = (0_u64, 0_u64, 0_u64);
    let mut records = reader.into_records();
    loop {
        // Where the row begins: empty lines and line breaks inside quotes count.
        let from = records.reader().position().line();
        let Some(record) = records.next() else { break };
        let line = record
            .as_ref()
            .ok()
            .and_then(|r| r.position())
            .map_or(from, csv::Position::line);
        let job = record
            .map_err(anyhow::Error::from)
            .and_then(|r| row(&header, &r, &import.place.campaign));
        match job {
            Ok(job) => match bus
                .put_job(&import.place.campaign, import.place.priority, &job)
                .await?
            {
                Put::New => new += 1,
                Put::Duplicate => duplicate += 1,
            },
            Err(e) => {
                bad += 1;
                eprintln!("{file}:{line}: {}; this row was left out", crate::show::error(&e));
            }
        }
    }
    out::line(format_args!(
        "{new} jobs queued in campaign {}, {duplicate} were there already, {bad} rows left out",
        import.place.campaign
    ));
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(
    header: &csv::StringRecord,
    record: &csv::StringRecord,
    campaign: &CampaignId,
) -> anyhow::Result<DialJob> {
    let mut cells: BTreeMap<&str, &str> = header
        .iter()
        .zip(record.iter())
        .filter(|(_, v)| !v.is_empty())
        .collect();
    let id = cells.remove("id").context("the column \"id\" is empty")?;
    let to = cells.remove("to").context("the column \"to\" is empty")?;
    let mut job = DialJob::new(JobId::new(id)?, Number::parse(to)?);
    job.source = cells.remove("source").map(ToOwned::to_owned);
    job.script = cells.remove("script").map(|play| Script {
        play: Some(play.to_owned()),
    });
    job.caller_id = cells
        .remove("caller_id")
        .map(Number::parse)
        .transpose()?
        .map(CallerIdChoice::Number);
    job.not_before = time(cells.remove("not_before"))?;
    job.expires_at = time(cells.remove("expires_at"))?;
    job.labels = cells
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    job.check(campaign)?;
    Ok(job)
}

fn time(text: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
    text.map(|t| t.parse::<Timestamp>().map_err(anyhow::Error::msg))
        .transpose()
}

async fn list(bus: &Bus, limit: usize, json: bool) -> anyhow::Result<ExitCode> {
    let jobs = bus.jobs(limit).await?;
    for job in &jobs {
        if json {
            out::line(serde_json::to_string(job)?);
        } else {
            out::line(crate::show::job(job));
        }
    }
    if !json {
        out::line(format_args!(
            "{} of {} waiting jobs",
            jobs.len(),
            bus.job_count().await?
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn dead(bus: &Bus, limit: usize, json: bool) -> anyhow::Result<ExitCode> {
    let letters = bus.dead_letters(limit).await?;
    for letter in &letters {
        if json {
            out::line(serde_json::to_string(letter)?);
        } else {
            out::line(crate::show::dead_letter(letter));
        }
    }
    if !json {
        out::line(format_args!("{} dead letters", letters.len()));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<anyhow::Result<DialJob>> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let Ok(header) = reader.headers().cloned() else {
            return Vec::new();
        };
        let campaign = CampaignId::default();
        let rows = reader.into_records();
        rows.map(|r| {
            r.map_err(anyhow::Error::from)
                .and_then(|r| row(&header, &r, &campaign))
        })
        .collect()
    }

    #[test]
    fn columns_that_are_no_field_become_labels() {
        let mut rows = read("id,to,source,city\na,+8613800138000,crm,Wuhan\n");
        let job = rows.remove(0).expect("a good row");
        assert_eq!(job.source.as_deref(), Some("crm"));
        assert_eq!(job.labels["city"], "Wuhan");
    }

    #[test]
    fn a_bad_row_says_which_column_is_wrong() {
        for (row, needle) in [
            ("a,", "\"to\" is empty"),
            (",+8613800138000", "\"id\" is empty"),
            ("a,12x", "'x'"),
        ] {
            let err = read(&format!("id,to\n{row}\n"))
                .remove(0)
                .expect_err("a bad row")
                .to_string();
            assert!(err.contains(needle), "{row}: {err}");
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_import_panic(text in "(id,to\n)?.{0,200}") {
            let _ = read(&text);
        }
    }
}
