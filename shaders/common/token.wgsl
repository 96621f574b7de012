// The index that a number stands for: whole, from 0, at most the largest.
fn token(number: f32, largest: u32) -> u32 { return min(u32(clamp(number, 0.0, 16777215.0)), largest); }
