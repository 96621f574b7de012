//! From naga's statements to instructions.

use super::{
    Refusal,
    code::{Change, Op, Target},
    compile::Body,
};
use naga::{AtomicFunction, Barrier, Block, Expression, Handle, Statement, SwitchValue, TypeInner};

impl<'a> Body<'a, '_> {
    fn here(&self) -> Target {
        self.routine.code.len() as Target
    }

    pub(super) fn block(&mut self, block: &'a Block) -> Result<(), Refusal> {
        for (statement, span) in block.span_iter() {
            self.line = self.all.lines.at(*span).or(self.line);
            self.statement(statement).map_err(|e| e.at(self.line))?;
        }
        Ok(())
    }

    /// A jump whose target is not known yet; its place.
    fn jump(&mut self, op: Op) -> usize {
        self.push(op);
        self.routine.code.len() - 1
    }

    /// Lets jumps go to what comes next.
    fn land(&mut self, jumps: impl IntoIterator<Item = usize>) {
        let here = self.here();
        for jump in jumps {
            if let Some(Op::Jump(to) | Op::Unless { to, .. }) = self.routine.code.get_mut(jump) {
                *to = here;
            }
        }
    }

    fn statement(&mut self, statement: &'a Statement) -> Result<(), Refusal> {
        match statement {
            Statement::Emit(range) => {
                let info = self.info;
                for handle in range.clone().filter(|handle| info[*handle].ref_count > 0) {
                    let span = self.function.expressions.get_span(handle);
                    self.line = self.all.lines.at(span).or(self.line);
                    self.expression(handle)?;
                }
            }
            Statement::Block(block) => self.block(block)?,
            Statement::If { condition, accept, reject } => {
                let condition = self.slot(*condition)?;
                let otherwise = self.jump(Op::Unless { condition, to: 0 });
                self.block(accept)?;
                if reject.is_empty() {
                    self.land([otherwise]);
                } else {
                    let end = self.jump(Op::Jump(0));
                    self.land([otherwise]);
                    self.block(reject)?;
                    self.land([end]);
                }
            }
            Statement::Switch { selector, cases } => {
                let selector = self.slot(*selector)?;
                let at = self.jump(Op::Jump(0));
                self.breaks.push(Vec::new());
                let (mut table, mut default) = (Vec::new(), None);
                for case in cases {
                    match case.value {
                        SwitchValue::I32(value) => table.push((value as u32, self.here())),
                        SwitchValue::U32(value) => table.push((value, self.here())),
                        SwitchValue::Default => default = Some(self.here()),
                    }
                    self.block(&case.body)?;
                    if !case.fall_through {
                        let end = self.jump(Op::Jump(0));
                        self.breaks.last_mut().into_iter().for_each(|breaks| breaks.push(end));
                    }
                }
                let default = default.unwrap_or(self.here());
                if let Some(op) = self.routine.code.get_mut(at) {
                    *op = Op::Switch { selector, cases: table.into(), default };
                }
                let ends = self.breaks.pop().unwrap_or_default();
                self.land(ends);
            }
            Statement::Loop { body, continuing, break_if } => {
                let start = self.here();
                self.breaks.push(Vec::new());
                self.continues.push(Vec::new());
                self.block(body)?;
                let continues = self.continues.pop().unwrap_or_default();
                self.land(continues);
                self.block(continuing)?;
                match break_if {
                    Some(condition) => {
                        let condition = self.slot(*condition)?;
                        self.push(Op::Unless { condition, to: start });
                    }
                    None => self.push(Op::Jump(start)),
                }
                let ends = self.breaks.pop().unwrap_or_default();
                self.land(ends);
            }
            Statement::Break => {
                let jump = self.jump(Op::Jump(0));
                self.breaks.last_mut().into_iter().for_each(|breaks| breaks.push(jump));
            }
            Statement::Continue => {
                let jump = self.jump(Op::Jump(0));
                self.continues.last_mut().into_iter().for_each(|continues| continues.push(jump));
            }
            Statement::Return { value } => {
                let (from, len) = match value {
                    Some(value) => (self.slot(*value)?, self.cells(*value)?),
                    None => (0, 0),
                };
                self.push(Op::Return { from, len });
            }
            Statement::ControlBarrier(barrier) => self.barrier(*barrier)?,
            Statement::Store { pointer, value } => {
                let (shape, atomic) = (self.shape(*pointer)?, self.is_atomic(*pointer));
                let (pointer, from) = (self.slot(*pointer)?, self.slot(*value)?);
                self.push(Op::Store { pointer, from, shape, atomic });
            }
            Statement::Atomic { pointer, fun, value, result } => {
                self.atomic(*pointer, fun, *value, *result)?
            }
            Statement::WorkGroupUniformLoad { pointer, result } => {
                self.barrier(Barrier::WORK_GROUP)?;
                let (shape, pointer) = (self.shape(*pointer)?, self.slot(*pointer)?);
                let to = self.room(*result)?;
                self.push(Op::Load { to, pointer, shape });
                self.barrier(Barrier::WORK_GROUP)?;
            }
            Statement::Call { function, arguments, result } => {
                let number = self.all.called(*function)?;
                let (mut at, mut copies) = (0, Vec::with_capacity(arguments.len()));
                for argument in arguments {
                    let (from, len) = (self.slot(*argument)?, self.cells(*argument)?);
                    copies.push((from, at, len));
                    at += len;
                }
                let result = match result {
                    Some(result) => Some(self.room(*result)?),
                    None => None,
                };
                let depth = self.all.routines.get(number as usize).map_or(0, |routine| routine.depth);
                self.deepest = self.deepest.max(depth);
                self.push(Op::Call { function: number, arguments: copies.into(), result });
            }
            other => return self.refuse(format!("{} is not interpreted", unknown(other))),
        }
        Ok(())
    }

    fn barrier(&mut self, barrier: Barrier) -> Result<(), Refusal> {
        if barrier.intersects(Barrier::SUB_GROUP) {
            return self
                .refuse("subgroupBarrier is not interpreted: how wide a subgroup is, the device says");
        }
        if barrier.intersects(Barrier::TEXTURE) {
            return self.refuse("textureBarrier is not interpreted: textures are not");
        }
        self.all.barriers = true;
        let [workgroup, storage] = [Barrier::WORK_GROUP, Barrier::STORAGE].map(|kind| barrier.contains(kind));
        self.push(Op::Barrier { workgroup, storage });
        Ok(())
    }

    fn atomic(
        &mut self,
        pointer: Handle<Expression>,
        function: &AtomicFunction,
        value: Handle<Expression>,
        result: Option<Handle<Expression>>,
    ) -> Result<(), Refusal> {
        let signed = match self.ty(value) {
            TypeInner::Scalar(scalar) if scalar.width == 4 && scalar.kind == naga::ScalarKind::Sint => true,
            TypeInner::Scalar(scalar) if scalar.width == 4 && scalar.kind == naga::ScalarKind::Uint => false,
            _ => {
                return self
                    .refuse("atomic operations of other numbers than i32 and u32 are not interpreted");
            }
        };
        let change = match function {
            AtomicFunction::Add => Change::Add,
            AtomicFunction::Subtract => Change::Subtract,
            AtomicFunction::And => Change::And,
            AtomicFunction::ExclusiveOr => Change::Xor,
            AtomicFunction::InclusiveOr => Change::Or,
            AtomicFunction::Min => Change::Min,
            AtomicFunction::Max => Change::Max,
            AtomicFunction::Exchange { compare: None } => Change::Exchange,
            AtomicFunction::Exchange { compare: Some(compare) } => {
                Change::CompareExchange(self.slot(*compare)?)
            }
        };
        let (pointer, value) = (self.slot(pointer)?, self.slot(value)?);
        let to = match result.filter(|result| self.info[*result].ref_count > 0) {
            Some(result) => Some(self.room(result)?),
            None => None,
        };
        self.push(Op::Atomic { pointer, value, change, signed, to });
        Ok(())
    }
}

/// A statement that is not interpreted, by its name in WGSL.
fn unknown(statement: &Statement) -> &'static str {
    match statement {
        Statement::Kill => "discard",
        Statement::MemoryBarrier(_) => "a barrier of memory alone",
        Statement::ImageStore { .. } | Statement::ImageAtomic { .. } => "a store to a texture",
        Statement::SubgroupBallot { .. } => "subgroupBallot",
        Statement::SubgroupGather { .. } => "a shuffle or broadcast in a subgroup",
        Statement::SubgroupCollectiveOperation { .. } => "an operation of a subgroup, such as subgroupAdd,",
        Statement::CooperativeStore { .. } => "a cooperative matrix",
        _ => "this statement",
    }
}
