//! Routes of the server of a trained network.

use super::{Job, limiter::Limiter};
use crate::{
    predict::{Taking, reported},
    web::{
        body::{self, Room},
        reply::{self, Refusal, Reply, bad, refused},
        shares::{Held, Shares},
        turns::Turns,
    },
};
use axum::{
    Extension, Router,
    body::Bytes,
    extract::{RawQuery, Request, State},
    http::StatusCode,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::SyncSender,
    },
};
use tokio::sync::oneshot;
use wgrad::{checkpoint::Position, clock};
use wgrad_data::picture::Picture;
use wgrad_run::Run;

const KNOWN: &str = "GET /, GET /model, GET /health, POST /predict";

/// State of the routes.
pub struct Routes {
    /// Queue of pictures for the device.
    pub jobs: SyncSender<Job>,
    /// Places in this queue.
    pub places: Shares,
    /// Queue of pictures to decode.
    pub turns: Turns,
    /// Memory that requests may hold.
    pub room: Room,
    /// Preparation of pictures for the network.
    pub taking: Taking,
    /// Description of the device.
    pub adapter: String,
    /// Position of the training at which the weights were saved.
    pub position: Position,
    /// Limit on the pictures of an address.
    pub limiter: Limiter,
    /// Counts of answered pictures and batches.
    pub counts: Counts,
    /// The run.
    pub run: Run,
    /// Most pictures in a batch on the device.
    pub batch: usize,
}

/// Counts of answered pictures and batches.
#[derive(Default)]
pub struct Counts {
    images: AtomicUsize,
    batches: AtomicUsize,
    largest: AtomicUsize,
}

impl Counts {
    /// Counts a batch.
    pub fn batch(&self, images: usize) {
        self.images.fetch_add(images, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.largest.fetch_max(images, Relaxed);
    }

    /// Number of batches so far.
    pub fn batches(&self) -> usize {
        self.batches.load(Relaxed)
    }
}

/// Router of all paths.
pub fn paths(routes: Arc<Routes>) -> Router {
    let looked = Router::new()
        .route("/", reply::page(include_str!("../../assets/web/serve.html")))
        .route("/serve.js", reply::script(include_str!("../../assets/web/serve.js")))
        .route("/model", get(model))
        .route("/health", get(health));
    let asked = Router::new().route("/predict", post(predict));
    reply::paths(looked, asked, KNOWN).with_state(routes)
}

fn failed(words: impl ToString) -> Refusal {
    refused(StatusCode::INTERNAL_SERVER_ERROR, words)
}

fn busy(seconds: u64) -> Refusal {
    let words = format!("more pictures than one address may send; try again in {seconds} s");
    reply::later(StatusCode::TOO_MANY_REQUESTS, seconds, words)
}

/// Parses `?top=K`, the number of classes to return; all by default.
fn top(query: Option<&str>) -> Result<usize, Refusal> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut top = usize::MAX;
    for pair in pairs {
        let given = pair.strip_prefix("top=").and_then(|number| number.parse().ok()).filter(|top| *top > 0);
        let words = || bad(format!("got `?{pair}`, expected `?top=K` with K from 1, or nothing"));
        top = given.ok_or_else(words)?;
    }
    Ok(top)
}

async fn model(State(routes): State<Arc<Routes>>) -> Reply {
    let config = &routes.run.config;
    let layers = config.model.summary().map_err(failed)?;
    let layer = |l: &wgrad::model::LayerSummary| json!({"name": l.name, "output": l.output, "parameters": l.parameters});
    reply::json(&json!({
        "name": config.model.name, "run": routes.run.folder.display().to_string(),
        "input": config.model.input_shape, "classes": config.data.classes, "data": config.data.name,
        "parameters": layers.iter().map(|l| l.parameters).sum::<usize>(),
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        "regression": config.model.loss().is_ok_and(|loss| loss.is_regression()),
        "epochs": routes.position.epoch, "adapter": routes.adapter, "version": config.version,
        "max_body": routes.room.most,
    }))
}

async fn health(State(routes): State<Arc<Routes>>) -> Reply {
    let Counts { images, batches, largest } = &routes.counts;
    let [images, batches, largest] = [images, batches, largest].map(|count| count.load(Relaxed));
    reply::json(&json!({
        "status": "ok", "images": images, "batches": batches, "largest_batch": largest,
        "max_batch": routes.batch,
    }))
}

async fn predict(
    State(routes): State<Arc<Routes>>,
    Extension(peer): Extension<IpAddr>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Reply {
    let top = top(query.as_deref())?;
    // Even a refusal costs time: too many requests are refused before their pictures are read.
    routes.limiter.take(peer, 1, clock::seconds()).map_err(busy)?;
    let (pictures, held) = body::receive(request, &routes.room, peer).await?;
    routes.limiter.take(peer, pictures.len() - 1, clock::seconds()).map_err(busy)?;
    routes.predict(pictures, held, top, peer).await
}

impl Routes {
    /// Returns the prediction for each picture.
    async fn predict(&self, pictures: Vec<(String, Bytes)>, held: Held, top: usize, peer: IpAddr) -> Reply {
        let mut waiting = Vec::new();
        for (name, bytes) in pictures {
            let (answer, notes, pixels) = self.submit(&name, bytes, peer).await?;
            waiting.push((name, answer, notes, pixels));
        }
        let mut all: Vec<Value> = Vec::new();
        for (name, answer, notes, pixels) in waiting {
            let ended =
                |_| refused(StatusCode::SERVICE_UNAVAILABLE, "the server ended before it could answer");
            let output = answer.await.map_err(ended)?;
            let mut value = reported(&name, &self.run.config, &output, top, &notes).map_err(failed)?;
            value["pixels"] = pixels.into();
            all.push(value);
        }
        reply::held(&json!({ "predictions": all }), held)
    }

    /// Decodes a picture and queues it for the device. Returns the channel of its answer, the notes on its preparation
    /// and its pixels.
    async fn submit(
        &self,
        name: &str,
        bytes: Bytes,
        peer: IpAddr,
    ) -> Result<(oneshot::Receiver<Vec<f32>>, Vec<String>, String), Refusal> {
        let Picture { pixels, notes } = body::as_input(name, bytes, self.taking, &self.turns, peer).await?;
        let shown = STANDARD.encode(&pixels);
        let (answer, answered) = oneshot::channel();
        let place = self.places.take(peer, 1).await;
        let sent =
            place.is_some_and(|place| self.jobs.try_send(Job { pixels, answer, _place: place }).is_ok());
        if !sent {
            let words = "too many pictures are waiting for the device already; try again in a moment";
            return Err(reply::later(StatusCode::SERVICE_UNAVAILABLE, 1, words));
        }
        Ok((answered, notes, shown))
    }
}
