//! The program wgrad; `program.rs` has it.

use std::process::ExitCode;

fn main() -> ExitCode {
    wgrad_cli::main()
}
