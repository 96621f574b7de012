//! Compilation ahead of need: threads compile the kernels of a plan in its order, while the caller uses the first ones.
//! The caller asks for each kernel as before, in the same order, so errors and events do not depend on the threads. A browser has no such threads.

use super::{Context, guarded};
use crate::op::{Call, Variant};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    thread::{self, JoinHandle},
};

/// Maximum number of threads: a compiler takes tens of megabytes, and a network has some dozens of kernels.
const MOST: usize = 8;

/// Stack of a thread, bytes: that of a main thread, which compilers are made for.
const STACK: usize = 8 << 20;

/// Kernels in compilation. When it is dropped, each thread finishes the kernel that it is compiling and ends.
pub struct Ahead {
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic is repeated by the caller's own compilation of that kernel.
            let _ended = thread.join();
        }
    }
}

/// The result of `work`, if it needs no waiting.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

impl Context {
    /// Number of threads that compile `kernels` kernels: one for each core. None for GL, whose context belongs to one
    /// thread at a time.
    fn compilers(&self, kernels: usize) -> usize {
        if self.info.backend == wgpu::Backend::Gl || kernels < 2 {
            return 0;
        }
        thread::available_parallelism().map_or(1, usize::from).min(kernels).min(MOST)
    }

    /// Starts to compile `wanted` in their order, on other threads. [`Context::kernel`] returns each when it is ready.
    /// A kernel that fails is compiled again there, so that the caller gets its error.
    pub fn compile_ahead(&self, wanted: Vec<(Call, Variant)>) -> Ahead {
        let stopped = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicUsize::new(0));
        let count = self.compilers(wanted.len());
        let wanted = Arc::new(wanted);
        let start = |n: usize| {
            let (context, wanted, next, stopped) =
                (self.clone(), wanted.clone(), next.clone(), stopped.clone());
            let compile = move || {
                while let Some((call, variant)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let _kept = at_once(guarded(context.kernel(call, variant)));
                }
            };
            // Where no thread can be had, the caller compiles all by itself.
            thread::Builder::new().name(format!("compiler {n}")).stack_size(STACK).spawn(compile).ok()
        };
        Ahead { threads: (0..count).filter_map(start).collect(), stopped }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        gpu::{Context, Options},
        kernels::MATMUL,
        op::{Call, Variant},
    };
    use std::sync::Arc;

    fn open() -> Context {
        let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
        let context = pollster::block_on(Context::open(&Options { adapter, ..Options::default() }));
        context.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Calls of several sizes and variants; one variant whose workgroups no device takes.
    fn wanted() -> Vec<(Call, Variant)> {
        let naive = MATMUL.variant("naive").expect("there");
        let tiled = MATMUL.variant("tiled").expect("there");
        let text = naive.source().replace("@workgroup_size(64)", "@workgroup_size(64, 64)");
        assert_ne!(text, naive.source(), "adapt this test");
        let wrong = naive.with_text(&text).named("wrong");
        let of =
            |m, variant: &Variant| (Call::new(&MATMUL, &[("M", m), ("N", 5), ("K", 7)]), variant.clone());
        vec![
            of(1, naive),
            of(2, tiled),
            of(3, &wrong),
            of(4, naive),
            of(3, &wrong),
            of(1, naive),
            of(5, tiled),
        ]
    }

    #[test]
    fn threads_change_neither_kernels_nor_errors_and_compile_each_once() {
        let plain = open();
        let alone: Vec<_> = wanted()
            .iter()
            .map(|(call, variant)| pollster::block_on(plain.kernel(call, variant)).map(|k| k.name.clone()))
            .map(|made| made.map_err(|e| e.to_string()))
            .collect();
        assert_eq!(alone.iter().filter(|made| made.is_err()).count(), 2, "{alone:?}");
        let context = open();
        for round in 0..3 {
            let ahead = context.compile_ahead(wanted());
            let made: Vec<_> = wanted()
                .iter()
                .map(|(call, variant)| pollster::block_on(context.kernel(call, variant)))
                .collect();
            let (first, again) = (made[0].as_ref().expect("compiles"), made[5].as_ref().expect("compiles"));
            assert!(Arc::ptr_eq(first, again), "one kernel, compiled twice");
            let made: Vec<_> = made.iter().map(|made| made.as_ref().map(|k| k.name.clone())).collect();
            let made: Vec<_> = made.into_iter().map(|made| made.map_err(|e| e.to_string())).collect();
            assert_eq!(made, alone, "round {round}");
            drop(ahead);
            assert_eq!(context.kernels.all().len(), 4, "kernels that succeeded");
        }
        context.check().expect("the failed one is no fault of the device");
    }

    #[test]
    fn what_is_dropped_ends_and_what_it_made_is_kept() {
        let context = open();
        drop(context.compile_ahead(wanted()));
        let kept = context.kernels.all().len();
        assert!(kept <= 4, "{kept}");
        drop(context.compile_ahead(Vec::new()));
        for (call, variant) in wanted().into_iter().filter(|(_, variant)| variant.name() != "wrong") {
            pollster::block_on(context.kernel(&call, &variant)).expect("compiles");
        }
        assert_eq!(context.kernels.all().len(), 4);
    }
}
