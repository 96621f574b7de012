//! Attention that a file composes of products, a softmax and many rearrangements. Scores are products of queries and keys;
//! shares are their softmax; heads are products of shares and values. Each is a view of what it will be, until a layer is
//! made of all.

use super::{
    Said,
    views::{Base, Scores, View},
};
use crate::onnx::tensor::{Tensor, strides};
use std::rc::Rc;

/// A score below this leaves a key out: its share is 0 in f32.
const HIDDEN: f32 = -1e4;

/// The shares that a softmax over an axis makes of scores; `None` where it goes over something else.
pub(super) fn shares(view: &View, at: usize) -> Option<View> {
    let Base::Scores(scores) = &view.base else { return None };
    let keys = scores.side(view.axes.0.get(at)?)?;
    let hides_less = scores.zeros.is_some() && scores.zeros != scores.causal;
    if scores.keys.is_some() || hides_less || scores.causal.is_some_and(|side| side != keys) {
        return None;
    }
    let scores = Scores { keys: Some(keys), scale: f64::from(view.scale), ..(**scores).clone() };
    Some(View { base: Base::Scores(Rc::new(scores)), scale: 1.0, ..view.clone() })
}

/// What a constant does to scores that it hides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hiding {
    /// It leaves no share to them.
    Low,
    /// It makes them 0, before it leaves no share to them.
    Zero,
}

/// Scores that a constant mask hides; `None` where no mask can be applied to the view.
///
/// # Errors
/// Says what a mask hides that wgrad does not.
pub(super) fn masked(
    view: &View,
    mask: &Tensor,
    how: Hiding,
    hidden: impl Fn(usize) -> Said<bool>,
) -> Said<Option<View>> {
    let Base::Scores(scores) = &view.base else { return Ok(None) };
    let all: Vec<bool> = (0..mask.len()).map(hidden).collect::<Said<_>>()?;
    if !scores.is_open() || mask.shape.len() > view.axes.0.len() {
        return Ok(None);
    }
    if !all.contains(&true) {
        return Ok(Some(view.clone()));
    }
    let Some(keys) = later(view, scores, &mask.shape, &all)? else { return Ok(None) };
    let mut scores = (**scores).clone();
    match how {
        Hiding::Low => scores.causal = Some(keys),
        Hiding::Zero => scores.zeros = Some(keys),
    }
    Ok(Some(View { base: Base::Scores(Rc::new(scores)), ..view.clone() }))
}

/// The side whose later steps a mask of this shape hides; `None` where the axes of the scores are no longer those of steps.
fn later(view: &View, scores: &Scores, shape: &[usize], all: &[bool]) -> Said<Option<usize>> {
    let rank = view.axes.0.len();
    // The side of each axis, and the lengths of the mask.
    let sides: Vec<Option<usize>> = view.axes.0.iter().map(|axis| scores.side(axis)).collect();
    let lens = [&vec![1; rank - shape.len()][..], shape].concat();
    let of = |side: usize| sides.iter().position(|own| *own == Some(side));
    let (Some(first), Some(second)) = (of(0), of(1)) else { return Ok(None) };
    let counts = [scores.steps(0), scores.steps(1)];
    if [lens[first], lens[second]] != counts {
        return Err(format!("a mask {shape:?}; wgrad has a causal one, of {counts:?} steps"));
    }
    // It is the same for all heads.
    let steps = strides(&lens);
    let step = |at: usize, axis: usize| at / steps[axis] as usize % lens[axis];
    let hides = |keys: usize, at: usize| {
        let (query, key) = if keys == 1 { (first, second) } else { (second, first) };
        step(at, key) > step(at, query)
    };
    let keys = [1, 0].into_iter().find(|keys| (0..all.len()).all(|at| all[at] == hides(*keys, at)));
    if keys.is_none() {
        let why = "a mask that hides other steps than those behind each; wgrad has a causal one, and masks of a sequence \
                   by Masking and mask_zero";
        return Err(why.into());
    }
    Ok(keys)
}

/// Scores whose second side has the keys, with the later ones hidden; `None` where the view has none.
pub(super) fn causal(view: &View) -> Option<View> {
    let Base::Scores(scores) = &view.base else { return None };
    if !scores.is_open() || scores.causal.is_some_and(|keys| keys != 1) {
        return None;
    }
    let scores = Scores { causal: Some(1), ..(**scores).clone() };
    Some(View { base: Base::Scores(Rc::new(scores)), ..view.clone() })
}

/// Whether number `at` of a mask that is added to scores hides a key.
///
/// # Errors
/// Says that it does not hide it, and changes its share.
pub(super) fn hides(mask: &[f32], at: usize) -> Said<bool> {
    match mask[at] {
        0.0 => Ok(false),
        low if low <= HIDDEN => Ok(true),
        other => Err(format!(
            "{other} added to a score; wgrad has a causal mask, of 0 and of numbers up to {HIDDEN}"
        )),
    }
}
