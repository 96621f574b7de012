//! What decided a run, kept beside its state: `run.json` is a text that anybody may edit, and a training that went on by
//! other numbers would be neither the one nor the other. So the state has a copy of them, and goes on by no others; nor do
//! its weights predict by others.

use super::{CONFIG, Config, LAST, Run};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use wgrad::{Error, Result, words::quoted_path};

/// The parts of `run.json` that decide a training.
const PARTS: [&str; 3] = ["model", "data", "options"];
/// What is in them and decides nothing, or may change when a run goes on: by where it stands, and its name.
const FREE: [(&str, &str); 9] = [
    ("/model", "name"),
    ("/data", "spec"),
    ("/data", "name"),
    // Compared with that of the data themselves.
    ("/data", "digest"),
    ("/options", "epochs"),
    ("/options", "budget"),
    // Another adapter takes fewer images at once.
    ("/options", "at_once"),
    // Set while it runs, after the state was saved.
    ("/options", "rates"),
    // How the version that began it chose.
    ("/options/callbacks", "best"),
];
/// What decides the numbers and names that a network tells.
const TOLD: [&str; 7] = [
    "model",
    "data.classes",
    "data.floats",
    "data.numbers",
    "data.normalization",
    "data.preparation",
    "data.table",
];
/// So many differences are named, of values of so many characters.
const NAMED: usize = 5;
const LONGEST: usize = 60;

/// What is kept of `config` beside a state.
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
    /// Whether `run.json` still says what decided the state with which this was `kept`.
    ///
    /// # Errors
    /// [`Error::Run`] that names what was changed, and what to do.
    pub(super) fn is_as_kept(&self, kept: &Value) -> Result<()> {
        let next = format!(
            "put it back, or start a new run, from these weights by `.init = {}`, with the options that you want",
            quoted_path(&self.folder.join(LAST))
        );
        self.refuse(kept, |_| true, &next)
    }

    /// Whether `run.json` still says what decides the numbers and names that the weights tell, as this was `kept` beside them.
    ///
    /// # Errors
    /// [`Error::Run`] that names what was changed.
    pub(super) fn tells_as_kept(&self, kept: &Value) -> Result<()> {
        let of = |path: &str, part: &str| {
            path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let next = "its weights belong to what it said then: put it back";
        self.refuse(kept, |path| TOLD.iter().any(|part| of(path, part)), next)
    }

    /// How a training that this was `kept` of differs from the one that `beside` was kept of, in words; without that, from
    /// the one that `run.json` tells. What was changed in `run.json` since is the same to both.
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
            // What was changed here alone.
            true if here.len() > there.len() => {
                let (path, _) = here.iter().find(|change| !there.contains(change))?;
                Some(format!("`{path}` is another one"))
            }
            true => None,
        }
    }

    /// Refuses what was changed at paths that count, with what to do `next`.
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

/// What differs between `config` and what was `kept`: where, and a few words each.
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
    // Versions before kept no names.
    if let (Some(Value::Object(data)), Some(classes)) = (then.get_mut("data"), now.pointer("/data/classes")) {
        data.entry("classes").or_insert_with(|| classes.clone());
    }
    // Read as `run.json` is: what the version that wrote it did not know is what it did.
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
