//! What the lab measures and finds, on the adapter that is here: gradients and plans beside their twins, variants chosen.

mod check;
mod gradients;
mod tune;
