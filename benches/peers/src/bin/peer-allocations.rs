//! Prints how many allocations each codec makes per decoded packet, workloads 1 and 5.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use benches::{Ours, Subject, Workload};
use peers::{Minimq, Mountain, ProtocolCore, Rumqttc};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    println!("| allocations per decoded packet | 1 | 5 |\n|---|---|---|");
    row::<Rumqttc>();
    row::<ProtocolCore>();
    row::<Mountain>();
    row::<Minimq>();
    row::<Ours>();
}

fn row<S: Subject>() {
    println!(
        "| {} | {:.1} | {:.1} |",
        S::NAME,
        allocations::<S>(Workload::Publish),
        allocations::<S>(Workload::Stream)
    );
}

/// Over ten repetitions less two, so that what a codec allocates once doesn't count.
fn allocations<S: Subject>(workload: Workload) -> f64 {
    let count = |reps: usize| {
        let packets = reps * workload.packets();
        let Some(mut input) = S::input(workload, workload.bytes().repeat(reps).leak()) else { return 0 };
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        (0..packets).for_each(|_| S::decode(&mut input));
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    let (few, many) = (count(2), count(10));
    many.saturating_sub(few) as f64 / (8 * workload.packets()) as f64
}
