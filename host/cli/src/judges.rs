//! The judges that packs have beside their own: where their models run.

use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use rewarden_inference::ServerTerms;
use rewarden_inference::decision::DecisionModel;
use rewarden_inference::openai::{OpenAiModel, OpenAiOptions};
use rewarden_inference::scalar::{ScalarInput, ScalarModel, ScalarOptions, ScalarRoute};
use rewarden_judge::{ModelHints, ModelKind, ModelOpener, Pack};
use rewarden_types::{Model, ModelError, listed, shown};

/// Where the judges of a pack run that policies ask by name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Judges")]
pub(crate) struct JudgeOptions {
    /// Where the pack's judge of this name runs: a server as for --endpoint. The key is read from
    /// REWARDEN_JUDGE_API_KEY_NAME (NAME in capitals, `_` for other signs), else as the judge's; may be repeated
    #[arg(long = "judge", value_name = "NAME=URL", env = "REWARDEN_JUDGE", value_delimiter = ',')]
    pub(crate) judges: Vec<NamedValue>,

    /// The name by which its server knows that judge's model [default: the pack's, else --model]; may be repeated
    #[arg(long = "judge-model", value_name = "NAME=MODEL", env = "REWARDEN_JUDGE_MODEL", value_delimiter = ',')]
    pub(crate) judge_models: Vec<NamedValue>,
}

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedValue {
    name: String,
    value: String,
}

impl FromStr for NamedValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("expected NAME=VALUE, with the judge's name as in the pack's [judges.NAME]".to_owned()),
        }
    }
}

/// Opens the models of judges that do not run on the usual one.
pub(crate) struct JudgeOpener {
    pub(crate) options: JudgeOptions,
    /// The usual server and the name of its model, where there is one.
    pub(crate) endpoint: Option<String>,
    pub(crate) model: Option<String>,
    /// Whether the usual model runs in this process and scores, so that it needs no server that classifies.
    pub(crate) scores_here: bool,
    /// How servers are asked; the key is the usual judge's.
    pub(crate) openai: OpenAiOptions,
}

impl JudgeOptions {
    /// The judges that options name, each once.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.judges.iter().chain(&self.judge_models).map(|named| named.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn value<'a>(named: &'a [NamedValue], name: &str) -> Option<&'a str> {
        // The last one counts, as with other options.
        named.iter().rev().find(|named| named.name == name).map(|named| named.value.as_str())
    }
}

impl JudgeOpener {
    /// What is wrong with options that name a judge which the pack does not have.
    pub(crate) fn unknown(&self, pack: &Pack) -> Option<String> {
        let has = |name: &&str| pack.judges.iter().any(|judge| *judge.name == **name);
        let unknown = self.options.names().into_iter().find(|name| !has(name))?;
        let known: Vec<String> = pack.judges.iter().map(|judge| judge.name.to_string()).collect();
        let known =
            if known.is_empty() { "no [judges.NAME]".to_owned() } else { format!("the judges {}", listed(&known)) };
        Some(format!("--judge names `{}`, but the pack {} has {known}", shown(unknown), pack.name))
    }
}

impl ModelOpener for JudgeOpener {
    fn open(&self, judge: Option<&str>, hints: &ModelHints) -> Result<Option<Arc<dyn Model>>, String> {
        let own_endpoint = judge.and_then(|name| JudgeOptions::value(&self.options.judges, name));
        let own_model = judge.and_then(|name| JudgeOptions::value(&self.options.judge_models, name));
        let of_the_kind = match hints.kind {
            ModelKind::Chat => true,
            ModelKind::Classify | ModelKind::Pooling => self.scores_here,
            ModelKind::Decision => false,
        };
        let is_usual = own_endpoint.is_none() && own_model.is_none() && of_the_kind;
        // The pack's own judge runs on the model that the command names, whatever the pack proposes.
        if is_usual && (judge.is_none() || hints.name.is_none()) {
            return Ok(None);
        }
        let called = judge.map_or("the pack's judge".to_owned(), |name| format!("the judge `{name}`"));
        let Some(endpoint) = own_endpoint.or(self.endpoint.as_deref()) else {
            let option = judge.map_or("--endpoint URL".to_owned(), |name| format!("--judge {name}=URL"));
            let or = match hints.kind {
                ModelKind::Classify | ModelKind::Pooling if judge.is_none() => {
                    "; or give --model a directory with a reward model of one label (docs/models.md)"
                }
                _ => "",
            };
            return Err(format!("{called} needs a server: name it with {option}{or}"));
        };
        let proposed = if judge.is_some() { hints.name.as_deref() } else { None };
        let model = own_model.or(proposed).or(self.model.as_deref()).or(hints.name.as_deref());
        let Some(model) = model else {
            let option = judge.map_or("--model MODEL".to_owned(), |name| format!("--judge-model {name}=MODEL"));
            return Err(format!("{called} needs the name by which its server knows the model: {option}"));
        };
        let mut openai = self.openai.clone();
        if let Some(key) = judge.and_then(key) {
            openai.terms.api_key = Some(key);
        }
        opened(endpoint, model, hints.kind, openai).map(Some).map_err(|error| format!("{called}: {error}"))
    }
}

fn opened(endpoint: &str, model: &str, kind: ModelKind, openai: OpenAiOptions) -> Result<Arc<dyn Model>, ModelError> {
    let scalar = |route, terms: ServerTerms| {
        ScalarModel::new(endpoint, model, ScalarOptions { route, input: ScalarInput::Messages, terms })
    };
    Ok(match kind {
        ModelKind::Chat => Arc::new(OpenAiModel::new(endpoint, model, openai)?),
        ModelKind::Classify => Arc::new(scalar(ScalarRoute::Classify, openai.terms)?),
        ModelKind::Pooling => Arc::new(scalar(ScalarRoute::Pooling, openai.terms)?),
        ModelKind::Decision => Arc::new(DecisionModel::new(endpoint, model, openai.terms)?),
    })
}

/// A judge's own key.
fn key(judge: &str) -> Option<String> {
    let name: String =
        judge.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    std::env::var(format!("REWARDEN_JUDGE_API_KEY_{name}")).ok().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opener(judges: &[&str], endpoint: Option<&str>) -> JudgeOpener {
        let judges = judges.iter().map(|text| text.parse().unwrap()).collect();
        JudgeOpener {
            options: JudgeOptions { judges, judge_models: vec![] },
            endpoint: endpoint.map(str::to_owned),
            model: None,
            scores_here: false,
            openai: OpenAiOptions::default(),
        }
    }

    fn hints(name: Option<&str>, kind: ModelKind) -> ModelHints {
        ModelHints { name: name.map(str::to_owned), kind, ..ModelHints::default() }
    }

    fn opened(opener: &JudgeOpener, judge: Option<&str>, hints: &ModelHints) -> Result<Option<String>, String> {
        let model = opener.open(judge, hints)?;
        Ok(model.map(|model| {
            let identity = model.identity();
            format!("{} {} {}", identity.backend, identity.model, identity.endpoint.as_deref().unwrap_or("here"))
        }))
    }

    #[test]
    fn a_judge_without_a_word_of_its_own_runs_on_the_usual_model() {
        let usual = opener(&[], Some("http://a"));
        assert_eq!(opened(&usual, Some("critic"), &hints(None, ModelKind::Chat)), Ok(None));
        assert_eq!(opened(&usual, None, &hints(Some("proposed"), ModelKind::Chat)), Ok(None));
    }

    #[test]
    fn a_judge_goes_where_the_command_sends_it_and_never_where_a_pack_would() {
        let strong = hints(Some("grm"), ModelKind::Chat);
        let sent = opener(&["strong=http://b:1"], Some("http://a:1"));
        assert_eq!(opened(&sent, Some("strong"), &strong), Ok(Some("openai grm http://b:1/v1".to_owned())));
        assert_eq!(opened(&sent, Some("other"), &strong), Ok(Some("openai grm http://a:1/v1".to_owned())));
        let nowhere = opener(&[], None);
        let error = opened(&nowhere, Some("strong"), &strong).unwrap_err();
        assert_eq!(error, "the judge `strong` needs a server: name it with --judge strong=URL");
    }

    #[test]
    fn a_model_that_scores_in_this_process_needs_no_server() {
        let classify = hints(None, ModelKind::Classify);
        let nowhere = opener(&[], None);
        assert!(opened(&nowhere, None, &classify).unwrap_err().contains("--model a directory"));
        let here = JudgeOpener { scores_here: true, ..nowhere };
        assert_eq!(opened(&here, None, &classify), Ok(None));
        assert!(opened(&here, None, &hints(None, ModelKind::Decision)).unwrap_err().contains("needs a server"));
    }

    #[test]
    fn each_kind_of_model_is_asked_in_its_own_way() {
        let at = opener(&["j=http://b:1"], None);
        let kind = |kind| opened(&at, Some("j"), &hints(Some("rm"), kind)).unwrap().unwrap();
        assert_eq!(kind(ModelKind::Classify), "scalar rm http://b:1");
        assert_eq!(kind(ModelKind::Pooling), "scalar rm http://b:1");
        assert_eq!(kind(ModelKind::Decision), "decision rm http://b:1/v1");
        let own = opener(&[], Some("http://a:1"));
        let decision = hints(Some("jev"), ModelKind::Decision);
        assert_eq!(opened(&own, None, &decision), Ok(Some("decision jev http://a:1/v1".to_owned())));
    }
}
