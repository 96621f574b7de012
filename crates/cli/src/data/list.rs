//! `wgrad data list`: the data sets that have a name.

use crate::{fields::spelled, output};
use anyhow::Result;
use serde_json::json;
use wgrad_data::{Places, fashion_mnist, places, published::PUBLISHED};
use wgrad_report::table::{
    Align::{Left, Right, Wrap},
    Table,
};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad data list                   then `wgrad train --data cifar10`, which downloads it first
  wgrad data list --json")]
pub struct List {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// A data set of the list.
struct Row {
    name: &'static str,
    about: String,
    megabytes: Option<u64>,
    here: bool,
}

impl List {
    pub fn run(self) -> Result<()> {
        let rows = rows();
        if self.json {
            let sets: Vec<_> = rows
                .iter()
                .map(|Row { name, about, megabytes, here }| {
                    json!({"name": name, "about": about, "megabytes": megabytes, "here": here})
                })
                .collect();
            return output::json(&json!({"sets": sets}));
        }
        let mut table = Table::new(&[("name", Left), ("MB", Right), ("here", Left), ("holds", Wrap)]);
        for Row { name, about, megabytes, here } in rows {
            let size = megabytes.map_or("-".to_owned(), |n| n.to_string());
            table.row([name, &size, if here { "yes" } else { "no" }, &about]);
        }
        output::line(table)
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn rows() -> Vec<Row> {
    let places = Places::from_env();
    let garments = "clothes: 60,000 + 10,000 grey images of 28×28 (Xiao et al. 2017)";
    let mut rows = vec![
        Row {
            name: "fashion-mnist",
            about: garments.to_owned(),
            megabytes: Some(megabytes(fashion_mnist::DOWNLOAD)),
            here: places::is_here(&places),
        },
        Row {
            name: "synthetic",
            about: "clothes drawn from a seed: no download".to_owned(),
            megabytes: None,
            here: true,
        },
    ];
    rows.extend(PUBLISHED.iter().map(|set| Row {
        name: set.name,
        about: spelled(set.about).into_owned(),
        megabytes: Some(megabytes(set.bytes())),
        here: set.folder(&places).is_some_and(|folder| set.is_in(&folder)),
    }));
    rows
}
