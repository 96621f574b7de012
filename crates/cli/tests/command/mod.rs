//! Runs the real binary and looks at what it prints: for the tests of the command line.
#![allow(dead_code)]

use serde_json::Value;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// A command that ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Asserts that it ended with this code and without a panic, and returns it.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// Each line of stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let lines: Vec<Value> = self
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        assert!(!lines.is_empty(), "nothing on stdout: {self:#?}");
        assert!(lines.iter().all(Value::is_object), "{self:#?}");
        lines
    }

    /// Asserts that stderr is an error with these words in it, and that stdout is empty.
    #[track_caller]
    pub fn refuses(self, words: &[&str]) {
        let ended = self.with(2);
        assert_eq!(ended.stdout, "", "{ended:#?}");
        assert!(ended.stderr.contains("error: "), "{ended:#?}");
        for word in words {
            assert!(ended.stderr.contains(word), "no {word:?} in {ended:#?}");
        }
    }
}

/// A call of `wgrad`, in an environment without settings for data, proxies or caches.
pub struct Call(Command);

/// `wgrad` with these arguments.
pub fn wgrad<S: AsRef<OsStr>>(arguments: &[S]) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.args(arguments).env("NO_PROXY", "127.0.0.1").env_remove("WGRAD_DATA");
    command.env("WGRAD_TUNED", Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing-tuned"));
    // Each kernel is proven once for all tests.
    command.env("WGRAD_PROVEN", Path::new(env!("CARGO_TARGET_TMPDIR")).join("proven"));
    command.env("WGRAD_PIPELINES", Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipelines"));
    Call(command)
}

/// `wgrad` with these arguments, on the adapter under test.
pub fn on_device<S: AsRef<OsStr>>(arguments: &[S]) -> Call {
    let call = wgrad(arguments);
    match std::env::var("WGRAD_TEST_ADAPTER") {
        Ok(adapter) if !adapter.is_empty() => Call({
            let mut command = call.0;
            command.args(["--adapter", &adapter]);
            command
        }),
        _ => call,
    }
}

impl Call {
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn inside(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    #[track_caller]
    pub fn end(mut self) -> Ended {
        let output = self.0.output().expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The folder of a small data set.
pub fn small_data() -> PathBuf {
    wgrad_testing::fixture("parity")
}

/// This folder as an argument.
pub fn small_data_argument() -> String {
    small_data().display().to_string()
}
