//! Per record: no allocation; ten thousand instances: no growth. A process of its own, because the allocator counts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Caller, OPEN, close, native};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(address, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated_per_record_and_nothing_is_left_of_instances() {
    let mut caller = Caller::new();
    let converter = caller.open(1, false, &[], b"");
    let transformation = caller.open(2, false, &[], b"");
    let record = |caller: &mut Caller| {
        assert!(caller.to_connect(converter, 1, b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", b"hh") > 0);
        assert!(caller.from_connect(converter, 1, b"iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii") > 0);
        assert!(caller.apply(transformation, b"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr") > 0);
        assert_eq!(caller.to_connect(converter, 1, b"l", b""), -3, "nor when it does not fit");
    };
    record(&mut caller);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..1_000 {
        record(&mut caller);
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);

    let cycles = |caller: &mut Caller| {
        for _ in 0..5_000 {
            let handle = caller.open(1, false, &[("a", "b")], b"rest");
            assert!(caller.to_connect(handle, 1, b"x", b"") > 0);
            close(handle);
        }
        BYTES.load(Ordering::Relaxed)
    };
    let half = cycles(&mut caller);
    assert_eq!(cycles(&mut caller), half, "10,000 instances leave as much as 5,000");

    assert_eq!(OPEN.load(Ordering::SeqCst), 1);
    native::unload(std::ptr::null_mut(), std::ptr::null_mut());
    assert_eq!(OPEN.load(Ordering::SeqCst), 0, "unloading closes what is open");
}
