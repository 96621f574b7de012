#![no_main]
//! Fuzzes tables of comma-separated values. The first two bytes select the reading options. A table that is read is
//! read again as rows for the network that it would train.

mod common;

use libfuzzer_sys::fuzz_target;
use std::fs;
use wgrad_data::{DataSpec, Places, Reading, load_with, reading::{Decimal, Header, Missing, RowShape}, table::{PictureRows, is_rows}};

/// Maximum bytes of a file: longer ones show nothing new, and the values of words may take 64 times as much.
const LONGEST: usize = 1 << 18;

fuzz_target!(|bytes: &[u8]| {
    let [first, second, text @ ..] = bytes else { return };
    if text.len() > LONGEST {
        return;
    }
    let pick = |place: u8, byte: &u8| byte >> place & 3;
    let reading = Reading {
        missing: [Missing::Error, Missing::Drop, Missing::Mean, Missing::Mean][usize::from(pick(0, first))],
        header: [None, None, Some(Header::Yes), Some(Header::No)][usize::from(pick(2, first))],
        decimal: [None, None, Some(Decimal::Comma), Some(Decimal::Point)][usize::from(pick(4, first))],
        comment: [None, None, None, Some('#')][usize::from(pick(6, first))],
        shape: [None, None, Some(RowShape::Table), Some(RowShape::Picture([2, 2, 1]))][usize::from(pick(0, second))],
        na: if pick(2, second) == 3 { vec!["x".into()] } else { Vec::new() },
        category: if pick(4, second) == 3 { vec!["0".into()] } else { Vec::new() },
        ..Reading::default()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fuzzed.csv");
    fs::write(&path, text).expect("written");
    common::look_at(&path, &reading);
    let spec = DataSpec::Folder(path.clone());
    if let Ok(data) = load_with(&spec, &Places::default(), &reading, None) {
        if let Some(table) = &data.table
            && let Ok(mut rows) = table.rows(&path, &reading)
        {
            let values = rows.values(0..64).map_or(0, |values| values.len());
            assert_eq!(values % (4 * table.width()), 0);
        }
    }
    if is_rows(&path)
        && let Ok(rows) = PictureRows::open(&path, [2, 2, 1], false, &reading)
        && let Ok(values) = rows.values(0..64)
    {
        assert_eq!(values.len() % 4, 0);
    }
});
