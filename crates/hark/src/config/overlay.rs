//! The environment and flags laid over the file.

use super::{ConfigError, Overrides, keys};

const PREFIX: &str = "HARK_";

/// Sets in `table` what the environment and the flags say, in this order.
pub(super) fn apply(table: &mut toml::Table, overrides: &Overrides) -> Result<(), ConfigError> {
    let mut variables: Vec<_> = overrides
        .environment
        .iter()
        .filter_map(|(k, v)| Some((k, path_of(k)?, v)))
        .collect();
    variables.sort();
    for (name, path, value) in variables {
        set(table, &path, value, name)?;
    }
    for assignment in &overrides.set {
        let place = format!("--set {assignment}");
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(ConfigError::Malformed {
                place,
                why: "write --set section.key=value".to_owned(),
            });
        };
        let path: Vec<String> = key.trim().split('.').map(ToOwned::to_owned).collect();
        set(table, &path, value, &place)?;
    }
    Ok(())
}

/// `HARK_NATS__URL` → `[nats, url]`. A name without `__` is not ours (`HARK_AUDIO` and the like).
fn path_of(variable: &str) -> Option<Vec<String>> {
    let rest = variable.strip_prefix(PREFIX)?;
    let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    (path.len() > 1 && path.iter().all(|p| !p.is_empty())).then_some(path)
}

fn set(table: &mut toml::Table, path: &[String], value: &str, place: &str) -> Result<(), ConfigError> {
    let (last, sections) = path.split_last().ok_or_else(|| ConfigError::Malformed {
        place: place.to_owned(),
        why: "it names no key".to_owned(),
    })?;
    let mut single = toml::Table::new();
    single.insert(last.clone(), read(value));
    for section in sections.iter().rev() {
        let mut outer = toml::Table::new();
        outer.insert(section.clone(), toml::Value::Table(single));
        single = outer;
    }
    keys::check(&single, |_| place.to_owned())?;
    merge(table, single);
    Ok(())
}

/// A number, truth value, list or table if it reads as one, else the text itself.
fn read(value: &str) -> toml::Value {
    toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()))
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
