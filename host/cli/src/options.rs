//! Options that several commands share.

use std::path::{Path, PathBuf};

use crate::judges::JudgeOptions;
use crate::trust_options::TrustOptions;
use clap::{Args, ValueEnum, ValueHint};
use rewarden_judge::Setting;
use rewarden_runtime::LimitChange;
use rewarden_workbench::ScorerFile;

/// Where things are kept, where plugins run, and what they may use of this host.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Places")]
pub(crate) struct Places {
    /// Directories in which packs are looked up by name (separated by colons in the variable)
    #[arg(long, value_name = "DIR", env = "REWARDEN_PACK_PATH", value_delimiter = ':', default_value = "packs",
        value_hint = ValueHint::DirPath)]
    pub(crate) pack_path: Vec<PathBuf>,

    /// Directories with the interpreters of plugins that are programs, such as python.wasm (separated by colons in the variable)
    /// [default: `runtimes` beside each directory of the pack path]
    #[arg(long, value_name = "DIR", env = "REWARDEN_RUNTIMES", value_delimiter = ':', value_hint = ValueHint::DirPath)]
    pub(crate) runtimes: Vec<PathBuf>,

    /// Where models and compiled components are kept [default: rewarden in the user's cache directory]
    #[arg(long, value_name = "DIR", env = "REWARDEN_CACHE_DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache_dir: Option<PathBuf>,

    /// What stands between plugins and this process, beside WebAssembly itself
    #[arg(long, value_name = "HOW", env = "REWARDEN_ISOLATE", default_value = "none")]
    pub(crate) isolate: Isolate,

    /// What plugins may use at most, such as fuel=1000000000,cpu_ms=20000; the rest as `rewarden inspect` shows it
    #[arg(long, value_name = "LIMIT=N", env = "REWARDEN_LIMITS", value_delimiter = ',', help_heading = "Limits")]
    pub(crate) limits: Vec<LimitChange>,

    #[command(flatten)]
    pub(crate) trust: TrustOptions,
}

impl Places {
    /// The directories that are given, or else those of this name beside the pack path's.
    pub(crate) fn beside(&self, name: &str, given: &[PathBuf]) -> Vec<PathBuf> {
        if !given.is_empty() {
            return given.to_vec();
        }
        self.pack_path.iter().map(|directory| directory.parent().unwrap_or(Path::new("")).join(name)).collect()
    }
}

/// See [`Places::isolate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolate {
    /// Nothing: plugins run here, under their limits.
    None,
    /// Processes of their own, without files or network and with bounded memory; Linux only.
    Process,
}

/// Everything about scoring that can be configured.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) pack: PackOptions,
    #[command(flatten)]
    pub(crate) sampling: SamplingOptions,
    #[command(flatten)]
    pub(crate) model: ModelOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Pack")]
pub(crate) struct PackOptions {
    /// The pack: a name on the pack path, a directory with a pack.toml, or oci://HOST/REPOSITORY@sha256:DIGEST
    #[arg(long, value_name = "NAME|DIR|REFERENCE", env = "REWARDEN_PACK", default_value = "spct-vote", value_hint = ValueHint::AnyPath)]
    pub(crate) pack: String,

    /// Score by this reward function instead of a pack: a Python, JavaScript or TypeScript file as it is, FILE:FUNCTION where it has
    /// several, or a component; may be repeated, and what they give is added up
    #[arg(long, value_name = "FILE[:FUNCTION]", env = "REWARDEN_SCORER", value_delimiter = None, value_hint = ValueHint::FilePath)]
    pub(crate) scorer: Vec<ScorerFile>,

    /// Another component or program in place of the pack's template (with its own default configuration)
    #[arg(long, value_name = "FILE", env = "REWARDEN_TEMPLATE", value_hint = ValueHint::FilePath)]
    pub(crate) template: Option<PathBuf>,

    /// Another component or program in place of the pack's parser (with its own default configuration)
    #[arg(long, value_name = "FILE", env = "REWARDEN_PARSER", value_hint = ValueHint::FilePath)]
    pub(crate) parser: Option<PathBuf>,

    /// Another component or program in place of the pack's policy (with its own default configuration)
    #[arg(long, value_name = "FILE", env = "REWARDEN_POLICY", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,

    /// Change a plugin's configuration, such as policy.aggregate=mean; may be repeated
    #[arg(long, value_name = "PART.KEY=VALUE", env = "REWARDEN_SET", value_delimiter = None)]
    pub(crate) set: Vec<Setting>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sampling")]
pub(crate) struct SamplingOptions {
    /// Samples a task; short for --set policy.k=N
    #[arg(short, value_name = "N", long = "k", env = "REWARDEN_K")]
    pub(crate) k: Option<u32>,

    /// 0 is greedy decoding [default: the pack's, else 0.5]
    #[arg(long, value_name = "T", env = "REWARDEN_TEMPERATURE", value_parser = temperature)]
    pub(crate) temperature: Option<f64>,

    /// Nucleus sampling, above 0 and at most 1 [default: the pack's, else 1]
    #[arg(long, value_name = "P", env = "REWARDEN_TOP_P", value_parser = top_p)]
    pub(crate) top_p: Option<f64>,

    /// Upper bound on the tokens of one sample [default: the pack's, else 1024]
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: Option<u32>,

    /// Decides every random choice: the same seed, tasks and model give the same bytes
    #[arg(long, value_name = "N", env = "REWARDEN_SEED", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Samples that a policy may draw for one task
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_SAMPLES", default_value_t = 256)]
    pub(crate) max_samples: u32,

    /// Steps that a policy may take for one task
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_ROUNDS", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(rewarden_record::MOST_ROUNDS)))]
    pub(crate) max_rounds: u32,
}

pub(crate) fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("expected a number of at least 0".into()),
    }
}

fn top_p(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
        _ => Err("expected a number above 0 and at most 1".into()),
    }
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelOptions {
    /// A GGUF file, a directory with safetensors, which may be a reward model of one label, or a Hugging Face id; with
    /// --endpoint the server's name for it
    /// [default: SmolLM2-135M-Instruct, fetched on first use]
    #[arg(long, value_name = "MODEL", env = "REWARDEN_MODEL", value_hint = ValueHint::AnyPath)]
    pub(crate) model: Option<String>,

    /// Use an OpenAI-compatible server instead of running the model here; the API key is read from REWARDEN_API_KEY,
    /// else from OPENAI_API_KEY
    #[arg(long, value_name = "URL", env = "REWARDEN_ENDPOINT", value_hint = ValueHint::Url)]
    pub(crate) endpoint: Option<String>,

    /// What the pack's meta RM runs on, as --model [default: the judge's own model]
    #[arg(long, value_name = "MODEL", env = "REWARDEN_META_MODEL", value_hint = ValueHint::AnyPath)]
    pub(crate) meta_model: Option<String>,

    /// A server for the meta RM, as --endpoint; its key is read from REWARDEN_META_API_KEY, else as the judge's
    #[arg(long, value_name = "URL", env = "REWARDEN_META_ENDPOINT", value_hint = ValueHint::Url)]
    pub(crate) meta_endpoint: Option<String>,

    /// What kind of model is behind --meta-endpoint
    #[arg(long, value_name = "KIND", env = "REWARDEN_META_KIND", default_value = "chat")]
    pub(crate) meta_kind: MetaKind,

    /// With --meta-kind classify or pooling: how the conversation is sent [default: messages]
    #[arg(long, value_name = "FORM", env = "REWARDEN_META_INPUT")]
    pub(crate) meta_input: Option<MetaInput>,

    #[command(flatten)]
    pub(crate) judges: JudgeOptions,

    /// Where to run the model: auto, cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", env = "REWARDEN_DEVICE", default_value = "auto")]
    pub(crate) device: String,

    /// Samples that a model in this process works on at once, 1 to 64; as many as fit into the GPU's memory, or 8 on the CPU
    ///
    /// With the engine that `cargo xtask build` makes. A sample is the same whatever this is, unless results say
    /// `"batch_invariant": false`.
    #[arg(long, value_name = "N", env = "REWARDEN_MAX_NUM_SEQS", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) max_num_seqs: Option<u8>,

    /// How the server behind --endpoint takes constraints of the output
    #[arg(long, value_name = "SERVER", env = "REWARDEN_CONSTRAINTS", default_value = "auto")]
    pub(crate) constraints: ConstraintServer,

    /// Requests to the endpoint at once
    #[arg(long, value_name = "N", env = "REWARDEN_CONCURRENCY", default_value_t = 16,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,

    /// Seconds that one request to the endpoint may take, each try by itself
    #[arg(long, value_name = "SECONDS", env = "REWARDEN_TIMEOUT", default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: u32,
}

/// Models that rate samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetaKind {
    /// Writes text, like the judge.
    Chat,
    /// A sequence classifier with one label, asked by vLLM's /classify; the text is its score.
    Classify,
    /// The same, asked by /pooling.
    Pooling,
}

/// How a sequence classifier gets the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetaInput {
    /// As chat messages: the server applies the model's chat template.
    Messages,
    /// As one text without roles: for servers whose route takes nothing else, and for models without a chat template.
    Text,
}

/// Servers that differ in how they take a regular expression or a grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConstraintServer {
    /// It is asked what it is, and for one token in that form; only by packs that constrain.
    Auto,
    /// The server takes none: a pack that needs them is refused, one that prefers them is asked without.
    None,
    /// JSON schemas only, as OpenAI's own service takes them.
    Openai,
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// llama.cpp's server.
    LlamaCpp,
    /// Text Generation Inference.
    Tgi,
    /// Ollama: JSON schemas only.
    Ollama,
    /// LM Studio: JSON schemas only.
    LmStudio,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputOptions {
    /// Keep everything in this run: created if there is none, continued where it is of the same pack, model and
    /// sampling. Without it a temporary one is used
    #[arg(long, value_name = "FILE", env = "REWARDEN_RUN", value_hint = ValueHint::FilePath)]
    pub(crate) run: Option<PathBuf>,

    /// Write result rows (JSONL) to a file [default: stdout]
    #[arg(long, value_name = "FILE", env = "REWARDEN_OUT", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    /// Write every sample (JSONL): order, text, scores or failure, usage, seed
    #[arg(long, value_name = "FILE", env = "REWARDEN_SAMPLES", value_hint = ValueHint::FilePath)]
    pub(crate) samples: Option<PathBuf>,

    /// What goes to stdout [default: a table on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT", env = "REWARDEN_FORMAT")]
    pub(crate) format: Option<ResultFormat>,

    /// No progress bar and no summary
    #[arg(short, long, env = "REWARDEN_QUIET")]
    pub(crate) quiet: bool,
}

/// See [`OutputOptions::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// One JSON object a task.
    Jsonl,
    /// For people.
    Table,
}
