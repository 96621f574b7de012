//! Qualcomm's machine code as Turnip tells it: `(sy)(rpt3)mad.f32 r1.x, r2.x, ...`, `l3:` before what a jump goes to. `(rpt3)` is
//! four instructions, `(nop2)` two idle ones more.

use super::{Class, graph::Program, split};

pub(super) fn read(text: &str) -> Option<Program> {
    let mut program = Program::default();
    for line in text.lines() {
        let mut rest = line.trim();
        // Place and encoding.
        if rest.starts_with(':') {
            rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
            if let Some(after) = rest.strip_prefix('[').and_then(|code| code.split_once(']')) {
                rest = after.1.trim_start();
            }
        }
        if rest.is_empty() || rest.starts_with([';', '@', '#', '/']) || rest.starts_with("Native") {
            continue;
        }
        if let Some(label) = rest.strip_suffix(':').filter(|label| is_label(label)) {
            program.label(label);
            continue;
        }
        let (mut times, mut idle) = (1, 0);
        while let Some((mark, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            let number = |name: &str| mark.strip_prefix(name).and_then(|n| n.parse::<u32>().ok());
            times = number("rpt").map_or(times, |n| n + 1);
            idle = number("nop").unwrap_or(idle);
            rest = after.trim_start();
        }
        let (op, operands) = split(rest);
        let base = op.split('.').next().unwrap_or(op);
        let to = operands.split(['#', ' ', ',']).find(|word| is_label(word));
        match base {
            "br" | "bany" | "ball" | "brac" | "braa" | "brao" | "brax" | "getone" | "jump" => {
                program.jump(to?, base == "jump");
            }
            "end" => program.end(),
            _ => {
                let class = class(base, op)?;
                (0..times).for_each(|_| program.push(class));
            }
        }
        (0..idle).for_each(|_| program.push(Class::Wait));
    }
    (program.len() > 0).then_some(program)
}

fn is_label(word: &str) -> bool {
    word.strip_prefix('l')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn class(base: &str, op: &str) -> Option<Class> {
    Some(match base {
        "mad" | "fma" if op.contains(".f32") || op.contains(".f16") => Class::Fma(1),
        "ldl" | "stl" | "ldlw" | "stlw" | "ldlv" => Class::Workgroup,
        "ldp" | "stp" => Class::Spill,
        "ldg" | "stg" | "ldib" | "stib" | "isam" | "sam" | "ldc" | "resinfo" | "atomic" | "ldgb" | "stgb" => {
            Class::Memory
        }
        "predt" | "predf" | "prede" | "kill" | "ret" | "call" | "shps" | "shpe" => Class::Branch,
        "nop" => Class::Wait,
        "bar" | "fence" => Class::Barrier,
        _ if base.starts_with(|c: char| c.is_ascii_lowercase()) => Class::Alu,
        _ => return None,
    })
}
