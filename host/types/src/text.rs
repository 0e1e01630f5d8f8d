//! Text from outside inside messages of the host: names that a component chose, and errors that repeat such names.

pub use rewarden_input::{shown, shown_within};

/// Returns the first eight of these names, each [`shown`], and how many more there are.
pub fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    let mut text = names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_first_few_and_counts_the_rest() {
        let names: Vec<String> = (0..10).map(|index| format!("n{index}")).collect();
        assert_eq!(listed(&names), "n0, n1, n2, n3, n4, n5, n6, n7 and 2 more");
        assert_eq!(listed(&names[..2]), "n0, n1");
    }
}
