//! Models as TOML files with Keras's layer and argument names. Every error names file, line and layer.

use crate::{Error, Result, layers::Layer, model::Model};
use std::path::Path;
use toml::Spanned;

/// A commented file to start from: `wgrad models --template` prints it.
pub const TEMPLATE: &str = include_str!("../assets/model.toml");

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    input_shape: Option<Spanned<Vec<usize>>>,
    loss: Option<Spanned<String>>,
    layers: Vec<Spanned<toml::Table>>,
}

/// Reads a model file.
///
/// # Errors
/// [`Error::Io`] where it cannot be read, [`Error::ModelFile`] with line and layer where it does not parse,
/// [`Error::Model`] where its layers do not fit each other.
pub fn load(path: &Path) -> Result<Model> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
        action: "cannot read the model",
        path: path.to_owned(),
        source,
        next: "`wgrad models` lists the built-in ones, `wgrad models --template` prints a file to start from",
    })?;
    parse(path, &text)
}

/// Parses the text of a model file; `path` names it in errors and, where the file gives no name, the model.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<Model> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let fail = |line, message: String| Error::ModelFile { path: path.to_owned(), line, message };
    let file: File = toml::from_str(text)
        .map_err(|e| fail(e.span().map(|span| line(span.start)), e.message().to_string()))?;
    let stem = path.file_stem().map_or("model".into(), |s| s.to_string_lossy().into_owned());
    let input_shape = match file.input_shape.map(|shape| (line(shape.span().start), shape.into_inner())) {
        None => [28, 28, 1],
        Some((at, shape)) => match shape[..] {
            [columns] => [1, 1, columns],
            [height, width] => [height, width, 1],
            [height, width, channels] => [height, width, channels],
            _ => {
                let message = format!(
                    "input_shape is {shape:?}, expected [height, width, channels], or [columns] for the rows of a table"
                );
                return Err(fail(Some(at), message));
            }
        },
    };
    let mut model = Model::new(&file.name.unwrap_or(stem), input_shape);
    if let Some(loss) = file.loss {
        let at = Some(line(loss.span().start));
        model.loss = Some(loss.into_inner().parse().map_err(|e: Error| fail(at, e.to_string()))?);
    }
    for (n, table) in file.layers.into_iter().enumerate() {
        let at = Some(line(table.span().start));
        let mut table = table.into_inner();
        let known = || Layer::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
        let kind = match table.remove("type") {
            Some(toml::Value::String(kind)) => kind,
            Some(other) => {
                return Err(fail(at, format!("layer {}: type is {other}, expected a name in quotes", n + 1)));
            }
            None => return Err(fail(at, format!("layer {} has no type; known types: {}", n + 1, known()))),
        };
        let inputs = match table.remove("inputs") {
            Some(toml::Value::Array(names)) => {
                let names: Option<Vec<&str>> = names.iter().map(toml::Value::as_str).collect();
                let names = names.map(|names| names.into_iter().map(String::from).collect::<Vec<_>>());
                Some(names.ok_or_else(|| {
                    fail(
                        at,
                        format!(
                            "layer {} ({kind}): inputs holds something other than names in quotes",
                            n + 1
                        ),
                    )
                })?)
            }
            Some(toml::Value::String(name)) => Some(vec![name]),
            Some(other) => {
                let message = format!("layer {} ({kind}): inputs is {other}, expected [\"a\", \"b\"]", n + 1);
                return Err(fail(at, message));
            }
            None => None,
        };
        let layer = Layer::from_table(&kind, table)
            .ok_or_else(|| {
                fail(at, format!("layer {}: unknown type `{kind}`; known types: {}", n + 1, known()))
            })?
            .map_err(|e| fail(at, format!("layer {} ({kind}): {}", n + 1, e.message())))?;
        if let Some(inputs) = inputs {
            model.inputs.insert(n, inputs);
        }
        model = model.add(layer);
    }
    model.summary()?;
    Ok(model)
}
