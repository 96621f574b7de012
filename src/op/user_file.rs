//! A user's own variant: a WGSL file outside the page, composed with its operation's interface like any other. It
//! always runs with wgpu's checks, and is proven before anything is trained with it.

use super::{
    Access, Need, Op, Variant,
    activations::{ACTIVATIONS, LINEAR},
    directives, setting,
};
use crate::{Error, Result, text::read_text, words::hex};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Whether the name of a variant means a file, or a setting of one.
pub fn is_file(name: &str) -> bool {
    setting::split(name).0.ends_with(".wgsl")
}

/// Files read so far, by operation and path. A text lives as long as the process, like those of the page.
static LOADED: Mutex<BTreeMap<(&'static str, String), &'static Variant>> = Mutex::new(BTreeMap::new());

/// The variant of `op` in the file `path`, read once in a process.
///
/// # Errors
/// As [`read`].
pub fn load(op: &'static Op, path: &str) -> Result<&'static Variant> {
    let key = (op.name, path.to_string());
    if let Some(found) = LOADED.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(found);
    }
    let variant: &'static Variant = Box::leak(Box::new(read(op, Path::new(path))?));
    Ok(LOADED.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(variant))
}

/// The variant of `op` in the file `path`, as it is now. Its name is the path. A setting may follow the path:
/// `my.wgsl:ROWS=8`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Shader`] where the text does not meet the operation's interface, with naga's message at
/// the author's own line and what the interface offers; [`Error::Setting`].
pub fn read(op: &'static Op, path: &Path) -> Result<Variant> {
    let (path, given) = match path.to_str().map(setting::split) {
        Some((file, given)) => (Path::new(file), given),
        None => (path, ""),
    };
    let next = "`wgrad_lab::template` prints a file to start from";
    let text = read_text(path, "cannot read the shader", next)?;
    setting::of(op, &variant(op, &path.display().to_string(), text)?, given)
}

/// As [`read()`], from a text: a variant's own, or one with all that it is composed of, as `--emit wgsl` prints it.
///
/// # Errors
/// [`Error::Shader`].
pub fn variant(op: &'static Op, name: &str, text: String) -> Result<Variant> {
    let text = own(op, text);
    let needs = needs(op, name, &text)?;
    let lines = text.lines().count();
    let variant = Variant {
        name: Box::leak(name.to_string().into_boxed_str()),
        source: Box::leak(text.into_boxed_str()),
        needs: Box::leak(needs.into_boxed_slice()),
        default_for: &[],
        page: None,
    };
    let offered = setting::Setting::of(&variant);
    match op.shader(&variant, &LINEAR) {
        Ok(shader) => match offered.0.iter().find(|(name, _)| !shader.constants.contains_key(name)) {
            None => Ok(variant),
            Some((name, _)) => Err(Error::Shader {
                kernel: variant.name.to_string(),
                message: format!(
                    "it offers values of `{name}`, which is no constant of the module; declare it outside of functions"
                ),
            }),
        },
        // Other values may go together.
        Err(Error::Asserted { .. }) if !offered.0.is_empty() => Ok(variant),
        Err(Error::Shader { kernel, message }) => {
            let twice = match interface_line(op, variant.source) {
                Some(n) => format!(
                    "Line {n} is one of the interface, which follows every file by itself: take the interface out of the file.\n"
                ),
                None => String::new(),
            };
            let message = format!(
                "{message}\n{twice}The file has {lines} lines; the interface follows them, and offers:\n{}",
                offers(op)?
            );
            Err(Error::Shader { kernel, message })
        }
        Err(other) => Err(other),
    }
}

/// `text` without the interface, the shared texts and the activation at its end, where these are as the page has them.
fn own(op: &Op, text: String) -> String {
    fn lines(text: &str) -> Vec<&str> {
        text.trim_end().lines().map(str::trim_end).collect()
    }
    let written = lines(&text);
    let activations = if op.activated { ACTIVATIONS } else { &[&LINEAR] };
    for activation in activations {
        let end = op.appended(activation);
        if let Some(own) = written.strip_suffix(lines(&end).as_slice()) {
            return format!("{}\n", own.join("\n").trim_end());
        }
    }
    text
}

/// The number of the first line of `text` that declares what the interface of `op` declares.
fn interface_line(op: &Op, text: &str) -> Option<usize> {
    let declares = |line: &str| line.starts_with("override ") || line.starts_with("@group");
    let line = |line: &str| {
        let line = line.trim();
        declares(line) && op.interface.lines().any(|own| own.trim() == line)
    };
    Some(text.lines().position(line)? + 1)
}

/// What a variant of `op` may use, in words.
///
/// # Errors
/// [`Error::Shader`]; none is expected.
pub fn offers(op: &'static Op) -> Result<String> {
    let shader = op.shader(op.variant("naive")?, &LINEAR)?;
    let mut lines = Vec::new();
    for binding in &shader.bindings {
        let shape: Vec<_> = binding.shape.iter().map(|s| s.0.as_str()).collect();
        let does = match binding.access {
            Access::Read => "to read",
            Access::Write => "to write, every element",
            Access::Update => "to update in place",
        };
        let view = format!("{}4: array<vec4<f32>>", binding.name);
        let view = if op.interface.contains(&view) {
            format!(" (or {}4, as vec4)", binding.name)
        } else {
            String::new()
        };
        let element = format!("{:?}", binding.element).to_lowercase();
        lines.push(format!("  {}: {element}, shape ({}), {does}{view}", binding.name, shape.join(", ")));
    }
    let sizes =
        op.interface.lines().filter_map(|line| line.trim().strip_prefix("override ")?.split_once(':'));
    let sizes: Vec<_> = sizes.map(|(name, _)| name).collect();
    lines.push(format!("  sizes: {}", sizes.join(", ")));
    let grid = op.interface.lines().find_map(|line| line.trim().strip_prefix("// grid ")).unwrap_or("none");
    lines.push(format!("  grid: {grid}"));
    if op.activated {
        lines.push("  functions: activate(x), activate_grad(y)".to_string());
    }
    if shader.feed {
        lines
            .push("  feed: step.first, step.rows, step.slot, step.learning_rate, images, labels".to_string());
    }
    Ok(lines.join("\n"))
}

/// The lines `// needs ...` of a text; subgroups, and what it enables, are seen without one.
pub(crate) fn needs(op: &Op, name: &str, text: &str) -> Result<Vec<Need>> {
    let mut needs = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let Some(wanted) = line.trim().strip_prefix("// needs ") else { continue };
        let need = need(op, wanted.trim()).ok_or_else(|| Error::Shader {
            kernel: name.to_string(),
            message: format!(
                "line {}: got `// needs {}`, expected a size of {} as in `// needs N % 4 == 0`, `N >= 64`, `N == 1` or \
                 `A == B`, or SUBGROUP or SHADER_F16",
                n + 1,
                wanted.trim(),
                op.name
            ),
        })?;
        needs.push(need);
    }
    if directives::code(text).contains("subgroup") {
        needs.push(Need::Feature(wgpu::Features::SUBGROUP, "SUBGROUP"));
    }
    if directives::enabled(text).iter().any(|enabled| enabled == "f16") {
        needs.push(Need::Feature(wgpu::Features::SHADER_F16, "SHADER_F16"));
    }
    Ok(needs)
}

fn need(op: &Op, text: &str) -> Option<Need> {
    let size = |name: &str| -> Option<&'static str> {
        let name = name.trim();
        op.interface
            .contains(&format!("override {name}:"))
            .then(|| -> &'static str { Box::leak(name.to_string().into_boxed_str()) })
    };
    match text {
        "SUBGROUP" => return Some(Need::Feature(wgpu::Features::SUBGROUP, "SUBGROUP")),
        "SHADER_F16" => return Some(Need::Feature(wgpu::Features::SHADER_F16, "SHADER_F16")),
        _ => {}
    }
    if let Some((name, least)) = text.split_once(">=") {
        return Some(Need::AtLeast(size(name)?, least.trim().parse().ok()?));
    }
    let (left, right) = text.split_once("==")?;
    if let Some((name, divisor)) = left.split_once('%') {
        let divisor = divisor.trim().parse().ok().filter(|n| *n > 0)?;
        return (right.trim() == "0").then_some(Need::Multiple(size(name)?, divisor));
    }
    match right.trim().parse() {
        Ok(value) => Some(Need::Is(size(left)?, value)),
        Err(_) => Some(Need::Same(size(left)?, size(right)?)),
    }
}

/// The SHA-256 of a text, in hexadecimal.
pub fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
