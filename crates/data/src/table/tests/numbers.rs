//! Columns of numbers and of words.

use super::{
    columns, read, read_with, refused, values,
    written::{class, under},
};
use crate::reading::{Decimal, Missing, Reading, Target};

/// A file of columns a and b and a label; the n-th value of a is `a(n)`.
fn file(delimiter: char, rows: usize, a: impl Fn(usize) -> String) -> String {
    let mut text = format!("a{delimiter}b{delimiter}label\n");
    for n in 0..rows {
        text += &format!("{}{delimiter}{}{delimiter}{}\n", a(n), n % 7, ["no", "yes"][n % 2]);
    }
    text
}

#[test]
fn one_odd_field_makes_no_words_of_a_column_of_numbers() {
    let with = |odd: &str| file(',', 40, |n| if n == 7 { odd.to_owned() } else { format!("{n}.5") });
    for odd in ["oops", "1,5", "inf", "-Infinity", "12a", "1.2.3", "2020-01-02"] {
        let odd = if odd.contains(',') { format!("\"{odd}\"") } else { odd.to_owned() };
        refused(
            &with(&odd),
            &[
                "column a",
                "39 of 40 lines",
                "line 9",
                odd.trim_matches('"'),
                ".na",
                ".category = a",
                ".drop = a",
            ],
        );
    }
    refused(&with("inf"), &["infinite"]);
    refused(&file(',', 20, |n| ["inf", "-inf"][n % 2].into()), &["column a", "0 of 20 lines", "infinite"]);
    // Known markers of a missing value count as missing, and some are reported.
    for odd in ["-", "#N/A", "none", "NAN", "nil", "n/a", "NULL", "", "?", "<NA>", "--"] {
        refused(&with(odd), &["1 line with missing values", "line 9 (a)", ".missing = drop"]);
        let mean = Reading { missing: Missing::Mean, ..Reading::default() };
        let data = read_with(&with(odd), &mean).expect("the mean");
        assert_eq!(columns(&data), ["a:N", "b:N"], "{odd}");
        let table = data.table.as_ref().expect("a table");
        assert_eq!((table.columns[0].missing, table.columns[1].missing), (1, 0));
        let said = data.notes.iter().any(|note| note.contains("column a") && note.contains("line 9"));
        assert_eq!(said, ["-", "none", "NAN", "nil", "--"].contains(&odd), "{odd}: {:?}", data.notes);
    }
    // Options define additional markers, or declare words.
    let said = Reading { missing: Missing::Drop, na: vec!["x".into(), "oops".into()], ..Reading::default() };
    let data = read_with(&with("oops"), &said).expect("left out");
    assert_eq!(
        (data.train.len() + data.test.len(), columns(&data)),
        (39, vec!["a:N".into(), "b:N".to_owned()])
    );
    let said = Reading { category: vec!["a".into()], ..Reading::default() };
    assert_eq!(read_with(&with("oops"), &said).expect("words").channels, 21);
}

#[test]
fn signs_groups_and_commas_are_read() {
    let percent = read(&file(',', 20, |n| format!("{n}.5%"))).expect("percent");
    assert_eq!(
        (columns(&percent), values(&percent, 0)[..2].to_vec()),
        (vec!["a:N".into(), "b:N".to_owned()], vec![0.5, 1.5])
    );
    assert!(percent.notes.iter().any(|note| note.contains("with %: a")), "{:?}", percent.notes);
    let thousands = read(&file(',', 20, |n| format!("\"{},{:03}.5\"", n + 1, 100 + n))).expect("groups");
    assert_eq!(values(&thousands, 0)[..2], [1100.5, 2101.5]);
    let money =
        read(&file(',', 20, |n| format!("\"${},000\"", n + 1)).replace(",0,", ",0.5,")).expect("money");
    assert_eq!(values(&money, 0)[..2], [1000.0, 2000.0]);
    let european = read(&file(';', 20, |n| format!("{n},25"))).expect("commas");
    assert_eq!((values(&european, 0)[..2].to_vec(), european.channels), (vec![0.25, 1.25], 2));
    // A file without names, and with more commas than semicolons.
    let bare: String = (0..20).map(|n| format!("{n},25;{},5;{},5\n", n * 7 % 11, n * 3 % 5)).collect();
    assert_eq!(columns(&read(&bare).expect("commas")), ["0:N", "1:N"]);
    // In such a file, points before three digits are ambiguous too, unless the column itself shows their meaning.
    let text = file(';', 20, |n| format!("{n},25")).replace(";3;", ";1.234;");
    refused(&text, &["column b: \"1.234\" can be read in two ways"]);
    for (proof, largest) in [(";1.234.567;", 1_234_567.0), (";1.234,5;", 1234.5)] {
        let text = text.replacen(";1.234;", proof, 1);
        assert_eq!(values(&read(&text).expect("groups"), 1).last(), Some(&largest), "{proof}");
    }
    let spaces = read(&file(',', 20, |n| format!("{} 000.5", n + 1))).expect("spaces");
    assert_eq!(values(&spaces, 0)[..2], [1000.5, 2000.5]);
    // A label in another number format is predicted in its own unit.
    let text = file(';', 30, |n| format!("{n}")).replace(";yes", ";12,5 €").replace(";no", ";1.010,5 €");
    let data = read(&text).expect("a number to tell");
    let mut reported: Vec<f64> = data.train.labels.iter().map(|label| data.number(*label)).collect();
    reported.sort_by(f64::total_cmp);
    assert!(
        data.input.numbers && (reported[0] - 12.5).abs() < 1e-3 && (reported[14] - 1010.5).abs() < 1e-3,
        "{reported:?}"
    );
    // Most numbers have a sign, but not all.
    refused(
        &file(',', 20, |n| if n == 3 { "0.07".into() } else { format!("{n}%") }),
        &["no sign on 1 of 20 lines, first line 5 (\"0.07\")", "% on 19 of 20", ".category = a"],
    );
    // Two signs are two units, also where neither is on most lines.
    for (one, other) in [("%", "°"), ("€", "$")] {
        for share in [2, 5] {
            let text = file(',', 20, |n| format!("{n}{}", if n % share == 0 { other } else { one }));
            let [one, other] = [one, other].map(|sign| format!("{sign} on "));
            refused(&text, &["column a holds numbers with", &one, &other, "one unit", "line 2 (\"0"]);
        }
    }
}

#[test]
fn what_has_no_value_is_said_once_with_all_that_was_said_before() {
    let odd = |count: usize| move |n: usize| if n < count { format!("w{n:02}") } else { n.to_string() };
    refused(&file(',', 40, odd(8)), &[".na = w00,w01,w02,w03,w04,w05,w06,w07`"]);
    let text = file(',', 40, odd(8));
    let said = |na: &str| Reading {
        na: na.split(',').map(String::from).collect(),
        missing: Missing::Drop,
        ..Reading::default()
    };
    let error = read_with(&text, &said("w05,?!")).expect_err("others are left").to_string();
    assert!(error.contains(".na = 'w05,?!,w00,w01,w02,w03,w04,w06,w07'`"), "{error}");
    assert!(read_with(&text, &said("w05,?!,w00,w01,w02,w03,w04,w06,w07")).is_ok(), "the advice helps");
    // Longer lists are not named, and a text with a comma cannot be.
    refused(&file(',', 80, odd(30)), &["these are 30 texts", "leave the field empty", ".drop = a"]);
    refused(&file(',', 40, odd(1)).replace("w00", "\"no, none\""), &["no text with a comma"]);
}

#[test]
fn a_missing_label_is_never_the_mean() {
    let text = under("x,y", |n| format!("{n},{}", if n == 4 { String::new() } else { format!("{n}.5") }));
    let said = |missing| Reading { missing, ..Reading::default() };
    let error = read_with(&text, &said(Missing::Mean)).expect_err("no label").to_string();
    assert!(error.contains("line 6 (y)") && error.contains("labels cannot be guessed"), "{error}");
    assert!(error.contains(".missing = drop") && !error.contains(".missing = mean"), "{error}");
    assert!(read_with(&text, &said(Missing::Drop)).expect("left out").warnings[0].contains("line 6 (y)"));
}

#[test]
fn what_can_be_read_in_two_ways_is_asked_for() {
    let text = file(';', 20, |n| format!("{},{:03}", n + 1, n));
    refused(&text, &["column a", "two ways", ".decimal = comma", ".decimal = point"]);
    let by = |decimal| Reading { decimal: Some(decimal), ..Reading::default() };
    let first = |decimal| values(&read_with(&text, &by(decimal)).expect("said"), 0)[1];
    assert_eq!((first(Decimal::Comma), first(Decimal::Point)), (2.001, 2001.0));
    // Both formats give the same value.
    for between in ["'", "’", " ", "\u{202f}"] {
        let text = file(';', 20, |n| format!("{}{between}{n:03}", n + 1));
        assert_eq!(values(&read(&text).expect("groups"), 0)[1], 2001.0, "{between:?}");
    }
    let mixed = file(';', 20, |n| format!("{}{}{n:03}", n + 1, if n == 7 { "," } else { "'" }));
    refused(&mixed, &["column a: \"8,007\" can be read in two ways"]);
}

#[test]
fn only_categories_become_words() {
    // Few words are categories, without a warning.
    let colours = read(&file(',', 60, |n| ["red", "blue", "none"][n % 3].into())).expect("words");
    assert_eq!((columns(&colours)[0].as_str(), colours.warnings.len()), ("a:blue/none/red", 0));
    // Dates, names, and words with some numbers among them cause a warning.
    for (a, word) in [
        (&(|n: usize| format!("2024-03-{:02}", 1 + n % 28)) as &dyn Fn(usize) -> String, "begin with digits"),
        (&|n| format!("Mr {n}"), "occur once"),
        (&|n| if n % 5 < 2 { n.to_string() } else { "unknown".into() }, "24 of its 60 values are numbers"),
    ] {
        let data = read(&file(',', 60, a)).expect("words");
        assert!(
            data.warnings.iter().any(|w| w.contains("column a") && w.contains(word)),
            "{:?}",
            data.warnings
        );
        let said = Reading { category: vec!["a".into()], ..Reading::default() };
        let data = read_with(&file(',', 60, a), &said).expect("words");
        assert!(!data.warnings.iter().any(|w| w.contains("column a ")), "{:?}", data.warnings);
    }
    // The same rule applies to a label.
    let grades = |odd: &str| {
        "x,grade\n".to_owned()
            + &(0..40)
                .map(|n| format!("{n},{}\n", if n == 5 { odd.into() } else { (n % 4).to_string() }))
                .collect::<String>()
    };
    refused(&grades("3+"), &["column grade", "39 of 40", "line 7 (\"3+\")", ".category = grade"]);
    let classes = Reading { target: Some(Target::Classes), ..Reading::default() };
    assert_eq!(read_with(&grades("3+"), &classes).expect("classes").classes, ["0", "1", "2", "3", "3+"]);
    // Thousands of different names are no classes.
    let names: String = (0..5000).map(|n| format!("{},w{n}\n", n % 3)).collect();
    refused(&format!("x,label\n{names}"), &["label column label", "5000 different words"]);
}

#[test]
fn a_column_without_values_is_left_out_and_words_take_bounded_memory() {
    let data = read(&file(',', 20, |_| String::new())).expect("b is left");
    assert_eq!(columns(&data), ["b:N"]);
    assert!(
        data.notes.iter().any(|note| note.contains("without any value, left out: a")),
        "{:?}",
        data.notes
    );
    // These 1.6 MB would become 790 MB.
    let mut text = (0..200).map(|n| format!("c{n},")).collect::<String>() + "label\n";
    for row in 0..990 {
        (0..200).for_each(|column| text += &format!("w{},", row * 7 + column));
        text += if row % 2 == 0 { "a\n" } else { "b\n" };
    }
    refused(&text, &["990 rows", "values each", ".drop"]);
}

#[test]
fn points_between_groups_of_digits_are_asked_for() {
    // German thousands next to whole numbers, between semicolons.
    let thousands = |n: usize| match 7 * n {
        small @ 0..1000 => format!("{n};{small}"),
        large => format!("{n};{}.{:03}", large / 1000, large % 1000),
    };
    let text = under("area;price", |n| thousands(120 + n));
    let error = read(&text).expect_err("either").to_string();
    assert!(error.contains("column price") && error.contains(".decimal = comma"), "{error}");
    let said = |decimal| Reading { decimal: Some(decimal), ..Reading::default() };
    assert!(
        read_with(&text, &said(Decimal::Comma)).is_ok() && read_with(&text, &said(Decimal::Point)).is_ok()
    );
    // Measurements with three decimals begin with a zero, or have other numbers of decimals in their column.
    let measured = under("t;y;kind", |n| format!("{n};0.{:03};{}", n * 13 % 1000, class(n)));
    assert!(read(&measured).is_ok());
    // Between commas, a point is a decimal point.
    let plain = under("t,y,kind", |n| format!("{n},{}.{:03},{}", 1 + n, n * 13 % 1000, class(n)));
    assert!(read(&plain).is_ok());
}

#[test]
fn a_zero_before_three_digits_is_no_group() {
    let thousandths = |n: usize| (100 + n * 20) as f64 / 1000.0;
    // Each column is judged separately, with any other columns.
    let text = under("price;p;kind", |n| format!("{n},5;0.{};{}", 100 + n * 20, class(n)));
    let data = read(&text).expect("both");
    assert_eq!(values(&data, 0)[..2], [0.5, 1.5]);
    assert_eq!(values(&data, 1), (0..40).map(thousandths).collect::<Vec<_>>());
    let text = under("a;b;kind", |n| format!("1,{}.5;0,{};{}", 100 + n, 100 + n * 20, class(n)));
    let data = read(&text).expect("both");
    assert_eq!((values(&data, 0)[0], values(&data, 1)[..2].to_vec()), (1100.5, vec![0.1, 0.12]));
    // Other numbers of its column are read in the same format.
    let text = under("t,p,kind", |n| format!("\"{n},5\",{}.{:03},{}", n % 2, 100 + n, class(n)));
    let data = read(&text).expect("both");
    assert_eq!((values(&data, 1)[0], values(&data, 1).last()), (0.1, Some(&1.139)));
    let text = text.replacen(",0.102,", ",1.234.567,", 1);
    refused(&text, &["column p holds numbers on 39 of 40 lines", "line 4 (\"1.234.567\")"]);
}

#[test]
fn another_columns_commas_do_not_tell_what_points_are() {
    let text = under("t,p,kind", |n| format!("\"{n},5\",1.{:03},{}", 101 + n, class(n)));
    refused(&text, &["column p: \"1.101\" can be read in two ways", ".decimal = comma", ".decimal = point"]);
    let by = |text: &str, decimal| read_with(text, &Reading { decimal: Some(decimal), ..Reading::default() });
    let first = |decimal, column| values(&by(&text, decimal).expect("said"), column)[0];
    assert_eq!((first(Decimal::Point, 1), first(Decimal::Comma, 1)), (1.101, 1101.0));
    // The option only applies to columns that can be read in two ways.
    assert_eq!((first(Decimal::Point, 0), first(Decimal::Comma, 0)), (0.5, 0.5));
    let places = under("lat;lon;h;p;kind", |n| {
        format!("48.{:03};11.{:03};{n},5;0.{};{}", 100 + n, n, 100 + n, class(n))
    });
    refused(&places, &["column lat: \"48.100\" can be read in two ways"]);
    let data = by(&places, Decimal::Point).expect("said");
    assert_eq!([0, 1, 2, 3].map(|column| values(&data, column)[1]), [48.101, 11.001, 1.5, 0.101]);
    refused(&places.replace("48.", "48,").replace("11.", "2.5"), &["column lat: \"48,100\" can be read"]);
    // No exponent follows a number with groups.
    let text = under("t;p;kind", |n| format!("{n},5;1.{:03}e+02;{}", 101 + n, class(n)));
    assert_eq!(values(&read(&text).expect("a point"), 1)[0], 110.1);
    // Points throughout.
    let text = under("t;p;kind", |n| format!("{n}.5;1.{:03};{}", 101 + n, class(n)));
    assert_eq!(values(&read(&text).expect("points"), 1)[0], 1.101);
}

#[test]
fn a_class_that_only_lines_without_all_values_have_is_none() {
    let text = under("a,b,label", |n| format!("{n},{},{}", n % 7, 1 + n % 2)) + "Total,780,20\n";
    let said = Reading { na: vec!["Total".into()], missing: Missing::Drop, ..Reading::default() };
    let data = read_with(&text, &said).expect("left out");
    assert_eq!((data.classes.join("/"), data.train.len() + data.test.len()), ("1/2".into(), 40));
    let reported =
        "a class of the label column label left out, which only lines with missing values have: 20";
    assert!(data.warnings.iter().any(|warning| warning == reported), "{:?}", data.warnings);
}

#[test]
fn a_decimal_comma_without_quotes_is_no_name_of_a_row() {
    let text = under("day,price", |n| format!("{n},{},{}", n * 7 % 40, n * 13 % 90 + 10));
    let error = read(&text).expect_err("three fields under two names").to_string();
    assert!(error.contains("3 fields") || error.contains("2 fields"), "{error}");
    let quoted = "a,b\n9,\"hello 9,1\n10,\"w1\",0\n";
    let error = read(quoted).expect_err("a quote that takes a row in").to_string();
    assert!(error.contains("line 2") && error.contains("closing quote"), "{error}");
}

/// Rows of a number and, in turn, one of `labels`, ten of each.
fn labelled(labels: &[&str]) -> String {
    (0..10 * labels.len()).fold("x,label\n".to_owned(), |text, n| {
        text + &format!("{}.5,{}\n", n * 7 % 23, labels[n % labels.len()])
    })
}

#[test]
fn equal_numbers_are_one_class_and_words_written_alike_are_reported() {
    let plain = Reading::default();
    let classes = Reading { target: Some(Target::Classes), ..Reading::default() };
    for (labels, said, names, note, warning) in [
        (
            &["1", "1.0", "2", "01"][..],
            &plain,
            "1/2",
            "\"1\" (10) and \"1.0\" (10) and \"01\" (10) are the same number, called 1",
            "",
        ),
        (
            &["0", "1", "1.0", "1.0"],
            &plain,
            "0/1.0",
            "\"1.0\" (20) and \"1\" (10) are the same number, called 1.0",
            "",
        ),
        (&["1.5", "1.50", "2"], &classes, "1.5/2", "called 1.5", ""),
        (&["1%", "1.0%", "2%"], &plain, "1%/2%", "called 1%", ""),
        (&["2", "10", "1"], &plain, "1/2/10", "", ""),
        (
            &["Cat", "dog", "cat", "cat"],
            &plain,
            "Cat/cat/dog",
            "",
            "\"Cat\" (10) and \"cat\" (20) differ only in case",
        ),
        (&["1", "1.0", "b"], &classes, "1/1.0/b", "", "\"1\" (10) and \"1.0\" (10) differ"),
        // These are the same f64.
        (
            &["9007199254740993", "9007199254740992", "1"],
            &plain,
            "1/9007199254740992/9007199254740993",
            "",
            "",
        ),
    ] {
        let data = read_with(&labelled(labels), said).expect("classes");
        assert_eq!(data.classes.join("/"), names);
        let counts = data.class_counts(&data.train).iter().sum::<usize>();
        assert_eq!(counts + data.test.len(), 10 * labels.len());
        for (all, word, what) in
            [(&data.notes, note, "the same number"), (&data.warnings, warning, "differ only")]
        {
            let found =
                all.iter().any(|reported| reported.contains(if word.is_empty() { what } else { word }));
            assert_eq!(found, !word.is_empty(), "{labels:?}: {all:?}");
        }
    }
    // The same applies to the words of a column of categories.
    let said = Reading { category: vec!["a".into()], ..Reading::default() };
    let data =
        read_with(&file(',', 40, |n| ["1", "01", "2", "1.0"][n % 4].into()), &said).expect("categories");
    assert_eq!(columns(&data), ["a:1/2", "b:N"]);
    let ones =
        data.train.images.memory().chunks(data.pixels()).map(|row| row[..8] == [0, 0, 128, 63, 0, 0, 0, 0]);
    let ones = ones.filter(|is| *is).count();
    assert!((13..=17).contains(&ones), "three in four are 1: {ones} of 20");
}

#[test]
fn a_quantity_on_a_few_rows_is_no_class() {
    let line: String = (0..10).map(|n| format!("{n},{}\n", 2 * n + 1)).collect();
    let line = format!("x,y\n{line}");
    refused(&line, &["none can be held out", "10 different numbers on 10 rows", "add `.target = number`"]);
    let number = Reading { target: Some(Target::Number), ..Reading::default() };
    let data = read_with(&line, &number).expect("numbers");
    assert_eq!((data.train.len(), data.test.len(), data.input.numbers), (5, 5, true));
    // Names are no quantity, and three classes are classes.
    let names: String = (0..10).map(|n| format!("{n},w{n}\n")).collect();
    let error = read(&format!("x,y\n{names}")).expect_err("one of each").to_string();
    assert!(error.contains("only one example") && !error.contains(".target"), "{error}");
    let few = read(&labelled(&["0", "1", "2"])).expect("classes");
    assert!(few.warnings.is_empty(), "{:?}", few.warnings);
    // Such labels are classes where a test part can be held out; nearly as many classes as rows cause a warning.
    let some = read(&format!("x,y\n{}", "1,7\n2,7\n3,8\n4,8\n5,9\n")).expect("classes");
    assert!(some.warnings.is_empty(), "{:?}", some.warnings);
    let most: String = (0..20).map(|n| format!("{n},{}\n", if n < 17 { n } else { 3 })).collect();
    let most = read(&format!("x,y\n{most}")).expect("classes");
    assert!(
        most.warnings.iter().any(|reported| reported.contains("17 different numbers on 20 rows")),
        "{:?}",
        most.warnings
    );
}

#[test]
fn a_number_that_f32_does_not_hold_is_named_so() {
    for (odd, what) in [
        ("1e39", "larger than f32 holds, 3.4e38"),
        ("-1e400", "larger than f32 holds"),
        ("-inf", "which is infinite"),
    ] {
        refused(&file(',', 20, |n| if n == 3 { odd.into() } else { n.to_string() }), &["line 5", odd, what]);
    }
    refused(&file(',', 20, |_| "1e39".into()), &["column a", "0 of 20 lines", "larger than f32 holds"]);
}

#[test]
fn what_usually_has_no_value_may_be_a_word() {
    let text = "country,area,label\n".to_owned()
        + &(0..40)
            .map(|n| {
                format!(
                    "{},{},{}\n",
                    ["NA", "DE", "None"][n % 3],
                    if n == 4 { "NA".into() } else { n.to_string() },
                    class(n)
                )
            })
            .collect::<String>();
    refused(&text, &["line 2 (country)", "if \"NA\" is a word like others, say `.not_na = NA`"]);
    let said =
        Reading { not_na: vec!["NA".into(), "None".into()], missing: Missing::Mean, ..Reading::default() };
    let data = read_with(&text, &said).expect("words");
    assert_eq!(columns(&data), ["country:DE/NA/None", "area:N"]);
    let table = data.table.as_ref().expect("a table");
    assert_eq!((table.columns[0].missing, table.columns[1].missing), (0, 1), "among numbers NA is no value");
    assert!(
        data.notes.iter().any(|reported| reported.contains("column area: \"NA\" means no value")),
        "{:?}",
        data.notes
    );
    // The same applies to a label, and other rows are read alike.
    let labels = labelled(&["NA", "b"]);
    let said = Reading { not_na: vec!["NA".into()], ..Reading::default() };
    assert_eq!(read_with(&labels, &said).expect("classes").classes, ["NA", "b"]);
    let kept: super::super::Table =
        serde_json::from_str(&serde_json::to_string(table).expect("text")).expect("read");
    assert_eq!(kept, *table);
    for (na, not_na) in [("NA", "NA"), ("x", "")] {
        let said = Reading { na: vec![na.into()], not_na: vec![not_na.into()], ..Reading::default() };
        let error = read_with(&labels, &said).expect_err("a contradiction").to_string();
        assert!(error.contains("`.not_na` is") && error.contains(".na"), "{error}");
    }
}
