//! The plugins to use on a run: its own, changed by options, or another pack's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, ValueHint};
use rewarden_judge::Setting;
use rewarden_judge::{Overrides, Pack};
use rewarden_runtime::{Isolation, Limits, Runtime};
use rewarden_store::RunReader;

use crate::options::{Isolate, Places};
use crate::progress::CompilerWait;
use crate::{model, packs};

/// Which plugins to use on a run; those that made it where nothing is named.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Strategy")]
pub(crate) struct StrategyOptions {
    /// A pack in place of the run's: a name on the pack path, a directory with a pack.toml, or oci://HOST/REPOSITORY@sha256:DIGEST
    #[arg(long, value_name = "NAME|DIR|REFERENCE", value_hint = ValueHint::DirPath)]
    pub(crate) pack: Option<String>,

    /// Another component or program in place of the parser (with its own default configuration)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) parser: Option<PathBuf>,

    /// Another component or program in place of the policy (with its own default configuration)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,

    /// Change a plugin's configuration, such as policy.aggregate=mean; may be repeated
    #[arg(long, value_name = "PART.KEY=VALUE")]
    pub(crate) set: Vec<Setting>,
}

/// The runtime under the host's own limits, in this process or in others as the options say, with compiled components kept
/// in the cache.
pub(crate) fn runtime(places: &Places) -> Result<Runtime> {
    let limits = Limits::default().with(&places.limits);
    let cache = model::cache(places)?.join("components");
    let runtime = match places.isolate {
        Isolate::None => Runtime::new(limits, Some(&cache))?,
        Isolate::Process => Runtime::isolated(limits, Some(&cache), Isolation::by_this_program())?,
    };
    let runtime = runtime.with_interpreters(places.beside("runtimes", &places.runtimes));
    Ok(runtime.with_notice(Arc::new(|component, bytes| Box::new(CompilerWait::for_compiler(component, bytes)))))
}

/// The pack that the options name, or the run's own with the options' changes.
pub(crate) fn of_run(run: &RunReader, options: &StrategyOptions, places: &Places) -> Result<Pack> {
    let overrides = Overrides {
        template: None,
        parser: options.parser.clone(),
        policy: options.policy.clone(),
        settings: options.set.clone(),
    };
    let runtime = runtime(places)?;
    if let Some(pack) = &options.pack {
        return Ok(Pack::load(&runtime, &packs::find(pack, places)?, &overrides)?);
    }
    recorded(run, &runtime, &overrides)
}

/// The strategy that made the run, from the components that it holds.
pub(crate) fn recorded(run: &RunReader, runtime: &Runtime, overrides: &Overrides) -> Result<Pack> {
    let name = display(run.path());
    let Some(strategy) = &run.header().strategy else {
        bail!("{name} was imported and nothing has read it yet; name the plugins to read it with: --pack NAME")
    };
    Pack::recorded(runtime, strategy, overrides, &name, |part| Ok::<_, anyhow::Error>(run.component(part.digest)?))
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
