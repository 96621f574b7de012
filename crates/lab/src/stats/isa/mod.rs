//! The hottest loop of a kernel, read from the machine code that a driver tells as text: what it is made of, and what
//! share of the arithmetic peak it allows. A text with a line that its reader does not know gives no number. Leaves out
//! latencies, caches and bandwidth: a loop can be slower than this, never faster.

mod aco;
mod agx;
mod anv;
mod graph;
mod ir3;
mod nak;
mod sass;

use graph::Program;
use serde::Serialize;

/// Whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// AMD, by RADV's compiler.
    Aco,
    /// NVIDIA, by NVK's compiler.
    Nak,
    /// Intel, by Mesa's compiler.
    Anv,
    /// Apple, by Honeykrisp's compiler.
    Agx,
    /// Qualcomm, by Turnip's compiler.
    Ir3,
    /// NVIDIA, by its own compiler: what `cuobjdump -sass` and `nvdisasm -c` print.
    Sass,
}

impl Format {
    /// The format of a Vulkan driver of this name.
    pub fn of_driver(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let known = [
            ("radv", Self::Aco),
            ("nvk", Self::Nak),
            ("intel open-source mesa", Self::Anv),
            ("honeykrisp", Self::Agx),
            ("turnip", Self::Ir3),
        ];
        known.into_iter().find(|(driver, _)| name.starts_with(driver)).map(|(_, format)| format)
    }
}

/// What else decides how fast a loop may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// The adapter's name; drivers put the chip's behind it.
    pub device: &'a str,
    /// Lanes of a subgroup.
    pub subgroup: Option<u32>,
}

/// What an instruction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Multiplies and adds; so many times, where one instruction does several.
    Fma(u32),
    /// Other arithmetic that takes the place of a multiplication and addition.
    Alu,
    /// Arithmetic that another unit does meanwhile.
    Aside,
    /// Loads and stores of buffers, and what reads constants.
    Memory,
    /// Loads and stores of workgroup memory.
    Workgroup,
    /// Loads and stores of what was spilled.
    Spill,
    /// Jumps and what keeps lanes apart.
    Branch,
    /// Waits, and hints for the scheduler.
    Wait,
    /// Waits for the other threads of the workgroup.
    Barrier,
}

/// What a loop is made of, in instructions of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct HotLoop {
    /// All of them.
    pub instructions: u32,
    /// Multiplications with addition; an instruction may do two.
    pub fma: u32,
    /// Those that do them.
    pub fma_instructions: u32,
    /// Other arithmetic.
    pub alu: u32,
    /// Arithmetic that another unit does meanwhile, such as AMD's scalar one.
    pub aside: u32,
    /// Loads and stores of buffers, and what reads constants.
    pub memory: u32,
    /// Loads and stores of workgroup memory.
    pub workgroup: u32,
    /// Loads and stores of what was spilled.
    pub spill: u32,
    /// Jumps and what keeps lanes apart.
    pub branch: u32,
    /// Waits, and hints for the scheduler.
    pub wait: u32,
    /// Barriers.
    pub barrier: u32,
    /// Loops around it.
    pub depth: u32,
    /// The share of the arithmetic peak that it allows at most, where the rules of the chip are known.
    pub of_peak: Option<f64>,
}

impl HotLoop {
    /// Instructions per multiplication and addition.
    pub fn per_fma(&self) -> f64 {
        f64::from(self.instructions) / f64::from(self.fma)
    }

    fn count(&mut self, class: Class) {
        self.instructions += 1;
        let of_class = match class {
            Class::Fma(lanes) => {
                self.fma += lanes;
                &mut self.fma_instructions
            }
            Class::Alu => &mut self.alu,
            Class::Aside => &mut self.aside,
            Class::Memory => &mut self.memory,
            Class::Workgroup => &mut self.workgroup,
            Class::Spill => &mut self.spill,
            Class::Branch => &mut self.branch,
            Class::Wait => &mut self.wait,
            Class::Barrier => &mut self.barrier,
        };
        *of_class += 1;
    }
}

/// How a chip gives instructions to its units.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Issue {
    /// One a cycle, whatever it is for: at most a multiplication and addition.
    One,
    /// One a cycle, while a multiplication and addition takes its unit for two.
    Half,
    /// Vector arithmetic by itself, and all else beside it; an instruction can do so many multiplications and additions.
    Beside(u32),
}

impl Issue {
    fn share(self, hot: &HotLoop) -> f64 {
        let (fma, all) = (f64::from(hot.fma), f64::from(hot.instructions));
        match self {
            Self::One => fma / all,
            Self::Half => (2.0 * fma / all).min(1.0),
            Self::Beside(most) => fma / (f64::from(most) * f64::from(hot.fma_instructions + hot.alu)),
        }
    }
}

/// The loop with the most multiplications and additions in it, those of loops within it left out. `None` for a text that
/// its reader does not know throughout, and where no loop multiplies and adds.
pub fn analyse(format: Format, text: &str, target: Target<'_>) -> Option<HotLoop> {
    let program: Program = match format {
        Format::Aco => aco::read(text),
        Format::Nak => nak::read(text),
        Format::Anv => anv::read(text),
        Format::Agx => agx::read(text),
        Format::Ir3 => ir3::read(text),
        Format::Sass => sass::read(text),
    }?;
    let mut hot = program.hottest()?;
    let issue = match format {
        Format::Aco => Some(aco::issue(text, target)),
        Format::Nak => nak::issue(target),
        Format::Sass => sass::issue(text),
        // How these give instructions to their units depends on more than stands in the text, or is not published.
        Format::Agx | Format::Anv | Format::Ir3 => None,
    };
    hot.of_peak = issue.map(|issue| issue.share(&hot));
    Some(hot)
}

/// The machine code in what a driver tells, without what it says besides; `None` where there is none.
pub fn listing(format: Format, text: String) -> Option<String> {
    match format {
        Format::Agx => agx::listing(&text),
        _ => Some(text),
    }
}

/// The first word of a line, which is what it does, and the rest.
fn split(line: &str) -> (&str, &str) {
    line.split_once(char::is_whitespace).unwrap_or((line, ""))
}

/// A text without addresses, encodings and notes, which differ everywhere: for comparing two by their lines.
pub fn plain(text: &str) -> String {
    text.lines()
        .map(|line| bare(line).trim_end())
        .filter(|line| !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// An instruction alone.
fn bare(line: &str) -> &str {
    // Notes and encodings behind it.
    let line =
        ["//", " ;", "\t;", "/* 0x"].iter().fold(line, |line, mark| line.split(mark).next().unwrap_or(line));
    let start = line.trim_start();
    // `/*0010*/`, `1a: 3a7d00a6`, `:2:0001:0002[20420000x_00000000x]` before it.
    let is_hex = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some((_, rest)) = start.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) {
        return rest.trim_start();
    }
    if let Some((_, rest)) = start.strip_prefix(':').and_then(|rest| rest.split_once(']')) {
        return rest.trim_start();
    }
    if let Some((_, rest)) =
        start.split_once(": ").filter(|(address, _)| is_hex(address) || address.len() == 1)
    {
        let (code, rest) = split(rest.trim_start());
        if is_hex(code) {
            return rest.trim_start();
        }
    }
    line.trim_start()
}
