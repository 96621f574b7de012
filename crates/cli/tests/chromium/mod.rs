//! A real browser for tests: Chromium without a window, spoken to over two pipes in its own DevTools protocol, so
//! that nothing but Chromium is needed. Leaves out all that the tests do not use.

use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A browser with one tab, which ends with the test.
pub struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Value,
    calls: u64,
    /// Errors in the page, in its own words.
    pub faults: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let (Ok(()) | Err(_)) = self.child.kill();
        let (Ok(_) | Err(_)) = self.child.wait();
    }
}

impl Browser {
    /// Starts it; `WGRAD_CHROMIUM` names another program than `chromium`.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = Command::new("mkfifo").current_dir(&folder).args(["in", "out"]).status();
        assert!(made.expect("mkfifo runs").success());
        let program = std::env::var("WGRAD_CHROMIUM").unwrap_or_else(|_| "chromium".into());
        // Descriptors 3 and 4 are where Chromium reads and writes.
        let script = "exec \"$0\" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir=profile \
                      --no-first-run --remote-debugging-pipe about:blank 3<in 4>out";
        let mut shell = Command::new("sh");
        shell.current_dir(&folder).args(["-c", script, &program]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = shell.spawn().expect("sh runs");
        let to = OpenOptions::new().write(true).open(folder.path().join("in")).expect("opens");
        let from = BufReader::new(File::open(folder.path().join("out")).expect("opens"));
        let (session, faults) = (Value::Null, Vec::new());
        let mut browser = Self { child, to, from, session, calls: 0, faults, _folder: folder };
        let tab = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let tab = json!({"targetId": tab["targetId"], "flatten": true});
        browser.session = browser.call("Target.attachToTarget", tab)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "DOM"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method of the protocol.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": params});
        if self.session.is_string() {
            message["sessionId"] = self.session.clone();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let mut bytes = Vec::new();
            assert!(self.from.read_until(0, &mut bytes).expect("reads") > 0, "the browser ended at {method}");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
            self.note(&answer);
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    fn note(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.faults.push(params["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.faults.push(params["entry"].to_string());
            }
            Some("Page.javascriptDialogOpening") => self.faults.push(params.to_string()),
            _ => {}
        }
    }

    /// Goes to an address.
    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url}));
    }

    /// The value of an expression of JavaScript.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let reported = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", reported);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The text of the element with this id.
    #[track_caller]
    pub fn text(&mut self, id: &str) -> String {
        let text = self.value(&format!("document.getElementById('{id}').textContent"));
        text.as_str().expect("a text").to_string()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.value(expression) != true {
            let late = begun.elapsed() > Duration::from_secs(60);
            let body = if late { self.value("document.body.innerText") } else { Value::Null };
            assert!(!late, "`{expression}` does not come true; faults: {:?}; the page: {body}", self.faults);
            sleep(Duration::from_millis(50));
        }
    }

    /// The middle of the element with this id, on the screen.
    fn middle(&mut self, id: &str) -> [f64; 2] {
        let place = self.value(&format!(
            "(() => {{ const e = document.getElementById('{id}'); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        [0, 1].map(|n| place[n].as_f64().expect("a number"))
    }

    /// Clicks with the mouse on the element with this id.
    pub fn click(&mut self, id: &str) {
        let [x, y] = self.middle(id);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses and releases a key.
    pub fn key(&mut self, key: &str, code: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
                "text": if kind == "keyDown" { text } else { "" }});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types text where the focus is.
    pub fn types(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Drags a file over the element with this id and drops it.
    pub fn drops(&mut self, id: &str, file: &Path) {
        let [x, y] = self.middle(id);
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({"items": [], "files": [file], "dragOperationsMask": 1});
            self.call("Input.dispatchDragEvent", json!({"type": kind, "x": x, "y": y, "data": data}));
        }
    }

    /// Chooses a file in the chooser with this id.
    pub fn chooses(&mut self, id: &str, file: &Path) {
        let found = json!({"expression": format!("document.getElementById('{id}')")});
        let object = self.call("Runtime.evaluate", found)["result"]["objectId"].clone();
        self.call("DOM.setFileInputFiles", json!({"files": [file], "objectId": object}));
    }

    /// Sets the width of the window, and light or dark colours.
    pub fn looks(&mut self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Saves a picture of the whole page in the folder that `WGRAD_SCREENSHOTS` names, if it is set.
    pub fn shoots(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("WGRAD_SCREENSHOTS") else { return };
        use base64::{Engine, engine::general_purpose::STANDARD};
        // Two frames, so that all is drawn.
        self.value("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))");
        let shot = json!({"captureBeyondViewport": true});
        let shot = self.call("Page.captureScreenshot", shot)["data"].as_str().expect("data").to_string();
        let bytes = STANDARD.decode(shot).expect("base64");
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).expect("writes");
    }
}
