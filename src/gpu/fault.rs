//! Panics of wgpu. If a driver fails where wgpu does not expect it, wgpu panics in the middle of a call. The
//! caller gets it as an error like any other device failure, and may open the device again.

use crate::Error;
use std::{
    any::Any,
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind, set_hook, take_hook},
    pin::pin,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

/// Crates between wgrad and the driver.
const BENEATH: [&str; 6] = ["wgpu", "ash-", "glow-", "gpu-allocator", "gpu-descriptor", "khronos-egl"];

/// Number of caught panics of these crates.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Number of nested calls of [`guarded`] on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Message of the panic in progress on this thread.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work` and turns a panic of wgpu or the crates beneath it into [`Error::Device`]. Other panics propagate: they
/// are bugs of this program.
///
/// # Errors
/// The errors of `work`, and [`Error::Device`].
pub async fn guarded<T, E: From<Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    listen();
    let mut work = pin!(work);
    poll_fn(|waker| {
        DEPTH.set(DEPTH.get() + 1);
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(waker)));
        DEPTH.set(DEPTH.get() - 1);
        match polled {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Err(failure(panic).into())),
        }
    })
    .await
}

/// Number of wgpu panics caught so far. A device that was open at that time may not be safe to close.
pub(super) fn caught() -> u64 {
    CAUGHT.load(Ordering::Relaxed)
}

fn failure(panic: Box<dyn Any + Send>) -> Error {
    match SAID.take() {
        None => resume_unwind(panic),
        Some(message) => {
            CAUGHT.fetch_add(1, Ordering::Relaxed);
            Error::Device { adapter: String::new(), message }
        }
    }
}

/// Installs a panic hook that keeps the messages of panics beneath wgrad, instead of printing them, inside [`guarded`].
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let otherwise = take_hook();
        set_hook(Box::new(move |info| {
            if DEPTH.get() > 0 && info.location().is_some_and(|at| is_beneath(at.file())) {
                SAID.set(Some(words(info)));
            } else {
                SAID.set(None);
                otherwise(info);
            }
        }));
    });
}

/// Returns true if a source file belongs to one of the crates beneath.
fn is_beneath(file: &str) -> bool {
    let own = file!().trim_end_matches("gpu/fault.rs");
    !file.starts_with(own)
        && file.split(['/', '\\']).any(|part| BENEATH.iter().any(|name| part.starts_with(name)))
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let said = info.payload();
    let said = said.downcast_ref::<String>().map(String::as_str).or(said.downcast_ref().copied());
    // The first line only says that something is wrong; the causes follow below it.
    let said: Vec<&str> = said.unwrap_or_default().split_whitespace().collect();
    format!("the driver failed in the middle of a call: {}", said.join(" "))
}

#[cfg(test)]
mod tests {
    use super::{guarded, is_beneath};
    use crate::{
        Error, Result,
        gpu::{Context, Options},
    };
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_panic_of_wgpu_is_an_error() {
        let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
        let work = async {
            let context = Context::open(&Options { adapter, ..Options::default() }).await?;
            let device = context.device();
            let outer = device.push_error_scope(wgpu::ErrorFilter::Validation);
            let _inner = device.push_error_scope(wgpu::ErrorFilter::Validation);
            // wgpu demands that scopes be popped in reverse order, and panics otherwise.
            drop(outer.pop().await);
            Ok(())
        };
        let ended: Result<()> = pollster::block_on(guarded(work));
        assert!(
            matches!(&ended, Err(Error::Device { message, .. }) if message.contains("scope")),
            "{ended:?}"
        );
    }

    #[test]
    fn other_panics_go_on() {
        let work = async { if std::hint::black_box(true) { panic!("a mistake") } else { Ok(()) } };
        let ended = catch_unwind(AssertUnwindSafe(|| pollster::block_on(guarded::<(), Error>(work))));
        let said = ended.expect_err("it went on");
        assert_eq!(said.downcast_ref(), Some(&"a mistake"));
    }

    #[test]
    fn the_crates_beneath_are_known_by_their_folders() {
        let registry = "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        assert!(is_beneath(&format!("{registry}/wgpu-core-30.0.1/src/device/queue.rs")));
        assert!(is_beneath(r"C:\vendor\wgpu-hal\src\vulkan\descriptor.rs"));
        assert!(!is_beneath(&format!("{registry}/naga-30.0.0/src/lib.rs")));
        assert!(!is_beneath("src/gpu/context.rs"));
    }
}
