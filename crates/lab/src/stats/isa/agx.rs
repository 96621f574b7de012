//! Apple's machine code as Honeykrisp prints it: `1a: 3a7d00a6... ffma r0, r1, r2, r3`, with the distance, or the
//! address, behind a jump.
//! A text holds several programs, each from address 0; the kernel is the one that multiplies and adds most.

use super::{Class, graph::Program, split};

pub(super) fn read(text: &str) -> Option<Program> {
    let mut programs: Vec<Vec<(i64, &str)>> = Vec::new();
    for line in text.lines() {
        let Some((address, instruction)) = located(line) else { continue };
        match programs.last_mut() {
            Some(program) if program.last().is_some_and(|(before, _)| *before < address) => {
                program.push((address, instruction));
            }
            _ => programs.push(vec![(address, instruction)]),
        }
    }
    let mut all = Vec::new();
    for lines in programs {
        all.push(program(&lines)?);
    }
    all.into_iter().max_by_key(|program| (program.fmas(), program.len()))
}

/// The lines of a text that are machine code: the compiler prints its own words around them.
pub(super) fn listing(text: &str) -> Option<String> {
    let lines = text.lines().filter(|line| located(line).is_some());
    let listing: String = lines.flat_map(|line| [line, "\n"]).collect();
    (!listing.is_empty()).then_some(listing)
}

/// Address and instruction of a line that has both.
fn located(line: &str) -> Option<(i64, &str)> {
    let (address, rest) = line.trim_start().split_once(": ")?;
    let address = i64::from_str_radix(address, 16).ok()?;
    let (bytes, instruction) = split(rest.trim_start());
    let instruction = instruction.trim();
    let is_code = bytes.len() >= 4 && bytes.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_code && instruction.starts_with(|c: char| c.is_ascii_alphabetic())).then_some((address, instruction))
}

fn program(lines: &[(i64, &str)]) -> Option<Program> {
    let mut program = Program::default();
    for (address, instruction) in lines {
        program.label(&address.to_string());
        let (op, operands) = split(instruction);
        if op.starts_with("jmp") {
            let to = operands.split_whitespace().last()?;
            let to = match to.strip_prefix("0x") {
                Some(there) => i64::from_str_radix(there, 16).ok()?,
                None => address + to.trim_start_matches('+').parse::<i64>().ok()?,
            };
            program.jump(&to.to_string(), false);
        } else if op == "stop" {
            program.end();
        } else {
            program.push(class(op)?);
        }
    }
    Some(program)
}

fn class(op: &str) -> Option<Class> {
    let op = op.split('.').next().unwrap_or(op);
    let starts = |with: &[&str]| with.iter().any(|with| op.starts_with(with));
    Some(match op {
        "ffma" | "fma" | "hfma" | "fmadd" | "fmadd16" | "fmadd32" => Class::Fma(1),
        _ if starts(&["simd_matrix", "matmul"]) => return None,
        _ if starts(&["lload", "lstore", "local_load", "local_store", "local_atomic"]) => Class::Workgroup,
        _ if starts(&["stack_"]) => Class::Spill,
        _ if starts(&["load", "store", "device_load", "device_store", "atomic", "uniform_store"]) => {
            Class::Memory
        }
        "if" | "else" | "while" | "begin" | "break" | "stop" | "trap" => Class::Branch,
        _ if starts(&["if_", "else_", "while_", "begin_", "break_", "pop", "push"]) => Class::Branch,
        _ if op.contains("barrier") => Class::Barrier,
        _ if starts(&["wait", "nop"]) => Class::Wait,
        _ => Class::Alu,
    })
}
