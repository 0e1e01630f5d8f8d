//! The geometric median of points in several dimensions.

use rewarden_plugin::sum;

/// Steps of the iteration; it is a contraction, and what is left after these lies far below a score.
const STEPS: usize = 256;

/// The point whose weighted sum of distances from all points is least, by Weiszfeld's algorithm as Vardi and Zhang (2000)
/// mended it for iterates that fall onto a point. Deterministic; does not depend on the order of the points. There is at
/// least one, and all have as many coordinates.
pub(crate) fn median(points: &[&[f64]], weights: &[f64]) -> Vec<f64> {
    let all = sum(weights.iter().copied());
    let dimensions = points.first().map_or(0, |point| point.len());
    let weighted = |factors: &[f64]| -> Vec<f64> {
        let total = sum(factors.iter().copied());
        let coordinate = |axis: usize| {
            sum(points.iter().zip(factors).filter_map(|(point, factor)| Some(factor * point.get(axis)?))) / total
        };
        (0..dimensions).map(coordinate).collect()
    };
    let mut here = weighted(weights);
    let span =
        points.iter().flat_map(|point| point.iter()).fold(0.0_f64, |most, value| most.max(value.abs())).max(1e-300);
    for _ in 0..STEPS {
        let distances: Vec<f64> = points.iter().map(|point| distance(point, &here)).collect();
        let at = |distance: f64| distance <= span * 1e-12;
        let factors: Vec<f64> = weights
            .iter()
            .zip(&distances)
            .map(|(weight, distance)| if at(*distance) { 0.0 } else { weight / distance })
            .collect();
        if factors.iter().all(|factor| *factor == 0.0) {
            break;
        }
        let step = weighted(&factors);
        // The weight of the points that lie here, against the pull of all others.
        let held =
            sum(weights.iter().zip(&distances).filter(|(_, distance)| at(**distance)).map(|(weight, _)| *weight));
        let pull = sum(factors.iter().copied()) * distance(&step, &here);
        if held > 0.0 && (pull <= held || pull == 0.0) {
            break;
        }
        let stay = if held > 0.0 { held / pull } else { 0.0 };
        let next: Vec<f64> = step.iter().zip(&here).map(|(step, here)| (1.0 - stay) * step + stay * here).collect();
        let moved = distance(&next, &here);
        here = next;
        if moved <= span * 1e-13 || all <= 0.0 {
            break;
        }
    }
    here
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    sum(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: &[f64], expected: &[f64]) {
        assert!(distance(found, expected) < 1e-6, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn known_medians_come_out() {
        near(&median(&[&[3.0, 7.0]], &[2.0]), &[3.0, 7.0]);
        // Of three on a line the one in the middle; of an equilateral triangle the centre.
        near(&median(&[&[0.0, 0.0], &[1.0, 1.0], &[9.0, 9.0]], &[1.0; 3]), &[1.0, 1.0]);
        let top = 3.0_f64.sqrt();
        near(&median(&[&[0.0, 0.0], &[2.0, 0.0], &[1.0, top]], &[1.0; 3]), &[1.0, top / 3.0]);
        // More than half of the weight decides alone.
        near(&median(&[&[1.0, 5.0], &[9.0, 2.0], &[8.0, 3.0]], &[5.0, 1.0, 1.0]), &[1.0, 5.0]);
    }

    #[test]
    fn a_minority_however_far_off_moves_it_little() {
        let honest: [&[f64]; 3] = [&[8.0, 2.0], &[7.0, 3.0], &[8.0, 3.0]];
        let with = |liar: &'static [f64]| median(&[honest[0], honest[1], honest[2], liar], &[1.0; 4]);
        let (near_by, far) = (with(&[1.0, 9.0]), with(&[-1000.0, 1000.0]));
        assert!(distance(&near_by, &far) < 0.5, "{near_by:?} {far:?}");
    }
}
