//! From naga's expressions to instructions.

use super::{
    Refusal,
    code::{Kind, Lanes, Op, Scalar, Shape, Slot, Whole},
    compile::Body,
    layout::{Layout, kind},
    real::Width,
};
use naga::{
    AddressSpace, BinaryOperator, Expression, Handle, MathFunction, RelationalFunction, TypeInner,
    UnaryOperator, VectorSize,
};

/// What a pointer points to.
enum Pointee<'a> {
    Type(&'a TypeInner),
    /// A vector, or one of its components.
    Vector(Option<VectorSize>, naga::Scalar),
}

/// An expression that is not interpreted, by its name in WGSL.
pub(super) fn named(expression: &Expression) -> &'static str {
    match expression {
        Expression::ImageSample { .. } | Expression::ImageLoad { .. } | Expression::ImageQuery { .. } => {
            "a texture"
        }
        Expression::Derivative { .. } => "a derivative",
        Expression::SubgroupBallotResult | Expression::SubgroupOperationResult { .. } => {
            "a subgroup's result"
        }
        Expression::CooperativeLoad { .. } | Expression::CooperativeMultiplyAdd { .. } => {
            "a cooperative matrix"
        }
        Expression::Override(_) => "an override that has no value",
        _ => "this expression",
    }
}

/// The scalar of numbers, vectors and matrices.
fn scalar(inner: &TypeInner) -> Option<naga::Scalar> {
    match inner {
        TypeInner::Scalar(scalar)
        | TypeInner::Atomic(scalar)
        | TypeInner::Vector { scalar, .. }
        | TypeInner::Matrix { scalar, .. } => Some(*scalar),
        _ => None,
    }
}

impl<'a> Body<'a, '_> {
    fn kind(&self, handle: Handle<Expression>) -> Result<Kind, Refusal> {
        match scalar(self.ty(handle)) {
            Some(scalar) => kind(scalar),
            None => self.refuse("an operation on something else than numbers is not interpreted"),
        }
    }

    fn pointee(&self, pointer: Handle<Expression>) -> Option<(Pointee<'a>, AddressSpace)> {
        match self.ty(pointer) {
            TypeInner::Pointer { base, space } => Some((Pointee::Type(self.all.layout.inner(*base)), *space)),
            TypeInner::ValuePointer { size, scalar, space } => {
                Some((Pointee::Vector(*size, *scalar), *space))
            }
            _ => None,
        }
    }

    pub(super) fn is_atomic(&self, pointer: Handle<Expression>) -> bool {
        matches!(self.pointee(pointer), Some((Pointee::Type(TypeInner::Atomic(_)), _)))
    }

    /// How what a pointer points to lies in memory.
    pub(super) fn shape(&self, pointer: Handle<Expression>) -> Result<Shape, Refusal> {
        let Some((pointee, space)) = self.pointee(pointer) else {
            return self.refuse("a load from what is no pointer is not interpreted");
        };
        match pointee {
            Pointee::Type(inner) => self.all.layout.shape(inner, of_host(space)),
            Pointee::Vector(size, scalar) => {
                let inner = match size {
                    Some(size) => TypeInner::Vector { size, scalar },
                    None => TypeInner::Scalar(scalar),
                };
                self.all.layout.shape(&inner, of_host(space))
            }
        }
    }

    /// Compiles an expression that an `Emit` covers.
    pub(super) fn expression(&mut self, handle: Handle<Expression>) -> Result<(), Refusal> {
        let expression = &self.function.expressions[handle];
        match expression {
            // Their places are found where they are used.
            Expression::Literal(_)
            | Expression::Constant(_)
            | Expression::ZeroValue(_)
            | Expression::FunctionArgument(_)
            | Expression::GlobalVariable(_)
            | Expression::LocalVariable(_) => {
                self.slot(handle)?;
            }
            Expression::Compose { components, .. } => {
                let mut at = self.room(handle)?;
                for component in components {
                    let (from, len) = (self.slot(*component)?, self.cells(*component)?);
                    self.push(Op::Copy { to: at, from, len });
                    at += len;
                }
            }
            Expression::Splat { size, value } => {
                let (from, to) = (self.slot(*value)?, self.room(handle)?);
                self.push(Op::Splat { to, from, lanes: u32::from(*size) });
            }
            Expression::Swizzle { size, vector, pattern } => {
                let (from, to) = (self.slot(*vector)?, self.room(handle)?);
                self.push(Op::Swizzle {
                    to,
                    from,
                    pattern: pattern.map(|c| c as u8),
                    lanes: u32::from(*size),
                });
            }
            Expression::AccessIndex { base, index } => self.member(handle, *base, *index)?,
            Expression::Access { base, index } => self.element(handle, *base, *index)?,
            Expression::Load { pointer } => {
                let (shape, pointer) = (self.shape(*pointer)?, self.slot(*pointer)?);
                let to = self.room(handle)?;
                self.push(Op::Load { to, pointer, shape });
            }
            Expression::Unary { op, expr } => {
                let kind = self.kind(*expr)?;
                let op = match op {
                    UnaryOperator::Negate => Scalar::Negate(kind),
                    UnaryOperator::LogicalNot => Scalar::Not,
                    UnaryOperator::BitwiseNot => Scalar::Complement,
                };
                self.by_component(handle, op, &[*expr])?;
            }
            Expression::Binary { op, left, right } => self.binary(handle, *op, *left, *right)?,
            Expression::Select { condition, accept, reject } => {
                self.by_component(handle, Scalar::Select, &[*condition, *accept, *reject])?;
            }
            Expression::Relational { fun, argument } => {
                let op = match fun {
                    RelationalFunction::All => Whole::All,
                    RelationalFunction::Any => Whole::Any,
                    _ => {
                        return self
                            .refuse("isNan and isInf are not interpreted: WGSL leaves them to the device");
                    }
                };
                let (lanes, from) = (self.cells(*argument)?, self.slot(*argument)?);
                let to = self.room(handle)?;
                // How many stands where other operands would.
                self.push(Op::Whole { to, op, from: [from, lanes, 0] });
            }
            Expression::Math { fun, arg, arg1, arg2, arg3 } => {
                let arguments: Vec<_> = [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect();
                self.math(handle, *fun, &arguments)?;
            }
            Expression::As { expr, kind: _, convert } => {
                let (from, to) = (self.kind(*expr)?, self.kind(handle)?);
                let op = match convert {
                    Some(_) => Scalar::Convert(from, to),
                    None => Scalar::Bitcast(from, to),
                };
                self.by_component(handle, op, &[*expr])?;
            }
            Expression::ArrayLength(array) => {
                let stride = match self.pointee(*array) {
                    Some((Pointee::Type(TypeInner::Array { stride, .. }), _)) => stride / 4,
                    _ => return self.refuse("arrayLength of what is no array is not interpreted"),
                };
                let (from, to) = (self.slot(*array)?, self.room(handle)?);
                self.push(Op::Length { to, from, stride });
            }
            other => return self.refuse(format!("{} is not interpreted", named(other))),
        }
        Ok(())
    }

    /// A member of a structure, or an element at a constant place.
    fn member(
        &mut self,
        handle: Handle<Expression>,
        base: Handle<Expression>,
        index: u32,
    ) -> Result<(), Refusal> {
        let layout = self.all.layout;
        let from = self.slot(base)?;
        let Some((pointee, space)) = self.pointee(base) else {
            // A part of a value stands within it: nothing is copied.
            let behind = match self.ty(base) {
                TypeInner::Struct { members, .. } => layout.member(members, index as usize, false)?,
                TypeInner::Matrix { rows, .. } => index * u32::from(*rows),
                TypeInner::Array { base, .. } => index * layout.cells(layout.inner(*base))?,
                _ => index,
            };
            self.slots.insert(handle, from + behind);
            return Ok(());
        };
        let words = of_host(space);
        let by = match pointee {
            Pointee::Type(TypeInner::Struct { members, .. }) => {
                layout.member(members, index as usize, words)?
            }
            Pointee::Type(TypeInner::Array { size: naga::ArraySize::Dynamic, stride, .. }) => {
                let index = self.place(&[super::code::Cell::Word(index, 0)])?;
                let to = self.room(handle)?;
                self.push(Op::Element { to, from, index, stride: stride / 4, count: None, signed: false });
                return Ok(());
            }
            Pointee::Type(TypeInner::Array { base, stride, .. }) => {
                index.saturating_mul(layout.stride(*base, *stride, words)?)
            }
            Pointee::Type(TypeInner::Matrix { rows, .. }) => index * Layout::column(*rows, words),
            _ => index,
        };
        let to = self.room(handle)?;
        self.push(Op::Offset { to, from, by });
        Ok(())
    }

    /// An element at a place that is computed.
    fn element(
        &mut self,
        handle: Handle<Expression>,
        base: Handle<Expression>,
        index: Handle<Expression>,
    ) -> Result<(), Refusal> {
        let layout = self.all.layout;
        let signed = self.kind(index)? == Kind::Signed;
        let (from, index) = (self.slot(base)?, self.slot(index)?);
        let Some((pointee, space)) = self.pointee(base) else {
            let len = self.cells(handle)?;
            let count = self.cells(base)? / len.max(1);
            let to = self.room(handle)?;
            self.push(Op::Pick { to, from, index, count, len, signed });
            return Ok(());
        };
        let words = of_host(space);
        let (stride, count) = match pointee {
            Pointee::Type(TypeInner::Array { base, size, stride }) => {
                (layout.stride(*base, *stride, words)?, layout.count(*size)?)
            }
            Pointee::Type(TypeInner::Matrix { columns, rows, .. }) => {
                (Layout::column(*rows, words), Some(u32::from(*columns)))
            }
            Pointee::Type(TypeInner::Vector { size, .. }) => (1, Some(u32::from(*size))),
            Pointee::Vector(Some(size), _) => (1, Some(u32::from(size))),
            _ => return self.refuse("an index into this is not interpreted"),
        };
        let to = self.room(handle)?;
        self.push(Op::Element { to, from, index, stride, count, signed });
        Ok(())
    }

    /// The same operation on each component; a scalar goes with every component of a vector.
    fn by_component(
        &mut self,
        handle: Handle<Expression>,
        op: Scalar,
        operands: &[Handle<Expression>],
    ) -> Result<(), Refusal> {
        let lanes = self.cells(handle)?;
        let mut of = Lanes { from: [0; 4], stride: [1; 4], operands: operands.len() as u8, lanes };
        for (n, operand) in operands.iter().enumerate().take(4) {
            of.from[n] = self.slot(*operand)?;
            of.stride[n] = u8::from(self.cells(*operand)? > 1);
        }
        let to = self.room(handle)?;
        self.push(Op::Scalar { to, op, of });
        Ok(())
    }

    fn binary(
        &mut self,
        handle: Handle<Expression>,
        op: BinaryOperator,
        left: Handle<Expression>,
        right: Handle<Expression>,
    ) -> Result<(), Refusal> {
        let size = |n: &VectorSize| u32::from(*n);
        if op == BinaryOperator::Multiply {
            let sizes = match (self.ty(left), self.ty(right)) {
                (TypeInner::Matrix { columns, rows, .. }, TypeInner::Matrix { columns: others, .. }) => {
                    Some([size(columns), size(rows), size(others)])
                }
                (TypeInner::Matrix { columns, rows, .. }, TypeInner::Vector { .. }) => {
                    Some([size(columns), size(rows), 1])
                }
                (TypeInner::Vector { size: n, .. }, TypeInner::Matrix { columns, .. }) => {
                    Some([size(n), 1, size(columns)])
                }
                _ => None,
            };
            if let Some(sizes) = sizes {
                let width = self.width(handle)?;
                return self.whole(handle, Whole::Product(width, sizes), &[left, right]);
            }
        }
        let kind = self.kind(left)?;
        let op = match op {
            BinaryOperator::Add => Scalar::Add(kind),
            BinaryOperator::Subtract => Scalar::Subtract(kind),
            BinaryOperator::Multiply => Scalar::Multiply(kind),
            BinaryOperator::Divide => Scalar::Divide(kind),
            BinaryOperator::Modulo => Scalar::Remainder(kind),
            BinaryOperator::Equal => Scalar::Equal(kind),
            BinaryOperator::NotEqual => Scalar::NotEqual(kind),
            BinaryOperator::Less => Scalar::Less(kind),
            BinaryOperator::LessEqual => Scalar::LessEqual(kind),
            BinaryOperator::Greater => Scalar::Greater(kind),
            BinaryOperator::GreaterEqual => Scalar::GreaterEqual(kind),
            BinaryOperator::And | BinaryOperator::LogicalAnd => Scalar::And,
            BinaryOperator::InclusiveOr | BinaryOperator::LogicalOr => Scalar::Or,
            BinaryOperator::ExclusiveOr => Scalar::Xor,
            BinaryOperator::ShiftLeft => Scalar::ShiftLeft,
            BinaryOperator::ShiftRight => Scalar::ShiftRight(kind),
        };
        self.by_component(handle, op, &[left, right])
    }

    fn width(&self, handle: Handle<Expression>) -> Result<Width, Refusal> {
        match self.kind(handle)? {
            Kind::Float(width) => Ok(width),
            _ => self.refuse("a matrix of integers is not interpreted"),
        }
    }

    fn whole(
        &mut self,
        handle: Handle<Expression>,
        op: Whole,
        operands: &[Handle<Expression>],
    ) -> Result<(), Refusal> {
        let mut from: [Slot; 3] = [0; 3];
        for (from, operand) in from.iter_mut().zip(operands) {
            *from = self.slot(*operand)?;
        }
        let to = self.room(handle)?;
        self.push(Op::Whole { to, op, from });
        Ok(())
    }

    fn math(
        &mut self,
        handle: Handle<Expression>,
        fun: MathFunction,
        arguments: &[Handle<Expression>],
    ) -> Result<(), Refusal> {
        use MathFunction as Math;
        let Some(first) = arguments.first().copied() else { return Ok(()) };
        let kind = self.kind(first)?;
        let size = match self.ty(first) {
            TypeInner::Matrix { columns, rows, .. } => [u32::from(*columns), u32::from(*rows)],
            TypeInner::Vector { size, .. } => [u32::from(*size), 1],
            _ => [1, 1],
        };
        match fun {
            Math::Inverse => self.refuse("inverse is not interpreted: WGSL has none"),
            Math::Outer => self.refuse("outer is not interpreted: WGSL has none"),
            Math::Dot
            | Math::Cross
            | Math::Distance
            | Math::Length
            | Math::Normalize
            | Math::FaceForward
            | Math::Reflect
            | Math::Refract
            | Math::Transpose
            | Math::Determinant
            | Math::Modf
            | Math::Frexp
            | Math::Pack4x8snorm
            | Math::Pack4x8unorm
            | Math::Pack2x16snorm
            | Math::Pack2x16unorm
            | Math::Pack2x16float
            | Math::Pack4xI8
            | Math::Pack4xU8
            | Math::Pack4xI8Clamp
            | Math::Pack4xU8Clamp
            | Math::Unpack4x8snorm
            | Math::Unpack4x8unorm
            | Math::Unpack2x16snorm
            | Math::Unpack2x16unorm
            | Math::Unpack2x16float
            | Math::Unpack4xI8
            | Math::Unpack4xU8 => self.whole(handle, Whole::Math(fun, kind, size), arguments),
            _ => self.by_component(handle, Scalar::Math(fun, kind), arguments),
        }
    }
}

/// Whether variables of an address space lie as the host sees them: in words, with the gaps that WGSL asks for.
fn of_host(space: AddressSpace) -> bool {
    matches!(space, AddressSpace::Storage { .. } | AddressSpace::Uniform)
}
