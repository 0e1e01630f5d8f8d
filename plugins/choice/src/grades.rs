//! Scores for a verdict, on any scale.
//!
//! The winner gets the top of the scale and the others the bottom. A tie gives all of them the middle; a slight
//! preference between two gives three quarters and one quarter of the scale. On a scale of whole numbers the middle is
//! rounded down, the three quarters to the nearest number (halves up), and the one quarter lies as far from the bottom
//! as that lies from the top: on 1 to 10 a slight preference is 8 and 3, a tie 5. Where that leaves no room, a slight
//! preference scores as a strong one (0 or 1) does.

use rewarden_plugin::Scale;

/// The scores that verdicts are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grades {
    pub best: f64,
    pub slightly_better: f64,
    pub tie: f64,
    pub slightly_worse: f64,
    pub worst: f64,
}

impl Grades {
    /// None where the scale has no two scores, so that no verdict can be told from a tie.
    pub(crate) fn on(scale: &Scale) -> Option<Self> {
        let (worst, best) = if scale.integer { (scale.min.ceil(), scale.max.floor()) } else { (scale.min, scale.max) };
        if !(worst.is_finite() && best.is_finite() && worst < best) {
            return None;
        }
        // Halves first: the difference of the two may be too large for a number.
        let middle = worst / 2.0 + best / 2.0;
        let upper = middle / 2.0 + best / 2.0;
        let (tie, slightly_better) =
            if scale.integer { (middle.floor(), (upper + 0.5).floor()) } else { (middle, upper) };
        let slightly_better = slightly_better.clamp(worst, best);
        let slightly_worse = (worst + (best - slightly_better)).clamp(worst, best);
        Some(Grades { best, slightly_better, tie: tie.clamp(worst, best), slightly_worse, worst })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(min: f64, max: f64, integer: bool) -> [f64; 5] {
        let grades = Grades::on(&Scale { min, max, integer }).unwrap();
        [grades.best, grades.slightly_better, grades.tie, grades.slightly_worse, grades.worst]
    }

    #[test]
    fn usual_scales_have_room_for_strengths() {
        assert_eq!(on(1.0, 10.0, true), [10.0, 8.0, 5.0, 3.0, 1.0]);
        assert_eq!(on(0.0, 9.0, true), [9.0, 7.0, 4.0, 2.0, 0.0]);
        assert_eq!(on(1.0, 5.0, true), [5.0, 4.0, 3.0, 2.0, 1.0]);
        assert_eq!(on(-3.0, 3.0, true), [3.0, 2.0, 0.0, -2.0, -3.0]);
        assert_eq!(on(0.0, 1.0, false), [1.0, 0.75, 0.5, 0.25, 0.0]);
    }

    #[test]
    fn a_scale_of_two_numbers_keeps_the_order_and_loses_the_strength() {
        assert_eq!(on(0.0, 1.0, true), [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(on(0.5, 2.5, true), [2.0, 2.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_scale_without_two_scores_has_no_grades() {
        assert_eq!(Grades::on(&Scale { min: 1.0, max: 1.0, integer: true }), None);
        assert_eq!(Grades::on(&Scale { min: 0.2, max: 0.8, integer: true }), None);
        assert_eq!(Grades::on(&Scale { min: 0.0, max: f64::INFINITY, integer: false }), None);
    }
}
