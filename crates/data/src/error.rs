//! Errors of data sets, in the form that [`wgrad::error`] defines for the engine: what was attempted, found and
//! expected, and what to do next.

use std::path::{Path, PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error in data; each variant is one cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of the engine: of files, fields, and inconsistent data sets.
    #[error(transparent)]
    Engine(#[from] wgrad::Error),
    /// A file or folder of a data set is invalid.
    #[error("{}: {message}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// The value found, the value expected, and advice.
        message: String,
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
    /// The IDX file has an unexpected number of dimensions.
    #[error("{}: IDX rank {got}, expected {expected}; was an image file put in place of a label \
             file, or the reverse?", path.display())]
    IdxRank {
        /// The file.
        path: PathBuf,
        /// The number of dimensions found.
        got: usize,
        /// The accepted numbers of dimensions, in words.
        expected: &'static str,
    },
    /// The IDX file is shorter than its header says.
    #[error("{}: truncated: got {got} bytes, expected {expected} for the shape {shape:?}; copy or \
             fetch the file again", path.display())]
    IdxTruncated {
        /// The file.
        path: PathBuf,
        /// The shape in the header; empty where the header itself is cut off.
        shape: Vec<usize>,
        /// Bytes found, decompressed, header included.
        got: u64,
        /// Bytes that the header announces, itself included.
        expected: u64,
    },
    /// The IDX file is longer than its header says.
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
        /// The decompressor's error.
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
    /// The number of labels differs from the number of images.
    #[error("{}: got {label_count} labels, expected {image_count} as there are images in {}; both \
             files must come from one data set", labels.display(), images.display())]
    CountMismatch {
        /// The file of images.
        images: PathBuf,
        /// Number of images in it.
        image_count: usize,
        /// The file of labels.
        labels: PathBuf,
        /// Number of labels in it.
        label_count: usize,
    },
    /// A label names a class that does not exist.
    #[error("{}: label {value} at index {index} is out of range, expected 0 to {} as there are \
             {classes} classes; fix the file, or name every class in a classes.txt next to it, one per \
             line", path.display(), classes - 1)]
    LabelOutOfRange {
        /// The file of labels.
        path: PathBuf,
        /// Index of the label, counted from 0.
        index: usize,
        /// Its value.
        value: u8,
        /// Number of classes.
        classes: usize,
    },
    /// The file of class names does not name 1 to 256 classes.
    #[error("{}: got {got} class names, expected 1 to 256, one per line; fix or remove the file", path.display())]
    ClassNames {
        /// The file.
        path: PathBuf,
        /// Number of names in it.
        got: usize,
    },
    /// A folder lacks some of the four files of a data set.
    #[error("{}: got no {}, expected the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, \
             t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or with .gz; name the folder \
             that holds them", folder.display(), missing.join(" and no "))]
    DataFilesMissing {
        /// The folder that was searched.
        folder: PathBuf,
        /// The usual names of the files that are not there.
        missing: Vec<String>,
    },
    /// A data set is in none of the places that are searched.
    #[error(
        "{name} not found; looked in:\n{}\nNext: `wgrad_data::places::fetch` downloads it, or \
             `apt install dataset-fashion-mnist` (Debian, Ubuntu), or name its folder with `.data = DIR`, \
             or use `.data = synthetic`, which needs no files",
        lines(places)
    )]
    DataNotFound {
        /// The data set.
        name: String,
        /// Every place searched, with what is there, in words.
        places: Vec<String>,
    },
    /// A published data set is not in the user's cache.
    #[error("{title} is not in {}; `Published::fetch({name})` downloads it ({megabytes} MB), or name a folder \
             that holds its files with `.data = DIR`", folder.display())]
    NotFetched {
        /// Its name in commands.
        name: String,
        /// Its name in reports.
        title: String,
        /// The folder of the cache.
        folder: PathBuf,
        /// Size of the download, in megabytes.
        megabytes: u64,
    },
    /// The content of a file is not the published one.
    #[error("{}: {verdict}: got SHA-256 {got} of the decompressed content, expected {expected}; {next}", path.display())]
    DigestMismatch {
        /// The file.
        path: PathBuf,
        /// The conclusion, in words.
        verdict: String,
        /// The digest found, in hexadecimal.
        got: String,
        /// The digest published, in hexadecimal.
        expected: String,
        /// Advice for the user.
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
        /// Each address tried, with the reason why it failed.
        attempts: Vec<String>,
    },
    /// The proxy's address cannot be used.
    #[error(
        "got {got:?} as the proxy, expected an address like http://host:3128 or socks5://host:1080; \
             correct or unset the proxy setting"
    )]
    Proxy {
        /// The address given.
        got: String,
    },
    /// The name of a data set is unknown.
    #[error(
        "data set {got:?} is not known, expected {}, or the path of a folder or file with your own data; check \
             the spelling or the path{}",
        known.join(", "),
        wgrad::words::meant(got, &known.join(","))
    )]
    DataSpec {
        /// The name given.
        got: String,
        /// The names of the known data sets.
        known: Vec<&'static str>,
    },
    /// A file is not a readable picture.
    #[error("{}: not a picture that can be read: got {reason}, expected a PNG, JPEG or WebP file; \
             convert it first, for example with `convert picture.tiff picture.png`", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// The content found instead.
        reason: String,
    },
}

fn bytes(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

fn lines(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("  - {item}")).collect();
    items.join("\n")
}

/// The error of an option; `name` is the field as [`wgrad::Error::Option`] wants it.
pub(crate) fn field_error(name: &'static str, got: String, expected: &'static str) -> Error {
    Error::Engine(wgrad::Error::Option { name, got, expected })
}

/// Converts an I/O error into this crate's, with the path and the attempted action.
pub(crate) fn io_error(
    action: &'static str,
    path: &Path,
    next: &'static str,
) -> impl FnOnce(std::io::Error) -> Error {
    let engine = wgrad::error::io_error(action, path, next);
    move |source| Error::Engine(engine(source))
}
