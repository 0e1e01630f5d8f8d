//! The live packs: loaded, watched, uploaded, swapped and taken out, with the runs that their rewards go to.

mod change_order;
mod load_queue;
mod models;
mod pack_directory;
mod pack_manager;
mod refused;
mod registry;
mod runs;
mod upload;
mod variants;
mod version;
mod watcher;

pub use self::models::Models;
pub use self::pack_manager::PackAdmission;
pub(crate) use self::pack_manager::{PackManager, PackSettings};
pub use self::refused::PackRefused;
pub(crate) use self::registry::{PackChange, Registry};
pub(crate) use self::runs::{OpenRun, RunStore};
pub(crate) use self::upload::sweep;
pub use self::upload::unpack as unpack_archive;
pub(crate) use self::variants::{Changes, Variants};
pub(crate) use self::version::PackVersion;
pub(crate) use self::watcher::PackWatcher;
