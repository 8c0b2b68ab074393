//! Plain pieces that pages and islands share. They hold no data of their own and ask nothing of the server.
//!
//! `cargo run` in a development build shows each in every state at `/components`.

pub mod browser;
pub mod button;
pub mod chart_figure;
pub mod chips;
pub mod curl;
pub mod data_table;
pub mod diff;
pub mod escape;
pub mod feedback;
pub mod fields;
pub mod filter_bar;
pub mod format;
pub mod gate_row;
pub mod gate_strip;
pub mod health_badge;
pub mod icon;
pub mod json_view;
pub mod page_head;
pub mod pagination;
pub mod segmented;
pub mod stat_tile;
pub mod status_badge;
pub mod switches;
pub mod textarea;
#[cfg(feature = "ssr")]
pub mod time;
pub mod timeline;
pub mod toast;
