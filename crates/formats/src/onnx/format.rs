//! Recognises files that are not ONNX, by their first bytes.

use wgrad_files::format::{self, Format};

/// Describes a file that is not an ONNX model, and what to do with it; `None` where its first bytes are not
/// recognised.
pub(super) fn other(bytes: &[u8]) -> Option<String> {
    let begins = |with: &[u8]| bytes.starts_with(with);
    let holds = |part: &[u8]| bytes[..bytes.len().min(4096)].windows(part.len()).any(|window| window == part);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = text.iter().find(|b| !b.is_ascii_whitespace());
    let torch = "export it in PyTorch: `torch.onnx.export(model, (x,), \"net.onnx\")`";
    let words = match bytes {
        [] => "it is empty; was it copied whole?".to_string(),
        _ if begins(b"PK\x03\x04") && (holds(b"data.pkl") || holds(b"/version")) => {
            format!("it is a PyTorch file (a zip with a pickle); {torch}")
        }
        _ if begins(b"PK\x03\x04") && holds(b"config.json") => {
            "it is a .keras archive; `wgrad_formats::keras::load(FILE.keras)` reads it as it is".into()
        }
        _ if begins(b"PK\x03\x04") => "it is a zip archive; unpack it, and give the .onnx file in it".into(),
        _ if begins(b"\x80") && bytes.get(1).is_some_and(|v| (2..=5).contains(v)) => {
            format!("it is a pickle, such as an old PyTorch file; {torch}")
        }
        _ if begins(b"\x89HDF\r\n\x1a\n") => {
            "it is an HDF5 file, such as Keras writes as .h5; save the network as .keras for `wgrad_formats::keras::load`, or \
             convert it with tf2onnx"
                .into()
        }
        _ if begins(b"\x1f\x8b") => "it is compressed by gzip; unpack it first with `gunzip`".into(),
        _ if begins(b"BZh") || begins(b"\xfd7zXZ") || begins(b"\x28\xb5\x2f\xfd") => {
            "it is compressed; unpack it first".into()
        }
        _ if bytes.get(4..8) == Some(b"TFL3") => {
            "it is a TensorFlow Lite model; convert it with `python -m tf2onnx.convert --tflite FILE --output net.onnx`"
                .into()
        }
        _ if bytes.get(8) == Some(&b'{') && safetensors(bytes) => {
            "it is a safetensors file: weights without a network; `Trainer::new` `.model = MODEL` `.init = FILE` reads them".into()
        }
        _ if begins(b"version https://git-lfs") => {
            "it is a Git LFS pointer and not the file itself; fetch it with `git lfs pull`".into()
        }
        _ if begins(b"GGUF") => "it is a GGUF file of a language model".into(),
        _ if begins(b"\xff\xfe") || begins(b"\xfe\xff") => "it is a text in UTF-16".into(),
        _ if first == Some(&b'<') => "it is a web page or XML; was an error page saved under this name?".into(),
        _ if matches!(first, Some(b'{' | b'[')) && std::str::from_utf8(&text[..text.len().min(64)]).is_ok() => {
            "it is JSON; for a Keras network use `wgrad_formats::keras::load(FILE.json)`".into()
        }
        _ => return known(bytes).map(|format| format!("it is {}; {}", format.name(), format.as_network())),
    };
    Some(words)
}

/// A format among those that [`wgrad_files::format`] recognises.
fn known(bytes: &[u8]) -> Option<Format> {
    let found = format::by_bytes(bytes).or_else(|| format::data_by_bytes(bytes));
    found.filter(|found| *found != Format::Onnx)
}

/// True if the first eight bytes are the length of a header that fits in the file.
fn safetensors(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    length.is_some_and(|length| length >= 2 && length.saturating_add(8) <= bytes.len() as u64)
}
