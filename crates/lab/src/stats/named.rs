//! The statistics that drivers tell, under common names. Each driver has its own names for them: RADV, NVK, ANV,
//! Honeykrisp, Turnip of Mesa, and NVIDIA's own driver.

use super::{Statistic, Statistics};

/// Names in lower case, the better one first.
const REGISTERS: &[&str] =
    &["vgprs", "number of gprs", "gprs", "max live registers", "registers used", "register count"];
const SPILLS: &[&str] = &["spilled vgprs", "spills to memory", "spill count", "spills", "stp count"];
const SCRATCH: &[&str] = &[
    "scratch size",
    "slm size",
    "scratch memory size",
    "scratch",
    "local memory size",
    "private memory size",
];
const WORKGROUP: &[&str] =
    &["lds size", "workgroup memory size", "shared memory size", "shared size", "workgroup memory"];
const INSTRUCTIONS: &[&str] = &["instructions", "instruction count"];
const CODE: &[&str] = &["code size", "binary size"];
const OCCUPANCY: &[(&str, &str)] = &[
    ("subgroups per simd", "waves a SIMD"),
    ("max warps/sm", "warps an SM"),
    ("max waves per core", "waves a core"),
    ("threads", "threads a core"),
];

/// Puts into `row` what `statistics` say.
pub(super) fn fill(row: &mut Statistics, statistics: &[Statistic]) {
    let one = |name: &str| {
        let found = statistics.iter().find(|statistic| statistic.name.to_lowercase() == name)?;
        found.value.as_u64().or_else(|| found.value.as_f64().map(|value| value as u64))
    };
    let first = |names: &[&str]| names.iter().find_map(|name| one(name));
    row.registers = first(REGISTERS);
    row.spills = first(SPILLS);
    row.scratch_bytes = first(SCRATCH);
    row.workgroup_bytes = first(WORKGROUP).filter(|bytes| *bytes > 0).or(row.workgroup_bytes);
    row.instructions = first(INSTRUCTIONS);
    row.code_bytes = first(CODE);
    if let Some((count, unit)) = OCCUPANCY.iter().find_map(|(name, unit)| Some((one(name)?, *unit))) {
        (row.occupancy, row.occupancy_unit) = (Some(count), Some(unit));
    }
}
