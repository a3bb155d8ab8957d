//! Which keys exist: read from the configuration's own JSON Schema, so the list cannot go stale.

use std::sync::LazyLock;

use schemars::schema_for;
use serde_json::Value;

use super::{Config, ConfigError, Nearest};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(Config).to_value());

/// The least likeness at which the nearest key is taken for what was meant; swapped letters are one slip, not two.
const SLIP: f64 = 0.6;

/// Refuses the first key of `table` that the configuration does not have. `place` finds where a key stands.
pub(super) fn check(table: &toml::Table, place: impl Fn(&[&str]) -> String) -> Result<(), ConfigError> {
    walk(table, &SCHEMA, &mut Vec::new(), &place)
}

fn walk<'a>(
    table: &'a toml::Table,
    schema: &Value,
    path: &mut Vec<&'a str>,
    place: &impl Fn(&[&str]) -> String,
) -> Result<(), ConfigError> {
    let schema = resolve(schema);
    let known = schema.get("properties").and_then(Value::as_object);
    // A map with free names (trunks, campaigns) has one schema for all its values.
    let named = schema
        .get("patternProperties")
        .and_then(Value::as_object)
        .and_then(|p| p.values().next());
    let any = schema
        .get("additionalProperties")
        .filter(|a| a.is_object())
        .or(named);
    if known.is_none() && any.is_none() {
        return Ok(());
    }
    for (key, value) in table {
        path.push(key);
        let inner = known.and_then(|k| k.get(key)).or(any);
        let Some(inner) = inner else {
            let known: Vec<&String> = known.into_iter().flat_map(|k| k.keys()).collect();
            let nearest = known
                .iter()
                .map(|name| (strsim::normalized_damerau_levenshtein(name, key), *name))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(likeness, name)| Nearest {
                    name: name.clone(),
                    slip: likeness >= SLIP,
                });
            return Err(ConfigError::UnknownKey {
                place: place(path),
                key: path.join("."),
                nearest,
            });
        };
        match value {
            toml::Value::Table(below) => walk(below, inner, path, place)?,
            toml::Value::Array(items) => {
                let each = resolve(inner).get("items").unwrap_or(&Value::Null);
                for below in items.iter().filter_map(toml::Value::as_table) {
                    walk(below, each, path, place)?;
                }
            }
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

/// Follows references and `anyOf`/`allOf` of one meaning (an optional struct) to the schema that has properties.
fn resolve(schema: &Value) -> &Value {
    let mut schema = schema;
    for _ in 0..8 {
        let next = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|r| SCHEMA.pointer(r.trim_start_matches('#')))
            .or_else(|| {
                ["anyOf", "allOf", "oneOf"]
                    .iter()
                    .find_map(|k| schema.get(*k))
                    .and_then(Value::as_array)
                    .and_then(|all| {
                        // Of several alternatives none is the one that is meant.
                        let mut real = all.iter().filter(|s| s.get("type").is_none_or(|t| t != "null"));
                        real.next().filter(|_| real.next().is_none())
                    })
                    .filter(|_| schema.get("properties").is_none())
            });
        match next {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// `file:line` of a key, found by reading the text again; only for a message, so a rough reading is enough.
pub(super) fn place_in(text: &str, file: &str, path: &[&str]) -> String {
    let Some((key, sections)) = path.split_last() else {
        return file.to_owned();
    };
    let header = sections.join(".");
    let whole = path.join(".");
    let mut section = String::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name
                .trim_end_matches(']')
                .trim_matches('[')
                .trim()
                .replace('"', "");
            if section == whole || section.starts_with(&format!("{whole}.")) {
                return format!("{file}:{}", n + 1);
            }
        } else if section == header
            && line
                .split('=')
                .next()
                .is_some_and(|k| k.trim().trim_matches('"') == *key)
        {
            return format!("{file}:{}", n + 1);
        }
    }
    file.to_owned()
}
