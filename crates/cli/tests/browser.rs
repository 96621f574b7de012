//! The pages in a real browser, by clicking, typing and dropping: `scripts/test.sh --browser`. Needs Chromium, and is
//! left out of the other tests.
//!
//! `WGRAD_BROWSER_DATA` trains on another data set than the small one, `WGRAD_SCREENSHOTS` names a folder for pictures.
#![cfg(unix)]

mod chromium;
mod web;

use chromium::Browser;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};
use web::serve;

/// A name that tries to be markup.
const HOSTILE: &str = "<img src=x onerror=alert(1)>";
const ENTER: u32 = 13;

fn data() -> String {
    std::env::var("WGRAD_BROWSER_DATA")
        .unwrap_or_else(|_| wgrad_testing::fixture("parity").display().to_string())
}

fn picture(folder: &Path) -> PathBuf {
    let path = folder.join(format!("{HOSTILE}.png"));
    let image = image::GrayImage::from_fn(28, 28, |x, y| {
        image::Luma([if (6..22).contains(&x) && y > 3 { 200 } else { 0 }])
    });
    image.save(&path).expect("writes");
    path
}

/// Checks the page at all widths and colours: nothing is wider than the window.
#[track_caller]
fn all_shapes(browser: &mut Browser, name: &str) {
    for width in [400, 700, 1280] {
        for scheme in ["light", "dark"] {
            browser.looks(width, scheme);
            let wide = browser.value("document.documentElement.scrollWidth").as_u64();
            assert!(wide <= Some(u64::from(width)), "{name}: {wide:?} pixels in a window of {width}");
            browser.shoots(&format!("{name}-{width}-{scheme}"));
        }
    }
    let colors = |browser: &mut Browser, scheme: &str| {
        browser.looks(1280, scheme);
        browser.value("getComputedStyle(document.body).backgroundColor")
    };
    assert_ne!(colors(browser, "dark"), colors(browser, "light"), "light and dark are the same");
}

/// Checks that every control has a name and that the keyboard reaches it.
#[track_caller]
fn is_accessible(browser: &mut Browser) {
    let nameless = browser.value(
        "[...document.querySelectorAll('button, input, canvas, progress, [role=group]')].filter((e) => \
         !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.labels?.length) \
         && !e.closest('[hidden]')).map((e) => e.outerHTML)",
    );
    assert_eq!(nameless, Value::Array(Vec::new()), "without a name");
    assert!(browser.value("document.querySelectorAll('[aria-live=polite]').length").as_u64() > Some(0));
    assert_eq!(browser.value("document.documentElement.lang"), "en");
    assert_eq!(browser.value("document.querySelectorAll('h1').length"), 1);
    assert_eq!(browser.value("document.images.length"), 0, "a name became markup");
}

#[test]
#[ignore = "needs Chromium: scripts/test.sh --browser"]
fn the_live_page_follows_and_steers_a_training() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let data = data();
    let args =
        ["train", "--data", &data, "--epochs", "100000", "--batch", "64", "--out", HOSTILE, "--live", "0"];
    let page = serve(tmp.path(), &args);
    let mut browser = Browser::start();
    browser.looks(1280, "light");
    browser.open(&format!("http://{}/#{}", page.host, page.token));
    browser.until("document.getElementById('phase')?.textContent === 'training'");
    browser.until("document.querySelectorAll('#epochs tr').length > 2");
    browser.until("document.querySelectorAll('#mistakes li').length > 0");
    browser.until("!document.getElementById('filters-panel').hidden");
    assert!(browser.text("about").contains(HOSTILE));

    // From a metric to the screen: the frame after the one in which it was drawn.
    browser.value(
        "window.late = []; new MutationObserver(() => { const at = Number(document.getElementById('delay').dataset.at); \
         requestAnimationFrame(() => late.push(performance.timeOrigin + performance.now() - at)); }) \
         .observe(document.getElementById('delay'), { attributes: true, attributeFilter: ['data-at'] })",
    );
    sleep(Duration::from_secs(10));
    let mut late: Vec<f64> =
        browser.value("late").as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
    late.sort_by(f64::total_cmp);
    assert!(late.len() > 5, "{late:?}");
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize];
    println!(
        "from a metric to the screen: median {:.1} ms, p95 {:.1} ms, n = {}",
        at(0.5),
        at(0.95),
        late.len()
    );

    let file = picture(tmp.path());
    browser.drops("drop", &file);
    browser.until("document.querySelectorAll('#bars li').length === 10");
    assert!(browser.text("picture-words").contains(HOSTILE));
    // The prediction follows the weights.
    let shares = "[...document.querySelectorAll('#bars .share')].map((e) => e.textContent).join()";
    let first = browser.value(shares).to_string();
    browser.until(&format!("{shares} !== {first}"));
    all_shapes(&mut browser, "live");
    is_accessible(&mut browser);

    browser.click("pause");
    browser.until("document.getElementById('phase').textContent === 'paused'");
    assert_eq!(browser.text("pause"), "Resume");
    let number = browser.text("step");
    sleep(Duration::from_millis(500));
    assert_eq!(browser.text("step"), number, "it goes on though it is paused");
    browser.chooses("file", &file);
    browser.until("document.getElementById('picture-words').textContent.includes('after step')");
    // With the keyboard alone.
    browser.value("document.getElementById('pause').focus()");
    browser.key("Enter", ENTER);
    browser.until("document.getElementById('phase').textContent === 'training'");

    browser.value("document.getElementById('base').focus(); document.getElementById('base').select()");
    browser.types("nonsense");
    browser.key("Enter", ENTER);
    browser.until("document.getElementById('said').textContent.includes('expected a number')");
    browser.value("document.getElementById('base').select()");
    browser.types("0.025");
    browser.click("half");
    browser.click("set");
    browser.until("document.getElementById('rate').textContent === '0.0125'");

    assert_eq!(browser.faults, [""; 0]);
    browser.click("stop");
    browser.until("document.getElementById('phase').textContent === 'stopped and saved'");
    assert_eq!(browser.value("document.getElementById('steering').disabled"), true);
    // A question that is pending when the training ends is refused, in words; the console shows no other error.
    browser.faults.retain(|fault| !(fault.contains("/look") && fault.contains("503")));
    assert_eq!(browser.faults, [""; 0]);
    let (code, said) = page.ends();
    assert_eq!(code, Some(0), "{said}");
    let run = wgrad_run::Run::open(&tmp.path().join(HOSTILE)).expect("a run");
    assert_eq!(run.config.options.rates.last().map(|change| change.learning_rate), Some(0.0125));
    assert_eq!(run.config.pauses.len(), 1);
}

#[test]
#[ignore = "needs Chromium: scripts/test.sh --browser"]
fn without_the_token_one_watches_and_a_page_comes_back_to_a_training() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let data = data();
    let page =
        serve(tmp.path(), &["train", "--data", &data, "--epochs", "100000", "--out", "run", "--live", "0"]);
    let mut browser = Browser::start();
    browser.open(&format!("http://{}/", page.host));
    browser.until("document.getElementById('rate-note')?.textContent.startsWith('Watching only')");
    browser.until("document.querySelectorAll('#epochs tr').length > 0");
    assert_eq!(browser.value("document.getElementById('steering').disabled"), true);
    assert_eq!(browser.value("document.getElementById('file').disabled"), true);
    browser.open(&format!("http://{}/?again#{}", page.host, page.token));
    browser.until("document.getElementById('steering')?.disabled === false");
    assert!(
        browser.value("document.querySelectorAll('#epochs tr').length").as_u64() > Some(0),
        "all of it again"
    );
    assert_eq!(browser.faults, [""; 0]);
    drop(page);
    browser.until("document.getElementById('words').textContent.includes('cannot be reached')");
}

#[test]
#[ignore = "needs Chromium: scripts/test.sh --browser"]
fn the_page_of_a_finished_network_takes_pictures() {
    let tmp = tempfile::tempdir().expect("a temporary folder");
    let data = data();
    let training =
        serve(tmp.path(), &["train", "--data", &data, "--epochs", "3", "--out", HOSTILE, "--live", "0"]);
    assert_eq!(training.ends().0, Some(0));
    let page = serve(tmp.path(), &["serve", HOSTILE, "--addr", "0"]);
    let mut browser = Browser::start();
    browser.looks(1280, "light");
    browser.open(&format!("http://{}/", page.host));
    browser.until("document.querySelectorAll('#layers tr').length > 1");
    assert!(browser.text("about").contains(HOSTILE));
    let file = picture(tmp.path());
    browser.drops("drop", &file);
    browser.until("document.querySelectorAll('#recent li').length === 1");
    browser.chooses("file", &file);
    browser.until("document.querySelectorAll('#recent li').length === 2");
    assert_eq!(browser.value("document.querySelectorAll('#bars li').length"), 10);
    assert!(browser.text("words").contains(HOSTILE));
    let broken = tmp.path().join("broken.png");
    std::fs::write(&broken, b"no picture").expect("writes");
    all_shapes(&mut browser, "serve");
    is_accessible(&mut browser);
    assert_eq!(browser.faults, [""; 0]);
    browser.drops("drop", &broken);
    browser.until("document.getElementById('words').textContent.includes('not a picture')");
}
