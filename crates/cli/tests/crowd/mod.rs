//! Many clients that ask at once, or at the wrong moment: shared limits, order of turns, and that all are answered. The
//! second client of this machine is 127.0.0.2, an address that only Linux has without configuration.

use crate::{
    serve::{bytes, prepared},
    web::{send, send_from, serve},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

#[test]
fn all_requests_share_memory_and_one_address_leaves_some_to_others() {
    let tmp = prepared();
    // 10 MiB besides what reading a picture takes, of which one address may hold a form of 4 MiB: 8.2 MiB.
    let limits = ["--max-body", "4", "--memory", "650"];
    let page = serve(tmp.path(), &[&["serve", "run", "--addr", "0"], &limits[..]].concat());
    let file = bytes(tmp.path(), 0);
    let head = |more: &str| {
        let host = &page.host;
        format!("POST /predict HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n").into_bytes()
    };
    let hold = || {
        let mut stream = TcpStream::connect(&page.host).expect("connects");
        stream.write_all(&head("Content-Length: 4194304\r\nExpect: 100-continue\r\n")).expect("sends");
        // There is room for it.
        let mut reported = [0; 12];
        stream.read_exact(&mut reported).expect("reads");
        assert_eq!(&reported, b"HTTP/1.1 100");
        stream
    };
    let held = [hold(), hold()];
    std::thread::scope(|scope| {
        let whole = scope.spawn(|| page.post("/predict", &[0; 4 << 20]));
        let pieces = scope.spawn(|| {
            let pieces = b"10\r\n0123456789abcdef\r\n0\r\n\r\n";
            send(&page.host, &[&head("Transfer-Encoding: chunked\r\n"), &pieces[..]].concat())
        });
        let other = send_from(2, &page.host, &page.written("POST", "/predict", &[], &file)).with(200);
        assert_eq!(other["predictions"].as_array().map(Vec::len), Some(1));
        for refused in [whole, pieces].map(|one| one.join().expect("no panic")) {
            assert!(refused.head.to_lowercase().contains("\r\nretry-after: 5\r\n"), "{}", refused.head);
            refused.refuses(503, &["no room for", "try again in 5 s"]);
        }
    });
    drop(held);
    assert_eq!(page.post("/predict", &file).status, 200, "who has gone holds nothing");
    page.post("/predict", &[0; 4 << 20]).refuses(422, &["not a picture"]);
}

#[test]
fn dear_pictures_of_one_address_do_not_hold_those_of_others() {
    let tmp = prepared();
    let page = serve(tmp.path(), &["serve", "run", "--addr", "0"]);
    let mut dear = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(3000, 3000).write_to(&mut dear, image::ImageFormat::Png).expect("encodes");
    let (dear, done) = (dear.into_inner(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                page.post("/predict", &dear).with(200);
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        // Waits until all of them are queued but the one that is read.
        std::thread::sleep(Duration::from_millis(200));
        let before = done.load(Ordering::SeqCst);
        send_from(2, &page.host, &page.written("POST", "/predict", &[], &bytes(tmp.path(), 0))).with(200);
        let meanwhile = done.load(Ordering::SeqCst) - before;
        assert!(meanwhile <= 3, "it waited for {meanwhile} pictures of the other address");
    });
}

#[test]
fn who_comes_as_it_ends_gets_an_answer_or_no_connection() {
    let tmp = prepared();
    let page = serve(tmp.path(), &["serve", "run", "--addr", "0"]);
    let ask = page.written("GET", "/health", &[], b"");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    while let Ok(mut stream) = TcpStream::connect(&page.host) {
                        assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
                        let mut reported = String::new();
                        let asked =
                            stream.write_all(&ask).and_then(|()| stream.read_to_string(&mut reported));
                        // A connection that the system took and the server never will: it is reset, as where nobody
                        // listens.
                        let reset = |e: &std::io::Error| e.kind() == std::io::ErrorKind::ConnectionReset;
                        let nobody = reported.is_empty() && asked.as_ref().is_err_and(reset);
                        assert!(reported.starts_with("HTTP/1.1 200") || nobody, "{asked:?} {reported}");
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        page.interrupt();
        crowd.into_iter().for_each(|one| one.join().expect("answered"));
    });
    assert_eq!(page.ends().0, Some(130));
}
