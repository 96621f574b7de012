//! Runs an invocation from barrier to barrier.

use super::{
    BEYOND, Refusal,
    code::{Cell, Change, Op, PRIVATE, Pointer, Routine, STACK, Shape},
    doubts::Doubts,
    memory::{Memory, Step},
    scalar::{scalar, word},
    whole::whole,
};

/// A function that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    routine: u32,
    next: u32,
    /// Where its cells begin.
    base: u32,
    /// Where what it returns goes.
    result: Option<u32>,
}

/// An invocation: its cells, and how far it has come.
pub(super) struct Invocation {
    stack: Vec<Cell>,
    private: Vec<Cell>,
    frames: Vec<Frame>,
}

/// Why an invocation does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It has returned.
    Returned,
    /// It waits at a barrier.
    Barrier { workgroup: bool, storage: bool },
}

/// What runs the invocations, one after the other.
pub(super) struct Machine<'a> {
    pub routines: &'a [Routine],
    pub memory: Memory,
    pub doubts: Doubts,
    /// Operations that are left.
    pub left: u64,
    /// Operations that were allowed.
    pub most: u64,
}

impl Invocation {
    /// One that has not begun.
    pub fn new(depth: usize, private: &[Cell]) -> Self {
        Self { stack: vec![Cell::Word(0, 0); depth], private: private.to_vec(), frames: Vec::new() }
    }

    /// Where it waits, from the outermost function on.
    fn place(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.frames.iter().map(|frame| (frame.routine, frame.next))
    }

    /// Whether both wait at the same barrier, in the same calls.
    pub fn waits_with(&self, other: &Self) -> bool {
        self.place().eq(other.place())
    }

    /// Whether it has returned.
    pub fn is_done(&self) -> bool {
        self.frames.is_empty()
    }

    /// Begins anew with these arguments of the entry point.
    pub fn begin(&mut self, routines: &[Routine], entry: u32, private: &[Cell], arguments: &[(u32, u32)]) {
        self.private.copy_from_slice(private);
        self.frames.clear();
        self.enter(routines, entry, 0, None);
        for (slot, value) in arguments {
            self.stack[*slot as usize] = Cell::Word(*value, 0);
        }
    }

    fn enter(&mut self, routines: &[Routine], routine: u32, base: u32, result: Option<u32>) {
        let of = &routines[routine as usize];
        self.stack[base as usize..][..of.frame.len()].copy_from_slice(&of.frame);
        for (slot, to) in &of.pointers {
            let pointer = Pointer { object: STACK, at: base + to };
            self.stack[(base + slot) as usize] = Cell::Pointer(pointer);
        }
        self.frames.push(Frame { routine, next: 0, base, result });
    }
}

impl Machine<'_> {
    /// Runs an invocation to the next barrier, or to its end.
    pub fn run(&mut self, lane: &mut Invocation) -> Result<Pause, Refusal> {
        let routines = self.routines;
        while let Some(frame) = lane.frames.last().copied() {
            let routine = &routines[frame.routine as usize];
            let mut next = frame.next as usize;
            let base = frame.base as usize;
            // Until another function runs.
            loop {
                let Some(op) = routine.code.get(next) else {
                    lane.frames.pop();
                    break;
                };
                let line = routine.lines.get(next).copied().flatten();
                let refuse = |message: String| Refusal::new(message).at(line);
                self.spend(1).map_err(refuse)?;
                self.doubts.place = (frame.routine, next as u32);
                self.doubts.line = line;
                next += 1;
                match op {
                    Op::Jump(to) => next = *to as usize,
                    Op::Unless { condition, to } => {
                        if self.decided(&lane.stack[base + *condition as usize]).map_err(refuse)? == 0 {
                            next = *to as usize;
                        }
                    }
                    Op::Switch { selector, cases, default } => {
                        let value = self.decided(&lane.stack[base + *selector as usize]).map_err(refuse)?;
                        let case = cases.iter().find(|(case, _)| *case == value);
                        next = case.map_or(*default, |(_, to)| *to) as usize;
                    }
                    Op::Call { function, arguments, result } => {
                        set_next(lane, next);
                        self.enters(*function).map_err(|e| e.at(line))?;
                        let behind = frame.base + routine.frame.len() as u32;
                        lane.enter(routines, *function, behind, result.map(|result| frame.base + result));
                        for (from, to, len) in arguments {
                            copy(&mut lane.stack, base + *from as usize, (behind + to) as usize, *len);
                        }
                        break;
                    }
                    Op::Return { from, len } => {
                        if let Some(result) = frame.result {
                            copy(&mut lane.stack, base + *from as usize, result as usize, *len);
                        }
                        lane.frames.pop();
                        break;
                    }
                    Op::Barrier { workgroup, storage } => {
                        set_next(lane, next);
                        return Ok(Pause::Barrier { workgroup: *workgroup, storage: *storage });
                    }
                    op => self.simple(op, lane, base).map_err(refuse)?,
                }
            }
        }
        Ok(Pause::Returned)
    }

    /// The line where an invocation waits.
    pub fn line(&self, lane: &Invocation) -> Option<u32> {
        let frame = lane.frames.last()?;
        *self.routines.get(frame.routine as usize)?.lines.get((frame.next as usize).checked_sub(1)?)?
    }

    /// That the frame of a function is made anew.
    pub fn enters(&mut self, routine: u32) -> Result<(), Refusal> {
        let cells = self.routines.get(routine as usize).map_or(0, |routine| routine.frame.len());
        self.spend(cells as u64 / 16).map_err(Refusal::new)
    }

    /// Counts operations.
    pub fn spend(&mut self, operations: u64) -> Step<()> {
        match self.left.checked_sub(operations) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(format!("it takes more than {} operations; choose smaller sizes", self.most)),
        }
    }

    /// The number in a cell, where no rounding turns it.
    fn decided(&self, cell: &Cell) -> Step<u32> {
        match word(cell) {
            (word, 0) => Ok(word),
            (_, doubt) => Err(self.doubts.words(doubt)),
        }
    }

    /// An index, where it is within `count` elements of something.
    fn index(&self, cell: &Cell, signed: bool, count: u32) -> Step<u32> {
        let index = self.decided(cell)?;
        if index < count {
            return Ok(index);
        }
        let words = if signed { (index as i32).to_string() } else { index.to_string() };
        Err(format!(
            "index {words} {BEYOND} {count} elements: a reference must not lean on what a device makes of that"
        ))
    }

    /// Elements of an array at the end of a buffer.
    fn elements(&self, pointer: Pointer, stride: u32) -> u32 {
        let len = self.memory.objects.get(pointer.object as usize).map_or(0, |object| object.len());
        len.saturating_sub(pointer.at) / stride.max(1)
    }

    /// Everything that neither jumps nor waits.
    fn simple(&mut self, op: &Op, lane: &mut Invocation, base: usize) -> Step<()> {
        let stack = &mut lane.stack;
        let at = |slot: &u32| base + *slot as usize;
        match op {
            Op::Scalar { to, op, of } => {
                self.spend(u64::from(of.lanes) / 4)?;
                for n in 0..of.lanes as usize {
                    let cell = |k: usize| &stack[base + of.from[k] as usize + n * usize::from(of.stride[k])];
                    let result = match of.operands {
                        1 => scalar(*op, &[cell(0)], &mut self.doubts)?,
                        2 => scalar(*op, &[cell(0), cell(1)], &mut self.doubts)?,
                        3 => scalar(*op, &[cell(0), cell(1), cell(2)], &mut self.doubts)?,
                        _ => scalar(*op, &[cell(0), cell(1), cell(2), cell(3)], &mut self.doubts)?,
                    };
                    stack[at(to) + n] = result;
                }
            }
            Op::Element { to, from, index, stride, count, signed } => {
                let pointer = pointer(&stack[at(from)])?;
                let count = count.unwrap_or_else(|| self.elements(pointer, *stride));
                let index = self.index(&stack[at(index)], *signed, count)?;
                stack[at(to)] = Cell::Pointer(Pointer { at: pointer.at + index * stride, ..pointer });
            }
            Op::Offset { to, from, by } => {
                let pointer = pointer(&stack[at(from)])?;
                stack[at(to)] = Cell::Pointer(Pointer { at: pointer.at + by, ..pointer });
            }
            Op::Load { to, pointer: from, shape } => {
                self.spend(shape.len() as u64 / 4)?;
                let pointer = pointer(&stack[at(from)])?;
                match pointer.object {
                    STACK => copy(stack, pointer.at as usize, at(to), shape.len() as u32),
                    PRIVATE => stack[at(to)..][..shape.len()]
                        .copy_from_slice(&lane.private[pointer.at as usize..][..shape.len()]),
                    _ => self.memory.load(pointer, shape, &mut stack[at(to)..][..shape.len()])?,
                }
            }
            Op::Store { pointer: to, from, shape, atomic } => {
                self.spend(shape.len() as u64 / 4)?;
                let pointer = pointer(&stack[at(to)])?;
                match pointer.object {
                    STACK => copy(stack, at(from), pointer.at as usize, shape.len() as u32),
                    PRIVATE => lane.private[pointer.at as usize..][..shape.len()]
                        .copy_from_slice(&stack[at(from)..][..shape.len()]),
                    _ => self.store(pointer, &stack[at(from)..][..shape.len()], shape, *atomic)?,
                }
            }
            Op::Copy { to, from, len } => {
                self.spend(u64::from(*len) / 16)?;
                copy(stack, at(from), at(to), *len);
            }
            Op::Splat { to, from, lanes } => {
                let cell = stack[at(from)];
                stack[at(to)..][..*lanes as usize].fill(cell);
            }
            Op::Swizzle { to, from, pattern, lanes } => {
                for n in 0..*lanes as usize {
                    stack[at(to) + n] = stack[at(from) + usize::from(pattern[n & 3])];
                }
            }
            Op::Pick { to, from, index, count, len, signed } => {
                self.spend(u64::from(*len) / 16)?;
                let index = self.index(&stack[at(index)], *signed, *count)?;
                copy(stack, at(from) + (index * len) as usize, at(to), *len);
            }
            Op::Length { to, from, stride } => {
                stack[at(to)] = Cell::Word(self.elements(pointer(&stack[at(from)])?, *stride), 0);
            }
            Op::Whole { to, op, from } => {
                self.spend(16)?;
                let mut places = from.map(|slot| base + slot as usize);
                if matches!(op, super::code::Whole::All | super::code::Whole::Any) {
                    // How many stands in place of a second operand.
                    places[1] = from[1] as usize;
                }
                let result = whole(*op, stack, places, &mut self.doubts)?;
                stack[at(to)..][..result.len()].copy_from_slice(&result);
            }
            Op::Atomic { pointer: to, value, change, signed, to: result } => {
                let value = self.decided(&stack[at(value)])?;
                let compare = match change {
                    Change::CompareExchange(slot) => self.decided(&stack[at(slot)])?,
                    _ => 0,
                };
                let pointer = pointer(&stack[at(to)])?;
                let old =
                    self.memory.atomic(pointer, (*change, *signed), value, compare, result.is_some())?;
                if let Some(result) = result {
                    stack[at(result)] = Cell::Word(old, 0);
                    if let Change::CompareExchange(_) = change {
                        stack[at(result) + 1] = Cell::Word(u32::from(old == compare), 0);
                    }
                }
            }
            // They are done where the code goes on.
            Op::Jump(_)
            | Op::Unless { .. }
            | Op::Switch { .. }
            | Op::Call { .. }
            | Op::Return { .. }
            | Op::Barrier { .. } => {}
        }
        Ok(())
    }

    fn store(&mut self, pointer: Pointer, from: &[Cell], shape: &Shape, atomic: bool) -> Step<()> {
        if self.memory.is_of_host(pointer) {
            from.iter().try_for_each(|cell| self.decided(cell).map(drop))?;
        }
        self.memory.store(pointer, shape, from, atomic)
    }
}

fn set_next(lane: &mut Invocation, next: usize) {
    if let Some(frame) = lane.frames.last_mut() {
        frame.next = next as u32;
    }
}

fn copy(stack: &mut [Cell], from: usize, to: usize, len: u32) {
    match len {
        0 => {}
        1 => stack[to] = stack[from],
        len => stack.copy_within(from..from + len as usize, to),
    }
}

fn pointer(cell: &Cell) -> Step<Pointer> {
    match cell {
        Cell::Pointer(pointer) => Ok(*pointer),
        _ => Err("a pointer to nothing".into()),
    }
}
