// Each column of w, (ROWS, COLUMNS), scaled to a norm within bounds: norm = √Σ w², w *= ((1 - RATE) · norm + RATE ·
// clamp(norm, LOW, HIGH)) / (norm + 1e-7). Keras's `MinMaxNorm`; `MaxNorm` has LOW 0, `UnitNorm` both 1.
override ROWS: u32;
override COLUMNS: u32;
override LOW: f32;
override HIGH: f32;
override RATE: f32;
@group(0) @binding(0) var<storage, read_write> w: array<f32>; // (ROWS, COLUMNS) in place
// grid COLUMNS
// case ROWS=1,COLUMNS=1,LOW=0,HIGH=0.5,RATE=1
// case ROWS=7,COLUMNS=65,LOW=0,HIGH=1.5,RATE=1
// case ROWS=300,COLUMNS=5,LOW=1,HIGH=1,RATE=1
// case ROWS=13,COLUMNS=33,LOW=2,HIGH=3,RATE=0.25
