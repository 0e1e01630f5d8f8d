//! Reliability curves: how often what is said with a confidence is right.

use plotters::prelude::*;
use rewarden_evaluate::Reliability;

use crate::chart::{Axis, GRID, INK, SvgStyle, drawn, marker, series_colour, svg, text};
use crate::error::ReportError;

/// Draws the accuracy of each bin over its mean confidence, with whiskers for the 95 % intervals, beside the diagonal on which
/// confidence means what it says.
///
/// # Errors
/// [`ReportError::Size`]; [`ReportError::Figure`] for a share outside 0 to 1.
pub(crate) fn reliability_svg(reliability: &Reliability, of: &str, style: SvgStyle) -> Result<String, ReportError> {
    for bin in &reliability.bins {
        for value in [bin.confidence, bin.accuracy.value, bin.accuracy.low, bin.accuracy.high] {
            if !(0.0..=1.0).contains(&value) {
                let place = format!("the reliability of {of}");
                return Err(ReportError::Figure { place, expected: "a share from 0 to 1", found: value.to_string() });
            }
        }
    }
    svg(style, &format!("Accuracy by confidence of {of}"), |root| {
        let axis = || Axis::round(0.0..1.0, 5, 0.01);
        let mut chart = drawn(
            ChartBuilder::on(root)
                .margin_top(10)
                .margin_right(20)
                .margin_left(4)
                .margin_bottom(4)
                .x_label_area_size(48)
                .y_label_area_size(66)
                .build_cartesian_2d(axis(), axis()),
        )?;
        drawn(
            chart
                .configure_mesh()
                .disable_x_mesh()
                .bold_line_style(GRID)
                .axis_style(INK.mix(0.7))
                .x_label_formatter(&|x| format!("{x:.1}"))
                .y_label_formatter(&|y| format!("{:.0} %", y * 100.0))
                .label_style(text(17.0))
                .axis_desc_style(text(17.0))
                .x_desc("Confidence")
                .y_desc("Right (%)")
                .draw(),
        )?;
        let diagonal = PathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], INK.mix(0.5).stroke_width(1));
        drawn(chart.draw_series(std::iter::once(diagonal)))?;
        let colour = series_colour(0);
        let points: Vec<(f64, f64)> = reliability.bins.iter().map(|bin| (bin.confidence, bin.accuracy.value)).collect();
        drawn(chart.draw_series(std::iter::once(PathElement::new(points, colour.stroke_width(2)))))?;
        for bin in &reliability.bins {
            let whisker = vec![(bin.confidence, bin.accuracy.low), (bin.confidence, bin.accuracy.high)];
            drawn(chart.draw_series(std::iter::once(PathElement::new(whisker, colour.mix(0.75).stroke_width(1)))))?;
            marker(root, chart.backend_coord(&(bin.confidence, bin.accuracy.value)), 4, 0)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_curve_is_well_formed_and_names_its_axes_and_a_share_beyond_one_is_refused() {
        let reliability = fixtures::reliability();
        let svg = reliability_svg(&reliability, "samples", SvgStyle::default()).unwrap();
        fixtures::assert_well_formed(&svg);
        let texts = fixtures::texts(&svg);
        assert!(texts.iter().any(|text| text == "Confidence") && texts.iter().any(|text| text == "100 %"), "{texts:?}");
        let mut wrong = reliability;
        wrong.bins[0].accuracy.high = 1.5;
        assert!(matches!(reliability_svg(&wrong, "x", SvgStyle::default()), Err(ReportError::Figure { .. })));
    }
}
