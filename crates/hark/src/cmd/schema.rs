//! `hark schema`: the JSON Schemas.

use std::process::ExitCode;

use schemars::{Schema, schema_for};

use crate::config::Config;
use crate::out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one: dial-job, call-result, call-event, config. Default: all, as one object.
    name: Option<String>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut all: Vec<(&str, Schema)> = hark_outcome::schemas();
    all.push(("config", schema_for!(Config)));
    let text = match &args.name {
        Some(name) => {
            let found = all.iter().find(|(n, _)| n == name).ok_or_else(|| {
                let names: Vec<_> = all.iter().map(|(n, _)| *n).collect();
                anyhow::anyhow!("there is no schema {name:?}; there are {}", names.join(", "))
            })?;
            serde_json::to_string_pretty(&found.1)?
        }
        None => {
            let object: serde_json::Map<String, serde_json::Value> = all
                .into_iter()
                .map(|(n, s)| (n.to_owned(), s.to_value()))
                .collect();
            serde_json::to_string_pretty(&object)?
        }
    };
    out::line(text);
    Ok(ExitCode::SUCCESS)
}
