//! What can go wrong.

/// Why a chart or a page was not made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Nothing to draw a curve of.
    #[error(
        "no accuracy@k to draw: expected at least one run with labelled tasks and measured k, found none; give tasks a \
         `preferred` response and measure with k"
    )]
    NoCurve,
    /// Nothing to draw a histogram of.
    #[error("no scores to draw: expected at least one score in the histogram, found none")]
    NoScores,
    /// The picture is too small to be read or too large to be held.
    #[error("a picture of {width} by {height} pixels: expected 320 to 8192 by 240 to 8192; choose another size")]
    Size {
        /// As asked.
        width: u32,
        /// As asked.
        height: u32,
    },
    /// A figure that cannot be placed on an axis.
    #[error("{place}: expected {expected}, found {found}; measure the run again")]
    Figure {
        /// Which figure of which run.
        place: String,
        /// The range that it must lie in.
        expected: &'static str,
        /// What stood there.
        found: String,
    },
    /// The plotting library gave up.
    #[error("drawing a chart failed: {0}")]
    Draw(String),
    /// The picture could not be encoded by way of a temporary file.
    #[error("encoding a PNG in a temporary file failed: {0}; is the temporary directory writable, and not full?")]
    Encode(std::io::Error),
    /// The page could not be written.
    #[error("writing the page failed: {0}")]
    Write(#[from] std::io::Error),
    /// A task could not be put into the page.
    #[error("task {id}: turning it into JSON for the page failed: {source}")]
    Task {
        /// The task's id.
        id: String,
        /// What serde_json said.
        source: serde_json::Error,
    },
}
