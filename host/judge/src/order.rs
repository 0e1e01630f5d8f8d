//! Permuting responses before they are shown, and un-permuting what was read about them.

/// Why an order that a policy asked for cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It names no response.
    #[error("an order is empty; it must name at least one response")]
    Empty,
    /// It names a response that the task does not have.
    #[error("an order names response {index}, but the task has {responses} (they count from 0)")]
    OutOfRange {
        /// The response.
        index: u32,
        /// How many the task has.
        responses: usize,
    },
    /// It names a response more than once.
    #[error("an order names response {index} twice")]
    Repeated {
        /// The response.
        index: u32,
    },
}

/// An order that is fit for a task: indices into its responses, each at most once, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order(Vec<u32>);

impl Order {
    /// Checks an order against the number of responses of the task.
    pub fn new(order: Vec<u32>, responses: usize) -> Result<Self, OrderError> {
        if order.is_empty() {
            return Err(OrderError::Empty);
        }
        let mut seen = vec![false; responses];
        for &index in &order {
            match seen.get_mut(index as usize) {
                None => return Err(OrderError::OutOfRange { index, responses }),
                Some(seen) if *seen => return Err(OrderError::Repeated { index }),
                Some(seen) => *seen = true,
            }
        }
        Ok(Self(order))
    }

    /// The indices, in shown order.
    pub fn indices(&self) -> &[u32] {
        &self.0
    }

    /// Returns the number of responses that are shown.
    pub fn shown(&self) -> usize {
        self.0.len()
    }

    /// Returns those of `items` that are shown, in shown order.
    pub fn show<T: Clone>(&self, items: &[T]) -> Vec<T> {
        self.0.iter().filter_map(|&index| items.get(index as usize).cloned()).collect()
    }

    /// Puts values that stand in shown order back at their own places among `responses`; `None` if nothing was
    /// shown. `None` when there are not as many values as responses shown.
    pub fn place<T>(&self, values: Vec<T>, responses: usize) -> Option<Vec<Option<T>>> {
        if values.len() != self.0.len() {
            return None;
        }
        let mut placed: Vec<Option<T>> = std::iter::repeat_with(|| None).take(responses).collect();
        for (&index, value) in self.0.iter().zip(values) {
            *placed.get_mut(index as usize)? = Some(value);
        }
        Some(placed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn orders() -> impl Strategy<Value = (usize, Vec<u32>)> {
        (1..12_usize)
            .prop_flat_map(|n| (Just(n), Just((0..n as u32).collect::<Vec<_>>()).prop_shuffle(), 1..=n))
            .prop_map(|(n, mut order, shown)| {
                order.truncate(shown);
                (n, order)
            })
    }

    proptest! {
        #[test]
        fn what_is_shown_comes_back_to_its_own_place((n, order) in orders()) {
            let items: Vec<usize> = (100..100 + n).collect();
            let order = Order::new(order, n).unwrap();
            let placed = order.place(order.show(&items), n).unwrap();
            for (index, item) in items.iter().enumerate() {
                let shown = order.indices().contains(&(index as u32));
                prop_assert_eq!(placed[index], shown.then_some(*item));
            }
        }

        #[test]
        fn an_order_is_accepted_only_if_it_names_each_response_at_most_once(
            n in 1..6_usize,
            order in prop::collection::vec(0..8_u32, 0..8),
        ) {
            let mut distinct = order.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let fit = !order.is_empty() && distinct.len() == order.len() && order.iter().all(|&i| (i as usize) < n);
            prop_assert_eq!(Order::new(order, n).is_ok(), fit);
        }
    }

    #[test]
    fn values_that_are_too_few_or_too_many_are_not_placed() {
        let order = Order::new(vec![1, 0], 2).unwrap();
        assert_eq!(order.place(vec![1], 2), None);
        assert_eq!(order.place(vec![1, 2, 3], 2), None);
    }
}
