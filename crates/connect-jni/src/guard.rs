//! No panic leaves Rust, and none prints what it says: a panic message may quote row data (a slice of a string does), so
//! only its place is reported, as an error of kind internal.

use connect_data::{Error, Result};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body`; a panic becomes an error that names its place in the source.
///
/// # Errors
/// Those of `body`; internal `jni.panic`.
pub(crate) fn guard<R>(body: impl FnOnce() -> Result<R>) -> Result<R> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                previous(info);
            } else if let Some(place) = info.location() {
                // During a thread's end its locals may be gone: then the place stays unknown.
                let _ = PLACE.try_with(|cell| cell.replace(place.to_string()));
            }
        }));
    });
    let outer = GUARDED.replace(true);
    // What a panic leaves behind is either dropped (the scratch) or owned by an instance that guards itself with locks
    // that ignore poisoning.
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    GUARDED.set(outer);
    result.unwrap_or_else(|payload| {
        drop(payload);
        let place = PLACE.try_with(RefCell::take).unwrap_or_default();
        Err(Error::internal("jni.panic", format!("a panic at {place} was caught"))
            .hint("this is a bug: report it with the line that is named here"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_names_its_place_and_not_its_text() {
        let text = "s\u{e9}cret".to_owned();
        let error = guard(|| Ok(text[2..].len())).unwrap_err();
        assert_eq!(error.code(), "jni.panic");
        assert!(error.message().contains("guard.rs:"), "{error}");
        assert!(!error.to_string().contains("cret"), "{error}");
        assert_eq!(guard(|| Ok(5)).unwrap(), 5);
    }
}
