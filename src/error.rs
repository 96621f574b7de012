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
    /// The first bytes are neither those of IDX nor those of gzip.
    #[error("{}: not an IDX file: it starts with the bytes {}, expected 00 00 (IDX) or 1f 8b (gzip); \
             was something else saved under this name?", path.display(), bytes(got))]
    NotIdx {
        /// The file.
        path: PathBuf,
        /// Its first bytes, four at most.
        got: Vec<u8>,
    },
    /// The IDX file holds elements of another type than unsigned bytes.
    #[error("{}: IDX type code 0x{got:02x} is not supported, expected 0x08 (unsigned byte); \
             convert the file to unsigned bytes", path.display())]
    IdxType {
        /// The file.
        path: PathBuf,
        /// The type code found, the third byte of the file.
        got: u8,
    },
    /// The IDX file has another number of dimensions than its place asks for.
    #[error("{}: IDX rank {got}, expected {expected}; was an image file put in place of a label \
             file, or the reverse?", path.display())]
    IdxRank {
        /// The file.
        path: PathBuf,
        /// The number of dimensions found.
        got: usize,
        /// The number of dimensions that would do, in words.
        expected: &'static str,
    },
    /// The IDX file ends before its header says.
    #[error("{}: truncated: got {got} bytes, expected {expected} for the shape {shape:?}; copy or \
             fetch the file again", path.display())]
    IdxTruncated {
        /// The file.
        path: PathBuf,
        /// The shape in the header; empty where the header itself is cut.
        shape: Vec<usize>,
        /// Bytes found, decompressed, header included.
        got: u64,
        /// Bytes that the header announces, itself included.
        expected: u64,
    },
    /// The IDX file goes on after its header says.
    #[error("{}: trailing bytes: got more than the {expected} bytes expected for the shape \
             {shape:?}; copy or fetch the file again", path.display())]
    IdxTrailing {
        /// The file.
        path: PathBuf,
        /// The shape in the header.
        shape: Vec<usize>,
        /// Bytes that the header announces, itself included.
        expected: u64,
    },
    /// A gzip stream does not decompress, or its checksum does not match.
    #[error("{}: damaged gzip data: got \"{source}\", expected a whole stream with a matching \
             checksum; copy or fetch the file again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decompressor says.
        source: std::io::Error,
    },
    /// A file of a data set holds no element, or images without a pixel.
    #[error("{}: the shape {shape:?} holds nothing, expected at least one image of at least one \
             pixel; check the folder", path.display())]
    EmptySet {
        /// The file.
        path: PathBuf,
        /// The shape in its header.
        shape: Vec<usize>,
    },
    /// Training and test images differ in height, width or channels.
    #[error("{}: images of {got:?} (height, width, channels), expected {expected:?} as in the \
             training set; both must come from one data set", path.display())]
    ImageShape {
        /// The file of test images.
        path: PathBuf,
        /// Height, width and channels found.
        got: [usize; 3],
        /// Height, width and channels of the training images.
        expected: [usize; 3],
    },
    /// There are not as many labels as images.
    #[error("{}: got {label_count} labels, expected {image_count} as there are images in {}; both \
             files must come from one data set", labels.display(), images.display())]
    CountMismatch {
        /// The file of images.
        images: PathBuf,
        /// How many images it holds.
        image_count: usize,
        /// The file of labels.
        labels: PathBuf,
        /// How many labels it holds.
        label_count: usize,
    },
    /// A label names a class that does not exist.
    #[error("{}: label {value} at index {index} is out of range, expected 0 to {} as there are \
             {classes} classes; mend the file, or name every class in classes.txt beside it, one a \
             line", path.display(), classes - 1)]
    LabelOutOfRange {
        /// The file of labels.
        path: PathBuf,
        /// Which label, counted from 0.
        index: usize,
        /// Its value.
        value: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// The file of class names does not name 1 to 256 classes.
    #[error("{}: got {got} class names, expected 1 to 256, one a line; mend or remove the file", path.display())]
    ClassNames {
        /// The file.
        path: PathBuf,
        /// How many names it holds.
        got: usize,
    },
    /// A folder lacks some of the four files of a data set.
    #[error("{}: got no {}, expected the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, \
             t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or with .gz; name the folder \
             that holds them", folder.display(), missing.join(" and no "))]
    DataFilesMissing {
        /// The folder looked into.
        folder: PathBuf,
        /// The usual names of the files that are not there.
        missing: Vec<String>,
    },
    /// A data set is in none of the places where it is looked for.
    #[error(
        "{name} not found; looked in:\n{}\nNext: `wgrad_data::places::fetch` downloads it, or \
             `apt install dataset-fashion-mnist` (Debian, Ubuntu), or name its folder with `.data = DIR`, \
             or use `.data = synthetic`, which needs no files",
        lines(places)
    )]
    DataNotFound {
        /// The data set.
        name: String,
        /// Every place looked at, and what is there, in words.
        places: Vec<String>,
    },
    /// The content of a file is not the published one.
    #[error("{}: {verdict}: got SHA-256 {got} of the decompressed content, expected {expected}; {next}", path.display())]
    DigestMismatch {
        /// The file.
        path: PathBuf,
        /// What that means, in words.
        verdict: String,
        /// The digest found, in hexadecimal.
        got: String,
        /// The digest published, in hexadecimal.
        expected: String,
        /// What the user can do.
        next: &'static str,
    },
    /// No mirror gave a file with the right content.
    #[error(
        "cannot download {file}; tried:\n{}\nNext: check the network (HTTPS_PROXY, ALL_PROXY and \
             NO_PROXY are respected) and run `wgrad_data::places::fetch` again, which resumes; or use `.data = synthetic`",
        lines(attempts)
    )]
    Download {
        /// The file's name.
        file: String,
        /// Each address tried, and why it failed.
        attempts: Vec<String>,
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
    /// The proxy's address cannot be used.
    #[error(
        "got {got:?} as the proxy, expected an address like http://host:3128 or socks5://host:1080; \
             mend or unset the proxy setting"
    )]
    Proxy {
        /// The address given.
        got: String,
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
    /// A data set is named that there is not.
    #[error(
        "data set {got:?} is not known, expected fashion-mnist, synthetic, or the path of a folder or file \
             with data of your own; check the spelling or the path"
    )]
    DataSpec {
        /// The name given.
        got: String,
    },
    /// A file is not a picture that can be read.
    #[error("{}: not a picture that can be read: got {reason}, expected a PNG, JPEG or WebP file; \
             convert it first, for example with `convert picture.tiff picture.png`", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
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
    /// A model file that cannot be read as one.
    #[error("{}{}: {message}", path.display(), line.map_or(String::new(), |n| format!(": line {n}")))]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong, and what is known.
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
    /// A network that ONNX cannot hold, or an ONNX file that wgrad cannot.
    #[error("{what}: {message}")]
    Onnx {
        /// The file, or the network.
        what: String,
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

fn bytes(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

fn lines(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("  - {item}")).collect();
    items.join("\n")
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
