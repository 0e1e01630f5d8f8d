//! The log: the one thing that a plugin may import.

use wasmtime::component::{Linker, WasmStr};
use wasmtime::{StoreContextMut, Trap};

use crate::contract::versions::{PACKAGE, SPOKEN};
use crate::log::{Level, LogLine};
use crate::store::CallState;

/// Bytes of a panic's message that become part of its failure. A failure is kept with its sample, and a job may have
/// millions of them.
const PANIC_BYTES: usize = 1024;

/// Fuel for one call besides its text, so that a loop of empty lines costs what it does.
const CALL_FUEL: u64 = 100;

/// Provides the log under its name in the contract.
///
/// By hand, not by the generated bindings: those copy the whole text before anything of ours is asked, and take no fuel
/// for it, so that a loop of long lines would run until the clock stops it, which is not deterministic.
pub(crate) fn add_to(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    for version in SPOKEN {
        let name = format!("{PACKAGE}/log@{version}");
        linker.instance(&name)?.func_wrap("write", write_line)?;
    }
    Ok(())
}

/// `log.write`.
fn write_line(mut store: StoreContextMut<'_, CallState>, (level, message): (Level, WasmStr)) -> wasmtime::Result<()> {
    let budget = store.data().log_bytes_left;
    let message = message.to_str(&store)?;
    let cost = CALL_FUEL.saturating_add(message.len() as u64);
    let text = cut(&message, budget).to_owned();
    let was_cut = text.len() < message.len();
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(cost))?;
    if cost > left {
        return Err(Trap::OutOfFuel.into());
    }
    if budget > 0 {
        write(store.data_mut(), level, &text, was_cut);
    }
    Ok(())
}

fn write(state: &mut CallState, level: Level, text: &str, was_cut: bool) {
    state.log.write(&state.component, LogLine { level, text: text.to_owned() });
    if was_cut {
        let text = "the plugin's log is over its budget for this call; the rest is dropped".to_owned();
        state.log.write(&state.component, LogLine { level: Level::Warn, text });
        state.log_bytes_left = 0;
    } else {
        // An empty line is not free: it is work for whoever reads it.
        state.log_bytes_left = state.log_bytes_left.saturating_sub(text.len().max(1));
    }
    if level == Level::Error {
        state.last_error = Some(cut(text, PANIC_BYTES).to_owned());
    }
}

/// The longest prefix of at most `bytes` bytes that ends between characters.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
