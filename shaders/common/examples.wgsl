// The weight of an example: its own where WEIGHTED, else 1.
override WEIGHTED: u32 = 0u;
override EXAMPLES: u32 = 1u; // weights in a chunk; 1 where they are not read

fn example_weight(row: u32) -> f32 {
    if (WEIGHTED == 0u) { return 1.0; }
    return examples[min(step.first + row, EXAMPLES - 1u)];
}
