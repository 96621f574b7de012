//! wgrad trains neural networks on any GPU through wgpu, with hand-written WGSL compute kernels.
//!
//! The modules stand on floors, and each knows only those before it:
//!
//! * **What all share:** [`error`], [`clock`], [`words`], [`text`], [`observe`]
//! * **Operations: what a kernel computes, and the page of them all:** [`feed`], [`op`], [`mod@reference`], [`kernels`]
//! * **Data:** [`preprocessing`], [`data`]
//! * **The network, before any device is involved:** [`initializer`], [`augment`], [`loss`], [`objective`],
//!   [`program`], [`layers`], [`optim`], [`model`], [`networks`]
//! * **The device, the proofs and the plan:** [`gpu`], [`selection`], [`compare`], [`derivative`], [`prove`], [`selftest`], [`plan`],
//!   [`compiled`]
//! * **Training and use:** [`metrics`], [`schedule`], [`callbacks`], [`checkpoint`], [`evaluate`], [`predict`],
//!   [`explain`], [`train`], [`lr_find`]
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

// What all share.
/// The one error type: what, got, expected, what to do next.
pub mod error;
/// The one clock.
pub mod clock;
/// Numbers as people read them, and text that a terminal can be given.
pub mod words;
/// Text files that people write with any editor.
pub mod text;
/// Which numbers of options a device computes with.
mod range;
/// Who listens to the training loop: what the host does and when.
pub mod observe;
/// How many steps one submission holds.
mod pacer;

// Operations: what a kernel computes, and the page of them all.
/// What changes from step to step: which images, how many, the learning rate, the random key.
pub mod feed;
/// What an operation is: interface, variants, twin.
pub mod op;
/// The CPU twins: plain loops in f64 that define every kernel.
pub mod reference;
/// The page: every operation, its variants, and for which adapters each is the default.
pub mod kernels;

// Data.
/// How an image comes to a network: bytes or floats, normalized or as they are.
pub mod preprocessing;
/// A data set as a training takes it: images, labels, and the stream that shuffles them and gathers the next chunk in the
/// background.
pub mod data;

// The network, before any device is involved.
/// How parameters start.
pub mod initializer;
/// Changes of the images at random while training: flip, shift, rotation, zoom, erasing, mixup.
pub mod augment;
/// What is minimised: cross-entropy of classes, squares and distances of numbers.
pub mod loss;
/// What a training makes of images and labels, whatever the model.
pub mod objective;
/// A list of operations and the values between them, before any device is involved.
pub mod program;
/// Layers under Keras's names: shape rule, parameters, forward, backward; a file each.
pub mod layers;
/// Optimizers: their numbers, what they keep, the end of a training step.
pub mod optim;
/// A stack of layers: checked shapes, initial weights, and the programs that train and use it.
pub mod model;
/// The built-in networks.
pub mod networks;

// The device, the proofs and the plan.
/// Everything that talks to wgpu: adapters, buffers, kernels bound by name.
pub mod gpu;
/// Which variant runs a call on a device: by hand, tuned, or the default.
pub mod selection;
/// The one comparison, NaN-safe.
pub mod compare;
/// Slopes by central differences.
pub mod derivative;
/// Proof of a variant on this device: poisoned outputs, guard bands, against the twin.
pub mod prove;
/// Whether a device is to be believed: a proof of each kernel of a plan before its first step, whose verdict is kept.
pub mod selftest;
/// A program made to run on a device: buffers, kernels and bind groups made up front, replayed at every step.
pub mod plan;
/// A network on a device: its plan and the memory that this works on.
pub mod compiled;

// Training and use.
/// Loss and accuracy, of a step and of many images; how far numbers are off.
pub mod metrics;
/// Learning-rate schedules.
pub mod schedule;
/// What is watched between epochs: early stopping, plateaus, targets.
pub mod callbacks;
/// Weights, optimizer state and position as one safetensors file.
pub mod checkpoint;
/// One pass over a split: chunks stream through a compiled model.
mod visit;
/// Loss, accuracy and confusion matrix of a trained network.
pub mod evaluate;
/// Probabilities of the classes, from a trained network.
pub mod predict;
/// What each layer makes of an image, how a score depends on the pixels, which units are dead.
pub mod explain;
/// The training loop.
pub mod train;
/// A learning rate for a training, by letting it rise.
pub mod lr_find;

pub use error::{Error, Result};

/// The program of the page on training.
#[cfg(doctest)]
#[doc = include_str!("../docs/training.md")]
struct Training;
