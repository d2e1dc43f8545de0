//! Runs Bucatini components in wasmtime behind the plug-in traits.
