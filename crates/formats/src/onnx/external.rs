//! Reads weights from a file next to the model, as PyTorch's exporter writes them: `net.onnx` and `net.onnx.data`.
//! The model names the file, so only files within the model's own folder are read.

use super::{
    proto::{AttributeProto, ModelProto, TensorProto},
    tensor,
};
use crate::{Error, Result};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};
use wgrad::words::printable_line;

type Said<T> = std::result::Result<T, String>;

/// Reads the tensors of `model` that are stored in other files of `folder`; `what` names the model in errors.
///
/// # Errors
/// [`Error::Onnx`] where a file is missing, lies outside the folder, or does not hold what the model says.
pub fn fetch(what: &str, model: &mut ModelProto, folder: &Path) -> Result<()> {
    let Some(graph) = &mut model.graph else { return Ok(()) };
    let mut beside = Beside { folder, files: BTreeMap::new(), read: 0 };
    let constants = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let constants = constants.filter_map(|a: &mut AttributeProto| a.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(constants).filter(|t| t.data_location != 0) {
        beside.fill(tensor).map_err(|message| Error::Onnx {
            what: what.to_string(),
            message: printable_line(&format!(
                "the tensor `{}` is stored in another file: {message}",
                tensor.name
            )),
        })?;
    }
    Ok(())
}

/// The files next to a model.
struct Beside<'a> {
    folder: &'a Path,
    /// Each opened file with its length, by its name in the model.
    files: BTreeMap<String, (File, u64)>,
    /// Bytes read so far.
    read: u64,
}

impl Beside<'_> {
    fn fill(&mut self, tensor: &mut TensorProto) -> Said<()> {
        let said = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let number = |key: &str| -> Said<Option<u64>> {
            let parsed =
                said(key).map(|text| text.trim().parse().map_err(|_| format!("its {key} is \"{text}\"")));
            parsed.transpose()
        };
        let location = said("location").filter(|name| !name.is_empty()).ok_or("it does not say which")?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let wanted = tensor::bytes(tensor)? as u64;
        if let Some(length) = length.filter(|length| *length != wanted) {
            return Err(format!("its length is {length} bytes, its shape {:?} takes {wanted}", tensor.dims));
        }
        if !self.files.contains_key(location) {
            let opened = self.open(location)?;
            self.files.insert(location.to_string(), opened);
        }
        let all: u64 = self.files.values().map(|(_, len)| len).sum();
        let Some((file, len)) = self.files.get_mut(location) else { return Err("it is not there".into()) };
        if offset.checked_add(wanted).is_none_or(|end| end > *len) {
            return Err(format!(
                "it takes {wanted} bytes from {offset} on of `{location}`, which has {len}; copy that whole file again"
            ));
        }
        // Tensors may share their bytes, but not to the point where a small file fills the memory.
        self.read = self.read.saturating_add(wanted);
        if self.read > all.saturating_mul(4) {
            return Err(format!("its tensors read `{location}` more than four times over"));
        }
        let mut bytes = Vec::new();
        let failed = |e: std::io::Error| format!("cannot read `{location}`: {e}");
        bytes.try_reserve_exact(wanted as usize).map_err(|e| format!("{wanted} bytes: {e}"))?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.take(wanted).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 != wanted {
            return Err(format!("`{location}` ends after {} of {wanted} bytes", bytes.len()));
        }
        tensor.raw_data = Some(bytes);
        tensor.data_location = 0;
        tensor.external_data.clear();
        Ok(())
    }

    /// Opens a file in the folder, or in one of its subfolders.
    fn open(&self, location: &str) -> Said<(File, u64)> {
        let outside = || {
            format!(
                "`{location}` lies outside of the model's folder, where nothing is read; put both files into \
                 one folder, or save the model as one file"
            )
        };
        let relative = Path::new(location);
        if location.contains('\\')
            || relative.components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir))
        {
            return Err(outside());
        }
        let missing = |e: std::io::Error| {
            let place = self.folder.join(relative);
            format!(
                "cannot read {}: {e}; put `{location}` next to the model, or save the model as one file \
                 (in PyTorch: `external_data=False`)",
                place.display()
            )
        };
        let real = |path: PathBuf| path.canonicalize();
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { self.folder };
        let folder = real(folder.to_owned()).map_err(missing)?;
        let path = real(folder.join(relative)).map_err(missing)?;
        // A link may lead out of the folder.
        if !path.starts_with(&folder) {
            return Err(outside());
        }
        // Something other than a regular file may have no end, or block when it is opened.
        let kind = path.metadata().map_err(missing)?;
        if !kind.is_file() {
            return Err(format!("`{location}` is not a file"));
        }
        let file = File::open(&path).map_err(missing)?;
        Ok((file, kind.len()))
    }
}
