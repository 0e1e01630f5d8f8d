//! Whatever a decision model's server answered, `decision` gives sound probabilities and scores or a typed failure.
#![no_main]

use std::sync::LazyLock;

use decision::{Config, Decision};
use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::read_by;
use rewarden_plugin::Plugin;

static PARSER: LazyLock<Decision> =
    LazyLock::new(|| Decision::new(Config::default()).expect("the default configuration"));

fuzz_target!(|data: &[u8]| read_by(&*PARSER, data));
