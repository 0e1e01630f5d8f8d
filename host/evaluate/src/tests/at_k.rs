use rand::Rng;
use rand::seq::SliceRandom;

use super::*;
use crate::random::generator;
use crate::{AtK, AtKOptions};

fn options(ks: &[u32], resamples: u32) -> EvaluateOptions {
    let at_k = AtKOptions { ks: ks.to_vec(), resamples, bootstrap: 500, seed: 5 };
    EvaluateOptions { at_k: Some(at_k), ..EvaluateOptions::default() }
}

/// Tasks whose samples name the right one of two responses with probability 0.6, each on its own.
fn simulated(tasks: usize, samples: usize) -> Vec<TaskOutcome> {
    let mut random = generator(11, "simulated judge", 0);
    let mut outcome = |_| {
        let right = random.random_bool(0.6);
        sample(&[0, 1], Ok(if right { scores(&[1.0, 0.0]) } else { scores(&[0.0, 1.0]) }))
    };
    (0..tasks)
        .map(|index| TaskOutcome {
            samples: (0..samples).map(&mut outcome).collect(),
            ..task(&format!("t{index}"), &[], &[0], &[1.0, 0.0])
        })
        .collect()
}

/// The chance that the majority of k votes is right, a drawn vote counting half.
fn exact(k: u32) -> f64 {
    let term = |right: u32| {
        let ways = (0..right).fold(1.0, |ways, i| ways * f64::from(k - i) / f64::from(i + 1));
        let chance = ways * 0.6f64.powi(right as i32) * 0.4f64.powi((k - right) as i32);
        chance
            * if right * 2 > k {
                1.0
            } else if right * 2 == k {
                0.5
            } else {
                0.0
            }
    };
    (0..=k).map(term).sum()
}

#[test]
fn the_majority_of_a_simulated_judge_is_as_accurate_as_the_binomial_distribution_says() {
    assert!((exact(3) - 0.648).abs() < 1e-12, "0.6³ + 3 · 0.6² · 0.4");
    let evaluation = evaluate(options(&[], 20), simulated(4000, 12)).unwrap();
    let ks: Vec<u32> = evaluation.at_k.iter().map(|point| point.k).collect();
    assert_eq!(ks, [1, 2, 4, 8, 12]);
    for AtK { k, accuracy } in evaluation.at_k {
        // The standard error with one subset a task is 0.0078 or less.
        assert!((accuracy.value - exact(k)).abs() < 0.02, "k = {k}: {} but exactly {}", accuracy.value, exact(k));
        assert!(accuracy.low < exact(k) + 0.01 && exact(k) - 0.01 < accuracy.high, "k = {k}: {accuracy:?}");
        let width = 2.0 * 1.96 * (accuracy.value * (1.0 - accuracy.value) / 4000.0).sqrt();
        assert!(accuracy.high - accuracy.low < 1.2 * width, "k = {k}: {accuracy:?}");
    }
}

#[test]
fn the_curve_does_not_depend_on_the_order_or_the_thread_that_tasks_are_measured_in() {
    let tasks = simulated(60, 10);
    let options = options(&[], 15);
    let expected = evaluate(options.clone(), tasks.clone()).unwrap();

    let mut evaluator = Evaluator::new("run", "vote 0.1.0", "model", options).unwrap();
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.shuffle(&mut generator(1, "order", 0));
    let mut measured: Vec<_> = std::thread::scope(|scope| {
        let (evaluator, tasks) = (&evaluator, &tasks);
        let measure = |index: usize| {
            let task = tasks[index].clone();
            (index, evaluator.measure(task, &majority(&tasks[index].samples, 2)))
        };
        let threads: Vec<_> = order
            .chunks(20)
            .map(|part| scope.spawn(move || part.iter().copied().map(measure).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    measured.sort_by_key(|(index, _)| *index);
    measured.into_iter().for_each(|(_, measured)| evaluator.add(measured));
    assert_eq!(evaluator.finish().unwrap(), expected);
}

#[test]
fn a_task_with_fewer_samples_is_left_out_of_that_k() {
    let tasks: Vec<_> = simulated(3, 4).into_iter().chain(simulated(2, 8)).collect();
    let counts = |ks: &[u32]| -> Vec<_> {
        let at_k = evaluate(options(ks, 5), tasks.clone()).unwrap().at_k;
        at_k.into_iter().map(|point| (point.k, point.accuracy.tasks)).collect()
    };
    assert_eq!(counts(&[]), [(1, 5), (2, 5), (4, 5), (8, 2)]);
    assert_eq!(counts(&[16, 6, 3]), [(3, 5), (6, 2)]);
}

#[test]
fn failed_samples_are_drawn_too_and_earn_nothing_alone() {
    let half = TaskOutcome {
        samples: vec![sample(&[0, 1], Ok(scores(&[1.0, 0.0]))), sample(&[0, 1], Err("unparsable"))],
        ..task("t", &[], &[0], &[1.0, 0.0])
    };
    let at_k = evaluate(options(&[], 5), vec![half]).unwrap().at_k;
    let values: Vec<_> = at_k.iter().map(|point| (point.k, point.accuracy.value)).collect();
    assert_eq!(values, [(1, 0.5), (2, 1.0)]);
}

#[test]
fn tasks_without_a_label_have_no_curve_and_do_not_ask_the_policy() {
    let unlabelled = TaskOutcome { correct: vec![], ..simulated(1, 4).remove(0) };
    let mut evaluator = Evaluator::new("run", "vote", "model", options(&[], 5)).unwrap();
    let measured = evaluator.measure(unlabelled, &never);
    evaluator.add(measured);
    assert!(evaluator.finish().unwrap().at_k.is_empty());
}

#[test]
fn numbers_of_0_are_refused() {
    let message = |at_k| {
        let options = EvaluateOptions { at_k: Some(at_k), ..EvaluateOptions::default() };
        Evaluator::new("run", "vote", "model", options).unwrap_err().to_string()
    };
    let good = AtKOptions::default();
    assert_eq!(message(AtKOptions { ks: vec![1, 0], ..good.clone() }), "k: expected at least 1, found 0");
    assert_eq!(message(AtKOptions { resamples: 0, ..good.clone() }), "resamples: expected at least 1, found 0");
    assert_eq!(message(AtKOptions { bootstrap: 0, ..good }), "bootstrap replicates: expected at least 1, found 0");
}
