//! Programs for one table and nothing else: what our general code is measured against, as native code and in WebAssembly.

pub mod encode;
mod event;
#[cfg(target_arch = "wasm32")]
mod exports;
pub mod image;
#[cfg(not(target_arch = "wasm32"))]
pub mod jni;
pub mod walk;
