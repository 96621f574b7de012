//! wgrad trains neural networks on any GPU through wgpu, with hand-written WGSL compute kernels.
//!
//! The modules form layers; each imports only modules listed before it:
//!
//! * **Shared utilities:** [`error`], [`clock`], [`words`], [`text`], [`observe`]
//! * **Operations and the registry of their kernels:** [`feed`], [`op`], [`mod@reference`], [`kernels`]
//! * **Data:** [`preprocessing`], [`data`]
//! * **The network, before any device is involved:** [`initializer`], [`augment`], [`loss`], [`objective`],
//!   [`program`], [`layers`], [`optim`], [`model`], [`networks`]
//! * **The device, the proofs and the plan:** [`gpu`], [`selection`], [`compare`], [`derivative`], [`prove`],
//!   [`selftest`], [`plan`], [`compiled`]
//! * **Training and use:** [`metrics`], [`schedule`], [`callbacks`], [`checkpoint`], [`evaluate`], [`predict`],
//!   [`explain`], [`train`], [`lr_find`]
// Printing is up to the program that uses the library; and `eprintln!` panics when stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

// Shared utilities.
/// The error type: what failed, what was received, what was expected, what to do next.
pub mod error;
/// The clock that all measurements read.
pub mod clock;
/// Formatting of numbers for people, and text that is safe to print to a terminal.
pub mod words;
/// Reading of text files from any editor.
pub mod text;
/// Range checks of numeric options, by the precision that the device computes with.
mod range;
/// Observers of the training loop: what the host does and when.
pub mod observe;
/// Number of steps per submission.
mod pacer;

// Operations and the registry of their kernels.
/// Inputs that change from step to step: the images, their number, the learning rate, the random key.
pub mod feed;
/// Operations: interface, variants, twin.
pub mod op;
/// CPU twins: plain loops in f64 that define the result of every kernel.
pub mod reference;
/// Registry of every operation, its variants, and the rules by which each is the default.
pub mod kernels;

// Data.
/// Preprocessing of images: bytes or floats, normalized or as they are.
pub mod preprocessing;
/// Data sets for training: images, labels, and the stream that shuffles them and gathers the next chunk in the
/// background.
pub mod data;

// The network, before any device is involved.
/// Initializers of parameters.
pub mod initializer;
/// Random augmentation of training images: flip, shift, rotation, zoom, erasing, mixup.
pub mod augment;
/// Losses: cross-entropy for classes, squared and absolute errors for numbers.
pub mod loss;
/// Treatment of images and labels in training, independent of the model.
pub mod objective;
/// Programs: lists of operations and the values between them, before any device is involved.
pub mod program;
/// Layers under Keras's names: shape inference, parameters, forward, backward; one file each.
pub mod layers;
/// Penalties and constraints of trained tensors.
pub mod regularization;
/// Optimizers: hyperparameters, state, and the update that ends a training step.
pub mod optim;
/// A stack of layers: checked shapes, initial weights, and the programs that train and use it.
pub mod model;
/// The built-in networks.
pub mod networks;

// The device, the proofs and the plan.
/// Access to wgpu: adapters, buffers, kernels bound by name.
pub mod gpu;
/// Selection of the variant that runs a call on a device: chosen by hand, tuned, or the default.
pub mod selection;
/// NaN-safe comparison of results; the only one in the crate.
pub mod compare;
/// Derivatives by central differences.
pub mod derivative;
/// Proof of a variant on this device against its twin, with poisoned outputs and guard bands.
pub mod prove;
/// Self-test of a device: proves each kernel of a plan before its first step, and keeps the verdict.
pub mod selftest;
/// Plans: programs compiled for a device; buffers, kernels and bind groups are made up front and replayed every step.
pub mod plan;
/// Compiled networks: a plan and the memory that it works on.
pub mod compiled;

// Training and use.
/// Loss and accuracy of a step and of many images; error measures for regression.
pub mod metrics;
/// Learning-rate schedules.
pub mod schedule;
/// Callbacks between epochs: early stopping, plateaus, targets.
pub mod callbacks;
/// Checkpoints: weights, optimizer state and position as one safetensors file.
pub mod checkpoint;
/// Teams: ranks that train one network together, each on a device of its own.
pub mod team;
/// One pass over a split: chunks stream through a compiled model.
mod visit;
/// Loss, accuracy and confusion matrix of a trained network.
pub mod evaluate;
/// Class probabilities from a trained network.
pub mod predict;
/// Interpretation of a network: activations of each layer, gradients with respect to pixels, dead units.
pub mod explain;
/// The training loop.
pub mod train;
/// Learning-rate range test: finds a learning rate by raising it step by step.
pub mod lr_find;

pub use error::{Error, Result};

/// Doctest of the program in `docs/training.md`.
#[cfg(doctest)]
#[doc = include_str!("../docs/training.md")]
struct Training;
