//! What a case expects, against what a plugin gave.

use rewarden_judge::accepted_principles;
use rewarden_types::{Draw, Judgement, ParseFailure, Principle, Prompt, Refusal, Reward, Scale, Score, Step};

use super::Verdict;
use crate::cases::{NextCase, ParseCase, PrincipleCase, ReadCase, ScoreCase, ScoreValue};
use crate::values;

fn differ(expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Verdict {
    Err(format!("expected {expected}\nfound    {found}"))
}

pub(super) fn parsed(case: &ParseCase, parsed: &Result<Judgement, ParseFailure>, scale: Scale) -> Verdict {
    let found = || values::parsed_text(parsed);
    if let Some(scores) = &case.scores {
        let fits = parsed.as_ref().is_ok_and(|judgement| values::same_scores(scores, &judgement.scores));
        if !fits {
            return differ(format_args!("scores {}", values::expected_text(scores)), found());
        }
    }
    if let Some(criteria) = &case.criteria {
        let fits = parsed.as_ref().is_ok_and(|judgement| values::same_criteria(criteria, &judgement.criteria));
        if !fits {
            return differ(format_args!("the criteria {criteria:?}"), found());
        }
    }
    if let Some(confidence) = case.confidence {
        let same =
            |judgement: &Judgement| judgement.confidence.is_some_and(|found| values::same_number(confidence, found));
        if !parsed.as_ref().is_ok_and(same) {
            return differ(format_args!("the confidence {confidence}"), found());
        }
    }
    let failure = parsed.as_ref().err().map(values::parse_failure);
    if let Some(expected) = &case.failure
        && failure.as_ref().is_none_or(|(kind, _)| kind != expected)
    {
        return differ(expected, found());
    }
    if let Some(expected) = &case.message
        && failure.as_ref().is_none_or(|(_, message)| !message.contains(expected.as_str()))
    {
        return differ(format_args!("a failure whose message has {expected:?}"), found());
    }
    // The host would refuse these; a case must not bless them.
    let off = parsed.iter().flat_map(|judgement| &judgement.scores).find(|score| match score {
        Score::Value(value) => !values::on_scale(*value, scale),
        Score::Abstain(_) => false,
    });
    match off {
        Some(_) => differ(format_args!("scores on the scale {} to {}", scale.min, scale.max), found()),
        None => Ok(()),
    }
}

/// What a golden case expects of a prompt.
pub(super) struct ExpectedPrompt<'a> {
    pub(super) contains: &'a [String],
    pub(super) lacks: &'a [String],
    pub(super) equals: Option<&'a str>,
    pub(super) refuses: Option<&'a str>,
}

pub(super) fn rendered(case: &ExpectedPrompt<'_>, prompt: &Result<Prompt, Refusal>) -> Verdict {
    let prompt = match (refused(case.refuses, prompt), prompt) {
        (Some(verdict), _) => return verdict,
        (None, Ok(prompt)) => prompt,
        (None, Err(refusal)) => return differ("a prompt", values::refused_text(refusal)),
    };
    let text = values::prompt_text(prompt);
    if let Some(expected) = case.equals
        && expected != text
    {
        return differ(format_args!("the prompt\n{expected}"), format_args!("\n{text}"));
    }
    if let Some(missing) = case.contains.iter().find(|part| !text.contains(part.as_str())) {
        return differ(format_args!("a prompt that contains {missing:?}"), format_args!("\n{text}"));
    }
    match case.lacks.iter().find(|part| text.contains(part.as_str())) {
        Some(present) => differ(format_args!("a prompt without {present:?}"), format_args!("\n{text}")),
        None => Ok(()),
    }
}

pub(super) fn read(case: &ReadCase, read: &Result<Vec<Principle>, ParseFailure>) -> Verdict {
    let accepted = accepted_principles(read.clone());
    let found = || match &accepted {
        Ok(principles) => {
            let texts =
                principles.iter().map(|Principle { name, weight, text }| format!("\n  {name} ({weight:?}): {text}"));
            format!("principles{}", texts.collect::<String>())
        }
        Err(failure) => format!("{}: {}", failure.kind.name().replace('_', "-"), failure.message),
    };
    let same = |(expected, found): (&PrincipleCase, &Principle)| {
        expected.name == found.name
            && expected.weight.is_none_or(|weight| found.weight.is_some_and(|found| values::same_number(weight, found)))
            && expected.text.as_ref().is_none_or(|text| *text == found.text)
    };
    if let Some(expected) = &case.principles {
        let fits = |found: &Vec<Principle>| found.len() == expected.len() && expected.iter().zip(found).all(same);
        return if accepted.as_ref().is_ok_and(fits) { Ok(()) } else { differ(format_args!("{expected:?}"), found()) };
    }
    let failure = accepted.as_ref().err();
    if let Some(expected) = &case.failure
        && failure.is_none_or(|failure| failure.kind.name().replace('_', "-") != *expected)
    {
        return differ(expected, found());
    }
    match &case.message {
        Some(expected) if failure.is_none_or(|failure| !failure.message.contains(expected.as_str())) => {
            differ(format_args!("a failure whose message has {expected:?}"), found())
        }
        _ => Ok(()),
    }
}

/// The verdict on a refusal that is expected or that came; `None` if there is neither.
fn refused<T>(expected: Option<&str>, result: &Result<T, Refusal>) -> Option<Verdict> {
    match (expected, result) {
        (None, _) => None,
        (Some(expected), Err(refusal)) if values::refusal(refusal).0 == expected => Some(Ok(())),
        (Some(expected), Err(refusal)) => {
            Some(differ(format_args!("a refusal as {expected}"), values::refused_text(refusal)))
        }
        (Some(expected), Ok(_)) => Some(differ(format_args!("a refusal as {expected}"), "none")),
    }
}

pub(super) fn stepped(case: &NextCase, step: &Result<Step, Refusal>) -> Verdict {
    let step = match (refused(case.refuses.as_deref(), step), step) {
        (Some(verdict), _) => return verdict,
        (None, Ok(step)) => step,
        (None, Err(refusal)) => return differ("a step", values::refused_text(refusal)),
    };
    let found = values::step_text(step);
    if let Some(expected) = &case.step
        && expected != values::step_kind(step)
    {
        return differ(format_args!("the step `{expected}`"), found);
    }
    let orders: Option<Vec<Vec<u32>>> = match step {
        Step::Draw(draws) => Some(draws.iter().map(|draw| draw.order.clone()).collect()),
        _ => None,
    };
    if let Some(expected) = case.draws
        && orders.as_ref().map(Vec::len) != Some(expected)
    {
        return differ(format_args!("{expected} draws"), found);
    }
    if let Some(expected) = &case.orders
        && orders.as_ref() != Some(expected)
    {
        return differ(format_args!("draws with the orders {expected:?}"), found);
    }
    if let Some(expected) = &case.rates
        && !matches!(step, Step::Rate(ids) if ids == expected)
    {
        return differ(format_args!("ratings of {expected:?}"), found);
    }
    if let Some(expected) = &case.asks {
        let asked =
            |draws: &Vec<Draw>| draws.iter().map(|draw| draw.judge.clone().unwrap_or_default()).collect::<Vec<_>>();
        if !matches!(step, Step::Draw(draws) if asked(draws) == *expected) {
            return differ(format_args!("draws of the judges {expected:?}"), found);
        }
    }
    let wants_reward = case.scores.is_some()
        || case.used.is_some()
        || case.rejected.is_some()
        || case.criteria.is_some()
        || !case.details.is_empty();
    match step {
        Step::Finish(reward) => finished(case, reward, &found),
        _ if wants_reward => differ("a reward", found),
        _ => Ok(()),
    }
}

fn finished(case: &NextCase, reward: &Reward, found: &str) -> Verdict {
    if let Some(expected) = &case.scores
        && !values::same_scores(expected, &reward.scores)
    {
        return differ(format_args!("scores {}", values::expected_text(expected)), found);
    }
    if let Some(expected) = &case.used
        && *expected != reward.used
    {
        return differ(format_args!("used {expected:?}"), found);
    }
    if let Some(expected) = &case.rejected
        && !reward.rejected.iter().map(|rejection| rejection.sample).eq(expected.iter().copied())
    {
        return differ(format_args!("the samples {expected:?} rejected"), found);
    }
    if let Some(expected) = &case.criteria
        && !values::same_criteria(expected, &reward.criteria)
    {
        return differ(format_args!("the criteria {expected:?}"), found);
    }
    for (name, expected) in &case.details {
        let detail = reward.details.iter().find(|detail| detail.name == *name);
        if !detail.is_some_and(|detail| values::same_detail(expected, &detail.value)) {
            return differ(format_args!("the detail {name} = {expected}"), found);
        }
    }
    Ok(())
}

pub(super) fn scored(case: &ScoreCase, scores: &Result<Vec<Score>, Refusal>) -> Verdict {
    let scores = match (refused(case.refuses.as_deref(), scores), scores) {
        (Some(verdict), _) => return verdict,
        (None, Ok(scores)) => scores,
        (None, Err(refusal)) => return differ("scores", values::refused_text(refusal)),
    };
    let expected: &[ScoreValue] = case.scores.as_deref().unwrap_or_default();
    if values::same_scores(expected, scores) {
        Ok(())
    } else {
        differ(format_args!("scores {}", values::expected_text(expected)), values::scores_text(scores))
    }
}
