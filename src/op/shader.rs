//! Composition of a variant with its operation's interface, and its reflection by naga: bindings by name, sizes, tile
//! constants, workgroup size. Rust never repeats what WGSL declares.
//!
//! Three conventions of `interface.wgsl` are read from its comments, because WGSL cannot express them:
//! * `var<storage, read> x: array<f32>; // (M, K)` gives the shape, in names of overrides. Sums and products are
//!   allowed: `(SPLITS, TAPS + 1, CO)`, and quotients, rounded up: `N * OH / 2`. `// (COUNT) in place` marks a buffer
//!   that is updated; [`super::role`] has the marks for the values that it may hold.
//! * `x4: array<vec4<f32>>` on the binding of `x` is a second view of the same buffer.
//! * `// grid N, M` gives the extents that the workgroups cover, x first; `// grid ITEMS = ROWS * PIXELS` names a
//!   product. One workgroup of a variant covers `TILE_N` of `N`, a constant or override of the variant; without it, its
//!   workgroup size. A variant with another grid has its own such line.

use super::{
    Size, bounds, directives,
    role::{self, Role},
};
use crate::{Error, Result};
use naga::{AddressSpace, Expression, Literal, ScalarKind, StorageAccess, TypeInner};
use std::collections::BTreeMap;

/// Access of a kernel to a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`: every element is overwritten.
    Write,
    /// `read_write` and marked `in place`: it is read and updated.
    Update,
}

/// Element type of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floating point.
    F32,
    /// 32-bit unsigned integers.
    U32,
    /// 32-bit signed integers.
    I32,
}

/// One buffer of an operation.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Its name in the interface.
    pub name: String,
    /// `@binding` in group 0.
    pub index: u32,
    /// Read, written or updated.
    pub access: Access,
    /// `f32`, `u32` or `i32`.
    pub element: Element,
    /// Its shape in names of sizes.
    pub shape: Vec<Size>,
    /// The values that it may hold; proofs make their inputs accordingly.
    pub role: Role,
    /// Exclusive upper bound of its integers, if they are indices; proofs make their inputs accordingly.
    pub below: Option<Size>,
}

/// A composed, validated and reflected module.
#[derive(Clone, Debug)]
pub struct Shader {
    /// The text that is given to wgpu: without the directives that naga does not know.
    pub text: String,
    /// The buffers of group 0, by index.
    pub bindings: Vec<Binding>,
    /// The overrides, with their defaults if they have any.
    pub overrides: BTreeMap<String, Option<f64>>,
    /// Named scalar constants.
    pub constants: BTreeMap<String, f64>,
    /// The axes that the grid covers: name and size.
    pub grid: Vec<(String, Size)>,
    /// True if the entry point uses the feed: its numbers (group 1), or its chunk.
    pub feed: bool,
    /// True if it uses the chunk of the feed: images and labels (group 2).
    pub chunk: bool,
    /// True if it uses `arrayLength`: a proof then binds its buffers at their exact lengths.
    pub array_length: bool,
    /// Workgroup size; a name if an override sets it.
    workgroup: [std::result::Result<u32, String>; 3],
    /// Workgroup memory of the entry point; a name if an override sizes it.
    shared: Vec<Shared>,
}

/// A variable in workgroup memory: bytes per element, and number of elements.
type Shared = (u32, std::result::Result<u32, String>);

impl Shader {
    /// Parses, validates and reflects the variant followed by `interface` and `parts`. The variant comes first so that
    /// its lines keep their numbers. `kernel` is the name used in errors; `interface` holds the shapes.
    ///
    /// # Errors
    /// [`Error::Shader`] with naga's message at the author's own line; [`Error::Asserted`].
    pub fn compose(kernel: &str, variant: &str, interface: &str, parts: &[&str]) -> Result<Self> {
        let written = format!("{variant}\n{}", joined(interface, parts));
        let text = directives::for_naga(&written);
        let fail = |message: String| Error::Shader { kernel: kernel.to_string(), message };
        if let Some(message) = bounds::nested(&text) {
            return Err(fail(message));
        }
        let module = naga::front::wgsl::parse_str(&text).map_err(|e| match asserted(&e, &text) {
            Some(message) => Error::Asserted { kernel: kernel.to_string(), message },
            None => fail(e.emit_to_string_with_path(&written, kernel)),
        })?;
        let info = naga::valid::Validator::new(
            naga::valid::ValidationFlags::all(),
            naga::valid::Capabilities::all(),
        )
        .validate(&module)
        .map_err(|e| fail(e.emit_to_string_with_path(&written, kernel)))?;
        if let Some(message) = bounds::beyond(&module).map_err(|e| fail(e.to_string()))? {
            return Err(fail(message));
        }
        let [entry] = module.entry_points.as_slice() else {
            let n = module.entry_points.len();
            return Err(fail(format!("it has {n} entry points; write exactly one @compute function")));
        };
        if entry.stage != naga::ShaderStage::Compute {
            return Err(fail(format!("`{}` is not @compute; only compute kernels run here", entry.name)));
        }
        let usage = info.get_entry_point(0);
        let mut bindings: Vec<Binding> = Vec::new();
        let (mut feed, mut chunk) = (false, false);
        for (handle, global) in module.global_variables.iter() {
            let (Some(binding), Some(name)) = (&global.binding, &global.name) else { continue };
            if [1, 2].contains(&binding.group) {
                let used = !usage[handle].is_empty();
                feed |= used;
                chunk |= used && binding.group == 2;
                continue;
            }
            let shaped = shape_of(interface, name);
            let AddressSpace::Storage { access } = global.space else {
                return Err(fail(format!(
                    "`{name}` is not a storage buffer; group 0 holds storage buffers only"
                )));
            };
            let Some((shape, marks)) = shaped else {
                // A second view of a buffer whose shape stands at its first view, checked below.
                continue;
            };
            let element = element_of(&module, global.ty).ok_or_else(|| {
                fail(format!("`{name}` is not an array of f32, u32 or i32, or of vectors of 2 or 4 of them"))
            })?;
            let access = match (access.contains(StorageAccess::STORE), role::in_place(marks)) {
                (false, _) => Access::Read,
                (true, false) => Access::Write,
                (true, true) => Access::Update,
            };
            let (role, below) = (Role::of(marks), role::below(marks));
            bindings.push(Binding {
                name: name.clone(),
                index: binding.binding,
                access,
                element,
                shape,
                role,
                below,
            });
        }
        for (_, global) in module.global_variables.iter() {
            let (Some(binding), Some(name)) = (&global.binding, &global.name) else { continue };
            if binding.group == 0 && !bindings.iter().any(|b| b.index == binding.binding) {
                return Err(fail(format!("`{name}` has no shape comment such as `// (M, K)` after it")));
            }
        }
        bindings.sort_by_key(|b| b.index);
        let overrides = module
            .overrides
            .iter()
            .filter_map(|(_, o)| Some((o.name.clone()?, o.init.and_then(|e| literal(&module, e)))))
            .collect();
        let constants = module
            .constants
            .iter()
            .filter_map(|(_, c)| Some((c.name.clone()?, literal(&module, c.init)?)))
            .collect();
        let workgroup =
            std::array::from_fn(|axis| match entry.workgroup_size_overrides.and_then(|sizes| sizes[axis]) {
                Some(expression) => match module.global_expressions[expression] {
                    Expression::Override(o) => Err(module.overrides[o].name.clone().unwrap_or_default()),
                    _ => Ok(literal(&module, expression).map_or(1, |v| v as u32)),
                },
                None => Ok(entry.workgroup_size[axis]),
            });
        let grid = grid_of(variant)
            .or_else(|| grid_of(interface))
            .ok_or_else(|| fail("its interface has no `// grid` line".to_string()))?;
        let shared = shared(&module, usage).map_err(|e| fail(e.to_string()))?;
        let functions = module.functions.iter().map(|(_, function)| function).chain([&entry.function]);
        let asks =
            |f: &naga::Function| f.expressions.iter().any(|(_, e)| matches!(e, Expression::ArrayLength(_)));
        let array_length = functions.into_iter().any(asks);
        Ok(Self { text, bindings, overrides, constants, grid, feed, chunk, array_length, workgroup, shared })
    }

    /// All named numbers of the module, with `sizes` substituted for its overrides.
    pub fn values(&self, sizes: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
        let mut all = self.constants.clone();
        all.extend(self.overrides.iter().filter_map(|(name, value)| Some((name.clone(), (*value)?))));
        all.extend(sizes.iter().map(|(name, value)| (name.clone(), *value)));
        all
    }

    /// The workgroup size for `values`.
    pub fn workgroup_size(&self, values: &BTreeMap<String, f64>) -> [u32; 3] {
        std::array::from_fn(|axis| match &self.workgroup[axis] {
            Ok(size) => *size,
            Err(name) => values.get(name).map_or(1, |v| *v as u32),
        })
    }

    /// Bytes of workgroup memory for `values`, each variable rounded up to 16 as WebGPU counts.
    pub fn workgroup_bytes(&self, values: &BTreeMap<String, f64>) -> u64 {
        let bytes = |(size, count): &Shared| {
            let count = match count {
                Ok(count) => u64::from(*count),
                Err(name) => values.get(name).map_or(1, |v| *v as u64),
            };
            (u64::from(*size) * count).next_multiple_of(16)
        };
        self.shared.iter().map(bytes).sum()
    }

    /// A message if one workgroup exceeds `limits`.
    pub fn beyond(&self, values: &BTreeMap<String, f64>, limits: &wgpu::Limits) -> Option<String> {
        let size = self.workgroup_size(values);
        let most = [
            limits.max_compute_workgroup_size_x,
            limits.max_compute_workgroup_size_y,
            limits.max_compute_workgroup_size_z,
        ];
        let threads: u64 = size.iter().map(|n| u64::from(*n)).product();
        let allowed = limits.max_compute_invocations_per_workgroup;
        if threads > u64::from(allowed) || size.iter().zip(most).any(|(n, most)| *n > most) {
            let [x, y, z] = size;
            return Some(format!("needs {x} × {y} × {z} threads a workgroup, this adapter allows {allowed}"));
        }
        let buffers = self.bindings.len() + if self.chunk { 2 } else { 0 };
        let allowed = limits.max_storage_buffers_per_shader_stage;
        if buffers > allowed as usize {
            return Some(format!("needs {buffers} storage buffers, this adapter allows {allowed}"));
        }
        let bytes = self.workgroup_bytes(values);
        let allowed = limits.max_compute_workgroup_storage_size;
        (bytes > u64::from(allowed))
            .then(|| format!("needs {bytes} bytes of workgroup memory, this adapter allows {allowed}"))
    }

    /// Number of workgroups that cover the grid. If the last axis exceeds `limit` (65,535 by default) and there is a
    /// next dimension, it folds into that one. So a kernel computes its position on that axis as `wid.y + wid.z *
    /// groups.y` (or x and y if the grid has one axis), and returns beyond the end.
    pub fn groups(&self, values: &BTreeMap<String, f64>, limit: u32) -> Option<[u32; 3]> {
        let workgroup = self.workgroup_size(values);
        let mut groups = [1u32; 3];
        for (axis, (name, size)) in self.grid.iter().enumerate() {
            let extent = size.value(values)?;
            let tile = match values.get(&format!("TILE_{name}")) {
                Some(tile) => *tile as usize,
                None => workgroup[axis] as usize,
            };
            groups[axis] = u32::try_from(extent.div_ceil(tile.max(1))).ok()?;
        }
        let groups = self.folded(groups, limit).unwrap_or(groups);
        (groups.iter().all(|g| *g <= limit)).then_some(groups)
    }

    /// Folds `groups` so that the last axis of the grid has at most `most` of them, and the next dimension the others.
    /// Returns `None` if there are no more than `most`, or no next dimension.
    pub fn folded(&self, mut groups: [u32; 3], most: u32) -> Option<[u32; 3]> {
        let last = self.grid.len() - 1;
        if last == 2 || groups[last] <= most {
            return None;
        }
        // They may already be folded.
        let all = groups[last] * groups[last + 1];
        let layers = all.div_ceil(most);
        groups[last] = all.div_ceil(layers);
        groups[last + 1] = layers;
        Some(groups)
    }
}

/// Joins an interface and the texts that it builds on, unchanged.
pub(crate) fn joined(interface: &str, parts: &[&str]) -> String {
    let mut text = String::new();
    for part in [&interface].into_iter().chain(parts) {
        text.push_str(part);
        text.push('\n');
    }
    text
}

/// The `const_assert` that failed, if `error` reports one.
fn asserted(error: &naga::front::wgsl::ParseError, text: &str) -> Option<String> {
    if !error.message().contains("const_assert") {
        return None;
    }
    let (span, _) = error.labels().next()?;
    let condition = text.get(span.to_range()?)?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(format!("does not meet its own `const_assert {condition}`"))
}

/// The workgroup memory of the entry point: bytes per element and number of elements of each variable.
fn shared(
    module: &naga::Module,
    usage: &naga::valid::FunctionInfo,
) -> std::result::Result<Vec<Shared>, naga::proc::LayoutError> {
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx())?;
    let shared = module
        .global_variables
        .iter()
        .filter(|(handle, global)| global.space == AddressSpace::WorkGroup && !usage[*handle].is_empty());
    let shared = shared.map(|(_, global)| match module.types[global.ty].inner {
        TypeInner::Array { stride, size: naga::ArraySize::Constant(count), .. } => (stride, Ok(count.get())),
        TypeInner::Array { stride, size: naga::ArraySize::Pending(handle), .. } => {
            (stride, Err(module.overrides[handle].name.clone().unwrap_or_default()))
        }
        _ => (layouter[global.ty].size, Ok(1)),
    });
    Ok(shared.collect())
}

fn element_of(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Option<Element> {
    let TypeInner::Array { base, .. } = module.types[ty].inner else { return None };
    let kind = match module.types[base].inner {
        TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => scalar,
        // Three have a gap behind them, which no shape counts.
        TypeInner::Vector { scalar, size } if size != naga::VectorSize::Tri => scalar,
        _ => return None,
    };
    match (kind.kind, kind.width) {
        (ScalarKind::Float, 4) => Some(Element::F32),
        (ScalarKind::Uint, 4) => Some(Element::U32),
        (ScalarKind::Sint, 4) => Some(Element::I32),
        _ => None,
    }
}

fn literal(module: &naga::Module, expression: naga::Handle<Expression>) -> Option<f64> {
    match module.global_expressions[expression] {
        Expression::Literal(literal) => Some(match literal {
            Literal::U32(v) => v.into(),
            Literal::I32(v) => v.into(),
            Literal::F32(v) => v.into(),
            Literal::F64(v) => v,
            Literal::Bool(v) => f64::from(u8::from(v)),
            Literal::AbstractInt(v) => v as f64,
            Literal::AbstractFloat(v) => v,
            _ => return None,
        }),
        _ => None,
    }
}

/// The shape in the comment of the declaration of `name`, and the text after it, such as `in place`.
pub(super) fn shape_of<'a>(interface: &'a str, name: &str) -> Option<(Vec<Size>, &'a str)> {
    let declared = format!("> {name}:");
    let line = interface.lines().find(|line| line.contains(&declared))?;
    let comment = line.split_once("//")?.1.trim();
    let (shape, rest) = comment.strip_prefix('(')?.split_once(')')?;
    Some((shape.split(',').map(|s| Size(s.trim().to_string())).collect(), rest))
}

fn grid_of(text: &str) -> Option<Vec<(String, Size)>> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("// grid "))?;
    Some(
        line.split(',')
            .map(|axis| {
                let (name, size) = axis.split_once('=').unwrap_or((axis, axis));
                (name.trim().to_string(), Size(size.trim().to_string()))
            })
            .collect(),
    )
}
