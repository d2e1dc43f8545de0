//! Programs for one table and nothing else: what our general code is measured against, as native code and in WebAssembly.

mod event;
#[cfg(target_arch = "wasm32")]
mod exports;
pub mod image;
pub mod walk;
