//! Hottest loops in real machine code. `small.wgsl` and `scripts/vendors.sh --fixtures` made the texts of Mesa's drivers
//! (each says which), `scripts/make_sass_fixtures.py` those of NVIDIA's compiler. The numbers were counted by hand.

use std::fs;
use wgrad_lab::stats::isa::{Format, HotLoop, Target, analyse, plain};

fn fixture(name: &str) -> String {
    let path = wgrad_testing::project().join("crates/lab/tests/fixtures/isa").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The hottest loop of a fixture.
fn hot(format: Format, name: &str, target: Target<'_>) -> HotLoop {
    analyse(format, &fixture(name), target).unwrap_or_else(|| panic!("{name} gives no number"))
}

/// From `.L_x_0` to the `BRA` back to it: 16 FFMA; 11 of MOV, IADD3, IMAD, ISETP; 4 LDG; 4 STS and 10 LDS; 1 BRA; 2 BAR.
/// nvdisasm names the place to go to, cuobjdump has its address.
#[test]
fn sass_by_both_of_its_printers() {
    let expected = HotLoop {
        instructions: 48,
        fma: 16,
        fma_instructions: 16,
        alu: 11,
        memory: 4,
        workgroup: 14,
        branch: 1,
        barrier: 2,
        of_peak: Some(16.0 / 48.0),
        ..HotLoop::default()
    };
    for name in ["sass_nvdisasm_sm_89.txt", "sass_cuobjdump_sm_89.txt"] {
        assert_eq!(hot(Format::Sass, name, Target::default()), expected, "{name}");
    }
}

/// Turing's units take an FFMA every other cycle: as many instructions allow twice the share. The H100's code has one
/// instruction less: 10 of VIADD, IADD3, IMAD, ISETP.
#[test]
fn sass_of_other_architectures() {
    let turing = hot(Format::Sass, "sass_nvdisasm_sm_75.txt", Target::default());
    assert_eq!((turing.instructions, turing.fma, turing.alu), (48, 16, 11));
    assert_eq!(turing.of_peak, Some(2.0 * 16.0 / 48.0));
    let hopper = hot(Format::Sass, "sass_nvdisasm_sm_90.txt", Target::default());
    assert_eq!((hopper.instructions, hopper.fma, hopper.alu, hopper.workgroup), (47, 16, 10, 14));
    assert_eq!(hopper.of_peak, Some(16.0 / 47.0));
}

const RDNA: Target<'_> = Target { device: "AMD Radeon RX 7900 XTX (RADV NAVI31)", subgroup: Some(32) };
const GCN: Target<'_> = Target { device: "AMD Radeon RX Vega (RADV VEGA10)", subgroup: Some(64) };

/// The way into this loop is in its middle: `s_branch BB7` enters between its end, BB9, and its head. BB9 to `s_cbranch_scc0`:
/// 8 v_dual_fmac of two each; 9 other v_; 9 other s_; 4 buffer_load; 20 ds_; 17 s_waitcnt, s_delay_alu and s_clause; 1 branch. One
/// wave is the whole workgroup, so there is no barrier. RDNA3 may do two in one at 32 lanes: 16 of 2 · (8 + 9).
#[test]
fn aco_with_two_instructions_in_one() {
    let expected = HotLoop {
        instructions: 68,
        fma: 16,
        fma_instructions: 8,
        alu: 9,
        aside: 9,
        memory: 4,
        workgroup: 20,
        branch: 1,
        wait: 17,
        of_peak: Some(16.0 / 34.0),
        ..HotLoop::default()
    };
    assert_eq!(hot(Format::Aco, "navi31.txt", RDNA), expected);
    // 64 lanes are two halves of one instruction.
    let wide = hot(Format::Aco, "navi31.txt", Target { subgroup: Some(64), ..RDNA });
    assert_eq!(wide.of_peak, Some(16.0 / 17.0));
}

/// The same on Vega: 16 v_mac; 10 other v_; 9 other s_; 4 buffer_load; 20 ds_; 13 s_waitcnt and s_nop; 1 branch.
#[test]
fn aco_on_vega() {
    let expected = HotLoop {
        instructions: 73,
        fma: 16,
        fma_instructions: 16,
        alu: 10,
        aside: 9,
        memory: 4,
        workgroup: 20,
        branch: 1,
        wait: 13,
        of_peak: Some(16.0 / 26.0),
        ..HotLoop::default()
    };
    assert_eq!(hot(Format::Aco, "vega10.txt", GCN), expected);
}

/// Blocks 3, 4, 5, 6 and 16, from L6 to `bra pT L6`: 16 ffma; 24 iadd3, 19 imnmx, 14 lea, 8 shf, 7 isetp, 4 mov, 2 lop3, plop3,
/// r2ur, sel; 4 ld.global; 16 ld.shared and 4 st.shared; 4 bra; 2 nop; 2 membar. The GA102 issues one of any kind a cycle.
#[test]
fn nak() {
    let mut expected = HotLoop {
        instructions: 129,
        fma: 16,
        fma_instructions: 16,
        alu: 81,
        memory: 4,
        workgroup: 20,
        branch: 4,
        wait: 2,
        barrier: 2,
        ..HotLoop::default()
    };
    assert_eq!(hot(Format::Nak, "ampere.txt", Target { device: "NVK ", subgroup: Some(32) }), expected);
    for (device, share) in [("a GPU (NVK GA102)", 16.0 / 129.0), ("a GPU (NVK TU102)", 32.0 / 129.0)] {
        expected.of_peak = Some(share);
        assert_eq!(hot(Format::Nak, "ampere.txt", Target { device, subgroup: Some(32) }), expected);
    }
}

/// From 9e to `jmp_any -1064` at 4c6: 16 ffma; 49 iadd, 32 csel, and, isub, mov, shl, shr, 2 each; 4 load; 16 lload and 4 lstore;
/// 2 while and the jump; 4 wait; 2 barrier. The kernel's preamble behind it is another program.
#[test]
fn agx() {
    let expected = HotLoop {
        instructions: 140,
        fma: 16,
        fma_instructions: 16,
        alu: 91,
        memory: 4,
        workgroup: 20,
        branch: 3,
        wait: 4,
        barrier: 2,
        ..HotLoop::default()
    };
    assert_eq!(hot(Format::Agx, "m1.txt", Target::default()), expected);
}

/// From l31 to `jump #l31`: 16 mad.f32; 22 of cmps, max, cov, add, sub, shr, and, shl, sad; 4 isam; 4 stl and 10 ldl; brao and
/// jump; three nop, and idle (nop1), (nop3), (rpt4), 11 in all; 2 fence and 2 bar.
#[test]
fn ir3() {
    let expected = HotLoop {
        instructions: 73,
        fma: 16,
        fma_instructions: 16,
        alu: 22,
        memory: 4,
        workgroup: 14,
        branch: 2,
        wait: 11,
        barrier: 4,
        ..HotLoop::default()
    };
    assert_eq!(hot(Format::Ir3, "a740.txt", Target::default()), expected);
}

/// From LABEL2 to `while(16) JIP: LABEL2`: 16 mad; 6 add, 2 add3, 3 cmp, 3 shl, or, sel; 24 send, each with its message on the
/// next line: 4 ugm, 20 slm; 39 sync; 1 while.
#[test]
fn anv() {
    let expected = HotLoop {
        instructions: 96,
        fma: 16,
        fma_instructions: 16,
        alu: 16,
        memory: 4,
        workgroup: 20,
        branch: 1,
        wait: 39,
        ..HotLoop::default()
    };
    assert_eq!(hot(Format::Anv, "dg2.txt", Target::default()), expected);
}

/// A line that no reader knows gives no number, and so does the text of another compiler.
#[test]
fn unknown_texts_give_no_number() {
    let text = fixture("sass_nvdisasm_sm_89.txt");
    for format in [Format::Aco, Format::Nak, Format::Anv, Format::Agx, Format::Ir3] {
        assert_eq!(analyse(format, &text, Target::default()), None, "{format:?}");
    }
    for format in [Format::Aco, Format::Nak, Format::Anv, Format::Agx, Format::Ir3, Format::Sass] {
        for text in ["", "\n\n", "BB0:", "hello\n", "block 0 L0 [] -> {"] {
            assert_eq!(analyse(format, text, Target::default()), None, "{format:?} {text:?}");
        }
    }
    let tensor = text.replace("FFMA R21, R31, R7, R6", "HMMA.16816.F32 R21, R31, R7, R6");
    assert_ne!(tensor, text, "adapt this test");
    assert_eq!(
        analyse(Format::Sass, &tensor, Target::default()),
        None,
        "products of matrices are not counted"
    );
}

#[test]
fn texts_are_compared_without_places_and_encodings() {
    let lines = "  /*0010*/  FFMA R1, R2 ;  /* 0x00 */\n\tv_add_f32 v0, v1  ; 0a0b\n  1a: 3a7d00a6 fadd r0\nr4 = ffma r1 // delay=2\n";
    let expected = "FFMA R1, R2\nv_add_f32 v0, v1\nfadd r0\nr4 = ffma r1\n";
    assert_eq!(plain(lines), expected);
}
