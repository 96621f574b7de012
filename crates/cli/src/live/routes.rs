//! Routes of the live page's server. Every client that the door lets in may look; control and questions need the token.

use super::hub::{Hub, Phase, Question};
use crate::{
    predict::{Taking, reported},
    web::{
        body::{self, Room},
        reply::{self, Refusal, Reply, bad, refused},
        token::Token,
        turns::Turns,
    },
};
use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{
        IntoResponse,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::{broadcast::error::RecvError, oneshot};
use wgrad_data::picture::Picture;
use wgrad_run::Config;

/// Most pages that are open at once.
const PAGES: usize = 64;
/// Most bytes of a picture's file.
pub const PICTURE: usize = 20 << 20;
const CONTROL: usize = 1 << 10;
/// Time without an event after which a page gets a sign of life.
const ALIVE: Duration = Duration::from_secs(10);
/// Longest wait of a question: a step may take seconds on a slow device.
const ANSWER: Duration = Duration::from_secs(60);
const KNOWN: &str = "GET /, GET /events, GET /health, POST /control, POST /predict, POST /look";

/// State of the routes.
pub struct Routes {
    /// Progress of the training, and the requests of the pages.
    pub hub: Arc<Hub>,
    /// Token of the clients that may steer the training.
    pub token: Token,
    /// Record of the run.
    pub config: Config,
    /// Memory that requests may hold.
    pub room: Room,
    /// Queue of pictures to decode.
    pub turns: Turns,
}

/// Router of all paths.
pub fn paths(routes: Routes) -> Router {
    let routes = Arc::new(routes);
    let looked = Router::new()
        .route("/", reply::page(include_str!("../../assets/web/live.html")))
        .route("/chart.js", reply::script(include_str!("../../assets/web/chart.js")))
        .route("/live.js", reply::script(include_str!("../../assets/web/live.js")))
        .route("/events", get(events))
        .route("/health", get(health));
    let asked = Router::new()
        .route("/control", post(control))
        .route("/predict", post(predict))
        .route("/look", post(look))
        .route_layer(from_fn_with_state(routes.clone(), with_token));
    reply::paths(looked, asked, KNOWN).with_state(routes)
}

type Shared = State<Arc<Routes>>;
type Peer = Extension<IpAddr>;

/// Refuses requests without the token.
async fn with_token(State(routes): Shared, request: Request, next: Next) -> Reply {
    if !routes.token.is_in(request.headers()) {
        let words = "got no token or a wrong one, expected the one in the address that `wgrad train --live` printed, \
                     as `Authorization: Bearer TOKEN`";
        return Err(refused(StatusCode::UNAUTHORIZED, words));
    }
    Ok(next.run(request).await)
}

async fn health(State(routes): Shared) -> Reply {
    let hub = &routes.hub;
    reply::json(&json!({"phase": hub.now(), "number": hub.number(), "pages": hub.pages()}))
}

async fn events(State(routes): Shared) -> Reply {
    if routes.hub.pages() >= PAGES {
        let words = format!("{PAGES} pages are open already, and no more are allowed");
        return Err(reply::later(StatusCode::SERVICE_UNAVAILABLE, 5, words));
    }
    let kind = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")];
    Ok((kind, Sse::new(follow(routes.hub.clone()))).into_response())
}

/// Handles `{"do": "pause"}`, `resume`, `stop`, or `rate` with a number.
async fn control(State(routes): Shared, Extension(peer): Peer, request: Request) -> Reply {
    let Routes { hub, room, .. } = &*routes;
    let (bytes, _held) = body::read(request, room, CONTROL, peer).await?;
    let expected = r#"expected {"do": "pause"}, "resume", "stop", or {"do": "rate", "rate": 0.01}"#;
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match value["do"].as_str() {
        Some("pause") => hub.wish(|wishes| wishes.pause = true),
        Some("resume") => hub.wish(|wishes| wishes.pause = false),
        Some("stop") => hub.wish(|wishes| wishes.stop = true),
        Some("rate") => match value["rate"].as_f64() {
            // The device takes it as f32.
            Some(rate) if rate == 0.0 || (rate > 0.0 && (rate as f32).is_normal()) => {
                hub.wish(|wishes| wishes.rate = Some(rate));
            }
            _ => return Err(bad(format!("got the rate {}, expected a number from 0", value["rate"]))),
        },
        _ => return Err(bad(format!("got `{}`, {expected}", String::from_utf8_lossy(&bytes)))),
    }
    reply::json(&json!({"done": true}))
}

/// Returns the current prediction for a picture, and the picture as the network sees it.
async fn predict(State(routes): Shared, Extension(peer): Peer, request: Request) -> Reply {
    let Routes { config, room, turns, .. } = &*routes;
    let taking = Taking::of(config).map_err(bad)?;
    let (mut pictures, _held) = body::receive(request, room, peer).await?;
    let (name, bytes) = pictures.swap_remove(0);
    let Picture { pixels, notes } = body::as_input(&name, bytes, taking, turns, peer).await?;
    let shown = STANDARD.encode(&pixels);
    let mut value = ask(&routes, &name, pixels, &notes).await?;
    value["pixels"] = shown.into();
    reply::json(&value)
}

/// Returns the current prediction for pixels as the network sees them; a page asks repeatedly while the network learns.
async fn look(State(routes): Shared, Extension(peer): Peer, request: Request) -> Reply {
    let (bytes, _held) = body::read(request, &routes.room, PICTURE, peer).await?;
    let expected = routes.config.model.pixels();
    if bytes.len() != expected {
        return Err(bad(format!("got {} bytes, expected the {expected} of one image", bytes.len())));
    }
    reply::json(&ask(&routes, "image", bytes.to_vec(), &[]).await?)
}

async fn ask(routes: &Routes, name: &str, pixels: Vec<u8>, notes: &[String]) -> Result<Value, Refusal> {
    let Routes { hub, config, .. } = routes;
    let failed = |words: &str| refused(StatusCode::SERVICE_UNAVAILABLE, words);
    if over(hub) {
        return Err(failed("the training is over; `wgrad serve RUN` answers further questions"));
    }
    let (answer, answered) = oneshot::channel();
    if hub.ask(Question { pixels, answer }).is_err() {
        let words = "too many questions are waiting for the training already; try again in a moment";
        return Err(reply::later(StatusCode::TOO_MANY_REQUESTS, 1, words));
    }
    match tokio::time::timeout(ANSWER, answered).await {
        Ok(Ok((output, number))) => {
            let all = config.data.classes.len();
            let mut value =
                reported(name, config, &output, all, notes).map_err(|e| failed(&e.to_string()))?;
            value["number"] = number.into();
            Ok(value)
        }
        Ok(Err(_)) => Err(failed("the training ended before it could answer")),
        Err(_) => Err(failed("the training did not answer in time")),
    }
}

fn over(hub: &Hub) -> bool {
    matches!(hub.now(), Phase::Finished | Phase::Stopped | Phase::Failed)
}

/// Events for a page: the whole state, then all changes until the training has ended.
fn follow(hub: Arc<Hub>) -> impl Stream<Item = Result<Event, Infallible>> {
    let (whole, events) = hub.subscribe();
    stream::unfold((hub, Some(whole), events), async |(hub, whole, mut events)| {
        let event = match whole {
            Some(whole) => whole,
            None if over(&hub) && events.is_empty() => return None,
            None => match tokio::time::timeout(ALIVE, events.recv()).await {
                Err(_) => Event::default().comment("still here"),
                Ok(Ok(event)) => event,
                Ok(Err(RecvError::Lagged(_))) => hub.catch_up(&mut events),
                Ok(Err(RecvError::Closed)) => return None,
            },
        };
        Some((Ok(event), (hub, None, events)))
    })
}
