//! Models as TOML files with Keras's layer and argument names. Every error names file, line and layer.

use crate::{
    Error, Result,
    error::{said, with_meant},
    regularization,
};
use std::path::Path;
use toml::Spanned;
use wgrad::{
    layers::Layer,
    model::{Head, MOST_LAYERS, Model},
    text::read_text,
    words::meant,
};
use wgrad_files::format::{self, Format};

/// A commented model file to start from.
pub const TEMPLATE: &str = include_str!("../assets/model.toml");

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    input_shape: Option<Spanned<Vec<usize>>>,
    loss: Option<Spanned<String>>,
    #[serde(default)]
    outputs: Vec<Head>,
    layers: Vec<Spanned<toml::Table>>,
}

/// Reads a model file.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be read; [`Error::ModelFile`] with line and layer where it does not
/// parse or its layers do not fit each other.
pub fn load(path: &Path) -> Result<Model> {
    if let Some(format) = format::of(path).or_else(|| format::data(path)) {
        return Err(other_format(path, format));
    }
    let next = "`networks::NETWORKS` lists the built-in ones, `wgrad_formats::model_file::TEMPLATE` prints a file to start from";
    let text = read_text(path, "cannot read the model", next)?;
    parse(path, &text)
}

/// The error of a file that has another format than expected.
pub(crate) fn other_format(path: &Path, format: Format) -> Error {
    let next = format.as_network().replace("FILE", &path.display().to_string());
    let message = format!("is {}; {next}", format.name());
    Error::ModelFile { path: path.to_owned(), line: None, message }
}

/// Parses the text of a model file; `path` names it in errors and, where the file gives no name, the model.
///
/// # Errors
/// The errors of [`load`], except [`wgrad::Error::Io`].
pub fn parse(path: &Path, text: &str) -> Result<Model> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let fail = |line, message: String| Error::ModelFile { path: path.to_owned(), line, message };
    let file: File = toml::from_str(text)
        .map_err(|e| fail(e.span().map(|span| line(span.start)), with_meant(e.message().to_string())))?;
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
        model.loss = Some(loss.into_inner().parse().map_err(|e: wgrad::Error| fail(at, e.to_string()))?);
    }
    model.heads = file.outputs;
    if file.layers.len() > MOST_LAYERS {
        let message = format!("has {} layers, expected at most {MOST_LAYERS}", file.layers.len());
        return Err(fail(None, message));
    }
    let lines: Vec<usize> = file.layers.iter().map(|table| line(table.span().start)).collect();
    for (n, table) in file.layers.into_iter().enumerate() {
        let at = Some(lines[n]);
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
        match table.remove("trainable") {
            Some(toml::Value::Boolean(false)) => drop(model.frozen.insert(n)),
            None | Some(toml::Value::Boolean(true)) => {}
            Some(other) => {
                let message =
                    format!("layer {} ({kind}): trainable is {other}, expected true or false", n + 1);
                return Err(fail(at, message));
            }
        }
        match table.remove("shares") {
            Some(toml::Value::String(first)) => drop(model.shares.insert(n, first)),
            None => {}
            Some(other) => {
                let message =
                    format!("layer {} ({kind}): shares is {other}, expected a layer's name in quotes", n + 1);
                return Err(fail(at, message));
            }
        }
        let held = regularization::take(&kind, &mut table)
            .map_err(|message| fail(at, format!("layer {} ({kind}): {message}", n + 1)))?;
        held.give(&mut model, n);
        let layer = Layer::from_table(&kind, table)
            .ok_or_else(|| {
                let (n, known) = (n + 1, known());
                let meant = meant(&kind, &known);
                fail(at, format!("layer {n}: unknown type `{kind}`; known types: {known}{meant}"))
            })?
            .map_err(|e| fail(at, format!("layer {} ({kind}): {}", n + 1, said(&e))))?;
        if let Some(inputs) = inputs {
            model.inputs.insert(n, inputs);
        }
        model = model.add(layer);
    }
    model.summary().map_err(|e| in_file(path, &lines, e))?;
    Ok(model)
}

/// Converts an error about a layer to one with the file, and with the layer's line where `lines` has it.
pub(crate) fn in_file(path: &Path, lines: &[usize], error: wgrad::Error) -> Error {
    let wgrad::Error::Model { layer, message, .. } = error else { return error.into() };
    let number = layer.strip_prefix("layer ").and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
    let line = number.and_then(|n| lines.get(n.checked_sub(1)?).copied());
    Error::ModelFile { path: path.to_owned(), line, message: format!("{layer}: {message}") }
}

/// The text of a model file for `model`, which [`parse`] reads back.
///
/// # Errors
/// [`wgrad::Error::Model`] where a layer cannot be written as TOML.
pub fn to_text(model: &Model) -> Result<String> {
    let fail = |layer: String, e: toml::ser::Error| {
        let message = format!("cannot be written as TOML: {e}");
        Error::Engine(wgrad::Error::Model { model: model.name.clone(), layer, message })
    };
    let mut file = toml::Table::new();
    file.insert("name".into(), model.name.clone().into());
    let shape: Vec<toml::Value> = model.input_shape.iter().map(|n| (*n as i64).into()).collect();
    file.insert("input_shape".into(), shape.into());
    if let Some(loss) = model.loss {
        file.insert("loss".into(), loss.to_string().into());
    }
    let mut layers = Vec::new();
    for (n, layer) in model.layers.iter().enumerate() {
        let mut table = toml::Table::try_from(layer)
            .map_err(|e| fail(format!("layer {} ({})", n + 1, layer.kind()), e))?;
        if let Some(inputs) = model.inputs.get(&n) {
            table.insert("inputs".into(), inputs.clone().into());
        }
        if model.frozen.contains(&n) {
            table.insert("trainable".into(), false.into());
        }
        if let Some(first) = model.shares.get(&n) {
            table.insert("shares".into(), first.clone().into());
        }
        regularization::put(model, n, layer.kind(), &mut table)
            .map_err(|e| fail(format!("layer {} ({})", n + 1, layer.kind()), e))?;
        layers.push(toml::Value::Table(table));
    }
    if !model.heads.is_empty() {
        let outputs = toml::Value::try_from(&model.heads).map_err(|e| fail("its outputs".into(), e))?;
        file.insert("outputs".into(), outputs);
    }
    file.insert("layers".into(), layers.into());
    toml::to_string(&file).map_err(|e| fail("the file".into(), e))
}
