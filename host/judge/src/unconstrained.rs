//! A model whose server lacks kinds of constraints, asked without them.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rewarden_types::{
    Completion, Constraint, GenerateProgress, GenerateRequest, Identity, Model, ModelError, PromptInput,
};

/// Sends everything but constraints of some kinds. Its identity says so, and with it the provenance of every result.
pub(crate) struct Unconstrained {
    model: Arc<dyn Model>,
    identity: Identity,
    kinds: BTreeSet<&'static str>,
}

impl Unconstrained {
    pub(crate) fn new(model: Arc<dyn Model>, kinds: BTreeSet<&'static str>) -> Self {
        let unconstrained = kinds.iter().map(|kind| (*kind).into()).collect();
        let identity = Identity { unconstrained, ..model.identity().clone() };
        Self { model, identity, kinds }
    }

    fn lacks(&self, constraint: &Constraint) -> bool {
        self.kinds.contains(constraint.kind())
    }
}

#[async_trait]
impl Model for Unconstrained {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        self.model.concurrency()
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        match &request.constraint {
            Some(constraint) if self.lacks(constraint) => {
                let free = GenerateRequest { constraint: None, ..request.clone() };
                self.model.generate(&free, progress).await
            }
            _ => self.model.generate(request, progress).await,
        }
    }

    async fn holds_to(&self, input: &PromptInput, constraint: &Constraint) -> Result<(), ModelError> {
        self.model.holds_to(input, constraint).await
    }

    async fn found(&self) -> Option<String> {
        self.model.found().await
    }
}
