//! Numbers as people read them: grouped digits, bytes, operations, shares, bars.

/// 60000 as 60,000.
pub fn commas(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes in the largest binary unit that keeps a number of at least 1: 1536 as 1.5 KiB.
pub fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A count in decimal units: 2400000 as 2.4 M.
pub fn si(count: f64) -> String {
    scaled(count, 1000.0, &["", "k", "M", "G", "T", "P"]).trim_end().to_string()
}

fn scaled(mut value: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // From here on, one digit after the point would round up to the base.
    while value >= base - 0.05 && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    let decimals = usize::from(unit > 0);
    format!("{value:.decimals$} {}", units[unit])
}

/// A share in [0, 1] as 86.42 %.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A bar of at most `width` characters for a share in [0, 1], in eighths of a character.
pub fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
    bar
}

#[cfg(test)]
mod tests {
    use super::{bar, bytes, commas, percent, si};

    #[test]
    fn digits_are_grouped_by_three() {
        let grouped = [0, 12, 999, 1000, 60_000, 1_234_567].map(commas);
        assert_eq!(grouped, ["0", "12", "999", "1,000", "60,000", "1,234,567"]);
    }

    #[test]
    fn units_step_where_the_number_would() {
        assert_eq!([0, 1023, 1536, 1 << 20].map(bytes), ["0 B", "1023 B", "1.5 KiB", "1.0 MiB"]);
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB", "1024.0 KiB is no number to read");
        assert_eq!([12.0, 999.96, 2.4e6].map(si), ["12", "1.0 k", "2.4 M"]);
        assert_eq!(percent(0.864_19), "86.42 %");
    }

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!([0.0, 0.5, 1.0, f64::NAN].map(|share| bar(share, 4)), ["", "██", "████", ""]);
        assert_eq!(bar(1.0 / 32.0, 4), "▏");
    }
}
