//! Why a pack cannot be used.

use std::path::PathBuf;

use rewarden_manifest::{LockError, ManifestError};
use rewarden_runtime::{CallError, LimitError, LoadError};

use crate::configuration::ConfigurationError;
use crate::part_name::PartName;
use crate::program::ProgramError;

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The directory or its manifest cannot be read.
    #[error("cannot read {path}: {message}; expected the directory of a pack, with a pack.toml in it")]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A judge has no template or parser, and the pack has none that it could use.
    #[error("[judges.{judge}] has no template or no parser, and the pack has none of its own for it to use")]
    NoOwnPart {
        /// The judge's name.
        judge: String,
    },
    /// A path leaves the pack.
    #[error(
        "{file}: `{part}` names {component:?}, which is not inside the pack or leads outside of it; copy the file itself \
         beside pack.toml"
    )]
    Outside {
        /// The manifest.
        file: PathBuf,
        /// The part that names it.
        part: PartName,
        /// The path as written.
        component: PathBuf,
    },
    /// The pack, or a run that was recorded elsewhere, wants a limit that it cannot have.
    #[error("{origin}: [limits]: {error}")]
    Limits {
        /// The manifest, or the run.
        origin: String,
        /// What is wrong with it.
        error: LimitError,
    },
    /// A component was refused.
    #[error("{part}: {error}")]
    Load {
        /// The part that names it.
        part: PartName,
        /// Why.
        error: LoadError,
    },
    /// No interpreter for a program.
    #[error(
        "{part}: {} is for the interpreter `{runtime}`, and there is no {runtime}.wasm in {searched}; build the interpreters \
         with `cargo xtask runtimes`, or say where they are with --runtimes DIR",
        program.display()
    )]
    NoInterpreter {
        /// The part.
        part: PartName,
        /// The program's source.
        program: PathBuf,
        /// The interpreter's name.
        runtime: String,
        /// The directories that were looked at.
        searched: String,
    },
    /// A program's file cannot be used.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A component does not have the interface that its part needs.
    #[error("{part}: `{component}` does not export `{}`; it exports {exports}", part.interface())]
    WrongPart {
        /// The part that names it.
        part: PartName,
        /// The component.
        component: String,
        /// What it exports.
        exports: String,
    },
    /// A configuration does not fit its plugin.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A component differs from the one that the pack was locked with.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A setting names a part that the pack does not have.
    #[error("--set {setting}: the pack has no such part; it has {parts}")]
    NoSuchPart {
        /// The setting.
        setting: String,
        /// The parts that there are.
        parts: String,
    },
    /// A run does not hold the component that it was made with.
    #[error(
        "{part}: the run does not hold the component {name} ({digest}) that it was made with; give --pack or --{part}"
    )]
    NotRecorded {
        /// The part that it plays.
        part: PartName,
        /// What it calls itself.
        name: String,
        /// Its digest.
        digest: String,
    },
    /// A plugin failed when it was tried out.
    #[error("{part}, tried out with a task of two responses: {error}")]
    TriedOut {
        /// The part.
        part: PartName,
        /// How it failed.
        error: CallError,
    },
    /// Its policy asks for samples, and there is nothing to ask a model with.
    #[error(
        "the policy asks for samples, but the pack has no [template] and [parser]; add them, or configure the policy to \
         decide by the scorers alone"
    )]
    NothingToDrawWith,
    /// Its policy asks for ratings, and there is nothing to ask a meta RM with.
    #[error("the policy asks for ratings, but the pack names no meta RM; add [meta]")]
    NothingToRateWith,
    /// A plugin failed while being configured.
    #[error("{part}: {error}")]
    Configure {
        /// The part.
        part: PartName,
        /// How it failed.
        error: CallError,
    },
}
