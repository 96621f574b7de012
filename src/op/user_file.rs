//! User-supplied variants: a WGSL file outside the registry, composed with its operation's interface like any other.
//! It always runs with wgpu's checks, and is proven before any training uses it.

use super::{
    Access, Marks, Op, Shader, Size, Sizes, Variant,
    activations::{ACTIVATIONS, LINEAR},
    lines, setting, sizes,
};
use crate::{Error, Result, text::read_text, words::hex};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Maximum number of `// case` lines in a file.
const MOST_CASES: usize = 64;
/// Maximum bytes of the buffers of such a case on the device, and maximum operations of its twin: the text may
/// come from an untrusted source.
const MOST_BYTES: f64 = 67_108_864.0;
const MOST_FLOPS: f64 = 4e9;

/// Returns true if the name of a variant is a file, or a setting of one.
pub fn is_file(name: &str) -> bool {
    setting::split(name).0.ends_with(".wgsl")
}

/// Reads the variant of `op` in the file `path`. Its name is the path. A setting may follow the path:
/// `my.wgsl:ROWS=8`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Shader`] if the text does not match the operation's interface, with naga's message at
/// the author's own line and the contents of the interface; [`Error::Setting`].
pub fn read(op: &Op, path: &Path) -> Result<Variant> {
    let (path, given) = match path.to_str().map(setting::split) {
        Some((file, given)) => (Path::new(file), given),
        None => (path, ""),
    };
    let next = "`wgrad_lab::template` prints a file to start from";
    let text = read_text(path, "cannot read the shader", next)?;
    setting::of(op, &variant(op, &path.display().to_string(), text)?, given)
}

/// As [`read()`], from a text: a variant alone, or one with everything that it is composed with, as `--emit wgsl`
/// prints it.
///
/// # Errors
/// [`Error::Shader`].
pub fn variant(op: &Op, name: &str, text: String) -> Result<Variant> {
    let text = own(op, text);
    let fail = |message: String| Error::Shader { kernel: name.to_string(), message };
    let needs = lines::needs(op, name, &text)?;
    lines::uses(&text).map_err(fail)?;
    check_cases(op, &text, fail)?;
    let count = text.lines().count();
    let variant =
        Variant { name: name.into(), source: text.into(), needs: needs.into(), default_for: &[], page: None };
    let offered = setting::Setting::of(&variant);
    match op.shader(&variant, &LINEAR) {
        Ok(shader) => match offered.0.iter().find(|(name, _)| !shader.constants.contains_key(name)) {
            None => Ok(variant),
            Some((name, _)) => Err(Error::Shader {
                kernel: variant.name().to_string(),
                message: format!(
                    "it offers values of `{name}`, which is not a constant of the module; declare it outside of functions"
                ),
            }),
        },
        // Other values of its tunable constants may satisfy the assertion.
        Err(Error::Asserted { .. }) if !offered.0.is_empty() => Ok(variant),
        Err(Error::Shader { kernel, message }) => {
            let twice = match interface_line(op, variant.source()) {
                Some(n) => format!(
                    "Line {n} belongs to the interface, which is appended to every file: remove the interface from the file.\n"
                ),
                None => String::new(),
            };
            let message = format!(
                "{message}\n{twice}The file has {count} lines; the interface follows them, and offers:\n{}",
                offers(op)?
            );
            Err(Error::Shader { kernel, message })
        }
        Err(other) => Err(other),
    }
}

/// Refuses `// case` lines of `text` that a proof of `op` cannot run.
fn check_cases(op: &Op, text: &str, fail: impl Fn(String) -> Error) -> Result<()> {
    if lines::cases(text).next().is_none() {
        return Ok(());
    }
    match wrong_case(op, text)? {
        Some(message) => Err(fail(message)),
        None => Ok(()),
    }
}

/// A message if the `// case` lines of `interface` are none that a proof of `op` can run. There must be one, unless the
/// operation has no sizes.
///
/// # Errors
/// [`Error::Shader`] if `naive` of `op` does not compose.
pub fn case_fault(op: &Op, interface: &str) -> Result<Option<String>> {
    let sizes = sizes::known(op);
    if lines::cases(interface).next().is_none() && !sizes.is_empty() {
        let example: Vec<_> = sizes.iter().map(|name| format!("{name}=100")).collect();
        return Ok(Some(format!(
            "it has no sizes to be proven at, expected some lines such as `// case {}`; odd ones find the most mistakes",
            example.join(",")
        )));
    }
    wrong_case(op, interface)
}

/// A message for the first `// case` line of `text` that a proof of `op` cannot run.
fn wrong_case(op: &Op, text: &str) -> Result<Option<String>> {
    let shader = op.shader(op.variant("naive")?, &LINEAR)?;
    for (nth, (n, line)) in lines::cases(text).enumerate() {
        let wrong = match nth {
            MOST_CASES.. => Some(format!("expected at most {MOST_CASES} of them")),
            _ => unfit(op, &shader, line),
        };
        if let Some(why) = wrong {
            return Ok(Some(format!("line {n}: got `// case {line}`, {why}")));
        }
    }
    Ok(None)
}

/// A message if the sizes `text` are no valid case of `op`.
fn unfit(op: &Op, shader: &Shader, text: &str) -> Option<String> {
    let example = op.cases().first().copied().unwrap_or_default();
    let all = || format!("expected every size of {} as in `// case {example}`", op.name);
    let Some(given) = sizes::parse_sizes(text) else { return Some(all()) };
    let given: Sizes = given.into_iter().collect();
    let known = sizes::known(op);
    let missing = |(name, value): (&String, &Option<f64>)| value.is_none() && !given.contains_key(name);
    if given.keys().any(|name| !known.contains(&name.as_str())) || shader.overrides.iter().any(missing) {
        return Some(all());
    }
    match sizes::check(op, shader, &given) {
        Err(Error::Option { got, expected, .. }) => return Some(format!("where {got} has to be {expected}")),
        Err(other) => return Some(other.to_string()),
        Ok(()) => {}
    }
    let values = shader.values(&given);
    let value = |size: &Size| size.value(&values).map_or(f64::INFINITY, |value| value as f64);
    let elements: f64 = shader.bindings.iter().map(|b| b.shape.iter().map(value).product::<f64>()).sum();
    let marks = Marks::of(op.interface);
    let images = marks.images.as_ref().map_or(0.0, |images| value(&images.size)) * marks.rows(&given) as f64;
    let flops = op.flops().map_or(0.0, |flops| value(&flops));
    let large = 4.0 * (elements + images) > MOST_BYTES || flops > MOST_FLOPS;
    large.then(|| {
        format!(
            "expected buffers of at most {} MiB and {:.0} million operations, since a plain loop computes it as well",
            MOST_BYTES / f64::from(1 << 20),
            MOST_FLOPS / 1e6
        )
    })
}

/// Returns `text` without the interface, the shared texts and the activation at its end, if these match wgrad's own.
fn own(op: &Op, text: String) -> String {
    fn lines(text: &str) -> Vec<&str> {
        text.trim_end().lines().map(str::trim_end).collect()
    }
    let written = lines(&text);
    let activations = if op.activated() { ACTIVATIONS } else { &[&LINEAR] };
    for activation in activations {
        let end = op.appended(&text, activation);
        if let Some(own) = written.strip_suffix(lines(&end).as_slice()) {
            return format!("{}\n", own.join("\n").trim_end());
        }
    }
    text
}

/// The number of the first line of `text` that repeats a declaration of the interface of `op`.
fn interface_line(op: &Op, text: &str) -> Option<usize> {
    let declares = |line: &str| line.starts_with("override ") || line.starts_with("@group");
    let line = |line: &str| {
        let line = line.trim();
        declares(line) && op.interface.lines().any(|own| own.trim() == line)
    };
    Some(text.lines().position(line)? + 1)
}

/// Describes the buffers, sizes and functions that a variant of `op` may use.
///
/// # Errors
/// [`Error::Shader`]; none is expected.
pub fn offers(op: &Op) -> Result<String> {
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
    if op.activated() {
        lines.push("  functions: activate(x), activate_grad(y)".to_string());
    }
    if shader.feed {
        lines
            .push("  feed: step.first, step.rows, step.slot, step.learning_rate, images, labels".to_string());
    }
    Ok(lines.join("\n"))
}

/// The SHA-256 of a text, in hexadecimal.
pub fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
