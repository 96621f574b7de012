//! The difference of two programs on a page: lines that only the first has, that only the second has, and a few around.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};
use std::time::Duration;
use wgrad::words::drawable;

/// Lines that are the same in both, around what differs.
const AROUND: usize = 3;

/// Longer ones take minutes to compare well: after this time the comparison is a coarse one.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Both(String),
    First(String),
    Second(String),
    /// So many lines are left out.
    Same(usize),
}

/// Lines of two programs.
#[derive(Clone, Debug, Default)]
pub struct Code {
    caption: String,
    lines: Vec<Line>,
}

impl Code {
    /// What differs between two texts.
    pub fn difference(caption: &str, first: &str, second: &str) -> Self {
        let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(first, second);
        let (mut lines, mut reported) = (Vec::new(), 0);
        for group in diff.grouped_ops(AROUND) {
            let start = group.first().map_or(reported, |op| op.old_range().start);
            if start > reported {
                lines.push(Line::Same(start - reported));
            }
            reported = group.last().map_or(reported, |op| op.old_range().end);
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let text = change.value().trim_end().to_string();
                lines.push(match change.tag() {
                    ChangeTag::Equal => Line::Both(text),
                    ChangeTag::Delete => Line::First(text),
                    ChangeTag::Insert => Line::Second(text),
                });
            }
        }
        let rest = first.lines().count().saturating_sub(reported);
        if rest > 0 {
            lines.push(Line::Same(rest));
        }
        Self { caption: caption.to_string(), lines }
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            h3 { (drawable(&self.caption)) }
            div class="scroll" tabindex="0" role="region" aria-label=(drawable(&self.caption)) {
                pre class="code" {
                    @for line in &self.lines {
                        @match line {
                            Line::Both(text) => { "  " (drawable(text)) },
                            Line::First(text) => del { "− " (drawable(text)) },
                            Line::Second(text) => ins { "+ " (drawable(text)) },
                            Line::Same(count) => i { "  … " (count) " the same" },
                        }
                        "\n"
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Line};

    #[test]
    fn what_differs_stands_between_a_few_lines_that_do_not() {
        let before: String = (0..20).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 10\n", "line ten\nline more\n");
        let code = Code::difference("c", &before, &after);
        let both = |n: usize| Line::Both(format!("line {n}"));
        let expected = [
            Line::Same(7),
            both(7),
            both(8),
            both(9),
            Line::First("line 10".into()),
            Line::Second("line ten".into()),
            Line::Second("line more".into()),
            both(11),
            both(12),
            both(13),
            Line::Same(6),
        ];
        assert_eq!(code.lines, expected);
        let html = code.markup().into_string();
        assert!(html.contains("<del>− line 10</del>") && html.contains("<ins>+ line ten</ins>"), "{html}");
    }

    #[test]
    fn equal_programs_are_one_line() {
        assert_eq!(Code::difference("c", "a\nb\n", "a\nb\n").lines, [Line::Same(2)]);
    }
}
