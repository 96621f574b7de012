//! Tables of a page, from columns defined by the caller or from values that serialize to objects.

use crate::chart::figure;
use maud::{Markup, html};
use serde_json::Value;
use wgrad::{Error, Result, words::drawable};

/// Characters above which a text column may wrap.
const LONG: usize = 26;

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The displayed text.
    pub text: String,
    /// The exact number behind the text, which the page carries for programs.
    pub value: Option<f64>,
}

impl Cell {
    /// Creates a text cell.
    pub fn text(text: impl ToString) -> Self {
        Self { text: text.to_string(), value: None }
    }

    /// Creates a number cell with the text of `show`, or an empty cell (–).
    pub fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Self {
        Self { text: value.map_or("–".to_string(), show), value }
    }
}

/// A table. The first cell of a row names the row.
#[derive(Clone, Debug, Default)]
pub struct Table {
    caption: String,
    columns: Vec<(String, bool)>,
    rows: Vec<(Vec<Cell>, bool)>,
    below: Option<String>,
}

impl Table {
    /// Creates a table with these columns; `true` marks a column of numbers.
    pub fn new(caption: &str, columns: &[(&str, bool)]) -> Self {
        let columns = columns.iter().map(|(name, number)| (name.to_string(), *number)).collect();
        Self { caption: caption.to_string(), columns, ..Self::default() }
    }

    /// Adds a row; an `alarm` row is red.
    pub fn row(&mut self, cells: Vec<Cell>, alarm: bool) {
        self.rows.push((cells, alarm));
    }

    /// Creates a table of values that serialize to objects, such as rows of the lab. Each field is a column; fields of
    /// inner objects are named `outer.inner`. A row whose `status` is `wrong` is an alarm. Values that all rows share
    /// are listed once, below the table.
    ///
    /// # Errors
    /// [`Error::Report`] if a row is not an object.
    pub fn of<T: serde::Serialize>(caption: &str, rows: &[T]) -> Result<Self> {
        let fail = |message: String| Error::Report { caption: caption.to_string(), message };
        let mut columns: Vec<String> = Vec::new();
        let mut all: Vec<Vec<(String, Value)>> = Vec::new();
        for row in rows {
            let value = serde_json::to_value(row).map_err(|e| fail(e.to_string()))?;
            let Value::Object(_) = value else {
                return Err(fail(format!("a row is {value}, expected an object with named fields")));
            };
            let mut fields = Vec::new();
            flatten("", &value, &mut fields);
            for (name, _) in &fields {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
            all.push(fields);
        }
        let field = |row: &[(String, Value)], name: &str| {
            row.iter().find(|(field, _)| field == name).map_or(Value::Null, |(_, value)| value.clone())
        };
        let same = |name: &String| {
            let first = all.first().map(|row| field(row, name));
            all.len() > 1 && all.iter().all(|row| Some(field(row, name)) == first)
        };
        // The first column names the rows, so it stays.
        let (constant, shown): (Vec<_>, Vec<_>) =
            columns.iter().enumerate().partition(|(n, name)| *n > 0 && same(name));
        let number = |name: &String| all.iter().any(|row| field(row, name).is_number());
        let mut table = Self {
            caption: caption.to_string(),
            columns: shown.iter().map(|(_, name)| ((*name).clone(), number(name))).collect(),
            ..Self::default()
        };
        for row in &all {
            let cells = shown.iter().map(|(_, name)| cell(&field(row, name))).collect();
            table.row(cells, field(row, "status") == "wrong");
        }
        let known = constant.iter().filter_map(|(_, name)| {
            let text = cell(&field(all.first()?, name)).text;
            (text != "–").then(|| format!("{name} {text}"))
        });
        let known: Vec<String> = known.collect();
        table.below = (!known.is_empty()).then(|| format!("The same in every row: {}.", known.join("; ")));
        Ok(table)
    }

    pub(super) fn markup(&self) -> Markup {
        let long = |n: usize| {
            let mut cells = self.rows.iter().filter_map(|(cells, _)| cells.get(n));
            cells.any(|cell| cell.text.chars().count() > LONG).then_some("long")
        };
        let classes: Vec<Option<&str>> = (self.columns.iter().enumerate())
            .map(|(n, (_, number))| if *number { Some("number") } else { long(n) })
            .collect();
        let class = |n: usize| classes.get(n).copied().flatten();
        html! {
            // On a narrow screen it scrolls, so the keyboard must reach it.
            div class="scroll" tabindex="0" role="region" aria-label=(drawable(&self.caption)) {
                table {
                    caption { (drawable(&self.caption)) }
                    thead { tr {
                        @for (n, (name, _)) in self.columns.iter().enumerate() {
                            th scope="col" class=[class(n)] {
                                // On paper a name such as `images_per_second` may wrap after each underscore.
                                @for part in name.split_inclusive('_') { span { (drawable(part)) } }
                            }
                        }
                    } }
                    tbody {
                        @for (cells, alarm) in &self.rows {
                            tr class=[alarm.then_some("alarm")] {
                                @for (n, cell) in cells.iter().enumerate() {
                                    @if n == 0 { th scope="row" class=[class(n)] { (cell.markup()) } }
                                    @else { td class=[class(n)] { (cell.markup()) } }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(below) = &self.below { p class="faint" { (drawable(below)) } }
        }
    }
}

impl Cell {
    fn markup(&self) -> Markup {
        let text = drawable(self.text.trim_end());
        html! {
            @match self.value {
                Some(value) => data value=(value) { (text) },
                None => (text),
            }
        }
    }
}

/// Collects the fields of an object; those of inner objects are named by their path.
fn flatten(path: &str, value: &Value, fields: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                let name = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&name, value, fields);
            }
        }
        other => fields.push((path.to_string(), other.clone())),
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::text("–"),
        Value::Bool(yes) => Cell::text(if *yes { "yes" } else { "no" }),
        Value::String(text) => Cell::text(text),
        Value::Number(n) if n.is_f64() => Cell::number(n.as_f64(), figure),
        Value::Number(n) => Cell { text: n.to_string(), value: n.as_f64() },
        Value::Array(items) => {
            Cell::text(items.iter().map(|item| cell(item).text).collect::<Vec<_>>().join(", "))
        }
        Value::Object(_) => Cell::text(value),
    }
}
