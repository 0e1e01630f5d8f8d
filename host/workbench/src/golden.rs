//! Runs golden cases.

mod expect;

use anyhow::{Context, Result, anyhow, bail};
use rewarden_runtime::{Interface, Metered};
use rewarden_types::{
    Alternative, Completion, Context as PolicyContext, CriterionScore, EarlierText, Failure, FinishReason, NamedJudge,
    Outcome, ParseRequest, PolicyInput, Principle, Rating, RenderRequest, Sample, Scale, Signal, Token,
};

use expect::ExpectedPrompt;

use crate::cases::{
    self, AskCase, Case, CriterionCase, EarlierCase, FinishCase, Golden, NextCase, ParseCase, PrincipleCase,
    RenderCase, SampleCase, ScoreCase,
};
use crate::meter::FuelUsage;
use crate::subject::{Subject, TestedPart};
use crate::{Lines, values};

/// What the host gives where a case says nothing: the defaults of `rewarden score`.
const TEMPERATURE: f64 = 0.5;
const SAMPLES: u32 = 256;
const ROUNDS: u32 = 64;

/// Runs the golden cases of `subject` and returns whether all passed.
///
/// # Errors
/// Fails if there are no cases, or if their files cannot be read.
pub fn test(subject: &Subject, lines: &mut Lines<'_>) -> Result<bool> {
    let cases = cases::read(&subject.directory)?;
    if cases.is_empty() {
        bail!(
            "{} has no golden cases: expected *.toml or *.jsonl in {}; `rewarden pack test --help` shows their form",
            subject.name,
            subject.directory.join("tests").display()
        );
    }
    lines(&subject.name);
    let (mut failed, mut usages) = (0_usize, Vec::new());
    for golden in &cases {
        let verdict = part(subject, &golden.case).and_then(|part| {
            let (usage, verdict) = call(part, golden)?;
            usages.push((part, usage));
            Ok((usage, verdict))
        });
        let title = format!("{} {}", golden.case.kind(), golden.name);
        match verdict {
            Ok((usage, Ok(()))) => lines(&format!("  ok      {title}: {}", usage.against(&subject.limits))),
            Ok((usage, Err(difference))) => {
                failed += 1;
                lines(&format!("  FAILED  {title}: {}\n{}", usage.against(&subject.limits), indented(&difference)));
            }
            Err(error) => {
                failed += 1;
                lines(&format!("  FAILED  {title}\n{}", indented(&format!("{error:#}"))));
            }
        }
    }
    lines(&format!(
        "most that any call used, of fuel {} and memory {}:",
        subject.limits.fuel,
        indicatif::BinaryBytes(subject.limits.memory_bytes as u64)
    ));
    for part in &subject.parts {
        let own = usages.iter().filter(|(of, _)| of.name == part.name);
        match own.map(|(_, usage)| *usage).reduce(FuelUsage::max) {
            Some(usage) => lines(&format!("  {}: {}", part.heading(), usage.against(&subject.limits))),
            None => lines(&format!("  {}: no case calls it", part.heading())),
        }
    }
    lines(&format!("{} cases: {} passed, {failed} failed", cases.len(), cases.len() - failed));
    Ok(failed == 0)
}

pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("          {line}")).collect::<Vec<_>>().join("\n")
}

/// The part that a case is for.
pub(crate) fn part<'a>(subject: &'a Subject, case: &Case) -> Result<&'a TestedPart> {
    let interface = match case {
        Case::Parse(_) => Interface::Parser,
        Case::Render(_) => Interface::Template,
        Case::Next(_) => Interface::Policy,
        Case::Score(_) => Interface::Scorer,
        Case::Ask(_) | Case::Read(_) => Interface::Principles,
    };
    let fitting: Vec<&TestedPart> = subject.parts_of(interface).collect();
    let names = || fitting.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ");
    match (case.part().0, &fitting[..]) {
        (_, []) => bail!("{} has no {interface}", subject.name),
        (Some(name), _) => fitting
            .iter()
            .copied()
            .find(|part| part.name == name)
            .with_context(|| format!("`part` is \"{name}\"; expected one of {}", names())),
        // The judge's own comes before the meta RM's.
        (None, [first, ..]) if interface != Interface::Scorer || fitting.len() == 1 => Ok(first),
        (None, _) => bail!("several parts could run it; name one with `part`: {}", names()),
    }
}

/// How a call differs from what its case expects, if it does.
type Verdict = std::result::Result<(), String>;

/// The outer error is the case's own, or the call's.
fn call(part: &TestedPart, golden: &Golden) -> Result<(FuelUsage, Verdict)> {
    let config = part.config_text(golden.case.part().1);
    match &golden.case {
        Case::Parse(case) => {
            let (completion, shown, scale) = parse_arguments(part, case, golden)?;
            let parsed = part.plugin.parse(&config, &ParseRequest::new(&completion, shown, scale))?;
            Ok(judged(&parsed, |parsed| expect::parsed(case, parsed, scale)))
        }
        Case::Render(case) => {
            let prompt = part.plugin.render(&config, &request(part, case)?)?;
            Ok(judged(&prompt, |prompt| {
                let RenderCase { contains, lacks, equals, refuses, .. } = case;
                expect::rendered(
                    &ExpectedPrompt { contains, lacks, equals: equals.as_deref(), refuses: refuses.as_deref() },
                    prompt,
                )
            }))
        }
        Case::Ask(case) => {
            let prompt = part.plugin.ask(&config, &values::query(&case.query)?)?;
            Ok(judged(&prompt, |prompt| {
                let AskCase { contains, lacks, equals, refuses, .. } = case;
                expect::rendered(
                    &ExpectedPrompt { contains, lacks, equals: equals.as_deref(), refuses: refuses.as_deref() },
                    prompt,
                )
            }))
        }
        Case::Read(case) => {
            let finish = finish(case.finish);
            let completion = Completion::of_text(case.completion.clone(), finish);
            let read = part.plugin.read(&config, &completion)?;
            Ok(judged(&read, |read| expect::read(case, read)))
        }
        Case::Next(case) => {
            let task = values::task(&case.task)?;
            let samples = samples(case, task.responses.len())?;
            let step = part.plugin.next(&config, &PolicyInput { task, context: context(part, case)?, samples })?;
            Ok(judged(&step, |step| expect::stepped(case, step)))
        }
        Case::Score(case) => score(part, &config, case),
    }
}

fn judged<T>(metered: &Metered<T>, expect: impl FnOnce(&T) -> Verdict) -> (FuelUsage, Verdict) {
    (FuelUsage::from(metered), expect(&metered.value))
}

/// The arguments of a case for a parser.
pub(crate) fn parse_arguments(
    part: &TestedPart,
    case: &ParseCase,
    golden: &Golden,
) -> Result<(Completion, u32, Scale)> {
    let text = match (&case.completion, &case.completion_file) {
        (Some(text), None) => text.clone(),
        (None, Some(name)) => cases::text_of(&golden.directory, &golden.file.with_file_name(name))?,
        _ => bail!("expected either `completion` or `completion_file`"),
    };
    let counted = case.scores.as_ref().and_then(|scores| u32::try_from(scores.len()).ok());
    let shown = case.shown.or(counted).context("expected `shown`, the number of responses that the prompt showed")?;
    let finish = finish(case.finish);
    let tokens = case.tokens.iter().map(|token| Token {
        text: token.text.clone(),
        logprob: token.logprob,
        alternatives: token
            .alternatives
            .iter()
            .map(|other| Alternative { text: other.text.clone(), logprob: other.logprob })
            .collect(),
    });
    let completion = Completion { tokens: tokens.collect(), ..Completion::of_text(text, finish) };
    Ok((completion, shown, case.scale.map_or(part.scale, Scale::from)))
}

fn finish(case: FinishCase) -> FinishReason {
    match case {
        FinishCase::Stop => FinishReason::Stop,
        FinishCase::Length => FinishReason::Length,
    }
}

fn request(part: &TestedPart, case: &RenderCase) -> Result<RenderRequest> {
    if part.is_meta && case.critique.is_none() {
        bail!("expected `critique`, the completion that the meta RM is to rate");
    }
    Ok(RenderRequest {
        task: values::task(&case.task)?,
        scale: case.scale.map_or(part.scale, Scale::from),
        critique: case.critique.clone(),
        principles: case.principles.iter().map(principle).collect(),
        asked: case.asked.clone(),
        earlier: (0..).zip(&case.earlier).map(|(id, earlier)| self::earlier(id, earlier)).collect(),
    })
}

fn earlier(id: u32, case: &EarlierCase) -> EarlierText {
    EarlierText {
        id,
        judge: case.judge.clone(),
        places: case.places.iter().copied().map(Some).collect(),
        text: case.text.clone(),
    }
}

fn principle(case: &PrincipleCase) -> Principle {
    Principle { name: case.name.clone(), weight: case.weight, text: case.text.clone().unwrap_or_default() }
}

fn samples(case: &NextCase, responses: usize) -> Result<Vec<Sample>> {
    (0..).zip(&case.samples).map(|(id, sample)| self::sample(id, sample, case, responses)).collect()
}

fn sample(id: u32, sample: &SampleCase, case: &NextCase, responses: usize) -> Result<Sample> {
    let outcome = match (&sample.scores, &sample.failure) {
        (Some(scores), None) if scores.len() == responses => {
            Outcome::Scored(scores.iter().map(values::score).collect::<Result<_>>()?)
        }
        (Some(scores), None) => {
            bail!("sample {id} has {} scores for {responses} responses (\"none\" for one not shown)", scores.len())
        }
        (None, Some(kind)) => Outcome::Failed(failure(kind)?),
        _ => bail!("sample {id}: expected either `scores` or `failure`"),
    };
    let rating = match (sample.rating, &sample.rating_failure) {
        (Some(rating), _) => Some(Rating::Rated(rating)),
        (None, Some(kind)) => Some(Rating::Failed(failure(kind)?)),
        (None, None) => None,
    };
    let shown = (0..)
        .zip(sample.scores.iter().flatten())
        .filter(|(_, score)| values::score(score).is_ok_and(|score| score.is_some()));
    let order = match (&sample.order, &outcome) {
        (Some(order), _) => order.clone(),
        (None, Outcome::Scored(_)) => shown.map(|(index, _)| index).collect(),
        (None, Outcome::Failed(_)) => (0..).zip(0..responses).map(|(index, _)| index).collect(),
    };
    let temperature = sample.temperature.or(case.temperature).unwrap_or(TEMPERATURE);
    let criterion = |case: &CriterionCase| -> Result<CriterionScore> {
        let score = values::score(&case.score)?;
        let score =
            score.ok_or_else(|| anyhow!("sample {id}: a criterion has \"none\"; expected a number or \"abstain\""))?;
        Ok(CriterionScore { criterion: case.criterion.clone(), response: case.response, score, reason: None })
    };
    Ok(Sample {
        judge: sample.judge.clone(),
        asked: sample.asked.clone(),
        criteria: sample.criteria.iter().map(criterion).collect::<Result<_>>()?,
        confidence: sample.confidence,
        rating,
        completion_tokens: 100,
        ..Sample::new(id, order, temperature, outcome)
    })
}

fn failure(kind: &str) -> Result<Failure> {
    Ok(Failure { kind: values::failure_kind(kind)?, message: "as the case says".to_owned() })
}

fn context(part: &TestedPart, case: &NextCase) -> Result<PolicyContext> {
    let signals = case.signals.iter().map(|(scorer, scores)| {
        let scores = scores.iter().map(|score| {
            values::score(score)?
                .ok_or_else(|| anyhow!("signal `{scorer}` has \"none\"; expected a number or \"abstain\""))
        });
        Ok(Signal { scorer: scorer.clone(), scores: scores.collect::<Result<_>>()? })
    });
    let drawn = u32::try_from(case.samples.len()).unwrap_or(u32::MAX);
    Ok(PolicyContext {
        scale: case.scale.map_or(part.scale, Scale::from),
        seed: case.seed,
        temperature: case.temperature.unwrap_or(TEMPERATURE),
        samples_left: case.samples_left.unwrap_or(SAMPLES.saturating_sub(drawn)),
        rounds_left: case.rounds_left.unwrap_or(ROUNDS),
        signals: signals.collect::<Result<_>>()?,
        judges: case.judges.iter().map(|name| NamedJudge { name: name.clone(), temperature: TEMPERATURE }).collect(),
        has_own_judge: true,
    })
}

fn score(part: &TestedPart, config: &str, case: &ScoreCase) -> Result<(FuelUsage, Verdict)> {
    let scores = part.plugin.score_responses(config, &values::task(&case.task)?)?;
    Ok(judged(&scores, |scores| expect::scored(case, scores)))
}
