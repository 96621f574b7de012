//! The one error type of the library. Every message says what was attempted, what was found, what
//! was expected and what to do next. It leaves out exit codes: those belong to the command line.

use std::path::PathBuf;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, one variant a cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read, written or renamed.
    #[error("{action} {}: {source}{}", path.display(), hint(next))]
    Io {
        /// What was attempted, as a verb: "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
        /// What the user can do; may be empty.
        next: &'static str,
    },
    /// No adapter matches, or there is none at all.
    #[error("no adapter matches `{wanted}`; {}", no_adapter(found))]
    NoAdapter {
        /// What was asked for.
        wanted: String,
        /// The adapters that are here.
        found: Vec<String>,
    },
    /// The device failed: lost, hung, or refused a command.
    #[error(
        "the device failed ({adapter}): {message}; try again with `--adapter cpu`, a smaller `--batch`, or a newer driver"
    )]
    Device {
        /// The adapter.
        adapter: String,
        /// The driver's or wgpu's word.
        message: String,
    },
    /// A buffer exceeds what the adapter allows.
    #[error("{what} needs {bytes} bytes, this adapter allows {limit} in one buffer{}", hint(next))]
    TooLarge {
        /// Which buffer.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What would fit.
        next: String,
    },
    /// A shader does not compile, or does not meet its operation's interface.
    #[error("shader {kernel}: {message}")]
    Shader {
        /// `operation/variant`.
        kernel: String,
        /// naga's or wgpu's message, at the author's own line.
        message: String,
    },
    /// Buffers that do not fit a kernel.
    #[error("kernel {kernel}: {message}")]
    Bind {
        /// `operation/variant`.
        kernel: String,
        /// What does not fit.
        message: String,
    },
    /// A variant that is unknown or not eligible.
    #[error("variant `{wanted}` of {op} {message}; its variants: {known}")]
    Variant {
        /// The operation.
        op: &'static str,
        /// The name that was given.
        wanted: String,
        /// What is wrong with it.
        message: String,
        /// The names that exist.
        known: String,
    },
    /// An unknown name, with the ones that exist.
    #[error("unknown {what} `{got}`; known: {known}")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// The name that was given.
        got: String,
        /// The names that exist.
        known: String,
    },
}

fn no_adapter(found: &[String]) -> String {
    if found.is_empty() {
        "none was found: install a Vulkan driver (Debian: `apt-get install mesa-vulkan-drivers` runs on \
         the processor alone), or update the graphics driver"
            .to_string()
    } else {
        format!("here are {}; `wgrad adapters` tells more", found.join(", "))
    }
}

fn hint(next: &str) -> String {
    if next.is_empty() { String::new() } else { format!("; {next}") }
}
