//! A registry in memory that does what a test says, byte by byte.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rewarden_types::Sha256Digest;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body is sent again and again, without a length.
    pub(crate) endless: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), endless: false }
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn endless(body: impl Into<Vec<u8>>) -> Self {
        Self { endless: true, ..Self::new(200, body) }
    }
}

type Hook = Box<dyn Fn(&Request) -> Option<Reply> + Send>;

#[derive(Default)]
struct State {
    blobs: HashMap<String, Vec<u8>>,
    manifests: HashMap<String, Vec<u8>>,
    log: Vec<Request>,
    hook: Option<Hook>,
}

/// A registry on the loopback interface.
pub(crate) struct FakeRegistry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeRegistry {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let served = state.clone();
        // The threads end with the test's process.
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let served = served.clone();
                // The other side hangs up when it has had enough.
                std::thread::spawn(move || drop(serve(socket.unwrap(), &served)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Answers what `hook` answers, and only what it leaves as a registry does.
    pub(crate) fn answer(&self, hook: impl Fn(&Request) -> Option<Reply> + Send + 'static) {
        self.state.lock().unwrap().hook = Some(Box::new(hook));
    }

    /// Every request so far; forgets them.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    pub(crate) fn manifest(&self, tag: &str) -> Vec<u8> {
        self.state.lock().unwrap().manifests[tag].clone()
    }

    pub(crate) fn put_manifest(&self, tag: &str, bytes: Vec<u8>) -> Sha256Digest {
        let digest = Sha256Digest::of(&bytes);
        let mut state = self.state.lock().unwrap();
        state.manifests.insert(digest.to_string(), bytes.clone());
        state.manifests.insert(tag.to_owned(), bytes);
        digest
    }

    pub(crate) fn blob(&self, digest: &str) -> Vec<u8> {
        self.state.lock().unwrap().blobs[digest].clone()
    }

    /// Has other bytes in the place of a blob.
    pub(crate) fn swap_blob(&self, digest: &str, bytes: Vec<u8>) {
        self.state.lock().unwrap().blobs.insert(digest.to_owned(), bytes);
    }

    pub(crate) fn put_blob(&self, bytes: Vec<u8>) -> String {
        let digest = Sha256Digest::of(&bytes).to_string();
        self.swap_blob(&digest, bytes);
        digest
    }
}

fn serve(mut socket: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let (mut length, mut authorization) = (0, None);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? <= 2 {
                break;
            }
            let (name, value) = line.split_once(':').unwrap();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "authorization" => authorization = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let request = Request { method, path, authorization, body };
        let reply = reply(&request, &mut state.lock().unwrap());
        write(&mut socket, &request, &reply)?;
    }
}

fn write(socket: &mut TcpStream, request: &Request, reply: &Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} x\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.endless {
        socket.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes())?;
        let chunk = reply.body.repeat(1 + 4096 / reply.body.len());
        loop {
            socket.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
            socket.write_all(&chunk)?;
            socket.write_all(b"\r\n")?;
        }
    }
    if reply.headers.iter().all(|(name, _)| name != "content-length") {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    socket.write_all(format!("{head}\r\n").as_bytes())?;
    if request.method == "HEAD" { Ok(()) } else { socket.write_all(&reply.body) }
}

fn reply(request: &Request, state: &mut State) -> Reply {
    state.log.push(request.clone());
    if let Some(reply) = state.hook.as_ref().and_then(|hook| hook(request)) {
        return reply;
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let last = path.rsplit('/').next().unwrap();
    let found = |bytes: Option<&Vec<u8>>| match bytes {
        Some(bytes) => Reply::new(200, bytes.clone()),
        None => Reply::new(404, r#"{"errors": [{"code": "UNKNOWN", "message": "no such thing"}]}"#),
    };
    match request.method.as_str() {
        "GET" | "HEAD" if path.contains("/manifests/") => found(state.manifests.get(last)),
        "GET" | "HEAD" if path.contains("/blobs/") => found(state.blobs.get(last)),
        "POST" if path.ends_with("/blobs/uploads/") => Reply::new(202, "").with("location", format!("{path}1?state=x")),
        "PUT" if path.contains("/blobs/uploads/") => {
            let digest = query.split("digest=").nth(1).unwrap().replace("%3A", ":");
            assert_eq!(digest, Sha256Digest::of(&request.body).to_string());
            state.blobs.insert(digest, request.body.clone());
            Reply::new(201, "")
        }
        "PUT" if path.contains("/manifests/") => {
            state.manifests.insert(Sha256Digest::of(&request.body).to_string(), request.body.clone());
            state.manifests.insert(last.to_owned(), request.body.clone());
            Reply::new(201, "")
        }
        _ => found(None),
    }
}
