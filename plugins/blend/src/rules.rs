//! What the signals say of each response.

use rewarden_plugin::{Refusal, Score, Signal};

use crate::Config;

/// What all signals together say of one response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ruling {
    /// The first gate that it did not pass.
    pub(crate) gated: Option<String>,
    /// The first signal that abstained on it, and why.
    pub(crate) abstained: Option<String>,
    /// Weights, and scores from 0 to 1.
    pub(crate) terms: Vec<(f64, f64)>,
}

/// Reads the configured signals, by response.
///
/// # Errors
/// A refusal where the pack lists no such scorer, or where a scorer left the range that the configuration gives it:
/// neither is made up for.
pub(crate) fn rulings(config: &Config, signals: &[Signal], responses: usize) -> Result<Vec<Ruling>, Refusal> {
    let mut rulings = vec![Ruling::default(); responses];
    for (name, wanted) in &config.signals {
        let Some(signal) = signals.iter().find(|signal| signal.scorer == *name) else {
            let listed: Vec<&str> = signals.iter().map(|signal| signal.scorer.as_str()).collect();
            let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
            return Err(Refusal::Other(format!(
                "`signals.{name}` needs a scorer of that name, and the pack lists {listed}: add it to the pack, or remove it \
                 here"
            )));
        };
        if signal.scores.len() != responses {
            return Err(Refusal::Other(format!(
                "scorer `{name}` gave {} scores for {responses} responses",
                signal.scores.len()
            )));
        }
        for (ruling, score) in rulings.iter_mut().zip(&signal.scores) {
            match score {
                Score::Abstain(why) => {
                    ruling.abstained.get_or_insert_with(|| format!("scorer `{name}` gave no score: {why}"));
                }
                Score::Value(value) => {
                    if !(wanted.min..=wanted.max).contains(value) {
                        return Err(Refusal::Other(format!(
                            "scorer `{name}` gave {value}, outside of {} to {}: set `signals.{name}.min` and `max` to what \
                             the scorer's purpose states",
                            wanted.min, wanted.max
                        )));
                    }
                    if wanted.gate.is_some_and(|gate| *value < gate) {
                        ruling.gated.get_or_insert_with(|| name.clone());
                    }
                    ruling.terms.push((wanted.weight, (value - wanted.min) / (wanted.max - wanted.min)));
                }
            }
        }
    }
    Ok(rulings)
}
