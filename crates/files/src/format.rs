//! Recognises the format of a file by its first bytes, never by its name. Nothing here reads the content. Each
//! format has a name, and advice on how to use such a file as a network, as data or as weights.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};
use zip::ZipArchive;

/// Number of bytes that suffice for every format here; a tar archive has its mark at byte 257.
const HEAD: usize = 512;
/// Maximum number of an archive's entry names that are examined.
const NAMES: usize = 1000;

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// HDF5: Keras 2's models, and weights of Keras 2 and 3.
    Hdf5,
    /// PyTorch's `torch.save`, since version 1.6: a zip archive around a pickle.
    PyTorch,
    /// A pickle of Python: PyTorch's older files, scikit-learn's, CIFAR's "python version".
    Pickle,
    /// Hugging Face's safetensors: weights without a network.
    Safetensors,
    /// A pointer of Git LFS, in place of the file itself.
    LfsPointer,
    /// A web page that was downloaded instead of the file.
    WebPage,
    /// TensorFlow.js's `model.json`.
    TensorFlowJs,
    /// TensorFlow's SavedModel: a folder with `saved_model.pb`.
    SavedModel,
    /// TensorFlow Lite.
    TfLite,
    /// ONNX.
    Onnx,
    /// A `.keras` archive.
    KerasArchive,
    /// JSON that describes a network of Keras.
    KerasJson,
    /// Other JSON, usually a table as a list of objects.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow or Feather.
    Arrow,
    /// An Excel workbook.
    Excel,
    /// An Excel or Word file from before 2007.
    OldOffice,
    /// Arrays of numpy in a zip archive.
    Npz,
    /// One array of numpy.
    Npy,
    /// Any other zip archive.
    Zip,
    /// gzip.
    Gzip,
    /// bzip2, xz, Zstandard, 7z or RAR.
    Compressed(&'static str),
    /// tar, not compressed.
    Tar,
    /// Weka's ARFF.
    Arff,
    /// MATLAB's `.mat`.
    Matlab,
    /// SQLite.
    Sqlite,
    /// llama.cpp's GGUF.
    Gguf,
    /// A picture.
    Picture(&'static str),
    /// A PDF.
    Pdf,
    /// A program.
    Program,
    /// Text in UTF-16, which PowerShell on Windows writes.
    Utf16,
    /// IDX, the format of MNIST's files; only [`data`] recognises it.
    Idx,
    /// Comma-separated values, or values with another delimiter; only [`data`] recognises them.
    Table,
}

/// The format of the file or folder `path`; `None` where it is none of those recognised here, such as plain text or
/// IDX.
pub fn of(path: &Path) -> Option<Format> {
    if path.is_dir() {
        return path.join("saved_model.pb").is_file().then_some(Format::SavedModel);
    }
    // Reading a pipe, for example, would wait for ever.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head).ok()?;
    let format = by_bytes(&head)?;
    Some(match format {
        Format::Zip => archive(file).unwrap_or(Format::Zip),
        Format::Json => json(file).unwrap_or(Format::Json),
        other => other,
    })
}

/// The format of `path` among the data that wgrad reads. It serves messages where a network or weights are
/// expected.
pub fn data(path: &Path) -> Option<Format> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut head = Vec::with_capacity(HEAD);
    File::open(path).ok()?.take(HEAD as u64).read_to_end(&mut head).ok()?;
    data_by_bytes(&head)
}

/// The format among the data that wgrad reads, by the first bytes of a file.
pub fn data_by_bytes(head: &[u8]) -> Option<Format> {
    if head.starts_with(&[0, 0, 8]) {
        return Some(Format::Idx);
    }
    let head = &head[..head.len().min(HEAD)];
    // The buffer may end within a letter.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    // TOML's first line names a table, or a key before `=`.
    let end = line.find([',', ';', '\t'])?;
    let table = !line.starts_with(['[', '{', '<', '@']) && !line[..end].contains('=') && !text.contains('\0');
    table.then_some(Format::Table)
}

/// The format by the first bytes of a file.
pub fn by_bytes(head: &[u8]) -> Option<Format> {
    const MARKS: &[(&[u8], Format)] = &[
        (b"\x89HDF\r\n\x1a\n", Format::Hdf5),
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
        (b"\x93NUMPY", Format::Npy),
        (b"PAR1", Format::Parquet),
        (b"ARROW1", Format::Arrow),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::OldOffice),
        (b"SQLite format 3\0", Format::Sqlite),
        (b"MATLAB 5.0 MAT-file", Format::Matlab),
        (b"GGUF", Format::Gguf),
        (b"%PDF-", Format::Pdf),
        (b"\x7fELF", Format::Program),
        (b"version https://git-lfs.github.com/spec/", Format::LfsPointer),
        (b"\x1f\x8b", Format::Gzip),
        (b"BZh", Format::Compressed("bzip2")),
        (b"\xfd7zXZ\0", Format::Compressed("xz")),
        (b"\x28\xb5\x2f\xfd", Format::Compressed("Zstandard")),
        (b"7z\xbc\xaf\x27\x1c", Format::Compressed("7z")),
        (b"Rar!\x1a\x07", Format::Compressed("RAR")),
        (b"\x89PNG\r\n\x1a\n", Format::Picture("PNG")),
        (b"\xff\xd8\xff", Format::Picture("JPEG")),
        (b"GIF8", Format::Picture("GIF")),
        (b"II*\0", Format::Picture("TIFF")),
        (b"MM\0*", Format::Picture("TIFF")),
        (b"\xff\xfe", Format::Utf16),
        (b"\xfe\xff", Format::Utf16),
    ];
    if let Some((_, format)) = MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Some(*format);
    }
    let at = |from: usize, mark: &[u8]| head.get(from..from + mark.len()) == Some(mark);
    if at(257, b"ustar") {
        return Some(Format::Tar);
    }
    if at(4, b"TFL3") {
        return Some(Format::TfLite);
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Some(Format::Picture("WebP"));
    }
    // The version of the ONNX format, then the tag of another field of the model.
    if let [0x08, 1..=31, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42 | 0x72, ..] = head {
        return Some(Format::Onnx);
    }
    // Protocol 2 and later begin with their number; an opcode follows.
    if head.len() > 2 && head[0] == 0x80 && (2..=5).contains(&head[1]) {
        return Some(Format::Pickle);
    }
    // Eight bytes hold the length of a JSON header, and its first brace follows.
    if let (Some(length), Some(b'{')) = (head.first_chunk(), head.get(8))
        && (2..1 << 27).contains(&u64::from_le_bytes(*length))
    {
        return Some(Format::Safetensors);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let starts = |word: &[u8]| text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word);
    if starts(b"<!doctype html") || starts(b"<html") {
        return Some(Format::WebPage);
    }
    if starts(b"@relation") {
        return Some(Format::Arff);
    }
    // TOML also begins with brackets; but a list of objects or of numbers does not continue with a name.
    let inner =
        text.trim_ascii_start().iter().position(|c| !matches!(c, b'[' | b' ' | b'\n' | b'\r' | b'\t'));
    let inner = inner.map(|at| &text[at..]).unwrap_or_default();
    let json = match text.first() {
        Some(b'{') => matches!(text[1..].trim_ascii_start().first(), Some(b'"' | b'}')),
        Some(b'[') => match inner.first() {
            Some(b'{') => true,
            // `[1]` and `[[1]]` could be TOML; `[1, 2` cannot.
            Some(b'0'..=b'9' | b'-') => {
                let end = inner.iter().position(|c| matches!(c, b',' | b']'));
                end.is_some_and(|end| inner[end] == b',')
            }
            _ => false,
        },
        _ => false,
    };
    json.then_some(Format::Json)
}

/// The format that a zip archive's entries indicate.
fn archive(file: File) -> Option<Format> {
    let archive = ZipArchive::new(file).ok()?;
    let names: Vec<_> = archive.file_names().flatten().take(NAMES).collect();
    let any = |test: &dyn Fn(&str) -> bool| names.iter().any(|name| test(name));
    let excel = any(&|name| name.starts_with("xl/"));
    let word = any(&|name| name == "[Content_Types].xml");
    if any(&|name| name == "data.pkl" || name.ends_with("/data.pkl")) {
        Some(Format::PyTorch)
    } else if excel || word {
        Some(Format::Excel)
    } else if any(&|name| name == "model.weights.h5") {
        Some(Format::KerasArchive)
    } else if any(&|name| name.ends_with(".npy")) {
        Some(Format::Npz)
    } else {
        None
    }
}

/// The origin of a JSON file, by the words in its first 64 KiB.
fn json(mut file: File) -> Option<Format> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut text = Vec::new();
    BufReader::with_capacity(1 << 16, file).fill_buf().ok()?.clone_into(&mut text);
    let holds = |word: &str| text.windows(word.len()).any(|window| window == word.as_bytes());
    if holds("\"modelTopology\"") || holds("\"weightsManifest\"") {
        Some(Format::TensorFlowJs)
    } else if holds("\"class_name\"") {
        Some(Format::KerasJson)
    } else {
        None
    }
}

impl Format {
    /// The format's name with its article: `an HDF5 file`.
    pub fn name(self) -> String {
        match self {
            Self::Hdf5 => "an HDF5 file (h5), as Keras 2 saves models".into(),
            Self::PyTorch => "a PyTorch file, as `torch.save` writes".into(),
            Self::Pickle => {
                "a Python pickle (PyTorch before 1.6, scikit-learn, CIFAR's python version)".into()
            }
            Self::Safetensors => "a safetensors file: weights without a network".into(),
            Self::LfsPointer => "a Git LFS pointer, not the file itself".into(),
            Self::WebPage => "a web page, not the file that was to be downloaded".into(),
            Self::TensorFlowJs => "a TensorFlow.js network".into(),
            Self::SavedModel => "a TensorFlow SavedModel".into(),
            Self::TfLite => "a TensorFlow Lite network".into(),
            Self::Onnx => "an ONNX network".into(),
            Self::KerasArchive => "a .keras archive: a network of Keras 3".into(),
            Self::KerasJson => "a Keras network as JSON".into(),
            Self::Json => "JSON".into(),
            Self::Parquet => "a Parquet file".into(),
            Self::Arrow => "an Arrow (Feather) file".into(),
            Self::Excel => "an Excel workbook (or another Office file)".into(),
            Self::OldOffice => "an Office file from before 2007 (.xls)".into(),
            Self::Npz => "a numpy .npz archive".into(),
            Self::Npy => "a single numpy array".into(),
            Self::Zip => "a zip archive".into(),
            Self::Gzip => "compressed by gzip".into(),
            Self::Compressed(by) => format!("compressed by {by}"),
            Self::Tar => "a tar archive".into(),
            Self::Arff => "an ARFF file of Weka".into(),
            Self::Matlab => "a .mat file of MATLAB".into(),
            Self::Sqlite => "an SQLite database".into(),
            Self::Gguf => "a GGUF file of llama.cpp".into(),
            Self::Picture(kind) => format!("a {kind} picture"),
            Self::Pdf => "a PDF".into(),
            Self::Program => "a program".into(),
            Self::Utf16 => "text in UTF-16".into(),
            Self::Idx => "an IDX file, as MNIST's are".into(),
            Self::Table => "a table".into(),
        }
    }

    /// Advice on getting a network that wgrad reads. FILE stands for its path.
    pub fn as_network(self) -> &'static str {
        match self {
            Self::Hdf5 => {
                "load it with Keras and save it as `model.save(\"model.keras\")`; weights alone (.weights.h5) are read by `.init`"
            }
            Self::PyTorch | Self::Pickle => {
                "in Python: `torch.onnx.export(model, (x,), \"model.onnx\")`, then `wgrad_formats::onnx::import(model.onnx)` `.folder = RUN`"
            }
            Self::Safetensors => "name the network by `.model` and this file by `.init`",
            Self::TensorFlowJs | Self::SavedModel => {
                "load it with Keras and save it as `model.save(\"model.keras\")`, or turn it into ONNX by tf2onnx and `wgrad_formats::onnx::import` it"
            }
            Self::TfLite => {
                "turn it into ONNX by tf2onnx, then `wgrad_formats::onnx::import(model.onnx)` `.folder = RUN`"
            }
            Self::Onnx => {
                "`wgrad_formats::onnx::import(FILE)` `.folder = RUN` makes a run of it, and RUN/model.toml is its network"
            }
            Self::Table | Self::Npz => {
                "these are data: `Trainer::new` `.data = FILE` trains on them, and `.model` names the network"
            }
            Self::Idx => "these are data: name their folder by `.data`, and the network by `.model`",
            Self::KerasArchive => "give it a name that ends in .keras",
            Self::KerasJson => "give it a name that ends in .json",
            Self::LfsPointer => "fetch the file itself: `git lfs pull`",
            Self::WebPage => "download the file itself",
            Self::Gzip | Self::Compressed(_) | Self::Zip | Self::Tar => "unpack it, and name what was in it",
            Self::Utf16 => "save it as UTF-8",
            _ => {
                "a network is a name of `networks::NETWORKS`, a TOML file, a .keras or a .json file; `wgrad_formats::onnx::import` reads .onnx"
            }
        }
    }

    /// Advice on getting data that wgrad reads.
    pub fn as_data(self) -> &'static str {
        match self {
            Self::Parquet | Self::Arrow | Self::Excel | Self::OldOffice | Self::Json | Self::Sqlite => {
                "write it as comma-separated values, such as by pandas' `to_csv(\"data.csv\", index=False)`, and name that file"
            }
            Self::Arff => {
                "write it as comma-separated values (Weka and scipy.io.arff read it), and name that file"
            }
            Self::Pickle | Self::PyTorch | Self::Hdf5 | Self::Matlab | Self::Safetensors => {
                "save its arrays with `np.savez(\"data.npz\", x_train=..., y_train=...)` in Python, and name that file"
            }
            Self::Npy => {
                "without labels: save both with np.savez(\"data.npz\", x=..., y=...) and name that file"
            }
            Self::Zip => "unpack it, and name the folder that results",
            Self::Gzip | Self::Compressed(_) | Self::Tar => {
                "unpack it, and name the file or folder that was in it"
            }
            Self::LfsPointer => "fetch the file itself: `git lfs pull`",
            Self::WebPage => "download the file itself",
            Self::Picture(_) => "name a folder with a subfolder of pictures for each class",
            Self::KerasArchive
            | Self::KerasJson
            | Self::TensorFlowJs
            | Self::SavedModel
            | Self::TfLite
            | Self::Onnx => "this is a network: name it by `.model`, and data by `.data`",
            Self::Utf16 => "save it as UTF-8",
            _ => {
                "expected comma-separated values, a .npz archive, or a folder with a subfolder of pictures for each class"
            }
        }
    }

    /// Advice on getting weights that wgrad reads. FILE stands for its path.
    pub fn as_weights(self) -> &'static str {
        match self {
            Self::PyTorch | Self::Pickle => {
                "scripts/pytorch_weights.py turns it into safetensors; or export ONNX and `wgrad_formats::onnx::import` it"
            }
            Self::Hdf5 | Self::KerasArchive => "give it a name that ends in .weights.h5 or .keras",
            Self::Onnx => {
                "`wgrad_formats::onnx::import(FILE)` `.folder = RUN` makes a run of it, and RUN/best.safetensors are its weights"
            }
            Self::TensorFlowJs | Self::SavedModel | Self::TfLite => {
                "load it with Keras and save it as `model.save(\"model.keras\")`"
            }
            Self::LfsPointer => "fetch the file itself: `git lfs pull`",
            Self::WebPage => "download the file itself",
            Self::Gzip | Self::Compressed(_) | Self::Zip | Self::Tar => "unpack it, and name what was in it",
            _ => "weights are a .safetensors, a .keras or a .weights.h5 file",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, by_bytes, data_by_bytes, of};
    use std::io::Write;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let tar = [&[b'x'; 257][..], b"ustar\0"].concat();
        let safetensors = [&20u64.to_le_bytes()[..], b"{\"a\":{}}"].concat();
        let cases: &[(&[u8], Option<Format>)] = &[
            (b"\x89HDF\r\n\x1a\n\0\0", Some(Format::Hdf5)),
            (b"PAR1\x15\x04", Some(Format::Parquet)),
            (b"\x80\x04\x95\0\0", Some(Format::Pickle)),
            (b"\x80\x02}q\0", Some(Format::Pickle)),
            (&safetensors, Some(Format::Safetensors)),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", Some(Format::LfsPointer)),
            (b"\n<!DOCTYPE HTML><html>", Some(Format::WebPage)),
            (&tar, Some(Format::Tar)),
            (b"\x1c\0\0\0TFL3", Some(Format::TfLite)),
            (b"@RELATION iris", Some(Format::Arff)),
            (b"\xef\xbb\xbf[{\"a\": 1}]", Some(Format::Json)),
            (b"[[1.5, 2], [3, 4]]", Some(Format::Json)),
            (b"{\n \"a\": 1}", Some(Format::Json)),
            (b"\x1f\x8b\x08\0", Some(Format::Gzip)),
            (b"BZh91AY", Some(Format::Compressed("bzip2"))),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Format::Picture("WebP"))),
            (b"\xff\xfea\0", Some(Format::Utf16)),
            (b"\x08\x08\x12\x07pytorch", Some(Format::Onnx)),
            (b"\x08\x07:\xff\x01", Some(Format::Onnx)),
            // Formats that wgrad reads itself, or plain text.
            (b"a,b,label\n1,2,x\n", None),
            (b"[[layers]]\ntype = \"Dense\"\n", None),
            (b"[package]\nname = \"x\"\n", None),
            (b"\0\0\x08\x03", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(by_bytes(bytes), *expected, "{}", String::from_utf8_lossy(bytes));
        }
        let data: &[(&[u8], Option<Format>)] = &[
            (b"\0\0\x08\x03", Some(Format::Idx)),
            (b"# a note\n\na,b,label\n1,2,x\n", Some(Format::Table)),
            (b"\xef\xbb\xbf5.1;3.5;setosa", Some(Format::Table)),
            (b"name\tprice\n", Some(Format::Table)),
            ("Gr\u{f6}\u{df}e,Preis".as_bytes(), Some(Format::Table)),
            (b"[[layers]]\ntype = \"Dense\"\n", None),
            (b"name = \"a, b\"\n", None),
            (b"loss=\"mse\";\n", None),
            (b"words alone\n", None),
            (b"a,b\0\x01", None),
            (b"", None),
        ];
        for (bytes, expected) in data {
            assert_eq!(data_by_bytes(bytes), *expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn archives_and_json_are_known_by_what_they_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let zip = |names: &[&str]| {
            let path = folder.path().join("a.zip");
            let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
            for name in names {
                zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a part");
                zip.write_all(b"x").expect("writes");
            }
            zip.finish().expect("ends");
            of(&path)
        };
        assert_eq!(zip(&["model/data.pkl", "model/data/0"]), Some(Format::PyTorch));
        assert_eq!(zip(&["[Content_Types].xml", "xl/workbook.xml"]), Some(Format::Excel));
        assert_eq!(zip(&["config.json", "model.weights.h5"]), Some(Format::KerasArchive));
        assert_eq!(zip(&["x_train.npy"]), Some(Format::Npz));
        assert_eq!(zip(&["train/cat/1.png"]), Some(Format::Zip));
        let json = |text: &str| {
            let path = folder.path().join("a.json");
            std::fs::write(&path, text).expect("writes");
            of(&path)
        };
        assert_eq!(json("{\"format\": \"layers-model\", \"modelTopology\": {}}"), Some(Format::TensorFlowJs));
        assert_eq!(json("{\"class_name\": \"Sequential\"}"), Some(Format::KerasJson));
        assert_eq!(json("[{\"a\": 1}]"), Some(Format::Json));
        std::fs::create_dir(folder.path().join("m")).expect("a folder");
        std::fs::write(folder.path().join("m/saved_model.pb"), b"\x08\x01").expect("writes");
        assert_eq!(of(&folder.path().join("m")), Some(Format::SavedModel));
        assert_eq!(of(folder.path()), None);
    }
}
