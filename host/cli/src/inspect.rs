//! `rewarden inspect`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use indicatif::DecimalBytes;
use rewarden_judge::{Overrides, Pack};
use rewarden_runtime::{About, Limit, Limits, Plugin, Runtime, configuration_schema::Property};
use rewarden_workbench::ScorerFile;
use serde_json::{Value, json};

use crate::console::{self, out};
use crate::options::Places;
use crate::{display, packs, strategy};

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A component (.wasm), a pack's directory or name, or a reward function as `rewarden score --scorer` takes it.
    #[arg(value_name = "COMPONENT|PACK|FILE[:FUNCTION]")]
    pub(crate) what: PathBuf,

    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> Result<ExitCode> {
    let runtime = strategy::runtime(&args.places)?;
    let scorer = args.what.to_string_lossy().parse::<ScorerFile>().ok().filter(ScorerFile::is_program);
    let report = if let Some(scorer) = scorer {
        let made = packs::of_scorers(&[scorer], &args.places)?;
        pack(&Pack::load(&runtime, made.path(), &Overrides::default())?, runtime.limits())?
    } else if args.what.extension().is_some_and(|extension| extension == "wasm") || args.what.is_file() {
        component(&runtime, &args.what)?
    } else {
        let directory = packs::find(&args.what.to_string_lossy(), &args.places)?;
        pack(&Pack::load(&runtime, &directory, &Overrides::default())?, runtime.limits())?
    };
    if args.json {
        writeln!(console::data(), "{}", serde_json::to_string_pretty(&report.json)?)?;
    } else {
        out!("{}", report.text);
    }
    Ok(ExitCode::SUCCESS)
}

struct Report {
    json: Value,
    text: String,
}

fn component(runtime: &Runtime, path: &Path) -> Result<Report> {
    let plugin = runtime.load_file(path)?;
    let mut json = describe(&plugin, plugin.about());
    let mut text = describe_text(&plugin, plugin.about(), &[]);
    text.push_str("\n\n");
    text.push_str(&limits_text(runtime.limits(), runtime.limits()));
    if let Value::Object(json) = &mut json {
        json.insert("limits".into(), serde_json::to_value(runtime.limits())?);
    }
    Ok(Report { json, text })
}

fn pack(pack: &Pack, host: &Limits) -> Result<Report> {
    let scale = json!({"min": pack.scale.min, "max": pack.scale.max, "integer": pack.scale.integer});
    let sampling = json!({
        "temperature": pack.sampling.temperature,
        "top_p": pack.sampling.top_p,
        "max_tokens": pack.sampling.max_tokens,
    });
    let mut parts = serde_json::Map::new();
    let mut sections = Vec::new();
    for (name, part) in pack.parts() {
        let mut described = describe(&part.plugin, part.about());
        if let Value::Object(described) = &mut described {
            described.insert("config".into(), Value::Object(part.config.clone()));
        }
        parts.insert(name.to_string(), described);
        // A line a key: a rubric's principles alone fill a screen.
        let line = |(key, value): (&String, &Value)| format!("{key} = {}", brief(&value.to_string(), VALUE));
        let config = some(part.config.iter().map(line), "keys").collect::<Vec<_>>().join("\n");
        sections.push(format!("[{name}]\n{}", describe_text(&part.plugin, part.about(), &[("config", config)])));
    }
    let kind = if pack.scale.integer { "whole numbers" } else { "numbers" };
    let head = rows(&[
        ("pack", format!("{} {}", pack.name, pack.version)),
        ("description", pack.description.clone()),
        ("scale", format!("{kind} from {} to {}", pack.scale.min, pack.scale.max)),
        ("sampling", sampling.to_string()),
    ]);
    let text = format!("{head}\n\n{}\n\n{}", sections.join("\n\n"), limits_text(&pack.limits, host));
    let json = json!({
        "name": pack.name,
        "version": pack.version,
        "description": pack.description,
        "scale": scale,
        "sampling": sampling,
        "parts": parts,
        "limits": serde_json::to_value(&pack.limits)?,
    });
    Ok(Report { json, text })
}

fn describe(plugin: &Plugin, about: &About) -> Value {
    json!({
        "component": plugin.name(),
        "name": about.name,
        "version": about.version,
        "purpose": about.purpose,
        "digest": plugin.digest(),
        "bytes": plugin.size(),
        "functions": plugin.functions(),
        "exports": plugin.interfaces().iter().map(|interface| interface.name()).collect::<Vec<_>>(),
        "imports": plugin.imports(),
        "config_schema": about.config_schema,
    })
}

fn describe_text(plugin: &Plugin, about: &About, more: &[(&str, String)]) -> String {
    let exports: Vec<&str> = plugin.interfaces().iter().map(|interface| interface.name()).collect();
    let imports = if plugin.imports().is_empty() { "nothing".to_owned() } else { plugin.imports().join(", ") };
    let mut lines = vec![
        ("component", plugin.name().to_owned()),
        ("plugin", format!("{} {}", about.name, about.version)),
        ("purpose", about.purpose.clone()),
        ("exports", exports.join(", ")),
        ("imports", imports),
        ("size", format!("{}, {} functions", DecimalBytes(plugin.size() as u64), plugin.functions())),
        ("digest", plugin.digest().to_string()),
    ];
    lines.extend(more.iter().cloned());
    let mut text = rows(&lines);
    let properties = about.configuration.properties();
    if !properties.is_empty() {
        text.push_str("\n configuration\n");
        let mut table = table();
        for row in properties.iter().take(ROWS).map(option) {
            table.add_row(row);
        }
        text.push_str(&table.trim_fmt());
        if let Some(more) = properties.len().checked_sub(ROWS).filter(|more| *more > 0) {
            text.push_str(&format!("\n  … and {more} more keys; --json shows all"));
        }
    }
    text
}

/// Key, type with default, and meaning of a configuration key.
fn option(property: &Property) -> [String; 3] {
    let default = property.default().map(|value| {
        let text = match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        format!(" (default {})", brief(&text, DEFAULT))
    });
    let kind = format!("{}{}", brief(&property.kind(), KIND), default.unwrap_or_default());
    [format!("  {}", property.name()), kind, brief(property.description().unwrap_or_default(), MEANING)]
}

/// Keys of one plugin that are listed. The bundled ones have 14 at most; a schema may have thousands.
const ROWS: usize = 60;
/// Characters of a default, of the values that a key takes, of what it means, and of a value in force. The longest of the
/// bundled plugins and packs have 299, 135, 331 and 1,325. A table takes time beyond proportion for longer ones: a default
/// of 900 kB took over 25 s.
const DEFAULT: usize = 400;
const KIND: usize = 400;
const MEANING: usize = 600;
const VALUE: usize = 2_000;

/// `text` where it is short, else its beginning; nothing in it moves the cursor.
fn brief(text: &str, most: usize) -> String {
    let mut brief = String::new();
    for (place, character) in text.chars().enumerate() {
        if place == most {
            brief.push_str(&format!("… ({} bytes; --json shows all)", text.len()));
            break;
        }
        match character {
            '\'' | '"' | '\\' | '\n' => brief.push(character),
            _ => brief.extend(character.escape_debug()),
        }
    }
    brief
}

/// The first [`ROWS`] lines, and how many there are besides.
fn some(lines: impl ExactSizeIterator<Item = String>, what: &str) -> impl Iterator<Item = String> {
    let more = lines.len().saturating_sub(ROWS);
    let note = (more > 0).then(|| format!("… and {more} more {what}; --json shows all"));
    lines.take(ROWS).chain(note)
}

/// Every limit in force, and the host's own where the pack's is lower.
fn limits_text(limits: &Limits, host: &Limits) -> String {
    let shown = |limit: &Limit, limits: &Limits| {
        let value = limit.value(limits);
        if limit.key.ends_with("_bytes") { indicatif::BinaryBytes(value).to_string() } else { value.to_string() }
    };
    let mut table = display::table();
    for limit in Limit::ALL {
        let of = if limit.value(limits) < limit.value(host) {
            format!(" (lowered by the pack from {})", shown(limit, host))
        } else {
            String::new()
        };
        table.add_row([limit.key.to_owned(), format!("{}{of}", shown(limit, limits))]);
    }
    format!("limits of one call, and of loading\n{}", table.trim_fmt())
}

fn rows(rows: &[(&str, String)]) -> String {
    let mut table = table();
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row([*name, value]);
    }
    table.trim_fmt()
}

/// Columns of text if there is no terminal to fit.
const WIDTH: u16 = 120;

fn table() -> comfy_table::Table {
    let mut table = display::table();
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table
}
