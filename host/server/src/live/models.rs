//! The models that packs run on.

use std::sync::Arc;

use rewarden_judge::ModelOpener;
use rewarden_types::Model;

/// The models of a server.
#[derive(Clone)]
pub struct Models {
    /// The judge. `None` if the server was started without one; then it serves packs of scorers only.
    pub judge: Option<Arc<dyn Model>>,
    /// The model that rates samples, if it is not the judge.
    pub meta: Option<Arc<dyn Model>>,
    /// What the provenance of packs that ask no model names.
    pub none: Arc<dyn Model>,
    /// Opens the models of judges that packs have beside their own.
    pub opener: Arc<dyn ModelOpener>,
}
