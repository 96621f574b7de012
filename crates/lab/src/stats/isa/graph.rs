//! The instructions of a kernel, how control goes from one to the next, and its loops.

use super::{Class, HotLoop};
use std::collections::{BTreeMap, BTreeSet};

/// One instruction.
struct Instruction {
    class: Class,
    /// The label that it may go to.
    jump: Option<String>,
    /// Whether it never goes on to the next one.
    leaves: bool,
}

/// A kernel as its reader sees it.
#[derive(Default)]
pub(super) struct Program {
    instructions: Vec<Instruction>,
    labels: BTreeMap<String, usize>,
}

impl Program {
    /// The next instruction has this name.
    pub fn label(&mut self, name: &str) {
        self.labels.insert(name.to_string(), self.instructions.len());
    }

    /// One that goes on to the next.
    pub fn push(&mut self, class: Class) {
        self.instructions.push(Instruction { class, jump: None, leaves: false });
    }

    /// One that may go elsewhere, or always does.
    pub fn jump(&mut self, to: &str, always: bool) {
        self.instructions.push(Instruction {
            class: Class::Branch,
            jump: Some(to.to_string()),
            leaves: always,
        });
    }

    /// One that ends the kernel.
    pub fn end(&mut self) {
        self.instructions.push(Instruction { class: Class::Branch, jump: None, leaves: true });
    }

    /// The last one so many times more; `None` where there is none, or it jumps.
    pub fn again(&mut self, times: usize) -> Option<()> {
        let last = self.instructions.last().filter(|last| last.jump.is_none() && !last.leaves)?.class;
        (0..times).for_each(|_| self.push(last));
        Some(())
    }

    /// How many multiplications and additions there are.
    pub fn fmas(&self) -> u32 {
        let of = |instruction: &Instruction| match instruction.class {
            Class::Fma(lanes) => lanes,
            _ => 0,
        };
        self.instructions.iter().map(of).sum()
    }

    /// How many instructions there are.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// For each instruction those that may follow; `None` where one goes to a label that is nowhere.
    fn following(&self) -> Option<Vec<Vec<usize>>> {
        let last = self.instructions.len();
        let one = |(place, instruction): (usize, &Instruction)| {
            let mut after = Vec::new();
            if !instruction.leaves && place + 1 < last {
                after.push(place + 1);
            }
            if let Some(label) = &instruction.jump {
                let to = *self.labels.get(label)?;
                after.extend((to < last).then_some(to));
            }
            Some(after)
        };
        self.instructions.iter().enumerate().map(one).collect()
    }

    /// The instructions of each loop: its head, through which every way in leads, and those from which a way back to the head
    /// does not leave it. `None` where a loop has two ways in: it has no head.
    fn loops(&self) -> Option<Vec<BTreeSet<usize>>> {
        let following = self.following()?;
        let before = reversed(&following);
        let dominators = Dominators::of(&following, &before);
        let mut loops: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (from, after) in following.iter().enumerate() {
            for head in after.iter().copied().filter(|to| dominators.goes_back(from, *to)) {
                if !dominators.dominates(head, from) {
                    return None;
                }
                let mut body = BTreeSet::from([head]);
                let mut open = vec![from];
                while let Some(at) = open.pop() {
                    if body.insert(at) {
                        open.extend(before[at].iter().filter(|at| dominators.is_reached(**at)));
                    }
                }
                loops.entry(head).or_default().extend(body);
            }
        }
        Some(loops.into_values().collect())
    }

    /// The loop with the most multiplications and additions, those of loops within it left out. Of a loop within it that
    /// has none, one round counts.
    pub fn hottest(&self) -> Option<HotLoop> {
        let loops = self.loops()?;
        let fmas = |place: &usize| match self.instructions[*place].class {
            Class::Fma(lanes) => lanes,
            _ => 0,
        };
        let within = |outer: &BTreeSet<usize>| -> Vec<&BTreeSet<usize>> {
            loops.iter().filter(|inner| *inner != outer && inner.is_subset(outer)).collect()
        };
        // Without those within it that multiply and add themselves.
        let own = |of: &BTreeSet<usize>| -> Vec<usize> {
            let busy: Vec<_> =
                within(of).into_iter().filter(|inner| inner.iter().any(|place| fmas(place) > 0)).collect();
            of.iter().copied().filter(|place| !busy.iter().any(|inner| inner.contains(place))).collect()
        };
        let owned = loops.iter().map(|of| (of, own(of)));
        let count = |places: &[usize]| places.iter().map(fmas).sum::<u32>();
        let (of, places) = owned.max_by_key(|(of, places)| (count(places), std::cmp::Reverse(of.len())))?;
        let mut hot = HotLoop::default();
        places.iter().for_each(|place| hot.count(self.instructions[*place].class));
        hot.depth = loops.iter().filter(|outer| *outer != of && of.is_subset(outer)).count() as u32;
        (hot.fma > 0).then_some(hot)
    }
}

/// For each instruction those that may come before.
fn reversed(following: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut before = vec![Vec::new(); following.len()];
    for (from, after) in following.iter().enumerate() {
        after.iter().for_each(|to| before[*to].push(from));
    }
    before
}

/// Which instruction every way to another one leads through. After Cooper, Harvey and Kennedy, "A simple, fast dominance
/// algorithm".
struct Dominators {
    /// Places in an order in which each comes before those behind it, loops aside; `None` for what is never reached.
    order: Vec<Option<usize>>,
    /// The nearest such instruction of each.
    nearest: Vec<usize>,
}

impl Dominators {
    fn of(following: &[Vec<usize>], before: &[Vec<usize>]) -> Self {
        let count = following.len();
        let (mut behind, mut seen) = (Vec::new(), vec![false; count]);
        let mut open: Vec<(usize, usize)> = (0..count.min(1)).map(|first| (first, 0)).collect();
        seen.iter_mut().take(1).for_each(|first| *first = true);
        while let Some((at, next)) = open.pop() {
            match following[at].get(next) {
                Some(to) => {
                    open.push((at, next + 1));
                    if !seen[*to] {
                        seen[*to] = true;
                        open.push((*to, 0));
                    }
                }
                None => behind.push(at),
            }
        }
        behind.reverse();
        let mut order = vec![None; count];
        behind.iter().enumerate().for_each(|(place, at)| order[*at] = Some(place));
        // An instruction that is not known yet is its own.
        let (mut nearest, mut known) = ((0..count).collect::<Vec<usize>>(), vec![false; count]);
        known.iter_mut().take(1).for_each(|first| *first = true);
        let mut changed = true;
        while changed {
            changed = false;
            for at in behind.iter().copied().skip(1) {
                let mut new: Option<usize> = None;
                for from in before[at].iter().copied().filter(|from| known[*from]) {
                    new = Some(new.map_or(from, |other| common(&nearest, &order, from, other)));
                }
                if let Some(new) = new {
                    changed |= !known[at] || nearest[at] != new;
                    (nearest[at], known[at]) = (new, true);
                }
            }
        }
        Self { order, nearest }
    }

    fn is_reached(&self, at: usize) -> bool {
        self.order[at].is_some()
    }

    /// Whether a jump leads to what came before, or to itself.
    fn goes_back(&self, from: usize, to: usize) -> bool {
        matches!((self.order[from], self.order[to]), (Some(from), Some(to)) if to <= from)
    }

    /// Whether every way to `at` leads through `head`.
    fn dominates(&self, head: usize, mut at: usize) -> bool {
        while at != head && self.nearest[at] != at {
            at = self.nearest[at];
        }
        at == head
    }
}

/// The nearest instruction that all ways to both lead through.
fn common(nearest: &[usize], order: &[Option<usize>], mut a: usize, mut b: usize) -> usize {
    while a != b {
        while order[a] > order[b] {
            a = nearest[a];
        }
        while order[b] > order[a] {
            b = nearest[b];
        }
    }
    a
}

#[cfg(test)]
mod tests {
    use super::{Class, Program};

    /// a: load; b: fma, fma, back to b; wait; back to a.
    #[test]
    fn the_innermost_loop_is_the_hot_one() {
        let mut program = Program::default();
        program.push(Class::Alu);
        program.label("a");
        program.push(Class::Memory);
        program.label("b");
        program.push(Class::Fma(1));
        program.push(Class::Fma(2));
        program.jump("b", false);
        program.push(Class::Wait);
        program.jump("a", false);
        program.end();
        let hot = program.hottest().expect("a loop");
        assert_eq!((hot.instructions, hot.fma, hot.fma_instructions), (3, 3, 2));
        assert_eq!((hot.branch, hot.memory, hot.depth), (1, 0, 1));
        assert!((hot.per_fma() - 1.0).abs() < 1e-12);
    }

    /// A loop without arithmetic inside counts once; what is left out of the way by a jump is no part of the loop.
    #[test]
    fn loops_that_only_load_count_once() {
        let mut program = Program::default();
        program.label("a");
        program.label("b");
        program.push(Class::Memory);
        program.jump("b", false);
        program.jump("out", false);
        program.push(Class::Fma(1));
        program.jump("a", true);
        program.label("out");
        program.push(Class::Memory);
        program.end();
        // Both loops have one head, so they are one.
        let hot = program.hottest().expect("a loop");
        assert_eq!((hot.instructions, hot.fma, hot.branch, hot.memory), (5, 1, 3, 1));
    }

    /// Compilers put the end of a loop before its head: the way in is no part of it.
    #[test]
    fn a_loop_that_is_entered_in_its_middle_is_found_by_its_head() {
        let mut program = Program::default();
        program.push(Class::Fma(8));
        program.jump("head", true);
        program.label("end");
        program.push(Class::Alu);
        program.label("head");
        program.push(Class::Fma(1));
        program.jump("end", false);
        program.end();
        let hot = program.hottest().expect("a loop");
        assert_eq!((hot.instructions, hot.fma, hot.alu, hot.branch), (3, 1, 1, 1));
    }

    #[test]
    fn a_loop_with_two_ways_in_gives_no_number() {
        let mut program = Program::default();
        program.jump("b", false);
        program.label("a");
        program.push(Class::Fma(1));
        program.label("b");
        program.push(Class::Fma(1));
        program.jump("a", false);
        program.end();
        assert!(program.hottest().is_none());
    }

    #[test]
    fn a_jump_to_nowhere_gives_no_number() {
        let mut program = Program::default();
        program.label("a");
        program.push(Class::Fma(1));
        program.jump("b", false);
        program.jump("a", false);
        assert!(program.hottest().is_none());
    }

    #[test]
    fn no_loop_no_number() {
        let mut program = Program::default();
        program.push(Class::Fma(1));
        program.end();
        assert!(program.hottest().is_none());
    }
}
