//! Sorts the nodes that lead to an output so that each follows those it takes values from, with any order in the
//! file.

use super::Said;
use crate::onnx::proto::{GraphProto, NodeProto};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// The nodes that `output` depends on, sorted. A sorted file keeps its order. The nodes that produce `given` are
/// ignored.
///
/// # Errors
/// An error in words, where two nodes produce the same value, or where nodes depend on each other in a circle.
pub(super) fn needed<'a>(
    graph: &'a GraphProto,
    output: &str,
    given: Option<&str>,
) -> Said<Vec<&'a NodeProto>> {
    let nodes = &graph.node;
    let mut gives: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if gives.insert(name, n).is_some() {
                return Err(format!("two of its nodes give `{name}`; every value must have one origin"));
            }
        }
    }
    if let Some(twice) = graph.initializer.iter().find(|t| gives.contains_key(t.name.as_str())) {
        return Err(format!("`{}` is a tensor of the file and also the output of a node", twice.name));
    }
    if let Some(given) = given {
        gives.remove(given);
    }
    let before = |n: usize| nodes[n].input.iter().filter_map(|name| gives.get(name.as_str()).copied());
    let mut wanted = vec![false; nodes.len()];
    let mut left: Vec<usize> = gives.get(output).copied().into_iter().collect();
    while let Some(n) = left.pop() {
        if !std::mem::replace(&mut wanted[n], true) {
            left.extend(before(n));
        }
    }
    // The next node is the first in the file whose inputs are all available.
    let mut waits = vec![0usize; nodes.len()];
    let mut takers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for n in (0..nodes.len()).filter(|n| wanted[*n]) {
        for from in before(n) {
            waits[n] += 1;
            takers[from].push(n);
        }
    }
    let all = wanted.iter().filter(|wanted| **wanted).count();
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..nodes.len()).filter(|n| wanted[*n] && waits[*n] == 0).map(Reverse).collect();
    let mut sorted = Vec::with_capacity(all);
    while let Some(Reverse(n)) = ready.pop() {
        sorted.push(&nodes[n]);
        for taker in &takers[n] {
            waits[*taker] -= 1;
            if waits[*taker] == 0 {
                ready.push(Reverse(*taker));
            }
        }
    }
    if sorted.len() == all {
        return Ok(sorted);
    }
    // Walking back from a waiting node eventually reaches a node twice.
    let waiting = |n: &usize| wanted[*n] && waits[*n] > 0;
    let mut at = (0..nodes.len()).find(|n| waiting(n)).unwrap_or(0);
    let mut seen = vec![false; nodes.len()];
    while !std::mem::replace(&mut seen[at], true) {
        at = before(at).find(|n| waiting(n)).unwrap_or(at);
    }
    let name = super::name_of(&nodes[at]);
    Err(format!("node `{name}` ({}) depends on itself: its nodes form a cycle", nodes[at].op_type))
}
