//! A loaded pack with other configurations, or tried out, without loading it again.

use rewarden_record::SamplingProvenance;
use rewarden_runtime::CallError;
use rewarden_types::{Context, Message, PolicyInput, Principle, Query, RenderRequest, Role, Signal, Step, TaskView};

use crate::configuration::Setting;
use crate::pack::Pack;
use crate::pack_error::PackError;
use crate::part::{PackJudge, Part};
use crate::part_name::PartName;

/// Sampling parameters of no run.
const USUAL: SamplingProvenance = SamplingProvenance { temperature: 0.5, top_p: None, max_tokens: None };

impl Pack {
    /// The same components under configurations changed by `settings`. Blocks for one short call into each changed one.
    ///
    /// # Errors
    ///
    /// A setting names a part that the pack does not have, or its plugin does not take it.
    pub fn varied(&self, settings: &[Setting]) -> Result<Self, PackError> {
        self.check_settings(settings)?;
        let mut varied = self.clone();
        for (name, part) in varied.parts_mut() {
            if settings.iter().any(|setting| setting.part == name) {
                vary(&name, part, settings)?;
            }
        }
        Ok(varied)
    }

    /// Calls the template, the policy and the scorers once with a made-up task, so that a pack that cannot work is
    /// found before anybody depends on it. A plugin may refuse the task; it may not trap or use up its limits.
    ///
    /// # Errors
    ///
    /// The first call that failed, with its part.
    pub fn try_out(&self) -> Result<(), PackError> {
        let failed = |part: &PartName, error: CallError| PackError::TriedOut { part: part.clone(), error };
        let task = TaskView {
            messages: vec![Message { role: Role::User, content: "How much is 2 + 2?".to_owned() }].into(),
            responses: vec!["4".into(), "5".into()].into(),
            reference: Some("4".into()),
            metadata: "{}".into(),
        };
        if let Some(stage) = &self.principles {
            let query = Query { messages: task.messages.clone(), metadata: task.metadata.clone() };
            let part = &stage.writer;
            part.plugin.ask(part.config_text(), &query).map_err(|error| failed(&PartName::Principles, error))?;
        }
        let named = |judge: &PackJudge| (judge.asking.clone(), PartName::JudgeTemplate(judge.name.clone()), None);
        let own = self.asking.iter().map(|asking| (asking.clone(), PartName::Template, None));
        let meta = self.meta.iter().map(|meta| (meta.clone(), PartName::MetaTemplate, Some("4 is right.")));
        for (asking, name, critique) in own.chain(self.judges.iter().map(named)).chain(meta) {
            let critique = critique.map(str::to_owned);
            // As where the pack has its principles written beforehand.
            let principles = if self.principles.is_some() { vec![made_up_principle()] } else { Vec::new() };
            let (task, scale) = (task.clone(), asking.scale);
            let request = RenderRequest { critique, principles, ..RenderRequest::new(task, scale) };
            let part = &asking.template;
            part.plugin.render(part.config_text(), &request).map_err(|error| failed(&name, error))?;
        }
        let mut signals = Vec::new();
        for (scorer, part) in &self.scorers {
            let name = PartName::Scorer(scorer.clone());
            let scored =
                part.plugin.score_responses(part.config_text(), &task).map_err(|error| failed(&name, error))?;
            if let Ok(scores) = scored.value {
                signals.push(Signal { scorer: scorer.to_string(), scores });
            }
        }
        // Without all of its signals a policy may rightly refuse; what it does then says nothing.
        if signals.len() == self.scorers.len() {
            let context = Context {
                scale: self.scale,
                seed: 0,
                temperature: 0.5,
                samples_left: 256,
                rounds_left: 63,
                signals: signals.into(),
                judges: self.named_judges(self.sampling.over(USUAL)),
                has_own_judge: self.asking.is_some(),
            };
            let part = &self.policy;
            let input = PolicyInput { task, context, samples: Vec::new() };
            let step =
                part.plugin.next(part.config_text(), &input).map_err(|error| failed(&PartName::Policy, error))?;
            match step.value {
                Ok(Step::Draw(_)) if !self.asks_model() => return Err(PackError::NothingToDrawWith),
                Ok(Step::Rate(_)) if self.meta.is_none() => return Err(PackError::NothingToRateWith),
                _ => {}
            }
        }
        Ok(())
    }

    fn parts_mut(&mut self) -> Vec<(PartName, &mut Part)> {
        let mut parts = Vec::new();
        if let Some(stage) = &mut self.principles {
            parts.push((PartName::Principles, &mut stage.writer));
        }
        if let Some(asking) = &mut self.asking {
            parts.push((PartName::Template, &mut asking.template));
            parts.push((PartName::Parser, &mut asking.parser));
        }
        for PackJudge { name, asking, .. } in &mut self.judges {
            parts.push((PartName::JudgeTemplate(name.clone()), &mut asking.template));
            parts.push((PartName::JudgeParser(name.clone()), &mut asking.parser));
        }
        parts.push((PartName::Policy, &mut self.policy));
        if let Some(meta) = &mut self.meta {
            parts.push((PartName::MetaTemplate, &mut meta.template));
            parts.push((PartName::MetaParser, &mut meta.parser));
        }
        parts.extend(self.scorers.iter_mut().map(|(name, scorer)| (PartName::Scorer(name.clone()), scorer)));
        parts
    }
}

pub(crate) fn made_up_principle() -> Principle {
    Principle { name: "Accuracy".to_owned(), weight: Some(100.0), text: "What it says is true.".to_owned() }
}

fn vary(name: &PartName, part: &mut Part, settings: &[Setting]) -> Result<(), PackError> {
    *part = Part::configured(name, part.plugin.clone(), part.config.clone(), settings, "the pack")?;
    Ok(())
}
