//! A real OCI registry: Debian's `docker-registry` (CNCF distribution), on a port of this machine.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::debian;
use crate::python::or_left_out;

/// The user that a registry with a password knows.
pub const USER: &str = "me";
/// Its password.
pub const PASSWORD: &str = "word";
/// The line of an htpasswd file for both.
const HTPASSWD: &str = "me:$2b$10$y10B1H4Pe.jNx0C8Dlw/bO4g/23Uig5rLHi4qObbG9PJCj7nOad4i\n";

/// A running registry with a directory of its own, ended with the test.
pub struct OciRegistry {
    child: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl OciRegistry {
    /// Starts one, for everybody or for [`USER`] alone. `None` if it cannot be had here, which is said.
    /// `REWARDEN_DOCKER_REGISTRY` names a program that is there already.
    pub fn start(with_password: bool) -> Option<Self> {
        let program = match std::env::var_os("REWARDEN_DOCKER_REGISTRY") {
            Some(named) => Ok(PathBuf::from(named)),
            None => debian::unpacked(&["docker-registry"]).map(|files| files.join("usr/bin/docker-registry")),
        };
        or_left_out("a real OCI registry", program).map(|program| Self::of(&program, with_password))
    }

    fn of(program: &std::path::Path, with_password: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: \"{}\"}}}}\n\
             http: {{addr: \"127.0.0.1:0\"}}\n",
            place("data")
        );
        if with_password {
            std::fs::write(place("htpasswd"), HTPASSWD).unwrap();
            config.push_str(&format!("auth: {{htpasswd: {{realm: tests, path: \"{}\"}}}}\n", place("htpasswd")));
        }
        std::fs::write(place("config.yml"), config).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(place("config.yml")).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let rest = line.split("listening on ").nth(1)?;
            Some(rest.split('"').next()?.to_owned())
        });
        let address = address.expect("the registry says where it listens");
        // It must not wait for somebody to read what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, _directory: directory }
    }

    /// A reference to something in it, such as `team/maths:1`.
    pub fn reference(&self, what: &str) -> String {
        format!("oci://{}/{what}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends it: whoever asks from now on is refused the connection.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for OciRegistry {
    fn drop(&mut self) {
        self.stop();
    }
}
