//! Tries plugins on made-up input.

mod echo;
mod made_up;
mod parser;
mod policy;
mod principles;
mod quote;
mod scorer;
mod tally;
mod template;

use anyhow::Result;
use rewarden_runtime::Interface;

use crate::Lines;
use crate::subject::{Subject, TestedPart};
use made_up::MadeUp;
use tally::Report;

/// What every check gets.
struct Checked<'a> {
    subject: &'a Subject,
    part: &'a TestedPart,
    /// The configuration as the component gets it.
    config: String,
    /// Made-up inputs for each law.
    cases: u32,
}

/// Tries every law on `subject` with so many made-up inputs for each, and returns the number of broken laws. The same `seed`
/// makes up the same.
///
/// # Errors
/// Fails if the files of the golden cases, from which inputs are made up, cannot be read.
pub fn check(subject: &Subject, cases: u32, seed: u64, lines: &mut Lines<'_>) -> Result<usize> {
    let golden = crate::cases::read(&subject.directory)?;
    lines(&format!("{}, {} made-up inputs for each law, seed {}", subject.name, cases, seed));
    let mut broken = 0;
    for part in &subject.parts {
        lines(&part.heading());
        let checked = Checked { subject, part, config: part.config_text(&serde_json::Map::new()), cases };
        // Each part has its own numbers, so that adding one changes nothing for the others.
        let mut made_up = MadeUp::new(seed, &part.name, &golden);
        let mut report = Report::default();
        match part.interface {
            Interface::Template => template::check(&checked, &mut made_up, &mut report),
            Interface::Parser => {
                template::learn_words(subject, part, &mut made_up);
                parser::check(&checked, &mut made_up, &mut report);
                if !part.is_meta {
                    echo::check(&checked, &golden, &mut made_up, &mut report);
                }
            }
            Interface::Policy => policy::check(&checked, &mut made_up, &mut report),
            Interface::Scorer => scorer::check(&checked, &mut made_up, &mut report),
            Interface::Principles => principles::check(&checked, &mut made_up, &mut report),
            Interface::Describe | Interface::Prepare => {}
        }
        broken += report.print(&subject.limits, lines);
    }
    match broken {
        0 => lines("all laws hold"),
        _ => lines(&format!("{broken} laws are broken")),
    }
    Ok(broken)
}
