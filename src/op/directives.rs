//! Directives before WGSL's first declaration: `enable`, `requires`, `diagnostic`.
//!
//! The standard has words there that naga rejects, although naga supports the features that they announce:
//! `enable subgroups;` is mandatory in a browser and an error here. Such words are blanked for naga, so that lines and
//! columns stay as the author wrote them. This module judges no other word; naga does.

use std::ops::Range;

/// Extensions that naga supports only without their `enable`.
const ENABLED: [&str; 1] = ["subgroups"];

/// Language features of the standard whose names naga does not know. naga either supports the feature or reports an
/// error at the line that uses it, so the announcement alone is no reason to refuse a text.
const REQUIRED: [&str; 8] = [
    "immediate_address_space",
    "linear_indexing",
    "subgroup_id",
    "subgroup_uniformity",
    "swizzle_assignment",
    "texture_and_sampler_let",
    "uniform_buffer_standard_layout",
    "unrestricted_pointer_parameters",
];

/// Returns `text` with its comments blanked; bytes and lines keep their positions.
pub fn code(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut depth) = (0, 0usize);
    let blank = |byte: &mut u8| *byte = if *byte == b'\n' { b'\n' } else { b' ' };
    while at < bytes.len() {
        match (depth, &bytes[at..]) {
            (_, [b'/', b'*', ..]) => {
                bytes[at..at + 2].fill(b' ');
                (at, depth) = (at + 2, depth + 1);
            }
            (1.., [b'*', b'/', ..]) => {
                bytes[at..at + 2].fill(b' ');
                (at, depth) = (at + 2, depth - 1);
            }
            (0, [b'/', b'/', ..]) => {
                let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |n| at + n);
                bytes[at..end].fill(b' ');
                at = end;
            }
            (0, _) => at += 1,
            (1.., _) => {
                blank(&mut bytes[at]);
                at += 1;
            }
        }
    }
    // Only whole comments were replaced, by spaces: the rest is valid UTF-8.
    String::from_utf8(bytes).unwrap_or_default()
}

/// A directive that lists words: its keyword, its place including the `;`, and its words with their places.
struct Directive<'a> {
    keyword: &'a str,
    place: Range<usize>,
    words: Vec<(&'a str, Range<usize>)>,
}

/// The directives at the beginning of `code`, which has no comments. Directives without a list of words are skipped.
fn directives(code: &str) -> Vec<Directive<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        let rest = &code[at..];
        let keyword = ["enable", "requires", "diagnostic"].into_iter().find(|keyword| {
            let behind = rest.strip_prefix(keyword).and_then(|behind| behind.chars().next());
            behind.is_some_and(|next| !(next.is_alphanumeric() || next == '_'))
        });
        let (Some(keyword), Some(end)) = (keyword, rest.find(';')) else { return found };
        let place = at..at + end + 1;
        let mut start = at + keyword.len();
        if keyword != "diagnostic" {
            let mut words = Vec::new();
            for item in code[start..place.end - 1].split(',') {
                let from = start + item.len() - item.trim_start().len();
                words.push((item.trim(), from..from + item.trim().len()));
                start += item.len() + 1;
            }
            found.push(Directive { keyword, place: place.clone(), words });
        }
        at = place.end;
    }
}

/// The extensions that `text` enables.
pub fn enabled(text: &str) -> Vec<String> {
    let code = code(text);
    let all = directives(&code).into_iter().filter(|directive| directive.keyword == "enable");
    all.flat_map(|directive| directive.words).map(|(word, _)| word.to_string()).collect()
}

/// Returns `text` as naga accepts it: unknown words are blanked, and so are directives that have no word left.
pub(super) fn for_naga(text: &str) -> String {
    let code = code(text);
    let mut bytes = text.as_bytes().to_vec();
    for Directive { keyword, place, words } in directives(&code) {
        let unknown: &[&str] = if keyword == "enable" { &ENABLED } else { &REQUIRED };
        let kept: Vec<bool> = words.iter().map(|(word, _)| !unknown.contains(word)).collect();
        if kept.iter().all(|kept| *kept) {
            continue;
        }
        let mut blank = |range: Range<usize>| {
            for byte in bytes[range].iter_mut().filter(|byte| **byte != b'\n') {
                *byte = b' ';
            }
        };
        // A trailing comma does not count as a word.
        let real = |n: usize| kept[n] && !words[n].0.is_empty();
        if !(0..words.len()).any(real) {
            blank(place);
            continue;
        }
        for (n, (_, range)) in words.iter().enumerate() {
            if !kept[n] {
                blank(range.clone());
            }
            let comma = words.get(n + 1).map(|(_, next)| range.end..next.start);
            let comma = comma.and_then(|gap| Some(gap.start + code[gap].find(',')?));
            if let (Some(comma), false) = (comma, n + 1 < words.len() && real(n + 1) && (0..=n).any(real)) {
                blank(comma..comma + 1);
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::{code, enabled, for_naga};

    /// The words of the text, with single spaces; asserts that each line is as long as in `original`.
    #[track_caller]
    fn words(changed: &str, original: &str) -> String {
        let lengths = |text: &str| text.split('\n').map(str::len).collect::<Vec<_>>();
        assert_eq!(lengths(changed), lengths(original), "{original}");
        changed.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_blanked_and_nothing_else() {
        for (text, expected) in [
            ("a // é\nb", "a b"),
            ("a /* x /* y\n */ // */ b", "a b"),
            ("a /* x */ c // */ b\n d", "a c d"),
            ("a / b * c", "a / b * c"),
            ("//", ""),
            ("/* open\n", ""),
        ] {
            assert_eq!(words(&code(text), text), expected, "{text}");
        }
    }

    #[test]
    fn words_that_naga_has_not_are_blanked_and_lines_stay() {
        for (text, expected) in [
            ("enable subgroups;\nfn f() {}", "fn f() {}"),
            ("// é\n/* a */ enable\n  subgroups ; const a = 1;", "// é /* a */ const a = 1;"),
            ("enable f16, subgroups;", "enable f16 ;"),
            ("enable subgroups, f16;", "enable f16;"),
            ("enable f16, subgroups, wgpu_int16;", "enable f16 , wgpu_int16;"),
            ("enable subgroups,;", ""),
            ("enable f16, subgroups,;", "enable f16 ;"),
            ("requires subgroup_id, pointer_composite_access;", "requires pointer_composite_access;"),
            ("diagnostic(off, a.b);enable subgroups;", "diagnostic(off, a.b);"),
            ("enable f16;", "enable f16;"),
            ("enable nonsense;", "enable nonsense;"),
            ("const a = 1; enable subgroups;", "const a = 1; enable subgroups;"),
            ("enabled subgroups;", "enabled subgroups;"),
            ("// enable subgroups;", "// enable subgroups;"),
            ("enable subgroups", "enable subgroups"),
        ] {
            assert_eq!(words(&for_naga(text), text), expected, "{text}");
        }
        assert_eq!(
            enabled("requires a; enable /* b */ f16, subgroups; enable c;"),
            ["f16", "subgroups", "c"]
        );
    }
}
