//! Prints a completion script for a shell, generated from the definitions of the commands.

use super::{Cli, output};
use anyhow::Result;
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad completions bash > ~/.local/share/bash-completion/completions/wgrad
  wgrad completions zsh > ~/.zfunc/_wgrad
  wgrad completions fish > ~/.config/fish/completions/wgrad.fish

For zsh, ~/.zshrc must have `fpath+=~/.zfunc` before `compinit`.")]
pub struct Completions {
    /// Shell that will run the script
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::grammar(), "wgrad", &mut script);
        output::bytes(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
