//! Tests of charts: well-formed pictures with complete texts, nothing clipped, no overlapping texts, for any number and
//! any name. Their look is not tested.

use proptest::prelude::*;
use roxmltree::{Document, Node};
use wgrad_report::chart::{
    Axis, Bar, Bars, Cell, Group, Grouped, HeatMap, Lines, Mark, Outcome, Point, Roofline, Series, Spot, Svg,
};

/// A name that contains markup.
const HOSTILE: &str = "</text></svg><script>alert('1')</script>&amp;\"\u{202e}\0 onload=x";

/// Parses the picture as XML; its head must describe it.
#[track_caller]
fn parsed<'a>(svg: &'a Svg, title: &str) -> Document<'a> {
    let document = Document::parse(svg.as_str()).unwrap_or_else(|e| panic!("{e}:\n{svg}"));
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    assert_eq!(root.attribute("aria-label"), Some(title));
    let child = |name: &str| {
        let found = root.children().find(|node| node.has_tag_name(name) || node.tag_name().name() == name);
        found.and_then(|node| node.text()).unwrap_or_else(|| panic!("no {name}")).to_string()
    };
    assert_eq!(child("title"), title);
    assert!(!child("desc").is_empty() && !child("desc").contains("could be drawn"), "{}", child("desc"));
    let allowed = ["svg", "title", "desc", "text", "rect", "line", "polyline", "polygon", "circle"];
    for node in document.descendants().filter(Node::is_element) {
        assert!(allowed.contains(&node.tag_name().name()), "{node:?}");
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on") && !attribute.name().contains("href"), "{node:?}");
        }
    }
    document
}

/// Parses a picture that is a file of its own.
#[track_caller]
fn parsed_file(svg: &Svg) -> Document<'_> {
    Document::parse(svg.as_str()).unwrap_or_else(|e| panic!("{e}:\n{svg}"))
}

fn description(document: &Document<'_>) -> String {
    let found = document.descendants().find(|node| node.tag_name().name() == "desc");
    found.and_then(|node| node.text()).unwrap_or_default().to_string()
}

/// Returns all texts in the picture, in one line without spaces, as names may be broken into lines anywhere.
fn drawn(document: &Document<'_>) -> String {
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    let all: String = texts.filter_map(|node| node.text()).collect();
    all.split_whitespace().collect()
}

/// Asserts that no text leaves the picture or overlaps another, in a font as wide as DejaVu Sans on average.
#[track_caller]
fn texts_are_apart(document: &Document<'_>) {
    let number = |node: &Node<'_, '_>, name: &str| -> f64 {
        node.attribute(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("no {name}: {node:?}"))
    };
    let root = document.root_element();
    let (width, height) = (number(&root, "width"), number(&root, "height"));
    let boxes = document.descendants().filter(|node| node.tag_name().name() == "text").map(|node| {
        let size = number(&node, "font-size");
        let text = node.text().unwrap_or_default().trim();
        let long = text.chars().count() as f64 * size * 0.6;
        let start = match node.attribute("text-anchor") {
            Some("middle") => -long / 2.0,
            Some("end") => -long,
            _ => 0.0,
        };
        let (x, y) = (number(&node, "x"), number(&node, "y"));
        let (along, across) = ((start, start + long), (-size / 2.0, size / 2.0));
        let area = match node.attribute("transform") {
            // Upwards.
            Some(_) => [x + across.0, y - along.1, x + across.1, y - along.0],
            None => [x + along.0, y + across.0, x + along.1, y + across.1],
        };
        (text.to_string(), area)
    });
    let boxes: Vec<_> = boxes.filter(|(text, _)| !text.is_empty()).collect();
    for (n, (text, a)) in boxes.iter().enumerate() {
        let inside = a[0] >= -0.5 && a[1] >= -0.5 && a[2] <= width + 0.5 && a[3] <= height + 0.5;
        assert!(inside, "{text:?} at {a:?} leaves {width} × {height}");
        for (other, b) in &boxes[..n] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{text:?} at {a:?} lies on {other:?} at {b:?}");
        }
    }
}

fn measured(median: f64) -> Outcome {
    let quartiles = (median * 0.9, median * 1.2);
    Outcome::Measured { median, quartiles, range: (median * 0.8, median * 2.0), rank: Some(1), tied: true }
}

fn bars(rows: &[(&str, Outcome)]) -> Bars {
    let bar = |(n, (name, outcome)): (usize, &(&str, Outcome))| Bar {
        name: name.to_string(),
        group: n % 2,
        outcome: outcome.clone(),
    };
    Bars {
        title: "Time".into(),
        label: "time of a dispatch".into(),
        unit: "ms".into(),
        groups: vec!["card A".into(), "card B".into()],
        rows: rows.iter().enumerate().map(bar).collect(),
    }
}

const LONG: &str = "/home/somebody/projects/kernels/experiments/with_a_long_name/matmul_tiled_64x64_v2.wgsl";

#[test]
fn bars_show_every_row_with_what_is_known_of_it() {
    let why = "y[17] is 1.5, expected 1.25";
    let rows = [
        ("tiled", measured(1.25)),
        (LONG, measured(64.0)),
        ("barrier", Outcome::Wrong(why.into())),
        ("tiled64", Outcome::Skipped("needs N % 4 == 0".into())),
    ];
    let svg = bars(&rows).svg();
    let document = parsed(&svg, "Time");
    let drawn = drawn(&document);
    for words in [
        "1=tiled",
        LONG,
        "1.25ms(1to2.5ms)",
        "WRONG:y[17]is1.5,expected1.25",
        "skipped:needsN%4==0",
        "cardA",
        "(ms)",
    ] {
        assert!(drawn.contains(words), "no {words} in {drawn}");
    }
    for words in [LONG, "median 1.25 ms, quartiles 1.12 to 1.5, all 1 to 2.5, rank 1, tied", why, "on card B"]
    {
        assert!(description(&document).contains(words), "no {words} in {}", description(&document));
    }
    texts_are_apart(&document);
}

#[test]
fn a_roofline_names_its_points_and_its_roofs() {
    let names = ["shuffle", LONG, "naive", "naive again", "far"];
    let spot = |(n, name): (usize, &&str)| Spot {
        name: name.to_string(),
        flops_per_byte: if n == 4 { 0.01 } else { 20.0 },
        gflops: 31.2 - n as f64 / 100.0,
        allowed_gflops: (n == 0).then_some(64.5),
    };
    let mut roofline = Roofline {
        title: "Roofline".into(),
        peak_gflops: Some(117.0),
        peak_gbps: Some(12.5),
        spots: names.iter().enumerate().map(spot).collect(),
    };
    let svg = roofline.svg();
    let document = parsed(&svg, "Roofline");
    let text = drawn(&document);
    for words in
        ["arithmetic:117GFLOP/s", "memory:12.5GB/s", "9.36FLOP/byte", "(GFLOP/s)", "(FLOP/byte)", LONG]
    {
        assert!(text.contains(words), "no {words} in {text}");
    }
    assert!(text.contains("kernel'sinstructionsallow"), "{text}");
    assert!(
        description(&document)
            .contains("shuffle: 31.2 GFLOP/s at 20 FLOP/byte, its instructions allow 64.5.")
    );
    assert!(names.iter().all(|name| text.contains(&name.replace(' ', ""))), "{text}");
    assert_eq!(document.descendants().filter(|node| node.tag_name().name() == "circle").count(), names.len());
    texts_are_apart(&document);
    // The mark of an allowed rate lies above its point, as far as the logarithmic axis says, and a line joins the two.
    let points = |node: &Node<'_, '_>| -> Vec<(f64, f64)> {
        let numbers =
            node.attribute("points").expect("points").split([' ', ',']).filter(|text| !text.is_empty());
        let numbers: Vec<f64> = numbers.map(|text| text.parse().expect("a number")).collect();
        numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let place = |node: &Node<'_, '_>| {
        let number = |name: &str| node.attribute(name).and_then(|text| text.parse().ok()).expect("a number");
        (number("cx"), number("cy"))
    };
    let named =
        |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
    let thick = |node: &Node<'_, '_>| node.attribute("stroke-width") == Some("3");
    let lines: Vec<Vec<(f64, f64)>> = named("polyline").map(|node| points(&node)).collect();
    let level: Vec<[(f64, f64); 2]> = named("polyline")
        .filter(thick)
        .filter_map(|node| <[(f64, f64); 2]>::try_from(points(&node)).ok().filter(|[a, b]| a.1 == b.1))
        .collect();
    let spots: Vec<(f64, f64)> = named("circle").map(|node| place(&node)).collect();
    let measured = *spots.iter().min_by(|a, b| a.1.total_cmp(&b.1)).expect("a point");
    let marks: Vec<_> = level.iter().filter(|[a, b]| (a.0 + b.0) / 2.0 == measured.0).collect();
    assert_eq!(marks.len(), 1, "{lines:?}");
    let most = marks[0][0].1;
    assert!(lines.iter().any(|line| line[..] == [measured, (measured.0, most)]), "no line down to the point");
    let roof =
        level.iter().max_by(|[a, b], [c, d]| (b.0 - a.0).total_cmp(&(d.0 - c.0))).expect("a roof")[0].1;
    let expected = most - (measured.1 - most) * (117.0f64 / 64.5).ln() / (64.5f64 / 31.2).ln();
    assert!(
        (roof - expected).abs() < 3.0,
        "the roof is at {roof}, the mark at {most}, the point {measured:?}"
    );

    // The chart grows with the number of points.
    roofline.spots = (0..60)
        .map(|n| Spot {
            name: format!("variant {n}"),
            flops_per_byte: 3.0,
            gflops: 7.0,
            allowed_gflops: None,
        })
        .collect();
    let svg = roofline.svg();
    let document = parsed(&svg, "Roofline");
    assert!(!drawn(&document).contains("allow"), "no kernel has a mark");
    assert!((0..60).all(|n| drawn(&document).contains(&format!("variant{n}"))));
    texts_are_apart(&document);
}

#[test]
fn a_heat_map_holds_every_cell() {
    let map = HeatMap {
        title: "Sweep".into(),
        label: "time".into(),
        unit: "ms".into(),
        column_label: "TILE_N".into(),
        columns: vec!["8".into(), "16".into(), "a column with a name that does not fit its cell".into()],
        row_label: "TILE_M".into(),
        rows: vec!["4".into(), LONG.into()],
        cells: vec![
            vec![Cell::Value(1.5), Cell::Value(150.0), Cell::Wrong],
            vec![Cell::Skipped, Cell::Value(12.0)],
        ],
        log: true,
        ..HeatMap::default()
    };
    let svg = map.svg();
    let document = parsed(&svg, "Sweep");
    let text = drawn(&document);
    for words in ["TILE_N", "TILE_M", "16", "1.5", "150", "wrong", "–", "time(ms)", "v2.wgsl"] {
        assert!(text.contains(words), "no {words} in {text}");
    }
    assert!(description(&document).contains(&format!("{LONG}: 8 –, 16 12")), "{}", description(&document));
    texts_are_apart(&document);
    let lines = |map: &HeatMap| map.svg().as_str().matches("<polyline").count();
    let whole = HeatMap { cells: vec![vec![Cell::Value(1.0); 3]; 2], ..map.clone() };
    assert!(lines(&whole) == 0 && lines(&map) > 0, "what has no number is hatched");
    // The minimum and the maximum have the end colours of the scale.
    let fill = |words: &str| {
        let texts: Vec<_> = document.descendants().filter(|node| node.tag_name().name() == "text").collect();
        let found =
            texts.iter().find(|node| node.text().is_some_and(|text| text.trim() == words)).expect("is there");
        let before = found.prev_siblings().filter(Node::is_element).nth(1).expect("its ground");
        before.attribute("fill").map(str::to_string)
    };
    assert_eq!((fill("1.5"), fill("150")), (Some("#00224E".into()), Some("#FEE838".into())));
}

fn curve(name: &str, ys: &[f64]) -> Series {
    let point = |(n, y): (usize, &f64)| Point { x: n as f64 + 1.0, y: *y, band: Some((y * 0.9, y * 1.1)) };
    Series { name: name.into(), points: ys.iter().enumerate().map(point).collect() }
}

#[test]
fn curves_have_a_legend_bands_and_gaps() {
    let axis = |label: &str, unit: &str, log| Axis {
        label: label.into(),
        unit: unit.into(),
        log,
        ..Axis::default()
    };
    let series = [curve("train", &[2.0, 1.0, 0.5, 0.25]), curve(LONG, &[2.1, f64::NAN, 0.7, 0.6])];
    for log in [false, true] {
        let lines = Lines {
            title: "Loss".into(),
            x: axis("epoch", "", false),
            y: axis("loss", "nats", log),
            series: series.to_vec(),
            ..Lines::default()
        };
        let svg = lines.svg();
        let document = parsed(&svg, "Loss");
        let text = drawn(&document);
        for words in ["train", LONG, "epoch", "loss(nats)"] {
            assert!(text.contains(words), "no {words} in {text}");
        }
        texts_are_apart(&document);
        let count = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).count();
        // The gap isolates a point, which gets a line for its band and a dot.
        assert_eq!((count("polygon"), count("circle")), (2, 7));
        assert!(description(&document).contains("train: 4 points, from 2 nats at 1 to 0.25 nats at 4"));
    }
}

#[test]
fn marks_are_named_and_points_tell_their_numbers() {
    let lines = Lines {
        title: "Loss".into(),
        x: Axis { label: "epoch".into(), whole: true, ..Axis::default() },
        y: Axis { label: "loss".into(), unit: "nats".into(), ..Axis::default() },
        series: vec![curve("train", &[2.0, 1.0, 0.5])],
        marks: vec![
            Mark::At(2.0, "best epoch: 2".into()),
            Mark::Line([(1.0, 0.0), (3.0, 3.0)], "expected".into()),
        ],
    };
    let svg = lines.svg();
    let document = parsed(&svg, "Loss");
    let text = drawn(&document);
    for words in ["bestepoch:2", "expected", "epoch"] {
        assert!(text.contains(words), "no {words} in {text}");
    }
    assert!(!text.contains("1.5") || !text.contains("2.5"), "epochs are whole: {text}");
    assert!(description(&document).contains("best epoch: 2: at 2."), "{}", description(&document));
    texts_are_apart(&document);
    let circles: Vec<_> = document.descendants().filter(|node| node.tag_name().name() == "circle").collect();
    let told = circles.iter().filter_map(|node| node.children().find_map(|child| child.text()));
    let told: Vec<&str> = told.collect();
    assert_eq!(
        told,
        ["train, epoch 1: 2.0000 nats", "train, epoch 2: 1.0000 nats", "train, epoch 3: 0.5000 nats"]
    );
    // A file of its own has its title, and is drawn as pixels as well.
    let alone = svg.alone();
    assert!(drawn(&parsed_file(&alone)).starts_with("Loss") && !text.starts_with("Loss"));
    assert_eq!(alone.alone(), alone);
    assert!(alone.png().is_ok_and(|png| png.len() > 1000));
}

#[test]
fn a_slope_is_no_staircase() {
    let points = (0..200).map(|n| Point { x: f64::from(n), y: 0.1 * f64::from(n), band: None }).collect();
    let lines = Lines { series: vec![Series { name: "slope".into(), points }], ..Lines::default() };
    let svg = lines.svg();
    let longest = svg.as_str().split("points=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let line = longest.max_by_key(|points| points.len()).unwrap_or_default();
    let ups: Vec<f64> =
        line.split(' ').map(|at| at.split_once(',').expect("a pair").1.parse().expect("up")).collect();
    assert!(ups.len() > 150 && ups.windows(2).all(|pair| pair[0] > pair[1]), "{line}");
}

#[test]
fn a_confusion_matrix_is_coloured_by_the_shares_of_its_rows() {
    let cells = vec![vec![Cell::Value(90.0), Cell::Value(10.0)], vec![Cell::Zero, Cell::Value(5.0)]];
    let names = || vec!["cat".to_string(), "dog".to_string()];
    let map = HeatMap { columns: names(), rows: names(), cells, shares: true, ..HeatMap::default() };
    let svg = map.svg();
    let fill = |words: &str| {
        let (before, _) = svg.as_str().split_once(&format!(">{words}</text>")).expect("the number");
        before
            .rsplit("<rect")
            .next()
            .and_then(|rect| rect.split("fill=\"").nth(1))
            .map(|rest| rest[..7].to_string())
    };
    assert_eq!(fill("90"), fill("5"), "the whole of a small class is as strong as most of a large one");
    assert_eq!((fill("5"), fill("10")), (Some("#084594".into()), Some("#F7FBFF".into())));
}

#[test]
fn shares_stand_beside_each_other() {
    let row = |name: &str, values: &[Option<f64>]| Group { name: name.into(), values: values.to_vec() };
    let chart = Grouped {
        title: "Shares".into(),
        label: "share".into(),
        unit: "%".into(),
        series: vec!["foretold".into(), "measured".into()],
        rows: vec![row("matmul", &[Some(60.0), Some(62.5)]), row(LONG, &[None, Some(0.01)])],
    };
    let svg = chart.svg();
    let document = parsed(&svg, "Shares");
    let text = drawn(&document);
    for words in ["foretold", "measured", "matmul", LONG, "62.5%", "0.01%", "–", "share(%)"] {
        assert!(text.contains(words), "no {words} in {text}");
    }
    assert!(description(&document).contains("matmul: foretold 60 %, measured 62.5 %."));
    texts_are_apart(&document);
}

#[test]
fn names_are_text_whatever_is_in_them() {
    let spot =
        Spot { name: HOSTILE.into(), flops_per_byte: 1.0, gflops: 1.0, allowed_gflops: Some(f64::NAN) };
    let name = || vec![HOSTILE.to_string()];
    let axis = || Axis { label: HOSTILE.into(), unit: HOSTILE.into(), ..Axis::default() };
    let title = HOSTILE.to_string();
    let charts = [
        Bars { title: title.clone(), ..bars(&[(HOSTILE, Outcome::Wrong(HOSTILE.into()))]) }.svg(),
        Roofline { title: title.clone(), spots: vec![spot], ..Default::default() }.svg(),
        HeatMap {
            title: title.clone(),
            columns: name(),
            rows: name(),
            label: HOSTILE.into(),
            ..Default::default()
        }
        .svg(),
        Lines {
            title: title.clone(),
            x: axis(),
            y: axis(),
            series: vec![curve(HOSTILE, &[1.0, 2.0])],
            ..Lines::default()
        }
        .svg(),
        Grouped {
            title,
            series: name(),
            rows: vec![Group { name: HOSTILE.into(), values: vec![None] }],
            ..Default::default()
        }
        .svg(),
    ];
    let clean = HOSTILE.replace(['\u{202e}', '\0'], "\u{fffd}");
    for svg in &charts {
        let document = parsed(svg, &clean);
        assert!(description(&document).contains(&clean), "{}", description(&document));
    }
}

/// Unusual numbers for a report.
fn number() -> impl Strategy<Value = f64> {
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        1.0,
        5e-324,
    ];
    prop_oneof![proptest::sample::select(odd.to_vec()), any::<f64>(), 0.0..1000.0]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just(String::new()),
        Just("漢".repeat(90)),
        Just("W".repeat(200)),
        Just(HOSTILE.to_string()),
        "[a-z]{1,12}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_data_makes_a_picture(
        names in proptest::collection::vec(name(), 0..5),
        numbers in proptest::collection::vec(proptest::collection::vec(number(), 0..7), 0..5),
        peaks in (proptest::option::of(number()), proptest::option::of(number())),
        log in any::<bool>(),
    ) {
        let at = |r: usize, n: usize| numbers.get(r).and_then(|row| row.get(n)).copied().unwrap_or(1.0);
        let rows: Vec<(&str, Outcome)> = names.iter().enumerate().map(|(r, name)| (name.as_str(), Outcome::Measured {
            median: at(r, 0), quartiles: (at(r, 1), at(r, 2)), range: (at(r, 3), at(r, 4)), rank: None, tied: false,
        })).collect();
        parsed(&bars(&rows).svg(), "Time");
        let spots = names.iter().enumerate().map(|(r, name)| Spot { name: name.clone(), flops_per_byte: at(r, 0), gflops: at(r, 1), allowed_gflops: Some(at(r, 0)) });
        let (title, peak_gflops, peak_gbps) = ("x".to_string(), peaks.0, peaks.1);
        parsed(&Roofline { title: title.clone(), peak_gflops, peak_gbps, spots: spots.collect() }.svg(), "x");
        let cells = numbers.iter().map(|row| row.iter().map(|v| Cell::Value(*v)).collect()).collect();
        let map = HeatMap { title: title.clone(), columns: names.clone(), rows: names.clone(), cells, log, ..Default::default() };
        parsed(&map.svg(), "x");
        let axis = || Axis { log, ..Default::default() };
        let series = numbers.iter().zip(&names).map(|(row, name)| Series {
            name: name.clone(),
            points: row.iter().enumerate().map(|(n, y)| Point { x: at(n, n), y: *y, band: Some((at(n, 1), *y)) }).collect(),
        });
        parsed(&Lines { title: title.clone(), x: axis(), y: axis(), series: series.collect(), ..Lines::default() }.svg(), "x");
        let rows = numbers.iter().map(|row| Group { name: "row".into(), values: row.iter().copied().map(Some).collect() });
        parsed(&Grouped { title, series: names.clone(), rows: rows.collect(), ..Default::default() }.svg(), "x");
    }
}
