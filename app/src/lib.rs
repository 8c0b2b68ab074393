//! The console and the process. The map: what is compiled for which side.
//!
//! `pages` are documents made on the server; `islands` are the parts of them that move, the only code that becomes WebAssembly
//! besides the plain pieces they are made of; everything under `ssr` is the process around them.
// Views are nested types; laying out a page goes deeper than the default.
#![recursion_limit = "512"]

pub mod components;
pub mod editing;
pub mod islands;
pub mod server_fns;

#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
mod cli;
#[cfg(feature = "ssr")]
mod commands;
#[cfg(feature = "ssr")]
mod create_admin;
#[cfg(feature = "ssr")]
pub mod csrf;
#[cfg(feature = "ssr")]
pub mod forms;
#[cfg(feature = "ssr")]
pub mod forms_actions;
#[cfg(feature = "ssr")]
pub mod forms_admin;
#[cfg(feature = "ssr")]
pub mod forms_bulk;
#[cfg(feature = "ssr")]
pub mod forms_events;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
mod listener;
#[cfg(feature = "ssr")]
mod notices;
#[cfg(feature = "ssr")]
mod open_files;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod palette;
#[cfg(feature = "ssr")]
pub mod posted;
#[cfg(feature = "ssr")]
pub mod preferences;
#[cfg(feature = "ssr")]
pub mod security;
#[cfg(feature = "ssr")]
mod send_event;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
mod site;
#[cfg(feature = "ssr")]
mod slow_body;
#[cfg(feature = "ssr")]
mod verify_audit;

/// Where the browser begins: wakes the islands of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
