//! The configuration of a run, kept with its state. Anybody may edit `run.json`, and a training that continued with
//! other settings would match neither configuration. So the state holds a copy of the settings: the run continues only
//! with these, and its weights predict only with these.

use super::{CONFIG, Config, LAST, Run};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use wgrad::{Error, Result, words::quoted_path};

/// The parts of `run.json` that decide a training.
const PARTS: [&str; 3] = ["model", "data", "options"];
/// Their entries that decide nothing, or that may change when a run continues: parent path and name.
const FREE: [(&str, &str); 9] = [
    ("/model", "name"),
    ("/data", "spec"),
    ("/data", "name"),
    // The digest is compared with that of the data itself.
    ("/data", "digest"),
    ("/options", "epochs"),
    ("/options", "budget"),
    // Another adapter may take fewer images at once.
    ("/options", "at_once"),
    // Set while the run trains, after the state was saved.
    ("/options", "rates"),
    // Depends on the version that began the run.
    ("/options/callbacks", "best"),
];
/// The entries that decide the numbers and names that a network predicts.
const TOLD: [&str; 7] = [
    "model",
    "data.classes",
    "data.floats",
    "data.numbers",
    "data.normalization",
    "data.preparation",
    "data.table",
];
/// Maximum number of differences named, and of characters of each value.
const NAMED: usize = 5;
const LONGEST: usize = 60;

/// Returns the part of `config` that is kept with a state.
pub fn decided(config: &Config) -> serde_json::Result<Value> {
    let mut all = serde_json::to_value(config)?;
    let parts: Map<_, _> = PARTS.iter().map(|part| (part.to_string(), all[*part].take())).collect();
    let mut parts = Value::Object(parts);
    for (parent, name) in FREE {
        if let Some(Value::Object(parent)) = parts.pointer_mut(parent) {
            parent.shift_remove(name);
        }
    }
    Ok(parts)
}

impl Run {
    /// Checks that `run.json` still has the settings that were `kept` with the state.
    ///
    /// # Errors
    /// [`Error::Run`] that names the changes and the next step.
    pub(super) fn is_as_kept(&self, kept: &Value) -> Result<()> {
        let next = format!(
            "put it back, or start a new run, from these weights by `.init = {}`, with the options that you want",
            quoted_path(&self.folder.join(LAST))
        );
        self.refuse(kept, |_| true, &next)
    }

    /// Checks that `run.json` still has the `kept` settings that decide the predicted numbers and names.
    ///
    /// # Errors
    /// [`Error::Run`] that names the changes.
    pub(super) fn tells_as_kept(&self, kept: &Value) -> Result<()> {
        let of = |path: &str, part: &str| {
            path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let next = "its weights belong to its earlier settings: put it back";
        self.refuse(kept, |path| TOLD.iter().any(|part| of(path, part)), next)
    }

    /// Describes how the training of the `kept` settings differs from that of the settings `beside` (from `run.json` if
    /// `None`). Later changes of `run.json` affect both alike.
    pub(super) fn differs(&self, kept: &Value, beside: Option<&Value>) -> Option<String> {
        let changes = |kept| changes(&self.config, kept).ok();
        let here = match beside {
            Some(beside) => changes(beside)?,
            None => Vec::new(),
        };
        let there = changes(kept)?;
        let differs = |(path, words): &&(String, String)| !here.iter().any(|(p, w)| (p, w) == (path, words));
        let words: Vec<String> =
            there.iter().filter(differs).take(NAMED).map(|(_, words)| words.clone()).collect();
        match words.is_empty() {
            false => Some(words.join(", ")),
            // A change on this side only.
            true if here.len() > there.len() => {
                let (path, _) = here.iter().find(|change| !there.contains(change))?;
                Some(format!("`{path}` differs"))
            }
            true => None,
        }
    }

    /// Returns an error for changes at paths that count, with the step to take `next`.
    fn refuse(&self, kept: &Value, counts: impl Fn(&str) -> bool, next: &str) -> Result<()> {
        let fail = |message: String| Error::Run { folder: self.folder.clone(), message };
        let changed = changes(&self.config, kept).map_err(|e| {
            fail(format!("has a {LAST} of another version of wgrad, whose options cannot be read: {e}; go on with that version"))
        })?;
        let changed: Vec<String> =
            changed.into_iter().filter(|(path, _)| counts(path)).map(|(_, words)| words).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let mut words = changed[..changed.len().min(NAMED)].join(", ");
        if changed.len() > NAMED {
            words = format!("{words}, and {} more", changed.len() - NAMED);
        }
        Err(fail(format!("has a {CONFIG} that was changed after the training began: {words}; {next}")))
    }
}

/// Returns the differences between `config` and the `kept` settings: the path and a short description of each.
fn changes(config: &Config, kept: &Value) -> serde_json::Result<Vec<(String, String)>> {
    let now = serde_json::to_value(config)?;
    let mut then = now.clone();
    for part in PARTS {
        then[part] = kept[part].clone();
    }
    for (parent, name) in FREE {
        let value = now.pointer(parent).and_then(|parent| parent.get(name));
        if let (Some(Value::Object(parent)), Some(value)) = (then.pointer_mut(parent), value) {
            parent.insert(name.to_string(), value.clone());
        }
    }
    // Older versions kept no class names.
    if let (Some(Value::Object(data)), Some(classes)) = (then.get_mut("data"), now.pointer("/data/classes")) {
        data.entry("classes").or_insert_with(|| classes.clone());
    }
    // Parsed like `run.json`: settings unknown to the version that wrote it get the defaults that match its behaviour.
    let then = decided(&serde_json::from_value(then)?)?;
    let mut changed = Vec::new();
    compare("", Some(&then), Some(&decided(config)?), &mut changed);
    Ok(changed)
}

fn compare(path: &str, then: Option<&Value>, now: Option<&Value>, changed: &mut Vec<(String, String)>) {
    match (then, now) {
        (Some(Value::Object(then)), Some(Value::Object(now))) => {
            let names: BTreeSet<_> = then.keys().chain(now.keys()).collect();
            let dot = if path.is_empty() { "" } else { "." };
            for name in names {
                compare(&format!("{path}{dot}{name}"), then.get(name), now.get(name), changed);
            }
        }
        (Some(Value::Array(then)), Some(Value::Array(now))) if then.len() == now.len() => {
            for (n, (then, now)) in then.iter().zip(now).enumerate() {
                compare(&format!("{path}[{n}]"), Some(then), Some(now), changed);
            }
        }
        (then, now) if then == now => {}
        (then, now) => {
            let words = format!("`{path}` is {}, it was trained with {}", words(now), words(then));
            changed.push((path.to_string(), words));
        }
    }
}

fn words(value: Option<&Value>) -> String {
    match value.map(Value::to_string) {
        None => "nothing".to_string(),
        Some(text) if text.chars().count() > LONGEST => {
            text.chars().take(LONGEST).chain("...".chars()).collect()
        }
        Some(text) => text,
    }
}
