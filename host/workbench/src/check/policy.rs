//! Laws of policies, on made-up judges.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::SliceRandom;
use rewarden_judge::accepted_reward;
use rewarden_runtime::Interface;
use rewarden_types::{
    Context, CriterionScore, Draw, Failure, FailureKind, NamedJudge, Outcome, PolicyInput, Rating, Reward, Sample,
    Scale, Score, Signal, Step, TaskView, shown,
};
use serde_json::json;

use super::Checked;
use super::made_up::MadeUp;
use super::quote;
use super::tally::{CheckTally, Report};
use crate::values;

/// Most samples and steps of a made-up task.
const SAMPLES: u32 = 40;
const ROUNDS: u32 = 24;

/// The laws, and what became of the tasks.
struct Laws {
    runs: CheckTally,
    budget: CheckTally,
    orders: CheckTally,
    rates: CheckTally,
    finishes: CheckTally,
    reward: CheckTally,
    order_free: CheckTally,
    refused: u32,
}

pub(super) fn check(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut laws = Laws {
        runs: CheckTally::law("never traps or runs over a limit"),
        budget: CheckTally::law("draws at least one sample and no more than are left"),
        orders: CheckTally::law(
            "asks judges of the pack about responses that there are, each at most once, at a temperature of at least 0",
        ),
        rates: CheckTally::law("has only samples rated that were drawn, and only where there is a meta RM"),
        finishes: CheckTally::law("finishes or refuses when its rounds are over"),
        reward: CheckTally::law(
            "gives one finite score for each response, of samples that were drawn, and rejects none that it uses",
        ),
        order_free: CheckTally::note("the reward does not depend on the order of the samples"),
        refused: 0,
    };
    for _ in 0..checked.cases {
        if [&laws.runs, &laws.budget, &laws.orders, &laws.rates, &laws.finishes, &laws.reward]
            .iter()
            .any(|law| law.is_settled())
        {
            break;
        }
        Run::new(checked, made_up).play_out(checked, made_up, &mut laws, report);
    }
    let refused = laws.refused;
    for tally in [laws.runs, laws.budget, laws.orders, laws.rates, laws.finishes, laws.reward, laws.order_free] {
        report.add(tally);
    }
    if refused > 0 {
        report.remark(format!(
            "it refused {refused} of the made-up tasks, whose budgets are from 0 to {SAMPLES} samples"
        ));
    }
}

/// How a made-up judge answers.
#[derive(Clone, Copy, Debug)]
enum Temper {
    /// Every sample is valid.
    Sound,
    /// Some fail, some abstain.
    Shaky,
    /// Every sample fails.
    Broken,
    /// Every score is the same.
    Indifferent,
}

/// One made-up task on its way to a reward.
struct Run {
    task: TaskView,
    /// Ids of the criteria that the task brings; empty if it has no rubric.
    rubric: Vec<String>,
    context: Context,
    samples: Vec<Sample>,
    temper: Temper,
}

impl Run {
    fn new(checked: &Checked, made_up: &mut MadeUp) -> Self {
        let responses = made_up.random.random_range(1..=5);
        let mut task = made_up.task(responses);
        let mut rubric = Vec::new();
        if made_up.once_in(2) {
            let criteria = made_up.rubric();
            rubric.extend(criteria.iter().filter_map(|criterion| criterion.get("id")?.as_str().map(str::to_owned)));
            task.metadata = json!({ "rubric": criteria }).to_string().into();
        }
        let scale = checked.part.scale;
        let scorers = checked.subject.parts_of(Interface::Scorer);
        let signals = scorers.map(|scorer| Signal {
            scorer: scorer.name.trim_start_matches("scorers.").to_owned(),
            scores: (0..responses).map(|_| Score::Value(made_up.random.random_range(0.0..=1.0))).collect(),
        });
        let signals = signals.collect();
        let named = |name: &String| NamedJudge { name: name.clone(), temperature: 0.5 };
        let context = Context {
            scale,
            seed: made_up.random.random(),
            temperature: 0.5,
            samples_left: made_up.random.random_range(0..=SAMPLES),
            rounds_left: made_up.random.random_range(0..=ROUNDS),
            signals,
            judges: checked.subject.judges.iter().map(named).collect(),
            has_own_judge: checked.subject.asks,
        };
        let temper = match made_up.random.random_range(0..8) {
            0 => Temper::Broken,
            1 => Temper::Indifferent,
            2..=4 => Temper::Shaky,
            _ => Temper::Sound,
        };
        Self { task, rubric, context, samples: Vec::new(), temper }
    }

    fn drawn(&self) -> u32 {
        u32::try_from(self.samples.len()).unwrap_or(u32::MAX)
    }

    fn input(&self, samples: Vec<Sample>) -> PolicyInput {
        PolicyInput { task: self.task.clone(), context: self.context.clone(), samples }
    }

    /// Everything that decides the next step, for counterexamples.
    fn described(&self) -> String {
        format!(
            "after the samples {:?}\nin the context {:?}\nof {}",
            self.samples,
            self.context,
            quote::task(&self.task)
        )
    }

    fn play_out(mut self, checked: &Checked, made_up: &mut MadeUp, laws: &mut Laws, report: &mut Report) {
        loop {
            let called = checked.part.plugin.next(&checked.config, &self.input(self.samples.clone()));
            let step = match report.value(called) {
                Err(error) => return laws.runs.case(Err(format!("{error}\n{}", self.described()))),
                Ok(Err(_)) => {
                    laws.runs.case(Ok(()));
                    laws.refused += 1;
                    return;
                }
                Ok(Ok(step)) => step,
            };
            laws.runs.case(Ok(()));
            let described = |error: String| format!("{error}\nit {}\n{}", values::step_text(&step), self.described());
            if self.context.rounds_left == 0 {
                let finished = matches!(step, Step::Finish(_));
                let why = || described("no rounds were left, so it had to finish".to_owned());
                laws.finishes.case(if finished { Ok(()) } else { Err(why()) });
                if !finished {
                    return;
                }
            }
            let held = match &step {
                Step::Draw(draws) => {
                    let budget = budget(draws, self.context.samples_left).map_err(described);
                    let orders =
                        orders(draws, self.task.responses.len()).and_then(|()| self.judges(draws)).map_err(described);
                    let held = budget.is_ok() && orders.is_ok();
                    laws.budget.case(budget);
                    laws.orders.case(orders);
                    held
                }
                Step::Rate(ids) => {
                    let rates = self.ratable(ids, checked.subject.rates).map_err(described);
                    let held = rates.is_ok();
                    laws.rates.case(rates);
                    held
                }
                Step::Finish(reward) => {
                    let whole = accepted_reward(reward, self.task.responses.len(), self.drawn()).map_err(described);
                    if whole.is_ok() {
                        self.shuffled(reward, checked, made_up, laws, report);
                    }
                    laws.reward.case(whole);
                    false
                }
            };
            if !held {
                return;
            }
            match step {
                Step::Draw(draws) => draws.into_iter().for_each(|draw| self.draw(draw, made_up)),
                Step::Rate(ids) => self.rate(&ids, made_up),
                Step::Finish(_) => return,
            }
            self.context.rounds_left = self.context.rounds_left.saturating_sub(1);
        }
    }

    fn judges(&self, draws: &[Draw]) -> Result<(), String> {
        for draw in draws {
            match &draw.judge {
                Some(name) if self.context.judges.iter().all(|judge| judge.name != *name) => {
                    return Err(format!("the pack has no judge `{}`", shown(name)));
                }
                None if !self.context.has_own_judge => return Err("the pack has no judge of its own".to_owned()),
                _ => {}
            }
            if let Some(unknown) = draw.show.iter().find(|id| **id >= self.drawn()) {
                return Err(format!("there is no sample {unknown} to show"));
            }
        }
        Ok(())
    }

    fn ratable(&self, ids: &[u32], has_meta: bool) -> Result<(), String> {
        if !has_meta {
            return Err("the pack has no meta RM that could rate".to_owned());
        }
        match ids.iter().find(|id| **id as usize >= self.samples.len()) {
            Some(unknown) => Err(format!("there is no sample {unknown}")),
            None if ids.is_empty() => Err("a step must name at least one sample".to_owned()),
            None => Ok(()),
        }
    }

    fn draw(&mut self, draw: Draw, made_up: &mut MadeUp) {
        let scale = self.context.scale;
        let outcome = match self.temper {
            Temper::Broken => Outcome::Failed(failed()),
            Temper::Shaky if made_up.once_in(4) => Outcome::Failed(failed()),
            temper => {
                let mut scores = vec![None; self.task.responses.len()];
                for index in &draw.order {
                    let score = match temper {
                        Temper::Shaky if made_up.once_in(8) => Score::Abstain("made up".to_owned()),
                        Temper::Indifferent => Score::Value(scale.min),
                        _ => Score::Value(made_up_score(scale, made_up)),
                    };
                    if let Some(place) = scores.get_mut(*index as usize) {
                        *place = Some(score);
                    }
                }
                Outcome::Scored(scores)
            }
        };
        let criteria = match &outcome {
            Outcome::Scored(_) => self.criteria(&draw, made_up),
            Outcome::Failed(_) => Vec::new(),
        };
        let sure = matches!(outcome, Outcome::Scored(_)) && made_up.once_in(2);
        let confidence = sure.then(|| made_up.between(0.0, 1.0));
        let id = self.drawn();
        let temperature = draw.temperature.unwrap_or(self.context.temperature);
        let (judge, asked) = (draw.judge, draw.asked);
        let made = Sample::new(id, draw.order, temperature, outcome);
        self.samples.push(Sample { judge, asked, criteria, confidence, ..made });
        self.context.samples_left = self.context.samples_left.saturating_sub(1);
    }

    /// What a judge says by criterion of what it was asked; a shaky one leaves one out, says one twice or makes one up.
    fn criteria(&self, draw: &Draw, made_up: &mut MadeUp) -> Vec<CriterionScore> {
        let asked = self.rubric.iter().filter(|id| draw.asked.is_empty() || draw.asked.contains(id));
        let mut names: Vec<String> = asked.cloned().collect();
        if matches!(self.temper, Temper::Shaky) && made_up.once_in(3) {
            match made_up.random.random_range(0..3) {
                0 => drop(names.pop()),
                1 => names.extend(names.first().cloned()),
                _ => names.push(made_up.words()),
            }
        }
        let mut criteria = Vec::new();
        for response in &draw.order {
            for name in &names {
                let score = if made_up.once_in(10) {
                    Score::Abstain("made up".to_owned())
                } else {
                    Score::Value(made_up_score(self.context.scale, made_up))
                };
                criteria.push(CriterionScore { criterion: name.clone(), response: *response, score, reason: None });
            }
        }
        criteria
    }

    fn rate(&mut self, ids: &[u32], made_up: &mut MadeUp) {
        for id in ids {
            let rating = if matches!(self.temper, Temper::Shaky) && made_up.once_in(6) {
                Rating::Failed(failed())
            } else {
                Rating::Rated(made_up.random.random_range(0.0..=1.0))
            };
            if let Some(sample) = self.samples.get_mut(*id as usize) {
                sample.rating = Some(rating);
            }
        }
    }

    /// The same samples under other ids should give the same reward, where a policy does not mean their order.
    fn shuffled(&self, reward: &Reward, checked: &Checked, made_up: &mut MadeUp, laws: &mut Laws, report: &mut Report) {
        let mut samples = self.samples.clone();
        samples.shuffle(&mut made_up.random);
        for (id, sample) in (0..).zip(&mut samples) {
            sample.id = id;
        }
        if samples.len() < 2 {
            return;
        }
        let called = checked.part.plugin.next(&checked.config, &self.input(samples.clone()));
        let outcome = match report.value(called) {
            Err(error) => Err(error),
            Ok(Err(refusal)) => Err(values::refused_text(&refusal)),
            Ok(Ok(Step::Finish(other))) if same(&other.scores, &reward.scores) => Ok(()),
            Ok(Ok(step)) => Err(format!("it {}", values::step_text(&step))),
        };
        laws.order_free.case(outcome.map_err(|other| {
            let first = values::step_text(&Step::Finish(reward.clone()));
            format!("it {first}\n{}\nbut with the samples in the order {samples:?}\n{other}", self.described())
        }));
    }
}

/// To the last bit, whatever the reasons for abstaining.
fn same(a: &[Score], b: &[Score]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|pair| match pair {
            (Score::Value(a), Score::Value(b)) => a == b,
            (Score::Abstain(_), Score::Abstain(_)) => true,
            _ => false,
        })
}

fn failed() -> Failure {
    Failure { kind: FailureKind::Unparsable, message: "made up".to_owned() }
}

fn made_up_score(scale: Scale, made_up: &mut MadeUp) -> f64 {
    let value = made_up.between(scale.min, scale.max);
    if scale.integer { value.round().max(scale.min.ceil()).min(scale.max.floor()) } else { value }
}

fn budget(draws: &[Draw], left: u32) -> Result<(), String> {
    if draws.is_empty() {
        return Err("a step must draw at least one sample".to_owned());
    }
    if draws.len() > left as usize {
        return Err(format!("{left} samples were left"));
    }
    Ok(())
}

fn orders(draws: &[Draw], responses: usize) -> Result<(), String> {
    for draw in draws {
        let distinct: BTreeSet<u32> = draw.order.iter().copied().collect();
        let fits = !draw.order.is_empty()
            && distinct.len() == draw.order.len()
            && distinct.iter().all(|index| (*index as usize) < responses);
        if !fits {
            return Err(format!("the order {:?} does not fit {responses} responses", draw.order));
        }
        if let Some(temperature) = draw.temperature.filter(|value| !value.is_finite() || *value < 0.0) {
            return Err(format!("the temperature is {temperature}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_that_the_host_would_refuse_breaks_a_law() {
        let draw = |order: &[u32]| Draw { order: order.to_vec(), ..Draw::default() };
        assert!(budget(&[], 3).is_err() && budget(&[draw(&[0]), draw(&[0])], 1).is_err());
        assert!(budget(&[draw(&[0])], 1).is_ok() && orders(&[draw(&[1, 0])], 2).is_ok());
        for order in [&[][..], &[0, 0], &[2]] {
            assert!(orders(&[draw(order)], 2).is_err(), "{order:?}");
        }
        assert!(orders(&[Draw { order: vec![0], temperature: Some(f64::NAN), ..Draw::default() }], 1).is_err());
    }

    #[test]
    fn a_reward_that_the_host_would_refuse_breaks_a_law() {
        let reward = |scores: &[f64], used: &[u32]| Reward {
            scores: scores.iter().copied().map(Score::Value).collect(),
            used: used.to_vec(),
            ..Reward::default()
        };
        let whole = accepted_reward;
        assert!(whole(&reward(&[1.0, 2.0], &[0]), 2, 1).is_ok());
        assert!(whole(&reward(&[1.0], &[0]), 2, 1).is_err());
        assert!(whole(&reward(&[1.0, f64::NAN], &[0]), 2, 1).is_err());
        assert!(whole(&reward(&[1.0, 2.0], &[1]), 2, 1).is_err());
    }
}
