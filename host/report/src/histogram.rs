//! Histograms of scores: right, wrong and unlabelled responses side by side.

use plotters::prelude::*;
use rewarden_evaluate::Bar;

use crate::chart::{Axis, GRID, INK, NEUTRAL, RIGHT, SvgStyle, WRONG, drawn, hex, svg, text};
use crate::error::ReportError;

/// A kind of response. The kinds' columns differ in how dark their filling is too, for readers without colour.
pub(crate) struct BarKind {
    /// What a legend calls it.
    pub(crate) name: &'static str,
    colour: RGBColor,
    /// Of the filling, 0 to 1; the outline is opaque.
    opacity: f64,
    /// Responses of this kind in a bar.
    pub(crate) count: fn(&Bar) -> u64,
}

impl BarKind {
    /// How its columns look, for a legend in a page.
    pub(crate) fn swatch(&self) -> String {
        format!(
            "<svg class=\"chart swatch\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect x=\"1\" y=\"1\" width=\"10\" \
             height=\"10\" fill=\"{colour}\" fill-opacity=\"{}\" stroke=\"{colour}\" stroke-width=\"2\"/></svg>",
            self.opacity,
            colour = hex(self.colour)
        )
    }
}

/// The kinds that `bars` have any of, in the order in which they are drawn.
pub(crate) fn kinds(bars: &[Bar]) -> Vec<BarKind> {
    let all: [BarKind; 3] = [
        BarKind { name: "right responses", colour: RIGHT, opacity: 1.0, count: |bar| bar.correct },
        BarKind { name: "wrong responses", colour: WRONG, opacity: 0.4, count: |bar| bar.wrong },
        BarKind { name: "without a label", colour: NEUTRAL, opacity: 0.0, count: |bar| bar.unlabelled },
    ];
    all.into_iter().filter(|kind| bars.iter().any(|bar| (kind.count)(bar) > 0)).collect()
}

/// Draws how many responses lie in each bar, those that the label calls right, those that it calls wrong and those without a
/// label side by side. `scores` says what the x axis shows.
///
/// # Errors
/// [`ReportError::NoScores`] when all bars are empty; [`ReportError::Size`]; [`ReportError::Figure`] for edges that are
/// not finite or not ascending.
pub fn histogram_svg(bars: &[Bar], scores: &str, style: SvgStyle) -> Result<String, ReportError> {
    let kinds = kinds(bars);
    let (Some(first), Some(last), false) = (bars.first(), bars.last(), kinds.is_empty()) else {
        return Err(ReportError::NoScores);
    };
    if let Some(bar) = bars.iter().find(|bar| !(bar.from.is_finite() && bar.to.is_finite() && bar.from < bar.to)) {
        return Err(ReportError::Figure {
            place: format!("a bar of the histogram of {scores}"),
            expected: "finite, ascending edges",
            found: format!("{} to {}", bar.from, bar.to),
        });
    }
    let most = bars.iter().flat_map(|bar| kinds.iter().map(|kind| (kind.count)(bar))).max().unwrap_or(0);
    let counts = Axis::round(0.0..most as f64, 5, 1.0);
    let finest = (last.to - first.from) * 1e-6;
    let mut ticks = Axis::round(first.from..last.to, 8, finest).ticks;
    ticks.retain(|tick| *tick >= first.from - finest && *tick <= last.to + finest);
    let step = ticks.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?)).next().unwrap_or(1.0);
    let decimals = (-(step + finest).log10().floor()).clamp(0.0, 6.0) as usize;

    svg(style, &format!("Histogram of {scores}"), |root| {
        let mut chart = drawn(
            ChartBuilder::on(root)
                .margin_top(10)
                .margin_right(16)
                .margin_left(4)
                .margin_bottom(4)
                .x_label_area_size(48)
                .y_label_area_size(64)
                .build_cartesian_2d(Axis { range: first.from..last.to, ticks }, counts),
        )?;
        drawn(
            chart
                .configure_mesh()
                .disable_x_mesh()
                .bold_line_style(GRID)
                .axis_style(INK.mix(0.7))
                .x_label_formatter(&|x| format!("{x:.decimals$}"))
                .y_label_formatter(&|y| short_count(*y))
                .label_style(text(17.0))
                .axis_desc_style(text(17.0))
                .x_desc(crate::escape::label(scores))
                .y_desc("Responses")
                .draw(),
        )?;
        for bar in bars {
            let room = (bar.to - bar.from) * 0.1;
            let wide = (bar.to - bar.from - 2.0 * room) / kinds.len() as f64;
            for (place, kind) in kinds.iter().enumerate().filter(|(_, kind)| (kind.count)(bar) > 0) {
                let left = bar.from + room + wide * place as f64;
                let column =
                    |style: ShapeStyle| Rectangle::new([(left, 0.0), (left + wide, (kind.count)(bar) as f64)], style);
                let parts = [column(kind.colour.mix(kind.opacity).filled()), column(kind.colour.stroke_width(1))];
                drawn(chart.draw_series(parts))?;
            }
        }
        Ok(())
    })
}

/// A count in few characters: `950`, `12 k`, `1.5 M`.
fn short_count(count: f64) -> String {
    let (value, unit) = match count {
        c if c >= 1e6 => (c / 1e6, " M"),
        c if c >= 1e4 => (c / 1e3, " k"),
        c => (c, ""),
    };
    if (value - value.round()).abs() < 0.05 { format!("{value:.0}{unit}") } else { format!("{value:.1}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn each_kind_of_response_has_its_colour_and_the_axes_their_names() {
        let evaluation = fixtures::evaluation("vote", 0);
        let svg = histogram_svg(&evaluation.scores, "final score", SvgStyle::default()).unwrap();
        fixtures::assert_well_formed(&svg);
        for (colour, opacity) in [(RIGHT, "1"), (WRONG, "0.4")] {
            let filling = format!("opacity=\"{opacity}\" fill=\"{}\"", hex(colour));
            assert!(svg.contains(&filling), "no {filling} in {svg}");
        }
        assert!(!svg.contains(&hex(NEUTRAL)), "no unlabelled responses, no grey");
        let texts = fixtures::texts(&svg);
        assert!(texts.iter().any(|found| found == "final score") && texts.iter().any(|found| found == "Responses"));
    }

    #[test]
    fn a_legends_swatch_looks_like_the_columns() {
        let bar = Bar { from: 0.0, to: 1.0, correct: 1, wrong: 1, unlabelled: 1 };
        let svg = histogram_svg(&[bar], "score", SvgStyle::default()).unwrap();
        let kinds = kinds(&[bar]);
        assert_eq!(kinds.len(), 3);
        for kind in kinds {
            let (colour, swatch) = (hex(kind.colour), kind.swatch());
            fixtures::assert_well_formed(&swatch);
            assert!(swatch.contains(&format!("fill=\"{colour}\" fill-opacity=\"{}\"", kind.opacity)), "{swatch}");
            // A filling that nobody would see is not drawn.
            let filled = svg.contains(&format!("opacity=\"{}\" fill=\"{colour}\"", kind.opacity));
            assert_eq!(filled, kind.opacity > 0.0, "{svg}");
            assert!(svg.contains(&format!("stroke=\"{colour}\"")) && swatch.contains(&format!("stroke=\"{colour}\"")));
        }
    }

    #[test]
    fn columns_are_as_high_as_their_counts() {
        let bar = |from: f64, correct| Bar { from, to: from + 1.0, correct, wrong: 0, unlabelled: 0 };
        let svg = histogram_svg(&[bar(0.0, 10), bar(1.0, 5)], "score", SvgStyle::default()).unwrap();
        let heights: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains(&format!("fill=\"{}\"", hex(RIGHT))))
            .map(|line| line.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(heights.len(), 2, "{heights:?}");
        assert!((heights[0] / heights[1] - 2.0).abs() < 0.02, "{heights:?}");
    }

    #[test]
    fn no_scores_are_an_error_not_an_empty_chart() {
        let empty = [Bar { from: 0.0, to: 1.0, correct: 0, wrong: 0, unlabelled: 0 }];
        assert!(matches!(histogram_svg(&empty, "score", SvgStyle::default()), Err(ReportError::NoScores)));
        assert!(matches!(histogram_svg(&[], "score", SvgStyle::default()), Err(ReportError::NoScores)));
        let reversed = [Bar { from: 1.0, to: f64::NAN, correct: 1, wrong: 0, unlabelled: 0 }];
        assert!(matches!(histogram_svg(&reversed, "score", SvgStyle::default()), Err(ReportError::Figure { .. })));
    }

    #[test]
    fn large_counts_stay_short() {
        assert_eq!([0.0, 950.0, 12_000.0, 1_500_000.0].map(short_count), ["0", "950", "12 k", "1.5 M"]);
    }
}
