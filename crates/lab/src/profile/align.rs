//! Alignment of the device's clock with the host's. The device cannot begin a submission before the host hands it over,
//! nor end it after the host has seen that it is done: every submission bounds the offset from both sides.

/// Offset between the clocks of host and device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alignment {
    /// Seconds to add to the device's clock.
    pub offset: f64,
    /// Uncertainty of the offset in either direction, seconds.
    pub doubt: f64,
}

/// Aligns the clocks from submissions as [handed over, seen done] by the host and [begun, ended] by the device; `None`
/// without any.
pub(super) fn align(pairs: impl IntoIterator<Item = ([f64; 2], [f64; 2])>) -> Option<Alignment> {
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    for ([submitted, done], [begin, end]) in pairs {
        least = least.max(submitted - begin);
        most = most.min(done - end);
    }
    let bounded = least.is_finite() && most.is_finite();
    bounded.then(|| Alignment { offset: (least + most) / 2.0, doubt: (most - least).abs() / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn every_submission_narrows_the_offset() {
        assert_eq!(align([]), None);
        let wide = align([([10.0, 12.0], [1.0, 2.0])]).expect("one");
        assert_eq!((wide.offset, wide.doubt), (9.5, 0.5));
        let narrow = align([([10.0, 12.0], [1.0, 2.0]), ([12.0, 14.0], [2.25, 4.5])]).expect("two");
        assert_eq!((narrow.offset, narrow.doubt), (9.625, 0.125));
    }
}
