//! The downloader against a real HTTP server on the loopback interface that cuts, stalls, corrupts, refuses and
//! redirects. TLS and the real mirrors are not tested.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wgrad_data::Error;
use wgrad_data::{
    Places,
    download::{self, Event, Options, ProxySetting, RemoteFile},
    fashion_mnist::FILES,
    idx, places,
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wgrad_testing::http::{Request, Server, Step, from_byte, ok, page, partial_content, reply, status};

const NAME: &str = "images.gz";

/// The file on the mirrors: 20,000 bytes of noise in gzip, which no compression makes much shorter.
struct Sample {
    packed: Vec<u8>,
    sha256: String,
    bytes: u64,
    folder: TempDir,
}

impl Sample {
    fn new() -> Self {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(20_000)
        .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole");
        idx::write(&path, &[20_000], &noise, idx::Packing::Gzip).unwrap();
        let packed = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let content = [[0, 0, 8, 1, 0, 0, 0x4e, 0x20].as_slice(), &noise].concat();
        let sha256 = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { packed, sha256, bytes: content.len() as u64, folder }
    }

    fn file(&self) -> RemoteFile<'_> {
        RemoteFile { name: NAME, sha256: &self.sha256, bytes: self.bytes, as_sent: false }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn partial(&self) -> PathBuf {
        self.folder.path().join(format!("{NAME}.partial"))
    }

    /// Fetches from `servers`, in this order; returns the reported failures.
    fn fetch(&self, servers: &[&Server]) -> Result<Vec<String>, Error> {
        self.fetch_with(&options(servers))
    }

    fn fetch_with(&self, options: &Options) -> Result<Vec<String>, Error> {
        let mut failures = Vec::new();
        download::fetch(&[self.file()], self.folder.path(), options, &mut |event| {
            if let Event::Failed { reason, .. } = event {
                failures.push(reason.to_owned());
            }
        })?;
        assert_eq!(std::fs::read(self.target()).unwrap(), self.packed);
        assert!(!self.partial().exists(), "the partial file is left");
        Ok(failures)
    }

    /// A server that sends the whole file, or the part from a byte on if the request asks for it.
    fn good_server(&self) -> Server {
        let packed = self.packed.clone();
        Server::start(move |request, _| from_byte(&packed, request))
    }
}

/// Long time-outs, so that a busy machine does not look like a stall.
fn options(servers: &[&Server]) -> Options {
    Options {
        mirrors: servers.iter().map(|server| server.url()).collect(),
        rounds: 1,
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(10),
        proxy: ProxySetting::Direct,
    }
}

#[test]
fn of_several_at_once_one_fetches_and_all_have_it() {
    let sample = Sample::new();
    let server = sample.good_server();
    let fetch = || {
        let mut reported = Vec::new();
        let fetched =
            download::fetch(&[sample.file()], sample.folder.path(), &options(&[&server]), &mut |event| {
                match event {
                    Event::Present { .. } => reported.push("present"),
                    Event::Started { .. } => reported.push("started"),
                    Event::Failed { .. } => reported.push("failed"),
                    _ => {}
                }
            });
        fetched.map(|()| reported)
    };
    let mut reported = std::thread::scope(|scope| {
        let all = [(); 6].map(|()| scope.spawn(fetch));
        all.map(|one| one.join().expect("ends").expect("has it"))
    });
    reported.sort();
    let mut expected = vec![vec!["present"]; 5];
    expected.push(vec!["started"]);
    assert_eq!(reported.to_vec(), expected);
    assert_eq!(std::fs::read(sample.target()).unwrap(), sample.packed);
}

#[test]
fn a_file_is_fetched_verified_and_reported_of() {
    let sample = Sample::new();
    let server = sample.good_server();
    let mut events = Vec::new();
    let length = sample.packed.len() as u64;
    download::fetch(&[sample.file()], sample.folder.path(), &options(&[&server]), &mut |event| {
        if let Event::Received { bytes, total } = event {
            assert!(bytes <= length && total == Some(length));
        }
        events.push(format!("{event:?}"));
    })
    .unwrap();
    let url = format!("{}{NAME}", server.url());
    let started = Event::Started { name: NAME, url: &url, resumed_at: 0, total: Some(length) };
    let received = Event::Received { bytes: length, total: Some(length) };
    assert_eq!(events[0], format!("{started:?}"));
    assert_eq!(events[events.len() - 2], format!("{received:?}"));
    assert_eq!(events[events.len() - 1], format!("{:?}", Event::Finished { name: NAME }));
    assert_eq!(std::fs::read(sample.target()).unwrap(), sample.packed);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].target.as_str(), requests[0].from), ("/images.gz", None));
    assert!(requests[0].head.to_lowercase().contains("accept-encoding: identity"));
}

#[test]
fn a_file_that_is_there_is_not_fetched_and_a_damaged_one_is_replaced() {
    let sample = Sample::new();
    let server = sample.good_server();
    sample.fetch(&[&server]).unwrap();
    sample.fetch(&[&server]).unwrap();
    assert_eq!(server.requests().len(), 1);
    let mut damaged = sample.packed.clone();
    damaged[9000] ^= 4;
    std::fs::write(sample.target(), damaged).unwrap();
    sample.fetch(&[&server]).unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn the_next_mirror_is_asked_after_404_503_and_a_web_page() {
    let sample = Sample::new();
    let missing = Server::start(|_, _| status("404 Not Found"));
    let busy = Server::start(|_, _| status("503 Service Unavailable"));
    let portal = Server::start(|_, _| ok(b"<html>please sign in</html>"));
    let failures = sample.fetch(&[&missing, &busy, &portal, &sample.good_server()]).unwrap();
    assert_eq!(failures.len(), 3);
    assert_eq!(failures[0], "HTTP status 404 Not Found");
    assert_eq!(failures[1], "HTTP status 503 Service Unavailable");
    assert!(failures[2].starts_with("wrong content: got 27 bytes with SHA-256 "), "{failures:?}");
}

#[test]
fn a_cut_transfer_is_resumed_at_its_byte_by_the_next_mirror() {
    let sample = Sample::new();
    let packed = sample.packed.clone();
    let cuts = Server::start(move |_, _| {
        let whole = ok(&packed);
        let Some(Step::Send(bytes)) = whole.into_iter().next() else { unreachable!() };
        vec![Step::Send(bytes[..bytes.len() - 5000].to_vec())]
    });
    let good = sample.good_server();
    let failures = sample.fetch(&[&cuts, &good]).unwrap();
    let had = sample.packed.len() - 5000;
    assert_eq!(failures.len(), 1);
    assert!(failures[0].contains(&format!("after {had} of {} bytes", sample.packed.len())), "{failures:?}");
    assert_eq!(good.requests()[0].from, Some(had as u64));
    assert_eq!(good.body_bytes(), 5000, "more was sent than was missing");
}

#[test]
fn a_cut_transfer_of_unknown_length_is_resumed_too() {
    let sample = Sample::new();
    let packed = sample.packed.clone();
    let cuts = Server::start(move |_, _| reply("200 OK", &[], &packed[..7000]));
    let good = sample.good_server();
    let failures = sample.fetch(&[&cuts, &good]).unwrap();
    assert!(failures[0].contains("the gzip data ends early"), "{failures:?}");
    assert_eq!(good.requests()[0].from, Some(7000));
}

#[test]
fn a_stalled_transfer_is_given_up_in_time_and_resumed() {
    let sample = Sample::new();
    let packed = sample.packed.clone();
    let stalls = Server::start(move |_, _| {
        let Some(Step::Send(bytes)) = ok(&packed).into_iter().next() else { unreachable!() };
        let (first, rest) = bytes.split_at(bytes.len() - 4000);
        vec![Step::Send(first.to_vec()), Step::Pause(Duration::from_secs(60)), Step::Send(rest.to_vec())]
    });
    let silent = Server::start(|_, _| vec![Step::Pause(Duration::from_secs(60))]);
    let good = sample.good_server();
    let start = Instant::now();
    let options =
        Options { stall_timeout: Duration::from_millis(700), ..options(&[&stalls, &silent, &good]) };
    let failures = sample.fetch_with(&options).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    assert!(start.elapsed() > Duration::from_millis(1400), "took {:?}", start.elapsed());
    assert!(failures[0].starts_with("stalled: no byte within the time-out after "), "{failures:?}");
    assert!(failures[1].starts_with("stalled: no byte within the time-out"), "{failures:?}");
    assert_eq!(good.body_bytes(), 4000);
}

#[test]
fn slow_but_steady_is_not_stalled() {
    let sample = Sample::new();
    let packed = sample.packed.clone();
    let slow = Server::start(move |_, _| {
        let Some(Step::Send(bytes)) = ok(&packed).into_iter().next() else { unreachable!() };
        let parts = bytes.chunks(bytes.len().div_ceil(24));
        parts.flat_map(|part| [Step::Send(part.to_vec()), Step::Pause(Duration::from_millis(50))]).collect()
    });
    let start = Instant::now();
    let options = Options { stall_timeout: Duration::from_millis(700), ..options(&[&slow]) };
    assert!(sample.fetch_with(&options).unwrap().is_empty());
    assert!(start.elapsed() > Duration::from_millis(1000), "longer than the stall time-out in all");
}

#[test]
fn corrupt_content_is_thrown_away_and_fetched_whole_elsewhere() {
    let sample = Sample::new();
    for flipped in [30, sample.packed.len() / 2, sample.packed.len() - 6] {
        let _ = std::fs::remove_file(sample.target());
        let mut packed = sample.packed.clone();
        packed[flipped] ^= 1;
        let corrupts = Server::start(move |request, _| from_byte(&packed, request));
        let good = sample.good_server();
        let failures = sample.fetch(&[&corrupts, &good]).unwrap();
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].starts_with("damaged content: "), "{failures:?}");
        assert_eq!(good.requests()[0].from, None);
    }
}

#[test]
fn another_file_in_sound_gzip_is_not_accepted() {
    let sample = Sample::new();
    let path = sample.folder.path().join("other");
    idx::write(&path, &[20_000], &[7; 20_000], idx::Packing::Gzip).unwrap();
    let other = std::fs::read(&path).unwrap();
    let wrong = Server::start(move |_, _| ok(&other));
    let failures = sample.fetch(&[&wrong, &sample.good_server()]).unwrap();
    let expected = format!("expected 20008 with {}", sample.sha256);
    assert!(
        failures[0].starts_with("wrong content: got 20008 bytes") && failures[0].ends_with(&expected),
        "{failures:?}"
    );
}

#[test]
fn a_partial_file_of_an_earlier_run_is_resumed() {
    let sample = Sample::new();
    std::fs::write(sample.partial(), &sample.packed[..15_000]).unwrap();
    let good = sample.good_server();
    assert!(sample.fetch(&[&good]).unwrap().is_empty());
    assert_eq!(good.requests()[0].from, Some(15_000));
    assert_eq!(good.body_bytes(), sample.packed.len() - 15_000);
}

#[test]
fn a_mirror_without_ranges_sends_it_anew() {
    let sample = Sample::new();
    std::fs::write(sample.partial(), &sample.packed[..15_000]).unwrap();
    let packed = sample.packed.clone();
    let whole = Server::start(move |_, _| ok(&packed));
    assert!(sample.fetch(&[&whole]).unwrap().is_empty());
    assert_eq!(whole.requests()[0].from, Some(15_000));
    assert_eq!(whole.body_bytes(), sample.packed.len());
}

#[test]
fn a_partial_file_that_is_whole_needs_no_byte() {
    let sample = Sample::new();
    std::fs::write(sample.partial(), &sample.packed).unwrap();
    let good = sample.good_server();
    assert!(sample.fetch(&[&good]).unwrap().is_empty());
    assert_eq!((good.requests().len(), good.body_bytes()), (1, 0));
}

#[test]
fn a_wrong_partial_file_costs_one_more_request_to_the_same_mirror() {
    let sample = Sample::new();
    let mut too_long = sample.packed.clone();
    too_long.push(1);
    for wrong in [vec![0xee; 500], too_long, vec![0xee; 50_000]] {
        let _ = std::fs::remove_file(sample.target());
        std::fs::write(sample.partial(), &wrong).unwrap();
        let good = sample.good_server();
        let failures = sample.fetch(&[&good]).unwrap();
        assert_eq!(failures.len(), 1, "{failures:?}");
        let from: Vec<Option<u64>> = good.requests().iter().map(|request| request.from).collect();
        assert_eq!(from, [Some(wrong.len() as u64), None]);
    }
}

#[test]
fn another_part_than_the_one_asked_for_is_not_appended() {
    let sample = Sample::new();
    std::fs::write(sample.partial(), &sample.packed[..15_000]).unwrap();
    let packed = sample.packed.clone();
    let confused = Server::start(move |request, _| match request.from {
        Some(_) => partial_content(&packed, 14_000),
        None => ok(&packed),
    });
    let failures = sample.fetch(&[&confused]).unwrap();
    assert_eq!(failures, ["sent another part of the file than the one from byte 15000 on"]);
}

#[test]
fn a_gz_file_declared_as_an_encoding_arrives_packed_and_resumes() {
    let sample = Sample::new();
    std::fs::write(sample.partial(), &sample.packed[..9000]).unwrap();
    let packed = sample.packed.clone();
    let server = Server::start(move |request, _| {
        let from = request.from.unwrap_or(0) as usize;
        let range = format!("Content-Range: bytes {from}-{}/{}", packed.len() - 1, packed.len());
        reply("206 Partial Content", &["Content-Encoding: gzip", &range], &packed[from..])
    });
    assert!(sample.fetch(&[&server]).unwrap().is_empty());
}

#[test]
fn a_redirect_is_followed() {
    let sample = Sample::new();
    let good = sample.good_server();
    let to = format!("Location: {}images.gz", good.url());
    let redirects = Server::start(move |_, _| reply("302 Found", &[&to, "Content-Length: 0"], b""));
    assert!(sample.fetch(&[&redirects]).unwrap().is_empty());
}

#[test]
fn an_endless_body_is_cut_off() {
    let sample = Sample::new();
    let endless = Server::start(|_, _| {
        let mut steps = reply("200 OK", &[], b"");
        steps.extend((0..200).map(|_| Step::Send(vec![0; 1 << 16])));
        steps
    });
    let failures = sample.fetch(&[&endless, &sample.good_server()]).unwrap();
    assert!(failures[0].contains("far more than the file has"), "{failures:?}");
}

#[test]
fn when_all_mirrors_fail_each_is_listed_with_its_reason() {
    let sample = Sample::new();
    let missing = Server::start(|_, _| status("404 Not Found"));
    let busy = Server::start(|_, _| status("503 Service Unavailable"));
    let mut options = options(&[&missing, &busy]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    options.mirrors.push(format!("http://{nobody}/"));
    options.rounds = 2;
    let message = sample.fetch_with(&options).unwrap_err().to_string();
    assert!(message.starts_with("cannot download images.gz; tried:\n"), "{message}");
    for reason in [
        format!("  - {}images.gz: HTTP status 404 Not Found", missing.url()),
        format!("  - {}images.gz: HTTP status 503 Service Unavailable", busy.url()),
        format!("  - http://{nobody}/images.gz: "),
    ] {
        assert_eq!(message.matches(&reason).count(), 2, "{reason} in {message}");
    }
    assert!(message.contains("run `wgrad_data::places::fetch` again, which resumes"), "{message}");
    assert!(!sample.target().exists());
}

#[test]
fn a_second_round_finds_a_mirror_that_is_back() {
    let sample = Sample::new();
    let packed = sample.packed.clone();
    let flaky = Server::start(move |request, count| match count {
        0 => status("503 Service Unavailable"),
        _ => from_byte(&packed, request),
    });
    let mut options = options(&[&flaky]);
    options.rounds = 2;
    assert_eq!(sample.fetch_with(&options).unwrap().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_of_the_disk() {
    let sample = Sample::new();
    let file = sample.folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let folder = file.join("cache");
    let options = options(&[&sample.good_server()]);
    let error = download::fetch(&[sample.file()], &folder, &options, &mut |_| ()).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, Error::Engine(wgrad::Error::Io { .. })), "{message}");
    assert!(message.starts_with(&format!("cannot create {}: ", folder.display())), "{message}");
    assert!(message.ends_with("check that the folder can be written and the disk has space"), "{message}");
}

/// `/dev/full` fails every write as a full disk does.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said_at_once_and_no_other_mirror_is_asked() {
    let sample = Sample::new();
    std::os::unix::fs::symlink("/dev/full", sample.partial()).unwrap();
    let (first, second) = (sample.good_server(), sample.good_server());
    let message = sample.fetch(&[&first, &second]).unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot write {}: ", sample.partial().display())), "{message}");
    assert!(
        message.contains("No space left on device") && message.contains("the disk has space"),
        "{message}"
    );
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}

#[test]
fn a_proxy_given_by_address_is_used() {
    let sample = Sample::new();
    let packed = sample.packed.clone();
    let proxy = Server::start(move |request, _| from_byte(&packed, request));
    let options = Options {
        // Only the proxy could resolve this name: without the proxy, the download fails.
        mirrors: vec!["http://mirror.invalid/data/".to_owned()],
        proxy: ProxySetting::Address(proxy.url()),
        ..options(&[])
    };
    assert!(sample.fetch_with(&options).unwrap().is_empty());
    assert!(proxy.requests().iter().any(asks_for_the_mirror), "{:?}", proxy.requests());
    let direct = Options { proxy: ProxySetting::Direct, ..options };
    std::fs::remove_file(sample.target()).unwrap();
    assert!(sample.fetch_with(&direct).is_err());
}

fn asks_for_the_mirror(request: &Request) -> bool {
    request.head.contains("mirror.invalid")
}

#[test]
fn a_proxy_that_is_no_address_is_refused() {
    let sample = Sample::new();
    let options = Options { proxy: ProxySetting::Address("gopher://x y".to_owned()), ..options(&[]) };
    let message = sample.fetch_with(&options).unwrap_err().to_string();
    assert!(
        message.contains("got \"gopher://x y\" as the proxy, expected an address like http://host:3128"),
        "{message}"
    );
}

/// Runs this test program again with other environment variables, since all tests of a process share them.
fn child(mirror: &str, folder: &Path, variables: &[(&str, &str)]) -> bool {
    let program = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(program);
    child.args(["--exact", "download::fetches_as_the_environment_says", "--ignored"]);
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.env("WGRAD_TEST_MIRROR", mirror).env("WGRAD_TEST_FOLDER", folder);
    let output = child.envs(variables.iter().copied()).output().unwrap();
    output.status.success()
}

#[test]
#[ignore = "a part of proxy_variables_are_respected, which runs it in a process of its own"]
fn fetches_as_the_environment_says() {
    let sample = Sample::new();
    let folder = std::env::var("WGRAD_TEST_FOLDER").unwrap();
    let options = Options {
        mirrors: vec![std::env::var("WGRAD_TEST_MIRROR").unwrap()],
        proxy: ProxySetting::Environment,
        ..options(&[])
    };
    download::fetch(&[sample.file()], Path::new(&folder), &options, &mut |_| ()).unwrap();
}

#[test]
fn proxy_variables_are_respected() {
    let sample = Sample::new();
    let (proxy, mirror) = (sample.good_server(), sample.good_server());
    let address = proxy.url();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let folder = tempfile::tempdir().unwrap();
        let before = proxy.requests().len();
        assert!(child("http://mirror.invalid/", folder.path(), &[(name, &address)]), "{name}");
        assert!(proxy.requests().len() > before, "{name} was not used");
        assert!(folder.path().join(NAME).exists());
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(!child("http://mirror.invalid/", folder.path(), &[]), "without a proxy the name is unknown");
    let used = proxy.requests().len();
    let variables = [("HTTP_PROXY", address.as_str()), ("NO_PROXY", "127.0.0.1")];
    assert!(child(&mirror.url(), folder.path(), &variables));
    assert_eq!((proxy.requests().len(), mirror.requests().len()), (used, 1));
}

#[test]
fn fashion_mnist_is_fetched_into_the_cache_and_loaded() {
    let found = match places::load(&Places::from_env()) {
        Ok(data) => data,
        Err(error) => panic!("this test needs the real files: {error}"),
    };
    let published = PathBuf::from(&found.source);
    let server = Server::start(move |request, _| {
        let name = request.target.trim_start_matches("/fashion/");
        let plain = published.join(name.trim_end_matches(".gz"));
        match std::fs::read(published.join(name)).or_else(|_| std::fs::read(plain)) {
            Ok(bytes) => from_byte(&bytes, request),
            Err(_) => page("404 Not Found", "nothing here"),
        }
    });
    let home = tempfile::tempdir().unwrap();
    let mut places = Places::new(None, Some(home.path().to_owned()));
    places.system.clear();
    let mut options = options(&[]);
    options.mirrors = vec![format!("{}fashion", server.url())];
    let mut finished = Vec::new();
    let mut progress = |event: Event<'_>| {
        if let Event::Finished { name } = event {
            finished.push(name.to_owned());
        }
    };
    let data = places::load_or_fetch(&places, &options, &mut progress).unwrap();
    assert_eq!((&data.digest, &data.train), (&found.digest, &found.train));
    assert_eq!(data.source, home.path().join("wgrad/fashion-mnist").display().to_string());
    // A damaged file in the cache is noticed, and only that file is fetched.
    let labels = home.path().join("wgrad/fashion-mnist").join(FILES[1].name);
    idx::write(&labels, &[60_000], &[0; 60_000], idx::Packing::Gzip).unwrap();
    assert!(matches!(places::load(&places), Err(Error::DigestMismatch { .. })));
    let data = places::load_or_fetch(&places, &options, &mut progress).unwrap();
    assert_eq!(data.train, found.train);
    assert_eq!(finished, [FILES[0].name, FILES[1].name, FILES[2].name, FILES[3].name, FILES[1].name]);
    assert_eq!(server.requests().len(), 5);
}
