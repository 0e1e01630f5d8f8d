//! The loop without a policy, a model or a plugin: steps are written down, samples made up.

use proptest::prelude::*;
use rewarden_types::{Draw, Message, Outcome, Role, Score};

use super::*;

fn task(responses: usize) -> TaskView {
    TaskView {
        messages: vec![Message { role: Role::User, content: "q".into() }].into(),
        responses: (0..responses).map(|index| Arc::from(index.to_string())).collect(),
        reference: None,
        metadata: "{}".into(),
    }
}

fn terms() -> Terms {
    Terms {
        scale: Scale { min: 1.0, max: 10.0, integer: true },
        seed: 7,
        temperature: 0.5,
        budget: Budget { max_samples: 8, max_rounds: 4 },
        has_own_judge: true,
        judges: Arc::from([]),
        can_rate: true,
    }
}

fn rounds(terms: Terms) -> Rounds {
    Rounds::new(task(2), Arc::from([]), terms)
}

fn draw(order: &[u32], temperature: Option<f64>) -> Draw {
    Draw { order: order.to_vec(), temperature, ..Draw::default() }
}

fn draws(count: usize) -> Step {
    Step::Draw(vec![draw(&[0, 1], None); count])
}

fn reward(used: Vec<u32>) -> Reward {
    Reward { scores: vec![Score::Value(1.0), Score::Value(2.0)], used, ..Reward::default() }
}

/// The sample that a driver makes of what is wanted.
fn sample(wanted: &Wanted) -> Sample {
    let outcome = Outcome::Scored(vec![Some(Score::Value(3.0)), Some(Score::Value(4.0))]);
    Sample::new(wanted.id, wanted.order.indices().to_vec(), wanted.temperature, outcome)
}

/// Takes one step, and hands in what it wants.
fn step(rounds: &mut Rounds, step: Step) -> Result<Next, String> {
    rounds.ask().map_err(|failure| failure.message)?;
    let next = rounds.answer(step).map_err(|failure| failure.message)?;
    match &next {
        Next::Draw(wanted) => wanted.iter().for_each(|wanted| rounds.drew(sample(wanted))),
        Next::Rate(indices) => indices.iter().for_each(|index| rounds.rated(*index, Rating::Rated(0.5))),
        Next::Finish(_) => {}
    }
    Ok(next)
}

#[test]
fn samples_are_numbered_and_seeded_by_their_place_whatever_round_asks_for_them() {
    let (mut one, mut two) = (rounds(terms()), rounds(terms()));
    step(&mut one, draws(4)).unwrap();
    step(&mut two, draws(1)).unwrap();
    let Ok(Next::Draw(rest)) = step(&mut two, draws(3)) else { panic!("expected draws") };
    assert_eq!(rest.iter().map(|wanted| (wanted.id, wanted.round)).collect::<Vec<_>>(), [(1, 2), (2, 2), (3, 2)]);
    assert_eq!(rest[0].seed, sample_seed(7, 1));
    assert_eq!(one.input.samples, two.input.samples);
}

#[test]
fn the_policy_is_told_what_is_left() {
    let mut rounds = rounds(terms());
    let left = |input: &PolicyInput| (input.context.samples_left, input.context.rounds_left, input.samples.len());
    assert_eq!(left(&rounds.ask().unwrap()), (8, 3, 0));
    let Ok(Next::Draw(wanted)) = rounds.answer(draws(3)) else { panic!("expected draws") };
    wanted.iter().for_each(|wanted| rounds.drew(sample(wanted)));
    assert_eq!(left(&rounds.ask().unwrap()), (5, 2, 3));
}

#[test]
fn a_policy_that_does_not_finish_fails_the_task() {
    let mut rounds = rounds(terms());
    for _ in 0..4 {
        step(&mut rounds, draws(1)).unwrap();
    }
    let refused = step(&mut rounds, Step::Finish(reward(vec![]))).unwrap_err();
    assert_eq!(refused, "the policy did not finish within 4 rounds (raise the limit with --max-rounds)");
}

#[test]
fn what_cannot_be_done_is_refused_after_what_makes_no_sense() {
    let none = Terms { has_own_judge: false, can_rate: false, ..terms() };
    let refused = |step_: Step| step(&mut rounds(none.clone()), step_).unwrap_err();
    assert_eq!(
        refused(draws(9)),
        "the policy asked for 9 samples, 8 are left of the budget (raise it with --max-samples)"
    );
    assert_eq!(refused(draws(1)), "the policy asked for samples, but the pack has no [template] and [parser]");
    let no_meta = "the policy asked for ratings, but the pack names no meta RM ([meta] in pack.toml)";
    assert_eq!(refused(Step::Rate(vec![0])), no_meta);
    assert_eq!(refused(Step::Rate(vec![])), no_meta);
}

#[test]
fn a_sample_is_rated_once() {
    let mut rounds = rounds(terms());
    step(&mut rounds, draws(3)).unwrap();
    assert_eq!(step(&mut rounds, Step::Rate(vec![2, 0, 2])), Ok(Next::Rate(vec![0, 2])));
    assert_eq!(step(&mut rounds, Step::Rate(vec![0, 1, 2])), Ok(Next::Rate(vec![1])));
}

#[test]
fn samples_that_are_given_leave_no_budget_and_show_no_rating_before_it_is_asked_for() {
    let mut source = rounds(terms());
    step(&mut source, draws(2)).unwrap();
    step(&mut source, Step::Rate(vec![0, 1])).unwrap();
    let mut given = Rounds::over(task(2), Arc::from([]), source.input.samples.clone(), terms());
    let asked = given.ask().unwrap();
    assert_eq!((asked.samples.len(), asked.context.samples_left), (2, 0));
    assert!(asked.samples.iter().all(|sample| sample.rating.is_none()));
    assert_eq!(given.answer(Step::Rate(vec![1])), Ok(Next::Rate(vec![1])));
}

#[test]
fn whoever_still_holds_what_was_asked_keeps_it_as_it_was() {
    let mut rounds = rounds(terms());
    let asked = rounds.ask().unwrap();
    let Ok(Next::Draw(wanted)) = rounds.answer(draws(1)) else { panic!("expected draws") };
    rounds.drew(sample(&wanted[0]));
    assert!(asked.samples.is_empty());
}

/// Steps that a policy may take, sensible or not.
fn any_step() -> impl Strategy<Value = Step> {
    let order = prop::collection::vec(0..3_u32, 0..3);
    let temperature = prop::option::of(prop_oneof![Just(0.0), Just(1.0), Just(-1.0), Just(f64::NAN)]);
    let draw = (order, temperature).prop_map(|(order, temperature)| Draw { order, temperature, ..Draw::default() });
    prop_oneof![
        3 => prop::collection::vec(draw, 0..4).prop_map(Step::Draw),
        3 => (1..4_usize).prop_map(draws),
        2 => prop::collection::vec(0..6_u32, 0..4).prop_map(Step::Rate),
        1 => prop::collection::vec(0..6_u32, 0..3).prop_map(|used| Step::Finish(reward(used))),
    ]
}

/// What a task's loop wanted, step by step, and how it ended.
fn trace(rounds: &mut Rounds, steps: &[Step]) -> Vec<String> {
    steps.iter().map(|next| format!("{:?}", step(rounds, next.clone()))).collect()
}

proptest! {
    #[test]
    fn a_loop_that_is_stopped_and_started_again_at_any_step_comes_to_the_same_end(
        steps in prop::collection::vec(any_step(), 1..6),
        stop in 0..6_usize,
    ) {
        let stop = stop.min(steps.len());
        let whole = trace(&mut rounds(terms()), &steps);
        // A second process has nothing but the samples and ratings of the first, and asks the policy from the start.
        let mut first = rounds(terms());
        trace(&mut first, &steps[..stop]);
        let kept = first.input.samples.clone();
        let mut second = rounds(terms());
        let again = trace(&mut second, &steps);
        prop_assert_eq!(whole, again);
        for (was, is) in kept.iter().zip(&second.input.samples) {
            prop_assert_eq!((was.id, &was.order, &was.outcome), (is.id, &is.order, &is.outcome));
        }
    }

    #[test]
    fn no_policy_gets_more_samples_or_rounds_than_the_budget_or_a_sample_rated_twice(
        steps in prop::collection::vec(any_step(), 1..12),
    ) {
        let mut rounds = rounds(terms());
        let mut rated = std::collections::BTreeSet::new();
        let mut taken = 0;
        for next in steps {
            match step(&mut rounds, next) {
                Ok(Next::Rate(indices)) => {
                    for index in indices {
                        prop_assert!(index < rounds.input.samples.len());
                        prop_assert!(rated.insert(index), "sample {} is rated twice", index);
                    }
                }
                Ok(Next::Draw(wanted)) => prop_assert!(!wanted.is_empty()),
                Ok(Next::Finish(reward)) => {
                    prop_assert!(reward.used.iter().all(|used| *used < rounds.drawn()));
                }
                Err(_) => break,
            }
            taken += 1;
        }
        prop_assert!(rounds.drawn() <= 8 && taken <= 4);
        let numbered = rounds.input.samples.iter().enumerate().all(|(index, sample)| sample.id as usize == index);
        prop_assert!(numbered);
    }

    #[test]
    fn ratings_may_arrive_in_any_order(order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle()) {
        let mut rounds = rounds(terms());
        step(&mut rounds, draws(4)).unwrap();
        rounds.ask().unwrap();
        rounds.answer(Step::Rate(vec![0, 1, 2, 3])).unwrap();
        for index in order {
            rounds.rated(index, Rating::Rated(index as f64));
        }
        let ratings: Vec<_> = rounds.input.samples.iter().map(|sample| sample.rating.clone()).collect();
        prop_assert_eq!(ratings, (0..4).map(|index| Some(Rating::Rated(f64::from(index)))).collect::<Vec<_>>());
    }
}
