//! Shows what rewards came to: the accuracy@k curve as SVG or PNG, and one self-contained HTML page about runs.
//!
//! The page needs no network and works from a file. Whatever comes from tasks, models or plugins is data in it: figures
//! and names are escaped, tasks are JSON that only the page's own script reads, and a content security policy lets no
//! other script run.

mod breakdown;
mod chart;
mod curve;
mod error;
mod escape;
mod histogram;
mod page;
mod reliability;
mod summary;
mod table;
mod task;

pub use chart::{Background, SvgStyle};
pub use curve::{curve_png, curve_svg};
pub use error::ReportError;
pub use histogram::histogram_svg;
pub use page::Page;
pub use task::{
    BrowsedCriterion, BrowsedMessage, BrowsedPrinciple, BrowsedRun, BrowsedSample, BrowsedTask, TaskVerdict,
};

#[cfg(test)]
mod fixtures;
