//! Lines of comments with a meaning, the same in wgrad's shaders and in a user's:
//! * `// needs K % 4 == 0, N >= 64, M <= 128`: requirements of a variant. Those for subgroups and half precision are detected;
//!   `// needs SOFTWARE` is for kernels that no GPU should run.
//! * `// uses feed, random`: the texts of `shaders/common` that an interface, or a single variant, builds on.
//! * `// case M=3,N=5,K=7`: sizes at which an operation, or a single variant, is proven.
//!
//! A `// uses` line that names none of these texts is prose, and so is a `// case` line without a `=`.

use super::{
    Need, Op, Variant, directives,
    parts::{PARTS, Part, part},
};
use crate::{Error, Result};

/// Subgroup operations: lanes exchange values.
const SUBGROUP: Need = Need::Feature(wgpu::Features::SUBGROUP, "SUBGROUP");
/// Half-precision numbers.
const HALF: Need = Need::Feature(wgpu::Features::SHADER_F16, "SHADER_F16");

/// Line number and rest of each line of `text` that is a comment starting with `word`.
pub(super) fn said<'a>(text: &'a str, word: &'static str) -> impl Iterator<Item = (usize, &'a str)> {
    let behind = move |line: &'a str| {
        line.trim().strip_prefix("// ")?.strip_prefix(word)?.strip_prefix(' ').map(str::trim)
    };
    text.lines().enumerate().filter_map(move |(n, line)| Some((n + 1, behind(line)?)))
}

/// The requirements in the text of a variant of `op`; `name` is used in errors.
///
/// # Errors
/// [`Error::Shader`] for a malformed `// needs` line.
pub(super) fn needs(op: &Op, name: &str, text: &str) -> Result<Vec<Need>> {
    let mut needs = Vec::new();
    if directives::code(text).contains("subgroup") {
        needs.push(SUBGROUP);
    }
    if directives::enabled(text).iter().any(|enabled| enabled == "f16") {
        needs.push(HALF);
    }
    for (n, list) in said(text, "needs") {
        for wanted in list.split(',') {
            let need = need(op, wanted.trim()).ok_or_else(|| Error::Shader {
                kernel: name.to_string(),
                message: format!(
                    "line {n}: got `// needs {list}`, expected a size of {} as in `// needs N % 4 == 0`, `N >= 64`, \
                     `N <= 64`, `N == 1` or `A == B`, or SUBGROUP, SHADER_F16 or SOFTWARE",
                    op.name
                ),
            })?;
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    Ok(needs)
}

fn need(op: &Op, text: &str) -> Option<Need> {
    let size = |name: &str| Some(name.trim()).filter(|name| op.takes(name)).map(str::to_string);
    match text {
        "SUBGROUP" => return Some(SUBGROUP),
        "SHADER_F16" => return Some(HALF),
        "SOFTWARE" => return Some(Need::Software),
        _ => {}
    }
    if let Some((name, least)) = text.split_once(">=") {
        return Some(Need::AtLeast(size(name)?, least.trim().parse().ok()?));
    }
    if let Some((name, most)) = text.split_once("<=") {
        return Some(Need::AtMost(size(name)?, most.trim().parse().ok()?));
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

/// The shared texts that `text` uses, in the order of its lines.
///
/// # Errors
/// A message if a line names both known and unknown texts.
pub(super) fn uses(text: &str) -> std::result::Result<Vec<&'static Part>, String> {
    let mut parts: Vec<&'static Part> = Vec::new();
    for (n, list) in said(text, "uses") {
        let found: Vec<_> = list.split(',').map(|name| part(name.trim())).collect();
        if found.iter().all(Option::is_none) {
            continue;
        }
        let found: Option<Vec<_>> = found.into_iter().collect();
        let found = found.ok_or_else(|| {
            let known: Vec<_> = PARTS.iter().map(|part| part.name).collect();
            format!("line {n}: got `// uses {list}`, expected some of {}", known.join(", "))
        })?;
        for part in found {
            if !parts.iter().any(|known| known.name == part.name) {
                parts.push(part);
            }
        }
    }
    Ok(parts)
}

/// The cases in `text`, with their line numbers.
pub(super) fn cases(text: &str) -> impl Iterator<Item = (usize, &str)> {
    said(text, "case").filter(|(_, sizes)| sizes.contains('='))
}

impl Variant {
    /// The sizes at which it is proven in addition to its operation's cases, from its `// case M=3,N=5,K=7` lines.
    pub fn cases(&self) -> Vec<&str> {
        cases(self.source()).map(|(_, sizes)| sizes).collect()
    }

    /// The shared texts that it builds on besides those of its operation, as its lines `// uses index` say.
    pub fn parts(&self) -> Vec<&'static str> {
        uses(self.source()).unwrap_or_default().into_iter().map(|part| part.text).collect()
    }
}

/// Returns true if `interface` mentions the composed activation or its gradient.
pub(super) fn is_activated(interface: &str) -> bool {
    ["activate(", "activate_grad("].iter().any(|call| {
        interface.match_indices(call).any(|(at, _)| {
            !interface[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{cases, is_activated, needs, uses};
    use crate::kernels::MATMUL;

    fn needed(text: &str) -> Vec<String> {
        let needs = needs(&MATMUL, "mine", text).unwrap_or_else(|e| panic!("{e}"));
        needs.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn needs_are_listed_and_features_are_seen() {
        assert_eq!(
            needed("// needs K % 4 == 0, N>=64, M <= 9\n  // needs M == N\r\n"),
            ["K % 4 == 0", "N >= 64", "M <= 9", "M == N"]
        );
        let features = "enable f16;\n// needs SUBGROUP, K == 3\nfn f() { subgroupAdd(1); } // needs Q == 1\n";
        assert_eq!(needed(features), ["SUBGROUP", "SHADER_F16", "K == 3"]);
        assert!(needed("// it needs K\n// needless\n// a subgroup\n").is_empty());
        for wrong in ["Q % 4 == 0", "K % 0 == 0", "Q <= 4", "K <= -4", "K", "K % 4 == 0,", "K == Q", ""] {
            let reported = needs(&MATMUL, "mine", &format!("\n// needs {wrong} \n"));
            let reported = reported.err().map(|e| e.to_string()).unwrap_or_default();
            assert_eq!(
                reported.contains("line 2") && reported.contains("size of matmul"),
                !wrong.is_empty(),
                "{reported}"
            );
        }
    }

    #[test]
    fn shared_texts_are_named_and_prose_is_none() {
        let named = |text: &str| uses(text).map(|parts| parts.iter().map(|p| p.name).collect::<Vec<_>>());
        assert_eq!(named("// uses random, feed\n// uses feed,mixup"), Ok(vec!["random", "feed", "mixup"]));
        assert_eq!(named("// uses what a lane has\n// uses lanes\nuses feed"), Ok(vec![]));
        let reported = named("//\n// uses feed, radnom").expect_err("there is none");
        assert!(reported.contains("line 2") && reported.contains("recurrence"), "{reported}");
    }

    #[test]
    fn cases_have_sizes_and_activations_are_seen() {
        let text = "// case of one row\n// case M=1,N=2\n";
        assert_eq!(cases(text).collect::<Vec<_>>(), [(2, "M=1,N=2")]);
        assert!(is_activated("// y = activate(x)") && is_activated("dx = dy * activate_grad(x)"));
        assert!(!is_activated("// it activates (x)") && !is_activated("deactivate(x)"));
    }
}
