//! What the tests share: the adapter, which must be there, and the fixtures.

/// Gradients beside finite differences.
pub mod differences;
/// A server of files.
pub mod http;
/// Pages, read as XML.
pub mod pages;
/// Pictures in folders.
pub mod pictures;
/// The sources of the library, and the texts in them.
pub mod sources;
/// The shaders, those of the page and those of the folder.
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

/// One of the devices that the tests of a program share, so that few kernels are compiled twice in it: of the adapter that
/// `WGRAD_TEST_ADAPTER` names (any by default). A machine without one fails here: nothing is skipped.
pub fn open(checked: bool) -> Context {
    // A software adapter compiles on one thread a device.
    const AT_ONCE: usize = 2;
    static DEVICES: [[OnceLock<Context>; AT_ONCE]; 2] = [const { [const { OnceLock::new() }; AT_ONCE] }; 2];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let turn = NEXT.fetch_add(1, Ordering::Relaxed) % AT_ONCE;
    DEVICES[usize::from(checked)][turn].get_or_init(|| open_alone(checked)).clone()
}

/// A device of one's own on the same adapter, for a test that changes what is shared, or compares devices.
pub fn open_alone(checked: bool) -> Context {
    opened(Options { checked, ..Options::default() })
}

/// A device of one's own that binds no more than so many bytes at once.
pub fn open_within(bytes: u64) -> Context {
    opened(Options { most_bytes: Some(bytes), ..Options::default() })
}

fn opened(options: Options) -> Context {
    let adapter =
        std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text is a choice");
    let context =
        pollster::block_on(Context::open(&Options { adapter, ..options })).unwrap_or_else(|e| panic!("{e}"));
    // A software adapter compiles at the first run, on a busy machine for minutes.
    context.set_timeout(Duration::from_secs(600));
    println!("adapter: {}", context.describe());
    context
}

/// A file of `tests/fixtures` of the project, or of the folder that `WGRAD_TEST_FIXTURES` names, for a test program that was carried to
/// a machine without the sources.
pub fn fixture(name: &str) -> PathBuf {
    let folder = std::env::var_os("WGRAD_TEST_FIXTURES").map(PathBuf::from);
    folder.unwrap_or_else(|| project().join("tests/fixtures")).join(name)
}

/// Sends a process a signal: `INT` is Ctrl-C. By the shell, which has it built in: a slim system has no program for it.
#[cfg(unix)]
pub fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(sent.expect("sh runs").success(), "{name} to {process}");
}

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/testing lies within the project")
}
