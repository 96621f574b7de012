// Mixup (Zhang et al., 2018): each image of the batch together with another one of it, the same distance behind for all.
const PARTNER_STREAM = 0x80000000u;

fn partner(row: u32) -> u32 {
    return (row + 1u + random(PARTNER_STREAM, 0u) % max(step.rows - 1u, 1u)) % step.rows;
}
