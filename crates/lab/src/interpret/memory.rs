//! Buffers and workgroup memory, and who touched which word: data races are found where they happen.
//!
//! Two invocations of a workgroup may touch the same word between two barriers only if both read it, or both change it by
//! the same atomic operation whose result nobody takes: then their order is no matter. Between workgroups no barrier helps.

use super::{
    BEYOND, Element, ORDER,
    code::{Cell, Change, Kind, Pointer, Shape},
    real::{Real, Width},
};

/// What keeps an instruction from being done, in words.
pub(super) type Step<T> = Result<T, String>;

/// How a word is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Nothing,
    Read,
    /// Also several ways after each other.
    Write,
    /// An atomic store: by several invocations only of the same number.
    Set,
    /// An atomic operation whose result is not taken.
    Change(Change),
}

/// Several invocations.
const MANY: u32 = u32::MAX;

/// Who touched a word, and how.
#[derive(Clone, Copy, Debug)]
struct Claim {
    who: u32,
    how: How,
}

impl Claim {
    const FREE: Self = Self { who: 0, how: How::Nothing };

    /// Adds a touch; whether its order among the others is no matter. `same` where the word keeps its value.
    fn add(&mut self, who: u32, how: How, same: bool) -> bool {
        match *self {
            Self { how: How::Nothing, .. } => *self = Self { who, how },
            Self { who: before, how: was } if before == who => {
                if was != how {
                    self.how = How::Write;
                }
            }
            Self { how: was, .. } if was == how && (how != How::Write) && (how != How::Set || same) => {
                self.who = MANY
            }
            _ => return false,
        }
        true
    }
}

/// What has become of a word.
#[derive(Clone, Copy, Debug)]
struct Touch {
    /// Between which barriers the first claim is.
    phase: u32,
    /// Invocations of a workgroup.
    within: Claim,
    /// Workgroups.
    across: Claim,
}

/// Where a variable stands, and so who shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// A buffer that is only read.
    Constant,
    /// A buffer.
    Storage,
    /// Memory of a workgroup.
    Workgroup,
}

/// A variable of the module.
pub(super) struct Object {
    pub name: String,
    pub scope: Scope,
    /// Of a buffer that is only read.
    words: Vec<u32>,
    cells: Vec<Cell>,
    touches: Vec<Touch>,
    /// What workgroup memory begins with.
    zeros: Vec<Cell>,
}

impl Object {
    /// A buffer of these words.
    pub fn buffer(name: String, words: &[u32], written: bool) -> Self {
        let none = Touch { phase: 0, within: Claim::FREE, across: Claim::FREE };
        let (scope, words, cells) = match written {
            true => (Scope::Storage, Vec::new(), words.iter().map(|word| Cell::Word(*word, 0)).collect()),
            false => (Scope::Constant, words.to_vec(), Vec::new()),
        };
        let touches = vec![none; cells.len()];
        Self { name, scope, words, cells, touches, zeros: Vec::new() }
    }

    /// A variable in workgroup memory.
    pub fn shared(name: String, zeros: Vec<Cell>) -> Self {
        let touches = vec![Touch { phase: 0, within: Claim::FREE, across: Claim::FREE }; zeros.len()];
        Self { name, scope: Scope::Workgroup, words: Vec::new(), cells: zeros.clone(), touches, zeros }
    }

    /// How many words or cells.
    pub fn len(&self) -> u32 {
        self.words.len().max(self.cells.len()) as u32
    }

    /// What has been written, if anything has.
    pub fn written(&self) -> Option<Vec<Element>> {
        let was_written = |touch: &Touch| !matches!(touch.across.how, How::Nothing | How::Read);
        if self.scope != Scope::Storage || !self.touches.iter().any(was_written) {
            return None;
        }
        let element = |(cell, touch): (&Cell, &Touch)| match *cell {
            Cell::Word(word, _) if !was_written(touch) => Element::Untouched(word),
            Cell::Word(word, _) => Element::Integer(word),
            Cell::Real(real) => Element::Real { value: real.value, allowed: real.allowed() },
            Cell::Pointer(_) => Element::Untouched(0),
        };
        Some(self.cells.iter().zip(&self.touches).map(element).collect())
    }
}

/// All that invocations share.
pub(super) struct Memory {
    pub objects: Vec<Object>,
    /// Numbers of the time between barriers: of workgroup memory, of buffers.
    phases: [u32; 2],
    last_phase: u32,
    /// Number of the workgroup.
    group: u32,
    /// Number of the invocation in it.
    pub invocation: u32,
}

impl Memory {
    pub fn new(objects: Vec<Object>) -> Self {
        Self { objects, phases: [0; 2], last_phase: 0, group: 0, invocation: 0 }
    }

    /// Begins a workgroup: its memory is zero. How many cells that are.
    pub fn begin(&mut self, group: u32) -> u64 {
        self.group = group;
        self.barrier(true, true);
        let mut cleared = 0;
        for object in self.objects.iter_mut().filter(|object| object.scope == Scope::Workgroup) {
            object.cells.copy_from_slice(&object.zeros);
            cleared += object.zeros.len() as u64;
        }
        cleared
    }

    /// All invocations of the workgroup have come so far.
    pub fn barrier(&mut self, workgroup: bool, storage: bool) {
        self.last_phase = self.last_phase.wrapping_add(1);
        for (phase, _) in self.phases.iter_mut().zip([workgroup, storage]).filter(|(_, meant)| *meant) {
            *phase = self.last_phase;
        }
    }

    /// Notes a touch.
    fn touch(&mut self, object: usize, at: usize, how: How, same: bool) -> Step<()> {
        let Self { objects, phases, group, invocation, .. } = self;
        let object = &mut objects[object];
        let storage = object.scope == Scope::Storage;
        let phase = phases[usize::from(storage)];
        let touch = &mut object.touches[at];
        if touch.phase != phase {
            (touch.phase, touch.within) = (phase, Claim::FREE);
        }
        let before = touch.within.who;
        if !touch.within.add(*invocation, how, same) {
            let who = match before {
                MANY => format!("invocation {invocation} of a workgroup and others"),
                before => format!("invocations {before} and {invocation} of a workgroup"),
            };
            let barrier = if storage { "storageBarrier" } else { "workgroupBarrier" };
            return Err(format!(
                "{who} touch word {at} of `{}` with no {barrier} between them, and {ORDER}",
                object.name
            ));
        }
        let before = touch.across.who;
        if storage && !touch.across.add(*group, how, same) {
            let who = match before {
                MANY => format!("workgroup {group} and others"),
                before => format!("workgroups {before} and {group}"),
            };
            return Err(format!("{who} touch word {at} of `{}`, and {ORDER}", object.name));
        }
        Ok(())
    }

    fn place(&self, pointer: Pointer, by: u32) -> Step<(usize, usize)> {
        let (object, at) = (pointer.object as usize, pointer.at as usize + by as usize);
        match self.objects.get(object) {
            Some(of) if at < of.len() as usize => Ok((object, at)),
            Some(of) => Err(format!("word {at} of `{}` {BEYOND} its {} words", of.name, of.len())),
            None => Err("a pointer to nothing".into()),
        }
    }

    fn read(&mut self, pointer: Pointer, by: u32, kind: Kind) -> Step<Cell> {
        let (object, at) = self.place(pointer, by)?;
        let cell = match self.objects[object].scope {
            Scope::Constant => Cell::Word(self.objects[object].words[at], 0),
            _ => {
                self.touch(object, at, How::Read, true)?;
                self.objects[object].cells[at]
            }
        };
        match (cell, kind) {
            (Cell::Word(word, _), Kind::Float(_)) => Ok(Cell::Real(Real::of_bits(word))),
            (Cell::Real(real), Kind::Signed | Kind::Unsigned | Kind::Bool) => match bits(real) {
                Some(bits) => Ok(Cell::Word(bits, 0)),
                None => Err("the bits of a number that is rounded are read as an integer".into()),
            },
            (cell, _) => Ok(cell),
        }
    }

    /// Reads a value.
    pub fn load(&mut self, pointer: Pointer, shape: &Shape, into: &mut [Cell]) -> Step<()> {
        match shape {
            Shape::Cells(_) => {
                for (n, into) in into.iter_mut().enumerate() {
                    let (object, at) = self.place(pointer, n as u32)?;
                    self.touch(object, at, How::Read, true)?;
                    *into = self.objects[object].cells[at];
                }
            }
            Shape::Words(_, kind) => {
                for (n, into) in into.iter_mut().enumerate() {
                    *into = self.read(pointer, n as u32, *kind)?;
                }
            }
            Shape::Scattered(leaves) => {
                for ((by, kind), into) in leaves.iter().zip(into) {
                    *into = self.read(pointer, *by, *kind)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a value. What a host reads must be certain: the caller sees to it.
    pub fn store(&mut self, pointer: Pointer, shape: &Shape, from: &[Cell], atomic: bool) -> Step<()> {
        for (n, cell) in from.iter().enumerate() {
            let by = match shape {
                Shape::Scattered(leaves) => leaves.get(n).map_or(0, |(by, _)| *by),
                _ => n as u32,
            };
            let (object, at) = self.place(pointer, by)?;
            let same = match (self.objects[object].cells.get(at), cell) {
                (Some(Cell::Word(before, 0)), Cell::Word(now, 0)) => before == now,
                _ => false,
            };
            self.touch(object, at, if atomic { How::Set } else { How::Write }, same)?;
            self.objects[object].cells[at] = *cell;
        }
        Ok(())
    }

    /// Whether the host reads what stands there.
    pub fn is_of_host(&self, pointer: Pointer) -> bool {
        self.objects.get(pointer.object as usize).is_some_and(|object| object.scope == Scope::Storage)
    }

    /// Changes a word, and gives what it was. `taken` where the kernel goes on with that.
    pub fn atomic(
        &mut self,
        pointer: Pointer,
        change: (Change, bool),
        value: u32,
        compare: u32,
        taken: bool,
    ) -> Step<u32> {
        let (object, at) = self.place(pointer, 0)?;
        let (change, signed) = change;
        let Some(Cell::Word(old, 0)) = self.objects[object].cells.get(at).copied() else {
            return Err("an atomic operation on what is no integer".into());
        };
        let less = |a: u32, b: u32| if signed { (a as i32) < (b as i32) } else { a < b };
        let new = match change {
            Change::Add => old.wrapping_add(value),
            Change::Subtract => old.wrapping_sub(value),
            Change::And => old & value,
            Change::Or => old | value,
            Change::Xor => old ^ value,
            Change::Min if less(value, old) => value,
            Change::Max if less(old, value) => value,
            Change::Min | Change::Max => old,
            Change::CompareExchange(_) if old != compare => old,
            Change::Exchange | Change::CompareExchange(_) => value,
        };
        let how = match change {
            _ if taken => How::Write,
            // Sums commute with differences.
            Change::Subtract => How::Change(Change::Add),
            Change::Exchange => How::Set,
            Change::CompareExchange(_) => How::Write,
            change => How::Change(change),
        };
        self.touch(object, at, how, old == new).map_err(|race| match taken {
            true => format!("what an atomic operation gives depends on the order of invocations: {race}"),
            false => race,
        })?;
        self.objects[object].cells[at] = Cell::Word(new, 0);
        Ok(old)
    }
}

/// The bits of a number that every device has as it is.
pub(super) fn bits(real: Real) -> Option<u32> {
    (real.is_exact() && Width::Single.holds(real.value)).then(|| (real.value as f32).to_bits())
}
