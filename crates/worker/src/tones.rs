//! Which tone plans to listen for on a call: the campaign's, else the trunk's, else all.

use hark_ear::{EarConfig, UnknownPlan};

/// The ear for these plans; none means all that are known.
///
/// # Errors
/// [`UnknownPlan`] names the plans there are.
pub fn ear_for(plans: &[String]) -> Result<EarConfig, UnknownPlan> {
    let mut ear = EarConfig::default();
    if plans.is_empty() {
        return Ok(ear);
    }
    ear.plans.clear();
    for name in plans {
        ear.plans.extend(EarConfig::for_plan(name)?.plans);
    }
    Ok(ear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_plans_and_no_others_are_listened_for() {
        let ear = ear_for(&["us".to_owned()]).expect("shipped");
        assert!(ear.plans.len() == 1 && ear.plans[0].name == "us");
        assert!(ear_for(&[]).expect("all").plans.len() > 1);
    }

    #[test]
    fn unknown_plan_is_named_with_those_there_are() {
        let err = ear_for(&["mars".to_owned()])
            .expect_err("no such plan")
            .to_string();
        assert!(err.contains("mars") && err.contains("cn"), "{err}");
    }
}
