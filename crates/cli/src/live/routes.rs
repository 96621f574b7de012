//! What the live page's server answers. Looking is open to whoever the door lets in; steering and asking need the
//! token.

use super::hub::{Hub, Phase, Question};
use crate::{
    predict::{Taking, told},
    web::{
        App,
        body::{self, Room},
        paths::Paths,
        reply::{self, Refusal, Reply, bad, refused},
        token::Token,
        turns::Turns,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::channel::{Channel, Sender};
use hyper::{
    Method, Request, StatusCode,
    body::{Bytes, Incoming},
    http::request::Parts,
};
use serde_json::{Value, json};
use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    oneshot,
};
use wgrad::data::picture::Picture;
use wgrad_run::Config;

/// Pages open at once.
const PAGES: usize = 64;
/// Bytes of a picture's file.
pub const PICTURE: usize = 20 << 20;
const CONTROL: usize = 1 << 10;
/// Without an event for so long, a page gets a sign of life.
const ALIVE: Duration = Duration::from_secs(10);
/// How long a question may wait: a step may take seconds on a slow device.
const ANSWER: Duration = Duration::from_secs(60);
const PATHS: Paths = Paths {
    get: &["/", "/events", "/health"],
    files: &["/chart.js", "/live.js"],
    post: &["/control", "/predict", "/look"],
};

/// The paths.
pub struct Routes {
    /// What there is to see and to ask for.
    pub hub: Arc<Hub>,
    /// Who may steer.
    pub token: Token,
    /// The run.
    pub config: Config,
    /// What requests may hold.
    pub room: Room,
    /// Where pictures wait to be read.
    pub turns: Turns,
}

impl App for Routes {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Result<Reply, Refusal> {
        let (head, content) = request.into_parts();
        let (method, path) = (&head.method, head.uri.path());
        match (method, path) {
            (&Method::POST, path) if PATHS.post.contains(&path) => {}
            (&Method::GET, path) => return self.show(path)?.ok_or_else(|| PATHS.refuse(method, path)),
            _ => return Err(PATHS.refuse(method, path)),
        }
        if !self.token.is_in(&head.headers) {
            let words = "got no token or a wrong one, expected that of the address which `wgrad train --live` \
                         printed, as `Authorization: Bearer TOKEN`";
            return Err(refused(StatusCode::UNAUTHORIZED, words));
        }
        if path == "/predict" {
            return reply::json(&self.predict(&head, content, peer).await?);
        }
        let most = if path == "/control" { CONTROL } else { PICTURE };
        let (bytes, _held) = body::read(&head.headers, content, &self.room, most, peer).await?;
        reply::json(&match path {
            "/control" => self.control(&bytes)?,
            _ => self.look(&bytes).await?,
        })
    }
}

impl Routes {
    /// What there is to look at.
    fn show(&self, path: &str) -> Result<Option<Reply>, Refusal> {
        Ok(Some(match path {
            "/" => reply::page(include_str!("../../assets/web/live.html")),
            "/chart.js" => reply::script(include_str!("../../assets/web/chart.js")),
            "/live.js" => reply::script(include_str!("../../assets/web/live.js")),
            "/events" => self.events()?,
            "/health" => self.health()?,
            _ => return Ok(reply::shared(path)),
        }))
    }

    fn health(&self) -> Result<Reply, Refusal> {
        let Self { hub, .. } = self;
        reply::json(&json!({"phase": hub.now(), "number": hub.number(), "pages": hub.pages()}))
    }

    fn events(&self) -> Result<Reply, Refusal> {
        if self.hub.pages() >= PAGES {
            let words = format!("{PAGES} pages are open already, which is all there may be");
            return Err(reply::later(StatusCode::SERVICE_UNAVAILABLE, 5, words));
        }
        let (sender, body) = Channel::new(1);
        let (whole, receiver) = self.hub.subscribe();
        tokio::spawn(follow(self.hub.clone(), sender, whole, receiver));
        Ok(reply::events(body))
    }

    /// `{"do": "pause"}`, `resume`, `stop`, or `rate` with a number.
    fn control(&self, bytes: &[u8]) -> Result<Value, Refusal> {
        let expected = r#"expected {"do": "pause"}, "resume", "stop", or {"do": "rate", "rate": 0.01}"#;
        let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
        match value["do"].as_str() {
            Some("pause") => self.hub.wish(|wishes| wishes.pause = true),
            Some("resume") => self.hub.wish(|wishes| wishes.pause = false),
            Some("stop") => self.hub.wish(|wishes| wishes.stop = true),
            Some("rate") => match value["rate"].as_f64() {
                // The device takes it as f32.
                Some(rate) if rate == 0.0 || (rate > 0.0 && (rate as f32).is_normal()) => {
                    self.hub.wish(|wishes| wishes.rate = Some(rate));
                }
                _ => return Err(bad(format!("got the rate {}, expected a number from 0", value["rate"]))),
            },
            _ => return Err(bad(format!("got `{}`, {expected}", String::from_utf8_lossy(bytes)))),
        }
        Ok(json!({"done": true}))
    }

    /// What the network makes of a picture now, and the picture as the network sees it.
    async fn predict(&self, head: &Parts, content: Incoming, peer: IpAddr) -> Result<Value, Refusal> {
        let taking = Taking::of(&self.config).map_err(bad)?;
        let (mut pictures, _held) = body::receive(&head.headers, content, &self.room, peer).await?;
        let (name, bytes) = pictures.swap_remove(0);
        let Picture { pixels, notes } = body::as_input(&name, bytes, taking, &self.turns, peer).await?;
        let shown = STANDARD.encode(&pixels);
        let mut value = self.ask(&name, pixels, &notes).await?;
        value["pixels"] = shown.into();
        Ok(value)
    }

    /// The same of pixels as the network sees them: a page asks again and again while the network learns.
    async fn look(&self, bytes: &Bytes) -> Result<Value, Refusal> {
        let expected = self.config.model.pixels();
        if bytes.len() != expected {
            return Err(bad(format!("got {} bytes, expected the {expected} of one image", bytes.len())));
        }
        self.ask("image", bytes.to_vec(), &[]).await
    }

    async fn ask(&self, name: &str, pixels: Vec<u8>, notes: &[String]) -> Result<Value, Refusal> {
        let failed = |words: &str| refused(StatusCode::SERVICE_UNAVAILABLE, words);
        if matches!(self.hub.now(), Phase::Finished | Phase::Stopped | Phase::Failed) {
            return Err(failed("the training is over; `wgrad serve RUN` answers further questions"));
        }
        let (answer, answered) = oneshot::channel();
        if self.hub.ask(Question { pixels, answer }).is_err() {
            let words = "too many questions wait for the training already; ask again in a moment";
            return Err(reply::later(StatusCode::TOO_MANY_REQUESTS, 1, words));
        }
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(Ok((output, number))) => {
                let all = self.config.data.classes.len();
                let mut value =
                    told(name, &self.config, &output, all, notes).map_err(|e| failed(&e.to_string()))?;
                value["number"] = number.into();
                Ok(value)
            }
            Ok(Err(_)) => Err(failed("the training ended before it could answer")),
            Err(_) => Err(failed("the training did not answer in time")),
        }
    }
}

/// Sends a page what happens, until it has gone or the training has ended.
async fn follow(
    hub: Arc<Hub>,
    mut page: Sender<Bytes, Infallible>,
    whole: Bytes,
    mut events: Receiver<Bytes>,
) {
    let mut next = whole;
    loop {
        if page.send_data(next).await.is_err() {
            return;
        }
        next = match tokio::time::timeout(ALIVE, events.recv()).await {
            Err(_) => Bytes::from_static(b": still here\n\n"),
            Ok(Ok(event)) => event,
            Ok(Err(RecvError::Lagged(_))) => hub.catch_up(&mut events),
            Ok(Err(RecvError::Closed)) => return,
        };
        if matches!(hub.now(), Phase::Finished | Phase::Stopped | Phase::Failed) && events.is_empty() {
            // The last event.
            let (Ok(()) | Err(_)) = page.send_data(next).await;
            return;
        }
    }
}
