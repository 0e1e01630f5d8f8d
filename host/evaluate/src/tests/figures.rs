use super::*;
use crate::Bar;

#[test]
fn accuracy_is_the_mean_credit_of_labelled_tasks() {
    let evaluation = evaluate(
        EvaluateOptions::default(),
        vec![
            task("won", &[], &[0], &[2.0, 1.0]),
            task("lost", &[], &[0], &[1.0, 2.0]),
            task("tied", &[], &[0], &[1.0, 1.0]),
            task("three tied, two of them right", &[], &[0, 1], &[1.0, 1.0, 1.0]),
            failed(task("failed", &[], &[0], &[1.0, 2.0])),
            task("no label", &[], &[], &[1.0, 2.0]),
            task("no rival", &[], &[0], &[1.0]),
        ],
    )
    .unwrap();
    let figures = evaluation.overall;
    assert_eq!((figures.tasks, figures.labelled), (7, 5));
    let accuracy = figures.accuracy.unwrap();
    assert!((accuracy.value - (1.0 + 0.5 + 2.0 / 3.0) / 5.0).abs() < 1e-12);
    assert_eq!((accuracy.low, accuracy.high), crate::wilson(accuracy.value, 5.0));
    assert_eq!(accuracy.tasks, 5);
    assert_eq!(figures.tie_rate, Some(0.4));
    assert_eq!(figures.failed_tasks, BTreeMap::from([("no_valid_samples".to_owned(), 1)]));
}

#[test]
fn a_run_without_labels_has_no_accuracy_rather_than_0() {
    let figures = evaluate(EvaluateOptions::default(), vec![task("t", &[], &[], &[1.0, 2.0])]).unwrap().overall;
    assert_eq!((figures.accuracy, figures.tie_rate, figures.swap_consistency), (None, None, None));
    assert_eq!((figures.first_shown_wins, figures.tokens_per_task, figures.seconds_per_task), (None, None, None));
}

#[test]
fn groups_are_sorted_and_a_missing_field_is_a_group_of_its_own() {
    let options = EvaluateOptions { by: vec!["subset".into(), "lang".into()], ..EvaluateOptions::default() };
    let evaluation = evaluate(
        options,
        vec![
            task("1", &[("subset", "math"), ("lang", "en")], &[0], &[2.0, 1.0]),
            task("2", &[("subset", "chat"), ("lang", "en")], &[0], &[1.0, 2.0]),
            task("3", &[("subset", "math"), ("lang", "en")], &[0], &[1.0, 2.0]),
            task("4", &[("lang", "en")], &[0], &[2.0, 1.0]),
        ],
    )
    .unwrap();
    let groups: Vec<_> = evaluation
        .groups
        .iter()
        .map(|group| (group.values.join("/"), group.figures.tasks, group.figures.accuracy.unwrap().value))
        .collect();
    let expected = [("chat/en".to_owned(), 1, 0.0), ("math/en".to_owned(), 2, 0.5), ("–/en".to_owned(), 1, 1.0)];
    assert_eq!(groups, expected);
    assert_eq!(evaluation.by, ["subset", "lang"]);
}

#[test]
fn samples_are_counted_by_what_they_came_to_and_cost_is_a_mean_over_tasks() {
    let costly = |tokens, seconds, outcome| SampleOutcome {
        completion_tokens: Some(tokens),
        seconds: Some(seconds),
        ..sample(&[0, 1], outcome)
    };
    let first = TaskOutcome {
        samples: vec![costly(100, 1.0, Ok(scores(&[2.0, 1.0]))), costly(50, 2.0, Err("unparsable"))],
        ..task("1", &[], &[0], &[2.0, 1.0])
    };
    let second = TaskOutcome {
        samples: vec![costly(50, 5.0, Err("unparsable")), sample(&[0, 1], Err("model_error"))],
        ..task("2", &[], &[0], &[2.0, 1.0])
    };
    let unrecorded = task("3", &[], &[0], &[2.0, 1.0]);
    let figures = evaluate(EvaluateOptions::default(), vec![first, second, unrecorded]).unwrap().overall;
    assert_eq!((figures.samples, figures.valid), (4, 1));
    assert_eq!(figures.failures, BTreeMap::from([("model_error".to_owned(), 1), ("unparsable".to_owned(), 2)]));
    assert_eq!((figures.tokens_per_task, figures.seconds_per_task), (Some(100.0), Some(4.0)));
}

#[test]
fn swaps_and_first_places_are_shares_of_all_samples() {
    let consistent = vec![sample(&[0, 1], Ok(scores(&[2.0, 1.0]))), sample(&[1, 0], Ok(scores(&[2.0, 1.0])))];
    let biased = vec![sample(&[0, 1], Ok(scores(&[2.0, 1.0]))), sample(&[1, 0], Ok(scores(&[1.0, 2.0])))];
    let tasks = [consistent.clone(), consistent.clone(), consistent, biased];
    let tasks = tasks.map(|samples| TaskOutcome { samples, ..task("t", &[], &[0], &[2.0, 1.0]) });
    let figures = evaluate(EvaluateOptions::default(), tasks.to_vec()).unwrap().overall;
    let swap = figures.swap_consistency.unwrap();
    assert_eq!((swap.value, swap.tasks), (0.75, 4));
    assert_eq!((swap.low, swap.high), crate::wilson(0.75, 4.0), "one pair a task");
    assert_eq!(figures.first_shown_wins.unwrap().value, 5.0 / 8.0);
}

#[test]
fn histograms_tell_final_scores_from_those_of_samples_and_right_ones_from_wrong_ones() {
    let labelled = TaskOutcome {
        samples: vec![sample(&[0, 1], Ok(vec![Some(8.0), None])), sample(&[0, 1], Err("unparsable"))],
        ..task("1", &[], &[0], &[8.0, 9.0])
    };
    let evaluation = evaluate(EvaluateOptions::default(), vec![labelled, task("2", &[], &[], &[9.0, 9.0])]).unwrap();
    let bar = |from, correct, wrong, unlabelled| Bar { from, to: from + 1.0, correct, wrong, unlabelled };
    assert_eq!(evaluation.scores, [bar(7.5, 1, 0, 0), bar(8.5, 0, 1, 2)]);
    assert_eq!(evaluation.sample_scores, [bar(7.5, 1, 0, 0)]);
}

#[test]
fn numbers_that_do_not_fit_together_are_an_error_that_names_the_task() {
    let good = || task("bad", &[], &[0], &[1.0, 2.0]);
    let message = |task| evaluate(EvaluateOptions::default(), vec![task]).unwrap_err().to_string();
    assert_eq!(
        message(TaskOutcome { correct: vec![2], ..good() }),
        "task `bad`: the label names response 2, but there are only 2"
    );
    assert_eq!(
        message(TaskOutcome { reward: Ok(scores(&[1.0])), ..good() }),
        "task `bad`: its reward has 1 scores for 2 responses; expected one for each"
    );
    assert_eq!(
        message(TaskOutcome { reward: Ok(scores(&[1.0, f64::NAN])), ..good() }),
        "task `bad`: its reward has a score of NaN; expected a finite number"
    );
    assert_eq!(
        message(TaskOutcome { samples: vec![sample(&[0, 2], Err("x"))], ..good() }),
        "task `bad`: sample 0 shows response 2, but there are only 2"
    );
    assert_eq!(
        message(TaskOutcome { responses: 0, ..good() }),
        "task `bad`: expected at least one response, found none"
    );
}
