//! `--html`: what was printed as a page with charts too.

use anyhow::Result;
use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};
use wgrad::report::{
    lab::About,
    page::{self, Page},
};

/// Where a page goes, if one is wanted.
#[derive(clap::Args)]
pub struct PageArgs {
    /// Write one self-contained page with charts and tables
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl PageArgs {
    /// Refuses a file that cannot be written, before anything is measured.
    pub fn can_be_written(&self) -> Result<()> {
        match &self.html {
            Some(path) => Ok(page::can_write(path)?),
            None => Ok(()),
        }
    }

    /// Writes the page, where one was asked for.
    pub fn write(&self, make: impl FnOnce(&About) -> wgrad::Result<Page>) -> Result<()> {
        let Some(path) = &self.html else { return Ok(()) };
        make(&about())?.write(path)?;
        tell!("wrote {}", path.display());
        Ok(())
    }
}

/// What was run, and when.
pub fn about() -> About {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    About { command: command(), date: now.replace('T', " ").replace('Z', " UTC") }
}

/// The command line as a shell takes it.
fn command() -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    std::iter::once(program()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// This program as it was called, as a shell takes it: commands that are told can be pasted.
pub fn program() -> String {
    let name = std::env::args_os().next().filter(|name| !name.is_empty());
    name.map_or_else(|| "wgrad".to_string(), |name| quoted(&name.to_string_lossy()))
}

/// A path as a shell and this program take it: one that begins like an option gets its folder before it.
pub fn quoted_path(path: &Path) -> String {
    let path = path.display().to_string();
    quoted(&if path.starts_with('-') { format!("./{path}") } else { path })
}

/// An argument as a shell takes it.
pub fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=,./:+".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => argument.to_string(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}
