//! The accuracy@k curve.

use plotters::coord::Shift;
use plotters::prelude::*;
use rewarden_evaluate::{AtK, Evaluation};

use crate::chart::{Axis, GRID, INK, SvgStyle, check_size, drawn, fit, load_font, marker, series_colour, svg, text};
use crate::error::ReportError;
use crate::escape::label;

/// One run's points, with the run's place among the evaluations (it chooses colour and marker).
struct Curve<'a> {
    index: usize,
    name: String,
    points: &'a [AtK],
}

/// Accuracy over samples per task, a line for each evaluation that has one, as a stand-alone SVG. Up to three runs get
/// their 95 % intervals as bands, more get whiskers.
///
/// # Errors
/// [`ReportError::NoCurve`] when no evaluation has points; [`ReportError::Size`]; [`ReportError::Figure`] for an
/// accuracy outside 0 to 1 or a k of 0.
pub fn curve_svg(evaluations: &[Evaluation], style: SvgStyle) -> Result<String, ReportError> {
    let curves = curves(evaluations)?;
    let names: Vec<_> = curves.iter().map(|curve| curve.name.as_str()).collect();
    svg(style, &format!("Accuracy over samples per task of {}", names.join(", ")), |root| draw(root, &curves, 1.0))
}

/// The same as a PNG of `width` by `height` pixels on white. Text grows with the picture.
///
/// # Errors
/// As [`curve_svg`]; [`ReportError::Encode`] when the temporary directory cannot be written.
pub fn curve_png(evaluations: &[Evaluation], width: u32, height: u32) -> Result<Vec<u8>, ReportError> {
    let curves = curves(evaluations)?;
    check_size(width, height)?;
    load_font()?;
    let standard = SvgStyle::default();
    let scale = (f64::from(width) / f64::from(standard.width)).min(f64::from(height) / f64::from(standard.height));
    // The plotting library encodes into files only.
    let file =
        tempfile::Builder::new().prefix("rewarden-curve-").suffix(".png").tempfile().map_err(ReportError::Encode)?;
    {
        let root = BitMapBackend::new(file.path(), (width, height)).into_drawing_area();
        drawn(root.fill(&WHITE))?;
        draw(&root, &curves, scale.max(0.7))?;
        drawn(root.present())?;
    }
    std::fs::read(file.path()).map_err(ReportError::Encode)
}

fn curves(evaluations: &[Evaluation]) -> Result<Vec<Curve<'_>>, ReportError> {
    for evaluation in evaluations {
        for point in &evaluation.at_k {
            let place = || format!("accuracy@{} of {}", point.k, evaluation.name);
            if point.k == 0 {
                return Err(ReportError::Figure { place: place(), expected: "k of at least 1", found: "0".into() });
            }
            for value in [point.accuracy.value, point.accuracy.low, point.accuracy.high] {
                if !(0.0..=1.0).contains(&value) {
                    let found = value.to_string();
                    return Err(ReportError::Figure { place: place(), expected: "a share from 0 to 1", found });
                }
            }
        }
    }
    let curves: Vec<_> = evaluations
        .iter()
        .enumerate()
        .filter(|(_, evaluation)| !evaluation.at_k.is_empty())
        .map(|(index, evaluation)| Curve { index, name: label(&evaluation.name), points: &evaluation.at_k })
        .collect();
    if curves.is_empty() { Err(ReportError::NoCurve) } else { Ok(curves) }
}

fn draw<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    curves: &[Curve<'_>],
    scale: f64,
) -> Result<(), ReportError> {
    let pixels = |at_standard_size: f64| (at_standard_size * scale).round();
    let (size, gap) = (pixels(17.0), pixels(10.0) as i32);
    let bands = curves.len() <= 3 && curves.iter().all(|curve| curve.points.len() > 1);
    let top = legend(root, curves, bands, scale)?;

    let all = || curves.iter().flat_map(|curve| curve.points);
    let low = all().map(|point| point.accuracy.low.min(point.accuracy.value)).fold(1.0, f64::min);
    let high = all().map(|point| point.accuracy.high.max(point.accuracy.value)).fold(0.0, f64::max);
    // At least ten points of a hundred: a difference of one must not look like a cliff.
    let middle = (low + high) / 2.0;
    let (low, high) = (low.min(middle - 0.05).max(0.0), high.max(middle + 0.05).min(1.0));
    let accuracy = Axis::round(low..high, 6, 0.01);

    let mut ks: Vec<u32> = all().map(|point| point.k).collect();
    ks.sort_unstable();
    ks.dedup();
    let first = ks.first().map_or(0.0, |k| place(*k));
    let last = ks.last().map_or(0.0, |k| place(*k));
    let margin = ((last - first) * 0.04).max(0.15);
    let width = f64::from(root.dim_in_pixel().0);
    let per_pixel = (last - first + 2.0 * margin) / (width - pixels(100.0)).max(1.0);
    let samples = Axis { range: first - margin..last + margin, ticks: ticks(&ks, pixels(30.0) * per_pixel) };

    let mut chart = drawn(
        ChartBuilder::on(root)
            .margin_top(top)
            .margin_right(gap * 2)
            .margin_bottom(gap / 2)
            .margin_left(gap / 2)
            .x_label_area_size(pixels(50.0) as u32)
            .y_label_area_size(pixels(66.0) as u32)
            .build_cartesian_2d(samples, accuracy),
    )?;
    drawn(
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .axis_style(INK.mix(0.7))
            .x_label_formatter(&|x| format!("{:.0}", x.exp2()))
            .y_label_formatter(&|y| format!("{:.0} %", y * 100.0))
            .label_style(text(size))
            .axis_desc_style(text(size))
            .x_desc("Samples per task, k (logarithmic)")
            .y_desc("Accuracy@k (%)")
            .draw(),
    )?;

    for curve in curves.iter().filter(|_| bands) {
        let upper = curve.points.iter().map(|point| (place(point.k), point.accuracy.high));
        let lower = curve.points.iter().rev().map(|point| (place(point.k), point.accuracy.low));
        let band = Polygon::new(upper.chain(lower).collect::<Vec<_>>(), series_colour(curve.index).mix(0.16));
        drawn(chart.draw_series(std::iter::once(band)))?;
    }
    for (position, curve) in curves.iter().enumerate() {
        // Whiskers of several runs at the same k stand side by side.
        let apart = pixels(6.0).min(pixels(48.0) / curves.len() as f64);
        let shift = if bands { 0.0 } else { (position as f64 - (curves.len() as f64 - 1.0) / 2.0) * apart };
        let at = |k: u32, y: f64| {
            let (x, y) = chart.backend_coord(&(place(k), y));
            (x + shift.round() as i32, y)
        };
        let line = series_colour(curve.index).stroke_width(pixels(2.0) as u32);
        let path: Vec<_> = curve.points.iter().map(|point| at(point.k, point.accuracy.value)).collect();
        drawn(root.draw(&PathElement::new(path, line)))?;
        for point in curve.points {
            if !bands {
                let whisker = vec![at(point.k, point.accuracy.low), at(point.k, point.accuracy.high)];
                let thin = series_colour(curve.index).mix(0.75).stroke_width(pixels(1.0) as u32);
                drawn(root.draw(&PathElement::new(whisker, thin)))?;
            }
            marker(root, at(point.k, point.accuracy.value), pixels(4.0) as i32, curve.index)?;
        }
    }
    Ok(())
}

/// Draws the legend at the top and returns its height: names with the accuracy at their largest k, then what the bands
/// or whiskers are.
fn legend<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    curves: &[Curve<'_>],
    bands: bool,
    scale: f64,
) -> Result<i32, ReportError> {
    let (width, height) = root.dim_in_pixel();
    let pixels = |at_standard_size: f64| (at_standard_size * scale).round();
    let (size, row_height, left) = (pixels(17.0), pixels(22.0), pixels(16.0));
    let figure = |curve: &Curve<'_>| {
        let last = curve.points.last();
        last.map_or_else(String::new, |point| format!(": {:.1} % at k = {}", point.accuracy.value * 100.0, point.k))
    };
    let half = f64::from(width) / 2.0 - left;
    let mut columns = 2;
    for curve in curves {
        let entry = format!("{}{}", curve.name, figure(curve));
        if curves.len() < 3 || fit(&entry, size, half - pixels(30.0))? != entry {
            columns = 1;
        }
    }
    let column = (f64::from(width) - 2.0 * left) / columns as f64;
    // Half of the picture at most: the lines come first.
    let rows = curves.len().div_ceil(columns).min(((f64::from(height) / 2.0 / row_height) as usize).max(2) - 1);
    let slots = rows * columns;
    for (position, curve) in curves.iter().take(slots).enumerate() {
        let x = left + column * (position % columns) as f64;
        let y = pixels(18.0) + row_height * (position / columns) as f64;
        marker(root, ((x + pixels(4.0)) as i32, y as i32), pixels(5.0) as i32, curve.index)?;
        let hidden = curves.len() - slots.min(curves.len());
        let more = if hidden > 0 && position + 1 == slots { format!("  (+ {hidden} more)") } else { String::new() };
        let figure = figure(curve) + &more;
        let room = column - pixels(30.0);
        let font = ("sans-serif", size).into_font();
        let taken = f64::from(drawn(font.box_size(&figure))?.0) * 1.15;
        let name = fit(&curve.name, size, (room - taken).max(0.0))?;
        draw_label(root, &format!("{name}{figure}"), (x + pixels(16.0), y), size)?;
    }
    let note = if bands { "Bands: 95 % bootstrap intervals" } else { "Whiskers: 95 % bootstrap intervals" };
    let y = pixels(18.0) + row_height * rows as f64;
    draw_label(root, note, (left, y), pixels(15.0))?;
    Ok((y + pixels(20.0)) as i32)
}

fn draw_label<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    words: &str,
    (x, y): (f64, f64),
    size: f64,
) -> Result<(), ReportError> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let style = text(size).pos(Pos::new(HPos::Left, VPos::Center));
    drawn(root.draw(&Text::new(words.to_owned(), (x as i32, y as i32), style)))
}

/// Where k stands on the axis.
fn place(k: u32) -> f64 {
    f64::from(k).log2()
}

/// The places of those of `ks` whose labels fit with `distance` between them: powers of two first, then the others.
fn ticks(ks: &[u32], distance: f64) -> Vec<f64> {
    let mut chosen: Vec<f64> = Vec::new();
    let (powers, others): (Vec<u32>, Vec<u32>) = ks.iter().partition(|k| k.is_power_of_two());
    for k in powers.into_iter().chain(others.into_iter().rev()) {
        if chosen.iter().all(|taken| (taken - place(k)).abs() >= distance) {
            chosen.push(place(k));
        }
    }
    chosen.sort_by(f64::total_cmp);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Background;
    use crate::fixtures;

    #[test]
    fn the_svg_is_well_formed_and_names_runs_axes_and_ticks() {
        let evaluations = [fixtures::evaluation("vote <4> & more", 0), fixtures::evaluation("tournament", 1)];
        let svg = curve_svg(&evaluations, SvgStyle::default()).unwrap();
        fixtures::assert_well_formed(&svg);
        let texts = fixtures::texts(&svg);
        for expected in ["Samples per task, k (logarithmic)", "Accuracy@k (%)", "1", "2", "4", "32", "60 %"] {
            assert!(texts.iter().any(|found| found == expected), "no label {expected:?} in {texts:?}");
        }
        assert!(texts.iter().any(|found| found.starts_with("vote &lt;4&gt; &amp; more: ")), "{texts:?}");
        assert!(texts.iter().any(|found| found.starts_with("tournament: ")), "{texts:?}");
        for index in 0..2 {
            let line = format!("stroke=\"{}\" stroke-width=\"2\"", crate::chart::hex(series_colour(index)));
            assert_eq!(svg.matches(&line).count(), 1, "one line for run {index}");
        }
    }

    #[test]
    fn a_single_k_still_shows_its_interval() {
        let mut evaluation = fixtures::evaluation("one", 0);
        evaluation.at_k.truncate(1);
        let svg = curve_svg(&[evaluation], SvgStyle::default()).unwrap();
        assert!(fixtures::texts(&svg).iter().any(|found| found.starts_with("Whiskers")), "{svg}");
        fixtures::assert_well_formed(&svg);
    }

    #[test]
    fn a_chart_for_a_page_has_no_background() {
        let evaluations = [fixtures::evaluation("vote", 0)];
        let white = curve_svg(&evaluations, SvgStyle::default()).unwrap();
        let clear = curve_svg(&evaluations, SvgStyle { background: Background::Clear, ..SvgStyle::default() }).unwrap();
        assert!(white.contains("#FFFFFF"));
        assert!(!clear.contains("#FFFFFF"));
    }

    #[test]
    fn without_labelled_tasks_there_is_no_curve_and_the_error_says_what_to_do() {
        let mut evaluation = fixtures::evaluation("unlabelled", 0);
        evaluation.at_k.clear();
        let error = curve_svg(&[evaluation], SvgStyle::default()).unwrap_err();
        assert!(matches!(error, ReportError::NoCurve));
        assert!(error.to_string().contains("`preferred`"), "{error}");
        assert!(matches!(curve_png(&[], 800, 500), Err(ReportError::NoCurve)));
    }

    #[test]
    fn figures_that_have_no_place_on_the_axis_are_named_not_drawn() {
        for (value, k) in [(f64::NAN, 4), (1.2, 4), (0.5, 0)] {
            let mut evaluation = fixtures::evaluation("vote", 0);
            evaluation.at_k[1].accuracy.value = value;
            evaluation.at_k[1].k = k;
            let error = curve_svg(&[evaluation], SvgStyle::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("accuracy@{k} of vote")), "{error}");
        }
    }

    #[test]
    fn the_png_has_the_size_that_was_asked_for_and_the_same_bytes_each_time() {
        let evaluations = [fixtures::evaluation("vote", 0), fixtures::evaluation("tournament", 1)];
        for (width, height) in [(320, 240), (1200, 700)] {
            let png = curve_png(&evaluations, width, height).unwrap();
            assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
            assert_eq!(png[16..20], width.to_be_bytes());
            assert_eq!(png[20..24], height.to_be_bytes());
            assert_eq!(png, curve_png(&evaluations, width, height).unwrap());
        }
        assert!(matches!(curve_png(&evaluations, 10, 10), Err(ReportError::Size { width: 10, height: 10 })));
    }

    #[test]
    fn many_runs_leave_room_for_their_lines() {
        let evaluations: Vec<_> = (0..40).map(|run| fixtures::evaluation(&format!("run number {run}"), run)).collect();
        let svg = curve_svg(&evaluations, SvgStyle { width: 400, height: 400, ..SvgStyle::default() }).unwrap();
        assert!(fixtures::texts(&svg).iter().any(|found| found.contains("more)")), "the legend says what it left out");
        fixtures::assert_well_formed(&svg);
    }

    #[test]
    fn tick_labels_keep_their_distance() {
        let ks: Vec<u32> = (1..=16).collect();
        assert_eq!(ticks(&ks, 0.9), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(ticks(&[1, 3], 0.3), [0.0, 3f64.log2()]);
        assert_eq!(ticks(&[32, 33], 0.3), [5.0]);
    }
}
