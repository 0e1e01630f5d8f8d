//! Bindings generated from the contract in `wit/`.
//!
//! One world per interface, so that a component carries the type sections (and thus the exports) of the interfaces
//! that its `export!` names, and of no others. `types` is generated once and shared by the rest, so a `Task` is the
//! same Rust type wherever it appears.
#![allow(unsafe_code, missing_docs, clippy::all, clippy::restriction)]

pub mod shared {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package rewarden:sdk;
            world shared {
                import rewarden:plugin/log@0.3.0;
                import rewarden:plugin/types@0.3.0;
            }
        ",
        additional_derives: [PartialEq],
        generate_unused_types: true,
        generate_all,
    });
}

pub mod describe {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package rewarden:sdk;
            world describe-only { export rewarden:plugin/describe@0.3.0; }
        ",
        additional_derives: [PartialEq],
        generate_all,
        pub_export_macro: true,
    });
}

/// Each of the interfaces that a plugin chooses from.
macro_rules! interface {
    ($module:ident, $inline:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                inline: $inline,
                with: { "rewarden:plugin/types@0.3.0": crate::bindings::shared::rewarden::plugin::types },
                additional_derives: [PartialEq],
                generate_all,
                pub_export_macro: true,
            });
        }
    };
}

interface!(template, "package rewarden:sdk; world template-only { export rewarden:plugin/template@0.3.0; }");
interface!(parser, "package rewarden:sdk; world parser-only { export rewarden:plugin/parser@0.3.0; }");
interface!(policy, "package rewarden:sdk; world policy-only { export rewarden:plugin/policy@0.3.0; }");
interface!(scorer, "package rewarden:sdk; world scorer-only { export rewarden:plugin/scorer@0.3.0; }");
interface!(principles, "package rewarden:sdk; world principles-only { export rewarden:plugin/principles@0.3.0; }");
