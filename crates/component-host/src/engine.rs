//! The one engine of the process, and the thread that counts its time.

use crate::limits::MAX_MEMORY;
use connect_data::{Error, Result};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::{Config, Engine, OptLevel, WasmFeatures};

/// Stack of a guest. wasmtime's own default of 512 KiB ends the JVM when a guest recurses on a small Java thread.
pub(crate) const MAX_WASM_STACK: usize = 128 << 10;
/// How often guests look at the clock.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What guests may use of WebAssembly: what Rust and the componentizers of other languages emit, no more.
///
/// wasmtime 48.0.8 has two known ways to abort its host, in builds without the cargo features `gc`
/// (GHSA-rc4p-x33f-vpr2, RUSTSEC-2026-0570) and `threads` (GHSA-2674-w29h-wqvj); both are fixed in 48.0.9. So it is
/// compiled with both features, and the proposals behind them are not in this list. Revisit by 2026-12-31 (`deny.toml`).
pub const ALLOWED_FEATURES: WasmFeatures = WasmFeatures::FLOATS
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::COMPONENT_MODEL);

/// The engine.
///
/// # Errors
/// Internal: this machine or build cannot run WebAssembly.
pub(crate) fn engine() -> Result<&'static Engine> {
    static ENGINE: OnceLock<std::result::Result<Engine, String>> = OnceLock::new();
    ENGINE
        .get_or_init(|| Engine::new(&config()).map_err(|e| format!("{e:#}")))
        .as_ref()
        .map_err(|message| Error::internal("wasm.engine", format!("wasmtime does not start: {message}")))
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(ALLOWED_FEATURES, true)
        // The signals are the JVM's. The price is that bounds are checked in code and, by wasmtime's rule, that Spectre
        // mitigations are off: guests are plug-ins of the operator, not tenants.
        .signals_based_traps(false)
        .max_wasm_stack(MAX_WASM_STACK)
        .epoch_interruption(true)
        // Address space for the largest memory, no guard: bounds are checked in code. What never moves need not be looked
        // up again after each call.
        .memory_reservation(MAX_MEMORY as u64)
        .memory_reservation_for_growth(0)
        .memory_may_move(false)
        .memory_guard_size(0)
        // Nobody unwinds through guests, and traps are told by their kind.
        .native_unwind_info(false)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None)
        .cranelift_opt_level(OptLevel::Speed);
    config
}

/// Keeps the ticking thread alive. The thread stops with the last of these: it must not outlive the library whose code it
/// runs.
pub(crate) struct Ticking(());

#[derive(Default)]
struct Ticker {
    users: usize,
    running: Option<(JoinHandle<()>, Arc<Stop>)>,
}

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

static TICKER: Mutex<Ticker> = Mutex::new(Ticker { users: 0, running: None });

impl Ticking {
    /// # Errors
    /// Internal: the thread does not start.
    pub(crate) fn start(engine: &'static Engine) -> Result<Self> {
        let mut ticker = TICKER.lock().unwrap_or_else(PoisonError::into_inner);
        if ticker.running.is_none() {
            let stop = Arc::new(Stop::default());
            let thread = std::thread::Builder::new()
                .name("bucatini-epoch".to_owned())
                .stack_size(64 << 10)
                .spawn({
                    let stop = stop.clone();
                    move || tick(engine, &stop)
                })
                .map_err(|e| Error::internal("wasm.ticker", format!("the thread that watches time-outs: {e}")))?;
            ticker.running = Some((thread, stop));
        }
        ticker.users += 1;
        Ok(Self(()))
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        let mut ticker = TICKER.lock().unwrap_or_else(PoisonError::into_inner);
        ticker.users -= 1;
        if ticker.users > 0 {
            return;
        }
        if let Some((thread, stop)) = ticker.running.take() {
            *stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
            stop.changed.notify_all();
            // It cannot have panicked; waiting is what matters.
            let _ = thread.join();
        }
    }
}

fn tick(engine: &Engine, stop: &Stop) {
    let mut stopped = stop.stopped.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stopped {
        stopped = stop.changed.wait_timeout(stopped, TICK).unwrap_or_else(PoisonError::into_inner).0;
        engine.increment_epoch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_runs_while_somebody_needs_it() {
        let engine = engine().unwrap();
        let running = || TICKER.lock().unwrap().running.is_some();
        let first = Ticking::start(engine).unwrap();
        let second = Ticking::start(engine).unwrap();
        assert!(running());
        drop(first);
        assert!(running());
        drop(second);
        assert!(!running());
        drop(Ticking::start(engine).unwrap());
        assert!(!running());
    }
}
