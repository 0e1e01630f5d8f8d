//! What model servers, model files and chat templates send.
