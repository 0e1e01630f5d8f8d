//! The parts of a pack by name.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rewarden_manifest::nearest;
use rewarden_runtime::Interface;

/// The parts of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PartName {
    /// Writes principles from the query.
    Principles,
    /// Renders the prompt.
    Template,
    /// Reads the completion.
    Parser,
    /// Draws samples and aggregates them.
    Policy,
    /// Renders the prompt of the judge with this name.
    JudgeTemplate(Arc<str>),
    /// Reads the completion of the judge with this name.
    JudgeParser(Arc<str>),
    /// Renders the meta RM's prompt.
    MetaTemplate,
    /// Reads the meta RM's rating.
    MetaParser,
    /// Scores by rule, under this name.
    Scorer(Arc<str>),
}

impl PartName {
    /// Returns the interface that the part's component must export.
    pub fn interface(&self) -> Interface {
        match self {
            Self::Template | Self::JudgeTemplate(_) | Self::MetaTemplate => Interface::Template,
            Self::Parser | Self::JudgeParser(_) | Self::MetaParser => Interface::Parser,
            Self::Policy => Interface::Policy,
            Self::Principles => Interface::Principles,
            Self::Scorer(_) => Interface::Scorer,
        }
    }
}

impl fmt::Display for PartName {
    /// As it stands in the manifest and in settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principles => f.write_str("principles"),
            Self::Template => f.write_str("template"),
            Self::Parser => f.write_str("parser"),
            Self::Policy => f.write_str("policy"),
            Self::JudgeTemplate(judge) => write!(f, "judges.{judge}.template"),
            Self::JudgeParser(judge) => write!(f, "judges.{judge}.parser"),
            Self::MetaTemplate => f.write_str("meta.template"),
            Self::MetaParser => f.write_str("meta.parser"),
            Self::Scorer(name) => write!(f, "scorers.{name}"),
        }
    }
}

/// A part whose name holds that of a scorer or a judge, which may have dots in it.
fn named(name: &str) -> Option<PartName> {
    let of = |name: &str| (!name.is_empty()).then(|| Arc::from(name));
    match name.strip_prefix("judges.") {
        Some(rest) => match rest.strip_suffix(".template") {
            Some(judge) => of(judge).map(PartName::JudgeTemplate),
            None => of(rest.strip_suffix(".parser")?).map(PartName::JudgeParser),
        },
        None => of(name.strip_prefix("scorers.")?).map(PartName::Scorer),
    }
}

impl FromStr for PartName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "principles" => Ok(Self::Principles),
            "template" => Ok(Self::Template),
            "parser" => Ok(Self::Parser),
            "policy" => Ok(Self::Policy),
            "meta.template" => Ok(Self::MetaTemplate),
            "meta.parser" => Ok(Self::MetaParser),
            _ => match named(name) {
                Some(part) => Ok(part),
                None => {
                    let known = [
                        "principles",
                        "template",
                        "parser",
                        "policy",
                        "meta.template",
                        "meta.parser",
                        "scorers.",
                        "judges.",
                    ];
                    let meant = nearest(name, known).map(|meant| format!("; did you mean `{meant}`?"));
                    Err(format!(
                        "unknown part `{name}`, expected principles, template, parser, policy, meta.template, \
                         meta.parser, judges.NAME.template, judges.NAME.parser or scorers.NAME{}",
                        meant.unwrap_or_default()
                    ))
                }
            },
        }
    }
}
