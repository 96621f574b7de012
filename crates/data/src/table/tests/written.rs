//! Header lines, line numbers, delimiters, and other choices of a file's writer.

use super::{columns, read, read_with, refused};
use crate::reading::{Header, Reading};

/// Rows of two numbers and a class after a first line.
pub(super) fn under(first: &str, row: impl Fn(usize) -> String) -> String {
    (0..40).fold(format!("{first}\n"), |text, n| text + &row(n) + "\n")
}

pub(super) fn class(n: usize) -> &'static str {
    ["no", "yes"][n % 2]
}

#[test]
fn a_line_of_names_with_numbers_in_it_is_no_row() {
    let rows = |text: &str| {
        let data = read(text).expect("a table");
        (data.train.len() + data.test.len(), columns(&data), data.classes.join("/"))
    };
    let all = |names: &[&str], classes: &str| {
        (40, names.iter().map(|name| name.to_string()).collect::<Vec<_>>(), classes.to_owned())
    };
    // Years, with a label that has no usual name.
    let years = under("2019,2020,2021,region", |n| format!("{}.5,{n},3.25,{}", n * 7 % 11, class(n)));
    assert_eq!(rows(&years), all(&["2019:N", "2020:N", "2021:N"], "no/yes"));
    let years = under("2019,2020,2021,2022", |n| format!("{}.5,{n},3.25,{}", n * 7 % 11, n % 2));
    assert_eq!(rows(&years), all(&["2019:N", "2020:N", "2021:N"], "0/1"));
    // A frame of pandas with its index, and one without.
    let frame = under(",0,1,label", |n| format!("{n},{}.5,{},{}", n * 7 % 11, n * 3, class(n)));
    assert_eq!(rows(&frame), all(&["0:N", "1:N"], "no/yes"));
    assert!(read(&frame).expect("a table").notes.iter().any(|note| note.contains("index of a data frame")));
    let plain = under("0,1,2", |n| format!("{}.5,{}.25,{}", n * 7 % 11, n, n % 2));
    assert_eq!(rows(&plain), all(&["0:N", "1:N"], "0/1"));
    // Frames of R have one name fewer than columns.
    let r =
        under("\"mpg\",\"cyl\",\"kind\"", |n| format!("\"car {n}\",{}.5,{},{}", n * 7 % 11, n % 3, class(n)));
    assert_eq!(rows(&r), all(&["mpg:N", "cyl:N"], "no/yes"));
    // Files of scikit-learn begin with counts and classes, in as many fields as the rows or not.
    let counted = under("40,2,no,yes", |n| format!("{}.5,{}.25,{n},{}", n * 7 % 11, n, n % 2));
    assert_eq!(rows(&counted), all(&["0:N", "1:N", "2:N"], "0/1"));
    let counted = under("40,5,no,yes", |n| format!("{}.5,{}.25,{n},1,2,{}", n * 7 % 11, n, n % 2));
    assert_eq!(rows(&counted).0, 40);
    // A first line like the others is not a header.
    let none = under("1.5,2,no", |n| format!("{}.5,{n},{}", n * 7 % 11, class(n)));
    assert_eq!(rows(&none), (41, vec!["0:N".into(), "1:N".into()], "no/yes".into()));
    let mushrooms =
        under("e,x,s", |n| format!("{},{},{}", ["e", "p"][n % 2], ["x", "b"][n % 2], ["s", "y"][n / 2 % 2]));
    assert_eq!(rows(&mushrooms).0, 41);
    // The option overrides the guess.
    let said = |header| Reading { header: Some(header), ..Reading::default() };
    let count = |text, header| read_with(text, &said(header)).map(|data| data.train.len() + data.test.len());
    assert_eq!(count(&none, Header::Yes).expect("names"), 40);
    assert_eq!(count(&plain, Header::No).expect("rows"), 41);
}

#[test]
fn columns_of_one_name_are_distinguished_by_their_place() {
    let text = under("x,x,x.1,label", |n| format!("{n},{},7.5,{}", n % 2, class(n)));
    let data = read(&text).expect("a table");
    assert_eq!(columns(&data), ["x:N", "x.2:N", "x.1:N"]);
    let reported: Vec<f32> =
        data.train.images.memory().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    for (row, label) in reported.chunks(3).zip(data.train.labels.iter()) {
        assert_eq!(row[1] > 0.0, *label == 1, "the second x tells the class");
    }
    assert!(data.notes.iter().any(|note| note.contains("is called x.2 here")), "{:?}", data.notes);
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let lines = ["a,b,label", "1,2,x", "3,,y", "5,6,x", "7,8,y"];
    for end in ["\n", "\r\n", "\r"] {
        refused(&lines.join(end), &["line 3 (b)"]);
        refused(&lines.join(&end.repeat(2)), &["line 5 (b)"]);
        refused(&format!("sep=,{end}{}", lines.join(end)), &["line 4 (b)"]);
        refused(&format!("\u{feff}{}", lines.join(end)), &["line 3 (b)"]);
        // A record begins where its first field does.
        let quoted = ["\"a", "a\",b,label", "\"u", "v\",2,x", "\"w", "z\",,y", "q,1,x", ""].join(end);
        refused(&quoted, &["line 5 (b)"]);
        refused(&format!("{}{end}1,2{end}", lines.join(end)), &["line 6 has 2 fields, expected 3"]);
        refused(
            &format!("{}{end}1,2,x,4{end}", lines.join(end)),
            &["line 6 has 4 fields", "comma not in quotes"],
        );
        if end == "\r" {
            continue;
        }
        let commented = format!("#one{end}{}", lines.join(&format!("{end}# two, three{end}")));
        let comment = Reading { comment: Some('#'), ..Reading::default() };
        let message = read_with(&commented, &comment).expect_err("b is missing").to_string();
        assert!(message.contains("line 6 (b)"), "{message}");
        refused(&commented, &["fields", ".comment = \"#\""]);
    }
    refused("a,b\n1,2\n1,\"2\n3,4\n5,6\n", &["quote that line 3 opens is never closed"]);
    refused("a,b\r\n1,2\r\n1,\u{e4}\r\n\u{1f}", &["line 4"]);
}

#[test]
fn delimiters_at_the_end_and_of_excel_are_understood() {
    let row = |n: usize| format!("{n}.5,{},{}", n % 3, class(n));
    for text in [
        under("a,b,label,", |n| row(n) + ","),
        under("a,b,label,", row),
        under("a,b,label,,,", row),
        under("a,b,label", |n| row(n) + ","),
        under("a,b,label", row) + "\n  \n,,\n",
        under("sep=;\na,b,label", row).replace(',', ";"),
        under("\"SEP=;\"\na,b,label", row).replace(',', ";"),
        under("\"a, of all\",b,label", row).replace("\"a, of all\"", "a").replace(',', "\t"),
    ] {
        let data = read(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let found = (columns(&data), data.classes.join("/"), data.train.len() + data.test.len());
        assert_eq!(found, (vec!["a:N".to_owned(), "b:N".into()], "no/yes".into(), 40), "{text}");
        assert!(data.notes[0].contains("column label"), "{:?}", data.notes);
    }
    // There are more commas than semicolons on the first line, but they separate nothing.
    let text = under("size (a, b, c);label", |n| format!("{n};{}", class(n)));
    assert_eq!(columns(&read(&text).expect("semicolons")), ["size (a, b, c):N"]);
    let blank = read(&(under("a,b,label", row) + ",,\n")).expect("a table");
    assert!(blank.notes.iter().any(|note| note.contains("1 line without any value")), "{:?}", blank.notes);
}

#[test]
fn a_hundred_thousand_columns_are_read_in_a_moment() {
    let columns = 100_000;
    let names: String = (0..columns).map(|n| format!("c{n},")).collect();
    let row = |label| "1,".repeat(columns / 2) + &"2,".repeat(columns / 2) + label + "\n";
    let text = names + "label\n" + &[row("a"), row("b"), row("a"), row("b")].concat();
    let said = Reading { label: Some("label".into()), drop: vec!["c7".into()], ..Reading::default() };
    let data = read_with(&text, &said).expect("a table");
    assert_eq!((data.channels, data.train.len() + data.test.len()), (columns - 1, 4));
}
