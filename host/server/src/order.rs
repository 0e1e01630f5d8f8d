//! In which order changes of one pack's name take effect.
//!
//! Loading happens side by side and takes as long as it takes. What counts is when a change was asked for: of two uploads of
//! a name the later one stays, also when the earlier one is ready after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::problem::{Problem, ProblemKind};

/// The changes under way.
#[derive(Default)]
pub(crate) struct ChangeOrder(Mutex<Changes>);

#[derive(Default)]
struct Changes {
    last: u64,
    under_way: usize,
    /// For each name the latest change that took effect, for as long as any change is under way.
    done: BTreeMap<String, u64>,
}

/// A change's place in the order, from when it was asked for until it is dropped.
pub(crate) struct Place<'a> {
    order: &'a ChangeOrder,
    number: u64,
}

impl ChangeOrder {
    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place after all that were taken before.
    pub(crate) fn place(&self) -> Place<'_> {
        let mut changes = self.changes();
        changes.last += 1;
        changes.under_way += 1;
        Place { order: self, number: changes.last }
    }
}

impl Place<'_> {
    /// Says that the change of `name` takes effect now.
    ///
    /// # Errors
    /// A change that was asked for later has taken effect.
    pub(crate) fn take_effect(&self, name: &str) -> Result<(), Problem> {
        let mut changes = self.order.changes();
        if changes.done.get(name).is_some_and(|done| *done > self.number) {
            let detail = format!("a later change of `{name}` took effect while this one was being prepared; it stays");
            return Err(Problem::new(ProblemKind::Conflict, detail));
        }
        changes.done.insert(name.to_owned(), self.number);
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut changes = self.order.changes();
        changes.under_way -= 1;
        if changes.under_way == 0 {
            changes.done.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_changes_of_a_name_the_later_one_stays_whichever_is_ready_first() {
        let order = ChangeOrder::default();
        let (first, second, third) = (order.place(), order.place(), order.place());
        second.take_effect("a").unwrap();
        let late = first.take_effect("a").unwrap_err();
        assert_eq!(late.kind, ProblemKind::Conflict);
        first.take_effect("b").unwrap();
        third.take_effect("a").unwrap();
        drop((first, second, third));
        assert!(order.changes().done.is_empty());
        order.place().take_effect("a").unwrap();
    }
}
