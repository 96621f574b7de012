// A row of a loss: place `row % POSITIONS` of image `row / POSITIONS`. An image has one place, or several with a label each.
override POSITIONS: u32 = 1u;
// Where a network has several outputs: labels of an image, of which those from FROM on are this loss's; 0: all are.
override LABELS: u32 = 0u;
override FROM: u32 = 0u;

fn rows_in_use() -> u32 { return step.rows * POSITIONS; }

// The first label of a row, of `each` labels.
fn first_label(row: u32, each: u32) -> u32 {
    if (LABELS == 0u) { return (step.first * POSITIONS + row) * each; }
    return (step.first + row / POSITIONS) * LABELS + FROM + row % POSITIONS * each;
}

fn label_of(row: u32) -> u32 { return labels[first_label(row, 1u)]; }

// The same place of the partner of the row's image.
fn partner_of(row: u32) -> u32 { return partner(row / POSITIONS) * POSITIONS + row % POSITIONS; }

fn weight_of(row: u32) -> f32 { return example_weight(row / POSITIONS); }
