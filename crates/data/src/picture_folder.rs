//! Reads the structure of a folder of pictures: its parts (training, validation, test), its classes, its files.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::ImageFormat;
use sha2::{Digest, Sha256};

use crate::{
    Error, Result,
    error::{field_error, io_error},
};
use crate::{
    classes::alike,
    jpeg::{CUT_OFF, has_end},
    picture::{LONGEST, dimensions_in},
    pictures::{Pictures, Preparation, entries, in_parallel},
    reading::{Fit, Reading, Size, TEST_SHARE},
};
use wgrad::{
    data::{Dataset, Split, source::Images},
    words::hex,
};
use wgrad::{preprocessing::Preprocessing, words::counted};

/// Names of a data set's parts.
const TRAIN: [&str; 2] = ["train", "training"];
const VALIDATION: [&str; 3] = ["validation", "val", "valid"];
const TEST: [&str; 2] = ["test", "testing"];

/// Bytes read from each file before it is decoded: enough to recognise its format, and to distinguish it from other
/// files.
const HEAD: u64 = 4096;

/// Length in bytes up to which a JPEG file is searched for its end marker; of longer files, the last bytes are.
const SHORT: u64 = 1 << 20;
const TAIL: u64 = 64 << 10;

/// Greatest side of pictures of many sizes whose size nobody chose, and the step of such sides, pixels.
const USUAL: usize = 96;
const STEP: usize = 8;

/// Extensions that are meant as pictures. Unreadable files with one of these are reported, and others silently
/// ignored.
const EXTENSIONS: [&str; 13] =
    ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "ppm", "jfif", "svg"];

/// The parts of a folder, each with one subfolder per class.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    train: PathBuf,
    validation: Option<PathBuf>,
    test: Option<PathBuf>,
}

impl Layout {
    /// The layout of `folder`; `None` where it does not look like pictures in classes.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let part = |names: &[&str]| {
            let found = entries(folder).ok()?.into_iter().filter(|path| path.is_dir());
            found.into_iter().find(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
                name.is_some_and(|name| names.contains(&name.as_str()))
            })
        };
        let layout = match part(&TRAIN) {
            Some(train) => match (part(&VALIDATION), part(&TEST)) {
                // Without a test part, the validation part serves as one.
                (Some(validation), None) => Self { train, validation: None, test: Some(validation) },
                (validation, test) => Self { train, validation, test },
            },
            None => Self { train: folder.to_owned(), validation: None, test: None },
        };
        let classes = entries(&layout.train).ok()?;
        let mut folders = classes.iter().filter(|path| path.is_dir());
        folders.any(|class| holds_a_picture(class)).then_some(layout)
    }
}

/// True if one of the first 100 files in a folder begins like a picture.
fn holds_a_picture(folder: &Path) -> bool {
    files(folder)
        .is_ok_and(|files| files.iter().take(100).any(|file| kind(&head(file).unwrap_or_default()).is_some()))
}

/// The format of a file by its first bytes; `None` where it cannot be decoded.
fn kind(head: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(head).ok()?;
    matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP).then_some(format)
}

fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// All files in a folder and its subfolders, sorted. A subfolder is entered once, even if several links lead there.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    fn enter(folder: &Path, seen: &mut HashSet<PathBuf>, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
        if !seen.insert(folder.canonicalize()?) {
            return Ok(());
        }
        for path in entries(folder)? {
            match path.is_dir() {
                true => enter(&path, seen, found)?,
                false => found.push(path),
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    enter(folder, &mut HashSet::new(), &mut found)?;
    Ok(found)
}

/// The folder that macOS adds to a zip archive.
const NO_CLASS: &str = "__MACOSX";

/// The folder of a class: its name as text, and its path.
struct Class {
    name: String,
    path: PathBuf,
}

/// The classes of a part, in the order of their numbers.
fn classes(part: &Path) -> Result<Vec<Class>> {
    let all = entries(part).map_err(io_error("cannot open the folder", part, "check its permissions"))?;
    let mut found: Vec<Class> = Vec::new();
    for path in all.into_iter().filter(|path| path.is_dir()) {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if name == NO_CLASS {
            continue;
        }
        // The names of two folders may differ only in bytes that are not text.
        if let Some(other) = found.last().filter(|other| other.name == name) {
            let message = format!(
                "holds two folders, {:?} and {:?}, whose names read alike; rename one",
                other.path.file_name().unwrap_or_default(),
                path.file_name().unwrap_or_default()
            );
            return Err(Error::Data { path: part.to_owned(), message });
        }
        found.push(Class { name, path });
    }
    Ok(found)
}

/// A file of a class.
struct Found {
    path: PathBuf,
    class: u32,
    part: usize,
    /// Digest that distinguishes the file from others; the reason where its format is not supported or it is
    /// damaged.
    checked: std::result::Result<[u8; 32], String>,
    /// Height and width, where they were requested.
    size: Option<[usize; 2]>,
}

/// Checks every file, in several threads.
fn look(found: &mut [Found], folder: &Path, sizes: bool) {
    let looked = in_parallel(found, |file| Some(check(&folder.join(&file.path), &file.path, sizes)));
    for (file, looked) in found.iter_mut().zip(looked) {
        match looked {
            Some(Ok((digest, size))) => (file.checked, file.size) = (Ok(digest), size),
            Some(Err(reason)) => file.checked = Err(reason),
            None => {}
        }
    }
}

/// Checks one file; returns its digest, and its size on request. The file is opened and read once.
fn check(
    path: &Path,
    name: &Path,
    sizes: bool,
) -> std::result::Result<([u8; 32], Option<[usize; 2]>), String> {
    let said = |e: std::io::Error| e.to_string();
    let mut file = File::open(path).map_err(said)?;
    let length = file.metadata().map_err(said)?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(said)?;
    if length == 0 {
        return Err("the file is empty".to_owned());
    }
    let Some(format) = kind(&bytes) else {
        let named =
            image::guess_format(&bytes).map(|format| format!(": its content is {}", format.to_mime_type()));
        return Err(format!("neither PNG nor JPEG nor WebP{}", named.unwrap_or_default()));
    };
    let mut hash = Sha256::new();
    hash.update(name.to_string_lossy().replace('\\', "/").as_bytes());
    hash.update(length.to_le_bytes());
    hash.update(&bytes);
    let size = match format {
        ImageFormat::Jpeg => {
            if !reaches_end(&mut file, &mut bytes, length, sizes).map_err(said)? {
                return Err(CUT_OFF.to_owned());
            }
            if sizes { dimensions_in(path, Cursor::new(bytes)).ok() } else { None }
        }
        _ if sizes => {
            file.rewind().map_err(said)?;
            dimensions_in(path, BufReader::new(file)).ok()
        }
        _ => None,
    };
    Ok((hash.finalize().into(), size))
}

/// True if a JPEG continues to its end, as far as that is visible without decoding. `bytes` is the head of the
/// file, and becomes the whole file where that is needed, or requested by `all`.
fn reaches_end(file: &mut File, bytes: &mut Vec<u8>, length: u64, all: bool) -> std::io::Result<bool> {
    // The end of a long file usually holds its end marker.
    if length > SHORT && !all {
        let mut tail = Vec::new();
        file.seek(SeekFrom::End(-(TAIL as i64)))?;
        file.by_ref().take(TAIL).read_to_end(&mut tail)?;
        if tail.windows(2).any(|pair| pair == [0xff, 0xd9]) {
            return Ok(true);
        }
        file.seek(SeekFrom::Start(bytes.len() as u64))?;
    }
    file.take(LONGEST).read_to_end(bytes)?;
    Ok(has_end(bytes))
}

/// Lists the pictures in `folder` without decoding any.
///
/// # Errors
/// [`Error::Data`] where the classes of the parts differ, or where there is no picture; [`wgrad::Error::Io`].
pub(crate) fn load(folder: &Path, layout: &Layout, reading: &Reading) -> Result<Dataset> {
    let fail = |path: &Path, message: String| Error::Data { path: path.to_owned(), message };
    let mut names: Vec<String> = classes(&layout.train)?.into_iter().map(|class| class.name).collect();
    let parts = [Some(&layout.train), layout.validation.as_ref(), layout.test.as_ref()];
    let mut found = Vec::new();
    for (part, path) in parts.iter().enumerate().filter_map(|(n, path)| Some((n, (*path)?))) {
        for Class { name, path: class_folder } in classes(path)? {
            let Some(class) = names.iter().position(|known| *known == name) else {
                let train = layout.train.display();
                return Err(fail(
                    &class_folder,
                    format!(
                        "is a class that {train} does not have; its classes are {}; give both the same classes",
                        names.join(", ")
                    ),
                ));
            };
            let next = "check its permissions";
            let all =
                files(&class_folder).map_err(io_error("cannot open the folder", &class_folder, next))?;
            found.extend(all.into_iter().map(|file| Found {
                path: file.strip_prefix(folder).map(Path::to_owned).unwrap_or(file),
                class: class as u32,
                part,
                checked: Err(String::new()),
                size: None,
            }));
        }
    }
    look(&mut found, folder, reading.size.is_none());
    let (mut found, left_out): (Vec<Found>, Vec<Found>) =
        found.into_iter().partition(|file| file.checked.is_ok());
    let others = left_out.len();
    let left_out: Vec<(PathBuf, String)> = left_out
        .into_iter()
        .filter(|file| {
            let extension = file.path.extension().map(|e| e.to_string_lossy().to_lowercase());
            extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
        })
        .map(|file| (folder.join(&file.path), file.checked.err().unwrap_or_default()))
        .collect();
    let empty = without_pictures(&mut names, &mut found);
    let mut warnings = Vec::new();
    if !empty.is_empty() && !names.is_empty() {
        warnings.push(format!(
            "left out as classes, since they hold no training picture: {}; remove them, or put pictures there",
            empty.join(", ")
        ));
    }
    let count = |class: usize| found.iter().filter(|file| file.class as usize == class).count();
    let counts = names.iter().enumerate().map(|(class, name)| (name.as_str(), count(class)));
    warnings.extend(alike(counts).map(|words| format!("the classes {words}")));
    if let [only] = &names[..] {
        let within = too_high(&layout.train.join(only));
        warnings.push(match &within[..] {
            [] | [_] => format!("there is one class, {only}, so there is nothing to distinguish; expected a subfolder for each of several classes"),
            several => format!(
                "there is one class, {only}, whose pictures are in the subfolders {}; if these are the classes, name {}",
                several.join(", "),
                layout.train.join(only).display()
            ),
        });
    }
    if found.iter().all(|file| file.part != 0) {
        return Err(fail(
            &layout.train,
            format!(
                "holds no picture in its {} subfolders ({others} other files); expected JPEG, PNG or WebP files, \
                     one subfolder per class",
                names.len()
            ),
        ));
    }
    let (size, chosen) = match reading.size {
        Some(size) => (size, None),
        None => common_size(folder, &found, reading.fit)?,
    };
    let preparation = Preparation {
        height: size.height,
        width: size.width,
        channels: channels(reading)?,
        fit: reading.fit,
    };
    let mut data = dataset(folder, layout, reading, names, found, (left_out, warnings), preparation)?;
    data.notes.extend(chosen);
    Ok(data)
}

/// Removes classes without a training picture, together with their files in other parts. Returns their names.
fn without_pictures(names: &mut Vec<String>, found: &mut Vec<Found>) -> Vec<String> {
    let mut there = vec![false; names.len()];
    for file in found.iter().filter(|file| file.part == 0) {
        there[file.class as usize] = true;
    }
    let numbers: Vec<Option<u32>> = there
        .iter()
        .scan(0, |next, there| {
            *next += u32::from(*there);
            Some(there.then(|| *next - 1))
        })
        .collect();
    found.retain_mut(|file| match numbers[file.class as usize] {
        Some(number) => {
            file.class = number;
            true
        }
        None => false,
    });
    let (kept, empty): (Vec<_>, Vec<_>) = names.drain(..).zip(there).partition(|(_, there)| *there);
    *names = kept.into_iter().map(|(name, _)| name).collect();
    empty.into_iter().map(|(name, _)| name).collect()
}

/// The subfolders of a class that look like classes themselves.
fn too_high(class: &Path) -> Vec<String> {
    let within = entries(class).unwrap_or_default().into_iter().filter(|path| holds_a_picture(path));
    within.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
}

fn channels(reading: &Reading) -> Result<usize> {
    match reading.channels {
        None => Ok(3),
        Some(channels @ (1 | 3)) => Ok(channels),
        Some(other) => Err(field_error("channels", other.to_string(), "1 for grey, 3 for colour")),
    }
}

/// The size that all pictures share. If sizes differ: a square of the median of their shorter sides, rounded down to a
/// multiple of [`STEP`], at most [`USUAL`], with a note that says so.
fn common_size(folder: &Path, found: &[Found], fit: Fit) -> Result<(Size, Option<String>)> {
    let sizes = || found.iter().filter_map(|file| file.size);
    let smallest = sizes().min_by_key(|[h, w]| h * w);
    let largest = sizes().max_by_key(|[h, w]| h * w);
    let (Some(smallest), Some(largest)) = (smallest, largest) else {
        let message = "holds no picture whose size can be read; check the files".to_owned();
        return Err(Error::Data { path: folder.to_owned(), message });
    };
    if sizes().all(|size| size == smallest) {
        return Ok((Size::try_from(smallest)?, None));
    }
    let mut shorter: Vec<usize> = sizes().map(|[h, w]| h.min(w)).collect();
    shorter.sort_unstable();
    let median = shorter[shorter.len() / 2];
    let side = (median / STEP * STEP).clamp(STEP, USUAL);
    let [[h, w], [to_h, to_w]] = [smallest, largest];
    let seen = match fit {
        Fit::Crop => "their middle",
        Fit::Pad => "them, with a black border,",
        Fit::Stretch => "them stretched",
    };
    let note = format!(
        "the pictures have many sizes, from {h}×{w} to {to_h}×{to_w} (height × width): the network sees {seen} at \
         {side}×{side}; choose others with `.size`, such as `.size = 64` or `.size = 96x128`, and with `.fit`"
    );
    Ok((Size::try_from([side, side])?, Some(note)))
}

fn dataset(
    folder: &Path,
    layout: &Layout,
    reading: &Reading,
    classes: Vec<String>,
    found: Vec<Found>,
    (left_out, others): (Vec<(PathBuf, String)>, Vec<String>),
    preparation: Preparation,
) -> Result<Dataset> {
    let mut hash = Sha256::new();
    found.iter().filter_map(|file| file.checked.as_ref().ok()).for_each(|digest| hash.update(digest));
    let part = |part: usize| -> (Vec<u32>, Vec<u32>) {
        let of = found.iter().enumerate().filter(|(_, file)| file.part == part);
        of.map(|(n, file)| (n as u32, file.class)).unzip()
    };
    let parts = [part(0), part(1), part(2)];
    let mut warnings = Vec::new();
    if !left_out.is_empty() {
        let first: Vec<String> =
            left_out.iter().take(3).map(|(path, reason)| format!("{} ({reason})", path.display())).collect();
        warnings.push(format!(
            "{} left out: {}{}",
            counted(left_out.len(), "file"),
            first.join("; "),
            match left_out.len() {
                0..=3 => "",
                _ => "; ...",
            }
        ));
    }
    warnings.extend(others);
    let paths = found.into_iter().map(|file| file.path).collect();
    let pictures = Arc::new(Pictures::new(folder, paths, preparation, left_out));
    let [train, validation, test] = parts.map(|(which, labels)| Split {
        images: Images::new(pictures.clone(), which),
        labels: labels.into(),
        each: 1,
    });
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    let mut data = Dataset {
        name,
        source: folder.display().to_string(),
        height: preparation.height,
        width: preparation.width,
        channels: preparation.channels,
        input: Preprocessing::default(),
        classes,
        train,
        validation: layout.validation.as_ref().map(|_| validation),
        test,
        digest: hex(&hash.finalize()),
        warnings,
        notes: Vec::new(),
        table: None,
    };
    if layout.test.is_none() || data.test.is_empty() {
        return Ok(data.with_test(reading.test_share.unwrap_or(TEST_SHARE), reading.split_seed)?);
    }
    if let Some(test) = layout.test.as_ref().and_then(|path| path.file_name()) {
        data.notes.push(format!("{} is the test part", test.to_string_lossy()));
    }
    Ok(data)
}
