//! Colours of charts. The series use the colours of Okabe and Ito ("Color Universal Design", 2008), which colour-blind
//! readers can distinguish. They are darkened for light pages, and kept or lightened for dark ones, for a contrast of
//! at least 3 to 1 on both.

use plotters::style::RGBColor;

/// A colour on a light page, and its counterpart on a dark one. No two have the same light colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink {
    light: u32,
    dark: u32,
}

const fn ink(light: u32, dark: u32) -> Ink {
    Ink { light, dark }
}

/// The background of dark pages.
pub(crate) const DARK_PAGE: u32 = 0x14181D;

/// Text.
pub(super) const TEXT: Ink = ink(0x1B1F24, 0xE6EDF3);
/// Notes, and numbers at axes.
pub(super) const FAINT: Ink = ink(0x57606A, 0xA3ADB8);
/// Lines behind the data.
pub(super) const GRID: Ink = ink(0xD8DEE4, 0x343B43);
/// Axes and leader lines.
pub(super) const FRAME: Ink = ink(0x8C959F, 0x6E7781);
/// Wrong results.
pub(super) const ALARM: Ink = ink(0xB42318, 0xFF8A80);
/// Background of cells without a number.
pub(super) const EMPTY: Ink = ink(0xF1F3F5, 0x22272E);
/// Text on dark cells of a heat map, on any page.
pub(super) const ON_DARK: Ink = ink(0xFFFFFE, 0xFFFFFE);
/// Text on light cells of a heat map, on any page.
pub(super) const ON_LIGHT: Ink = ink(0x000001, 0x000001);

/// Colours of the series: blue, vermilion, green, purple, orange, sky blue, grey.
const SERIES: [Ink; 7] = [
    ink(0x0072B2, 0x56B4E9),
    ink(0xC24E00, 0xF0813A),
    ink(0x00805C, 0x1DBE8F),
    ink(0xA8477E, 0xDE92BD),
    ink(0x966400, 0xE69F00),
    ink(0x2A7FAE, 0x9AD5F5),
    ink(0x6B6B6B, 0xBDBDBD),
];

/// Eight steps of the colour map cividis (Nuñez, Anderton and Renslow, 2018), from low to high.
pub(super) const STEPS: [Ink; 8] = [
    ink(0x00224E, 0x00224E),
    ink(0x1F3A6F, 0x1F3A6F),
    ink(0x434E6C, 0x434E6C),
    ink(0x62646F, 0x62646F),
    ink(0x7F7C75, 0x7F7C75),
    ink(0xA29672, 0xA29672),
    ink(0xC8B467, 0xC8B467),
    ink(0xFEE838, 0xFEE838),
];

/// Length of a dash and of the gap after it, pixels.
pub(super) const DASH: [f64; 2] = [6.0, 4.0];
/// Length of a dot and of the gap after it, pixels.
const DOT: [f64; 2] = [2.0, 3.0];

/// Returns the dashes of a series: none for the first seven, which have the same colours as the next seven.
pub(super) fn dash(n: usize) -> Option<[f64; 2]> {
    [None, Some(DASH), Some(DOT)][n / SERIES.len() % 3]
}

/// Returns the colour of a series; the colours repeat after seven.
pub(super) fn series(n: usize) -> Ink {
    SERIES[n % SERIES.len()]
}

impl Ink {
    /// Returns the light colour for plotters.
    pub(super) fn color(self) -> RGBColor {
        let [_, r, g, b] = self.light.to_be_bytes();
        RGBColor(r, g, b)
    }
}

/// Returns CSS rules that turn charts dark. They belong inside `@media (prefers-color-scheme: dark)`.
pub fn style() -> String {
    let others = [TEXT, FAINT, GRID, FRAME, ALARM, EMPTY];
    let rule = |Ink { light, dark }: &Ink| {
        format!(
            "svg [fill=\"#{light:06X}\"]{{fill:#{dark:06X}}}svg [stroke=\"#{light:06X}\"]{{stroke:#{dark:06X}}}"
        )
    };
    others.iter().chain(&SERIES).map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::{ALARM, DARK_PAGE, EMPTY, FAINT, FRAME, GRID, Ink, ON_DARK, ON_LIGHT, SERIES, STEPS, TEXT};

    /// Relative luminance, by the Web Content Accessibility Guidelines 2.
    fn luminance(color: u32) -> f64 {
        let [_, r, g, b] = color.to_be_bytes().map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.03928 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn colours_stand_out_on_light_and_on_dark_pages() {
        let stands = |ink: &Ink, least: f64| {
            let (light, dark) = (contrast(ink.light, 0xFFFFFF), contrast(ink.dark, DARK_PAGE));
            assert!(light >= least && dark >= least, "{ink:X?}: {light:.1} on white, {dark:.1} on dark");
        };
        [TEXT, FAINT, ALARM].iter().for_each(|ink| stands(ink, 4.5));
        SERIES.iter().for_each(|ink| stands(ink, 3.0));
        for (n, step) in STEPS.iter().enumerate() {
            let text = if super::super::heat_map::is_dark(n) { ON_DARK } else { ON_LIGHT };
            assert!(contrast(step.light, text.light) >= 4.0, "step {n}");
        }
    }

    #[test]
    fn no_two_roles_share_a_colour() {
        let mut all: Vec<u32> = [TEXT, FAINT, GRID, FRAME, ALARM, EMPTY, ON_DARK, ON_LIGHT]
            .iter()
            .chain(&SERIES)
            .chain(&STEPS)
            .map(|ink| ink.light)
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
