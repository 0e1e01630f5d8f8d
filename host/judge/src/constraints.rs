//! Whether models can be held to what a pack's prompts ask for: found out before anything is drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rewarden_manifest::ConstrainRule;
use rewarden_types::{Constraint, Message, Model, ModelError, PromptInput, Query, RenderRequest, Role, Task, TaskView};
use serde_json::{Map, Value, json};

use crate::judge::JudgeModels;
use crate::pack::Pack;
use crate::part::Asking;
use crate::unconstrained::Unconstrained;
use crate::vary::made_up_principle;

/// Which model of a pack answers a prompt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// That of the pack's own judge, which writes the principles too.
    Own,
    Named(String),
    Meta,
}

/// A prompt of a pack that wants its answer to have a form.
struct Wish {
    asked: Asked,
    /// Which part of the pack it is from, in words.
    by: String,
    rule: ConstrainRule,
    input: PromptInput,
    constraint: Constraint,
}

/// Models as a pack asks them, and what people should know of it.
pub struct HeldModels {
    /// The models; those whose servers lack a constraint that the pack can do without are asked without it.
    pub models: JudgeModels,
    /// What servers turned out to be, a line each.
    pub found: Vec<String>,
    /// What is asked without its constraint and why, a line each.
    pub dropped: Vec<String>,
    /// Servers that could not be asked, a line each: their constraints are found out with the first sample.
    pub unreached: Vec<String>,
}

impl JudgeModels {
    /// Renders an example of each prompt of the pack and finds out whether its model can be held to the constraint in it.
    ///
    /// # Errors
    /// Says which part of the pack needs what its model's server lacks, and what to do.
    pub async fn held(mut self, pack: &Pack) -> Result<HeldModels, String> {
        let rendering = pack.clone();
        let wishes = tokio::task::spawn_blocking(move || wishes(&rendering))
            .await
            .map_err(|error| format!("the prompts of the pack `{}` could not be tried: {error}", pack.name))?;
        let (mut found, mut dropped, mut unreached) = (Vec::new(), Vec::new(), Vec::new());
        let asked_of: BTreeSet<Asked> = wishes.iter().map(|wish| wish.asked.clone()).collect();
        let mut lacking: BTreeMap<Asked, BTreeSet<&'static str>> = BTreeMap::new();
        let mut silent: BTreeSet<Asked> = BTreeSet::new();
        for Wish { asked, by, rule, input, constraint } in wishes {
            if silent.contains(&asked) {
                continue;
            }
            let model = self.asked(&asked);
            let kind = constraint.kind();
            match (model.holds_to(&input, &constraint).await, rule) {
                (Ok(()), _) => {}
                (Err(error @ ModelError::ConstraintUnsupported { .. }), ConstrainRule::Prefer) => {
                    dropped.push(format!("{by} is asked without its {kind}: {error}"));
                    lacking.entry(asked.clone()).or_default().insert(kind);
                }
                (Err(error @ (ModelError::ConstraintUnsupported { .. } | ModelError::ConstraintInvalid { .. })), _) => {
                    return Err(format!(
                        "the pack `{}` needs the answers to {by} in the form of a {kind}: {error}",
                        pack.name
                    ));
                }
                (Err(error), _) => {
                    unreached.push(format!("whether {by} can have its {kind} is not known yet: {error}"));
                    silent.insert(asked.clone());
                }
            }
        }
        for asked in asked_of {
            if let Some(line) = self.asked(&asked).found().await
                && !found.contains(&line)
            {
                found.push(line);
            }
        }
        for (asked, kinds) in lacking {
            let free: Arc<dyn Model> = Arc::new(Unconstrained::new(self.asked(&asked), kinds));
            match asked {
                Asked::Own => {
                    // Those that share the model keep it as it is.
                    self.meta = self.meta.or_else(|| pack.meta.is_some().then(|| self.judge.clone()));
                    for judge in &pack.judges {
                        self.named.entry(judge.name.to_string()).or_insert_with(|| self.judge.clone());
                    }
                    self.judge = free;
                }
                Asked::Named(name) => {
                    self.named.insert(name, free);
                }
                Asked::Meta => self.meta = Some(free),
            }
        }
        Ok(HeldModels { models: self, found, dropped, unreached })
    }

    fn asked(&self, asked: &Asked) -> Arc<dyn Model> {
        match asked {
            Asked::Own => self.judge.clone(),
            Asked::Named(name) => self.named.get(name).unwrap_or(&self.judge).clone(),
            Asked::Meta => self.meta.as_ref().unwrap_or(&self.judge).clone(),
        }
    }
}

/// The constraints in the pack's prompts. A template that refuses every example is met with the first task.
fn wishes(pack: &Pack) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let own = pack.model.constrain;
    if let Some(stage) = &pack.principles {
        let task = example(2, false);
        let query = Query { messages: task.messages.clone(), metadata: "{}".into() };
        if let Ok(Ok(prompt)) = stage.writer.plugin.ask(stage.writer.config_text(), &query).map(|asked| asked.value)
            && let Some(constraint) = prompt.constraint
        {
            let by = "the writer of principles".to_owned();
            wishes.push(Wish { asked: Asked::Own, by, rule: own, input: prompt.input, constraint });
        }
    }
    let mut add = |asked: Asked, by: String, rule, asking: &Asking, critique: Option<&str>| {
        if let Some((input, constraint)) = rendered(pack, asking, critique) {
            wishes.push(Wish { asked, by, rule, input, constraint });
        }
    };
    if let Some(asking) = &pack.asking {
        add(Asked::Own, "the template".to_owned(), own, asking, None);
    }
    for judge in &pack.judges {
        let by = format!("the template of the judge `{}`", judge.name);
        add(Asked::Named(judge.name.to_string()), by, judge.model.constrain, &judge.asking, None);
    }
    if let Some(meta) = &pack.meta {
        add(Asked::Meta, "the template of the meta RM".to_owned(), own, meta, Some("4 is right."));
    }
    wishes
}

/// The first example that the template takes, and the constraint in its prompt.
fn rendered(pack: &Pack, asking: &Asking, critique: Option<&str>) -> Option<(PromptInput, Constraint)> {
    let part = &asking.template;
    let examples = [(2, false), (1, false), (2, true), (1, true)];
    let prompt = examples.into_iter().find_map(|(responses, rubric)| {
        let task: TaskView = pack.view(&example(responses, rubric));
        let critique = critique.map(str::to_owned);
        let principles = if pack.principles.is_some() { vec![made_up_principle()] } else { Vec::new() };
        let request = RenderRequest { critique, principles, ..RenderRequest::new(task, asking.scale) };
        part.plugin.render(part.config_text(), &request).ok()?.value.ok()
    })?;
    Some((prompt.input, prompt.constraint?))
}

/// A task with as many responses, and with a rubric for templates that want one of the task.
fn example(responses: usize, rubric: bool) -> Task {
    let mut metadata = Map::new();
    if rubric {
        let criterion: Value = json!({"id": "right", "text": "Is it right?"});
        metadata.insert("rubric".to_owned(), Value::Array(vec![criterion]));
    }
    Task {
        id: "example".to_owned(),
        messages: vec![Message { role: Role::User, content: "How much is 2 + 2?".to_owned() }].into(),
        responses: ["4", "5"].into_iter().take(responses).map(Arc::from).collect(),
        reference: Some("4".into()),
        preferred: None,
        metadata,
    }
}
