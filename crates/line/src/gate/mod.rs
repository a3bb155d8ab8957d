//! May this number leave over this trunk, and written how? Pure: a number and a trunk's settings in, the text for the
//! Request-URI out, or the reason why not.
//!
//! Closed by default: a trunk dials its `allowed_prefixes` and nothing else. Emergency and premium numbers never leave,
//! whatever is allowed; they are looked for in the number as given, as E.164, in national form, and in what would
//! really be sent after `strip` and `prefix`. What is sent is read back as an exchange of the trunk's country would:
//! if that makes another number of it, it does not leave.

mod forbidden;
mod plan;
mod rewrite;

use hark_outcome::{Number, TrunkId};

use crate::config::TrunkConfig;
use crate::error::Barred;

/// A number that may leave: how it is written, and the number shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The user part of the Request-URI.
    pub(crate) dialled: String,
    /// The caller ID shown, one of the trunk's; `None` if it has none.
    pub(crate) caller_id: Option<Number>,
}

/// Lets a number through one trunk, or says why not.
pub(crate) fn pass(
    trunk: &TrunkId,
    config: &TrunkConfig,
    to: &Number,
    caller_id: Option<&Number>,
) -> Result<Passed, Barred> {
    let numbering = &config.numbering;
    let country = numbering.country.as_deref();
    let refuse = |why| Barred::NotAllowed {
        trunk: trunk.clone(),
        why,
    };
    let international = rewrite::international(to, country);
    forbidden::emergency(to.digits(), to.is_international(), country)?;
    let given = if to.is_international() {
        vec![]
    } else {
        plan::abroad(to.digits(), country)
    };
    for abroad in given.into_iter().chain(international.as_deref()) {
        forbidden::emergency(abroad, true, country)?;
        forbidden::premium(abroad)?;
    }
    if let Some(digits) = &international {
        rewrite::plausible(digits, country).map_err(refuse)?;
    }
    let dialled = rewrite::written(to, international.as_deref(), numbering).map_err(refuse)?;
    // What the far side may read: with the prefix, and without it.
    let bare = dialled
        .strip_prefix(numbering.prefix.as_str())
        .unwrap_or(&dialled);
    for sent in [dialled.as_str(), bare] {
        let digits = digits_of(sent);
        forbidden::emergency(&digits, sent.starts_with('+'), country)?;
        let plus = if sent.starts_with('+') { "+" } else { "" };
        for abroad in plan::abroad(&format!("{plus}{digits}"), country) {
            forbidden::emergency(abroad, true, country)?;
            forbidden::premium(abroad)?;
        }
    }
    match &international {
        Some(digits) if !rewrite::arrives(digits, &dialled, bare, numbering) => {
            return Err(refuse(format!(
                "with format, strip = {} and prefix = {:?} of trunk.{trunk}.numbering it would be dialled as another \
                 number; correct them, or leave it to a trunk that writes such numbers",
                numbering.strip, numbering.prefix
            )));
        }
        Some(_) => {}
        // Of unknown country: it may be E.164 without its '+'.
        None => {
            forbidden::premium(to.digits())?;
            forbidden::premium(&digits_of(bare))?;
        }
    }
    if !config
        .allowed_prefixes
        .iter()
        .any(|p| p.allows(to, international.as_deref()))
    {
        return Err(refuse(not_allowed(trunk, config, international.is_some())));
    }
    let caller_id = match caller_id {
        Some(wanted) => Some(
            config
                .caller_ids
                .iter()
                .find(|own| same(own, wanted, country))
                .ok_or_else(|| Barred::caller_id(trunk, wanted))?,
        ),
        None => config.caller_ids.first(),
    };
    Ok(Passed {
        dialled,
        caller_id: caller_id.cloned(),
    })
}

/// The caller ID as this trunk writes numbers, without strip and prefix: those are for the way out.
pub(crate) fn write_caller_id(config: &TrunkConfig, caller_id: &Number) -> String {
    let country = config.numbering.country.as_deref();
    rewrite::formatted(
        caller_id,
        rewrite::international(caller_id, country).as_deref(),
        &config.numbering,
    )
}

/// The caller ID as a global number, for an identity header: `+86…` where it can be known.
pub(crate) fn global_caller_id(config: &TrunkConfig, caller_id: &Number) -> String {
    match rewrite::international(caller_id, config.numbering.country.as_deref()) {
        Some(digits) => format!("+{digits}"),
        None => caller_id.to_string(),
    }
}

fn same(own: &Number, wanted: &Number, country: Option<&str>) -> bool {
    own == wanted
        || rewrite::international(own, country)
            .is_some_and(|own| rewrite::international(wanted, country).is_some_and(|wanted| own == wanted))
}

fn not_allowed(trunk: &TrunkId, config: &TrunkConfig, known: bool) -> String {
    if config.allowed_prefixes.is_empty() {
        return format!("it may dial nothing yet; set trunk.{trunk}.allowed_prefixes, for example [\"+86\"]");
    }
    let list = config
        .allowed_prefixes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if known {
        format!("it is outside allowed_prefixes ({list})")
    } else {
        format!(
            "its country is unknown, so it matches none of allowed_prefixes ({list}); write it with '+', or set \
             trunk.{trunk}.numbering.country"
        )
    }
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests;
