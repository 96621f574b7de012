//! Tables for a terminal or a pipe: a line under the header, no other borders, numbers aligned right. In a narrow
//! terminal only long texts wrap. In a pipe each row is one line, without control characters.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, TableStyle,
};
use std::fmt;
use wgrad::words::{printable, shortened};

/// Background colours from dark to light, of a terminal's 256 colours.
const SHADES: [u8; 8] = [17, 18, 24, 30, 36, 42, 78, 120];

/// Maximum characters of a text; longer ones are cut, since all rows are as wide as the widest.
const MOST: usize = 1000;

/// Alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left, for words.
    Left,
    /// Left, for texts that may wrap in a narrow terminal.
    Wrap,
    /// Right, for numbers.
    Right,
}

/// A table under construction.
pub struct Table {
    table: comfy_table::Table,
    aligns: Vec<Align>,
}

impl Table {
    /// Creates a table with these columns.
    pub fn new<S: AsRef<str>>(columns: &[(S, Align)]) -> Self {
        let mut table = comfy_table::Table::new();
        let line = LineStyle::none().fill('─');
        table
            .load_style(TableStyle::new().header_separator(line))
            .set_content_arrangement(ContentArrangement::Dynamic);
        let mut table = Self { table, aligns: columns.iter().map(|(_, align)| *align).collect() };
        let header = columns.iter().map(|(name, _)| name.as_ref());
        let header: Vec<_> =
            table.cells(header).into_iter().map(|c| c.add_attribute(Attribute::Bold)).collect();
        table.table.set_header(header);
        for (column, align) in table.table.column_iter_mut().zip(&table.aligns) {
            column.set_padding((0, 2));
            if *align != Align::Wrap {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table
    }

    /// Adds a row.
    pub fn row<S: ToString>(&mut self, cells: impl IntoIterator<Item = S>) {
        let cells = self.cells(cells);
        self.table.add_row(cells);
    }

    /// Adds a row that stands out: red if the terminal has colours.
    pub fn alarm<S: ToString>(&mut self, cells: impl IntoIterator<Item = S>) {
        let cells: Vec<_> = self.cells(cells).into_iter().map(|c| c.fg(Color::Red)).collect();
        self.table.add_row(cells);
    }

    /// Adds a row whose cells are shaded by their shares in [0, 1], if they have one and the terminal has colours.
    pub fn shaded(&mut self, cells: impl IntoIterator<Item = (String, Option<f64>)>) {
        let (texts, shares): (Vec<String>, Vec<Option<f64>>) = cells.into_iter().unzip();
        let cells = self.cells(texts).into_iter().zip(shares).map(|(cell, share)| match share {
            Some(share) => {
                let shade = ((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1);
                let ink = if shade < SHADES.len() / 2 { Color::White } else { Color::Black };
                cell.bg(Color::AnsiValue(SHADES[shade])).fg(ink)
            }
            None => cell,
        });
        self.table.add_row(cells.collect::<Vec<_>>());
    }

    fn cells<S: ToString>(&self, cells: impl IntoIterator<Item = S>) -> Vec<Cell> {
        cells
            .into_iter()
            .zip(&self.aligns)
            .map(|(cell, align)| {
                // The text as shown, so that its width is counted correctly.
                let text = cell.to_string();
                let text = printable(&shortened(&text, MOST)).replace('\n', "\\n").replace('\t', "\\t");
                Cell::new(text).set_alignment(match align {
                    Align::Left | Align::Wrap => CellAlignment::Left,
                    Align::Right => CellAlignment::Right,
                })
            })
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};

    #[test]
    fn only_texts_wrap_where_there_is_no_room() {
        let mut table =
            Table::new(&[("index", Align::Right), ("name", Align::Wrap), ("bytes", Align::Right)]);
        table.row(["0", "a name of several words", "1,000,000"]);
        table.table.set_width(31);
        let text = table.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[2..], ["    0  a name of    1,000,000", "       several", "       words"], "{text}");
    }

    #[test]
    fn no_text_makes_a_table_wide_without_bound() {
        let mut table = Table::new(&[("name", Align::Left), ("bytes", Align::Right)]);
        table.row(["x".repeat(1 << 20).as_str(), "1"]);
        let text = table.to_string();
        assert!(
            text.lines().all(|line| line.chars().count() < 1100) && text.contains("x…"),
            "{}",
            text.len()
        );
    }

    #[test]
    fn columns_stand_below_each_other_whatever_their_texts_hold() {
        let mut table = Table::new(&[("name", Align::Left), ("bytes", Align::Right)]);
        table.row(["a\x1b[2Jb", "1"]);
        table.row(["two\nlines\t", "20"]);
        let text = table.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[2..], ["a\\u{1b}[2Jb       1", "two\\nlines\\t     20"], "{text}");
    }

    #[test]
    fn rows_are_lines_with_numbers_at_the_right() {
        let mut table = Table::new(&[("network", Align::Left), ("parameters", Align::Right)]);
        table.row(["mlp", "101,770"]);
        table.row(["linear", "7,850"]);
        let text = table.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "network  parameters");
        assert!(lines[1].chars().all(|c| c == '─'), "{text}");
        assert_eq!(lines[2..], ["mlp         101,770", "linear        7,850"]);
    }
}
