// A row of a loss: place `row % POSITIONS` of image `row / POSITIONS`. An image has one place, or several with a label each.
override POSITIONS: u32 = 1u;

fn rows_in_use() -> u32 { return step.rows * POSITIONS; }

fn label_of(row: u32) -> u32 { return labels[step.first * POSITIONS + row]; }

// The same place of the partner of the row's image.
fn partner_of(row: u32) -> u32 { return partner(row / POSITIONS) * POSITIONS + row % POSITIONS; }

fn weight_of(row: u32) -> f32 { return example_weight(row / POSITIONS); }
