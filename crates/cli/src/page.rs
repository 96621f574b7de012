//! `--html`: what was printed as a page with charts too.

use super::fields::spelled;
use anyhow::Result;
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    time::SystemTime,
};
pub use wgrad::words::{quoted, quoted_path};
use wgrad_report::{
    lab::About,
    page::{self, Page},
};

/// How messages begin a command.
const COMMAND: &str = "`wgrad ";

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
        write(&make(&about())?, path)?;
        tell!("wrote {}", path.display());
        Ok(())
    }
}

/// Writes a page, what the library says on it in the words of the command line.
pub fn write(page: &Page, path: &Path) -> wgrad::Result<()> {
    page.write_as(path, |html| spelled(&html).into_owned())
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

/// Words with the commands in them, `wgrad` and more between backticks, as this program was called.
pub fn called(words: &str) -> Cow<'_, str> {
    match words.contains(COMMAND) {
        true => words.replace(COMMAND, &format!("`{} ", program())).into(),
        false => words.into(),
    }
}

/// This program as it was called, as a shell takes it: commands that are told can be pasted.
pub fn program() -> String {
    let name = std::env::args_os().next().filter(|name| !name.is_empty());
    name.map_or_else(|| "wgrad".to_string(), |name| quoted(&name.to_string_lossy()))
}
