//! The order in which changes of one pack's name take effect.
//!
//! Packs are loaded in parallel, some faster than others. What counts is when a change was requested: of two uploads of
//! a name the later one stays, even if the earlier one is ready after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rewarden_dialects::{Problem, ProblemKind};

/// The changes that are under way.
#[derive(Default)]
pub(crate) struct ChangeOrder(Mutex<ChangeLog>);

#[derive(Default)]
struct ChangeLog {
    last: u64,
    under_way: usize,
    /// The latest change of each name that took effect. Kept while any change is under way.
    done: BTreeMap<String, u64>,
}

/// A change that is under way, from its request until it is dropped.
pub(crate) struct PendingChange<'a> {
    order: &'a ChangeOrder,
    number: u64,
}

impl ChangeOrder {
    fn changes(&self) -> MutexGuard<'_, ChangeLog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a change. It is later than all that began before.
    pub(crate) fn place(&self) -> PendingChange<'_> {
        let mut changes = self.changes();
        changes.last += 1;
        changes.under_way += 1;
        PendingChange { order: self, number: changes.last }
    }
}

impl PendingChange<'_> {
    /// Marks the change of `name` as done.
    ///
    /// # Errors
    /// A change that was requested later has taken effect already.
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

impl Drop for PendingChange<'_> {
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
