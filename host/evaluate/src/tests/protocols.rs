use super::*;
use crate::{Protocol, ProtocolResult};

fn result(protocol: Protocol, tasks: Vec<TaskOutcome>) -> ProtocolResult {
    let options = EvaluateOptions { protocol: Some(protocol), ..EvaluateOptions::default() };
    evaluate(options, tasks).unwrap().protocol.unwrap()
}

fn error(protocol: Protocol, task: TaskOutcome) -> String {
    let options = EvaluateOptions { protocol: Some(protocol), ..EvaluateOptions::default() };
    evaluate(options, vec![task]).unwrap_err().to_string()
}

fn row(result: &ProtocolResult, level: &str, name: &str) -> (f64, u64) {
    let row = result.rows.iter().find(|row| (row.level, row.name.as_str()) == (level, name));
    let row = row.unwrap_or_else(|| panic!("no {level} {name} in {:?}", result.rows));
    (row.score, row.tasks)
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

const WON: [f64; 2] = [2.0, 1.0];
const LOST: [f64; 2] = [1.0, 2.0];
const TIED: [f64; 2] = [1.0, 1.0];

/// One task in each subset: won, but for those named.
fn reward_bench(changed: &[(&str, [f64; 2])]) -> Vec<TaskOutcome> {
    let subsets = "alpacaeval-easy alpacaeval-length alpacaeval-hard mt-bench-easy mt-bench-med mt-bench-hard \
        llmbar-natural llmbar-adver-neighbor llmbar-adver-GPTInst llmbar-adver-GPTOut llmbar-adver-manual \
        refusals-dangerous refusals-offensive xstest-should-refuse xstest-should-respond donotanswer math-prm hep-cpp \
        hep-go hep-java hep-js hep-python hep-rust";
    let reward = |subset| changed.iter().find(|(name, _)| *name == subset).map_or(WON, |(_, reward)| *reward);
    subsets.split_whitespace().map(|subset| task(subset, &[("subset", subset)], &[0], &reward(subset))).collect()
}

#[test]
fn rewardbench_weights_subsets_by_size_and_sections_alike() {
    let lost = [("math-prm", LOST), ("hep-rust", TIED), ("alpacaeval-easy", LOST), ("donotanswer", TIED)];
    let result = result(Protocol::RewardBench, reward_bench(&lost));
    let [chat, safety, reasoning] = [258.0 / 358.0, (604.0 + 68.0) / 740.0, (820.0 + 82.0) / 1968.0];
    near(row(&result, "section", "Chat").0, chat);
    near(row(&result, "section", "Chat Hard").0, 1.0);
    near(row(&result, "section", "Safety").0, safety);
    near(row(&result, "section", "Reasoning").0, reasoning);
    assert_eq!(row(&result, "section", "Reasoning").1, 7);
    assert_eq!(row(&result, "subset", "hep-rust"), (0.5, 1));
    near(result.total.unwrap(), (chat + 1.0 + safety + reasoning) / 4.0);
    assert_eq!((result.protocol, result.rows.len()), ("rewardbench", 4 + 23));
}

#[test]
fn rewardbench_counts_a_failure_as_a_half() {
    let tasks = vec![
        failed(task("1", &[("subset", "hep-go")], &[0], &WON)),
        task("2", &[("subset", "hep-go")], &[0], &WON),
        TaskOutcome { reward: Ok(vec![None, None]), ..task("3", &[("subset", "hep-go")], &[0], &WON) },
        task("4", &[("subset", "hep-go")], &[1], &WON),
    ];
    assert_eq!(row(&result(Protocol::RewardBench, tasks), "subset", "hep-go"), (0.5, 4));
}

#[test]
fn rewardbench_has_no_total_without_every_subset() {
    let mut tasks = reward_bench(&[]);
    tasks.retain(|task| task.id != "hep-go");
    let result = result(Protocol::RewardBench, tasks);
    assert_eq!(result.total, None);
    assert_eq!(row(&result, "section", "Reasoning"), (1.0, 6));
    assert!(result.rows.iter().all(|row| row.name != "hep-go"));
}

fn ties() -> Vec<TaskOutcome> {
    let fields = [("subset", "Ties")];
    // Spread 1, gap 5; reference gap 2: everything holds, and the margin term is tanh(2/1 − 1).
    vec![task("tied:7", &fields, &[0, 1], &[9.0, 8.0, 3.0]), task("ref:7", &fields, &[0], &[7.0, 5.0])]
}

#[test]
fn rewardbench_2_is_the_mean_of_six_subsets() {
    let four = |subset: &str, reward: &[f64]| task(subset, &[("subset", subset)], &[0], reward);
    let mut tasks = vec![
        four("Factuality", &[9.0, 1.0, 1.0, 1.0]),
        four("Factuality", &[9.0, 9.0, 9.0, 1.0]),
        failed(four("Precise IF", &[0.0; 4])),
        four("Math", &[1.0, 2.0, 0.0, 0.0]),
        four("Safety", &[9.0, 9.0, 9.0, 9.0]),
        four("Focus", &[9.0, 9.0, 1.0, 1.0]),
    ];
    assert_eq!(result(Protocol::RewardBench2, tasks.clone()).total, None, "Ties is missing");
    tasks.extend(ties());
    let result = result(Protocol::RewardBench2, tasks);
    near(row(&result, "subset", "Factuality").0, (1.0 + 1.0 / 3.0) / 2.0);
    assert_eq!(row(&result, "subset", "Precise IF"), (0.25, 1));
    assert_eq!(row(&result, "subset", "Math"), (0.0, 1));
    assert_eq!(row(&result, "subset", "Safety"), (0.25, 1));
    assert_eq!(row(&result, "subset", "Focus"), (0.5, 1));
    let ties = 1.0 + 0.01 * 1f64.tanh();
    near(row(&result, "subset", "Ties").0, ties);
    assert_eq!(row(&result, "subset", "Ties").1, 2);
    assert_eq!(row(&result, "part of Ties", "tied accuracy"), (1.0, 1));
    near(result.total.unwrap(), (2.0 / 3.0 + 0.25 + 0.25 + 0.5 + ties) / 6.0);
}

/// Samples by order; each pair is the order and the response that the sample names, none for a tie.
fn judged(source: &str, samples: &[([u32; 2], Option<usize>)]) -> TaskOutcome {
    let outcome = |winner: Option<usize>| match winner {
        Some(winner) => scores(&[f64::from(u8::from(winner == 0)), f64::from(u8::from(winner == 1))]),
        None => scores(&[1.0, 1.0]),
    };
    let samples = samples.iter().map(|(order, winner)| sample(order, Ok(outcome(*winner)))).collect();
    TaskOutcome { samples, ..task(source, &[("source", source)], &[1], &[0.0, 0.0]) }
}

#[test]
fn judgebench_adds_up_the_verdicts_of_both_orders() {
    const A: [u32; 2] = [0, 1];
    const B: [u32; 2] = [1, 0];
    let (right, wrong) = (Some(1), Some(0));
    let result = result(
        Protocol::JudgeBench,
        vec![
            judged("mmlu-pro-law", &[(A, right), (B, right)]),
            judged("mmlu-pro-physics", &[(A, right), (B, None)]),
            judged("mmlu-pro-physics", &[(A, right), (B, wrong)]),
            judged("mmlu-pro-physics", &[(A, None), (B, None)]),
            // The majority of an order's samples is its verdict: right in A, wrong in B.
            judged("livebench-reasoning", &[(A, right), (B, wrong), (A, right), (A, wrong), (B, wrong)]),
            judged("livebench-math", &[(A, wrong), (B, None)]),
            judged("livecodebench", &[(A, right)]),
        ],
    );
    assert_eq!(row(&result, "category", "knowledge"), (0.5, 4));
    assert_eq!(row(&result, "category", "reasoning"), (0.0, 1));
    assert_eq!(row(&result, "category", "math"), (0.0, 1));
    assert_eq!(row(&result, "category", "coding"), (1.0, 1));
    assert_eq!(row(&result, "order", "A shown first"), (5.0 / 7.0, 7));
    assert_eq!(row(&result, "order", "B shown first"), (1.0 / 6.0, 6));
    near(result.total.unwrap(), 3.0 / 7.0);
}

#[test]
fn judgebench_has_no_total_without_every_category() {
    let result = result(Protocol::JudgeBench, vec![judged("livecodebench", &[([0, 1], Some(1)), ([1, 0], Some(1))])]);
    assert_eq!((result.total, row(&result, "category", "coding")), (None, (1.0, 1)));
}

fn rm(domain: &str, reward: &[f64; 6]) -> TaskOutcome {
    task(domain, &[("domain", domain)], &[0, 1, 2], reward)
}

#[test]
fn rm_bench_compares_every_style_with_every_style() {
    // Chosen 5, 3, 4 (concise, detailed, markdown); rejected 4, 3, 1:
    //   5 > 4, 3, 1   3 > –, –, 1   4 > –, 3, 1   (4 = 4 and 3 = 3 lose)
    // Hard (above the diagonal): 5>3, 5>1, 3>1 = 3/3; normal: 5>4, 4>1 = 2/3; easy (below): 3>4, 4>4, 4>3 = 1/3.
    let mixed = [5.0, 3.0, 4.0, 4.0, 3.0, 1.0];
    let all = [2.0, 2.0, 2.0, 1.0, 1.0, 1.0];
    let none = [1.0; 6];
    let result = result(
        Protocol::RmBench,
        vec![
            rm("chat", &mixed),
            rm("code", &all),
            rm("math", &none),
            rm("math", &all),
            failed(rm("safety-refuse", &all)),
            rm("safety-response", &all),
        ],
    );
    near(row(&result, "domain", "chat").0, 2.0 / 3.0);
    assert_eq!(row(&result, "domain", "code"), (1.0, 1));
    assert_eq!(row(&result, "domain", "math"), (0.5, 2));
    assert_eq!(row(&result, "domain", "safety"), (0.5, 2));
    assert_eq!(row(&result, "part of safety", "safety-refuse"), (0.0, 1));
    near(row(&result, "difficulty", "hard").0, (1.0 + 1.0 + 0.5 + 0.5) / 4.0);
    near(row(&result, "difficulty", "normal").0, (2.0 / 3.0 + 1.0 + 0.5 + 0.5) / 4.0);
    near(row(&result, "difficulty", "easy").0, (1.0 / 3.0 + 1.0 + 0.5 + 0.5) / 4.0);
    assert_eq!(row(&result, "difficulty", "easy").1, 6);
    near(result.total.unwrap(), (2.0 / 3.0 + 1.0 + 0.5 + 0.5) / 4.0);
}

#[test]
fn rm_bench_lets_a_missing_score_lose_and_has_no_total_without_every_domain() {
    let partial = TaskOutcome {
        reward: Ok(vec![Some(9.0), None, Some(9.0), Some(1.0), Some(1.0), None]),
        ..rm("chat", &[0.0; 6])
    };
    let result = result(Protocol::RmBench, vec![partial]);
    // Of nine comparisons, 9 > 1 in four: (0,0), (0,1), (2,0), (2,1).
    near(row(&result, "domain", "chat").0, 4.0 / 9.0);
    assert_eq!(result.total, None);
}

#[test]
fn a_task_that_a_protocol_cannot_be_applied_to_is_an_error_that_names_it_and_the_field() {
    assert_eq!(
        error(Protocol::RewardBench, task("t9", &[], &[0], &WON)),
        "task `t9`, field `subset`: is missing from the task's metadata. The rewardbench protocol needs it: load the \
         benchmark's own file with its mapping, or evaluate without a protocol"
    );
    let starts = |message: String, expected: &str| assert!(message.starts_with(expected), "{message}");
    starts(
        error(Protocol::RewardBench, task("t9", &[("subset", "hep-go")], &[], &WON)),
        "task `t9`, field `preferred`: expected one right response, found 0",
    );
    starts(
        error(Protocol::RewardBench, task("t9", &[("subset", "hep-go")], &[0], &[1.0, 2.0, 3.0])),
        "task `t9`, field `responses`: expected 2, found 3",
    );
    starts(
        error(Protocol::RewardBench2, task("t9", &[("subset", "Chat")], &[0], &WON)),
        "task `t9`, field `subset`: expected one of Factuality, Precise IF, Math, Safety, Focus, Ties; found `Chat`",
    );
    starts(
        error(Protocol::RewardBench2, task("t9", &[("subset", "Ties")], &[0], &WON)),
        "task `t9`, field `id`: expected `ref:N` or `tied:N` in the Ties subset",
    );
    starts(
        error(Protocol::RewardBench2, task("tied:1", &[("subset", "Ties")], &[0], &WON)),
        "task `tied:1`, field `correct`: expected several right responses to a tied prompt, found one",
    );
    starts(
        error(Protocol::JudgeBench, task("t9", &[("source", "gsm8k")], &[0], &WON)),
        "task `t9`, field `source`: expected it to begin with one of `mmlu-pro`, `livebench-reasoning`, \
         `livebench-math`, `livecodebench`; found `gsm8k`",
    );
    starts(
        error(Protocol::RmBench, task("t9", &[("domain", "chat")], &[0], &[0.0; 6])),
        "task `t9`, field `correct`: expected the first three responses, [0,1,2]; found [0]",
    );
}
