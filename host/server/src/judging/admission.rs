//! A bounded number of tasks is let in; the rest is refused and told when to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rewarden_dialects::{Problem, ProblemKind};

/// The tasks of one kind of work that wait or are being judged.
pub(crate) struct Admission {
    inside: Arc<AtomicUsize>,
    most: usize,
    what: &'static str,
    /// The option that sets `most`.
    option: &'static str,
}

/// Room for some tasks, given back when dropped.
pub(crate) struct AdmissionPermit {
    inside: Arc<AtomicUsize>,
    tasks: usize,
}

impl Admission {
    pub(crate) fn new(what: &'static str, option: &'static str, most: usize) -> Self {
        Self { inside: Arc::new(AtomicUsize::new(0)), most: most.max(1), what, option }
    }

    /// The number of tasks that are inside now.
    pub(crate) fn inside(&self) -> usize {
        self.inside.load(Ordering::Relaxed)
    }

    /// Lets all `tasks` in unless the queue is full already.
    ///
    /// A trainer's batch is often larger than any queue that keeps waiting short, and refusing it for ever would help nobody.
    /// So the queue can be longer than its bound by one batch, whose size is bounded too.
    ///
    /// # Errors
    ///
    /// The queue is full.
    pub(crate) fn admit(&self, tasks: usize) -> Result<AdmissionPermit, Problem> {
        let before = self.inside.fetch_add(tasks, Ordering::Relaxed);
        let permit = AdmissionPermit { inside: self.inside.clone(), tasks };
        if before < self.most {
            return Ok(permit);
        }
        let detail = format!(
            "{before} tasks that {} are waiting or being judged, and this server takes {} at once ({}); send it again later",
            self.what, self.most, self.option
        );
        Err(Problem { retry_after: Some(1), ..Problem::new(ProblemKind::Overloaded, detail) })
    }
}

impl Drop for AdmissionPermit {
    fn drop(&mut self) {
        self.inside.fetch_sub(self.tasks, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_tasks_are_refused_until_one_leaves() {
        let admission = Admission::new("are tests", "--max-tests", 2);
        let first = admission.admit(1).unwrap();
        let batch = admission.admit(10).unwrap();
        let refused = admission.admit(1).err().unwrap();
        assert_eq!((refused.kind, refused.retry_after), (ProblemKind::Overloaded, Some(1)));
        let detail = "11 tasks that are tests are waiting or being judged, and this server takes 2 at once (--max-tests); \
                      send it again later";
        assert_eq!(refused.detail, detail);
        drop(batch);
        assert_eq!(admission.inside(), 1);
        admission.admit(1).unwrap();
        drop(first);
        assert_eq!(admission.inside(), 0);
    }
}
