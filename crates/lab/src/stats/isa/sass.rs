//! NVIDIA's machine code as its own tools print it: `/*0010*/ @!P0 BRA `(.L_x_3) ;`, with `.L_x_3:` before what it goes
//! to (`nvdisasm -c`), or its address (`cuobjdump -sass`).

use super::{Class, Issue, graph::Program};

pub(super) fn read(text: &str) -> Option<Program> {
    let mut program = Program::default();
    for line in text.lines() {
        let line = line.trim();
        if let Some(label) = line.strip_suffix(':').and_then(|label| label.strip_prefix('.')) {
            program.label(label);
            continue;
        }
        // Others are directives, headers and the second half of an encoding.
        let Some((address, rest)) = line.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) else {
            continue;
        };
        let Some((instruction, _)) = rest.split_once(';') else { continue };
        program.label(&format!("{:#x}", u64::from_str_radix(address.trim(), 16).ok()?));
        let instruction = instruction.trim().trim_start_matches(['{', '}', ' ']);
        let (predicate, done) = match instruction.strip_prefix('@') {
            Some(rest) => rest.split_once(char::is_whitespace).map(|(p, rest)| (Some(p), rest.trim()))?,
            None => (None, instruction),
        };
        let op = done.split_whitespace().next()?;
        let base = op.split('.').next().unwrap_or(op);
        match base {
            "BRA" => {
                let to = done.split_whitespace().last()?;
                let to = to.trim_start_matches("`(.").trim_end_matches(')');
                // Other operands are predicates of their own.
                let always = predicate.is_none() && done.split_whitespace().count() == 2 && op == "BRA";
                program.jump(to, always);
            }
            "EXIT" if predicate.is_none() => program.end(),
            _ => program.push(class(base, done)?),
        }
    }
    (program.len() > 0).then_some(program)
}

fn class(base: &str, done: &str) -> Option<Class> {
    Some(match base {
        "FFMA2" => Class::Fma(2),
        "FFMA" => Class::Fma(1),
        // The compiler moves constants with it.
        "HFMA2" if done.contains("-RZ, RZ") => Class::Alu,
        "HFMA2" => Class::Fma(1),
        "HMMA" | "IMMA" | "DMMA" | "QMMA" | "HGMMA" | "WGMMA" | "UTCHMMA" | "BMMA" => return None,
        "LDS" | "STS" | "LDSM" | "ATOMS" => Class::Workgroup,
        "LDL" | "STL" => Class::Spill,
        "LDG" | "STG" | "LD" | "ST" | "ATOMG" | "ATOM" | "RED" | "LDC" | "ULDC" | "LDCU" | "LDGSTS" => {
            Class::Memory
        }
        "BRA" | "BSYNC" | "BSSY" | "EXIT" | "BREAK" | "WARPSYNC" | "BMOV" | "RET" | "CALL" | "JMP" => {
            Class::Branch
        }
        "NOP" | "DEPBAR" | "LDGDEPBAR" => Class::Wait,
        "BAR" | "MEMBAR" => Class::Barrier,
        _ => Class::Alu,
    })
}

/// The text names the architecture.
pub(super) fn issue(text: &str) -> Option<Issue> {
    let after = ["EF_CUDA_SM", "sm_"].iter().find_map(|mark| text.split_once(mark))?.1;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(match digits.parse().ok()? {
        50..=69 => Issue::Beside(1),
        70..=80 => Issue::Half,
        81.. => Issue::One,
        _ => return None,
    })
}
