//! The functions of the contract, each declared once: what it is called with, and what it returns.
//!
//! From the one list in this file follow the methods of [`crate::Plugin`], the messages to a plugin's own process, and the
//! methods that the adapter of every version of the contract has to have.

use std::borrow::Cow;

use rewarden_types::{
    Completion, Judgement, ParseFailure, ParseRequest, PolicyInput, Principle, Prompt, Query, Refusal, RenderRequest,
    Score, Step, TaskView,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::description::Prepared;
use crate::interface::Interface;
use crate::store::CallState;

/// One function of the contract.
pub(crate) trait Function {
    /// The interface that exports it.
    const INTERFACE: Interface;
    /// Its full name for messages, such as `template.render`.
    const NAME: &'static str;
    /// What it is called with.
    type Argument: ?Sized;
    /// What it returns.
    type Output: Serialize + DeserializeOwned;

    /// Calls it in this process.
    fn call(
        adapter: &dyn Functions,
        store: &mut Store<CallState>,
        instance: &Instance,
        argument: &Self::Argument,
    ) -> wasmtime::Result<Self::Output>;

    /// Returns the message that asks another process for the call.
    fn message(argument: &Self::Argument) -> Call<'_>;
}

/// Hands the functions of the contract to a macro: one declaration each, from which all else follows.
macro_rules! for_each_function {
    ($use_them:ident) => {
        $use_them! {
            /// Calls `template.render`: the prompt for one sample.
            Render: render(RenderRequest) -> Result<Prompt, Refusal>, Template, "template.render";
            /// Calls `parser.parse`: the scores in a completion. The parser sees neither thinking nor costs.
            Parse: parse(ParseRequest) -> Result<Judgement, ParseFailure>, Parser, "parser.parse";
            /// Calls `policy.next`: what is to happen after the samples so far.
            Next: next(PolicyInput) -> Result<Step, Refusal>, Policy, "policy.next";
            /// Calls `scorer.score-responses`: rule-based scores.
            ScoreResponses: score_responses(TaskView) -> Result<Vec<Score>, Refusal>, Scorer, "scorer.score-responses";
            /// Calls `principles.ask`: the prompt for the principles of a query.
            Ask: ask(Query) -> Result<Prompt, Refusal>, Principles, "principles.ask";
            /// Calls `principles.read`: the principles in a completion.
            Read: read(Completion) -> Result<Vec<Principle>, ParseFailure>, Principles, "principles.read";
        }
    };
}

pub(crate) use for_each_function;

macro_rules! functions {
    ($($(#[$doc:meta])* $function:ident: $method:ident($argument:ty) -> $output:ty, $interface:ident, $name:literal;)*) => {
        /// What every adapter does: one method for each function of the contract.
        pub(crate) trait Functions {
            $(
                fn $method(
                    &self,
                    store: &mut Store<CallState>,
                    instance: &Instance,
                    argument: &$argument,
                ) -> wasmtime::Result<$output>;
            )*
        }

        /// A call as it is sent to a plugin's own process.
        #[derive(Serialize, Deserialize)]
        pub(crate) enum Call<'a> {
            CheckConfig,
            Prepare,
            $($function(Cow<'a, $argument>),)*
        }

        $(
            #[doc = concat!("`", $name, "`.")]
            pub(crate) struct $function;

            impl Function for $function {
                const INTERFACE: Interface = Interface::$interface;
                const NAME: &'static str = $name;
                type Argument = $argument;
                type Output = $output;

                fn call(
                    adapter: &dyn Functions,
                    store: &mut Store<CallState>,
                    instance: &Instance,
                    argument: &$argument,
                ) -> wasmtime::Result<$output> {
                    adapter.$method(store, instance, argument)
                }

                fn message(argument: &$argument) -> Call<'_> {
                    Call::$function(Cow::Borrowed(argument))
                }
            }
        )*

        /// Reads what a function returns, by the function's number: the first is 1, and `prepare.prepare` comes after the last. 0
        /// and further numbers read as `describe.configure`, which returns nothing.
        pub(crate) fn read_result<R: ResultReader>(function: u8, reader: R) -> R::Read {
            let mut number = 0_u8;
            $(
                number += 1;
                if function == number {
                    return reader.read::<$output>();
                }
            )*
            if function == number + 1 {
                return reader.read::<Prepared>();
            }
            reader.read::<()>()
        }
    };
}

for_each_function!(functions);

/// Does something with the type that a function returns.
pub(crate) trait ResultReader {
    /// What is read.
    type Read;

    /// Reads it.
    fn read<T: DeserializeOwned>(self) -> Self::Read;
}
