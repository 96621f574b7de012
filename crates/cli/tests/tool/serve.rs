//! `wgrad serve` over plain HTTP: it predicts the same as `wgrad predict`, for one client and for many, within its
//! limits, and ends in order.

use crate::command::{on_device, small_data_argument};
use crate::web::{Served, send, serve};
use serde_json::Value;
use std::path::Path;

/// A trained run, and three pictures of different classes.
pub fn prepared() -> tempfile::TempDir {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let data = small_data_argument();
    let train = ["train", "--data", &data, "--model", "mlp", "--epochs", "3", "--out", "run"];
    on_device(&train).inside(tmp.path()).end().with(0);
    for n in 0..3u32 {
        let tall =
            |x: u32, y: u32| if (x / (3 + 2 * n)).is_multiple_of(2) { (40 * n + 5 * y) as u8 } else { 3 };
        let image = image::GrayImage::from_fn(28 + n, 28, |x, y| image::Luma([tall(x, y)]));
        image.save(tmp.path().join(format!("{n}.png"))).expect("writes");
    }
    tmp
}

pub fn bytes(tmp: &Path, n: usize) -> Vec<u8> {
    std::fs::read(tmp.join(format!("{n}.png"))).expect("reads")
}

/// Predictions of `wgrad predict` for the three pictures.
fn predicted(tmp: &Path) -> Vec<Value> {
    let arguments = ["predict", "run", "0.png", "1.png", "2.png", "--top", "10", "--json"];
    let reported = on_device(&arguments).inside(tmp).end().with(0).json();
    assert_eq!(reported.len(), 3);
    reported
}

/// Asserts the same classes in the same order, with the same probabilities except for rounding at another batch size.
#[track_caller]
fn same(got: &Value, expected: &Value) {
    let pairs = |value: &Value| -> Vec<(String, f64)> {
        let top = value["top"].as_array().expect("a list");
        let pair = |each: &Value| (each["class"].to_string(), each["probability"].as_f64().expect("a share"));
        let mut pairs: Vec<_> = top.iter().map(pair).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs
    };
    let (got_pairs, expected_pairs) = (pairs(got), pairs(expected));
    assert_eq!((got_pairs.len(), expected_pairs.len()), (10, 10));
    for (a, b) in got_pairs.iter().zip(&expected_pairs) {
        assert!(a.0 == b.0 && (a.1 - b.1).abs() <= 1e-6, "{a:?} and {b:?}");
    }
    assert_eq!(got["class"], expected["class"]);
    assert_eq!(got["notes"], expected["notes"]);
}

fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head =
            format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    [&body[..], b"--XX--\r\n"].concat()
}

const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=XX");

#[test]
fn a_network_of_coloured_pictures_is_asked_with_pictures_prepared_like_its_own() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    wgrad_testing::pictures::folder(&tmp.path().join("pictures"), 40, [20, 50]);
    let own = [
        "train",
        "--data",
        "pictures/",
        "--size",
        "8x12",
        "--fit",
        "pad",
        "--normalize",
        "--model",
        "linear",
    ];
    on_device(&[&own[..], &["--epochs", "3", "--out", "run"]].concat()).inside(tmp.path()).end().with(0);
    // Wider than high, so that another fit gives other pixels.
    wgrad_testing::pictures::draw(0, 7, [30, 50]).save(tmp.path().join("0.png")).expect("writes");
    let expected = on_device(&["predict", "run", "0.png", "--json"]).inside(tmp.path()).end().with(0).json();
    let page = serve(tmp.path(), &["serve", "run", "--addr", "0"]);
    let reported = &page.post("/predict", &bytes(tmp.path(), 0)).with(200)["predictions"][0];
    assert_eq!(reported["top"], expected[0]["top"]);
    assert!(expected[0]["notes"][0].as_str().is_some_and(|note| note.contains("8×12 (pad), 3 channels")));
    assert_eq!(reported["notes"], expected[0]["notes"]);
}

#[test]
fn it_says_what_predict_says_alone_in_a_form_and_in_a_crowd() {
    let tmp = prepared();
    let expected = predicted(tmp.path());
    assert!(expected[0]["top"] != expected[1]["top"] && expected[1]["top"] != expected[2]["top"]);
    let args = ["serve", "run", "--addr", "0", "--max-batch", "8", "--max-wait", "100", "--rate", "1000"];
    let page = serve(tmp.path(), &args);
    let files: Vec<Vec<u8>> = (0..3).map(|n| bytes(tmp.path(), n)).collect();
    for n in 0..3 {
        let reported = page.post("/predict", &files[n]).with(200);
        same(&reported["predictions"][0], &expected[n]);
    }
    let hostile = "<img src=x onerror=alert(1)>.png";
    let all = form(&[("0.png", &files[0]), (hostile, &files[1]), ("2.png", &files[2])]);
    let reported = page.request("POST", "/predict", &[FORM], &all).with(200);
    for n in 0..3 {
        same(&reported["predictions"][n], &expected[n]);
    }
    assert_eq!(reported["predictions"][1]["image"], hostile);
    let top = page.post("/predict?top=2", &files[0]).with(200);
    assert_eq!(top["predictions"][0]["top"].as_array().map(Vec::len), Some(2));

    let before = page.get("/health").with(200);
    let count = |value: &Value, name: &str| value[name].as_u64().expect("a number");
    const CROWD: usize = 40;
    std::thread::scope(|scope| {
        for one in 0..CROWD {
            let (page, files, expected) = (&page, &files, &expected);
            scope.spawn(move || {
                let reported = page.post("/predict", &files[one % 3]).with(200);
                same(&reported["predictions"][0], &expected[one % 3]);
            });
        }
    });
    let after = page.get("/health").with(200);
    assert_eq!(count(&after, "images") - count(&before, "images"), CROWD as u64);
    let batches = count(&after, "batches") - count(&before, "batches");
    assert!(batches < CROWD as u64 / 2, "{batches} batches for {CROWD} pictures: they go one by one");
    assert!((2..=8).contains(&count(&after, "largest_batch")), "{after}");
}

#[test]
fn model_page_and_limits() {
    let tmp = prepared();
    let page = serve(tmp.path(), &["serve", "run", "--addr", "0", "--max-body", "1"]);
    let model = page.get("/model").with(200);
    assert_eq!((model["name"].as_str(), model["parameters"].as_u64()), (Some("mlp"), Some(101_770)));
    assert_eq!(model["classes"].as_array().map(Vec::len), Some(10));
    assert_eq!(model["layers"].as_array().map(Vec::len), Some(3), "{model}");
    let html = page.get("/");
    assert!(
        html.status == 200 && html.head.contains("content-security-policy: default-src 'none'"),
        "{html:?}"
    );
    let file = bytes(tmp.path(), 0);

    page.request("POST", "/predict", &[("Origin", "http://evil.example")], &file)
        .refuses(403, &["evil.example"]);
    let rebound = b"GET /model HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    send(&page.host, rebound).refuses(403, &["evil.example"]);
    // The answer does not name the allowed methods either.
    let rebound = send(&page.host, &[b"PUT", &rebound[3..]].concat());
    assert!(rebound.status == 403 && !rebound.head.to_lowercase().contains("\r\nallow:"), "{}", rebound.head);
    page.post("/predict?top=0", &file).refuses(400, &["?top=0"]);
    page.get("/etc/passwd").refuses(404, &["/etc/passwd", "POST /predict"]);
    for (method, path, allowed) in [
        ("GET", "/predict", "POST"),
        ("HEAD", "/predict", "POST"),
        ("DELETE", "/predict", "POST"),
        ("POST", "/model", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD"),
        ("POST", "/serve.js", "GET, HEAD"),
        ("OPTIONS", "/page.css", "GET, HEAD"),
    ] {
        let reported = page.request(method, path, &[], b"");
        assert_eq!(reported.status, 405, "{method} {path}");
        let line = format!("\r\nallow: {allowed}\r\n");
        assert!(
            reported.head.to_lowercase().contains(&line.to_lowercase()),
            "{method} {path}: {}",
            reported.head
        );
    }
    for path in ["/", "/model", "/health", "/page.css"] {
        let [head, whole] = ["HEAD", "GET"].map(|method| page.request(method, path, &[], b""));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        // Equal except for the date.
        let lines =
            |head: &str| head.lines().filter(|line| !line.starts_with("date")).map(String::from).collect();
        let [head, whole]: [Vec<String>; 2] = [head, whole].map(|answer| lines(&answer.head));
        assert_eq!(head, whole, "{path}");
    }

    let too_large = format!(
        "POST /predict HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 1048577\r\n\r\n",
        page.host
    );
    send(&page.host, too_large.as_bytes()).refuses(413, &["1048577", "1048576"]);
    page.post("/predict", &file[..60]).refuses(422, &["not a picture"]);
    page.request("POST", "/predict", &[FORM], b"nothing").refuses(400, &["a form that cannot be read"]);
    page.request("POST", "/predict", &[FORM], &form(&[])).refuses(400, &["a form without a file"]);

    let limited = serve(tmp.path(), &["serve", "run", "--addr", "0", "--rate", "4"]);
    let many = form(&[("0.png", &file[..]); 64]);
    let reported = limited.request("POST", "/predict", &[FORM], &many).with(200);
    assert_eq!(reported["predictions"].as_array().map(Vec::len), Some(64));
    limited
        .request("POST", "/predict", &[FORM], &form(&[("0.png", &file[..]); 65]))
        .refuses(429, &["one address"]);
    let refused = limited.post("/predict", &file);
    let head = refused.head.to_lowercase();
    let seconds =
        head.split("retry-after: ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    // 64 pictures at 4 a second, of which 8 were in the bucket.
    assert!(seconds.is_some_and(|seconds: u64| (1..=15).contains(&seconds)), "{head}");
    refused.refuses(429, &["one address", &format!("try again in {} s", seconds.expect("seen"))]);
    assert_eq!(limited.get("/health").with(200)["status"], "ok", "looking is not limited");
    page.request("POST", "/predict", &[FORM], &form(&[("0.png", &file[..]); 65]))
        .refuses(400, &["more than 64"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_answers_what_is_under_way_and_ends() {
    let tmp = prepared();
    let page = serve(tmp.path(), &["serve", "run", "--addr", "0", "--max-wait", "1500", "--max-batch", "64"]);
    let file = bytes(tmp.path(), 0);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| page.post("/predict", &file));
        // Waits until it has been read and waits for others.
        std::thread::sleep(std::time::Duration::from_millis(500));
        page.interrupt();
        let reported = waiting.join().expect("no panic").with(200);
        assert_eq!(reported["predictions"][0]["top"].as_array().map(Vec::len), Some(10));
    });
    let host = page.host.clone();
    let (code, said) = page.ends();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("finishing the requests under way"), "{said}");
    assert!(std::net::TcpStream::connect(host).is_err(), "it still listens");
}

#[test]
fn what_cannot_be_served_is_refused_in_words() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let refused = |arguments: &[&str], words: &[&str]| {
        on_device(arguments).inside(tmp.path()).end().refuses(words);
    };
    refused(&["serve", "nowhere"], &["nowhere is not a run"]);
    let data = small_data_argument();
    on_device(&["train", "--data", &data, "--epochs", "0", "--out", "run"]).inside(tmp.path()).end().with(0);
    refused(&["serve", "run", "--addr", "0.0.0.0:0"], &["0.0.0.0 can be reached", "--expose"]);
    refused(&["serve", "run", "--memory", "650"], &["--memory 650", "--max-body 20", "--memory 681 or more"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = taken.local_addr().expect("bound").to_string();
    refused(&["serve", "run", "--addr", &place], &["cannot listen at", "another port"]);
}

/// Asserts that a page in the background is still there.
#[test]
fn two_can_be_served_at_once() {
    let tmp = prepared();
    let pages: [Served; 2] = [(); 2].map(|()| serve(tmp.path(), &["serve", "run"]));
    assert_ne!(pages[0].host, pages[1].host);
    for page in &pages {
        assert_eq!(page.get("/health").with(200)["status"], "ok");
    }
}
