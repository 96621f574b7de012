//! The error type of the library. Every message says what was attempted, what was found, what was expected and what to
//! do next. Exit codes are not part of this module: they belong to the command line.
//!
//! A message names an option of the caller by its field, in backticks with a dot before it: `` `.batch` ``, with a
//! value `` `.batch = 64` ``. The dot distinguishes it from names of layers, columns and files. An item of the library
//! is a path with `::` in backticks, with its arguments in brackets: `` `gpu::list` ``, `` `Run::take(runs/a)` ``.
//! Parts that belong together are separated by one space: `` `Trainer::new` `.data = FILE` ``. A front end finds these
//! and replaces them by its own words, as the command line does (`--batch 64`).

use std::path::{Path, PathBuf};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Prefix of the message about a submission that hangs.
pub(crate) const HANGS: &str = "no answer for";

/// An error of the library, one variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is not text, although text was expected.
    #[error("{} {message}{}{next}", path.display(), if next.is_empty() { "" } else { "; " })]
    NoText {
        /// The file.
        path: PathBuf,
        /// Description of the content, as a phrase that continues after the path.
        message: String,
        /// The remedy.
        next: &'static str,
    },
    /// User-supplied data that is malformed.
    #[error("{}: {message}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// The content found, the content expected, the remedy.
        message: String,
    },
    /// A data set whose parts are inconsistent, as one made in code can be.
    #[error("the data set {data}: {message}")]
    Dataset {
        /// Its name.
        data: String,
        /// The received and the expected value.
        message: String,
    },
    /// The share of training images to hold out is not usable.
    #[error(
        "validation split: got {got} of {train} training images, expected a share above 0 and below 1 that leaves some on \
             both sides: {next}"
    )]
    ValidationSplit {
        /// The share given.
        got: f64,
        /// Number of training images.
        train: usize,
        /// The remedy.
        next: &'static str,
    },
    /// A data set was to be split for validation twice.
    #[error("validation split: the data set has one of {got} images already, expected none; split once")]
    ValidationTwice {
        /// Number of images that are already held out.
        got: usize,
    },
    /// A requested contact sheet is empty or too large.
    #[error(
        "contact sheet: got {per_class} samples for each of {classes} classes, expected 1 to {most} \
             samples; ask for another number"
    )]
    ContactSheet {
        /// Requested samples per class.
        per_class: usize,
        /// Number of classes of the data set.
        classes: usize,
        /// Maximum number of samples per class.
        most: usize,
    },
    /// A file or folder could not be read, written or renamed.
    #[error("{action} {}: {source}{}", path.display(), hint(next))]
    Io {
        /// The attempted action, as a verb: "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
        /// The remedy; may be empty.
        next: &'static str,
    },
    /// No adapter matches, or there is none at all.
    #[error("no adapter matches `{wanted}`; {}", no_adapter(found))]
    NoAdapter {
        /// The requested adapter.
        wanted: String,
        /// The available adapters.
        found: Vec<String>,
    },
    /// The device failed: lost, hung, or refused a command.
    #[error(
        "the device failed{}: {message}; try again with `.adapter = cpu` or a newer driver; a new training may take a smaller `.batch`",
        within(adapter)
    )]
    Device {
        /// The adapter.
        adapter: String,
        /// The message of the driver or of wgpu.
        message: String,
    },
    /// A team cannot train together: a rank left, or differs from the others.
    #[error("several ranks: {message}")]
    Team {
        /// The rank, and the reason.
        message: String,
    },
    /// The device computes wrongly: no variant of an operation was proven on it.
    #[error(
        "{adapter} computes wrongly: {kernel} {message}; no result of this adapter can be trusted, so choose another \
         (`gpu::list` lists them, `.adapter` selects one) or another version of its driver; `wgrad_lab::measure` shows details"
    )]
    Untrusted {
        /// The adapter.
        adapter: String,
        /// `operation/variant`, the last that was tried.
        kernel: String,
        /// Its fault, and those of the others.
        message: String,
    },
    /// The driver does not tell what its compiler makes of a kernel.
    #[error("{adapter} does not tell what its compiler makes of a kernel: {reason}; {next}")]
    Unreported {
        /// The adapter.
        adapter: String,
        /// Why not.
        reason: String,
        /// What to do.
        next: &'static str,
    },
    /// A buffer exceeds what the adapter allows.
    #[error("{what} needs {bytes} bytes, this adapter allows {limit} in one buffer{}", hint(next))]
    TooLarge {
        /// The buffer.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// The remedy.
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
        /// The mismatch.
        message: String,
    },
    /// A variant that is unknown or not eligible.
    #[error(
        "variant `{wanted}` of {op} {message}; its variants: {known}{}",
        crate::words::meant(wanted, known)
    )]
    Variant {
        /// The operation.
        op: &'static str,
        /// The given name.
        wanted: String,
        /// The fault.
        message: String,
        /// The known names.
        known: String,
    },
    /// A setting that names a constant or value that the variant does not have.
    #[error("setting `{wanted}` of {op} {message}; {offered}")]
    Setting {
        /// The operation.
        op: &'static str,
        /// The given name.
        wanted: String,
        /// The fault.
        message: String,
        /// The tunable constants and values of the variant.
        offered: String,
    },
    /// A `const_assert` of a shader fails: the values of its constants are incompatible.
    #[error("shader {kernel} {message}")]
    Asserted {
        /// `operation/variant`.
        kernel: String,
        /// The assertion that fails.
        message: String,
    },
    /// An unknown name, with the known ones.
    #[error("unknown {what} `{got}`; known: {known}{}", crate::words::meant(got, known))]
    Unknown {
        /// The kind of thing that has the name.
        what: &'static str,
        /// The given name.
        got: String,
        /// The known names.
        known: String,
    },
    /// Layers that do not fit each other or their input.
    #[error("model {model}: {layer}: {message}")]
    Model {
        /// The model.
        model: String,
        /// The layer: number and name.
        layer: String,
        /// The mismatch, and a choice that would fit.
        message: String,
    },
    /// An invalid number.
    #[error("{} is {got}, expected {expected}", field(name))]
    Option {
        /// The field, as the library names it, such as `learning_rate`; `decay.momentum` if another field has the same
        /// name. An option that is no field is described in words, or is an environment variable.
        name: &'static str,
        /// The given value.
        got: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// Images or classes of a data set that a model does not support.
    #[error(
        "model {model} takes {expected}, the data set {data} has {got}; choose another model or data set"
    )]
    DataFit {
        /// The model.
        model: String,
        /// The data set.
        data: String,
        /// The images and classes that the model supports.
        expected: String,
        /// The images and classes of the data set.
        got: String,
    },
    /// The thread that gathers images ended too early.
    #[error(
        "the images of step {step} of {of} did not arrive: the thread that gathers them failed, as it does when \
         memory runs out; try a smaller `.budget`, or a new training with a smaller `.batch`"
    )]
    Images {
        /// The step, from 1.
        step: u64,
        /// Total number of steps.
        of: u64,
    },
    /// The loss is NaN or infinite.
    #[error(
        "the loss became {loss} at step {step} of epoch {epoch}: training stopped; try a lower `.learning_rate`, or `.warmup_steps`"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: u64,
        /// The step in the epoch, from 1.
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// A folder that is not a run, or already is one.
    #[error("{} {message}", folder.display())]
    Run {
        /// The folder.
        folder: PathBuf,
        /// The fault.
        message: String,
    },
    /// Rows that do not form a table of a report.
    #[error("report `{caption}`: {message}")]
    Report {
        /// The table.
        caption: String,
        /// The mismatch, and a choice that would fit.
        message: String,
    },
    /// Weights that do not fit a model, or a file without weights.
    #[error("{what}: {message}")]
    Checkpoint {
        /// The file or weights.
        what: String,
        /// The mismatch, and a choice that would fit.
        message: String,
    },
}

impl Error {
    /// Returns true if the device is lost, or out of memory: opened again, it may succeed at the same work. A device
    /// that hangs would hang again.
    pub fn is_of_device(&self) -> bool {
        matches!(self, Self::Device { message, .. } if !message.starts_with(HANGS))
    }
}

/// Formats the name of a field as messages do; leaves other names unchanged.
fn field(name: &str) -> String {
    let is_field =
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.'));
    if is_field { format!("`.{name}`") } else { name.to_string() }
}

fn within(adapter: &str) -> String {
    if adapter.is_empty() { String::new() } else { format!(" ({adapter})") }
}

fn no_adapter(found: &[String]) -> String {
    if found.is_empty() {
        "none was found: install a Vulkan driver (Debian: `apt-get install mesa-vulkan-drivers` runs on \
         the processor alone), or update the graphics driver"
            .to_string()
    } else {
        format!("available: {}; `gpu::list` shows details", found.join(", "))
    }
}

fn hint(next: &str) -> String {
    if next.is_empty() { String::new() } else { format!("; {next}") }
}

/// Converts an I/O error into this crate's error, with the path and the attempted action.
pub fn io_error(
    action: &'static str,
    path: &Path,
    next: &'static str,
) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source, next }
}
