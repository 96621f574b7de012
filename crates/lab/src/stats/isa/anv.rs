//! Intel's machine code as Mesa tells it: `mad(16) g34<1>F g34<8,8,1>F ... { align1 1H };`, predicates and `(W)` before it, the
//! description of a message on the line behind its `send`, `LABEL2:` before what a `while` goes back to.

use super::{Class, graph::Program};

pub(super) fn read(text: &str) -> Option<Program> {
    let mut program = Program::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut whole = line.trim().to_string();
        if whole.is_empty()
            || ["//", "START", "END", "Native", "SIMD", "Code"].iter().any(|s| whole.starts_with(s))
        {
            continue;
        }
        if let Some(label) = whole.strip_suffix(':').filter(|label| label.starts_with('L')) {
            program.label(label);
            continue;
        }
        // An instruction ends with its options in braces.
        while !whole.contains('}') && !whole.contains(';') {
            whole.push(' ');
            whole.push_str(lines.next()?.trim());
        }
        let mut rest = whole.as_str();
        while let Some(inner) = rest.strip_prefix('(') {
            rest = inner.split_once(')')?.1.trim_start();
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let op = &rest[..end];
        if !op.starts_with(|c: char| c.is_ascii_lowercase()) {
            return None;
        }
        match op {
            "while" => {
                let to = rest.split_whitespace().find(|word| word.starts_with('L'))?;
                program.jump(to.trim_end_matches(','), false);
            }
            _ => program.push(class(op, rest)?),
        }
    }
    (program.len() > 0).then_some(program)
}

fn class(op: &str, rest: &str) -> Option<Class> {
    Some(match op {
        "dpas" | "dpasw" => return None,
        "mad" | "mac" | "madm" if is_float(rest) => Class::Fma(1),
        "send" | "sends" | "sendc" | "sendsc" => match rest {
            // Before Xe it was surface 254.
            _ if rest.contains(" slm MsgDesc") || rest.contains("Surface = 254,") => Class::Workgroup,
            _ if ["gateway MsgDesc", "mfence", "fence"].iter().any(|what| rest.contains(what)) => {
                Class::Barrier
            }
            _ if rest.contains("scratch") => Class::Spill,
            _ => Class::Memory,
        },
        "if" | "else" | "endif" | "break" | "cont" | "jmpi" | "halt" | "brd" | "brc" | "goto" | "join" => {
            Class::Branch
        }
        "sync" | "nop" | "wait" => Class::Wait,
        _ => Class::Alu,
    })
}

/// Whether the result is a number with a point.
fn is_float(rest: &str) -> bool {
    let result = rest.split_whitespace().nth(1).unwrap_or_default();
    let kind: String = result.chars().rev().take_while(char::is_ascii_alphabetic).collect();
    ["F", "FH", "FD", "FB"].contains(&kind.as_str())
}
