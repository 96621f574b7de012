//! How many cells a type takes, and where its scalars stand in a buffer.

use super::{
    Refusal,
    code::{Cell, Kind, Shape},
    real::{Real, Width},
};
use naga::{ArraySize, Handle, Module, ScalarKind, Type, TypeInner, VectorSize};

/// Cells of the largest value: some 50 MB.
const MOST: u32 = 1 << 20;

/// The scalars of a type that a shader computes with.
pub(super) fn kind(scalar: naga::Scalar) -> Result<Kind, Refusal> {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Float, 4) => Ok(Kind::Float(Width::Single)),
        (ScalarKind::Float, 2) => Ok(Kind::Float(Width::Half)),
        (ScalarKind::Sint, 4) => Ok(Kind::Signed),
        (ScalarKind::Uint, 4) => Ok(Kind::Unsigned),
        (ScalarKind::Bool, _) => Ok(Kind::Bool),
        (kind, width) => Err(Refusal::new(format!(
            "{kind:?} numbers of {} bits are not interpreted: f32, f16, i32, u32 and bool are",
            8 * u32::from(width)
        ))),
    }
}

/// Zero of a kind.
pub(super) fn zero(kind: Kind) -> Cell {
    match kind {
        Kind::Float(_) => Cell::Real(Real::ZERO),
        _ => Cell::Word(0, 0),
    }
}

/// The types of a module.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub module: &'a Module,
}

impl<'a> Layout<'a> {
    /// What a type is.
    pub fn inner(self, ty: Handle<Type>) -> &'a TypeInner {
        &self.module.types[ty].inner
    }

    /// How many elements; `None` where the buffer says.
    pub fn count(self, size: ArraySize) -> Result<Option<u32>, Refusal> {
        match size.resolve(self.module.to_ctx()) {
            Ok(naga::proc::IndexableLength::Known(count)) => Ok(Some(count)),
            Ok(naga::proc::IndexableLength::Dynamic) => Ok(None),
            Err(error) => Err(Refusal::new(format!("the length of an array is not known: {error}"))),
        }
    }

    /// Cells of a value.
    pub fn cells(self, inner: &TypeInner) -> Result<u32, Refusal> {
        let size = |n: VectorSize| u32::from(n);
        let cells = match inner {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => {
                kind(*scalar)?;
                1
            }
            TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. } => 1,
            TypeInner::Vector { size: n, scalar } => {
                kind(*scalar)?;
                size(*n)
            }
            TypeInner::Matrix { columns, rows, scalar } => {
                kind(*scalar)?;
                size(*columns) * size(*rows)
            }
            TypeInner::Array { base, size, .. } => {
                let Some(count) = self.count(*size)? else {
                    return Err(Refusal::new("an array whose length the buffer says is no value"));
                };
                self.cells(self.inner(*base))?.saturating_mul(count)
            }
            TypeInner::Struct { members, .. } => {
                let mut all = 0u32;
                for member in members {
                    all = all.saturating_add(self.cells(self.inner(member.ty))?);
                }
                all
            }
            other => return Err(Refusal::new(format!("{} are not interpreted", opaque(other)))),
        };
        match cells > MOST {
            true => Err(Refusal::new(format!("a value of {cells} numbers is too large: {MOST} are allowed"))),
            false => Ok(cells),
        }
    }

    /// The kinds of all scalars of a value.
    pub fn kinds(self, inner: &TypeInner) -> Result<Vec<Kind>, Refusal> {
        let cells = self.cells(inner)? as usize;
        Ok(match inner {
            TypeInner::Scalar(scalar)
            | TypeInner::Atomic(scalar)
            | TypeInner::Vector { scalar, .. }
            | TypeInner::Matrix { scalar, .. } => vec![kind(*scalar)?; cells],
            TypeInner::Array { base, .. } => {
                let element = self.kinds(self.inner(*base))?;
                element.iter().copied().cycle().take(cells).collect()
            }
            TypeInner::Struct { members, .. } => {
                let mut all = Vec::with_capacity(cells);
                for member in members {
                    all.extend(self.kinds(self.inner(member.ty))?);
                }
                all
            }
            _ => Vec::new(),
        })
    }

    /// The zero of a type.
    pub fn zeros(self, inner: &TypeInner) -> Result<Vec<Cell>, Refusal> {
        Ok(self.kinds(inner)?.into_iter().map(zero).collect())
    }

    /// The same, and a cell for a pointer.
    pub fn zeros_or_pointer(self, inner: &TypeInner) -> Result<Vec<Cell>, Refusal> {
        match inner {
            TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. } => Ok(vec![Cell::Word(0, 0)]),
            inner => self.zeros(inner),
        }
    }

    /// How far the columns of a matrix are apart: in cells, or in words of a buffer.
    pub fn column(rows: VectorSize, words: bool) -> u32 {
        match (rows, words) {
            (VectorSize::Tri, true) => 4,
            (rows, _) => u32::from(rows),
        }
    }

    /// How far the elements of an array are apart.
    pub fn stride(self, base: Handle<Type>, stride: u32, words: bool) -> Result<u32, Refusal> {
        if words { Ok(stride / 4) } else { self.cells(self.inner(base)) }
    }

    /// How far behind the first a member of a structure stands.
    pub fn member(self, members: &[naga::StructMember], index: usize, words: bool) -> Result<u32, Refusal> {
        if words {
            return Ok(members.get(index).map_or(0, |member| member.offset / 4));
        }
        members.iter().take(index).try_fold(0, |at, member| Ok(at + self.cells(self.inner(member.ty))?))
    }

    /// How a value of this type lies in memory.
    pub fn shape(self, inner: &TypeInner, words: bool) -> Result<Shape, Refusal> {
        if !words {
            return Ok(Shape::Cells(self.cells(inner)?));
        }
        let mut leaves = Vec::with_capacity(self.cells(inner)? as usize);
        self.leaves(inner, 0, &mut leaves)?;
        let first = leaves.first().map_or(Kind::Unsigned, |(_, kind)| *kind);
        let plain = leaves.iter().enumerate().all(|(n, (at, kind))| *at == n as u32 && *kind == first);
        Ok(match plain {
            true => Shape::Words(leaves.len() as u32, first),
            false => Shape::Scattered(leaves.into()),
        })
    }

    fn leaves(self, inner: &TypeInner, at: u32, into: &mut Vec<(u32, Kind)>) -> Result<(), Refusal> {
        let mut leaf = |scalar: naga::Scalar, at: u32| match kind(scalar)? {
            Kind::Float(Width::Half) => {
                Err(Refusal::new("f16 in a buffer is not interpreted: buffers are read by words of 32 bits"))
            }
            kind => {
                into.push((at, kind));
                Ok(())
            }
        };
        match inner {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => leaf(*scalar, at),
            TypeInner::Vector { size, scalar } => {
                (0..u32::from(*size)).try_for_each(|n| leaf(*scalar, at + n))
            }
            TypeInner::Matrix { columns, rows, scalar } => {
                let apart = Self::column(*rows, true);
                let mut all =
                    (0..u32::from(*columns)).flat_map(|c| (0..u32::from(*rows)).map(move |r| (c, r)));
                all.try_for_each(|(c, r)| leaf(*scalar, at + c * apart + r))
            }
            TypeInner::Array { base, size, stride } => {
                let count = self.count(*size)?.unwrap_or(0);
                (0..count).try_for_each(|n| self.leaves(self.inner(*base), at + n * (stride / 4), into))
            }
            TypeInner::Struct { members, .. } => members
                .iter()
                .try_for_each(|member| self.leaves(self.inner(member.ty), at + member.offset / 4, into)),
            other => Err(Refusal::new(format!("{} are not interpreted", opaque(other)))),
        }
    }

    /// Words that a buffer of this type has at least.
    pub fn least_words(self, inner: &TypeInner) -> Result<u32, Refusal> {
        Ok(match inner {
            TypeInner::Array { size, stride, .. } => {
                self.count(*size)?.unwrap_or(0).saturating_mul(stride / 4)
            }
            TypeInner::Struct { members, span } => {
                match members.last().map(|last| (last, self.inner(last.ty))) {
                    Some((last, TypeInner::Array { size: ArraySize::Dynamic, .. })) => last.offset / 4,
                    _ => span / 4,
                }
            }
            TypeInner::Matrix { columns, rows, .. } => u32::from(*columns) * Self::column(*rows, true),
            other => self.cells(other)?,
        })
    }
}

/// What is no number, by its name.
fn opaque(inner: &TypeInner) -> &'static str {
    match inner {
        TypeInner::Image { .. } => "textures",
        TypeInner::Sampler { .. } => "samplers",
        TypeInner::AccelerationStructure { .. } | TypeInner::RayQuery { .. } => "rays",
        TypeInner::BindingArray { .. } => "arrays of bindings",
        TypeInner::CooperativeMatrix { .. } => "cooperative matrices",
        _ => "such values",
    }
}
