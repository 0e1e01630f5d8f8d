//! The files that a new plugin starts from.

use std::path::Path;

/// The kinds of plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum PluginKind {
    /// A plugin that draws samples and makes one reward of them.
    Policy,
    /// A plugin that reads scores in a completion.
    Parser,
    /// A plugin that renders the prompt.
    Template,
    /// A plugin that scores by rule, without a model.
    Scorer,
    /// A plugin that has the model write the principles of a query, before any response is seen.
    Principles,
}

impl PluginKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Policy, Self::Parser, Self::Template, Self::Scorer, Self::Principles];
}

/// What a starting point is made of: its source, its golden cases and the words for its README.
struct Starter {
    source: &'static str,
    cases: &'static str,
    description: &'static str,
    /// How `rewarden score` uses it.
    use_it: &'static str,
}

const MANIFEST: &str = include_str!("templates/Cargo.toml.in");
const README: &str = include_str!("templates/README.md.in");
const CARGO_CONFIG: &str = include_str!("templates/cargo-config.toml");
const GIT_IGNORE: &str = include_str!("templates/gitignore");

fn starter(kind: PluginKind) -> Starter {
    match kind {
        PluginKind::Policy => Starter {
            source: include_str!("templates/policy.rs.in"),
            cases: include_str!("templates/policy.toml"),
            description: "Draws k samples and rewards each response with the median of its scores.",
            use_it: "rewarden score TASKS --policy {{name}}.wasm",
        },
        PluginKind::Parser => Starter {
            source: include_str!("templates/parser.rs.in"),
            cases: include_str!("templates/parser.toml"),
            description: "Reads the last line that begins with a marker and holds one number for each response.",
            use_it: "rewarden score TASKS --parser {{name}}.wasm",
        },
        PluginKind::Template => Starter {
            source: include_str!("templates/template.rs.in"),
            cases: include_str!("templates/template.toml"),
            description: "Asks for one line of scores, with every line of the task's text quoted by a bar.",
            use_it: "rewarden score TASKS --template {{name}}.wasm",
        },
        PluginKind::Scorer => Starter {
            source: include_str!("templates/scorer.rs.in"),
            cases: include_str!("templates/scorer.toml"),
            description: "Scores the length of a response: 1 up to a number of characters, 0 from twice as many.",
            use_it: "# in a pack.toml:\n# [scorers.length]\n# component = \"{{name}}.wasm\"",
        },
        PluginKind::Principles => Starter {
            source: include_str!("templates/principles.rs.in"),
            cases: include_str!("templates/principles.toml"),
            description: "Asks for a few principles, a line each, with every line of the query quoted by a bar.",
            use_it: "# in a pack.toml:\n# [principles]\n# component = \"{{name}}.wasm\"",
        },
    }
}

/// The files of a new plugin's crate by their path. `sdk` is how its manifest names the SDK.
pub(crate) fn files(kind: PluginKind, name: &str, sdk: &Path) -> Vec<(&'static str, String)> {
    let starter = starter(kind);
    // A path may hold what a TOML string must escape.
    let sdk = toml::Value::String(sdk.display().to_string()).to_string();
    let fill = |text: &str| {
        text.replace("{{use-it}}", starter.use_it)
            .replace("{{name}}", name)
            .replace("{{description}}", starter.description)
            .replace("{{sdk}}", &sdk)
    };
    vec![
        ("Cargo.toml", fill(MANIFEST)),
        ("src/lib.rs", fill(starter.source)),
        ("tests/cases.toml", fill(starter.cases)),
        ("README.md", fill(README)),
        (".cargo/config.toml", fill(CARGO_CONFIG)),
        (".gitignore", fill(GIT_IGNORE)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_starting_point_has_a_place_that_nothing_fills() {
        for kind in PluginKind::ALL {
            for (path, text) in files(kind, "mine", Path::new("/a \"b\"/sdk")) {
                assert!(!text.contains("{{"), "{kind:?} {path}: {text}");
                if path.ends_with(".toml") {
                    toml::from_str::<toml::Table>(&text).unwrap_or_else(|error| panic!("{kind:?} {path}: {error}"));
                }
            }
        }
    }
}
