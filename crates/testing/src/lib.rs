//! Helpers shared by the tests: the adapter, which must exist, and the fixtures.

/// Comparison of gradients with finite differences.
pub mod differences;
/// An HTTP server of files.
pub mod http;
/// Pages parsed as XML.
pub mod pages;
/// Generated folders of pictures.
pub mod pictures;
/// The sources of the library, and their string literals.
pub mod sources;
/// The shaders: registered variants, and the files of `shaders/`.
pub mod shaders;

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wgrad::gpu::{Context, Options};

/// Returns one of the devices that the tests of a program share, so that few kernels are compiled twice in it.
/// `WGRAD_TEST_ADAPTER` names the adapter (any by default). On a machine without one this panics: nothing is skipped.
pub fn open(checked: bool) -> Context {
    // A software adapter compiles on one thread per device.
    const AT_ONCE: usize = 2;
    static DEVICES: [[OnceLock<Context>; AT_ONCE]; 2] = [const { [const { OnceLock::new() }; AT_ONCE] }; 2];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let turn = NEXT.fetch_add(1, Ordering::Relaxed) % AT_ONCE;
    DEVICES[usize::from(checked)][turn].get_or_init(|| open_alone(checked)).clone()
}

/// Opens an unshared device on the same adapter, for a test that changes shared state or compares devices.
pub fn open_alone(checked: bool) -> Context {
    opened(Options { checked, ..Options::default() })
}

/// Opens an unshared device that binds at most `bytes` bytes at once.
pub fn open_within(bytes: u64) -> Context {
    opened(Options { most_bytes: Some(bytes), ..Options::default() })
}

fn opened(options: Options) -> Context {
    let adapter =
        std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text is a choice");
    let context =
        pollster::block_on(Context::open(&Options { adapter, ..options })).unwrap_or_else(|e| panic!("{e}"));
    // A software adapter compiles at the first run, which takes minutes on a busy machine.
    context.set_timeout(Duration::from_secs(600));
    println!("adapter: {}", context.describe());
    context
}

/// Returns the path of a file in `tests/fixtures` of the project, or in the folder that `WGRAD_TEST_FIXTURES` names,
/// for a test program on a machine without the sources.
pub fn fixture(name: &str) -> PathBuf {
    let folder = std::env::var_os("WGRAD_TEST_FIXTURES").map(PathBuf::from);
    folder.unwrap_or_else(|| project().join("tests/fixtures")).join(name)
}

/// Sends a signal to a process: `INT` is Ctrl-C. It uses the shell's built-in `kill`, since a slim system has no
/// program for it.
#[cfg(unix)]
pub fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(sent.expect("sh runs").success(), "{name} to {process}");
}

/// Returns the folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/testing lies within the project")
}
