//! Cohorts over a judge that pays numbers.

use std::sync::Mutex as Seen;

use rewarden_types::{Message, Role};

use super::*;

/// Cohorts whose judge pays each response the number that it is, and remembers what it judged under which version.
struct Judging {
    cohorts: Cohorts<u32>,
    judged: Arc<Seen<Vec<(u32, Task)>>>,
    incomplete: Counter,
}

fn judging(change: impl FnOnce(&mut ServerLimits)) -> Judging {
    let mut limits = ServerLimits { cohort_time: Duration::from_secs(30), ..ServerLimits::default() };
    change(&mut limits);
    let (judged, incomplete) = (Arc::<Seen<Vec<(u32, Task)>>>::default(), Counter::default());
    let seen = judged.clone();
    let judge = move |version: Arc<u32>, task: Task| -> BoxFuture<'static, Result<Answer, Problem>> {
        seen.lock().unwrap().push((*version, task.clone()));
        Box::pin(async move { answer(&task) })
    };
    let cohorts = Cohorts::new(Box::new(judge), incomplete.clone(), &limits);
    Judging { cohorts, judged, incomplete }
}

fn answer(task: &Task) -> Result<Answer, Problem> {
    if task.responses.iter().any(|response| &**response == "broken") {
        return Err(Problem::new(ProblemKind::Model, "no model answers"));
    }
    let scores: Vec<Option<f64>> = task.responses.iter().map(|response| response.parse().ok()).collect();
    let abstained = (0..scores.len()).filter(|index| scores[*index].is_none());
    Ok(Answer {
        id: task.id.as_str().into(),
        best: Some(0),
        tied: Vec::new(),
        k: 1,
        valid: 1,
        failures: BTreeMap::new(),
        used: vec![0],
        abstained: abstained.map(|index| (index, "no number".to_owned())).collect(),
        criteria: Vec::new(),
        confidence: None,
        sampled: Vec::new(),
        scale: (0.0, 1.0),
        details: Map::new(),
        error: None,
        pack: rewarden_dialects::PackLabel::default(),
        scores,
    })
}

fn member(version: u32, question: &str, response: &str) -> PreparedTask<u32> {
    let metadata = [("group".to_owned(), Value::from("g")), ("own".to_owned(), Value::from(response))];
    let task = Task {
        id: String::new(),
        messages: [Message { role: Role::User, content: question.to_owned() }].into(),
        responses: [response.into()].into(),
        reference: None,
        preferred: None,
        metadata: Map::from_iter(metadata),
    };
    PreparedTask { version: Arc::new(version), task, id: None, changes: Changes::default() }
}

fn cohort(key: &str, size: u32) -> Cohort {
    Cohort { key: key.to_owned(), size, deadline: None }
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("not within two seconds");
}

impl Judging {
    async fn join(&self, version: u32, key: &str, size: u32, response: &str) -> Result<Answer, Problem> {
        self.cohorts.join("p", member(version, "q", response), cohort(key, size), &Caller::default()).await
    }
}

#[tokio::test]
async fn members_are_judged_once_in_the_order_of_their_texts_by_the_first_one_s_version() {
    let judging = judging(|_| {});
    let (c, a, b) =
        tokio::join!(judging.join(1, "g", 3, "3"), judging.join(2, "g", 3, "1"), judging.join(2, "g", 3, "none"));
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert_eq!((&a.scores, &b.scores, &c.scores), (&vec![Some(1.0)], &vec![None], &vec![Some(3.0)]));
    assert_eq!(b.abstained, BTreeMap::from([(0, "no number".to_owned())]));
    assert_eq!((&b.details["cohort_size"], &b.details["cohort_members"]), (&Value::from(3), &Value::from(3)));
    // The best response is the first in the judge's order, which is that of the texts.
    assert_eq!((a.best, b.best, c.best), (Some(0), None, None));
    let judged = judging.judged.lock().unwrap();
    let [(version, task)] = judged.as_slice() else { panic!("{} judgements", judged.len()) };
    assert_eq!((*version, &*task.responses), (1, &["1", "3", "none"].map(Arc::from)[..]));
    assert_eq!(task.metadata, Map::from_iter([("group".to_owned(), Value::from("g"))]), "what all agree on");
    assert!(task.id.starts_with("g-"), "{}", task.id);
    assert_eq!(judging.cohorts.waiting(), 0);
}

#[tokio::test]
async fn a_problem_of_the_judge_is_every_member_s() {
    let judging = judging(|_| {});
    let (a, b) = tokio::join!(judging.join(1, "g", 2, "1"), judging.join(1, "g", 2, "broken"));
    assert_eq!((a.unwrap_err().kind, b.unwrap_err().kind), (ProblemKind::Model, ProblemKind::Model));
}

#[tokio::test]
async fn groups_of_other_keys_packs_and_callers_are_other_groups() {
    let judging = judging(|limits| limits.cohort_time = Duration::from_millis(50));
    let caller = |key: &str| Caller { key: Some(key.to_owned()), request: String::new() };
    let (first, second) = (caller("first"), caller("second"));
    let join = |pack, key, caller| judging.cohorts.join(pack, member(1, "q", "1"), cohort(key, 2), caller);
    let answers = tokio::join!(
        join("p", "g", &first),
        join("p", "h", &first),
        join("other", "g", &first),
        join("p", "g", &second)
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer.unwrap().details["cohort_members"], 1);
    }
    assert_eq!((judging.incomplete.get(), judging.judged.lock().unwrap().len()), (4, 4));
}

#[tokio::test]
async fn a_deadline_judges_those_who_came_or_fails_them_as_the_operator_says() {
    let short = |limits: &mut ServerLimits| limits.cohort_time = Duration::from_millis(20);
    let judges = judging(short);
    let (a, b) = tokio::join!(judges.join(1, "g", 3, "1"), judges.join(1, "g", 3, "2"));
    assert_eq!((a.unwrap().details["cohort_members"].clone(), b.unwrap().scores), (2.into(), vec![Some(2.0)]));
    let fails = judging(|limits| {
        short(limits);
        limits.partial_groups = PartialGroups::Fail;
    });
    let problem = fails.join(1, "g", 3, "1").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Timeout);
    assert!(problem.detail.starts_with("1 of the 3 members of cohort `g` came within 0.0 s"), "{}", problem.detail);
    assert!(fails.judged.lock().unwrap().is_empty());
    assert_eq!((judges.incomplete.get(), fails.incomplete.get()), (1, 1));
    // The key is free for another group.
    assert_eq!(fails.join(1, "g", 1, "5").await.unwrap().scores, [Some(5.0)]);
}

#[tokio::test]
async fn a_member_that_does_not_fit_is_refused_and_the_group_goes_on() {
    let judging = judging(|limits| limits.responses = 4);
    let (cohorts, caller) = (&judging.cohorts, Caller::default());
    let others = async {
        until(|| cohorts.waiting() == 1).await;
        let mut refused = Vec::new();
        for (question, size) in [("another", 2), ("q", 3), ("q", 5)] {
            let joining = cohorts.join("p", member(1, question, "1"), cohort("g", size), &caller);
            refused.push(joining.await.unwrap_err());
        }
        let pointers: Vec<&str> = refused.iter().filter_map(|problem| problem.pointer.as_deref()).collect();
        assert_eq!(pointers, ["/messages", "/cohort/size", "/cohort/size"]);
        judging.join(1, "g", 2, "2").await
    };
    let (first, last) = tokio::join!(judging.join(1, "g", 2, "1"), others);
    assert_eq!((first.unwrap().scores, last.unwrap().scores), (vec![Some(1.0)], vec![Some(2.0)]));
    assert_eq!(cohorts.waiting(), 0);
}

#[tokio::test]
async fn a_member_whose_client_left_is_taken_out_and_an_empty_group_is_forgotten() {
    let judging = Arc::new(judging(|_| {}));
    let spawn = |response: &'static str| {
        let judging = judging.clone();
        tokio::spawn(async move { judging.join(1, "g", 2, response).await })
    };
    let leaving = spawn("9");
    until(|| judging.cohorts.waiting() == 1).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    assert_eq!((judging.cohorts.waiting(), judging.cohorts.shared.lock().open.len()), (0, 0));
    let (a, b) = tokio::join!(spawn("1"), spawn("2"));
    assert_eq!((a.unwrap().unwrap().scores, b.unwrap().unwrap().scores), (vec![Some(1.0)], vec![Some(2.0)]));
    assert_eq!(judging.judged.lock().unwrap()[0].1.responses, ["1", "2"].map(Arc::from).into());
}

#[tokio::test]
async fn beyond_the_members_that_may_wait_others_are_refused() {
    let judging = judging(|limits| limits.cohort_members = 1);
    let others = async {
        until(|| judging.cohorts.waiting() == 1).await;
        let refused = judging.join(1, "h", 2, "1").await.unwrap_err();
        assert_eq!((refused.kind, refused.retry_after), (ProblemKind::Overloaded, Some(1)));
    };
    tokio::select! {
        _ = judging.join(1, "g", 2, "1") => panic!("nobody completes the group"),
        () = others => {}
    }
}
