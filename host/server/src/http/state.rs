//! What all handlers share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::http::access::Access;
use crate::http::cors::Origins;
use crate::judging::RewardService;
use crate::live::{Models, PackManager};
use crate::metrics::Metrics;
use crate::settings::ServerLimits;

/// What every handler can reach.
pub(crate) struct App {
    pub(crate) service: Arc<RewardService>,
    pub(crate) packs: Arc<PackManager>,
    pub(crate) models: Models,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: ServerLimits,
    pub(crate) access: Access,
    pub(crate) origins: Origins,
    pub(crate) shadows: BTreeMap<String, String>,
    pub(crate) stopping: AtomicBool,
}
