//! `wgrad train --live` over plain HTTP: which clients are admitted, the contents and the order of the events, that
//! steering is recorded and looking changes nothing. Leaves out the browser: `crates/cli/tests/browser.rs`.

use crate::web::{Served, send, serve};
use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};
use wgrad_run::Run;

fn data() -> String {
    wgrad_testing::fixture("parity").to_str().expect("readable").to_string()
}

/// A training with a page on a free port.
fn live(folder: &Path, epochs: &str, more: &[&str]) -> Served {
    let data = data();
    let batch: &[&str] = if more.contains(&"--batch") { &[] } else { &["--batch", "32"] };
    let training = ["train", "--data", &data, "--epochs", epochs, "--out", "run", "--live", "0"];
    serve(folder, &[&training, batch, more].concat())
}

/// The same without a page, to its end.
fn plain(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.current_dir(folder).args(arguments).env("WGRAD_TUNED", folder.join("tuned"));
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default();
    if !adapter.is_empty() {
        command.args(["--adapter", &adapter]);
    }
    let output = command.output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn last(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("last.safetensors")).expect("a checkpoint")
}

/// A PNG file that looks like nothing.
fn png() -> Vec<u8> {
    let image = image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * y) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn looking_and_asking_change_no_bit() {
    let tmp = folder();
    let page = live(tmp.path(), "8", &["--model", "cnn", "--ema", "0.9"]);
    let done = AtomicBool::new(false);
    let asked = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !done.load(Ordering::SeqCst) {
                        // At the end nobody answers any more.
                        asked += usize::from(page.post("/predict", &png()).status == 200);
                    }
                    asked
                })
            })
            .collect();
        let mut events = page.events();
        events.until("step", |step| step["epoch"] == 8);
        done.store(true, Ordering::SeqCst);
        crowd.into_iter().map(|one| one.join().expect("no panic")).sum::<usize>()
    });
    assert!(asked > 3, "{asked} questions answered");
    let (code, said) = page.ends();
    assert_eq!(code, Some(0), "{said}");
    let data = data();
    let same = ["--model", "cnn", "--ema", "0.9", "--batch", "32", "--epochs", "8", "--out", "alone"];
    plain(tmp.path(), &[&["train", "--data", &data], &same[..]].concat());
    assert!(last(&tmp.path().join("run")) == last(&tmp.path().join("alone")), "after {asked} questions");
}

#[test]
fn events_tell_the_whole_training_in_order() {
    let tmp = folder();
    let page = live(tmp.path(), "150", &["--validation", "0.25", "--schedule", "cosine"]);
    let mut events = page.events();
    let (name, hello) = events.next().expect("an event");
    assert_eq!(name, "hello");
    let about = &hello["about"];
    assert_eq!((about["run"].as_str(), about["model"].as_str()), (Some("run"), Some("mlp")));
    assert_eq!((about["epochs"].as_u64(), about["classes"].as_array().map(Vec::len)), (Some(150), Some(10)));
    let per_epoch = about["steps"].as_u64().expect("a number");
    let (mut number, mut epochs, mut rate, mut seen) = (0, Vec::new(), f64::INFINITY, Vec::new());
    for (name, value) in events {
        match name.as_str() {
            "step" => {
                let next = value["number"].as_u64().expect("a number");
                assert!(next > number && next <= 150 * per_epoch, "{next} after {number}");
                let now = value["rate"].as_f64().expect("a rate");
                assert!(now <= rate, "a cosine falls: {now} after {rate}");
                (number, rate) = (next, now);
            }
            "epoch" => epochs.push(value),
            // A page that missed events gets the whole state again.
            "hello" => {
                epochs = value["epochs"].as_array().expect("a list").clone();
                number = value["now"]["number"].as_u64().unwrap_or(number);
            }
            _ => {}
        }
        seen.push(name);
    }
    assert_eq!(seen.last().map(String::as_str), Some("phase"), "how it ended is the last event");
    assert_eq!(number, 150 * per_epoch);
    for name in ["mistakes", "filters", "step", "epoch", "phase"] {
        assert!(seen.iter().any(|each| each == name), "no {name}");
    }
    let (code, said) = page.ends();
    assert_eq!(code, Some(0), "{said}");
    let lines = Run::open(&tmp.path().join("run")).expect("a run").metrics().expect("metrics");
    let reported: Vec<_> = epochs.iter().map(|e| e["test_loss"].as_f64().expect("a loss")).collect();
    assert_eq!(reported, lines.iter().map(|line| line.test_loss).collect::<Vec<_>>());
    assert!(epochs.iter().all(|e| e["validation_loss"].is_number()));
}

#[test]
fn steering_is_recorded_and_the_stopped_run_goes_on_to_the_same_bits() {
    let tmp = folder();
    let page = live(tmp.path(), "100000", &["--optimizer", "adam", "--batch", "2"]);
    let mut events = page.events();
    events.until("step", |step| step["epoch"].as_u64() > Some(1));
    page.control(r#"{"do": "rate", "rate": 0.0005}"#);
    events.until("rate", |rate| rate["base_rate"] == 0.0005);
    events.until("step", |step| step["rate"] == 0.0005);
    page.control(r#"{"do": "pause"}"#);
    events.until("phase", |phase| phase["phase"] == "paused");
    let answer = page.post("/predict", &png()).with(200);
    let again = page.post("/predict", &png()).with(200);
    assert_eq!(answer["number"], again["number"], "it takes steps though it is paused");
    assert_eq!(answer["top"], again["top"]);
    let paused = Run::open(&tmp.path().join("run")).expect("a run").last().expect("saved").position;
    let at = answer["number"].as_u64().expect("a number");
    assert_eq!(paused.epoch * 256 + paused.step, at, "a pause saves");
    page.control(r#"{"do": "resume"}"#);
    events.until("step", |step| step["number"].as_u64() > Some(at));
    page.control(r#"{"do": "stop"}"#);
    events.until("phase", |phase| phase["phase"] == "stopped");
    let (code, said) = page.ends();
    assert_eq!(code, Some(0), "{said}");
    for words in ["set from the page", "paused", "resumed", "continue with: ", " train --resume run"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }

    let run = Run::open(&tmp.path().join("run")).expect("a run");
    let rates = &run.config.options.rates;
    assert_eq!((rates.len(), rates[0].learning_rate), (1, 0.0005));
    assert_eq!((run.config.pauses.len(), run.config.pauses[0].step), (1, at));
    let epochs = (run.last().expect("loads").position.epoch + 1).to_string();
    plain(tmp.path(), &["train", "--resume", "run", "--epochs", &epochs]);
    // Another training with the change from its beginning.
    let data = data();
    let whole = ["--batch", "2", "--optimizer", "adam", "--epochs", "0", "--out", "whole"];
    plain(tmp.path(), &[&["train", "--data", &data], &whole[..]].concat());
    let mut knowing = Run::open(&tmp.path().join("whole")).expect("a run");
    knowing.config.options.rates.clone_from(rates);
    knowing.save_config().expect("writes");
    plain(tmp.path(), &["train", "--resume", "whole", "--epochs", &epochs]);
    assert!(last(&tmp.path().join("run")) == last(&tmp.path().join("whole")), "the change at {rates:?}");
}

#[test]
fn only_its_own_page_and_who_has_the_token_are_let_in() {
    let tmp = folder();
    let page = live(tmp.path(), "100000", &[]);
    let (host, token) = (page.host.clone(), format!("Bearer {}", page.token));
    assert_eq!(page.token.len(), 32);
    let good = ("Authorization", token.as_str());
    let pause = br#"{"do": "pause"}"#;

    let as_host = |name: &str| {
        send(&host, format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n").as_bytes())
    };
    as_host("evil.example").refuses(403, &["evil.example", "--host-name"]);
    as_host(&format!("evil.example:{}", host.split(':').nth(1).expect("a port")))
        .refuses(403, &["evil.example"]);
    send(&host, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").refuses(400, &["Host"]);
    assert_eq!(as_host("localhost:1").status, 200, "through a tunnel");

    for path in ["/", "/events", "/page.css"] {
        let other = page.request("GET", path, &[("Origin", "http://evil.example")], b"");
        other.refuses(403, &["evil.example", &format!("http://{host}")]);
    }
    let evil = ("Origin", "http://evil.example");
    page.request("POST", "/control", &[good, evil], pause).refuses(403, &["evil.example"]);
    page.request("POST", "/control", &[good, ("Sec-Fetch-Site", "cross-site")], pause)
        .refuses(403, &["another site"]);
    for path in ["/control", "/predict", "/look"] {
        page.request("POST", path, &[], pause).refuses(401, &["no token", "Bearer"]);
        let wrong = format!("Bearer {}", "0".repeat(32));
        page.request("POST", path, &[("Authorization", &wrong)], pause).refuses(401, &["wrong one"]);
    }
    assert_eq!(page.get("/health").with(200)["phase"], "training", "none of these paused it");

    let answer = page.get("/");
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.clone()).expect("text");
    assert!(!text.contains(&page.token) && !text.contains("http://") && !text.contains("https://"));
    let head = answer.head.to_lowercase();
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(head.contains(header), "no {header} in {head}");
    }
    assert!(!head.contains("access-control"), "{head}");
    let own = format!("http://{host}");
    assert_eq!(page.request("POST", "/control", &[good, ("Origin", &own)], pause).with(200)["done"], true);
    page.control(r#"{"do": "stop"}"#);
    assert_eq!(page.ends().0, Some(0), "a pause does not keep it from stopping");
}

#[test]
fn what_is_too_large_broken_or_unknown_is_refused_in_words() {
    let tmp = folder();
    let page = live(tmp.path(), "100000", &[]);
    let head = |path: &str, length: usize, more: &str| {
        let (host, token) = (&page.host, &page.token);
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{more}\r\n"
        )
    };
    send(&page.host, head("/predict", 21 << 20, "").as_bytes()).refuses(413, &["22020096", "20971520"]);
    send(&page.host, head("/control", 4096, "").as_bytes()).refuses(413, &["4096", "1024"]);
    let long = format!("GET / HTTP/1.1\r\nHost: {}\r\nX: {}\r\n\r\n", page.host, "x".repeat(20 << 10));
    assert_eq!(send(&page.host, long.as_bytes()).status, 431);
    let many = "X: y\r\n".repeat(200);
    let many = format!("GET / HTTP/1.1\r\nHost: {}\r\n{many}\r\n", page.host);
    assert_eq!(send(&page.host, many.as_bytes()).status, 431);
    assert_eq!(send(&page.host, b"nonsense\r\n\r\n").status, 400);

    let picture = png();
    page.post("/predict", &picture[..100]).refuses(422, &["not a picture", "PNG, JPEG or WebP"]);
    page.post("/predict", b"GIF89a....").refuses(422, &["not a picture"]);
    page.post("/predict", b"").refuses(400, &["empty body"]);
    page.post("/look", &[0; 783]).refuses(400, &["783", "784"]);
    for (what, word) in [
        ("", "expected"),
        ("[1]", "expected"),
        (r#"{"do": "explode"}"#, "explode"),
        (r#"{"do": "rate", "rate": -1}"#, "a number from 0"),
        (r#"{"do": "rate", "rate": 1e300}"#, "a number from 0"),
        (r#"{"do": "rate", "rate": 1e-46}"#, "a number from 0"),
        (r#"{"do": "rate", "rate": "0.1"}"#, "a number from 0"),
    ] {
        page.post("/control", what.as_bytes()).refuses(400, &[word]);
    }
    page.get("/etc/passwd").refuses(404, &["/etc/passwd", "/events"]);
    page.request("PUT", "/control", &[], b"").refuses(405, &["PUT"]);
    assert_eq!(page.post("/look", &[0; 784]).with(200)["top"].as_array().map(Vec::len), Some(10));
    page.control(r#"{"do": "stop"}"#);
    assert_eq!(page.ends().0, Some(0));
    let run = Run::open(&tmp.path().join("run")).expect("a run");
    assert!(run.config.options.rates.is_empty(), "{:?}", run.config.options.rates);
}

#[test]
fn pages_that_do_not_read_or_are_too_many_harm_nobody() {
    let tmp = folder();
    let page = live(tmp.path(), "100000", &[]);
    // They are never read from here: the first event is.
    let silent: Vec<_> = (0..64).map(|_| page.events()).collect();
    page.get("/events").refuses(503, &["64 pages"]);
    let before = page.post("/look", &[7; 784]).with(200)["number"].as_u64();
    let after = page.post("/look", &[7; 784]).with(200)["number"].as_u64();
    assert!(after >= before && before.is_some());
    drop(silent);
    let mut events = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        (page.get("/health").with(200)["pages"].as_u64() < Some(64)).then(|| page.events())
    });
    let events = events.as_mut().expect("the pages that have gone make room");
    page.control(r#"{"do": "stop"}"#);
    events.until("phase", |phase| phase["phase"] == "stopped");
    assert_eq!(page.ends().0, Some(0));
}

#[test]
fn another_address_needs_to_be_exposed() {
    let tmp = folder();
    let refused = |arguments: &[&str], words: &[&str]| {
        let data = data();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        command.current_dir(tmp.path()).args(["train", "--data", &data, "--epochs", "0"]).args(arguments);
        let output = command.output().expect("starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        words.iter().for_each(|word| assert!(said.contains(word), "no {word:?} in {said}"));
    };
    refused(&["--live", "0.0.0.0:0"], &["0.0.0.0 can be reached from other machines", "--expose"]);
    refused(&["--live", "nonsense"], &["nonsense", "expected a port"]);
}
