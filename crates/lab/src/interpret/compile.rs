//! From naga's functions to instructions: constants, and what the frame of a function holds.

use super::{
    Refusal,
    code::{Cell, Op, PRIVATE, Pointer, Routine, STACK, Slot},
    layout::Layout,
    real::Real,
};
use naga::{
    AddressSpace, Constant, Expression, Function, Handle, Literal, LocalVariable, Module, Span, TypeInner,
    valid::{FunctionInfo, ModuleInfo},
};
use std::collections::BTreeMap;

/// What all functions of a module share.
pub(super) struct Compiler<'a> {
    pub module: &'a Module,
    pub info: &'a ModuleInfo,
    pub lines: Lines,
    pub layout: Layout<'a>,
    /// Which object each buffer and variable of workgroup memory is.
    pub objects: BTreeMap<Handle<naga::GlobalVariable>, u32>,
    /// Where each `var<private>` stands among all of them, in cells.
    pub private: BTreeMap<Handle<naga::GlobalVariable>, u32>,
    /// What has been compiled.
    pub routines: Vec<Routine>,
    pub known: BTreeMap<Handle<Function>, u32>,
    /// Whether there is a barrier.
    pub barriers: bool,
}

/// Cells of all values of a function: some 50 MB.
const MOST: usize = 1 << 20;

/// Where the lines of a text end.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    /// Of this text.
    pub fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a place, from 1.
    pub fn at(&self, span: Span) -> Option<u32> {
        let start = span.to_range()?.start;
        u32::try_from(self.0.partition_point(|end| *end < start) + 1).ok()
    }
}

/// A constant of the text.
fn literal(literal: Literal) -> Result<Cell, Refusal> {
    Ok(match literal {
        Literal::F32(value) => Cell::Real(Real::exact(f64::from(value))),
        Literal::F16(value) => Cell::Real(Real::exact(value.to_f64())),
        Literal::U32(value) => Cell::Word(value, 0),
        Literal::I32(value) => Cell::Word(value as u32, 0),
        Literal::Bool(value) => Cell::Word(u32::from(value), 0),
        other => {
            return Err(Refusal::new(format!(
                "{other:?} is not interpreted: numbers of 32 bits and f16 are"
            )));
        }
    })
}

impl<'a> Compiler<'a> {
    /// The cells of a constant expression of the module.
    pub fn global_constant(&self, handle: Handle<Expression>) -> Result<Vec<Cell>, Refusal> {
        self.constant(&self.module.global_expressions, handle)
            .map_err(|e| e.at(self.lines.at(self.module.global_expressions.get_span(handle))))
    }

    fn named_constant(&self, constant: Handle<Constant>) -> Result<Vec<Cell>, Refusal> {
        self.global_constant(self.module.constants[constant].init)
    }

    /// The cells of a constant expression among `all`.
    fn constant(
        &self,
        all: &naga::Arena<Expression>,
        handle: Handle<Expression>,
    ) -> Result<Vec<Cell>, Refusal> {
        Ok(match &all[handle] {
            Expression::Literal(value) => vec![literal(*value)?],
            Expression::Constant(constant) => self.named_constant(*constant)?,
            Expression::ZeroValue(ty) => self.layout.zeros(self.layout.inner(*ty))?,
            Expression::Compose { components, .. } => {
                let mut cells = Vec::new();
                for component in components {
                    cells.extend(self.constant(all, *component)?);
                }
                cells
            }
            Expression::Splat { size, value } => {
                let value = self.constant(all, *value)?;
                value.iter().copied().cycle().take(value.len() * u32::from(*size) as usize).collect()
            }
            Expression::Swizzle { size, vector, pattern } => {
                let vector = self.constant(all, *vector)?;
                let picked = pattern.iter().take(u32::from(*size) as usize);
                picked.filter_map(|from| vector.get(*from as usize).copied()).collect()
            }
            _ => return Err(Refusal::new("a constant that naga has not computed is not interpreted")),
        })
    }

    /// Compiles an entry point or function and all that it calls; its number.
    pub fn function(&mut self, function: &'a Function, info: &'a FunctionInfo) -> Result<u32, Refusal> {
        let mut body = Body {
            function,
            info,
            routine: Routine::default(),
            slots: BTreeMap::new(),
            locals: BTreeMap::new(),
            breaks: Vec::new(),
            continues: Vec::new(),
            line: None,
            deepest: 0,
            all: self,
        };
        // Arguments stand first: a caller knows where.
        for argument in &function.arguments {
            let zeros = body.all.layout.zeros_or_pointer(body.all.layout.inner(argument.ty))?;
            body.place(&zeros)?;
        }
        body.block(&function.body)?;
        body.push(Op::Return { from: 0, len: 0 });
        let Body { mut routine, deepest, .. } = body;
        routine.depth = routine.frame.len() + deepest;
        self.routines.push(routine);
        Ok(self.routines.len() as u32 - 1)
    }

    /// The number of a function, which is compiled where that is not done yet.
    pub fn called(&mut self, handle: Handle<Function>) -> Result<u32, Refusal> {
        if let Some(number) = self.known.get(&handle) {
            return Ok(*number);
        }
        let (module, info) = (self.module, self.info);
        let number = self.function(&module.functions[handle], &info[handle])?;
        self.known.insert(handle, number);
        Ok(number)
    }
}

/// A function on its way.
pub(super) struct Body<'a, 'b> {
    pub all: &'b mut Compiler<'a>,
    pub function: &'a Function,
    pub info: &'a FunctionInfo,
    pub routine: Routine,
    /// Where each value stands.
    pub slots: BTreeMap<Handle<Expression>, Slot>,
    locals: BTreeMap<Handle<LocalVariable>, Slot>,
    /// Jumps that wait for the end of a loop or switch.
    pub breaks: Vec<Vec<usize>>,
    /// Jumps that wait for the end of a loop's body.
    pub continues: Vec<Vec<usize>>,
    /// The line of what is compiled.
    pub line: Option<u32>,
    /// Cells of the frames of what is called.
    pub deepest: usize,
}

impl<'a> Body<'a, '_> {
    /// What an expression is.
    pub fn ty(&self, handle: Handle<Expression>) -> &'a TypeInner {
        self.info[handle].ty.inner_with(&self.all.module.types)
    }

    /// Cells of an expression.
    pub fn cells(&self, handle: Handle<Expression>) -> Result<u32, Refusal> {
        self.all.layout.cells(self.ty(handle))
    }

    /// That something is not interpreted, here.
    pub fn refuse<T>(&self, message: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal::new(message).at(self.line))
    }

    /// Adds an instruction.
    pub fn push(&mut self, op: Op) {
        self.routine.code.push(op);
        self.routine.lines.push(self.line);
    }

    /// A new place in the frame that holds `cells` on entry.
    pub fn place(&mut self, cells: &[Cell]) -> Result<Slot, Refusal> {
        let at = self.routine.frame.len();
        if at + cells.len() > MOST {
            return self.refuse(format!("the values of a function are more than {MOST} numbers"));
        }
        self.routine.frame.extend(cells);
        Ok(at as Slot)
    }

    /// A new place for the value of an expression.
    pub fn room(&mut self, handle: Handle<Expression>) -> Result<Slot, Refusal> {
        let cells = self.cells(handle)?;
        let at = self.place(&vec![Cell::Word(0, 0); cells as usize])?;
        self.slots.insert(handle, at);
        Ok(at)
    }

    /// Where the value of an expression stands. Those that are no statement's get their place here.
    pub fn slot(&mut self, handle: Handle<Expression>) -> Result<Slot, Refusal> {
        if let Some(slot) = self.slots.get(&handle) {
            return Ok(*slot);
        }
        let cells = match &self.function.expressions[handle] {
            Expression::Literal(_) | Expression::Constant(_) | Expression::ZeroValue(_) => {
                self.all.constant(&self.function.expressions, handle)?
            }
            Expression::FunctionArgument(index) => {
                let mut at = 0;
                for argument in self.function.arguments.iter().take(*index as usize) {
                    at += self.all.layout.cells(self.all.layout.inner(argument.ty))?;
                }
                self.slots.insert(handle, at);
                return Ok(at);
            }
            Expression::GlobalVariable(global) => vec![Cell::Pointer(self.global(*global)?)],
            Expression::LocalVariable(local) => {
                let variable = self.local(*local)?;
                let at = self.place(&[Cell::Pointer(Pointer { object: STACK, at: variable })])?;
                self.routine.pointers.push((at, variable));
                self.slots.insert(handle, at);
                return Ok(at);
            }
            other => return self.refuse(format!("{} is not interpreted", super::expressions::named(other))),
        };
        let at = self.place(&cells)?;
        self.slots.insert(handle, at);
        Ok(at)
    }

    fn global(&self, handle: Handle<naga::GlobalVariable>) -> Result<Pointer, Refusal> {
        let global = &self.all.module.global_variables[handle];
        match global.space {
            AddressSpace::Private => {
                Ok(Pointer { object: PRIVATE, at: self.all.private.get(&handle).copied().unwrap_or(0) })
            }
            AddressSpace::Storage { .. } | AddressSpace::Uniform | AddressSpace::WorkGroup => {
                Ok(Pointer { object: self.all.objects.get(&handle).copied().unwrap_or(PRIVATE - 1), at: 0 })
            }
            _ => {
                let name = global.name.as_deref().unwrap_or("a variable");
                self.refuse(format!(
                    "`{name}` is no buffer: textures, samplers and the like are not interpreted"
                ))
            }
        }
    }

    /// The place of a variable of the function.
    fn local(&mut self, handle: Handle<LocalVariable>) -> Result<Slot, Refusal> {
        if let Some(at) = self.locals.get(&handle) {
            return Ok(*at);
        }
        let local = &self.function.local_variables[handle];
        let cells = match local.init {
            Some(init) => self.all.constant(&self.function.expressions, init)?,
            None => self.all.layout.zeros(self.all.layout.inner(local.ty))?,
        };
        let at = self.place(&cells)?;
        self.locals.insert(handle, at);
        Ok(at)
    }
}
