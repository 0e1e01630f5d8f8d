//! Which server it is, by what it says of itself.

use std::fmt;

use serde_json::Value;

use super::constraint::ConstraintDialect;
use crate::server::RemoteServer;
use rewarden_types::ModelError;

/// A server, as far as it could be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerEngine {
    /// [`ConstraintDialect::Auto`] where it is not known.
    pub(super) dialect: ConstraintDialect,
    /// Its own name for its version.
    pub(super) version: Option<String>,
}

impl fmt::Display for ServerEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.dialect {
            ConstraintDialect::OpenAi => "OpenAI's service",
            ConstraintDialect::LlamaCpp => "llama.cpp",
            ConstraintDialect::Auto => "a server that does not say what it is",
            known => known.server(),
        };
        match &self.version {
            Some(version) => write!(f, "{name} {version}"),
            None => f.write_str(name),
        }
    }
}

/// A route below the server's root by which an engine makes itself known.
struct Mark {
    dialect: ConstraintDialect,
    route: &'static str,
    /// Fields that the answer has.
    has: &'static [&'static str],
    /// The one that holds the version.
    version: &'static str,
}

/// llama.cpp and SGLang answer some of Ollama's routes too, so they come first.
const MARKS: [Mark; 7] = [
    Mark { dialect: ConstraintDialect::LlamaCpp, route: "/props", has: &["build_info"], version: "build_info" },
    Mark { dialect: ConstraintDialect::Sglang, route: "/server_info", has: &["version"], version: "version" },
    Mark { dialect: ConstraintDialect::Sglang, route: "/get_server_info", has: &["version"], version: "version" },
    Mark { dialect: ConstraintDialect::Tgi, route: "/info", has: &["model_id", "version"], version: "version" },
    Mark { dialect: ConstraintDialect::Vllm, route: "/version", has: &["version"], version: "version" },
    Mark { dialect: ConstraintDialect::Ollama, route: "/api/version", has: &["version"], version: "version" },
    Mark { dialect: ConstraintDialect::LmStudio, route: "/api/v0/models", has: &["data"], version: "version" },
];

impl Mark {
    fn read(&self, answer: &Value) -> Option<ServerEngine> {
        if !self.has.iter().all(|field| answer.get(field).is_some()) {
            return None;
        }
        // What a stranger wrote goes to a terminal.
        let version = answer.get(self.version).and_then(Value::as_str).filter(|version| {
            !version.is_empty() && version.len() <= 64 && version.chars().all(|c| c.is_ascii_graphic())
        });
        Some(ServerEngine { dialect: self.dialect, version: version.map(str::to_owned) })
    }
}

/// Asks the server what it is. `base` is the URL that `/chat/completions` is below.
///
/// # Errors
/// Returns an error if the server cannot be reached.
pub(super) async fn ask(server: &RemoteServer, base: &str) -> Result<ServerEngine, ModelError> {
    let root = base.strip_suffix("/v1").unwrap_or(base);
    if is_openai(base) {
        return Ok(ServerEngine { dialect: ConstraintDialect::OpenAi, version: None });
    }
    let models = server.fetch(&format!("{base}/models")).await?;
    let owner = models.as_ref().and_then(owner);
    for mark in MARKS.iter().filter(|mark| owner.is_none_or(|owner| owner == mark.dialect)) {
        if let Some(engine) =
            server.fetch(&format!("{root}{}", mark.route)).await?.and_then(|answer| mark.read(&answer))
        {
            return Ok(engine);
        }
    }
    Ok(ServerEngine { dialect: owner.unwrap_or(ConstraintDialect::Auto), version: None })
}

fn is_openai(base: &str) -> bool {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
    host == "api.openai.com" || host.ends_with(".openai.azure.com")
}

/// Whose models the server says that it has.
fn owner(models: &Value) -> Option<ConstraintDialect> {
    match models.pointer("/data/0/owned_by")?.as_str()? {
        "llamacpp" => Some(ConstraintDialect::LlamaCpp),
        "vllm" => Some(ConstraintDialect::Vllm),
        "sglang" => Some(ConstraintDialect::Sglang),
        "library" => Some(ConstraintDialect::Ollama),
        "organization_owner" => Some(ConstraintDialect::LmStudio),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn openais_service_is_known_by_its_host() {
        assert!(is_openai("https://api.openai.com/v1"));
        assert!(is_openai("https://mine.openai.azure.com/openai/v1"));
        assert!(!is_openai("http://localhost:8000/v1") && !is_openai("https://api.openai.com.example.org/v1"));
    }

    #[test]
    fn an_owner_is_a_hint_and_a_version_never_more_than_a_word() {
        let models = |owner: &str| json!({"object": "list", "data": [{"id": "m", "owned_by": owner}]});
        assert_eq!(owner(&models("vllm")), Some(ConstraintDialect::Vllm));
        assert_eq!(owner(&models("me")), None);
        let props = &MARKS[0];
        let engine = props.read(&json!({"build_info": "b11434-0abc"})).unwrap();
        assert_eq!(engine.to_string(), "llama.cpp b11434-0abc");
        assert_eq!(props.read(&json!({"build_info": "\u{1b}[2J"})).unwrap().to_string(), "llama.cpp");
        assert_eq!(props.read(&json!({"version": "1"})), None);
    }
}
