//! Two files, other rows for an existing network, and rows that are pictures.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Kind, PictureRows, Table, is_rows};
use super::{at, folder, read_with};
use crate::reading::{Again, Decimal, Missing, Reading, RowShape};
use crate::{DataSpec, Places, load_with};
use wgrad::data::Dataset;

fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path
}

fn rows(first: &str, row: impl Fn(usize) -> String) -> String {
    (0..20).fold(format!("{first}\n"), |text, n| text + &row(n) + "\n")
}

#[test]
fn a_test_file_without_labels_is_left_for_predict() {
    let folder = folder();
    put(
        folder.path(),
        "train.csv",
        &rows("id,a,b,target", |n| format!("{},{n}.5,{},{}", n * 3, n % 3, n % 2)),
    );
    put(folder.path(), "sample_submission.csv", "id,target\n0,0\n1,0\n");
    for test in
        [rows("id,a,b", |n| format!("{n},{n}.5,2")), rows("id,a,b,target", |n| format!("{n},{n}.5,2,"))]
    {
        put(folder.path(), "test.csv", &test);
        let data = at(folder.path(), &Reading::default()).expect("the training file");
        assert_eq!((data.train.len(), data.test.len()), (16, 4));
        let said = data
            .notes
            .iter()
            .any(|note| note.contains("test.csv has no labels") && note.contains("Predictor::outputs("));
        assert!(said, "{:?}", data.notes);
    }
    put(folder.path(), "test.csv", &rows("id,a,b,target", |n| format!("{n},{n}.5,2,1")));
    assert_eq!(at(folder.path(), &Reading::default()).expect("two parts").test.len(), 20);
    // The same number in another spelling is the same class. A word in another spelling is an error that names it.
    put(
        folder.path(),
        "test.csv",
        &rows("id,a,b,target", |n| format!("{n},{n}.5,2,{}", ["01", "0.0"][n % 2])),
    );
    let data = at(folder.path(), &Reading::default()).expect("two parts");
    assert_eq!((data.classes.join("/"), &data.test.labels[..3]), ("0/1".into(), &[1, 0, 1][..]));
    let words = |kind: &'static str| rows("a,kind", move |n| format!("{n}.5,{}", [kind, "dog"][n % 2]));
    for name in ["train.csv", "test.csv"] {
        put(&folder.path().join(""), name, &words(if name == "train.csv" { "cat" } else { "Cat" }));
    }
    let message = at(folder.path(), &Reading::default()).expect_err("another class").to_string();
    assert!(
        message.contains("line 2: column kind is \"Cat\", expected \"cat\" as in the training"),
        "{message}"
    );
    put(
        folder.path(),
        "train.csv",
        &rows("id,a,b,target", |n| format!("{},{n}.5,{},{}", n * 3, n % 3, n % 2)),
    );
    // The error names the missing column.
    put(folder.path(), "test.csv", &rows("id,a,target", |n| format!("{n},{n}.5,1")));
    let message = at(folder.path(), &Reading::default()).expect_err("no b").to_string();
    assert!(message.contains("test.csv") && message.contains("has no column b"), "{message}");
}

#[test]
fn a_number_that_is_written_otherwise_is_named_so() {
    let folder = folder();
    for (unit, odd, expected) in [
        (
            |n| format!("{n}%"),
            "0.05",
            "expected a number with %, without groups of digits, as in the training part; write it that way",
        ),
        (|n| format!("{n}.5"), "$5.00", "expected a number without $, without groups of digits, as in"),
        (|n| format!("{n}.5"), "\"1,234\"", "expected a number without groups of digits, as in the training"),
        (|n| format!("\"${n},000.5\""), "5.00", "expected a number with $, as in the training"),
        (|n| format!("\"{n},5\""), "5.00", "expected a number with a decimal comma, as in"),
        (|n| format!("{n}.5"), "cheap", "expected a number as in the training part; fix it"),
        (|n| format!("{n}.5"), "1e99", "expected a number that is not larger than f32 holds"),
    ] as [(fn(usize) -> String, &str, &str); 7]
    {
        let text = rows("label,price", |n| format!("{},{}", n % 2, unit(1 + n)));
        let label = Reading { label: Some("label".into()), ..Reading::default() };
        let data = read_with(&text, &label).expect("a table");
        let path = put(folder.path(), "new.csv", &format!("price,b\n{odd},1\n"));
        let table = data.table.as_ref().expect("a table");
        // Only where an empty field is accepted does the error suggest one.
        for (missing, taken) in [(Missing::Error, false), (Missing::Mean, true), (Missing::Drop, true)] {
            let message = encoded(table, &path, missing).expect_err("otherwise").to_string();
            assert!(message.contains(expected), "{message}");
            assert_eq!(message.contains("leave it empty"), taken, "{missing:?}: {message}");
        }
    }
}

/// The rows of a file as a network's input.
fn encoded(table: &Table, path: &Path, missing: Missing) -> crate::Result<(Vec<f32>, Vec<u64>, Vec<String>)> {
    let mut rows = super::super::rows(table, path, &Reading { missing, ..Reading::default() })?;
    let bytes = rows.values(0..usize::MAX)?;
    let values = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let reported = rows.warnings.iter().cloned().chain(rows.unknown()).collect();
    Ok((values, (0..rows.len()).map(|row| rows.line(row)).collect(), reported))
}

#[test]
fn other_rows_are_read_as_those_of_the_training() {
    let text = rows("label;price;colour", |n| format!("{};{},5 €;{}", n % 2, n, ["red", "blue"][n % 2]));
    let data = read_with(&text, &Reading { na: vec!["x".into()], ..Reading::default() }).expect("a table");
    let table = data.table.as_ref().expect("a table");
    let Kind::Number { mean, deviation } = table.columns[0].kind else { panic!("a number") };
    let of = |value: f64| ((value - mean) / deviation) as f32;
    // A run stores the table as JSON.
    let table: Table = serde_json::from_str(&serde_json::to_string(table).expect("text")).expect("the same");
    let folder = folder();
    let file = |text: &str| put(folder.path(), "new.csv", text);
    let (values, lines, reported) =
        encoded(&table, &file("colour;price\nred;1.000,5 €\ngreen;2 €\nblue;x\n;3 €\n"), Missing::Mean)
            .expect("rows");
    assert_eq!(values, [of(1000.5), 0.0, 1.0, of(2.0), 0.0, 0.0, 0.0, 1.0, 0.0, of(3.0), 0.0, 0.0]);
    assert_eq!(lines, [2, 3, 4, 5]);
    assert!(reported.len() == 1 && reported[0].contains("line 3 (colour \"green\")"), "{reported:?}");
    let (values, lines, reported) =
        encoded(&table, &file("colour;price\nred;-\nblue;7 €\n"), Missing::Drop).expect("rows");
    assert_eq!((values.len(), lines, reported.len()), (3, vec![3], 1));
    let message =
        encoded(&table, &file("colour;price\nred;\n"), Missing::Error).expect_err("missing").to_string();
    assert!(message.contains("line 2 (price)") && message.contains(".missing = mean"), "{message}");
    let message =
        encoded(&table, &file("hue;cost\nred;1 €\n"), Missing::Error).expect_err("no names").to_string();
    assert!(message.contains("has no columns price, colour") && message.contains("hue, cost"), "{message}");
    let message =
        encoded(&table, &file("colour;price\nred;cheap\n"), Missing::Error).expect_err("a word").to_string();
    assert!(message.contains("line 2: column price is \"cheap\""), "{message}");
    // A file without names has the label in its place, or all columns except the label; positions never guess
    // another column.
    let (values, _, reported) =
        encoded(&table, &file("1;3 €;red\n0;4 €;blue\n"), Missing::Error).expect("with the label");
    assert!(
        values[..3] == [of(3.0), 0.0, 1.0] && reported.iter().any(|reported| reported.contains("position")),
        "{reported:?}"
    );
    let (values, ..) = encoded(&table, &file("3 €;red\n4 €;blue\n"), Missing::Error).expect("without");
    assert_eq!(values[..3], [of(3.0), 0.0, 1.0]);
    let message =
        encoded(&table, &file("1;2;3 €;4\n1;2;3 €;4\n"), Missing::Error).expect_err("too many").to_string();
    assert!(message.contains("4 columns") && message.contains("3, or 2 without the label"), "{message}");
}

#[test]
fn points_in_other_rows_are_asked_for_where_the_training_had_commas() {
    let text = rows("label;price", |n| format!("{};{n},5", n % 2));
    let data =
        read_with(&text, &Reading { label: Some("label".into()), ..Reading::default() }).expect("read");
    let table = data.table.as_ref().expect("a table");
    let Kind::Number { mean, deviation } = table.columns[0].kind else { panic!("a number") };
    let folder = folder();
    let values = |text: &str, decimal| -> crate::Result<Vec<f64>> {
        let path = put(folder.path(), "new.csv", text);
        let mut rows = super::super::rows(table, &path, &Reading { decimal, ..Reading::default() })?;
        let bytes = rows.values(0..usize::MAX)?;
        let values = bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        Ok(values.map(|value| ((value * deviation + mean) * 100.0).round() / 100.0).collect())
    };
    let points = "price\n1.500\n2.500\n";
    let message = values(points, None).expect_err("either").to_string();
    for word in ["column price: \"1.500\" can be read in two ways", ".decimal = comma", ".decimal = point"] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(values(points, Some(Decimal::Comma)).expect("groups"), [1500.0, 2500.0]);
    assert_eq!(values(points, Some(Decimal::Point)).expect("decimals"), [1.5, 2.5]);
    assert_eq!(values("price\n1.500\n\"2,5\"\n", None).expect("groups"), [1500.0, 2.5]);
}

#[test]
fn points_in_a_test_file_are_asked_for_where_the_training_had_commas() {
    let folder = folder();
    put(folder.path(), "train.csv", &rows("a;y", |n| format!("{n},5;{},25", 2 * n)));
    for (row, name) in [("1.500;2,5\n", "a"), ("1,5;2.500\n", "y")] {
        let test = put(folder.path(), "test.csv", &format!("a;y\n{}", row.repeat(3)));
        let said = |decimal| Reading { decimal, ..Reading::default() };
        let message = at(folder.path(), &said(None)).expect_err("either").to_string();
        let asked =
            format!("column {name}: \"{}.500\" can be read in two ways", if name == "a" { 1 } else { 2 });
        assert!(message.contains(&asked) && message.contains("test.csv"), "{message}");
        let first = |data: &Dataset| {
            let table = data.table.as_ref().expect("a table");
            let bytes = data.test.images.memory();
            let value = f32::from_le_bytes(bytes[..4].try_into().expect("four"));
            let Kind::Number { mean, deviation } = table.columns[0].kind else { panic!("a number") };
            let value = 100.0 * (f64::from(value) * deviation + mean);
            [value, 100.0 * data.number(data.test.labels[0])].map(|value| value.round() / 100.0)
        };
        let by = |decimal| first(&at(folder.path(), &said(Some(decimal))).expect("said"));
        let point = [1.5, 2.5];
        let comma = if name == "a" { [1500.0, 2.5] } else { [1.5, 2500.0] };
        assert_eq!((by(Decimal::Comma), by(Decimal::Point)), (comma, point), "{name}");
        // The test file is also refused as rows for an existing network.
        let known = load_with(
            &DataSpec::Folder(folder.path().join("train.csv")),
            &Places::default(),
            &said(None),
            None,
        );
        let table = known.expect("reads").table;
        let again = Some(Again { floats: true, own: false });
        let others = Reading { again, ..said(None) };
        let found = load_with(&DataSpec::Folder(test), &Places::default(), &others, table.as_ref());
        let message = found.expect_err("either").to_string();
        assert!(message.contains(&asked), "{message}");
    }
}

#[test]
fn a_test_file_without_names_is_reported() {
    let folder = folder();
    put(folder.path(), "train.csv", &rows("a,b,y", |n| format!("{n},{n}.5,{}", n % 2)));
    put(folder.path(), "test.csv", &rows("7.5,7,1", |n| format!("{n}.5,{n},{}", n % 2)));
    let data = at(folder.path(), &Reading::default()).expect("two parts");
    assert_eq!(data.test.len(), 21);
    let reported =
        |warning: &String| warning.contains("test.csv names no columns: they are matched by position");
    assert!(data.warnings.iter().any(reported), "{:?}", data.warnings);
    // Rows with another number of columns are refused.
    put(folder.path(), "test.csv", &rows("7.5,7,1,3", |n| format!("{n}.5,{n},{},4", n % 2)));
    let message = at(folder.path(), &Reading::default()).expect_err("four").to_string();
    assert!(message.contains("has 4 columns") && message.contains("expected 3"), "{message}");
}

#[test]
fn a_table_of_the_first_version_means_what_it_meant() {
    let old = r#"{"columns":[{"name":"a","place":0,"number":{"mean":1.5,"deviation":0.5}},
        {"name":"b","place":1,"words":["1%","2%"]}],"label":{"name":"c","place":2,"words":["x","y"]}}"#;
    let table: Table = serde_json::from_str(old).expect("a table");
    let same: serde_json::Value = serde_json::from_str(old).expect("JSON");
    assert_eq!(serde_json::to_value(&table).expect("JSON"), same, "nothing is added");
    let folder = folder();
    let path = put(folder.path(), "data.csv", "a,b,c\n1,1%,x\n2,2%,y\n1,1%,x\n2,2%,y\n");
    let again = Reading {
        again: Some(Again { floats: true, own: true }),
        test_share: Some(0.5),
        ..Reading::default()
    };
    let spec = DataSpec::Folder(path.clone());
    let data = load_with(&spec, &Places::default(), &again, Some(&table)).expect("as it was");
    assert_eq!(
        (data.channels, data.train.len(), data.test.len(), data.table.as_ref()),
        (3, 2, 2, Some(&table))
    );
    let others = Reading { again: Some(Again { floats: true, own: false }), ..again };
    let data = load_with(&spec, &Places::default(), &others, Some(&table)).expect("other rows");
    assert_eq!((data.train.len(), data.test.len()), (4, 4));
    // A column of numbers whose first line was read as a row.
    let old = old.replace("\"a\"", "\"0\"").replace("\"b\"", "\"1\"").replace("\"c\"", "\"2\"");
    let table: Table = serde_json::from_str(&old).expect("a table");
    put(folder.path(), "data.csv", "0,1%,x\n1.5,1%,x\n2.5,2%,y\n1.5,1%,x\n2.5,2%,y\n");
    let again = Reading { again: Some(Again { floats: true, own: true }), ..others };
    let data = load_with(&spec, &Places::default(), &again, Some(&table)).expect("as it was");
    assert_eq!(data.train.len() + data.test.len(), 5);
}

#[test]
fn classes_that_an_earlier_version_distinguished_stay_apart() {
    let old = r#"{"columns":[{"name":"a","place":0,"number":{"mean":1.5,"deviation":0.5}}],
        "label":{"name":"c","place":1,"words":["1","1.0","2"]}}"#;
    let table: Table = serde_json::from_str(old).expect("a table");
    let folder = folder();
    let path = put(folder.path(), "data.csv", "a,c\n1,1\n2,1.0\n3,2\n4,2.0\n");
    let again = Reading { again: Some(Again { floats: true, own: false }), ..Reading::default() };
    let data =
        load_with(&DataSpec::Folder(path.clone()), &Places::default(), &again, Some(&table)).expect("read");
    assert_eq!(
        (&data.classes, &data.test.labels[..]),
        (&["1", "1.0", "2"].map(String::from).to_vec(), &[0, 1, 2, 2][..])
    );
    // The other spelling could be either class.
    put(folder.path(), "data.csv", "a,c\n1,1\n2,01\n");
    let spec = DataSpec::Folder(path);
    let message = load_with(&spec, &Places::default(), &again, Some(&table)).expect_err("either").to_string();
    assert!(message.contains("line 3: column c is \"01\""), "{message}");
}

/// Rows of a label and a picture of 28 × 28; pixel p of row n is (7 n + p) mod 256.
fn pictures(first: &str, pixels: usize, count: usize) -> String {
    (0..count).fold(first.to_owned(), |text, n| {
        let values: Vec<String> = (0..pixels).map(|pixel| ((7 * n + pixel) % 256).to_string()).collect();
        text + &format!("{},{}\n", n % 4, values.join(","))
    })
}

#[test]
fn rows_of_pixels_are_pictures() {
    let names = |pixel: &dyn Fn(usize) -> String, count| {
        format!("label,{}\n", (0..count).map(pixel).collect::<Vec<_>>().join(","))
    };
    let folder = folder();
    let ones = names(&|n| format!("pixel{}", n + 1), 784);
    let test = put(folder.path(), "fashion-mnist_test.csv", &pictures(&ones, 784, 4));
    put(folder.path(), "fashion-mnist_train.csv", &pictures(&ones, 784, 12));
    let data = at(folder.path(), &Reading::default()).expect("pictures");
    assert_eq!((data.shape(), data.train.len(), data.test.len()), ([28, 28, 1], 12, 4));
    assert!(!data.input.floats && data.table.is_none() && data.classes == ["0", "1", "2", "3"]);
    assert_eq!(data.train.images.memory()[784..788], [7, 8, 9, 10]);
    assert_eq!(data.train.labels[..5], [0, 1, 2, 3, 0]);
    assert!(
        data.notes.iter().any(|note| note.contains("28×28×1") && note.contains(".shape = table")),
        "{:?}",
        data.notes
    );
    // The rows serve an existing network.
    assert!(is_rows(&test));
    let rows = PictureRows::open(&test, [28, 28, 1], false, &Reading::default()).expect("rows");
    assert_eq!((rows.len(), rows.line(1), &rows.values(1..2).expect("values")[..2]), (4, 3, &[7, 8][..]));
    let message =
        PictureRows::open(&test, [32, 32, 1], false, &Reading::default()).err().expect("others").to_string();
    assert!(message.contains("785 columns, expected 1024"), "{message}");
    let again = Reading { again: Some(Again { floats: false, own: false }), ..Reading::default() };
    assert_eq!(at(&test, &again).expect("all of them judge a network").test.len(), 4);
    // Other names, other sizes, columns out of order, no names at all, a label at the end.
    let shape = |text: &str, said: Option<RowShape>| {
        let data = read_with(text, &Reading { shape: said, ..Reading::default() }).expect("rows");
        (data.shape(), data.train.len() + data.test.len())
    };
    let cells = names(&|n| format!("{}x{}", n / 28 + 1, n % 28 + 1), 784);
    assert_eq!(shape(&pictures(&cells, 784, 8), None), ([28, 28, 1], 8));
    let colour = names(&|n| format!("pixel{n:04}"), 192);
    assert_eq!(shape(&pictures(&colour, 192, 8), None), ([8, 8, 3], 8));
    assert_eq!(shape(&pictures("", 784, 8), None), ([28, 28, 1], 8));
    assert_eq!(shape(&pictures("", 3072, 8), None), ([32, 32, 3], 8));
    let plain = names(&|n| format!("v{n}"), 12);
    assert_eq!(shape(&pictures(&plain, 12, 8), Some(RowShape::Picture([2, 6, 1]))), ([2, 6, 1], 8));
    assert_eq!(shape(&pictures(&plain, 12, 8), None), ([1, 1, 12], 8));
    assert_eq!(shape(&pictures(&ones, 784, 8), Some(RowShape::Table)), ([1, 1, 784], 8));
    let turned = names(&|n| format!("pixel{}", 15 - n), 16);
    let data = read_with(&pictures(&turned, 16, 8), &Reading::default()).expect("pictures");
    assert_eq!(
        data.train.images.memory()[..2].iter().map(|b| b % 7).collect::<Vec<_>>(),
        [1, 0],
        "15, 14, ..."
    );
    // A value that is not a byte, among bytes.
    let odd = pictures(&ones, 784, 3).replacen(",9,", ",300,", 1);
    put(folder.path(), "fashion-mnist_test.csv", &odd);
    let message = at(folder.path(), &Reading::default()).expect_err("no byte").to_string();
    assert!(
        message.contains("line 2: column pixel10 is \"300\"") && message.contains("0 to 255"),
        "{message}"
    );
    let said = Reading { shape: Some(RowShape::Picture([27, 29, 1])), ..Reading::default() };
    let message = read_with(&pictures(&ones, 784, 8), &said).expect_err("another size").to_string();
    assert!(message.contains("784 columns besides the label, expected 783"), "{message}");
}

#[test]
fn a_column_that_is_always_the_same_counts_for_nothing() {
    for same in ["5", "0.1", "-3.7e5"] {
        let folder = folder();
        let data = put(folder.path(), "data.csv", &rows("a,k,y", |n| format!("{n},{same},{}.5", 3 * n)));
        let data = at(&data, &Reading::default()).expect("read");
        let said = format!("column k is {} on all rows", same.parse::<f64>().expect("a number"));
        assert!(data.warnings.iter().any(|warning| warning.contains(&said)), "{:?}", data.warnings);
        assert!(!data.warnings.iter().any(|warning| warning.contains("column a is")), "{:?}", data.warnings);
        let table = data.table.as_ref().expect("a table");
        let others = put(folder.path(), "others.csv", &format!("a,k\n7,{same}\n7,0.2\n7,1e6\n"));
        let mut others = super::super::rows(table, &others, &Reading::default()).expect("rows");
        let values = others.values(0..3).expect("values");
        let values: Vec<f32> =
            values.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!([values[1], values[3], values[5]], [0.0; 3], "{same}");
        assert!(values[0] == values[2] && values[0] != 0.0, "{values:?}");
    }
}
