//! The options of `rewarden serve` and `rewarden keygen`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use rewarden_judge::PartName;
use rewarden_workbench::ScorerFile;

use crate::options::{ModelOptions, Places, SamplingOptions};

const SERVE_HELP: &str = "\
Examples:
  rewarden serve --pack spct-vote --endpoint http://localhost:8000/v1 --model my-grm
  curl -s localhost:8080/v1/reward -H 'content-type: application/json' \\
    -d '{\"task\": {\"prompt\": \"2+2?\", \"responses\": [\"4\", \"5\"], \"reference\": \"4\"}}'
  rewarden serve --scorer reward.py                   # a reward function as it is
  rewarden serve --packs ./packs --runs ./runs        # packs are swapped when their files change
  rewarden serve --pack oci://ghcr.io/team/maths@sha256:… --require-signature RW…
  rewarden keygen trainer >> keys; rewarden keygen ops --role admin >> keys
  rewarden serve --packs ./packs --bind 0.0.0.0:8443 --keys keys --tls-cert cert.pem --tls-key key.pem
  tar -cf - -C my-pack . | curl --data-binary @- -H 'content-type: application/x-tar' \\
    -H \"authorization: Bearer $KEY\" https://rewards.example:8443/admin/packs/my-pack

Everything scored goes to runs (--runs), one file for each pack version and way of sampling; `replay`, `eval` and `report` read them, \
while the server runs too. The same task asked again of the same version is answered from there, without sampling again.

/docs describes the API; problems are RFC 9457 documents. SIGTERM and SIGINT end it in an orderly way, with status 0.";

#[derive(Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct ServeArgs {
    /// A pack to serve: a name on the pack path, a directory with a pack.toml, or oci://HOST/REPOSITORY@sha256:DIGEST; may be repeated,
    /// the first is the default for requests that name none [default: that of rewarden.toml]
    #[arg(long, value_name = "NAME|DIR|REFERENCE", env = "REWARDEN_PACK", value_hint = ValueHint::AnyPath)]
    pub(crate) pack: Vec<String>,

    /// Serve this reward function instead of packs that are named: a Python, JavaScript or TypeScript file as it is, FILE:FUNCTION where it has several,
    /// or a component; may be repeated, and what they give is added up. Reads the file once, on start
    #[arg(long, value_name = "FILE[:FUNCTION]", env = "REWARDEN_SCORER", value_delimiter = None, value_hint = ValueHint::FilePath)]
    pub(crate) scorer: Vec<ScorerFile>,

    /// A directory whose sub-directories are packs: all are served, and swapped when their files change; uploads are kept there
    #[arg(long, value_name = "DIR", env = "REWARDEN_PACKS", value_hint = ValueHint::DirPath)]
    pub(crate) packs: Option<PathBuf>,

    /// Another pack (or policy, as a pack) that judges the same samples beside the live one: compared in /metrics and the log, never
    /// paid out; may be repeated
    #[arg(long, value_name = "LIVE=SHADOW", env = "REWARDEN_SHADOW")]
    pub(crate) shadow: Vec<Pair>,

    /// A TOML file that sets packs, chat formats and failure values of the dialects: see docs/dialects.md
    #[arg(long, value_name = "FILE", env = "REWARDEN_DIALECTS", value_hint = ValueHint::FilePath)]
    pub(crate) dialects: Option<PathBuf>,

    /// Where runs go
    #[arg(long, value_name = "DIR", env = "REWARDEN_RUNS", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub(crate) runs: PathBuf,

    #[command(flatten)]
    pub(crate) listening: ListenOptions,
    #[command(flatten)]
    pub(crate) requests: RequestOptions,
    #[command(flatten)]
    pub(crate) load: LoadOptions,
    #[command(flatten)]
    pub(crate) groups: GroupOptions,
    #[command(flatten)]
    pub(crate) sampling: SamplingOptions,
    #[command(flatten)]
    pub(crate) model: ModelOptions,
    #[command(flatten)]
    pub(crate) places: Places,

    /// Log lines as JSON objects
    #[arg(long, env = "REWARDEN_LOG_JSON")]
    pub(crate) log_json: bool,

    /// Send the spans of requests to an OpenTelemetry collector (OTLP over HTTP), such as http://localhost:4318/v1/traces; needs a
    /// binary built with the cargo feature `otlp`
    #[arg(long, value_name = "URL", env = "REWARDEN_OTLP_ENDPOINT", value_hint = ValueHint::Url)]
    pub(crate) otlp_endpoint: Option<String>,

    /// Do not say on start what is served
    #[arg(short, long, env = "REWARDEN_QUIET")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct ListenOptions {
    /// Address and port; one that is not loopback needs --keys
    #[arg(long, value_name = "ADDRESS", env = "REWARDEN_BIND", default_value = "127.0.0.1:8080")]
    pub(crate) bind: SocketAddr,

    /// API keys: one line for each, as `rewarden keygen` prints them. Without it everybody who reaches the port may score, and nobody
    /// may change packs over HTTP
    #[arg(long, value_name = "FILE", env = "REWARDEN_KEYS", value_hint = ValueHint::FilePath)]
    pub(crate) keys: Option<PathBuf>,

    /// Serve without keys on an address that is not loopback: for networks where everybody may score
    #[arg(long, env = "REWARDEN_INSECURE_NO_AUTH", conflicts_with = "keys")]
    pub(crate) insecure_no_auth: bool,

    /// A PEM certificate chain: speak TLS
    #[arg(long, value_name = "FILE", env = "REWARDEN_TLS_CERT", requires = "tls_key", value_hint = ValueHint::FilePath)]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", env = "REWARDEN_TLS_KEY", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    pub(crate) tls_key: Option<PathBuf>,

    /// Let web pages of this origin ask, such as https://notebook.example; may be repeated [default: none may]
    #[arg(long, value_name = "ORIGIN", env = "REWARDEN_CORS_ORIGIN")]
    pub(crate) cors_origin: Vec<String>,

    /// Seconds that requests in flight may take to finish after SIGTERM or SIGINT
    #[arg(long, value_name = "SECONDS", env = "REWARDEN_GRACE", default_value_t = 30)]
    pub(crate) grace: u32,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What requests may ask for")]
pub(crate) struct RequestOptions {
    /// Configuration keys that `set` in a request may change; empty allows none
    #[arg(
        long,
        value_name = "PART.KEY",
        env = "REWARDEN_ALLOW_SET",
        value_delimiter = ',',
        default_value = "policy.k"
    )]
    pub(crate) allow_set: Vec<String>,

    /// Sampling parameters that a request may set; each way of sampling keeps a run of its own
    #[arg(
        long,
        value_name = "FIELD",
        env = "REWARDEN_ALLOW_SAMPLING",
        value_delimiter = ',',
        default_value = "temperature,top-p,max-tokens"
    )]
    pub(crate) allow_sampling: Vec<Field>,

    /// Largest policy.k of a request
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_K", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_k: u32,

    /// Largest max_tokens of a request
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_NEW_TOKENS", default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_new_tokens: u32,

    /// Tasks of one request
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_BATCH", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_batch: u32,

    /// Responses of one task
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_RESPONSES", default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_responses: u32,

    /// Megabytes of one request
    #[arg(long, value_name = "MB", env = "REWARDEN_MAX_BODY", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) max_body: u32,

    /// Megabytes of all requests under way together, as they are decoded; more are refused with 429 until some are answered
    #[arg(long, value_name = "MB", env = "REWARDEN_MAX_BODIES", default_value_t = 512,
        value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) max_bodies: u32,

    /// Megabytes of an uploaded pack
    #[arg(long, value_name = "MB", env = "REWARDEN_MAX_UPLOAD", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) max_upload: u32,

    /// Seconds that one request may take
    #[arg(long, value_name = "SECONDS", env = "REWARDEN_REQUEST_TIMEOUT", default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) request_timeout: u32,

    /// Seconds for which an Idempotency-Key is remembered
    #[arg(long, value_name = "SECONDS", env = "REWARDEN_IDEMPOTENCY_TTL", default_value_t = 600)]
    pub(crate) idempotency_ttl: u32,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadOptions {
    /// Tasks that ask a model and wait or are judged; more are refused with 429
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_MODEL_QUEUE", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_model_queue: u32,

    /// The same for packs of scorers alone, whose tasks take microseconds
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_RULE_QUEUE", default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_rule_queue: u32,

    /// Threads for packs of scorers alone [default: one a core]
    #[arg(long, value_name = "N", env = "REWARDEN_RULE_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rule_threads: Option<u16>,

    /// Requests a second for each API key without a limit of its own; for everybody together without keys [default: no limit]
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_RATE", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_rate: Option<u32>,

    /// Packs that may be live at once; further ones are left out, and an upload is refused
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_PACKS", default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_packs: u32,

    /// Runs of one pack version that requests may bring about by settings of their own; each is a file that stays
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_RUNS", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_runs: u32,

    /// Seconds that loading a pack may take, waiting for two others that are being loaded included
    #[arg(long, value_name = "SECONDS", env = "REWARDEN_LOAD_TIMEOUT", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) load_timeout: u32,

    /// Connections at once; further ones wait
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_CONNECTIONS", default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cohorts: members that come one by one and are judged together")]
pub(crate) struct GroupOptions {
    /// Seconds that the first member waits for the last, at most
    #[arg(long, value_name = "SECONDS", env = "REWARDEN_COHORT_DEADLINE", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cohort_deadline: u32,

    /// What becomes of a cohort whose deadline is over
    #[arg(long, value_name = "RULE", env = "REWARDEN_PARTIAL_GROUPS", default_value = "judge")]
    pub(crate) partial_groups: Partial,

    /// Members that may wait at once
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_COHORT_MEMBERS", default_value_t = 65_536,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_cohort_members: u32,
}

/// See [`GroupOptions::partial_groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Partial {
    /// The members that came are judged together.
    Judge,
    /// Each gets a timeout (504).
    Fail,
}

/// See [`RequestOptions::allow_sampling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Field {
    /// No sampling parameter at all.
    None,
    Temperature,
    TopP,
    MaxTokens,
    Seed,
}

/// `A=B`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) live: String,
    pub(crate) shadow: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((live, shadow)) if !live.is_empty() && !shadow.is_empty() && live != shadow => {
                Ok(Self { live: live.to_owned(), shadow: shadow.to_owned() })
            }
            _ => Err("expected LIVE=SHADOW, the names of two different packs".to_owned()),
        }
    }
}

/// `part.key`, as in `--set`.
pub(crate) fn settable(text: &str) -> Result<(PartName, String), String> {
    let (part, key) = text
        .rsplit_once('.')
        .filter(|(_, key)| !key.is_empty())
        .ok_or_else(|| format!("expected PART.KEY such as policy.k, found `{text}`"))?;
    Ok((part.parse()?, key.to_owned()))
}
