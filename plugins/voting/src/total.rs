//! How the scores of one response add up.

use rewarden_plugin::{decimal_mean, decimal_sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the scores of one response are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Total {
    /// The sum over the samples that count. Comparable only between tasks with the same number of them.
    Sum,
    /// The mean over the samples that count, on the scale itself. Ranks as the sum does.
    Mean,
}

impl Total {
    /// As in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Total::Sum => "sum",
            Total::Mean => "mean",
        }
    }

    /// The same bits for any order of `values`, and for any values whose totals are equal as decimals; none for no values.
    pub fn of(self, values: &[f64]) -> Option<f64> {
        match self {
            _ if values.is_empty() => None,
            Total::Sum => Some(decimal_sum(values.iter().copied())),
            Total::Mean => Some(decimal_mean(values.iter().copied())),
        }
    }
}
