//! The parts of pages that move: the only code that becomes WebAssembly, besides the plain pieces.

pub mod live;
pub mod live_overview;
