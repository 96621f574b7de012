//! AMD's machine code as RADV tells it: `BB3:` before a block, `v_fmac_f32_e32 v0, v1, v2 ; encoding`, and two
//! instructions with `::` between where RDNA3 does both at once.

use super::{Class, Issue, Target, graph::Program, split};

pub(super) fn read(text: &str) -> Option<Program> {
    let mut program = Program::default();
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default().trim_end();
        let trimmed = line.trim_start();
        if trimmed.starts_with("/* constant data */") {
            break;
        }
        if trimmed.is_empty() {
            continue;
        }
        if let Some(repeated) = trimmed.strip_prefix("(then repeated ") {
            program.again(repeated.split(' ').next()?.parse().ok()?)?;
            continue;
        }
        if let Some(label) = trimmed.strip_suffix(':') {
            program.label(label);
            continue;
        }
        let (op, operands) = split(trimmed);
        match op {
            "s_branch" => program.jump(operands.trim(), true),
            "s_endpgm" | "s_setpc_b64" => program.end(),
            // What LLVM's disassembler does not know.
            "integer" if operands == "addition + clamp" => program.push(Class::Alu),
            _ if op.starts_with("s_cbranch") => program.jump(operands.trim(), false),
            _ => program.push(class(op, operands)?),
        }
    }
    Some(program)
}

fn class(op: &str, operands: &str) -> Option<Class> {
    if op.starts_with("v_dual_") {
        let both = [op, operands.split("::").nth(1)?.trim_start()];
        let lanes = both.iter().filter(|op| op.starts_with("v_dual_fma")).count();
        return Some(if lanes > 0 { Class::Fma(lanes as u32) } else { Class::Alu });
    }
    let starts = |with: &[&str]| with.iter().any(|with| op.starts_with(with));
    if starts(&["v_wmma", "v_swmmac", "v_mfma", "v_smfmac"]) {
        // A product of matrices in one instruction: its work is not counted here.
        return None;
    }
    Some(match op {
        _ if starts(&["v_pk_fma_f32", "v_dot2_f32", "v_dot2c_f32"]) => Class::Fma(2),
        _ if op.starts_with("v_") && multiplies_and_adds(op) => Class::Fma(1),
        _ if starts(&["v_"]) => Class::Alu,
        _ if starts(&["ds_", "lds_"]) => Class::Workgroup,
        _ if starts(&["scratch_"]) => Class::Spill,
        _ if starts(&[
            "buffer_",
            "global_",
            "flat_",
            "image_",
            "s_load",
            "s_buffer_load",
            "s_scratch_load",
        ]) =>
        {
            Class::Memory
        }
        _ if starts(&["s_barrier"]) => Class::Barrier,
        _ if starts(&[
            "s_wait",
            "s_delay",
            "s_nop",
            "s_clause",
            "s_set_inst",
            "s_inst_prefetch",
            "s_sleep",
            "s_code_end",
        ]) =>
        {
            Class::Wait
        }
        _ if starts(&["s_"]) => Class::Aside,
        _ => return None,
    })
}

/// `v_fma_f32`, `v_fmac_f32_e32`, `v_mad_legacy_f32`, `v_fmaak_f32`, `v_pk_fma_f16`, `v_fma_mix_f32` and their like.
fn multiplies_and_adds(op: &str) -> bool {
    let bare = op.trim_start_matches("v_").trim_start_matches("pk_");
    let rest = ["fmac_", "fmaak_", "fmamk_", "fma_", "mac_", "madak_", "madmk_", "mad_"]
        .iter()
        .find_map(|name| bare.strip_prefix(name));
    rest.is_some_and(|kind| {
        ["f32", "f16", "legacy_f32", "legacy_f16", "mix"].iter().any(|k| kind.starts_with(k))
    })
}

/// A SIMD takes an instruction for vectors a cycle, and others of other waves beside it. From RDNA3 on an instruction of
/// 32 lanes may be two in one; of 64 lanes one takes both halves at once.
pub(super) fn issue(text: &str, target: Target<'_>) -> Issue {
    let pairs = text.contains("s_delay_alu") || text.contains("_load_b") || text.contains("_store_b");
    Issue::Beside(if pairs && target.subgroup == Some(32) { 2 } else { 1 })
}
