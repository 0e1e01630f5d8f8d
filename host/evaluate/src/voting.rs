//! Whether voting pays: for each judge, its best single sample against both-order agreement and the majority of all.

pub(crate) mod ballots;

use serde::Serialize;

use crate::Share;

/// For each judge, what one sample is worth and what many together are.
///
/// A judge's samples are pooled by item, over all its strategies. A sample votes when it shows all responses of a
/// labelled item and names a lone winner; one that ties, fails or shows some of the responses casts no vote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Voting {
    /// The metadata fields that tell judges apart.
    pub judges: Vec<String>,
    /// The metadata field that names the strategy.
    pub strategies: String,
    /// Sorted by the judges' values.
    pub rows: Vec<JudgeVotes>,
}

/// One judge's samples, singly and together. Intervals are 95 % and over items, whose samples resemble each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgeVotes {
    /// The values of [`Voting::judges`].
    pub judge: Vec<String>,
    /// Labelled items, each with at least two responses.
    pub items: u64,
    /// Samples that show only some of the responses, such as ratings of one: they name no winner and take no part.
    pub left_out: u64,
    /// What one sample in one order is worth under each strategy, the best first. The first one was chosen on the items
    /// that it is measured on, which flatters it.
    pub strategies: Vec<StrategyAccuracy>,
    /// Verdicts that both orders agree on; none without samples in opposite orders.
    pub both_orders: Option<BothOrders>,
    /// How often the response with the most votes is right, each sample one vote; t responses that share the most count
    /// 1/t. [`Share::tasks`] is the number of items that anyone voted on; none without any.
    pub majority: Option<Share>,
    /// How often a single vote is right: the p of Condorcet's theorem. None without votes.
    pub vote: Option<Share>,
    /// What the majority is worth beyond a single vote. None without votes.
    pub gain: Option<Gain>,
    /// What follows.
    pub finding: Finding,
    /// The same in a sentence with its figures.
    pub words: String,
}

/// A strategy's samples, one by one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyAccuracy {
    /// The strategy's name.
    pub strategy: String,
    /// Mean credit of a sample: a tie among t counts 1/t, a failed sample 0. [`Share::tasks`] is the number of tasks.
    pub accuracy: Share,
    /// Samples.
    pub samples: u64,
}

/// Pairs of samples of one strategy that saw the same responses in opposite orders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BothOrders {
    /// How often the verdict is right where both named the same lone winner; `None` if no pair did.
    pub accuracy: Option<Share>,
    /// Share of the pairs that did; failed samples and ties agree with nothing.
    pub coverage: Share,
}

/// A difference of two shares, from −1 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gain {
    /// The difference.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// Whether the majority of a judge's votes is better than a single vote.
///
/// Condorcet's jury theorem (Essai sur l'application de l'analyse à la probabilité des décisions, 1785): of two
/// answers, the majority of independent votes is right more often than one vote where that is right in more than half
/// of the cases, and less often where in fewer. Votes of one judge are not independent, and items differ, so that a
/// finding needs the measured gain to point the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// A vote's interval lies below one half, and the majority is right less often than a vote.
    Hurts,
    /// A vote's interval lies above one half, and the majority is right more often than a vote.
    Helps,
    /// Neither.
    Unclear,
}

impl Finding {
    /// Judges by a vote's accuracy and the majority's gain, of items with two responses.
    fn of(vote: &Share, gain: &Gain) -> Self {
        if vote.high < 0.5 && gain.value < 0.0 {
            Self::Hurts
        } else if vote.low > 0.5 && gain.value > 0.0 {
            Self::Helps
        } else {
            Self::Unclear
        }
    }

    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hurts => "hurts",
            Self::Helps => "helps",
            Self::Unclear => "unclear",
        }
    }
}

fn words(finding: Finding, vote: &Share, majority: &Share, gain: &Gain) -> String {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let side = if vote.high < 0.5 {
        "below one half"
    } else if vote.low > 0.5 {
        "above one half"
    } else {
        "which may be either side of one half"
    };
    let link = match finding {
        Finding::Unclear if vote.high < 0.5 => "yet the majority is no worse:",
        Finding::Unclear if vote.low > 0.5 => "yet the majority is no better:",
        _ => "and the majority",
    };
    let signed = |share: f64| format!("{:+.1}", 100.0 * share);
    format!(
        "majority {}: a single vote is right in {} % [{}, {}], {side}, {link} in {} % ({} points [{}, {}])",
        finding.name(),
        percent(vote.value),
        percent(vote.low),
        percent(vote.high),
        percent(majority.value),
        signed(gain.value),
        signed(gain.low),
        signed(gain.high),
    )
}
