//! The one error type of the library. Every message says what was attempted, what was found, what
//! was expected and what to do next. It leaves out exit codes: those belong to the command line.
//!
//! A message names what a caller can set by its field, in backticks with a dot before it: `` `.batch` ``, with a value
//! `` `.batch = 64` ``. The dot tells it from names of layers, columns and files. An item of the library is a path with `::` in
//! backticks, what it takes in brackets behind it: `` `gpu::list` ``, `` `Run::take(runs/a)` ``. What belongs together stands
//! with one space between: `` `Trainer::new` `.data = FILE` ``. A front end finds these and says them in its own words, as the
//! command line does (`--batch 64`).

use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the message about a submission that hangs begins.
pub(crate) const HANGS: &str = "no answer for";

/// What can go wrong, one variant a cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is no text, where one was expected.
    #[error("{} {message}{}{next}", path.display(), if next.is_empty() { "" } else { "; " })]
    NoText {
        /// The file.
        path: PathBuf,
        /// What it is, as a sentence that goes on from the path.
        message: String,
        /// What to do.
        next: &'static str,
    },
    /// Data of a user's own that are not as they should be.
    #[error("{}: {message}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What was found, what was expected, what to do.
        message: String,
    },
    /// A data set whose parts do not belong together, as one that is made in code can be.
    #[error("the data set {data}: {message}")]
    Dataset {
        /// Its name.
        data: String,
        /// What was got, what was expected.
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
        /// How many training images there are.
        train: usize,
        /// What to do instead.
        next: &'static str,
    },
    /// A data set was to be split for validation twice.
    #[error("validation split: the data set has one of {got} images already, expected none; split once")]
    ValidationTwice {
        /// How many images are held out already.
        got: usize,
    },
    /// A contact sheet was asked for that has nothing on it or is too large.
    #[error(
        "contact sheet: got {per_class} samples for each of {classes} classes, expected 1 to {most} \
             samples; ask for another number"
    )]
    ContactSheet {
        /// Samples a class asked for.
        per_class: usize,
        /// Classes of the data set.
        classes: usize,
        /// The most samples a class that fit.
        most: usize,
    },
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
        "the device failed{}: {message}; try again with `.adapter = cpu` or a newer driver; a new training may take a smaller `.batch`",
        within(adapter)
    )]
    Device {
        /// The adapter.
        adapter: String,
        /// The driver's or wgpu's word.
        message: String,
    },
    /// The device computes wrongly: no variant of an operation was proven on it.
    #[error(
        "{adapter} computes wrongly: {kernel} {message}; no number of this adapter can be believed, so choose another \
         (`gpu::list` lists them, `.adapter` takes one) or another version of its driver; `wgrad_lab::measure` tells more"
    )]
    Untrusted {
        /// The adapter.
        adapter: String,
        /// `operation/variant`, the last that was tried.
        kernel: String,
        /// What is wrong with it, and with the others.
        message: String,
    },
    /// The driver does not tell what its compiler makes of a kernel.
    #[error("{adapter} does not tell what its compiler makes of a kernel: {reason}; {next}")]
    Untold {
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
    /// A setting of a variant that names what the variant does not offer.
    #[error("setting `{wanted}` of {op} {message}; {offered}")]
    Setting {
        /// The operation.
        op: &'static str,
        /// The name that was given.
        wanted: String,
        /// What is wrong with it.
        message: String,
        /// What there is.
        offered: String,
    },
    /// A `const_assert` of a shader does not hold: its constants do not go together.
    #[error("shader {kernel} {message}")]
    Asserted {
        /// `operation/variant`.
        kernel: String,
        /// Which.
        message: String,
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
    /// Layers that do not fit each other or their input.
    #[error("model {model}: {layer}: {message}")]
    Model {
        /// The model.
        model: String,
        /// Which layer: number and name.
        layer: String,
        /// What does not fit, and what would.
        message: String,
    },
    /// A number that makes no sense.
    #[error("{} is {got}, expected {expected}", field(name))]
    Option {
        /// The field, as the library calls it, such as `learning_rate`; `decay.momentum` where another has the same name. What
        /// is no field is named in words, or is a variable of the environment.
        name: &'static str,
        /// What was given.
        got: String,
        /// What would do.
        expected: &'static str,
    },
    /// Images or classes of the data that a model does not take.
    #[error(
        "model {model} takes {expected}, the data set {data} has {got}; choose another model or data set"
    )]
    DataFit {
        /// The model.
        model: String,
        /// The data set.
        data: String,
        /// What the model takes.
        expected: String,
        /// What the data set has.
        got: String,
    },
    /// The thread that gathers images has ended before its time.
    #[error(
        "the images of step {step} of {of} did not come: the thread that gathers them has failed, as it does where no \
         memory is left; try a smaller `.budget`, or a new training with a smaller `.batch`"
    )]
    Images {
        /// The step, from 1.
        step: u64,
        /// Steps of the whole.
        of: u64,
    },
    /// The loss is no longer a number.
    #[error(
        "the loss became {loss} at step {step} of epoch {epoch}: training stopped; try a lower `.learning_rate`, or `.warmup_steps`"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: u64,
        /// The step in it, from 1.
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// A folder that is not a run, or one already.
    #[error("{} {message}", folder.display())]
    Run {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Rows that do not make a table of a report.
    #[error("report `{caption}`: {message}")]
    Report {
        /// The table.
        caption: String,
        /// What does not fit, and what would.
        message: String,
    },
    /// Weights that do not fit a model, or a file that holds none.
    #[error("{what}: {message}")]
    Checkpoint {
        /// Which file or weights.
        what: String,
        /// What does not fit, and what would.
        message: String,
    },
}

impl Error {
    /// Whether the device is lost, or has no memory left: opened anew, it may do the same work again. A device that hangs
    /// would hang again.
    pub fn is_of_device(&self) -> bool {
        matches!(self, Self::Device { message, .. } if !message.starts_with(HANGS))
    }
}

/// The name of a field as messages have it; other names as they are.
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
        format!("here are {}; `gpu::list` tells more", found.join(", "))
    }
}

fn hint(next: &str) -> String {
    if next.is_empty() { String::new() } else { format!("; {next}") }
}

/// Turns an I/O error into this crate's, with the path and what was attempted.
pub fn io_error(
    action: &'static str,
    path: &Path,
    next: &'static str,
) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source, next }
}
