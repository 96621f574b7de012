//! An operation from a folder of WGSL files: `interface.wgsl`, the reference `naive.wgsl`, and other variants.
//!
//! The files mean what those of wgrad's own `shaders/` mean. The reference defines the results ([`crate::reference`]);
//! every variant, the reference too, runs with wgpu's checks.

use crate::reference;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use wgrad::{
    Error, Result,
    error::io_error,
    op::{Op, Variant, user_file},
    text::read_text,
};

/// Maximum number of variants.
const MOST_VARIANTS: usize = 64;
/// Maximum number of entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// Maximum bytes of a file.
const MOST_BYTES: u64 = 1 << 20;
/// Maximum bytes of all texts that a process keeps.
const MOST_KEPT: usize = 256 << 20;

/// What to do about a folder that is no operation.
const NEXT: &str = "expected a folder with interface.wgsl and naive.wgsl, or the name of an operation";

/// Operations and texts that live as long as the process. A [`wgrad::op::Call`] holds its operation by reference, as it
/// does those of the registry: one for each folder and content, however often it is read. [`MOST_KEPT`] bounds them.
static KEPT: Mutex<Kept> = Mutex::new(Kept { texts: BTreeSet::new(), operations: BTreeMap::new(), bytes: 0 });

struct Kept {
    texts: BTreeSet<&'static str>,
    operations: BTreeMap<String, &'static Op>,
    bytes: usize,
}

impl Kept {
    fn room(&mut self, folder: &Path, bytes: usize) -> Result<()> {
        self.bytes += bytes;
        match self.bytes > MOST_KEPT {
            true => Err(wrong(
                folder,
                format!(
                    "its changed texts take more than {} MiB in this process; start it again",
                    MOST_KEPT >> 20
                ),
            )),
            false => Ok(()),
        }
    }

    fn text(&mut self, folder: &Path, text: &str) -> Result<&'static str> {
        if let Some(kept) = self.texts.get(text) {
            return Ok(kept);
        }
        self.room(folder, text.len())?;
        let kept: &'static str = Box::leak(text.into());
        self.texts.insert(kept);
        Ok(kept)
    }
}

fn wrong(path: &Path, message: impl Into<String>) -> Error {
    Error::Data { path: path.to_owned(), message: message.into() }
}

/// Returns true if `name` means a folder, not an operation of the registry: it has a separator, or there is such a
/// folder.
pub fn is_folder(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).is_dir()
}

/// Reads the operation in `folder`. Its name is that of the folder, its variants are named like their files. A folder
/// that has not changed gives the same operation again.
///
/// # Errors
/// [`Error::Io`] and [`Error::Data`] for a folder that is no operation; [`Error::Shader`] with naga's message at the
/// author's own line, under the path of the file.
pub fn read(folder: &Path) -> Result<&'static Op> {
    let name = name_of(folder)?;
    let mut files = files(folder)?;
    let interface_path = folder.join("interface.wgsl");
    let Some(interface) = files.remove("interface") else {
        return Err(wrong(
            folder,
            "has no interface.wgsl: the buffers, sizes and grid of its variants, such as `override N: u32;`, `@group(0) \
             @binding(0) var<storage, read_write> y: array<f32>; // (N)`, `// grid N` and `// case N=1000`",
        ));
    };
    let Some(reference) = files.remove("naive") else {
        let others: Vec<&str> = files.keys().map(String::as_str).collect();
        let others = if others.is_empty() { "no variant".to_string() } else { others.join(", ") };
        return Err(wrong(
            folder,
            format!(
                "has no naive.wgsl, the reference that defines the results, got {others}; name the plainest variant so"
            ),
        ));
    };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let place = folder.display().to_string();
    let texts = [("interface", &interface), ("naive", &reference)];
    let others = files.iter().map(|(name, text)| (name.as_str(), text));
    let whole: String =
        texts.into_iter().chain(others).map(|(name, text)| format!("{name}\0{text}\0")).collect();
    let key = format!("{place}\0{}", user_file::digest(&whole));
    if let Some(op) = kept.operations.get(&key) {
        return Ok(op);
    }
    let about = interface
        .lines()
        .map(|line| line.trim().trim_start_matches('/').trim())
        .find(|line| !line.is_empty());
    let about =
        about.filter(|_| interface.trim_start().starts_with("//")).unwrap_or("an operation of your own");
    let mut declared =
        [name.as_str(), about, &interface, &place].into_iter().map(|text| kept.text(folder, text));
    let mut next = || declared.next().unwrap_or(Ok(""));
    let (name, about, interface, place) = (next()?, next()?, next()?, next()?);
    let fail = |message| Error::Shader { kernel: interface_path.display().to_string(), message };
    let alone = Op::own([name, about, interface], place, reference::interpreted)
        .map_err(|message| fail(message.trim_end().to_string()))?;

    let path_of = |stem: &str| folder.join(format!("{stem}.wgsl"));
    // The reference first: it declares what the others are checked against.
    let path = path_of("naive").display().to_string();
    let mut naive = Variant::new(&path, &reference);
    let probe = alone.with_variants(vec![naive.named("naive")]);
    probe
        .shader(&naive, &wgrad::op::activations::LINEAR)
        .map_err(|error| beyond_the_file(error, &reference, &interface_path))?;
    naive = user_file::variant(&probe, &path, reference.clone())?.named("naive");
    let probe = alone.with_variants(vec![naive.clone()]);
    if let Some(fault) = user_file::case_fault(&probe, interface)? {
        return Err(fail(fault));
    }
    let mut variants = Vec::new();
    for (stem, text) in &files {
        let path = path_of(stem).display().to_string();
        variants.push(user_file::variant(&probe, &path, text.clone())?.named(stem));
    }
    variants.push(naive);
    kept.room(folder, 2 * whole.len())?;
    let op: &'static Op = Box::leak(Box::new(alone.with_variants(variants)));
    kept.operations.insert(key, op);
    Ok(op)
}

/// An error in lines behind those of the reference belongs to the interface, and says so.
fn beyond_the_file(error: Error, reference: &str, interface: &Path) -> Error {
    match error {
        Error::Shader { kernel, message } => {
            let message = format!(
                "{}\nIts {} lines are followed by those of {}.",
                message.trim_end(),
                reference.lines().count(),
                interface.display()
            );
            Error::Shader { kernel, message }
        }
        other => other,
    }
}

/// Returns true if `name` may name an operation or a variant: commas and colons separate names on a command line.
fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    first && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn name_of(folder: &Path) -> Result<String> {
    let whole = folder.canonicalize().map_err(io_error("cannot read the operation", folder, NEXT))?;
    if !whole.is_dir() {
        return Err(wrong(folder, format!("is no folder; {NEXT}; `user_file::read` measures a single file")));
    }
    let name = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match is_name(name) {
        true => Ok(name.to_string()),
        false => Err(wrong(
            folder,
            format!(
                "is named `{name}`, expected letters, digits, `_` and `-`, a letter first; rename the folder"
            ),
        )),
    }
}

/// The texts of the folder's WGSL files, by name without `.wgsl`. Hidden files are those of editors.
fn files(folder: &Path) -> Result<BTreeMap<String, String>> {
    const ACTION: &str = "cannot read the operation";
    let mut texts = BTreeMap::new();
    let mut lower: BTreeMap<String, String> = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(io_error(ACTION, folder, NEXT))?;
    for (n, entry) in entries.enumerate() {
        if n == MOST_ENTRIES {
            return Err(wrong(
                folder,
                format!("holds more than {MOST_ENTRIES} entries; give its WGSL files a folder of their own"),
            ));
        }
        let path: PathBuf = entry.map_err(io_error(ACTION, folder, NEXT))?.path();
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(stem) = file.strip_suffix(".wgsl").filter(|_| !file.starts_with('.')) else { continue };
        if !is_name(stem) {
            return Err(wrong(
                &path,
                "is the name of a variant, expected letters, digits, `_` and `-`, a letter first; rename it",
            ));
        }
        if let Some(other) = lower.insert(stem.to_ascii_lowercase(), file.clone()) {
            return Err(wrong(
                folder,
                format!("has {other} and {file}, one name on many systems; rename one"),
            ));
        }
        if texts.len() > MOST_VARIANTS {
            return Err(wrong(
                folder,
                format!("has more than {MOST_VARIANTS} variants; move some to another folder"),
            ));
        }
        let bytes = path.metadata().map_err(io_error("cannot read the shader", &path, ""))?.len();
        if bytes > MOST_BYTES {
            return Err(wrong(
                &path,
                format!("holds {bytes} bytes, expected at most {MOST_BYTES}; a shader is a text"),
            ));
        }
        texts.insert(stem.to_string(), read_text(&path, "cannot read the shader", "")?);
    }
    Ok(texts)
}
