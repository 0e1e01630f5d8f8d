//! `rewarden pack check`.

mod echo;
mod made_up;
mod parser;
mod policy;
mod principles;
mod quote;
mod scorer;
mod tally;
mod template;

use std::process::ExitCode;

use anyhow::Result;
use rewarden_runtime::Interface;

use crate::console::out;
use crate::pack::cases;
use crate::pack::command::CheckArgs;
use crate::pack::subject::{Subject, TestedPart};
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

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let subject = Subject::load(&args.subject)?;
    let golden = cases::read(&subject.directory)?;
    out!("{}, {} made-up inputs for each law, seed {}", subject.name, args.cases, args.seed);
    let mut broken = 0;
    for part in &subject.parts {
        out!("{}", part.heading());
        let checked =
            Checked { subject: &subject, part, config: part.config_text(&serde_json::Map::new()), cases: args.cases };
        // Each part has its own numbers, so that adding one changes nothing for the others.
        let mut made_up = MadeUp::new(args.seed, &part.name, &golden);
        let mut report = Report::default();
        match part.interface {
            Interface::Template => template::check(&checked, &mut made_up, &mut report),
            Interface::Parser => {
                template::learn_words(&subject, part, &mut made_up);
                parser::check(&checked, &mut made_up, &mut report);
                if !part.is_meta {
                    echo::check(&checked, &golden, &mut made_up, &mut report);
                }
            }
            Interface::Policy => policy::check(&checked, &mut made_up, &mut report),
            Interface::Scorer => scorer::check(&checked, &mut made_up, &mut report),
            Interface::Principles => principles::check(&checked, &mut made_up, &mut report),
            Interface::Describe => {}
        }
        broken += report.print(&subject.limits);
    }
    if broken == 0 {
        out!("all laws hold");
        Ok(ExitCode::SUCCESS)
    } else {
        out!("{broken} laws are broken");
        Ok(ExitCode::FAILURE)
    }
}
