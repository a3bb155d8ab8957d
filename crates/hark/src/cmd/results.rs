//! `hark results`: what came out.

use std::process::ExitCode;

use hark_bus::{Bus, From};
use hark_outcome::{CampaignId, Persons};

use crate::config::Config;
use crate::out;
use crate::show;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on with new results as they come.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only this campaign.
    #[arg(long)]
    campaign: Option<CampaignId>,
    /// Why, too: the rule, what signalling said, what was heard.
    #[arg(long, short)]
    verbose: bool,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let signals = crate::signals::watch()?;
    let bus = Bus::connect(&config.nats, "hark-results").await?;
    bus.ensure().await?;
    let mut left = bus.result_count().await?;
    let mut results = bus.results(From::Beginning).await?;
    let (mut persons, mut answered, mut shown) = (Persons::default(), 0_u64, 0_u64);
    while args.follow || left > 0 {
        let next = tokio::select! {
            next = results.next() => next,
            () = signals.drain.cancelled() => break,
        };
        let Some(next) = next else { break };
        left = left.saturating_sub(1);
        let result = match next {
            Ok(result) => result,
            Err(e) => {
                eprintln!("hark: a result could not be read: {e}");
                continue;
            }
        };
        if args
            .campaign
            .as_ref()
            .is_some_and(|c| *c != result.attempt.campaign)
        {
            continue;
        }
        persons.count(&result);
        answered += u64::from(result.sip_answered);
        shown += 1;
        let mut read = if args.json {
            out::line(serde_json::to_string(&result)?)
        } else {
            out::line(show::result_line(&result))
        };
        if args.verbose && !args.json {
            read = out::text(show::evidence(&result));
        }
        if !read {
            return Ok(ExitCode::SUCCESS);
        }
    }
    if !args.json {
        out::line(format_args!("{shown} results{}", show::rates(persons, answered)));
    }
    Ok(ExitCode::SUCCESS)
}
