//! A table of cases by hand: weights, gates, what does not apply, faults, partial replies and batches.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use rewarden_plugin::{
    Context, CriterionScore, Draw, Outcome, Plugin, Policy, Refusal, RejectionKind, Reward, Sample, Scale, Score, Step,
    Task,
};
use rubric_vote::RubricVote;
use voting::fixtures;

const UNIT: Scale = Scale { min: 0.0, max: 1.0, integer: false };

const RUBRIC: &str = r#"{"rubric": [
    {"id": "rule", "text": "Names the rule.", "weight": 3},
    {"id": "tone", "text": "Is civil.", "weight": 1},
    {"id": "safe", "text": "Harms nobody.", "weight": 1, "required": true},
    {"id": "leak", "text": "Repeats private data.", "weight": -2}
]}"#;

fn task(metadata: &str, responses: usize) -> Task {
    Task { metadata: metadata.to_owned(), ..fixtures::task(responses) }
}

fn policy(config: &str) -> RubricVote {
    RubricVote::from_json(config).unwrap()
}

fn context() -> Context {
    Context::of(UNIT)
}

/// A sample of one response with these verdicts; `None` is "n/a".
fn sample(id: u32, verdicts: &[(&str, Option<f64>)]) -> Sample {
    of_response(id, 0, verdicts)
}

fn of_response(id: u32, response: u32, verdicts: &[(&str, Option<f64>)]) -> Sample {
    let criterion = |(criterion, score): &(&str, Option<f64>)| CriterionScore {
        criterion: (*criterion).to_owned(),
        response,
        score: score.map_or_else(|| Score::Abstain("n/a".to_owned()), Score::Value),
        reason: None,
    };
    let outcome = Outcome::Scored(vec![Some(Score::Abstain("by criterion".to_owned())); response as usize + 1]);
    Sample { criteria: verdicts.iter().map(criterion).collect(), ..Sample::of(id, vec![response], outcome) }
}

fn reward(config: &str, samples: &[Sample]) -> Reward {
    fixtures::finish(&policy(config), &task(RUBRIC, 1), &context(), samples)
}

fn score(config: &str, verdicts: &[(&str, Option<f64>)]) -> Score {
    reward(config, &[sample(0, verdicts)]).scores[0].clone()
}

const ALL_MET: [(&str, Option<f64>); 4] =
    [("rule", Some(1.0)), ("tone", Some(1.0)), ("safe", Some(1.0)), ("leak", Some(0.0))];

fn with(id: &str, verdict: Option<f64>) -> Vec<(&'static str, Option<f64>)> {
    ALL_MET.iter().map(|(name, value)| (*name, if *name == id { verdict } else { *value })).collect()
}

#[test]
fn weights_faults_and_gates_come_out_as_by_hand() {
    let cases: [(&str, Option<f64>, f64); 6] = [
        ("rule", Some(1.0), 1.0),
        // 2 of 5.
        ("rule", Some(0.0), 0.4),
        ("rule", Some(0.5), 0.7),
        ("tone", Some(0.0), 0.8),
        // A fault costs its weight: 5 - 2 of 5.
        ("leak", Some(1.0), 0.6),
        // Nothing outweighs a gate.
        ("safe", Some(0.0), 0.0),
    ];
    for (id, verdict, expected) in cases {
        let Score::Value(found) = score("{}", &with(id, verdict)) else { panic!("{id}") };
        assert!((found - expected).abs() < 1e-12, "{id} {verdict:?}: {found}");
    }
    let gated = reward("{}", &[sample(0, &with("safe", Some(0.25)))]);
    assert_eq!(fixtures::text(&gated, "gate_0"), "safe");
    assert_eq!(score(r#"{"pass": 0.25}"#, &with("safe", Some(0.25))), Score::Value(0.85));
}

#[test]
fn what_does_not_apply_is_left_out_counts_as_nought_or_rejects_the_sample() {
    let none = with("tone", None);
    // The rest shares its weight: 4 of 4.
    assert_eq!(score("{}", &none), Score::Value(1.0));
    assert_eq!(score(r#"{"not_applicable": "zero"}"#, &none), Score::Value(0.8));
    let failed = reward(r#"{"not_applicable": "fail"}"#, &[sample(0, &none)]);
    assert_eq!(failed.rejected[0].kind, RejectionKind::NotApplicable);
    assert!(matches!(failed.scores[0], Score::Abstain(_)));
    // A gate that does not apply is open, unless that counts as not met.
    assert_eq!(score("{}", &with("safe", None)), Score::Value(1.0));
    assert_eq!(score(r#"{"not_applicable": "zero"}"#, &with("safe", None)), Score::Value(0.0));
    let nothing: Vec<_> = ALL_MET.iter().map(|(id, _)| (*id, None)).collect();
    assert!(matches!(score("{}", &nothing), Score::Abstain(why) if why.contains("applies")));
}

#[test]
fn an_unknown_a_missing_and_a_doubled_criterion_reject_the_sample_each_by_its_name() {
    let mut unknown = ALL_MET.to_vec();
    unknown.push(("wit", Some(1.0)));
    let mut doubled = ALL_MET.to_vec();
    doubled.push(("RULE", Some(0.0)));
    for (verdicts, kind, name) in [
        (unknown, RejectionKind::UnknownCriterion, "`wit`"),
        (doubled, RejectionKind::RepeatedCriterion, "`RULE`"),
        (ALL_MET[1..].to_vec(), RejectionKind::MissingCriterion, "`rule`"),
        (vec![], RejectionKind::MissingCriterion, "`rule`"),
    ] {
        let reward = reward("{}", &[sample(0, &verdicts)]);
        assert_eq!(reward.rejected[0].kind, kind);
        assert!(reward.rejected[0].message.contains(name), "{:?}", reward.rejected);
        assert!(reward.used.is_empty() && matches!(reward.scores[0], Score::Abstain(_)), "{reward:?}");
    }
    // Case and blanks do not tell names apart.
    let shouted: Vec<_> = ALL_MET.iter().map(|(id, v)| (id.to_uppercase(), *v)).collect();
    let shouted: Vec<_> = shouted.iter().map(|(id, v)| (id.as_str(), *v)).collect();
    assert_eq!(score("{}", &shouted), Score::Value(1.0));
}

#[test]
fn a_garbled_sample_changes_nothing_about_the_others() {
    let good = [sample(0, &with("rule", Some(0.0))), sample(1, &with("rule", Some(0.0)))];
    let config = r#"{"k": 3}"#;
    let mut three = good.to_vec();
    three.push(sample(2, &ALL_MET[1..]));
    let reward = reward(config, &three);
    assert_eq!((reward.used.clone(), reward.rejected.len()), (vec![0, 1], 1));
    assert_eq!(reward.scores, self::reward(r#"{"k": 2}"#, &good).scores);
    assert_eq!(reward.criteria.len(), 4);
}

#[test]
fn verdicts_are_voted_on_before_they_are_weighed() {
    let votes = |values: [f64; 3]| {
        let samples: Vec<Sample> =
            (0..).zip(values).map(|(id, value)| sample(id, &with("rule", Some(value)))).collect();
        samples
    };
    let voted = |aggregate: &str, values| {
        let reward = reward(&format!(r#"{{"k": 3, "aggregate": "{aggregate}"}}"#), &votes(values));
        reward.criteria[0].score.clone()
    };
    assert_eq!(voted("mean", [0.0, 0.75, 0.75]), Score::Value(0.5));
    assert_eq!(voted("median", [0.0, 0.25, 1.0]), Score::Value(0.25));
    assert_eq!(voted("majority", [1.0, 0.0, 1.0]), Score::Value(1.0));
    // Two of three samples say that it does not apply.
    let split = [sample(0, &with("tone", None)), sample(1, &with("tone", None)), sample(2, &with("tone", Some(0.0)))];
    assert_eq!(reward(r#"{"k": 3}"#, &split).scores[0], Score::Value(1.0));
}

#[test]
fn a_long_rubric_is_asked_about_in_batches_and_a_batch_that_failed_leaves_its_weight_unjudged() {
    let config = r#"{"max_criteria": 2, "k": 2}"#;
    let Step::Draw(draws) = policy(config).next(&task(RUBRIC, 1), &context(), &[]).unwrap() else { panic!() };
    let asked: Vec<Vec<String>> = draws.iter().map(|draw: &Draw| draw.asked.clone()).collect();
    let (first, second) = (vec!["rule".to_owned(), "tone".to_owned()], vec!["safe".to_owned(), "leak".to_owned()]);
    assert_eq!(asked, [first.clone(), second.clone(), first.clone(), second.clone()]);
    let batch = |id, asked: &[String], verdicts: &[(&str, Option<f64>)]| Sample {
        asked: asked.to_vec(),
        ..sample(id, verdicts)
    };
    let samples = [
        batch(0, &first, &ALL_MET[..2]),
        batch(1, &second, &ALL_MET[2..]),
        batch(2, &first, &ALL_MET[..1]),
        batch(3, &second, &ALL_MET[2..]),
    ];
    let reward = reward(config, &samples);
    assert_eq!((reward.scores[0].clone(), reward.used.clone()), (Score::Value(1.0), vec![0, 1, 3]));
    // Both samples of the first batch are lost: 3 of 7 are judged.
    let lost = [batch(0, &first, &ALL_MET[..1]), samples[1].clone(), batch(2, &first, &[]), samples[3].clone()];
    assert!(matches!(&self::reward(config, &lost).scores[0], Score::Abstain(why) if why.starts_with("0.429")));
    let lax = r#"{"max_criteria": 2, "k": 2, "minimum": 0.4}"#;
    assert_eq!(self::reward(lax, &lost).scores[0], Score::Value(1.0));
    // A gate that nobody looked at does not open.
    let unguarded = [samples[0].clone(), batch(1, &second, &[]), samples[0].clone(), batch(3, &second, &[])];
    let open = r#"{"max_criteria": 2, "k": 2, "minimum": 0.1}"#;
    assert!(matches!(&self::reward(open, &unguarded).scores[0], Score::Abstain(why) if why.contains("`safe`")));
}

#[test]
fn responses_may_be_shown_one_at_a_time() {
    let config = r#"{"pointwise": true, "k": 2}"#;
    let Step::Draw(draws) = policy(config).next(&task(RUBRIC, 2), &context(), &[]).unwrap() else { panic!() };
    assert_eq!(draws.iter().map(|draw| draw.order.clone()).collect::<Vec<_>>(), [[0], [1], [0], [1]]);
    let samples = [of_response(0, 0, &ALL_MET), of_response(1, 1, &with("rule", Some(0.0)))];
    let samples = [samples[0].clone(), samples[1].clone()]
        .map(|sample| Sample { outcome: Outcome::Scored(vec![None, None]), ..sample });
    let reward = fixtures::finish(&policy(r#"{"pointwise": true}"#), &task(RUBRIC, 2), &context(), &samples);
    assert_eq!(reward.scores, [Score::Value(1.0), Score::Value(0.4)]);
}

#[test]
fn a_task_without_a_rubric_and_a_budget_that_is_too_small_are_refused() {
    let next = |metadata: &str, context: Context| policy(r#"{"k": 9}"#).next(&task(metadata, 2), &context, &[]);
    assert!(matches!(next("{}", context()), Err(Refusal::UnsuitableTask(_))));
    let few = Context { samples_left: 8, ..context() };
    assert!(matches!(next(RUBRIC, few), Err(Refusal::TooFewSamples(why)) if why.contains("9 samples")));
}

proptest::proptest! {
    #[test]
    fn scores_lie_on_the_scale_and_do_not_depend_on_the_order_of_samples(
        verdicts in proptest::collection::vec((0..=4_u32, 0..=4_u32, 0..=4_u32, 0..=5_u32), 1..6),
    ) {
        let value = |number: u32| (number < 5).then(|| f64::from(number) / 4.0);
        let samples: Vec<Sample> = (0..).zip(&verdicts).map(|(id, (a, b, c, d))| {
            sample(id, &[("rule", value(*a)), ("tone", value(*b)), ("safe", value(*c)), ("leak", value(*d))])
        }).collect();
        let config = format!(r#"{{"k": {}}}"#, samples.len());
        let found = reward(&config, &samples).scores;
        if let Score::Value(value) = &found[0] {
            proptest::prop_assert!((0.0..=1.0).contains(value));
        }
        let mut turned = samples.clone();
        turned.reverse();
        proptest::prop_assert_eq!(reward(&config, &turned).scores, found);
    }
}
