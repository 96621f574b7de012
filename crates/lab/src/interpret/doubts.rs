//! Doubts: integers and truth values that rounding may turn.

use std::collections::BTreeMap;

/// What is not certain of integers and truth values, in words. Number 0 is no doubt.
#[derive(Default)]
pub(super) struct Doubts {
    words: Vec<String>,
    /// One of each instruction is enough.
    at: BTreeMap<(u32, u32), u32>,
    /// Routine and instruction that is done.
    pub place: (u32, u32),
    /// Line of the text.
    pub line: Option<u32>,
}

impl Doubts {
    /// The number of the doubt about what is done, in these words if it is the first there.
    pub fn raise(&mut self, what: impl FnOnce() -> String) -> u32 {
        let Self { words, at, place, line } = self;
        *at.entry(*place).or_insert_with(|| {
            let line = line.map_or(String::new(), |line| format!(" at line {line}"));
            words.push(format!("the reference decides{line} by a number that rounding may turn: {}", what()));
            words.len() as u32
        })
    }

    /// A doubt in words.
    pub fn words(&self, doubt: u32) -> String {
        self.words.get((doubt as usize).wrapping_sub(1)).cloned().unwrap_or_default()
    }
}
