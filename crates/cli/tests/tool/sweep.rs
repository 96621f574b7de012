//! Constants that a variant offers, by the real binary and by the library: settings by name, sweeps, heat maps, runs
//! that train with a setting. Whether the page's own settings are right is asked in `kernels.rs` and `shaders.rs`.

use crate::command::{on_device, wgrad};
use serde_json::{Value, json};
use std::{fs, path::Path};
use wgrad::{
    Error,
    kernels::MATMUL,
    op::{
        Call,
        setting::{self, Setting},
        user_file,
    },
    prove::prove,
    selection::Choices,
};

const ROWS: &str = include_str!("../../../../tests/fixtures/rows.wgsl");

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("my.wgsl"), ROWS).expect("writes");
    folder
}

fn lab(folder: &Path, arguments: &[&str]) -> crate::command::Ended {
    let fixed = ["lab", "matmul", "--size", "M=9,N=17,K=12", "--cases", "1"];
    on_device(&[&fixed[..], arguments].concat()).inside(folder).end()
}

#[test]
fn a_sweep_proves_every_setting_and_times_those_that_are_right() {
    let folder = folder();
    let sweep = ["--file", "my.wgsl", "--sweep", "--seconds", "0.02"];
    let ended = lab(folder.path(), &[&sweep[..], &["--json"]].concat()).with(1);
    assert!(ended.stderr.contains("(5 of 6)"), "{ended:#?}");
    let rows = ended.json();
    assert_eq!(rows.len(), 6);
    let find = |rows_: u64, lanes: u64| -> &Value {
        let found = rows.iter().find(|row| row["constants"] == json!({"ROWS": rows_, "LANES": lanes}));
        found.unwrap_or_else(|| panic!("no ROWS={rows_}, LANES={lanes} in {rows:?}"))
    };
    for (rows_, lanes, name) in
        [(1, 64, ""), (1, 8, ":LANES=8"), (2, 64, ":ROWS=2"), (4, 8, ":ROWS=4:LANES=8")]
    {
        let row = find(rows_, lanes);
        assert_eq!(
            (&row["status"], &row["variant"]),
            (&json!("ok"), &json!(format!("my.wgsl{name}"))),
            "{row}"
        );
        assert!(row["seconds"].as_f64().is_some_and(|s| s > 0.0) && row["proofs"] == 2, "{row}");
    }
    let wrong = find(2, 8);
    assert!(wrong["status"] == "wrong" && wrong["seconds"].is_null(), "{wrong}");
    let skipped = find(4, 64);
    assert!(skipped["status"] == "skipped", "{skipped}");
    assert!(
        skipped["reason"].as_str().is_some_and(|why| why.contains("const_assert ROWS * LANES <= 128u")),
        "{skipped}"
    );
    let times: Vec<_> = rows.iter().map(|row| row["seconds"].as_f64().unwrap_or(f64::INFINITY)).collect();
    assert!(times.is_sorted(), "{times:?}");

    let table = lab(folder.path(), &sweep).with(1).stdout;
    let map = &table
        [table.find("GFLOP/s of ROWS (down) and LANES (across)").unwrap_or_else(|| panic!("{table}"))..];
    let lines: Vec<Vec<&str>> = map.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["ROWS", "8", "64"], "{map}");
    assert_eq!((lines[4][0], lines[4][1]), ("2", "✗"), "{map}");
    assert_eq!((lines[5][0], lines[5].last()), ("4", Some(&"–")), "{map}");
    assert_eq!(lines[3..6].iter().flatten().filter(|word| **word == "*").count(), 1, "{map}");
    assert!(!table.contains('\x1b'), "colour in a pipe");

    let csv = lab(folder.path(), &["--file", "my.wgsl:ROWS=1", "--sweep", "--seconds", "0", "--csv"])
        .with(0)
        .stdout;
    assert_eq!(csv.lines().count(), 3, "what a name sets stays: {csv}");
    assert!(csv.contains(r#""{""ROWS"":1,""LANES"":8}""#), "{csv}");
}

#[test]
fn settings_have_one_spelling_and_bad_ones_are_reported() {
    let folder = folder();
    let path = folder.path().join("my.wgsl").display().to_string();
    let find = |given: &str| MATMUL.find(&format!("{path}{given}"));
    let both = find(":LANES=8:ROWS=4").expect("offered");
    assert_eq!(both.name(), format!("{path}:ROWS=4:LANES=8"));
    let again = find(":ROWS=4u:LANES=8").expect("offered");
    assert_eq!((again.name(), again.source()), (both.name(), both.source()));
    assert_eq!(find(":ROWS=1").expect("offered").name(), path, "that is the text itself");
    assert_eq!(both.source().lines().count(), ROWS.lines().count(), "lines keep their numbers");
    assert_eq!(Setting::of(&both).get("ROWS"), Some("4"));
    assert_eq!(setting::all(&MATMUL, &both, ":ROWS=2").expect("offered").len(), 2);
    assert_eq!(setting::all(&MATMUL, &find("").expect("there"), "").expect("offered").len(), 6);
    for (given, words) in [
        (":ROWS", vec!["`ROWS`", "NAME=value", "ROWS=1|2|4"]),
        (":ROWS=3", vec!["ROWS the value `3`", "LANES=8|64"]),
        (":ROW=2", vec!["no constant: `ROW`", "ROWS=1|2|4"]),
        (":ROWS=2:ROWS=4", vec!["twice"]),
    ] {
        let said = find(given).expect_err(given).to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
    let refuse = |arguments: &[&str], words: &[&str]| {
        on_device(&[&["lab"][..], arguments].concat()).inside(folder.path()).end().refuses(words);
    };
    refuse(&["matmul", "--variant", "naive:ROWS=2"], &["naive offers no constants"]);
    refuse(&["matmul", "--variant", "tiled:DEPTH=7"], &["DEPTH the value `7`", "DEPTH=8|16|32"]);
    refuse(&["sgd", "--sweep"], &["no variant of sgd offers", "one of 2, 4, 8"]);
    refuse(&["matmul", "--variant", "naive", "--sweep"], &["nothing to sweep"]);
    assert!(Choices::parse(&["matmul=tiled:DEPTH=7"]).is_err());
    let bad = ROWS.replace("one of 1, 2, 4", "one of 2, 4");
    let said = user_file::variant(&MATMUL, "bad.wgsl", bad).expect_err("1 is not offered").to_string();
    assert!(said.contains("line 3: ROWS is 1"), "{said}");
    let many: String = (0..11).map(|n| format!("const A{n} = 1u; // one of 1, 2\n")).collect();
    let many = user_file::variant(&MATMUL, "many.wgsl", format!("{many}{ROWS}")).expect("composes");
    let said = setting::all(&MATMUL, &many, "").expect_err("2048 times 6 settings").to_string();
    assert!(said.contains("more than 1000 settings"), "{said}");
    assert_eq!(setting::all(&MATMUL, &many, ":A1=2:A2=2:A3=2:A4=1:A5=2").expect("384 are left").len(), 384);
}

#[test]
fn what_exceeds_the_adapter_is_an_obstacle() {
    let context = wgrad_testing::open(false);
    let call = Call::new(&MATMUL, &[("M", 9), ("N", 17), ("K", 12)]);
    let limits = &context.limits;
    let floats = limits.max_compute_workgroup_storage_size / 4;
    let threads = limits.max_compute_invocations_per_workgroup;
    for (from, to, word) in [
        ("array<f32, LANES>", format!("array<f32, {}>", floats + 1), "bytes of workgroup memory"),
        ("@workgroup_size(LANES)", format!("@workgroup_size(LANES, {threads})"), "threads a workgroup"),
    ] {
        let text = ROWS.replace(from, &to);
        assert_ne!(text, ROWS);
        let variant = user_file::variant(&MATMUL, "large.wgsl", text).expect("composes");
        let reason = call.obstacle(&context, &variant).expect("composes").expect("an obstacle");
        assert!(reason.contains(word), "{reason}");
    }
    // The largest that fits does run, and an override of the variant's own may size workgroup memory.
    let text = ROWS.replace("array<f32, LANES>", &format!("array<f32, {}>", floats / 4 * 4));
    for text in [text, ROWS.to_string()] {
        let variant = user_file::variant(&MATMUL, "fits.wgsl", text).expect("composes");
        assert_eq!(call.obstacle(&context, &variant).expect("composes"), None);
        assert!(pollster::block_on(prove(&context, &call, &variant, 1)).expect("runs").is_ok());
    }
    // Where the default itself is refused, other settings may do; without any, it is a mistake.
    let refused = ROWS.replace("const ROWS = 1u;", "const ROWS = 4u;");
    assert!(user_file::variant(&MATMUL, "refused.wgsl", refused.clone()).is_ok());
    let fixed = refused.replace("// one of", "// any of").replace("override LANES", "const LANES");
    assert!(matches!(user_file::variant(&MATMUL, "fixed.wgsl", fixed), Err(Error::Asserted { .. })));
}

#[test]
fn the_list_shows_what_is_offered() {
    let rows = on_device(&["lab", "--json"]).end().with(0).json();
    let tiled = rows.iter().find(|row| row["op"] == "matmul" && row["variant"] == "tiled").expect("tiled");
    let depth = json!({"name": "DEPTH", "value": "8", "values": ["8", "16", "32"]});
    assert!(tiled["constants"].as_array().is_some_and(|constants| constants.contains(&depth)), "{tiled}");
    assert!(on_device(&["lab"]).end().with(0).stdout.contains("DEPTH=8|16|32"));
    assert!(wgrad(&["lab", "matmul", "--template"]).end().with(0).stdout.contains("// one of 2, 4, 8"));
}

#[test]
fn a_run_keeps_its_setting_and_resumes_with_it() {
    let folder = folder();
    let path = folder.path();
    let data = crate::command::small_data_argument();
    let train = |arguments: &[&str]| {
        let fixed = ["train", "--model", "linear", "--data", &data, "--batch", "32"];
        on_device(&[&fixed[..], arguments].concat()).inside(path).end()
    };
    let chosen = ["--variant", "matmul=my.wgsl:LANES=8:ROWS=4"];
    train(&[&["--epochs", "2", "--out", "whole"][..], &chosen].concat()).with(0);
    let ended = train(&[&["--epochs", "1", "--out", "parts"][..], &chosen].concat()).with(0);
    assert!(ended.stderr.contains("proving my.wgsl:ROWS=4:LANES=8"), "{ended:#?}");
    let run = wgrad_run::Run::open(&path.join("parts")).expect("a run");
    assert!(
        run.config.kernels.contains(&"matmul/my.wgsl:ROWS=4:LANES=8".to_string()),
        "{:?}",
        run.config.kernels
    );
    assert_eq!(fs::read_to_string(path.join("parts/matmul.wgsl")).expect("a copy"), ROWS);
    fs::remove_file(path.join("my.wgsl")).expect("removes");
    on_device(&["train", "--resume", "parts", "--epochs", "2"]).inside(path).end().with(0);
    let last = |run: &str| fs::read(path.join(run).join("last.safetensors")).expect("a state");
    assert!(last("whole") == last("parts"), "the resumed run is not the same");

    fs::write(path.join("my.wgsl"), ROWS).expect("writes");
    let wrong = ["--epochs", "1", "--out", "wrong", "--variant", "matmul=my.wgsl:LANES=8:ROWS=2"];
    train(&wrong).refuses(&["my.wgsl:ROWS=2:LANES=8", "is wrong at"]);
    let refused = ["--epochs", "1", "--out", "wrong", "--variant", "matmul=my.wgsl:ROWS=4"];
    train(&refused).refuses(&["cannot run anywhere", "const_assert ROWS * LANES <= 128u"]);
}
