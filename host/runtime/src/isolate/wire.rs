//! What a process of plugins and its parent say to each other.
//!
//! A frame is a length (four bytes, little-endian) and that many bytes: a message in postcard's encoding, or raw bytes
//! where a component or its compiled form is passed. The parent speaks first:
//!
//! 1. [`Bounds`]; answered by [`Confined`], after which the child can do nothing but compute and answer.
//! 2. [`Component`], then its bytes, then, where it says so, its compiled form.
//!    A child that compiles answers [`CompileReply`], then the compiled form, and ends.
//!    A child that runs answers [`LoadReply`].
//! 3. [`Request`], answered by [`CallAnswer`], as often as the parent likes. The end of input ends the child.
//!
//! Both ends are one build of one program, so nothing here is versioned.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::budget::Budgeted;
use crate::about::About;
use crate::contract::description::Description;
use crate::contract::functions::{self, Call, ResultReader};
use crate::error::{CallFailure, LoadFailure};
use crate::limits::Limits;
use crate::log::LogLine;
use crate::metered::Metered;
use crate::outline::Outline;

/// Bytes of a frame's length.
pub(crate) const HEAD: usize = 4;

/// [`Limits`] as it is sent: their own serialisation is for people.
#[derive(Serialize, Deserialize)]
pub(crate) struct Bounds {
    fuel: u64,
    memory_bytes: usize,
    table_elements: usize,
    processor: Duration,
    result_bytes: usize,
    log_bytes: usize,
    component_bytes: usize,
    code_bytes: usize,
    component_functions: usize,
    function_bytes: usize,
    compile: Duration,
    loaded_bytes: usize,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        // Taken apart whole, so that a new limit cannot be forgotten here.
        let Limits {
            fuel,
            memory_bytes,
            table_elements,
            processor,
            result_bytes,
            log_bytes,
            component_bytes,
            code_bytes,
            component_functions,
            function_bytes,
            compile,
            loaded_bytes,
        } = *limits;
        Self {
            fuel,
            memory_bytes,
            table_elements,
            processor,
            result_bytes,
            log_bytes,
            component_bytes,
            code_bytes,
            component_functions,
            function_bytes,
            compile,
            loaded_bytes,
        }
    }
}

impl From<Bounds> for Limits {
    fn from(bounds: Bounds) -> Self {
        Self {
            fuel: bounds.fuel,
            memory_bytes: bounds.memory_bytes,
            table_elements: bounds.table_elements,
            processor: bounds.processor,
            result_bytes: bounds.result_bytes,
            log_bytes: bounds.log_bytes,
            component_bytes: bounds.component_bytes,
            code_bytes: bounds.code_bytes,
            component_functions: bounds.component_functions,
            function_bytes: bounds.function_bytes,
            compile: bounds.compile,
            loaded_bytes: bounds.loaded_bytes,
        }
    }
}

/// How far the kernel's Landlock closes the file system and the network to a child, beside the system calls that it
/// cannot make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Landlock {
    /// All that this host knows to ask for.
    Full,
    /// An older kernel: only part of it.
    Partial,
    /// The kernel has none, or it is switched off.
    None,
}

/// The child's word that its sandbox stands, or why it does not.
pub(crate) type Confined = Result<Landlock, String>;

/// Announces a component.
#[derive(Serialize, Deserialize)]
pub(crate) struct Component<'a> {
    pub(crate) name: Cow<'a, str>,
    /// Whether its compiled form follows its bytes.
    pub(crate) compiled: bool,
}

/// Whether a compiled form follows, or why there is none.
pub(crate) type CompileReply = Result<(), LoadFailure>;

/// What became of a component that was to be run.
#[derive(Serialize, Deserialize)]
pub(crate) enum LoadReply {
    /// The compiled form is of another build or damaged.
    Unfit(String),
    /// It waits for calls, or was refused.
    Done(Result<Described, LoadFailure>),
}

/// What a component shows and says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) outline: Outline,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purpose: String,
    pub(crate) config_schema: String,
}

impl Described {
    /// What a child says of its component, held to the same rules as in this process.
    pub(crate) fn checked(self) -> Result<(Outline, About), LoadFailure> {
        let Self { outline, name, version, purpose, config_schema } = self;
        let about = About::checked(Description { name, version, purpose, config_schema })?;
        Ok((outline, about))
    }

    pub(crate) fn new(outline: Outline, about: &About) -> Self {
        Self {
            outline,
            name: about.name.clone(),
            version: about.version.clone(),
            purpose: about.purpose.clone(),
            // As the plugin wrote it: printed anew, it could be longer than what is allowed.
            config_schema: about.configuration.text().to_owned(),
        }
    }
}

/// One call.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request<'a> {
    pub(crate) config: Cow<'a, str>,
    pub(crate) call: Call<'a>,
}

/// What a call gave; `T` is the function's result.
#[derive(Serialize, Deserialize)]
pub(crate) struct CallAnswer<T> {
    pub(crate) log: Vec<LogLine>,
    pub(crate) outcome: Result<Metered<T>, CallFailure>,
}

/// Bytes of the longest frames that a child may send or be sent. Text and numbers take no more room in a frame than in
/// memory, but for integers, which may take a quarter more.
#[derive(Clone, Copy)]
pub(crate) struct Longest {
    pub(crate) request: usize,
    pub(crate) confined: usize,
    pub(crate) loaded: usize,
    pub(crate) answer: usize,
    /// Bytes that a message may take once it is read: a list of empty texts takes one byte each in a frame and 24 in
    /// memory.
    pub(crate) in_memory: usize,
}

impl Longest {
    pub(crate) fn under(limits: &Limits) -> Self {
        let a_quarter_more = |bytes: usize| bytes.saturating_add(bytes / 4).saturating_add(4 << 10);
        Self {
            request: a_quarter_more(limits.memory_bytes),
            confined: 4 << 10,
            // A thousand names of a thousand bytes, and a description with a schema of a megabyte at most.
            loaded: 4 << 20,
            // An empty line of the log is a byte against its limit, and two in a frame.
            answer: a_quarter_more(limits.result_bytes).saturating_add(limits.log_bytes.saturating_mul(4)),
            // What wasmtime counts of a result, and once more for the fields of what is in its lists; an empty line of the
            // log is a byte against its limit, and 32 in memory.
            in_memory: limits
                .result_bytes
                .saturating_mul(2)
                .saturating_add(limits.log_bytes.saturating_mul(40))
                .saturating_add(8 << 20),
        }
    }

    /// Of the compiled form of a component of this many bytes: machine code is some three times as long.
    pub(crate) fn compiled(component: usize) -> usize {
        component.saturating_mul(8).saturating_add(64 << 20)
    }
}

/// Reads `bytes` as the frame that a child may send where `kind` says, and says what the parent makes of it. For tests and
/// fuzzing: a child that was taken over sends what it likes.
///
/// # Errors
/// When it is no such message, or takes more than `limits` allow.
pub fn read_foreign_frame(kind: u8, bytes: &[u8], limits: &Limits) -> Result<String, String> {
    fn read<T: DeserializeOwned>(bytes: &[u8], longest: usize, limits: &Limits) -> Result<T, String> {
        if bytes.len() > longest {
            return Err(format!("{} bytes, more than the {longest} allowed", bytes.len()));
        }
        message_within(bytes, Longest::under(limits).in_memory).map_err(|error| error.to_string())
    }
    /// Reads an answer to one function.
    struct Reading<'a>(&'a [u8], &'a Limits);

    impl ResultReader for Reading<'_> {
        type Read = Result<String, String>;

        fn read<T: DeserializeOwned>(self) -> Self::Read {
            let answer: CallAnswer<T> = read(self.0, Longest::under(self.1).answer, self.1)?;
            let outcome = match answer.outcome {
                Ok(_) => "a result".to_owned(),
                Err(failure) => failure.bounded().to_string(),
            };
            Ok(format!("{} lines, {outcome}", answer.log.len()))
        }
    }
    match kind {
        0 => read::<Confined>(bytes, Longest::under(limits).confined, limits).map(|confined| format!("{confined:?}")),
        1 => read::<CompileReply>(bytes, Longest::under(limits).loaded, limits).map(|compiled| {
            compiled.map_err(LoadFailure::bounded).map_or_else(|error| error.to_string(), |()| "compiled".into())
        }),
        2 => match read::<LoadReply>(bytes, Longest::under(limits).loaded, limits)? {
            LoadReply::Unfit(_) => Ok("unfit".into()),
            LoadReply::Done(Err(failure)) => Ok(failure.bounded().to_string()),
            LoadReply::Done(Ok(described)) => {
                described.checked().map_or_else(|error| Ok(error.to_string()), |(_, about)| Ok(about.name))
            }
        },
        // 3 is `describe.configure`, 4 the first function of the contract.
        answer => functions::read_result(answer - 3, Reading(bytes, limits)),
    }
}

/// A message that cannot be sent or is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAMessage(String);

/// A frame with this message.
pub(crate) fn frame(message: &impl Serialize) -> Result<Vec<u8>, NotAMessage> {
    let mut bytes = postcard::to_extend(message, vec![0; HEAD]).map_err(|error| NotAMessage(error.to_string()))?;
    let length = head(bytes.len() - HEAD)?;
    if let Some(head) = bytes.first_chunk_mut::<HEAD>() {
        *head = length;
    }
    Ok(bytes)
}

/// The head of a frame of this many bytes.
pub(crate) fn head(length: usize) -> Result<[u8; HEAD], NotAMessage> {
    let length =
        u32::try_from(length).map_err(|_| NotAMessage(format!("{length} bytes are too many for a message")))?;
    Ok(length.to_le_bytes())
}

/// As [`message`], from someone who is not believed: what it takes in memory is counted while it is read, and bounded.
pub(crate) fn message_within<T: DeserializeOwned>(bytes: &[u8], in_memory: usize) -> Result<T, NotAMessage> {
    let budget = std::cell::Cell::new(in_memory);
    let mut postcard = postcard::Deserializer::from_bytes(bytes);
    let message = T::deserialize(Budgeted::new(&mut postcard, &budget)).map_err(|error| {
        let spent = if budget.get() == 0 {
            format!("more than the {in_memory} bytes allowed in memory")
        } else {
            error.to_string()
        };
        NotAMessage(spent)
    })?;
    let rest = postcard.finalize().map_err(|error| NotAMessage(error.to_string()))?;
    if !rest.is_empty() {
        return Err(NotAMessage(format!("{} bytes too many", rest.len())));
    }
    Ok(message)
}

/// The message in a frame's bytes: all of them.
pub(crate) fn message<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, NotAMessage> {
    let (message, rest) = postcard::take_from_bytes(bytes).map_err(|error| NotAMessage(error.to_string()))?;
    if !rest.is_empty() {
        return Err(NotAMessage(format!("{} bytes too many", rest.len())));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewarden_types::{Prompt, PromptInput, Refusal, Score};

    fn read(kind: u8, frame: &[u8]) -> String {
        let started = std::time::Instant::now();
        let told = read_foreign_frame(kind, frame, &Limits::default()).unwrap_or_else(|refused| refused);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        told
    }

    /// The message without its head.
    fn body(message: &impl Serialize) -> Vec<u8> {
        frame(message).unwrap().split_off(HEAD)
    }

    fn answer<T>(value: T) -> CallAnswer<T> {
        CallAnswer { log: vec![], outcome: Ok(Metered { value, fuel: 1, memory_bytes: 1 }) }
    }

    #[test]
    fn a_list_is_counted_as_it_is_in_memory() {
        let prompt = |texts: usize| Prompt {
            input: PromptInput::user("q"),
            prefill: None,
            constraint: None,
            stop: vec![String::new(); texts],
            max_tokens: None,
            top_logprobs: 0,
        };
        // Half a million empty texts are 12 MB, as many as wasmtime would let through; two million are 48 MB, in a frame of two.
        assert_eq!(read(4, &body(&answer(Ok::<_, Refusal>(prompt(500_000))))), "0 lines, a result");
        let refused = read(4, &body(&answer(Ok::<_, Refusal>(prompt(2_000_000)))));
        assert_eq!(refused, "more than the 42598400 bytes allowed in memory");
    }

    #[test]
    fn frames_that_lie_are_refused_in_words() {
        // A list of 2^60 lines of the log, and of nothing else.
        let endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
        for kind in 3..=9 {
            assert!(!read(kind, &endless).contains("result"), "{kind}");
            assert!(!read(kind, &[]).contains("result"), "{kind}");
            assert!(!read(kind, &[0xff; 64]).contains("result"), "{kind}");
        }
        // A result of another function, and bytes after the end.
        let scores = body(&answer(Ok::<_, Refusal>(vec![Score::Value(1.0)])));
        assert_eq!(read(7, &scores), "0 lines, a result");
        assert!(!read(6, &scores).contains("result"));
        assert_eq!(read(7, &[&*scores, b"x"].concat()), "1 bytes too many");
        let long = Longest::under(&Limits::default()).confined;
        assert_eq!(read(0, &vec![0; long + 1]), "4097 bytes, more than the 4096 allowed");
    }

    #[test]
    fn what_a_child_says_went_wrong_is_cut_and_on_one_line() {
        let failed = |failure: CallFailure| body(&CallAnswer::<()> { log: vec![], outcome: Err(failure) });
        let words = "\u{1b}[2K\n".repeat(100_000);
        for failure in [
            CallFailure::InvalidResult { message: words.clone() },
            CallFailure::Config { key: Some(words.clone()), message: words.clone() },
            CallFailure::Process { what: words.clone() },
            CallFailure::Host { what: words.clone() },
            CallFailure::Trap { trap: words.clone(), panic: Some("x".repeat(1 << 20)) },
        ] {
            let told = read(3, &failed(failure));
            assert!(told.len() < 25_000 && !told.contains(['\u{1b}', '\n']), "{} bytes: {told:.100}", told.len());
        }
        let refused = |failure: LoadFailure| read(2, &body(&LoadReply::Done(Err(failure))));
        assert!(refused(LoadFailure::ForbiddenImport { import: words.clone() }).len() < 20_000);
        // A child reads no files.
        let file = refused(LoadFailure::NotAFile { path: "/etc/shadow".into() });
        assert!(file.ends_with("reported a failure that is not its own to report"), "{file}");
    }
}
