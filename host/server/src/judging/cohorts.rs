//! Groups whose members come one by one and are judged together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use prometheus_client::metrics::counter::Counter;
use rewarden_dialects::{Answer, AnswerCriterion, Cohort, Problem, ProblemKind};
use rewarden_types::Task;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::judging::admission::{Admission, AdmissionPermit};
use crate::judging::fingerprint;
use crate::judging::prepared::PreparedTask;
use crate::judging::rewards::Caller;
use crate::live::{Changes, PackVersion};
use crate::settings::{PartialGroups, ServerLimits};

/// Judges a group as one task.
pub(crate) type JudgeGroup<V> = dyn Fn(Arc<V>, Task) -> BoxFuture<'static, Result<Answer, Problem>> + Send + Sync;

/// The groups that wait for members. `V` is a version of a pack.
pub(crate) struct Cohorts<V = PackVersion> {
    shared: Arc<Shared<V>>,
}

struct Shared<V> {
    judge: Box<JudgeGroup<V>>,
    waiting: Admission,
    longest: Duration,
    partial: PartialGroups,
    /// Counts the cohorts whose deadline came before their last member.
    incomplete: Counter,
    responses: usize,
    groups: Mutex<Groups<V>>,
}

struct Groups<V> {
    open: HashMap<GroupKey, Group<V>>,
    started: u64,
}

/// A group's name. Clients do not meet in one group, whatever they call theirs.
#[derive(Clone, PartialEq, Eq, Hash)]
struct GroupKey {
    caller: Option<String>,
    pack: String,
    key: String,
}

struct Group<V> {
    number: u64,
    /// The first member's: a pack that is swapped meanwhile does not split the group.
    version: Arc<V>,
    changes: Changes,
    size: usize,
    /// The first member's. The others must agree with it on all but the response and the metadata.
    task: Task,
    /// All references of the first member, which the others must have too.
    references: Vec<Arc<str>>,
    members: Vec<Member>,
    arrived: u64,
    timer: Option<JoinHandle<()>>,
}

struct Member {
    number: u64,
    id: Option<Value>,
    response: Arc<str>,
    metadata: Map<String, Value>,
    answer: oneshot::Sender<Result<Answer, Problem>>,
}

/// A member's place in its group. Takes the member out if its client leaves before the group is complete.
struct Membership<V> {
    shared: Arc<Shared<V>>,
    key: GroupKey,
    group: u64,
    member: u64,
    _waiting: AdmissionPermit,
}

impl<V: Send + Sync + 'static> Cohorts<V> {
    pub(crate) fn new(judge: Box<JudgeGroup<V>>, incomplete: Counter, limits: &ServerLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                judge,
                waiting: Admission::new(
                    "wait for the rest of their cohorts",
                    "--max-cohort-members",
                    limits.cohort_members,
                ),
                longest: limits.cohort_time,
                partial: limits.partial_groups,
                incomplete,
                responses: limits.responses,
                groups: Mutex::new(Groups { open: HashMap::new(), started: 0 }),
            }),
        }
    }

    /// The number of members that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.waiting.inside()
    }

    /// Waits until the group is complete or its deadline is over, and returns this member's share of the judgement.
    ///
    /// # Errors
    ///
    /// The member does not fit the group, too many members wait, or the group stays incomplete and the operator wants no such
    /// group judged.
    pub(crate) async fn join(
        &self,
        pack: &str,
        prepared: PreparedTask<V>,
        cohort: Cohort,
        caller: &Caller,
    ) -> Result<Answer, Problem> {
        let size = cohort.size as usize;
        if size > self.shared.responses {
            let detail = format!(
                "expected 1 to {}, the most responses of a task (--max-responses), found {size}",
                self.shared.responses
            );
            return Err(Problem::at("/cohort/size", detail));
        }
        let waiting = self.shared.waiting.admit(1)?;
        let key = GroupKey { caller: caller.key.clone(), pack: pack.to_owned(), key: cohort.key };
        let (sender, receiver) = oneshot::channel();
        let deadline = cohort.deadline.unwrap_or(self.shared.longest).min(self.shared.longest);
        let (group, member) = self.shared.add(&key, prepared, size, deadline, sender)?;
        let _membership = Membership { shared: self.shared.clone(), key, group, member, _waiting: waiting };
        let lost = |_| Err(Problem::new(ProblemKind::Internal, "the cohort was lost; send its members again"));
        receiver.await.unwrap_or_else(lost)
    }
}

impl<V: Send + Sync + 'static> Shared<V> {
    fn add(
        self: &Arc<Self>,
        key: &GroupKey,
        prepared: PreparedTask<V>,
        size: usize,
        deadline: Duration,
        answer: oneshot::Sender<Result<Answer, Problem>>,
    ) -> Result<(u64, u64), Problem> {
        let PreparedTask { version, mut task, id, changes } = prepared;
        let response = task.responses.first().cloned().unwrap_or_default();
        task.responses = Arc::from([]);
        let references = task.references();
        let metadata = std::mem::take(&mut task.metadata);
        let mut groups = self.lock();
        if let Some(group) = groups.open.get(key) {
            group.check(&task, &references, &changes, size)?;
        } else {
            groups.started += 1;
            let number = groups.started;
            let timer = Some(self.clone().expire(key.clone(), number, deadline));
            let members = Vec::with_capacity(size);
            let group = Group { number, version, changes, size, task, references, members, arrived: 0, timer };
            groups.open.insert(key.clone(), group);
        }
        let Some(group) = groups.open.get_mut(key) else {
            return Err(Problem::new(ProblemKind::Internal, "the cohort was lost"));
        };
        let (number, member) = (group.number, group.arrived);
        group.arrived += 1;
        group.members.push(Member { number: member, id, response, metadata, answer });
        if group.members.len() >= group.size
            && let Some(mut complete) = groups.open.remove(key)
        {
            if let Some(timer) = complete.timer.take() {
                timer.abort();
            }
            tokio::spawn(self.clone().judge(key.key.clone(), complete));
        }
        Ok((number, member))
    }

    /// Ends the group's waiting when its time is over.
    fn expire(self: Arc<Self>, key: GroupKey, number: u64, deadline: Duration) -> JoinHandle<()> {
        tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            let group = {
                let mut groups = self.lock();
                match groups.open.get(&key) {
                    Some(group) if group.number == number => groups.open.remove(&key),
                    _ => None,
                }
            };
            let Some(group) = group else { return };
            self.incomplete.inc();
            if self.partial == PartialGroups::Judge {
                self.judge(key.key, group).await;
                return;
            }
            let detail = format!(
                "{} of the {} members of cohort `{}` came within {:.1} s, and this server judges complete cohorts only; \
                 send all of them again",
                group.members.len(),
                group.size,
                key.key,
                deadline.as_secs_f64()
            );
            let problem = Problem::new(ProblemKind::Timeout, detail);
            for member in group.members {
                let _ = member.answer.send(Err(problem.clone()));
            }
        })
    }

    /// Judges the members as the responses of one task, in the order of their texts, so that the order in which they happened
    /// to come decides nothing.
    async fn judge(self: Arc<Self>, key: String, group: Group<V>) {
        let Group { version, size, mut task, mut members, .. } = group;
        members.sort_by(|a, b| a.response.cmp(&b.response).then(a.number.cmp(&b.number)));
        task.responses = members.iter().map(|member| member.response.clone()).collect();
        task.metadata = shared_metadata(&members);
        task.id = fingerprint::stored_id(Some(&key), &fingerprint::of(&task));
        let came = members.len();
        match (self.judge)(version, task).await {
            Err(problem) => {
                for member in members {
                    let _ = member.answer.send(Err(problem.clone()));
                }
            }
            Ok(whole) => {
                for (index, member) in members.into_iter().enumerate() {
                    let _ = member.answer.send(Ok(share(&whole, index, member.id, came, size)));
                }
            }
        }
    }
}

impl<V> Shared<V> {
    fn lock(&self) -> MutexGuard<'_, Groups<V>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Group<V> {
    /// Refuses a member that does not fit.
    fn check(&self, task: &Task, references: &[Arc<str>], changes: &Changes, size: usize) -> Result<(), Problem> {
        let differs = |pointer: &str, what: &str| {
            let detail =
                format!("differs from the cohort's first member in its {what}; give another group another key");
            Err(Problem { pointer: Some(pointer.to_owned()), ..Problem::new(ProblemKind::Conflict, detail) })
        };
        if self.size != size {
            return differs("/cohort/size", "size");
        }
        if self.task.messages != task.messages {
            return differs("/messages", "conversation");
        }
        if self.references != references {
            return differs("/reference", "reference");
        }
        if self.changes != *changes {
            return differs("/set", "settings");
        }
        Ok(())
    }
}

impl<V> Drop for Membership<V> {
    fn drop(&mut self) {
        let mut groups = self.shared.lock();
        let Some(group) = groups.open.get_mut(&self.key).filter(|group| group.number == self.group) else { return };
        group.members.retain(|member| member.number != self.member);
        if group.members.is_empty()
            && let Some(mut group) = groups.open.remove(&self.key)
            && let Some(timer) = group.timer.take()
        {
            timer.abort();
        }
    }
}

/// The metadata on which all members agree.
fn shared_metadata(members: &[Member]) -> Map<String, Value> {
    let Some((first, rest)) = members.split_first() else { return Map::new() };
    let mut shared = first.metadata.clone();
    shared.retain(|key, value| rest.iter().all(|member| member.metadata.get(key) == Some(value)));
    shared.sort_keys();
    shared
}

/// One member's part of the group's answer.
fn share(whole: &Answer, index: usize, id: Option<Value>, came: usize, size: usize) -> Answer {
    let mut details = whole.details.clone();
    details.insert("cohort_members".to_owned(), came.into());
    details.insert("cohort_size".to_owned(), size.into());
    details.insert("cohort_task".to_owned(), whole.id.clone());
    let mut abstained = BTreeMap::new();
    if let Some(reason) = whole.abstained.get(&index) {
        abstained.insert(0, reason.clone());
    }
    Answer {
        id: id.unwrap_or_else(|| format!("{}#{index}", whole.id.as_str().unwrap_or_default()).into()),
        scores: whole.scores.get(index).copied().into_iter().collect(),
        best: (whole.best == Some(index)).then_some(0),
        tied: if whole.tied.contains(&index) { vec![0] } else { Vec::new() },
        abstained,
        criteria: whole
            .criteria
            .iter()
            .filter(|entry| entry.response == index)
            .map(|entry| AnswerCriterion { response: 0, ..entry.clone() })
            .collect(),
        sampled: whole.sampled.iter().map(|scores| scores.get(index).copied().into_iter().collect()).collect(),
        details,
        ..whole.clone()
    }
}

#[cfg(test)]
mod tests;
