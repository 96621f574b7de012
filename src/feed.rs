//! The feed: inputs that change from step to step and are the same for all kernels. The host fills it a
//! chunk at a time; a step selects its part by a dynamic offset, so nothing waits for the host.

/// The numbers of one step, as `shaders/common/feed.wgsl` declares them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Step {
    /// Index in the chunk of the batch's first image.
    pub first: u32,
    /// Images in this batch; fewer than the plan's in a partial one.
    pub rows: u32,
    /// Slot in `results` for the loss and the number of correct predictions of this step.
    pub slot: u32,
    /// Random key, from the seed and the step number.
    pub key0: u32,
    /// Second half of the random key.
    pub key1: u32,
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// Adam's bias-correction factor.
    pub correction: f32,
    /// Addend of a schedule to the momentum or beta_1.
    pub momentum_shift: f32,
    /// Weight of the new parameters in their moving average.
    pub average: f32,
    /// Mixup: the share of the partner in an image of this batch, in [0, 1].
    pub mixed: f32,
    /// The share of the step's images in this part: 1 if the step is computed at once.
    pub share: f32,
    /// Index of this part in its step, from 0.
    pub part: u32,
    /// Images of the step that the ranks before this one compute.
    pub before: u32,
    /// Images of a full batch of the program, for what is drawn of elements of images.
    pub images: u32,
}

impl Step {
    /// Its words, as the device reads them.
    pub fn words(&self) -> Vec<u32> {
        bytemuck::cast_slice(&[*self]).to_vec()
    }

    /// The index in the whole step of element `index` of a batch of `count` elements, as the shader part `random.wgsl`
    /// computes it: what an image draws does not depend on the rank that computes it.
    pub fn index_in_step(&self, index: usize, count: usize) -> u32 {
        (index as u32).wrapping_add(self.before.wrapping_mul(count as u32 / self.images.max(1)))
    }

    /// Sets the random key from the seed and the global number of the step.
    pub fn keyed(mut self, seed: u64, number: u64) -> Self {
        // SplitMix64 (Steele, Lea and Flood 2014): a bijection, so no two steps of a seed share a key.
        let key = split_mix(split_mix(seed) ^ number);
        self.key0 = key as u32;
        self.key1 = (key >> 32) as u32;
        self
    }
}

/// SplitMix64's increment: 2^64 divided by the golden ratio.
pub(crate) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output of SplitMix64 in state `seed`: scrambles 64 bits.
pub fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Images and labels of a chunk, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Bytes of the images, (images, height, width, channels): one byte per value, or an f32 in little-endian order.
    pub images: Vec<u8>,
    /// The labels of each image, one or several: class indices; for numbers, the bits of an f32.
    pub labels: Vec<u32>,
}
