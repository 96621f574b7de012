//! What a kernel is compiled to: instructions over numbered cells, one scalar each.
//!
//! Every value of a function has a place of its own in the function's frame, known beforehand: a vector takes two to four
//! cells, an array or a structure those of its parts. So nothing is allocated while a kernel runs, and every invocation
//! can be left at a barrier and taken up again: it is a frame and a place in the code.

use super::real::{Real, Width};

/// A scalar, or a pointer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    /// An integer or a truth value by its bits; with the number of a doubt where rounding may turn it, else 0.
    Word(u32, u32),
    /// A floating point number.
    Real(Real),
    /// The first cell of something in memory.
    Pointer(Pointer),
}

/// Where something stands in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// Number of the variable in the module, or [`STACK`], or [`PRIVATE`].
    pub object: u32,
    /// In cells; in words of 32 bits where the variable is a buffer.
    pub at: u32,
}

/// The object of all variables of functions.
pub(super) const STACK: u32 = u32::MAX;
/// The object of all variables `var<private>`.
pub(super) const PRIVATE: u32 = u32::MAX - 1;

/// What a scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `i32`
    Signed,
    /// `u32`
    Unsigned,
    /// `bool`
    Bool,
    /// `f32` or `f16`
    Float(Width),
}

/// A place in the frame.
pub(super) type Slot = u32;
/// A place in the code of a function.
pub(super) type Target = u32;

/// How a value lies in memory.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Cell behind cell, typed: variables that no host sees.
    Cells(u32),
    /// Words behind words of one kind.
    Words(u32, Kind),
    /// Words with gaps, or of several kinds: how far behind the first, and what it is.
    Scattered(Box<[(u32, Kind)]>),
}

impl Shape {
    /// How many scalars.
    pub fn len(&self) -> usize {
        match self {
            Self::Cells(len) | Self::Words(len, _) => *len as usize,
            Self::Scattered(leaves) => leaves.len(),
        }
    }
}

/// Operands of an operation component by component: a scalar among vectors has stride 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    /// The first cell of each operand.
    pub from: [Slot; 4],
    /// 1, or 0 for a scalar.
    pub stride: [u8; 4],
    /// How many operands.
    pub operands: u8,
    /// How many components.
    pub lanes: u32,
}

/// An operation on one component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Negate(Kind),
    Not,
    Complement,
    Add(Kind),
    Subtract(Kind),
    Multiply(Kind),
    Divide(Kind),
    Remainder(Kind),
    Equal(Kind),
    NotEqual(Kind),
    Less(Kind),
    LessEqual(Kind),
    Greater(Kind),
    GreaterEqual(Kind),
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight(Kind),
    /// Condition, then, else.
    Select,
    /// From one kind to another.
    Convert(Kind, Kind),
    /// The same bits as another kind.
    Bitcast(Kind, Kind),
    /// A function of WGSL.
    Math(naga::MathFunction, Kind),
}

/// An operation on whole vectors or matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Whole {
    /// All or any of some truth values.
    All,
    Any,
    /// A function of vectors of so many components, or of a matrix of so many columns and rows.
    Math(naga::MathFunction, Kind, [u32; 2]),
    /// Columns of the left, rows of the left, columns of the right: a vector on the left is one row, on the right one column.
    Product(Width, [u32; 3]),
}

/// How an atomic operation changes a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Subtract,
    And,
    Or,
    Xor,
    Min,
    Max,
    Exchange,
    /// With what it is compared.
    CompareExchange(Slot),
}

/// An instruction.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Copy {
        to: Slot,
        from: Slot,
        len: u32,
    },
    Splat {
        to: Slot,
        from: Slot,
        lanes: u32,
    },
    Swizzle {
        to: Slot,
        from: Slot,
        pattern: [u8; 4],
        lanes: u32,
    },
    /// Element `index` of a value of `count` elements of `len` cells.
    Pick {
        to: Slot,
        from: Slot,
        index: Slot,
        count: u32,
        len: u32,
        signed: bool,
    },
    /// A pointer that far behind another.
    Offset {
        to: Slot,
        from: Slot,
        by: u32,
    },
    /// The pointer to an element; without a count it is how many the buffer holds.
    Element {
        to: Slot,
        from: Slot,
        index: Slot,
        stride: u32,
        count: Option<u32>,
        signed: bool,
    },
    Load {
        to: Slot,
        pointer: Slot,
        shape: Shape,
    },
    /// `atomic` where the word is one.
    Store {
        pointer: Slot,
        from: Slot,
        shape: Shape,
        atomic: bool,
    },
    Length {
        to: Slot,
        from: Slot,
        stride: u32,
    },
    Scalar {
        to: Slot,
        op: Scalar,
        of: Lanes,
    },
    Whole {
        to: Slot,
        op: Whole,
        from: [Slot; 3],
    },
    Jump(Target),
    /// Jumps where the condition does not hold.
    Unless {
        condition: Slot,
        to: Target,
    },
    Switch {
        selector: Slot,
        cases: Box<[(u32, Target)]>,
        default: Target,
    },
    /// Copies `(from, to, len)` into the frame of the function, and what it returns to `result` if that is asked for.
    Call {
        function: u32,
        arguments: Box<[(Slot, Slot, u32)]>,
        result: Option<Slot>,
    },
    Return {
        from: Slot,
        len: u32,
    },
    Barrier {
        workgroup: bool,
        storage: bool,
    },
    /// `to` gets the old word, and behind it whether a comparison exchanged; it is `None` where nobody asks.
    Atomic {
        pointer: Slot,
        value: Slot,
        change: Change,
        signed: bool,
        to: Option<Slot>,
    },
}

/// A function.
#[derive(Clone, Debug, Default)]
pub(super) struct Routine {
    /// Its instructions.
    pub code: Vec<Op>,
    /// The line of each in the text, where it is known.
    pub lines: Vec<Option<u32>>,
    /// The frame on entry: constants, and variables with their first values.
    pub frame: Vec<Cell>,
    /// Cells that point to variables of the frame, and to which.
    pub pointers: Vec<(Slot, Slot)>,
    /// Cells of its own frame and of those of what it calls.
    pub depth: usize,
}
