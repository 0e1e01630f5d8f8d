//! What a prompt asks verdicts under: the principles of the configuration, or the criteria of the task's rubric.

use criteria::{Criterion, folded, rubric};
use rendering::steps::{Steps, written};
use rewarden_plugin::{Refusal, Request, Scale};

use crate::config::{Config, Principle, Verdicts};

/// One entry of the list.
pub(crate) struct Listed {
    /// The name under which a verdict is given.
    pub(crate) name: String,
    /// What it asks for. A stranger's text where it comes from the task.
    pub(crate) text: String,
    /// What parts of the scale mean, a line each. As `text`.
    pub(crate) bands: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// What is said under one entry.
pub(crate) enum Verdict {
    YesNo,
    /// A number on the scale.
    Points,
    /// One of these numbers.
    Levels(Vec<f64>),
}

/// The list for a request, in the order of the configuration or of the rubric.
///
/// # Errors
/// When the task has no rubric that can be used, or not the criteria that are asked about.
pub(crate) fn of(config: &Config, request: &Request, steps: &Steps) -> Result<Vec<Listed>, Refusal> {
    let all: Vec<Listed> = if config.principles.is_empty() {
        let scale = Scale { min: steps.min, max: steps.max, integer: steps.integer };
        let rubric = rubric(&request.task.metadata)?;
        rubric.into_iter().map(|criterion| of_task(config, criterion, &scale)).collect::<Result<_, _>>()?
    } else {
        config.principles.iter().map(|principle| of_config(config, principle)).collect()
    };
    if request.asked.is_empty() {
        return Ok(all);
    }
    let wanted = |entry: &Listed| request.asked.iter().any(|asked| folded(asked) == folded(&entry.name));
    if let Some(unknown) =
        request.asked.iter().find(|asked| all.iter().all(|entry| folded(&entry.name) != folded(asked)))
    {
        return Err(Refusal::UnsuitableTask(format!(
            "the policy asks about `{unknown}`, which the rubric does not have"
        )));
    }
    Ok(all.into_iter().filter(wanted).collect())
}

fn plain(config: &Config) -> Verdict {
    match config.verdicts {
        Verdicts::YesNo => Verdict::YesNo,
        Verdicts::Points => Verdict::Points,
    }
}

fn of_config(config: &Config, principle: &Principle) -> Listed {
    Listed {
        name: principle.name.clone(),
        text: principle.description.trim().to_owned(),
        bands: principle.bands.clone(),
        verdict: plain(config),
    }
}

fn of_task(config: &Config, criterion: Criterion, scale: &Scale) -> Result<Listed, Refusal> {
    if criterion.levels.is_empty() {
        let (name, text) = (criterion.id, criterion.text);
        return Ok(Listed { name, text, bands: Vec::new(), verdict: plain(config) });
    }
    let scores = criterion.level_scores(scale)?;
    let band = |(score, level): (&f64, &String)| format!("{}: {level}", written(*score));
    let bands = scores.iter().zip(&criterion.levels).map(band).collect();
    // As they are written in the prompt: a third of the scale is 0.3333.
    let shown = scores.iter().filter_map(|score| written(*score).parse().ok()).collect();
    Ok(Listed { name: criterion.id, text: criterion.text, bands, verdict: Verdict::Levels(shown) })
}
