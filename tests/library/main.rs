//! Results of the library, on the selected adapter: training, gradients, layers, imported networks, choices.

mod observers;
mod checker;
mod determinism;
mod explain;
mod fit;
mod gradients_of_operations;
mod heads;
mod layers;
mod losses;
mod optimizer;
mod optimizers;
mod parity;
mod plan;
mod schedules;
mod team;
