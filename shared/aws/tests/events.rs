//! The bus of EventBridge, by a client that answers by a script: what an emulator never does.

#[path = "events/bus.rs"]
mod bus;
#[path = "events/script.rs"]
mod script;
