//! Tests of pages: well-formed, complete, without external resources. Their look is not tested.

use proptest::prelude::*;
use serde_json::json;
use wgrad::{
    gpu::Clock,
    kernels::OPERATIONS,
    op::{AdapterClass, setting::Setting},
};
use wgrad_lab::{
    ratio::Speed,
    row::{Row, Status},
};
use wgrad_report::{
    chart::{Bars, HeatMap},
    junit,
    lab::{About, measured},
    page::{Alarm, Cell, Page, Section, Table, can_write},
};
use wgrad_testing::pages::{checked, texts, tree, values};

/// A text that contains markup.
const HOSTILE: &str =
    "</title></style><script>alert('1')</script><img src=http://x.example/y onerror=z>&amp;\"\u{202e}\0";

#[test]
fn a_page_says_what_was_run_and_holds_its_charts_and_tables() {
    let mut table = Table::new("Times", &[("variant", false), ("median, ms", true)]);
    table.row(vec![Cell::text("tiled"), Cell::number(Some(1.23456), |v| format!("{v:.2}"))], false);
    table.row(vec![Cell::text("wrong one"), Cell::number(None, |v| v.to_string())], true);
    let chart = Bars { title: "Bars".into(), ..Default::default() }.svg();
    let worst = vec![("got".to_string(), "1.5".to_string()), ("expected".to_string(), "1.25".to_string())];
    let alarm = Alarm { what: "wrong one".into(), reason: "at M=3\n  y[1] differs".into(), facts: worst };
    let section = Section::new("matmul").words("At M=3.").alarm(alarm).chart("Time", chart).table(table);
    let page = Page::new("A report").fact("date", "2026-11-24").fact("adapter", "card").section(section);
    let page = checked(&page.html());
    let html = tree(&page);
    assert_eq!(texts(&html, "head title")[0], "A report");
    assert_eq!(texts(&html, "dl.facts dt")[..2], ["date", "adapter"]);
    assert_eq!(texts(&html, "dl.facts dd"), ["2026-11-24", "card", "1.5", "1.25"]);
    assert_eq!(texts(&html, "section h2"), ["matmul"]);
    assert_eq!(texts(&html, "figure figcaption"), ["Time"]);
    assert_eq!(texts(&html, "figure svg desc").len(), 1);
    assert_eq!(texts(&html, "table caption"), ["Times"]);
    assert_eq!(texts(&html, "thead tr th"), ["variant", "median, ms"]);
    assert_eq!(texts(&html, "tbody tr th"), ["tiled", "wrong one"]);
    assert_eq!(texts(&html, "tbody tr td"), ["1.23", "–"]);
    assert_eq!(values(&html), [1.23456], "the exact number is in the page");
    assert_eq!(texts(&html, "tr.alarm th"), ["wrong one"]);
    assert!(texts(&html, "div.alarm-box")[0].contains("y[1] differs"));
    for words in ["prefers-color-scheme:dark", "@media print", "max-width:480px"] {
        assert!(texts(&html, "style")[0].contains(words), "no {words}");
    }
}

#[test]
fn any_rows_become_a_table() {
    let rows = [
        json!({"variant": "a", "status": "ok", "seconds": 0.00123456, "worst": null, "driver": "Mesa", "default": true}),
        json!({"variant": "b", "status": "wrong", "seconds": null, "worst": {"index": 7, "got": 2.5}, "driver": "Mesa",
               "default": false}),
    ];
    let table = Table::of("Rows", &rows).expect("a table");
    let page = checked(&Page::new("x").section(Section::new("y").table(table)).html());
    let html = tree(&page);
    assert_eq!(
        texts(&html, "thead tr th"),
        ["variant", "status", "seconds", "default", "worst.index", "worst.got"]
    );
    assert_eq!(texts(&html, "tbody tr th"), ["a", "b"]);
    assert_eq!(
        texts(&html, "tbody tr td"),
        ["ok", "0.00123", "yes", "–", "–", "wrong", "–", "no", "7", "2.5"]
    );
    assert_eq!(values(&html), [0.001_234_56, 7.0, 2.5]);
    assert_eq!(texts(&html, "tr.alarm th"), ["b"]);
    assert_eq!(texts(&html, "p.faint"), ["The same in every row: driver Mesa."]);

    let none: [serde_json::Value; 0] = [];
    let empty = Section::new("y").table(Table::of("None", &none).expect("a table"));
    checked(&Page::new("x").section(empty).html());
    let error = Table::of("Numbers", &[1, 2]).expect_err("no objects").to_string();
    assert!(
        error.contains("Numbers") && error.contains('1') && error.contains("expected an object"),
        "{error}"
    );
}

#[test]
fn nothing_from_outside_is_markup() {
    let mut table = Table::new(HOSTILE, &[(HOSTILE, false)]);
    table.row(vec![Cell::text(HOSTILE)], true);
    let map = HeatMap {
        title: HOSTILE.into(),
        rows: vec![HOSTILE.into()],
        columns: vec![HOSTILE.into()],
        ..Default::default()
    };
    let alarm =
        Alarm { what: HOSTILE.into(), reason: HOSTILE.into(), facts: vec![(HOSTILE.into(), HOSTILE.into())] };
    let section = Section::new(HOSTILE).words(HOSTILE).alarm(alarm).chart(HOSTILE, map.svg()).table(table);
    let page =
        (0..4).fold(Page::new(HOSTILE).fact(HOSTILE, HOSTILE), |page, _| page.section(section.clone()));
    let page = checked(&page.html());
    let html = tree(&page);
    let clean = HOSTILE.replace(['\u{202e}', '\0'], "\u{fffd}");
    for selector in [
        "title",
        "h1",
        "nav ul li a",
        "h2",
        "figcaption",
        "svg desc",
        "caption",
        "thead tr th",
        "tbody tr th",
        "dd",
    ] {
        let found = texts(&html, selector);
        assert!(found.iter().any(|text| text.contains(&clean)), "{selector}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_makes_a_page(text in any::<String>(), other in "[\\x00-\\x7f]{0,40}") {
        let rows = [json!({ text.clone(): other.clone() }), json!({ other.clone(): text.clone() })];
        let table = Table::of(&text, &rows).expect("a table");
        let section = Section::new(&text).words(&other).table(table);
        let page = checked(&Page::new(&other).fact(&text, &other).section(section).html());
        let html = tree(&page);
        prop_assert_eq!(texts(&html, "section").len(), 1);
    }
}

#[test]
fn a_page_is_written_whole_and_where_it_cannot_be_the_error_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.html");
    let page = Page::new("x");
    can_write(&path).expect("it can");
    assert!(
        !path.exists() && std::fs::read_dir(folder.path()).expect("is there").count() == 0,
        "something is left"
    );
    page.write(&path).expect("writes");
    page.clone().fact("a", "b").write(&path).expect("writes again");
    assert_eq!(std::fs::read_to_string(&path).expect("is there"), page.fact("a", "b").html());
    for wrong in
        [folder.path().join("no such/page.html"), folder.path().to_path_buf(), path.join("page.html")]
    {
        let error = can_write(&wrong).expect_err("it cannot").to_string();
        let shown = wrong.display().to_string();
        assert!(
            error.contains("cannot write") && error.contains(&shown) && error.contains("name a file"),
            "{error}"
        );
    }
}

fn row(op: &'static str, variant: &'static str, adapter: &str, seconds: f64) -> Row {
    Row {
        op,
        variant: variant.to_string(),
        status: Status::Ok,
        reason: None,
        limit: None,
        reference: None,
        file: None,
        worst: None,
        sizes: "M=3,N=5,K=7".into(),
        activation: "linear",
        constants: Setting::default(),
        rank: Some(1),
        tied: false,
        gflops: Some(0.012_345 / seconds),
        gbps: Some(0.001 / seconds),
        seconds: Some(seconds),
        seconds_min: Some(seconds * 0.9),
        seconds_max: Some(seconds * 1.5),
        seconds_q1: Some(seconds * 0.95),
        seconds_q3: Some(seconds * 1.1),
        samples: 15,
        rounds: vec![seconds; 15],
        of_default: None,
        of_last: None,
        same_text: None,
        digest: None,
        date: "2026-11-30".into(),
        dispatches_per_sample: 3,
        clock: Some(Clock::Wall),
        compile_seconds: Some(0.25),
        error_share: Some(0.125),
        proofs: 7,
        regimes: 10,
        share_of_fma: Some(0.5),
        share_of_copy: Some(0.25),
        per_fma: None,
        of_fma_peak: None,
        peak_gflops: Some(100.0),
        peak_gbps: Some(10.0),
        default: false,
        checked: false,
        adapter: adapter.into(),
        backend: "vulkan".into(),
        driver: "Mesa".into(),
        class: AdapterClass::Cpu,
        version: "0.1.0",
    }
}

#[test]
fn speeds_relative_to_others_are_columns_where_there_are_any() {
    let speed = Speed { times: 1.92, low: 1.88, high: 1.95 };
    let faster = Row { of_default: Some(speed), ..row("matmul", "tiled", "card", 0.001) };
    let naive = Row { default: true, ..row("matmul", "naive", "card", 0.002) };
    let page = checked(&measured(&About::default(), &[faster.clone(), naive.clone()]).html());
    let html = tree(&page);
    assert!(texts(&html, "th").iter().any(|heading| heading == "× default"));
    assert!(texts(&html, "tbody tr td").contains(&"1.92 (1.88 to 1.95)".to_string()));
    assert!(!texts(&html, "th").iter().any(|heading| heading == "× last"));
    let page = checked(&measured(&About::default(), &[naive]).html());
    let alone = tree(&page);
    assert!(!texts(&alone, "th").iter().any(|heading| heading.starts_with('×')));
}

#[test]
fn the_share_that_the_instructions_allow_stands_beside_the_measured_one() {
    let counted =
        Row { per_fma: Some(1.6), of_fma_peak: Some(0.625), ..row("matmul", "tiled", "card", 0.001) };
    let page =
        checked(&measured(&About::default(), &[counted, row("matmul", "naive", "card", 0.002)]).html());
    let html = tree(&page);
    let headings = texts(&html, "th");
    let place = |name: &str| {
        headings.iter().position(|heading| heading == name).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!((place("allowed"), place("instructions per FMA")), (place("of fma") + 1, place("of fma") + 2));
    let cells = texts(&html, "tbody tr td");
    assert!(cells.contains(&"62.5 %".to_string()) && cells.contains(&"1.60".to_string()), "{cells:?}");
    assert!(page.contains("its instructions allow 62.5"), "of a peak of 100 GFLOP/s");
}

#[test]
fn junit_counts_what_fails_and_escapes_what_it_shows() {
    let wrong = Row {
        status: Status::Wrong,
        reason: Some("at M=1: \"y[0]\" <is> 2 & not 1\nsecond line".into()),
        ..row("matmul", "my <own>.wgsl", "card", 0.1)
    };
    let skipped = Row {
        status: Status::Skipped,
        reason: Some("needs N % 4 == 0".into()),
        seconds: None,
        ..row("matmul", "tiled_vec4", "card", 0.1)
    };
    let rows = [row("matmul", "naive", "card", 0.5), wrong, skipped, row("add", "naive", "card", 0.1)];
    let xml = junit::xml(&rows, &[]);
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    let counts = |node: &roxmltree::Node| {
        ["tests", "failures", "skipped"].map(|name| node.attribute(name).map(str::to_string))
    };
    let expected = |counts: [&str; 3]| counts.map(|count| Some(count.to_string()));
    assert_eq!(
        suites.iter().map(counts).collect::<Vec<_>>(),
        [expected(["3", "1", "1"]), expected(["1", "0", "0"])]
    );
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).expect("a failure");
    assert_eq!(failure.attribute("message"), Some("at M=1: \"y[0]\" <is> 2 & not 1 second line"));
    assert_eq!(failure.text(), Some("at M=1: \"y[0]\" <is> 2 & not 1\nsecond line"));
    assert_eq!(failure.parent().and_then(|test| test.attribute("name")), Some("my <own>.wgsl"));
}

#[test]
fn several_adapters_have_a_roofline_each_and_are_distinguished() {
    let rows = [row("matmul", "naive", "card A", 0.002), row("matmul", "naive", "card B", 0.001)];
    let page = checked(&measured(&About::default(), &rows).html());
    let html = tree(&page);
    let pictures = texts(&html, "figure svg desc");
    assert_eq!(pictures.len(), 3, "{pictures:?}");
    for (card, time) in [("card A", "median 2 ms"), ("card B", "median 1 ms")] {
        let bar = pictures[0].split(". ").find(|words| words.contains(card));
        assert!(bar.is_some_and(|words| words.contains(time)), "{pictures:?}");
        assert!(
            texts(&html, "figure figcaption").iter().any(|c| c.starts_with(&format!("Roofline of {card}")))
        );
        assert!(texts(&html, "tbody tr td").contains(&format!("{card} (vulkan)")));
    }
    assert!(pictures[1].contains("6.17 GFLOP/s") && pictures[2].contains("12.3 GFLOP/s"), "{pictures:?}");
    assert_eq!(texts(&html, "dl.facts dd").iter().filter(|fact| fact.contains("driver Mesa")).count(), 2);
}

#[test]
fn every_operation_fits_one_page() {
    let variants =
        OPERATIONS.iter().flat_map(|op| op.variants().iter().map(|variant| (op.name, variant.name())));
    let rows: Vec<Row> = variants.map(|(op, variant)| row(op, variant, "card", 0.002)).collect();
    let page = checked(&measured(&About::default(), &rows).html());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    let html = tree(&page);
    assert_eq!(texts(&html, "tbody tr th").len(), rows.len());
    assert_eq!(texts(&html, "section h2").len(), OPERATIONS.len() + 1);
    assert_eq!(texts(&html, "nav ul li a").len(), OPERATIONS.len() + 1);
    // The overview has one point per operation.
    let overview = &texts(&html, "figure svg desc")[0];
    assert_eq!(overview.matches("GFLOP/s at").count(), OPERATIONS.len(), "{overview}");
    assert!(measured(&About::default(), &[]).html().contains("Lab: variants"), "no rows, no panic");
}
