//! What calls cost, against the limits in force.

use rewarden_runtime::{Limits, Metered};

/// Fuel and memory of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FuelUsage {
    /// See [`Metered::fuel`].
    pub(crate) fuel: u64,
    /// See [`Metered::memory_bytes`].
    pub(crate) memory_bytes: usize,
}

impl<T> From<&Metered<T>> for FuelUsage {
    fn from(metered: &Metered<T>) -> Self {
        Self { fuel: metered.fuel, memory_bytes: metered.memory_bytes }
    }
}

impl FuelUsage {
    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { fuel: self.fuel.max(other.fuel), memory_bytes: self.memory_bytes.max(other.memory_bytes) }
    }

    /// Both, each with what is left of its limit.
    pub(crate) fn against(self, limits: &Limits) -> String {
        format!(
            "fuel {} ({} left), memory {} ({} left)",
            grouped(self.fuel),
            headroom(self.fuel, limits.fuel),
            indicatif::BinaryBytes(self.memory_bytes as u64),
            headroom(self.memory_bytes as u64, limits.memory_bytes as u64),
        )
    }
}

/// What is left of `limit`, rounded down, so that 100 % means that nothing was used.
fn headroom(used: u64, limit: u64) -> String {
    let left = limit.saturating_sub(used);
    let tenths = (u128::from(left) * 1000).checked_div(u128::from(limit)).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headroom_is_never_rounded_up() {
        assert_eq!(headroom(1, 500_000_000), "99.9 %");
        assert_eq!(headroom(0, 500_000_000), "100.0 %");
        assert_eq!(headroom(125, 500), "75.0 %");
        assert_eq!(headroom(501, 500), "0.0 %");
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
