//! A report as one HTML file: facts about the run, then sections of charts with the same numbers as tables. It loads
//! nothing and runs no script. It is readable in light and dark mode, on wide and narrow screens, and on paper. All
//! external content is escaped as text.
//!
//! A report takes a few lines:
//!
//! ```
//! use wgrad_report::{chart::{Grouped, Group}, page::{Page, Section, Table}};
//!
//! #[derive(serde::Serialize)]
//! struct Row { dispatch: &'static str, share: f64 }
//!
//! let rows = [Row { dispatch: "matmul", share: 62.5 }, Row { dispatch: "sgd", share: 37.5 }];
//! let bars = rows.iter().map(|row| Group { name: row.dispatch.into(), values: vec![Some(row.share)] });
//! let chart = Grouped { title: "Where the time goes".into(), unit: "%".into(), rows: bars.collect(), ..Default::default() };
//! let page = Page::new("A training step")
//!     .fact("command", "wgrad profile")
//!     .section(Section::new("Dispatches").chart("Where the time goes", chart.svg()).table(Table::of("Dispatches", &rows)?));
//! assert!(page.html().contains("62.5"));
//! # Ok::<(), wgrad::Error>(())
//! ```
//!
//! [`Table::of`](crate::page::Table::of) takes values that serialize to objects;
//! [`Table::new`](crate::page::Table::new) creates a table with columns of your own. The library has no clock: a date
//! is a fact that the caller provides.

use super::{
    chart::{self, Svg},
    gallery::Gallery,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::{io, path::Path};
use wgrad::{Result, error::io_error, words::drawable};
use wgrad_files::write_whole;

mod code;
mod table;

pub use code::Code;
pub use table::{Cell, Table};

const STYLE: &str = include_str!("page.css");

/// A report.
#[derive(Clone, Debug, Default)]
pub struct Page {
    title: String,
    facts: Vec<(String, String)>,
    sections: Vec<Section>,
}

/// A part of a report.
#[derive(Clone, Debug, Default)]
pub struct Section {
    heading: String,
    words: Vec<String>,
    alarms: Vec<Alarm>,
    charts: Vec<(String, Svg)>,
    galleries: Vec<Gallery>,
    tables: Vec<Table>,
    codes: Vec<Code>,
}

/// A picture of a page, to be saved as a file.
#[derive(Clone, Copy, Debug)]
pub enum Picture<'a> {
    /// A chart with its caption.
    Chart(&'a str, &'a Svg),
    /// A gallery of small pictures.
    Gallery(&'a Gallery),
}

/// A problem, with its known facts.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    /// What is wrong.
    pub what: String,
    /// The reason.
    pub reason: String,
    /// Facts as names and values: index, got, expected, allowed.
    pub facts: Vec<(String, String)>,
}

impl Page {
    /// Creates an empty report.
    pub fn new(title: &str) -> Self {
        Self { title: title.to_string(), ..Self::default() }
    }

    /// Adds a fact about the run: a name and its value.
    #[must_use]
    pub fn fact(mut self, name: &str, is: impl ToString) -> Self {
        self.facts.push((name.to_string(), is.to_string()));
        self
    }

    /// Adds a section.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// Adds a section, if there is one.
    #[must_use]
    pub fn section_if(self, section: Option<Section>) -> Self {
        match section {
            Some(section) => self.section(section),
            None => self,
        }
    }

    /// Returns the whole file.
    pub fn html(&self) -> String {
        let dark = format!(
            "@media screen and (prefers-color-scheme:dark){{:root{{--page:#{:06x};--text:#e6edf3;--faint:#a3adb8;\
             --line:#343b43;--soft:#1c2128;--alarm:#ff8a80;--alarm-soft:#2d1b1b;--new-soft:#12261a;--link:#79b8ff}}{}}}",
            chart::DARK_PAGE,
            chart::style()
        );
        let title = drawable(&self.title);
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Nothing is loaded, even if something slips in.
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                    title { (title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(dark)) }
                }
                body {
                    main {
                        h1 { (title) }
                        (facts(&self.facts))
                        @if self.sections.len() > 3 {
                            nav aria-label="Sections" { ul {
                                @for (n, section) in self.sections.iter().enumerate() {
                                    li { a href={ "#section-" (n) } { (drawable(&section.heading)) } }
                                }
                            } }
                        }
                        @for (n, section) in self.sections.iter().enumerate() { (section.markup(n)) }
                    }
                }
            }
        };
        markup.into_string()
    }

    /// Returns all its pictures, in order.
    pub fn pictures(&self) -> Vec<Picture<'_>> {
        self.sections.iter().flat_map(Section::pictures).collect()
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] with the path.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.write_as(path, |html| html)
    }

    /// Like [`Page::write`], with the text passed through `said`, for example to use the words of a front end.
    ///
    /// # Errors
    /// [`wgrad::Error::Io`] with the path.
    pub fn write_as(&self, path: &Path, said: impl Fn(String) -> String) -> Result<()> {
        let html = said(self.html());
        write_whole(path, |file| file.write_all(html.as_bytes()))
    }
}

/// Checks that a page can be written to `path`, so that an error appears before anything is measured. Leaves no file.
///
/// # Errors
/// [`wgrad::Error::Io`] with the path.
pub fn can_write(path: &Path) -> Result<()> {
    let next = "name a file in a folder that exists and can be written";
    let fail = io_error("cannot write", path, next);
    if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        // A device or a pipe is written to directly.
        return Ok(());
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if path.is_dir() || path.file_name().is_none() {
        return Err(fail(io::Error::new(io::ErrorKind::IsADirectory, "it is not the name of a file")));
    }
    tempfile::tempfile_in(folder).map(drop).map_err(fail)
}

fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        @if !facts.is_empty() {
            dl class="facts" {
                @for (name, is) in facts { dt { (drawable(name)) } dd { (drawable(is)) } }
            }
        }
    }
}

impl Section {
    /// Creates an empty section.
    pub fn new(heading: &str) -> Self {
        Self { heading: heading.to_string(), ..Self::default() }
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn words(mut self, words: &str) -> Self {
        self.words.push(words.to_string());
        self
    }

    /// Adds an alarm, in red.
    #[must_use]
    pub fn alarm(mut self, alarm: Alarm) -> Self {
        self.alarms.push(alarm);
        self
    }

    /// Adds a chart with a caption.
    #[must_use]
    pub fn chart(mut self, caption: &str, chart: Svg) -> Self {
        self.charts.push((caption.to_string(), chart));
        self
    }

    /// Adds a gallery, unless it is empty.
    #[must_use]
    pub fn gallery(mut self, gallery: Gallery) -> Self {
        self.galleries.extend((!gallery.items.is_empty()).then_some(gallery));
        self
    }

    fn pictures(&self) -> impl Iterator<Item = Picture<'_>> {
        let charts = self.charts.iter().map(|(caption, chart)| Picture::Chart(caption, chart));
        charts.chain(self.galleries.iter().map(Picture::Gallery))
    }

    /// Adds a table.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }

    /// Adds lines of a program.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.codes.push(code);
        self
    }

    fn markup(&self, n: usize) -> Markup {
        html! {
            section id={ "section-" (n) } {
                h2 { (drawable(&self.heading)) }
                @for words in &self.words { p { (drawable(words)) } }
                @for alarm in &self.alarms {
                    div class="alarm-box" role="note" {
                        h3 { (drawable(&alarm.what)) }
                        p { @for line in alarm.reason.trim_end().lines() { (drawable(line)) "\n" } }
                        (facts(&alarm.facts))
                    }
                }
                @if !self.charts.is_empty() {
                    div class="charts" {
                        @for (caption, chart) in &self.charts {
                            // A scrolling figure must be reachable by the keyboard.
                            figure tabindex="0" {
                                figcaption { (drawable(caption)) }
                                (PreEscaped(chart.as_str()))
                                @if let Some(narrow) = chart.narrow() { (PreEscaped(narrow)) }
                            }
                        }
                    }
                }
                @for gallery in &self.galleries { (gallery.markup()) }
                @for table in &self.tables { (table.markup()) }
                @for code in &self.codes { (code.markup()) }
            }
        }
    }
}
