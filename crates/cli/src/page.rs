//! `--html`: the printed results as a page with charts.

use super::{fields::spelled, invoked};
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

/// Beginning of a command in a message.
const COMMAND: &str = "`wgrad ";

/// Option for the file of the page.
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

    /// Writes the page, if `--html` is given.
    pub fn write(&self, make: impl FnOnce(&About) -> wgrad::Result<Page>) -> Result<()> {
        let Some(path) = &self.html else { return Ok(()) };
        write(&make(&about())?, path)?;
        tell!("wrote {}", path.display());
        Ok(())
    }
}

/// Writes a page, with the library's names replaced by those of the command line.
pub fn write(page: &Page, path: &Path) -> wgrad::Result<()> {
    page.write_as(path, |html| spelled(&html).into_owned())
}

/// The command that was run, and the date.
pub fn about() -> About {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    About { command: command(), date: now.replace('T', " ").replace('Z', " UTC") }
}

/// The command line, quoted for a shell.
fn command() -> String {
    let arguments = invoked::arguments().map(|argument| quoted(&argument.to_string_lossy()));
    std::iter::once(program()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Replaces `wgrad` in the commands of a message, which stand in backticks, by the name that this program was called
/// by.
pub fn called(words: &str) -> Cow<'_, str> {
    match words.contains(COMMAND) {
        true => words.replace(COMMAND, &format!("`{} ", program())).into(),
        false => words.into(),
    }
}

/// Name that this program was called by, quoted for a shell, so that printed commands can be pasted.
pub fn program() -> String {
    quoted(&invoked::name().to_string_lossy())
}
