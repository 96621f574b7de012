//! NVIDIA's machine code as NVK's compiler writes it: `block 3 L2 [..] -> {4} {`, `r4 = ffma r1 r2 r3 // delay=2`,
//! `@!p0 bra L3`.

use super::{Class, Issue, Target, graph::Program};

pub(super) fn read(text: &str) -> Option<Program> {
    let mut program = Program::default();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('}') {
            continue;
        }
        if line.starts_with("block") {
            let label = line.split_whitespace().find(|word| is_label(word));
            label.into_iter().for_each(|label| program.label(label));
            continue;
        }
        let (predicate, rest) = match line.strip_prefix('@') {
            Some(rest) => rest.split_once(' ').map(|(predicate, rest)| (Some(predicate), rest))?,
            None => (None, line),
        };
        let done = rest.split_once(" = ").map_or(rest, |(_, done)| done).trim();
        let op = done.split_whitespace().next()?;
        if !op.starts_with(|c: char| c.is_ascii_lowercase()) {
            return None;
        }
        let base = op.split('.').next().unwrap_or(op);
        match base {
            "bra" => {
                let words: Vec<&str> = done.split_whitespace().skip(1).collect();
                let label = words.last().filter(|word| is_label(word))?;
                // Behind `bra` may stand a predicate; `pT` is always true.
                let always = predicate.is_none() && words[..words.len() - 1].iter().all(|word| *word == "pT");
                program.jump(label, always);
            }
            "exit" if predicate.is_none() => program.end(),
            _ => program.push(class(base, op)?),
        }
    }
    Some(program)
}

fn is_label(word: &str) -> bool {
    word.strip_prefix('L')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn class(base: &str, op: &str) -> Option<Class> {
    let has = |word: &str| op.split('.').any(|part| part == word);
    Some(match base {
        "hmma" | "imma" | "dmma" | "qmma" => return None,
        "ffma2" => Class::Fma(2),
        "ffma" | "hfma2" => Class::Fma(1),
        "lds" | "sts" | "ldsm" | "atoms" => Class::Workgroup,
        "ld" | "st" | "atom" | "red" if has("shared") => Class::Workgroup,
        "ldl" | "stl" => Class::Spill,
        "ld" | "st" if has("local") => Class::Spill,
        "ld" | "st" | "ldg" | "stg" | "atom" | "atomg" | "red" | "ldc" | "ldcu" | "uldc" | "cctl" => {
            Class::Memory
        }
        "bra" | "bsync" | "bssy" | "bclear" | "bmov" | "break" | "exit" | "warpsync" | "kill" => {
            Class::Branch
        }
        "nop" | "depbar" => Class::Wait,
        "bar" | "membar" => Class::Barrier,
        _ => Class::Alu,
    })
}

/// NVK puts the chip behind the name: `NVIDIA GeForce RTX 4090 (NVK AD102)`.
pub(super) fn issue(target: Target<'_>) -> Option<Issue> {
    let (_, chip) = target.device.split_once("(NVK ")?;
    // GA100 has half of the units that other chips of its time have.
    let known = [
        ("GM", Issue::Beside(1)),
        ("GP", Issue::Beside(1)),
        ("GV", Issue::Half),
        ("TU", Issue::Half),
        ("GA100", Issue::Half),
        ("GA", Issue::One),
        ("AD", Issue::One),
        ("GH", Issue::One),
        ("GB", Issue::One),
    ];
    known.into_iter().find(|(name, _)| chip.starts_with(name)).map(|(_, issue)| issue)
}
