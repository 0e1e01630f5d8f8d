//! Components out of a few lines of WAT: the row says what is wrong, the rest is a guest that behaves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use rewarden_runtime::contract;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, WorldId, WorldItem};

/// Where the static data of the well-behaved functions lies.
const DESCRIPTION: u32 = 16;
const SCORES: u32 = 64;
const OK: u32 = 128;
/// Name, version, purpose and schema of its description.
const TEXT: u32 = 512;
/// Where a row puts a result of its own.
pub const RESULT: u32 = 2048;
/// Where `cabi_realloc` begins.
const FREE: u32 = 4096;

/// The only score that [`Guest::default`] gives.
pub const SCORE: f64 = 0.5;

/// A guest in the making. It exports every interface; what a row does not change behaves, or is `unreachable` where no
/// row calls it.
pub struct Guest {
    bodies: BTreeMap<&'static str, String>,
    items: String,
    pages: String,
    realloc: String,
    /// Changes the contract; `None` leaves it.
    wit: Option<fn(String) -> String>,
}

impl Default for Guest {
    fn default() -> Self {
        let answer = |at: u32| format!("(i32.const {at})");
        let bodies = [
            ("describe.describe", answer(DESCRIPTION)),
            ("describe.configure", answer(OK)),
            ("scorer.score-responses", answer(SCORES)),
        ];
        Self {
            bodies: bodies.into(),
            items: String::new(),
            pages: "1".into(),
            // Never gives memory back, as every instance serves one call.
            realloc:
                "(local $at i32) (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
                 (global.set $top (i32.add (local.get $at) (local.get 3)))
                 (block $fits (loop $grow
                    (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
                    (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
                    (unreachable)))
                 (local.get $at)"
                    .into(),
            wit: None,
        }
    }
}

impl Guest {
    /// The body of a function, by interface and function, such as `parser.parse`.
    pub fn body(mut self, function: &'static str, body: impl Into<String>) -> Self {
        self.bodies.insert(function, body.into());
        self
    }

    /// What `score-responses` returns: words of memory, a tag first.
    pub fn scores(self, result: &[u32]) -> Self {
        self.items(format!("(data (i32.const {RESULT}) \"{}\")", words(result))).score(format!("(i32.const {RESULT})"))
    }

    /// The body of `score-responses`.
    pub fn score(self, body: impl Into<String>) -> Self {
        self.body("scorer.score-responses", body)
    }

    /// The schema of its configuration, in memory of its own.
    pub fn schema(self, text: &str) -> Self {
        let at: u32 = 65_536;
        let words = words(&[TEXT, 5, TEXT + 5, 5, TEXT + 10, 6, at, u32::try_from(text.len()).unwrap()]);
        self.items(format!(
            "(data (i32.const {RESULT}) \"{words}\") (data (i32.const {at}) \"{}\")",
            bytes(text.as_bytes())
        ))
        .pages((2 + text.len() / 65_536).to_string())
        .body("describe.describe", format!("(i32.const {RESULT})"))
    }

    /// Further items of the core module, after the memory and before the functions.
    pub fn items(mut self, items: impl AsRef<str>) -> Self {
        self.items.push_str(items.as_ref());
        self
    }

    /// The limits of the memory, as in `(memory 1 2)`.
    pub fn pages(mut self, pages: impl Into<String>) -> Self {
        self.pages = pages.into();
        self
    }

    /// The body of `cabi_realloc`.
    pub fn realloc(mut self, body: impl Into<String>) -> Self {
        self.realloc = body.into();
        self
    }

    /// Another contract, made from each file of our own.
    pub fn wit(mut self, edit: fn(String) -> String) -> Self {
        self.wit = Some(edit);
        self
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        static OURS: LazyLock<(Resolve, WorldId)> = LazyLock::new(|| contract_of(|text| text, "everything"));
        let world = if self.bodies.contains_key(PREPARE) { "interpreter" } else { "everything" };
        let changed = match self.wit {
            Some(edit) => Some(contract_of(edit, world)),
            None => (world == "interpreter").then(|| contract_of(|text| text, world)),
        };
        let (resolve, world) = changed.as_ref().unwrap_or(&OURS);
        let world = *world;
        let mut functions = String::new();
        for (key, item) in &resolve.worlds[world].exports {
            let WorldItem::Interface { id, .. } = item else { continue };
            let interface = resolve.name_world_key(key);
            let short = resolve.interfaces[*id].name.clone().unwrap();
            for (name, function) in &resolve.interfaces[*id].functions {
                let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
                let types =
                    |types: &[WasmType]| types.iter().map(|kind| format!(" {}", core_type(*kind))).collect::<String>();
                let body = self.bodies.get(format!("{short}.{name}").as_str());
                functions.push_str(&format!(
                    "(func (export \"{interface}#{name}\") (param{}) (result{})\n{})\n",
                    types(&signature.params),
                    types(&signature.results),
                    body.map_or("(unreachable)", String::as_str),
                ));
            }
        }
        let text = format!(
            "(module
                {imports}
                (memory (export \"memory\") {pages})
                (global $top (mut i32) (i32.const {FREE}))
                {data}
                {items}
                (func $realloc (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {realloc})
                {functions})",
            imports = imports(&self.items, &functions),
            pages = self.pages,
            data = static_data(),
            items = self.items,
            realloc = self.realloc,
        );
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }
}

/// The bytes of a component that loads, with a nested component of this text that is instantiated along with it: what
/// cannot be said in a core module, such as components that call each other.
pub fn beside(text: impl AsRef<str>) -> Vec<u8> {
    followed_by(Guest::default().build(), &bare(text))
}

/// `component`, with `nested` as its last component, instantiated.
pub fn followed_by(mut component: Vec<u8>, nested: &[u8]) -> Vec<u8> {
    let (mut depth, mut components) = (0_usize, 0);
    for payload in wasmparser::Parser::new(0).parse_all(&component) {
        match payload.unwrap() {
            wasmparser::Payload::ComponentSection { .. } => {
                components += usize::from(depth == 0);
                depth += 1;
            }
            wasmparser::Payload::ModuleSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    section(4, nested, &mut component);
    // One instance, made of the component of this index, without arguments.
    let mut instance = vec![1, 0];
    leb(components, &mut instance);
    instance.push(0);
    section(5, &instance, &mut component);
    component
}

/// Appends a section of a module or a component.
pub fn section(id: u8, content: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(id);
    leb(content.len(), bytes);
    bytes.extend(content);
}

/// Unsigned LEB128.
pub fn leb(mut number: usize, bytes: &mut Vec<u8>) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number == 0 { byte } else { byte | 0x80 });
        if number == 0 {
            return;
        }
    }
}

/// Only what is called is imported: the encoder wants no more than that.
fn imports(items: &str, functions: &str) -> String {
    if items.contains("call $log") || functions.contains("call $log") {
        let log = format!("{}/log@{}", contract::PACKAGE, contract::VERSION);
        format!("(import \"{log}\" \"write\" (func $log (param i32 i32 i32)))")
    } else {
        String::new()
    }
}

fn core_type(kind: WasmType) -> &'static str {
    match kind {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    }
}

/// Description, one score and an ok result without a payload.
fn static_data() -> String {
    let description = words(&[TEXT, 5, TEXT + 5, 5, TEXT + 10, 6, TEXT + 16, 2]);
    let scores = words(&[0, SCORES + 16, 1, 0, 0, 0]) + &bytes(&SCORE.to_le_bytes());
    format!(
        "(data (i32.const {DESCRIPTION}) \"{description}\") (data (i32.const {SCORES}) \"{scores}\")
         (data (i32.const {OK}) \"{}\") (data (i32.const {TEXT}) \"guest1.0.0Tests.{{}}\")",
        words(&[0; 8]),
    )
}

/// Little-endian words as the text of a WAT string.
pub fn words(words: &[u32]) -> String {
    words.iter().map(|word| bytes(&word.to_le_bytes())).collect()
}

/// Bytes as the text of a WAT string.
pub fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Our own contract with `edit` applied to each file of it.
fn contract_of(edit: fn(String) -> String, world: &str) -> (Resolve, WorldId) {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let ours = above.map(|directory| directory.join("wit")).find(|wit| wit.is_dir()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(ours).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = edit(std::fs::read_to_string(&path).unwrap());
            std::fs::write(directory.path().join(path.file_name().unwrap()), text).unwrap();
        }
    }
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(directory.path()).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    (resolve, world)
}

/// The function that makes a guest an interpreter.
const PREPARE: &str = "prepare.prepare";

/// A component of this text that exports `describe` as far as can be seen from outside.
pub fn component(text: impl AsRef<str>) -> Vec<u8> {
    let describe = format!("{}/describe@{}", contract::PACKAGE, contract::VERSION);
    bare(format!("{} (instance $empty) (export \"{describe}\" (instance $empty))", text.as_ref()))
}

/// A component of this text.
pub fn bare(text: impl AsRef<str>) -> Vec<u8> {
    let text = format!("(component {})", text.as_ref());
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text:.2000}"))
}
