//! Made-up runs for tests.

use std::collections::BTreeMap;

use rewarden_evaluate::{
    AtK, Bar, BothOrders, Evaluation, Figures, Finding, Gain, Group, JudgeVotes, ProtocolResult, ProtocolRow,
    Reliability, ReliabilityBin, Share, StrategyAccuracy, Voting,
};

use crate::task::{BrowsedCriterion, BrowsedMessage, BrowsedPrinciple, BrowsedRun, BrowsedSample, BrowsedTask};

fn share(value: f64, half: f64, tasks: u64) -> Share {
    Share { value, low: (value - half).max(0.0), high: (value + half).min(1.0), tasks }
}

pub(crate) fn figures(tasks: u64, accuracy: f64) -> Figures {
    Figures {
        tasks,
        labelled: tasks,
        failed_tasks: BTreeMap::from([("no_valid_sample".to_owned(), 2)]),
        accuracy: Some(share(accuracy, 0.04, tasks)),
        tie_rate: Some(0.08),
        samples: tasks * 32,
        valid: tasks * 32 - 150,
        failures: BTreeMap::from([("unparsable".to_owned(), 120), ("wrong_count".to_owned(), 30)]),
        swap_consistency: Some(share(0.81, 0.02, tasks * 8)),
        first_shown_wins: Some(share(0.56, 0.01, tasks * 30)),
        tokens_per_task: Some(11_240.5),
        seconds_per_task: Some(48.2),
    }
}

pub(crate) fn evaluation(name: &str, index: usize) -> Evaluation {
    let base = 0.62 + 0.03 * (index % 5) as f64;
    let at_k = [1u32, 2, 4, 8, 16, 32].iter().enumerate().map(|(step, k)| AtK {
        k: *k,
        accuracy: share(base + 0.05 * (1.0 - 0.6f64.powi(step as i32)), 0.05 - 0.004 * step as f64, 200),
    });
    let bars = |scale: f64, peak: f64| {
        (0..10)
            .map(|bar| {
                let centre = f64::from(bar) + 0.5;
                let count = |at: f64| (300.0 * (-(centre - at).powi(2) / 5.0).exp()) as u64;
                let (from, to) = (f64::from(bar) * scale, f64::from(bar + 1) * scale);
                Bar { from, to, correct: count(peak), wrong: count(peak - 2.5), unlabelled: 0 }
            })
            .collect()
    };
    Evaluation {
        name: name.to_owned(),
        digest: None,
        policy: "vote 0.1.0".to_owned(),
        model: "SmolLM2-135M-Instruct.Q8_0.gguf".to_owned(),
        overall: figures(200, base + 0.05),
        by: vec!["subset".to_owned()],
        groups: ["Adversarial", "Natural"]
            .iter()
            .map(|group| Group { values: vec![(*group).to_owned()], figures: figures(100, base) })
            .collect(),
        at_k: at_k.collect(),
        scores: bars(32.0, 7.0),
        sample_scores: bars(1.0, 6.5),
        reward_reliability: Some(reliability()),
        sample_reliability: None,
        protocol: Some(ProtocolResult {
            protocol: "rewardbench",
            rule: "Unparsable and tied count half; sections are means over their subsets' tasks.",
            rows: vec![ProtocolRow { level: "section", name: "Chat Hard".into(), score: base, tasks: 200 }],
            total: None,
        }),
        voting: Some(Voting {
            judges: vec!["judge <i>".into()],
            strategies: "strategy".into(),
            rows: vec![JudgeVotes {
                judge: vec!["small & <b>odd".into()],
                items: 134,
                left_out: 0,
                strategies: vec![StrategyAccuracy {
                    strategy: "<CoT>".into(),
                    accuracy: share(0.381, 0.05, 134),
                    samples: 268,
                }],
                both_orders: Some(BothOrders {
                    accuracy: Some(share(0.123, 0.04, 120)),
                    coverage: share(0.644, 0.03, 134),
                }),
                majority: Some(share(0.16, 0.05, 134)),
                vote: Some(share(0.257, 0.04, 134)),
                gain: Some(Gain { value: -0.097, low: -0.131, high: -0.061 }),
                finding: Finding::Hurts,
                words: "majority hurts: a single vote is right in 25.7 %".into(),
            }],
        }),
    }
}

pub(crate) fn reliability() -> Reliability {
    let bin = |from: f64, confidence, value| ReliabilityBin {
        from,
        to: from + 0.1,
        count: 50,
        confidence,
        accuracy: share(value, 0.05, 50),
    };
    Reliability { bins: vec![bin(0.5, 0.55, 0.5), bin(0.8, 0.85, 0.7)], count: 100, error: 0.1 }
}

fn criterion() -> BrowsedCriterion {
    BrowsedCriterion { criterion: "tone <i>".into(), response: 1, score: Some(0.5) }
}

pub(crate) fn task(number: usize) -> BrowsedTask {
    let scores = vec![Some(7.0), Some(9.0), None];
    BrowsedTask {
        id: format!("task-{number}"),
        conversation: vec![BrowsedMessage {
            role: "user".into(),
            content: format!("Question {number}?\nIn two lines."),
        }],
        responses: vec!["First answer".into(), "Second answer".into(), "Third answer".into()],
        preferred: Some(number % 3),
        reference: Some("The second".into()),
        fields: BTreeMap::from([("subset".into(), "Natural".into())]),
        runs: vec![BrowsedRun {
            run: "vote".into(),
            scores: Some(scores.clone()),
            best: Some(1),
            tied: vec![],
            criteria: vec![criterion()],
            confidence: Some(0.75),
            principles: vec![],
            error: None,
            samples: vec![BrowsedSample {
                id: 0,
                judge: Some("strong".into()),
                order: vec![2, 0, 1],
                scores: Some(scores),
                failure: None,
                thinking: Some("Let me see.".into()),
                text: Some("Principles…\nScores: 7, 9".into()),
                critique: Some("The second is better.".into()),
                principles: vec![BrowsedPrinciple {
                    name: "Clarity".into(),
                    weight: Some(0.3),
                    text: "Be clear.".into(),
                }],
                criteria: vec![criterion()],
                confidence: Some(0.5),
                rating: Some(0.75),
                tokens: Some(412),
                seconds: Some(1.25),
            }],
        }],
    }
}

/// Fails unless every tag of `xml` is closed in order, every attribute quoted and every `&` part of an entity.
pub(crate) fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').expect("a tag that does not end") + start;
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "unbalanced quotes in <{tag}>");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if let Some(closing) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closing.trim()), "at {tag:?}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    for (at, _) in xml.match_indices('&') {
        assert!(xml[at..].split(';').next().is_some_and(|entity| entity.len() < 8), "a bare & at {at}");
    }
}

/// The texts of an SVG, still escaped.
pub(crate) fn texts(svg: &str) -> Vec<String> {
    svg.split("<text").skip(1).map(|text| text.split(['>', '<']).nth(1).unwrap_or_default().trim().to_owned()).collect()
}
