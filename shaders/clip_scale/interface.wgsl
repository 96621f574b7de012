// Clipping by the global norm (Pascanu, Mikolov and Bengio 2013; Keras's `global_clipnorm`), second pass: the factor that
// takes the norm of all gradients to at most CLIPNORM: norm = √Σ partials; scale = norm > CLIPNORM ? CLIPNORM / norm : 1
override SPLITS: u32;
override CLIPNORM: f32;
@group(0) @binding(0) var<storage, read_write> scale: array<f32>; // (1)
@group(0) @binding(1) var<storage, read> partials: array<f32>; // (SPLITS) positive
// grid ONE = 1
// case SPLITS=1,CLIPNORM=1000
// case SPLITS=5,CLIPNORM=0.5
// case SPLITS=4101,CLIPNORM=0.001
