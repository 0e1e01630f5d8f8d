//! Defaults from `rewarden.toml`: they become the command line's own defaults, so that files, variables and flags
//! are checked by the same code and can only differ in where they stand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::builder::OsStr;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, ValueHint};
use rewarden_runtime::read_regular_text;

use crate::options::{ModelOptions, OutputOptions, Places};

/// Bytes of the file: it is the user's own, but whoever works in a folder of somebody else's may find one there.
const MOST: u64 = 1 << 20;

/// The file's name.
pub(crate) const FILE: &str = "rewarden.toml";

/// The options that are tables in a file: `[limits]` and `[trust]`.
const LIMITS: &str = "limits";
const TRUST: &str = "trust";

/// What an option is by how it is declared. There is no list to keep in step with the options.
struct OptionOf<'a>(&'a Arg);

impl OptionOf<'_> {
    /// Returns whether its relative paths in a file are meant relative to that file.
    fn is_path(&self) -> bool {
        matches!(self.0.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath | ValueHint::ExecutablePath)
    }

    /// Returns whether it may be a path, or a name: it is a path if something of that name lies beside the file.
    fn may_be_path(&self) -> bool {
        self.0.get_value_hint() == ValueHint::AnyPath
    }
}

/// Returns whether the command has all of these options, as they are declared for it.
fn has<T: Args>(command: &Command) -> bool {
    let wanted = T::augment_args(Command::new(""));
    let declared = |arg: &Arg| command.get_arguments().any(|own| own.get_id() == arg.get_id());
    wanted.get_arguments().all(declared)
}

/// Returns whether these options include the one of this long name.
fn includes<T: Args>(long: &str) -> bool {
    T::augment_args(Command::new("")).get_arguments().any(|arg| arg.get_long() == Some(long))
}

/// Values from files, by the option's long name.
#[derive(Debug, Default)]
pub(crate) struct FileDefaults {
    values: BTreeMap<String, (Vec<String>, PathBuf)>,
}

impl FileDefaults {
    /// Reads the user's file, then the nearest one at or above `directory`, whose values win.
    pub(crate) fn read(directory: &Path, command: &Command) -> Result<Self> {
        let user = etcetera::base_strategy::choose_base_strategy()
            .ok()
            .map(|dirs| etcetera::BaseStrategy::config_dir(&dirs).join("rewarden").join(FILE));
        let nearest = directory.ancestors().map(|above| above.join(FILE)).find(|path| path.is_file());
        let mut defaults = Self::default();
        for file in user.into_iter().filter(|path| path.is_file()).chain(nearest) {
            let text = read_regular_text(&file, MOST).with_context(|| format!("cannot read {}", file.display()))?;
            defaults.add(&text, &file, command)?;
        }
        Ok(defaults)
    }

    fn add(&mut self, text: &str, file: &Path, command: &Command) -> Result<()> {
        let table: toml::Table =
            toml::from_str(text).map_err(|error| rewarden_judge::explain_toml_error(&error, text, file))?;
        let mut options: Vec<&Arg> = Vec::new();
        for name in ["score", "serve"] {
            let command = command.find_subcommand(name).ok_or_else(|| anyhow!("no `{name}` command"))?;
            options.extend(command.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| long != "help")));
        }
        for (key, value) in table {
            let Some(option) = options.iter().find(|arg| arg.get_long() == Some(&key)) else {
                let known = options.iter().filter_map(|arg| arg.get_long());
                let line = text.lines().position(|line| line.trim_start().starts_with(&key)).map_or(1, |at| at + 1);
                let meant = rewarden_judge::nearest(&key, known)
                    .map(|meant| format!("; did you mean `{meant}`?"))
                    .unwrap_or_default();
                bail!(
                    "{}:{line}: unknown key `{key}`{meant} (keys are the long options of `rewarden score` and `rewarden serve`)",
                    file.display()
                );
            };
            let values = values(&key, &value).with_context(|| format!("{}: `{key}`", file.display()))?;
            let values = values.into_iter().map(|value| resolve(&OptionOf(option), value, file)).collect();
            self.values.insert(key, (values, file.to_owned()));
        }
        Ok(())
    }

    /// The command with these values as the defaults of its options: where things are kept in every subcommand, all
    /// else in those that score. A run knows its own pack, and is not to be replayed with the one that happens to be the
    /// default now.
    pub(crate) fn apply(&self, command: Command) -> Command {
        command.mut_subcommands(|subcommand| {
            // Those of `pack` and `model`.
            let subcommand = if subcommand.has_subcommands() { self.apply(subcommand) } else { subcommand };
            // Those that score have a model.
            let all = has::<ModelOptions>(&subcommand);
            // One that scores and has no outputs of `score`'s gives options of the same name another meaning.
            let outputs = has::<OutputOptions>(&subcommand);
            self.values.iter().fold(subcommand, |subcommand, (key, (values, _))| {
                if !(all || includes::<Places>(key)) || (!outputs && includes::<OutputOptions>(key)) {
                    return subcommand;
                }
                let Some(id) = id_of(&subcommand, key) else { return subcommand };
                let values: Vec<OsStr> = values.iter().map(|value| OsStr::from(value.clone())).collect();
                subcommand.mut_arg(id, |arg| arg.default_values(values))
            })
        })
    }

    /// Every option of `command` with its value and where it came from, in the order of `--help`.
    pub(crate) fn in_force(&self, command: &Command, matches: &ArgMatches) -> Vec<InForce> {
        let mut rows = Vec::new();
        for arg in command.get_arguments() {
            let Some(name) = arg.get_long() else { continue };
            if matches!(name, "help" | "version" | "json" | "verbose") {
                continue;
            }
            let id = arg.get_id().as_str();
            let value = matches
                .get_raw(id)
                .map(|values| values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(", "));
            let origin = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => format!("flag --{name}"),
                Some(ValueSource::EnvVariable) => {
                    format!("environment {}", arg.get_env().unwrap_or_default().to_string_lossy())
                }
                Some(_) => match self.values.get(name) {
                    Some((_, file)) => file.display().to_string(),
                    None => "default".to_owned(),
                },
                None => "not set".to_owned(),
            };
            rows.push(InForce { option: name.to_owned(), value, origin });
        }
        rows
    }
}

/// One line of `rewarden config`.
#[derive(Debug, serde::Serialize)]
pub(crate) struct InForce {
    /// The option's long name.
    pub(crate) option: String,
    /// Its value as text; `None` if it has none.
    pub(crate) value: Option<String>,
    /// `default`, a file, an environment variable, a flag, or `not set`.
    pub(crate) origin: String,
}

fn id_of(command: &Command, long: &str) -> Option<clap::Id> {
    command.get_arguments().find(|arg| arg.get_long() == Some(long)).map(|arg| arg.get_id().clone())
}

fn values(key: &str, value: &toml::Value) -> Result<Vec<String>> {
    match value {
        toml::Value::Table(table) if key == LIMITS => {
            let pairs = table.iter().map(|(limit, value)| match value {
                toml::Value::Integer(number) => Ok(format!("{limit}={number}")),
                other => bail!("`{limit}`: expected a whole number, found {other}"),
            });
            pairs.collect()
        }
        toml::Value::Table(table) if key == TRUST => {
            let mut rules = Vec::new();
            for (pattern, keys) in table {
                let keys = strings(keys).with_context(|| format!("`{pattern}`"))?;
                rules.extend(keys.into_iter().map(|key| format!("{pattern}={key}")));
            }
            Ok(rules)
        }
        _ => strings(value),
    }
}

fn strings(value: &toml::Value) -> Result<Vec<String>> {
    match value {
        toml::Value::String(text) => Ok(vec![text.clone()]),
        toml::Value::Integer(number) => Ok(vec![number.to_string()]),
        toml::Value::Float(number) => Ok(vec![number.to_string()]),
        toml::Value::Boolean(flag) => Ok(vec![flag.to_string()]),
        toml::Value::Array(items) => {
            let items = items.iter().map(strings).collect::<Result<Vec<_>>>()?;
            Ok(items.into_iter().flatten().collect())
        }
        toml::Value::Table(_) | toml::Value::Datetime(_) => {
            bail!("expected a string, a number, true, false, or a list of them")
        }
    }
}

fn resolve(option: &OptionOf<'_>, value: String, file: &Path) -> String {
    let beside = file.parent().unwrap_or(Path::new("")).join(&value);
    let is_path = option.is_path() || (option.may_be_path() && beside.exists());
    if is_path { beside.to_string_lossy().into_owned() } else { value }
}
