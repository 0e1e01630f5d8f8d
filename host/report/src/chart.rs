//! What all charts share: sizes, colours, the font, and axes that end on round numbers.

use std::ops::Range;
use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::register_font;

use crate::error::ReportError;

/// What is behind a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// White: a picture on its own.
    White,
    /// Nothing: a picture in a page, whose style sheet may replace the colours (see `page/style.css`).
    Clear,
}

/// How an SVG is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvgStyle {
    /// Pixels, 320 to 8192.
    pub width: u32,
    /// Pixels, 240 to 8192.
    pub height: u32,
    /// What is behind the chart.
    pub background: Background,
}

impl Default for SvgStyle {
    fn default() -> Self {
        Self { width: 880, height: 500, background: Background::White }
    }
}

/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(0x22, 0x26, 0x2B);
/// Grid lines.
pub(crate) const GRID: RGBColor = RGBColor(0xD8, 0xDC, 0xE1);
/// Responses of tasks without a label.
pub(crate) const NEUTRAL: RGBColor = RGBColor(0x7A, 0x80, 0x88);
/// Responses that the label calls right. This and the next two are Okabe and Ito's palette, which stays apart for
/// colour-blind readers (Color Universal Design, 2008), without yellow, which is too weak on white. What stands for
/// right or wrong never stands for a run.
pub(crate) const RIGHT: RGBColor = RGBColor(0x00, 0x9E, 0x73);
/// Responses that the label calls wrong.
pub(crate) const WRONG: RGBColor = RGBColor(0xCC, 0x79, 0xA7);
/// Runs, the colours that are weaker on white at the end.
pub(crate) const SERIES: [RGBColor; 5] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
];

/// The colour of the `index`th run.
pub(crate) fn series_colour(index: usize) -> RGBColor {
    SERIES.get(index % SERIES.len()).copied().unwrap_or(INK)
}

/// As it stands in an SVG's attributes.
pub(crate) fn hex(colour: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}

/// A marker in the colour and the shape of the `index`th run, so that runs can be told apart without colour.
pub(crate) fn marker<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (x, y): (i32, i32),
    radius: i32,
    index: usize,
) -> Result<(), ReportError> {
    let style = series_colour(index).filled();
    // Seven shapes against five colours: 35 combinations before one comes back.
    let corners: &[(i32, i32)] = match index % 7 {
        0 => return drawn(area.draw(&Circle::new((x, y), radius, style))),
        1 => &[(0, -5), (5, 4), (-5, 4)],
        2 => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
        3 => &[(0, -6), (6, 0), (0, 6), (-6, 0)],
        4 => &[(0, 5), (5, -4), (-5, -4)],
        5 => &[(-5, 0), (4, -5), (4, 5)],
        _ => &[(5, 0), (-4, -5), (-4, 5)],
    };
    let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + dx * radius / 4, y + dy * radius / 4)).collect();
    drawn(area.draw(&Polygon::new(corners, style)))
}

/// Renders what `draw` draws as an SVG with `title` for readers that do not see it.
pub(crate) fn svg<F>(style: SvgStyle, title: &str, draw: F) -> Result<String, ReportError>
where
    F: FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), ReportError>,
{
    check_size(style.width, style.height)?;
    load_font()?;
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, (style.width, style.height)).into_drawing_area();
        if style.background == Background::White {
            drawn(root.fill(&WHITE))?;
        }
        draw(&root)?;
        drawn(root.present())?;
    }
    let labelled = format!("<svg role=\"img\" aria-label=\"{}\" ", crate::escape::html(title));
    Ok(out.replacen("<svg ", &labelled, 1))
}

/// Refuses sizes at which a chart is unreadable or its bitmap does not fit in memory.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), ReportError> {
    if (320..=8192).contains(&width) && (240..=8192).contains(&height) {
        Ok(())
    } else {
        Err(ReportError::Size { width, height })
    }
}

/// Registers the font that comes with the program: text is measured and drawn the same on every machine.
pub(crate) fn load_font() -> Result<(), ReportError> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    // Ubuntu Light, under the Ubuntu Font Licence 1.0, which allows embedding in programs and documents. In an SVG the
    // name is the generic family, so that the reader's own font is used.
    let loaded = *LOADED
        .get_or_init(|| register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT).is_ok());
    if loaded { Ok(()) } else { Err(ReportError::Draw("the built-in font is not a valid font".into())) }
}

/// Text of `pixels` height.
pub(crate) fn text(pixels: f64) -> TextStyle<'static> {
    ("sans-serif", pixels).into_font().color(&INK)
}

/// Shortens `label` to fit `width` pixels at `pixels` height, with some room because an SVG's reader may have a wider
/// font than the one that is measured with.
pub(crate) fn fit(label: &str, pixels: f64, width: f64) -> Result<String, ReportError> {
    let font = ("sans-serif", pixels).into_font();
    let fits = |text: &str| drawn(font.box_size(text)).map(|(wide, _)| f64::from(wide) * 1.15 <= width);
    if fits(label)? {
        return Ok(label.to_owned());
    }
    let mut kept: Vec<char> = label.chars().take(400).collect();
    while kept.pop().is_some() {
        let short: String = kept.iter().chain(['…'].iter()).collect();
        if fits(&short)? {
            return Ok(short);
        }
    }
    Ok("…".to_owned())
}

/// The plotting library's errors as ours.
pub(crate) fn drawn<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, ReportError> {
    result.map_err(|error| ReportError::Draw(error.to_string()))
}

/// An axis with its ticks chosen: the plotting library chooses by the decimal, and has no such axis for fractions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// What it spans, ascending.
    pub(crate) range: Range<f64>,
    /// Where labels stand.
    pub(crate) ticks: Vec<f64>,
}

impl Axis {
    /// An axis around `values` that ends on multiples of a round step (1, 2 or 5 times a power of ten, at least
    /// `finest`), with a tick at each: at most `ticks + 1`.
    pub(crate) fn round(values: Range<f64>, ticks: u32, finest: f64) -> Self {
        let span = (values.end - values.start).max(finest);
        let rough = span / f64::from(ticks.max(2) - 1);
        let magnitude = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * magnitude)
            .find(|step| *step >= rough * (1.0 - 1e-9))
            .unwrap_or(10.0 * magnitude)
            .max(finest);
        let first = (values.start / step + 1e-9).floor();
        let last = (values.end / step - 1e-9).ceil().max(first + 1.0);
        let mut points = Vec::new();
        let mut at = first;
        while at <= last {
            points.push(at * step);
            at += 1.0;
        }
        Self { range: first * step..last * step, ticks: points }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        (f64::from(limit.0) + share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers() {
        let Axis { range, ticks } = Axis::round(0.613..0.787, 6, 0.01);
        assert!((range.start - 0.6).abs() < 1e-9 && (range.end - 0.8).abs() < 1e-9, "{range:?}");
        assert_eq!(ticks.len(), 5, "{ticks:?}");
        assert_eq!(Axis::round(0.0..3.0, 5, 1.0), Axis { range: 0.0..3.0, ticks: vec![0.0, 1.0, 2.0, 3.0] });
        assert_eq!(Axis::round(7.0..7.0, 5, 1.0), Axis { range: 7.0..8.0, ticks: vec![7.0, 8.0] });
    }

    #[test]
    fn the_pages_style_sheet_knows_every_colour_that_charts_use() {
        let css = include_str!("page/style.css");
        for colour in SERIES.iter().chain([&INK, &GRID, &NEUTRAL, &RIGHT, &WRONG]) {
            for attribute in ["fill", "stroke"] {
                let rule = format!("[{attribute}=\"{}\"]", hex(*colour));
                assert!(css.contains(&rule), "style.css has no rule for {rule}");
            }
        }
    }

    #[test]
    fn no_runs_colour_means_anything_else() {
        let mut colours: Vec<_> =
            SERIES.iter().chain([&INK, &GRID, &NEUTRAL, &RIGHT, &WRONG]).map(|c| hex(*c)).collect();
        colours.sort();
        colours.dedup();
        assert_eq!(colours.len(), SERIES.len() + 5);
    }

    #[test]
    fn long_labels_are_shortened_and_short_ones_kept() {
        load_font().unwrap();
        assert_eq!(fit("vote", 14.0, 200.0).unwrap(), "vote");
        let short = fit(&"a long name ".repeat(20), 14.0, 200.0).unwrap();
        assert!(short.ends_with('…') && short.chars().count() > 10 && short.chars().count() < 60, "{short}");
    }
}
