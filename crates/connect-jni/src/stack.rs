//! Java threads may be small (`-Xss256k`) or nearly full, and a native stack overflow ends the JVM without a word. A call
//! that finds too little stack runs on a short-lived thread of ours instead: slow, but rare, and right.

use crate::guard::guard;
use connect_data::{Error, Result};
use std::cell::Cell;

/// What a call may need: the deepest value or schema that the cores accept, or 128 KiB for a component and what it calls
/// in its host.
const NEEDED: usize = 256 << 10;
/// HotSpot keeps red, yellow and reserved pages at the low end of a Java thread's stack.
const JVM_GUARD_PAGES: usize = 20 << 10;
const OWN_STACK: usize = 1 << 20;

/// Runs `body` guarded, with enough stack.
///
/// # Errors
/// Those of `body`; internal `jni.panic` and `jni.thread`.
#[inline]
pub(crate) fn with_enough<R: Send>(body: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    if left() >= NEEDED + JVM_GUARD_PAGES { guard(body) } else { on_own_thread(body) }
}

#[cold]
fn on_own_thread<R: Send>(body: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("bucatini-call".to_owned())
            .stack_size(OWN_STACK)
            .spawn_scoped(scope, || guard(body))
            .map_err(|e| {
                Error::internal(
                    "jni.thread",
                    format!("the calling thread has too little stack, and no other starts: {e}"),
                )
                .hint("raise -Xss or the limit of threads")
            })?;
        thread.join().unwrap_or_else(|_| Err(Error::internal("jni.thread", "a helper thread ended without a result")))
    })
}

/// Bytes between here and the end of this thread's stack; plenty where the system does not say.
#[inline]
fn left() -> usize {
    thread_local! {
        static LOWEST: Cell<usize> = const { Cell::new(0) };
    }
    let marker = 0u8;
    let here = std::ptr::from_ref(std::hint::black_box(&marker)) as usize;
    LOWEST.with(|lowest| {
        if lowest.get() == 0 {
            lowest.set(lowest_address().unwrap_or(1));
        }
        here.saturating_sub(lowest.get())
    })
}

#[cfg(target_os = "linux")]
fn lowest_address() -> Option<usize> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut address, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: pthread_getattr_np initialises the attributes on success, and only then are they read and destroyed.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let known = libc::pthread_attr_getstack(attributes.as_ptr(), &mut address, &mut size) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        known.then_some(address as usize)
    }
}

#[cfg(not(target_os = "linux"))]
fn lowest_address() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses about 1 KiB a level.
    fn recurse(levels: usize) -> u8 {
        let frame = std::hint::black_box([levels as u8; 1024]);
        if levels == 0 { frame[0] } else { recurse(levels - 1).wrapping_add(frame[1023]) }
    }

    #[test]
    fn a_deep_call_survives_a_small_thread() {
        let deep = || with_enough(|| Ok(recurse(150))).unwrap();
        let on = |kib: usize| {
            let thread = std::thread::Builder::new().stack_size(kib << 10);
            thread.spawn(move || (left() < NEEDED + JVM_GUARD_PAGES, deep())).unwrap().join().unwrap()
        };
        let (small, large) = (on(128), on(2048));
        assert!(small.0 && !large.0);
        assert_eq!(small.1, large.1);
    }

    #[test]
    fn a_panic_on_the_helper_thread_is_an_error_too() {
        let thread = std::thread::Builder::new().stack_size(64 << 10);
        let error = thread.spawn(|| with_enough::<()>(|| panic!("x")).unwrap_err()).unwrap().join().unwrap();
        assert_eq!(error.code(), "jni.panic");
        assert!(error.message().contains("stack.rs"), "{error}");
    }
}
