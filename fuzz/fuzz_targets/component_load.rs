//! Components through the whole load path: outline, compile, describe, configure, and one call of every function that they
//! export. Bytes are arbitrary, a good component that was damaged, or a component that is made as the input says: functions
//! that return whatever bytes there are, misuse of memory, tables and the log, and components that pass values to each
//! other.
#![no_main]

use std::fmt::Write;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use guest::{Guest, RESULT, bytes};
use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, damaged};
use rewarden_runtime::{Limits, Plugin, Runtime};
use rewarden_types::{
    Completion, Context, FinishReason, Message, ParseRequest, PolicyInput, Query, RenderRequest, Role, Scale, TaskView,
};

#[allow(dead_code, reason = "the table of hostile components needs more of it")]
#[path = "../../host/runtime/tests/hostile/guest.rs"]
mod guest;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let limits = Limits {
        fuel: 1_000_000,
        memory_bytes: 32 << 20,
        result_bytes: 1 << 20,
        processor: Duration::from_secs(1),
        compile: Duration::from_secs(5),
        component_bytes: 1 << 20,
        component_functions: 1000,
        function_bytes: 64 << 10,
        ..Limits::default()
    };
    Runtime::new(limits, None).expect("an engine")
});

/// A small component that loads, from the table of hostile ones.
static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| Guest::default().build());

/// What a function may do before it returns.
const STEPS: &[&str] = &[
    "",
    "(drop (memory.grow (i32.const 1)))",
    "(drop (memory.grow (i32.const -1)))",
    "(memory.fill (i32.const 8192) (i32.const 255) (i32.const 30000))",
    "(memory.fill (i32.const 65000) (i32.const 255) (i32.const 30000))",
    "(loop $more (br $more))",
    "(call $log (i32.const 1) (i32.const 2048) (i32.const 64))",
    "(call $log (i32.const 9) (i32.const -1) (i32.const -1))",
    "(i64.store (i32.const 2048) (i64.const -1))",
    "(i64.store (i32.const 2056) (i64.const 0x0000ffff00000800))",
    "(drop (i32.div_s (i32.const -2147483648) (i32.const -1)))",
    "(drop (i32.trunc_f64_s (f64.const nan)))",
    "(unreachable)",
];

/// Types for what nested components pass to each other; each may refer to the one before. None has names, which would
/// have to be exported.
const KINDS: &[&str] = &[
    "string",
    "(list $below)",
    "(tuple $below $below)",
    "(option $below)",
    "(result $below (error $below))",
    "(tuple $below string f64 u8 s64 bool)",
    "char",
    "(list u8)",
];

const FUNCTIONS: &[&str] = &[
    "describe.configure",
    "template.render",
    "parser.parse",
    "policy.next",
    "scorer.score-responses",
    "principles.ask",
    "principles.read",
];

/// A guest whose functions do a few steps and return what lies at a place of the input's choice, which is the input's bytes.
fn guest_of(choices: &mut Choices<'_>) -> Guest {
    let mut guest = Guest::default();
    for function in FUNCTIONS.iter().copied() {
        let (step, at) = (usize::from(choices.byte()), u32::from(choices.byte()));
        // Configuring mostly succeeds, so that the other functions are called.
        if function != "describe.configure" || step >= 240 {
            let step = STEPS[step % STEPS.len()];
            guest = guest.body(function, format!("{step} (i32.const {})", RESULT + at * 4));
        }
    }
    let data = &choices.0[..choices.0.len().min(1024)];
    guest.items(format!("(data (i32.const {RESULT}) \"{}\")", bytes(data)))
}

/// Two components, of which the second calls the first with a value of a type that the input makes up.
fn pair_of(choices: &mut Choices<'_>) -> String {
    let mut types = String::new();
    let levels = usize::from(choices.byte() % 24) + 1;
    for level in 0..levels {
        let kind = KINDS[usize::from(choices.byte()) % KINDS.len()];
        let below = if level == 0 { "string".to_owned() } else { format!("$t{}", level - 1) };
        let _ = write!(types, "(type $t{level} {})", kind.replace("$below", &below));
    }
    // In a list, so that the function takes a pointer and a length whatever the type is.
    let _ = write!(types, "(type $top (list $t{}))", levels - 1);
    let encodings = ["utf8", "utf16", "latin1+utf16"];
    let (taking, giving) = (choices.byte() % 3, choices.byte() % 3);
    let (taking, giving) = (encodings[usize::from(taking)], encodings[usize::from(giving)]);
    let (at, length) = (choices.short(), choices.byte() % 16);
    let data = bytes(&choices.0[..choices.0.len().min(512)]);
    let realloc = r#"(func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))"#;
    format!(
        r#"(component $taking {types}
            (core module $m (memory (export "memory") 1) {realloc} (func (export "f") (param i32 i32)))
            (core instance $i (instantiate $m))
            (func (export "f") (param "v" $top) (canon lift (core func $i "f")
                (memory (core memory $i "memory")) (realloc (core func $i "realloc")) string-encoding={taking})))
        (instance $taking (instantiate $taking))
        (component $giving {types}
            (import "f" (func $f (param "v" $top)))
            (core module $libc (memory (export "memory") 1) {realloc} (data (i32.const 0) "{data}"))
            (core instance $libc (instantiate $libc))
            (core func $lowered (canon lower (func $f)
                (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) string-encoding={giving}))
            (core module $m (import "" "f" (func (param i32 i32)))
                (func $start (call 0 (i32.const {at}) (i32.const {length}))) (start $start))
            (core instance (instantiate $m (with "" (instance (export "f" (func $lowered)))))))
        (instance (instantiate $giving (with "f" (func $taking "f"))))"#
    )
}

/// One call of everything that the contract has.
fn call_all(plugin: &Plugin) {
    const SCALE: Scale = Scale { min: 0.0, max: 10.0, integer: false };
    let messages: Arc<[Message]> = [Message { role: Role::User, content: "q".into() }].into();
    let task = TaskView {
        messages: messages.clone(),
        responses: vec!["a".into(), "b".into()].into(),
        reference: None,
        metadata: "{}".into(),
    };
    let completion = Completion::of_text("c", FinishReason::Stop);
    let context = Context { seed: 0, ..Context::new(SCALE, 4, 4) };
    let request = RenderRequest::new(task.clone(), SCALE);
    let told = [
        plugin.check_config("{}").err().map(|error| error.to_string()),
        plugin.render("{}", &request).err().map(|error| error.to_string()),
        plugin.parse("{}", &ParseRequest::new(&completion, 2, SCALE)).err().map(|error| error.to_string()),
        plugin
            .next("{}", &PolicyInput { task: task.clone(), context, samples: vec![] })
            .err()
            .map(|error| error.to_string()),
        plugin.score_responses("{}", &task).err().map(|error| error.to_string()),
        plugin.ask("{}", &Query { messages, metadata: "{}".into() }).err().map(|error| error.to_string()),
        plugin.read("{}", &completion).err().map(|error| error.to_string()),
    ];
    for text in told.iter().flatten() {
        assert!(!text.is_empty() && text.len() < 4096, "{} bytes of message", text.len());
    }
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let bytes = match choices.byte() % 8 {
        0 => choices.0.to_vec(),
        1 | 2 => damaged(&BASE, choices),
        3 | 4 => guest::followed_by(BASE.clone(), &guest::bare(pair_of(&mut choices))),
        5 => {
            // Damaged at a few places, of which the first bytes of what is left tell.
            let made = guest_of(&mut Choices(&data[data.len() / 2..])).build();
            damaged(&made, Choices(&choices.0[..choices.0.len().min(8)]))
        }
        _ => guest_of(&mut choices).build(),
    };
    match RUNTIME.load("fuzzed.wasm", &bytes) {
        Ok(plugin) => call_all(&plugin),
        Err(error) => assert!(error.to_string().len() < 4096, "{error}"),
    }
});
