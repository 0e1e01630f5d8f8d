//! The dialects as an operator has set them.

use std::collections::BTreeMap;

use crate::ask::Ask;
use crate::config::{Dialect, DialectConfig};
use crate::problem::{Problem, ProblemKind};
use crate::request::Url;
use crate::untemplate::{ChatFormat, ChatFormatError};

/// What reading a request needs beside the request: the configuration, with its chat formats loaded.
#[derive(Debug)]
pub struct Dialects {
    pub(crate) config: DialectConfig,
    formats: BTreeMap<String, ChatFormat>,
}

impl Dialects {
    /// Loads the chat formats of a configuration.
    ///
    /// # Errors
    ///
    /// A chat format cannot be loaded, or one is named that is not configured.
    pub fn new(config: DialectConfig) -> Result<Self, ChatFormatError> {
        let mut formats = BTreeMap::new();
        for (name, format) in &config.chat_formats {
            formats.insert(name.clone(), ChatFormat::load(name, format)?);
        }
        for (dialect, format) in &config.chat_format {
            if !formats.contains_key(format) {
                let known: Vec<&str> = formats.keys().map(String::as_str).collect();
                let user = format!("the dialect {}", dialect.name());
                return Err(ChatFormatError::Unknown { user, format: format.clone(), known: known.join(", ") });
            }
        }
        Ok(Self { config, formats })
    }

    /// An ask with its pack: that of the URL, or else that of the model, or else the dialect's own default.
    pub(crate) fn ask(&self, dialect: Dialect, url: &Url, model: Option<&str>) -> Ask {
        let by_model = || model.and_then(|model| self.config.models.get(model));
        let pack = url.pack.as_ref().or_else(by_model).or_else(|| self.config.packs.get(&dialect));
        Ask { pack: pack.cloned(), ..Ask::default() }
    }

    /// The chat format that the URL names, or else that of the model, or else the dialect's own. `None` if texts are plain.
    pub(crate) fn format(
        &self,
        dialect: Dialect,
        url: &Url,
        model: Option<&str>,
    ) -> Result<Option<&ChatFormat>, Problem> {
        if let Some(name) = &url.chat_format {
            return self.formats.get(name).map(Some).ok_or_else(|| {
                let known: Vec<&str> = self.formats.keys().map(String::as_str).collect();
                let detail = format!("no chat format is called {name:?}; there are: {}", known.join(", "));
                Problem::new(ProblemKind::InvalidRequest, detail)
            });
        }
        let named = model.and_then(|model| self.formats.get(model));
        Ok(named.or_else(|| self.config.chat_format.get(&dialect).and_then(|name| self.formats.get(name))))
    }

    /// Like [`Self::format`], for texts that are always templated.
    pub(crate) fn needed_format(
        &self,
        dialect: Dialect,
        url: &Url,
        model: Option<&str>,
    ) -> Result<&ChatFormat, Problem> {
        self.format(dialect, url, model)?.ok_or_else(|| {
            let detail = format!(
                "the text was made by a chat template, but none is configured for the model {:?} nor for {}; configure a chat format",
                model.unwrap_or_default(),
                dialect.name()
            );
            Problem::new(ProblemKind::Untemplatable, detail)
        })
    }
}
