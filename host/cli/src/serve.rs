//! `rewarden serve` and `rewarden keygen`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rewarden_manifest::{Manifest, ManifestError};
use rewarden_record::Budget;
use rewarden_server::{
    Defaults, DialectConfig, Keys, Models, PartialGroups, SamplingField, SamplingWishes, Server, ServerConfig,
    ServerLimits, dialect_document, dialect_routes,
};
use rewarden_types::Model;
use tokio::net::TcpListener;

use crate::console::err;
use crate::serve_args::{Field, Partial, ServeArgs, settable};
use crate::stop::Stop;
use crate::{backend, packs, strategy, trust};

/// Runs the command until a signal ends it.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode> {
    let keys = args.listening.keys.as_deref().map(|file| Keys::read(file, args.load.max_rate)).transpose()?;
    check_exposure(args, keys.as_ref())?;
    let tls = match (&args.listening.tls_cert, &args.listening.tls_key) {
        (Some(certificate), Some(key)) => Some(rewarden_server::acceptor(certificate, key)?),
        _ => None,
    };
    let runtime = crate::async_runtime::start()?;
    let ended = runtime.block_on(serve(args, keys, tls));
    // A load or a look at a directory may hang for ever; nothing waits for it.
    runtime.shutdown_background();
    #[cfg(feature = "otlp")]
    crate::otlp::flush();
    ended
}

async fn serve(args: &ServeArgs, keys: Option<Keys>, tls: Option<rewarden_server::TlsAcceptor>) -> Result<ExitCode> {
    let dialects = args.dialects.as_deref().map(DialectConfig::read).transpose()?.unwrap_or_default();
    let runtime = strategy::runtime(&args.places)?;
    let made = match args.scorer.as_slice() {
        [] => None,
        scorers => Some(packs::of_scorers(scorers, &args.places)?),
    };
    let packs = match &made {
        Some(made) => vec![made.path().to_owned()],
        None => args.pack.iter().map(|pack| packs::find(pack, &args.places)).collect::<Result<Vec<_>>>()?,
    };
    let models = models(args, &packs).await?;
    // Taken before packs are compiled: a port that is in use is told at once.
    let listener = TcpListener::bind(args.listening.bind)
        .await
        .with_context(|| format!("cannot listen on {}; is another server running there?", args.listening.bind))?;
    let address = listener.local_addr().context("the listening address cannot be read")?;
    let limits = limits(args, models.judge.as_deref())?;
    let server = Server::start(ServerConfig {
        runtime,
        models: models.clone(),
        defaults: defaults(args),
        limits,
        runs: args.runs.clone(),
        packs,
        watched: args.packs.clone(),
        admission: trust::admission(&args.places)?,
        keys,
        any_host: args.listening.insecure_no_auth,
        origins: args.listening.cors_origin.clone(),
        shadows: args.shadow.iter().map(|pair| (pair.live.clone(), pair.shadow.clone())).collect(),
    })
    .await?;
    if !args.quiet {
        let scheme = if tls.is_some() { "https" } else { "http" };
        err!("listening on {scheme}://{address} (API: {scheme}://{address}/docs)");
        for pack in server.live() {
            err!("pack {} {} {}", pack.name, pack.version, pack.digest);
        }
        match &models.judge {
            Some(model) => err!("model {} ({})", model.identity().model, model.identity().backend),
            None => err!("no model: packs of scorers only"),
        }
        err!("runs in {}", args.runs.display());
    }
    let dialects = dialect_routes(server.rewards(), dialects)?;
    // From here on; a signal before this ends the process, which has nothing to finish yet.
    let stop = Stop::listen().context("signals cannot be listened to")?;
    let stopping = async {
        let signal = stop.asked().await;
        tracing::info!("{}: stopping", signal.name());
    };
    let ended = server.serve(listener, tls, dialects, vec![dialect_document()], stopping).await;
    if !ended.finished {
        tracing::warn!("requests that were not finished within {} s were dropped", args.listening.grace);
    }
    if !ended.closed {
        bail!("stopped, but a run could not be closed in time; what was committed is kept");
    }
    Ok(ExitCode::SUCCESS)
}

/// A port that others can reach must not be open by accident.
fn check_exposure(args: &ServeArgs, keys: Option<&Keys>) -> Result<()> {
    let bind = args.listening.bind;
    if keys.is_none() && !bind.ip().is_loopback() && !args.listening.insecure_no_auth {
        bail!(
            "{bind} can be reached by others, and there are no API keys: give --keys FILE (`rewarden keygen NAME` makes its lines), \
             bind to 127.0.0.1, or say --insecure-no-auth if everybody who reaches it may score"
        );
    }
    if keys.is_some() && args.listening.tls_cert.is_none() && !bind.ip().is_loopback() {
        tracing::warn!(
            "API keys cross the network in the clear: give --tls-cert and --tls-key, or put a TLS proxy in front"
        );
    }
    Ok(())
}

/// Opens the models that the packs need, and those that are named: packs that come later may need them.
async fn models(args: &ServeArgs, packs: &[PathBuf]) -> Result<Models> {
    let Needs { judge: judging, meta: rating } = Needs::of(packs, args.packs.as_deref())?;
    let judge: Option<Arc<dyn Model>> = if judging || args.model.model.is_some() || args.model.endpoint.is_some() {
        Some(backend::open(&args.model, &args.places, args.quiet).await?)
    } else {
        None
    };
    let meta = if rating || args.model.meta_model.is_some() {
        backend::open_meta(&args.model, &args.places, args.quiet).await?
    } else {
        None
    };
    let opener = Arc::new(backend::judges(&args.model));
    Ok(Models { judge, meta, none: backend::none(), opener })
}

/// Which models the packs need, by their manifests alone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    judge: bool,
    meta: bool,
}

impl Needs {
    /// What is needed by the packs in these directories, and by those right below `watched`.
    ///
    /// # Errors
    /// Fails if a pack's manifest cannot be used. A watched pack with such a manifest needs nothing: the watcher reports it,
    /// and its author can correct it while the server runs.
    fn of(packs: &[PathBuf], watched: Option<&Path>) -> Result<Self, ManifestError> {
        let mut needs = Self::default();
        for directory in packs {
            needs.add(&Manifest::read(directory)?);
        }
        let watched = watched.and_then(|watched| std::fs::read_dir(watched).ok());
        for entry in watched.into_iter().flatten().flatten() {
            if let Ok(manifest) = Manifest::read(&entry.path()) {
                needs.add(&manifest);
            }
        }
        Ok(needs)
    }

    fn add(&mut self, manifest: &Manifest) {
        self.judge |= manifest.asks_model();
        self.meta |= manifest.rates_samples();
    }
}

fn defaults(args: &ServeArgs) -> Defaults {
    let sampling = &args.sampling;
    Defaults {
        sampling: SamplingWishes {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            max_tokens: sampling.max_tokens,
            seed: Some(sampling.seed),
        },
        k: sampling.k,
        budget: Budget { max_samples: sampling.max_samples, max_rounds: sampling.max_rounds },
    }
}

fn limits(args: &ServeArgs, model: Option<&dyn Model>) -> Result<ServerLimits> {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let (requests, load, groups) = (&args.requests, &args.load, &args.groups);
    let usual = ServerLimits::default();
    let allow_set = requests.allow_set.iter().filter(|text| !text.is_empty()).map(|text| settable(text));
    Ok(ServerLimits {
        body_bytes: (requests.max_body as usize) << 20,
        bodies_bytes: (requests.max_bodies as usize) << 20,
        request_time: seconds(requests.request_timeout),
        batch: requests.max_batch as usize,
        responses: requests.max_responses as usize,
        model_tasks: model.map_or(1, Model::concurrency),
        model_queue: load.max_model_queue as usize,
        rule_threads: load.rule_threads.map_or(usual.rule_threads, usize::from),
        rule_queue: load.max_rule_queue as usize,
        rate: load.max_rate,
        connections: load.max_connections as usize,
        upload_bytes: (requests.max_upload as usize) << 20,
        load_time: seconds(load.load_timeout),
        packs: load.max_packs as usize,
        runs_per_pack: load.max_runs as usize,
        allow_set: allow_set.collect::<Result<_, _>>().map_err(|error| anyhow::anyhow!("--allow-set: {error}"))?,
        allow_sampling: requests.allow_sampling.iter().filter_map(|field| sampling_field(*field)).collect(),
        k: requests.max_k,
        new_tokens: requests.max_new_tokens,
        variants: usual.variants,
        idempotency: seconds(requests.idempotency_ttl),
        cohort_time: seconds(groups.cohort_deadline),
        cohort_members: groups.max_cohort_members as usize,
        partial_groups: match groups.partial_groups {
            Partial::Judge => PartialGroups::Judge,
            Partial::Fail => PartialGroups::Fail,
        },
        grace: seconds(args.listening.grace),
    })
}

fn sampling_field(field: Field) -> Option<SamplingField> {
    match field {
        Field::None => None,
        Field::Temperature => Some(SamplingField::Temperature),
        Field::TopP => Some(SamplingField::TopP),
        Field::MaxTokens => Some(SamplingField::MaxTokens),
        Field::Seed => Some(SamplingField::Seed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "name = \"p\"\nversion = \"1\"\nscale = { min = 0, max = 1, integer = false }\n\
                         [scorers.s]\ncomponent = \"s.wasm\"\n[policy]\ncomponent = \"v.wasm\"\n";
    const ASKS: &str = "[template]\ncomponent = \"t.wasm\"\n[parser]\ncomponent = \"p.wasm\"\n";
    const RATES: &str = "[meta]\nscale = { min = 0, max = 1, integer = false }\ntemplate = { component = \"t.wasm\" }\n\
                         parser = { component = \"p.wasm\" }\n";

    fn pack(parent: &Path, name: &str, manifest: &str) -> PathBuf {
        let directory = parent.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("pack.toml"), manifest).unwrap();
        directory
    }

    #[test]
    fn which_models_are_needed_is_known_without_a_component() {
        let directory = tempfile::tempdir().unwrap();
        let needs = |packs: &[PathBuf], watched| Needs::of(packs, watched).unwrap();
        let rules = pack(directory.path(), "rules", RULES);
        assert_eq!(needs(std::slice::from_ref(&rules), None), Needs { judge: false, meta: false });
        let asks = pack(directory.path(), "asks", &format!("{RULES}{ASKS}"));
        assert_eq!(needs(&[rules, asks], None), Needs { judge: true, meta: false });
        pack(directory.path(), "rates", &format!("{RULES}{ASKS}{RATES}"));
        assert_eq!(needs(&[], Some(directory.path())), Needs { judge: true, meta: true });
    }

    #[test]
    fn a_wrong_manifest_of_a_named_pack_is_an_error_and_one_that_is_watched_needs_nothing_yet() {
        let directory = tempfile::tempdir().unwrap();
        let wrong = pack(directory.path(), "wrong", &format!("{RULES}{ASKS}[polcy]\n"));
        let message = Needs::of(std::slice::from_ref(&wrong), None).unwrap_err().to_string();
        assert!(message.contains("wrong/pack.toml") && message.contains("did you mean `policy`?"), "{message}");
        assert_eq!(Needs::of(&[], Some(directory.path())).unwrap(), Needs::default());
    }
}
