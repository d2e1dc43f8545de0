//! The JNI boundary of `docs/jni-boundary.md`, once, over the plug-in traits of `connect-data`.
//!
//! A library is a [`Factory`] and one line: [`export_library!`](crate::export_library) makes the `native` methods of its
//! Java class. Per record an entry costs a handle lookup (two atomic operations), a guard against panics, a check of the
//! stack that is left, and one copy of the result into the caller's buffer; nothing is allocated once the thread is warm.
//!
//! Rust never touches a Java object and never calls into the JVM, with one exception: [`export::address`] asks for the
//! address of a direct buffer, when the shim makes its scratch.
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod boundary;
pub mod export;
mod guard;
mod handles;
mod scratch;
mod stack;

pub use boundary::{Boundary, Factory, Open, Plugin, PluginKind};
pub use handles::Handle;
pub use jni_sys;
pub use scratch::{Input, LEAST_OUTPUT, Output};
