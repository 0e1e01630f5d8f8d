//! Decides which verdict a completion gives.

use reading::{counts_if_cut, end_of, excerpt, plain};
use rewarden_plugin::{Completion, ConfigError, ParseFailure, Scale, Score};

use crate::{
    comparisons::Comparisons,
    config::{Bare, Config, Take},
    fault,
    grades::Grades,
    json,
    labels::{Labels, Meaning},
    lines,
    sentences::Sentences,
};

/// What a piece of the text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Label(Meaning),
    /// Responses by their place in shown order from 0.
    Better {
        better: u32,
        worse: u32,
        strong: bool,
    },
    Equal(u32, u32),
}

/// A verdict in the plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub start: usize,
    pub end: usize,
    pub verdict: Verdict,
}

/// The configuration, ready to read with.
#[derive(Debug)]
pub(crate) struct Reader {
    config: Config,
    labels: Labels,
    comparisons: Comparisons,
}

impl Reader {
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        let labels = Labels::new(&config)?;
        let comparisons = Comparisons::new(&config)?;
        Sentences::check(&config)?;
        if labels.responses() < 2 && comparisons.is_empty() {
            let message = "expected labels for at least two responses, or comparisons".to_owned();
            return Err(fault("label_patterns", message));
        }
        let no_sentences = config.spellings.verdicts.is_empty() && config.spellings.tie_verdicts.is_empty();
        if config.bare == Bare::Never && config.spellings.json_field.is_none() && no_sentences && comparisons.is_empty()
        {
            let message = "with `bare` never there is nothing to read: add `verdicts` or `comparisons`".to_owned();
            return Err(fault("bare", message));
        }
        Ok(Reader { config, labels, comparisons })
    }

    /// One score for each of the `shown` responses, in shown order, and how many bytes the verdict takes in the text.
    pub(crate) fn scores(
        &self,
        completion: &Completion,
        shown: u32,
        scale: &Scale,
    ) -> Result<(Vec<Score>, usize), ParseFailure> {
        if shown < 2 {
            let Some(rating) = &self.config.single else {
                return Err(unparsable(
                    "expected at least two responses to choose from, 1 was shown: set `single` to read a rating".into(),
                ));
            };
            return Ok((rating.read(completion, shown, scale)?, 16));
        }
        if self.comparisons.is_empty() && self.labels.responses() < shown {
            return Err(unparsable(format!(
                "expected labels for the {shown} responses shown, found some for {}: add to `labels`",
                self.labels.responses()
            )));
        }
        let fold = !self.config.case_sensitive;
        let text = match &self.config.spellings.json_field {
            Some(name) => match json::field(&completion.text, name) {
                Some(value) => plain(value, fold),
                None => return Err(self.nothing_found(completion)),
            },
            None => plain(&completion.text, fold),
        };
        let found = if self.config.spellings.json_field.is_some() { self.whole(&text) } else { self.deciding(&text)? };
        let Some(found) = found else { return Err(self.nothing_found(completion)) };
        if self.config.spellings.json_field.is_none() && !counts_if_cut(completion, &text, found.start, found.end) {
            let words = excerpt(text.get(found.start..found.end).unwrap_or_default());
            return Err(unparsable(format!(
                "expected a verdict at the end of the text, found `{words}` in the middle of a text that was cut; {}",
                end_of(completion)
            )));
        }
        let words = excerpt(text.get(found.start..found.end).unwrap_or_default());
        Ok((grade(found.verdict, &words, shown, scale)?, found.end - found.start))
    }

    /// The verdict that a text is as a whole.
    fn whole(&self, text: &str) -> Option<Found> {
        let trimmed = text.trim();
        let all = [0, trimmed.len()];
        let label = self.labels.find(trimmed).into_iter().map(|label| Found {
            start: label.start,
            end: label.end,
            verdict: Verdict::Label(label.meaning),
        });
        label.chain(self.comparisons.find(trimmed)).find(|found| [found.start, found.end] == all)
    }

    /// The verdict that counts of those that a text holds.
    fn deciding(&self, text: &str) -> Result<Option<Found>, ParseFailure> {
        let labels = self.labels.find(text);
        if self.config.bare != Bare::Never
            && let [label] = labels.as_slice()
            && label.end - label.start == text.trim().len()
        {
            // Many texts are the label and nothing more; the rules below come to the same with more work.
            return Ok(Some(Found { start: label.start, end: label.end, verdict: Verdict::Label(label.meaning) }));
        }
        let mut all = Sentences::of(&self.config).find(text, &labels);
        all.extend(self.comparisons.find(text));
        if self.config.bare == Bare::Anywhere {
            all.extend(labels.iter().map(|label| Found {
                start: label.start,
                end: label.end,
                verdict: Verdict::Label(label.meaning),
            }));
        }
        if all.is_empty() && self.config.bare == Bare::Line {
            return agreeing(&lines::alone(text, &labels), text);
        }
        match self.config.take {
            Take::Last => Ok(all.iter().max_by_key(|found| (found.end, found.start)).copied()),
            Take::First => Ok(all.iter().min_by_key(|found| (found.start, found.end)).copied()),
            Take::Agreeing => agreeing(&all, text),
        }
    }

    fn nothing_found(&self, completion: &Completion) -> ParseFailure {
        let config = &self.config;
        let mut labels = config.spellings.label_patterns.clone();
        labels.extend(config.spellings.labels.iter().flatten().cloned());
        labels.extend(config.spellings.ties.iter().cloned());
        let mut looked_for = Vec::new();
        if let Some(name) = &config.spellings.json_field {
            looked_for.push(format!("a JSON field `{name}` with one of {}", list(&labels)));
            labels.extend(config.spellings.comparisons.iter().cloned());
        } else {
            if !config.spellings.verdicts.is_empty() || !config.spellings.tie_verdicts.is_empty() {
                let sentences =
                    [config.spellings.verdicts.as_slice(), config.spellings.tie_verdicts.as_slice()].concat();
                looked_for.push(format!("a sentence like {}", list(&sentences)));
            }
            if !config.spellings.comparisons.is_empty() {
                looked_for.push(format!("a comparison like {}", list(&config.spellings.comparisons)));
            }
            match config.bare {
                Bare::Anywhere => looked_for.push(format!("a label like {}", list(&labels))),
                Bare::Line => looked_for.push(format!("a label like {} on a line of its own", list(&labels))),
                Bare::Never => {}
            }
        }
        unparsable(format!("expected {}, found none; {}", looked_for.join(", or "), end_of(completion)))
    }
}

/// The one thing that all verdicts say.
fn agreeing(all: &[Found], text: &str) -> Result<Option<Found>, ParseFailure> {
    let Some(last) = all.last() else { return Ok(None) };
    match all.iter().find(|found| found.verdict != last.verdict) {
        None => Ok(Some(*last)),
        Some(other) => {
            let quote = |found: &Found| excerpt(text.get(found.start..found.end).unwrap_or_default());
            Err(unparsable(format!("expected one verdict, found both `{}` and `{}`", quote(other), quote(last))))
        }
    }
}

fn grade(verdict: Verdict, words: &str, shown: u32, scale: &Scale) -> Result<Vec<Score>, ParseFailure> {
    let Some(grades) = Grades::on(scale) else {
        return Err(unparsable(format!(
            "expected a scale with two scores to tell a winner by, found {} to {}: correct the pack's [scale]",
            scale.min, scale.max
        )));
    };
    let known = |response: u32| match response < shown {
        true => Ok(response),
        false => Err(unparsable(format!("expected the label of one of {shown} responses, found `{words}`"))),
    };
    let with = |best: Option<u32>, best_grade: f64, others: f64| {
        (0..shown).map(|response| Score::Value(if Some(response) == best { best_grade } else { others })).collect()
    };
    match verdict {
        Verdict::Label(Meaning::TieOrResponse(response)) if response < shown => Err(unparsable(format!(
            "`{words}` is a tie and the label of response {} of {shown}: take it out of `ties`",
            response + 1
        ))),
        Verdict::Label(Meaning::Tie | Meaning::TieOrResponse(_)) => Ok(with(None, grades.tie, grades.tie)),
        Verdict::Label(Meaning::Response(best)) => Ok(with(Some(known(best)?), grades.best, grades.worst)),
        Verdict::Better { .. } | Verdict::Equal(..) if shown != 2 => {
            Err(unparsable(format!("expected a verdict on {shown} responses, found `{words}`, which compares two")))
        }
        Verdict::Equal(one, other) => {
            different(known(one)?, known(other)?, words)?;
            Ok(with(None, grades.tie, grades.tie))
        }
        Verdict::Better { better, worse, strong } => {
            different(known(better)?, known(worse)?, words)?;
            Ok(match strong {
                true => with(Some(better), grades.best, grades.worst),
                false => with(Some(better), grades.slightly_better, grades.slightly_worse),
            })
        }
    }
}

fn different(one: u32, other: u32, words: &str) -> Result<(), ParseFailure> {
    match one == other {
        true => Err(unparsable(format!("expected a comparison of two responses, found `{words}`"))),
        false => Ok(()),
    }
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn unparsable(message: String) -> ParseFailure {
    ParseFailure::Unparsable(message)
}
