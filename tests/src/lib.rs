//! What the end-to-end tests share: the binary under test, the built components, and a model server that says what a
//! test wants it to say.

pub mod broken_server;
pub mod browser;
pub mod debian;
pub mod devtools;
pub mod http;
pub mod python;
pub mod registry;
pub mod serving;
pub mod watched;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};

/// `plugins/dist`, where `cargo xtask plugins` puts components and packs.
pub fn dist() -> PathBuf {
    let dist = match std::env::var_os("REWARDEN_DIST") {
        Some(dist) => PathBuf::from(dist),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/dist"),
    };
    assert!(dist.is_dir(), "{} is missing; run `cargo xtask plugins` first", dist.display());
    dist
}

/// A built component, by its plugin's name.
pub fn component(name: &str) -> PathBuf {
    let path = dist().join("components").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is missing; run `cargo xtask plugins` first", path.display());
    path
}

/// An interpreter for plugins that are programs, by name; where it was not built, that it is not tested is said.
pub fn interpreter(name: &str) -> Option<PathBuf> {
    let path = dist().join("runtimes").join(format!("{name}.wasm"));
    let built = path.is_file().then_some(path).ok_or_else(|| "`cargo xtask runtimes` has not built it".to_owned());
    python::or_left_out(&format!("the interpreter {name}"), built)
}

/// An assembled pack, by name.
pub fn pack(name: &str) -> PathBuf {
    dist().join("packs").join(name)
}

/// A pack of the bundled components for tasks that bring a rubric.
pub const RUBRIC_PACK: &str = r#"name = "rubrics"
version = "0.1.0"
scale = { min = 0, max = 1, integer = false }
[template]
component = "rubric.wasm"
config = { not_applicable = true }
[parser]
component = "rubric.wasm"
config = { not_applicable = true }
[policy]
component = "rubric-vote.wasm"
"#;

/// The default model, which `cargo xtask test` fetches.
pub fn model() -> PathBuf {
    let model = std::env::var_os("REWARDEN_TEST_MODEL")
        .expect("REWARDEN_TEST_MODEL is not set; run the tests by `cargo xtask test`, which fetches the model");
    PathBuf::from(model)
}

/// A run of the binary in a directory of its own, with no configuration or environment of the user's.
pub struct Sandbox {
    directory: tempfile::TempDir,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }
}

impl Sandbox {
    /// Where it runs.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file there.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The binary, ready to be given arguments.
    pub fn rewarden(&self) -> Command {
        // target/release/deps/this-test -> target/release/rewarden
        let binary = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("rewarden");
        assert!(binary.is_file(), "{} is missing; run `cargo build --release --workspace`", binary.display());
        let mut command = Command::new(&binary);
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path().join("home"))
            // Compiled components are shared between tests, as they would be between runs.
            .env("REWARDEN_CACHE_DIR", binary.with_file_name("test-cache"));
        command
    }

    /// Writes a pack `pack` of this manifest, with the built components that it is of.
    pub fn pack(&self, manifest: &str, components: &[&str]) {
        self.write("pack/pack.toml", manifest);
        for name in components {
            std::fs::copy(component(name), self.path().join(format!("pack/{name}.wasm"))).unwrap();
        }
    }

    /// Runs it with these arguments.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        Run(self.rewarden().args(arguments).output().unwrap())
    }

    /// `rewarden score` over these rows, against a server.
    pub fn score(&self, server: &ModelServer, rows: &[Value], arguments: &[&str]) -> Run {
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        self.write("tasks.jsonl", lines);
        let endpoint = server.endpoint();
        let base = ["score", "tasks.jsonl", "--endpoint", &endpoint, "--model", "fake", "--format", "jsonl"];
        self.run(base.iter().chain(arguments))
    }
}

/// A finished run of the binary.
pub struct Run(Output);

impl Run {
    /// Runs a command to its end.
    pub fn of(mut command: Command) -> Self {
        Self(command.output().unwrap())
    }

    /// Exit status.
    pub fn status(&self) -> i32 {
        self.0.status.code().expect("the binary was killed")
    }

    /// Standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    /// Standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Asserts an exit status and shows everything when it is another.
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status(), status, "stdout:\n{}\nstderr:\n{}", self.stdout(), self.stderr());
        self
    }

    /// The JSON lines of standard output.
    pub fn rows(&self) -> Vec<Value> {
        rows(&self.stdout())
    }
}

/// The most memory that a started `rewarden` has had resident, in bytes, going by the system; `None` once it has ended, and
/// while the process is still a copy of the one that starts it, whose memory it shows.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if field("Name:") != Some("rewarden") {
        return None;
    }
    field("VmHWM:")?.trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// JSON lines.
pub fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// A text, or the whole choice of a chat completion.
type Reply = dyn Fn(&Value) -> Value + Send + Sync;

/// An OpenAI-compatible server on the loopback interface that answers as a test says.
pub struct ModelServer {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<Value>>>,
    refusing: Arc<AtomicBool>,
    _runtime: tokio::runtime::Runtime,
}

impl ModelServer {
    /// Answers each request with what `reply` makes of its body.
    pub fn new(reply: impl Fn(&Value) -> String + Send + Sync + 'static) -> Self {
        Self::choosing(move |body| Value::String(reply(body)))
    }

    /// Answers each chat request with the choice that `reply` makes of its body: `message`, `logprobs` and the rest; or with an
    /// error of the status that it gives.
    pub fn choosing(reply: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let refusing = Arc::new(AtomicBool::new(false));
        let state: ServerState = (Arc::new(reply), requests.clone(), refusing.clone());
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/classify", post(classify))
            .route("/v1/systemone", post(decide))
            // A model server takes what fits its context, and a task may hold megabytes.
            .layer(DefaultBodyLimit::disable())
            .with_state(state);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, requests, refusing, _runtime: runtime }
    }

    /// Answers with these texts in turn, then begins again. For runs with `--concurrency 1`.
    pub fn in_turn(texts: &[&str]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let next = Mutex::new(0);
        Self::new(move |_| {
            let mut next = next.lock().unwrap();
            *next += 1;
            texts[(*next - 1) % texts.len()].clone()
        })
    }

    /// Its base URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it rates conversations as vLLM does, with the number that it would have answered.
    pub fn classifier(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, answers with an error that no retry cures, or no longer does so.
    pub fn refuse(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::SeqCst);
    }

    /// The bodies of all requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

type ServerState = (Arc<Reply>, Arc<Mutex<Vec<Value>>>, Arc<AtomicBool>);

async fn complete(
    State((reply, requests, refusing)): State<ServerState>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    if refusing.load(Ordering::SeqCst) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let choice = match reply(&body) {
        Value::String(text) => {
            json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}})
        }
        Value::Number(status) => {
            let status = status.as_u64().and_then(|status| u16::try_from(status).ok()).unwrap();
            return Err(StatusCode::from_u16(status).unwrap());
        }
        choice => choice,
    };
    let tokens = choice["message"]["content"].as_str().unwrap().split_whitespace().count();
    requests.lock().unwrap().push(body);
    Ok(Json(json!({
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "fake",
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens},
    })))
}

async fn classify(State((reply, requests, _)): State<ServerState>, Json(body): Json<Value>) -> Json<Value> {
    let score: f64 = reply(&body).as_str().unwrap().parse().unwrap();
    requests.lock().unwrap().push(body);
    Json(json!({
        "id": "1",
        "object": "list",
        "created": 0,
        "model": "fake",
        "data": [{"index": 0, "label": "LABEL_0", "probs": [score], "num_classes": 1}],
        "usage": {"prompt_tokens": 10, "total_tokens": 10, "completion_tokens": 0},
    }))
}

/// Answers as a decision model: the reply is the JSON of its answers.
async fn decide(
    State((reply, requests, refusing)): State<ServerState>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    if refusing.load(Ordering::SeqCst) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let answers: Value = serde_json::from_str(reply(&body).as_str().unwrap()).unwrap();
    requests.lock().unwrap().push(body);
    Ok(Json(json!({"model": "fake", "answers": answers, "usage": {"input_tokens": 10, "output_tokens": 0}})))
}

/// The text of the last message of a chat request.
pub fn prompt(body: &Value) -> &str {
    body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap()
}
