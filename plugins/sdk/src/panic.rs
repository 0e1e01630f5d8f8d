//! Tells the host why a plugin panicked: on this target a panic is a bare trap otherwise.

/// Sends the message and place of any panic to the log. Natively the standard library's own report is kept, which
/// the test harness captures.
pub(crate) fn report_to_log() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("no message");
        match info.location() {
            Some(place) => crate::log::error(&format!("panicked at {place}: {message}")),
            None => crate::log::error(&format!("panicked: {message}")),
        }
    }));
}
