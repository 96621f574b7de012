//! What the server of a finished network answers.

use super::{Job, limiter::Limiter};
use crate::cli::{
    predict::{Taking, told},
    web::{
        App, body,
        reply::{self, Refusal, Reply, bad, refused},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{Method, Request, StatusCode, Uri, body::Bytes, body::Incoming};
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::SyncSender,
    },
};
use tokio::sync::oneshot;
use wgrad::{checkpoint::Position, clock, data::picture::Picture, run::Run};

const KNOWN: &str = "GET /, GET /model, GET /health, POST /predict";

/// The paths.
pub struct Routes {
    /// Where pictures wait for the device.
    pub jobs: SyncSender<Job>,
    /// Height and width of what the network takes.
    pub taking: Taking,
    /// The device.
    pub adapter: String,
    /// After how much training the weights are those that they are.
    pub position: Position,
    /// Bytes of a request.
    pub most: usize,
    /// Pictures of an address.
    pub limiter: Limiter,
    /// What has been done.
    pub counts: Counts,
    /// The run.
    pub run: Run,
    /// Pictures at once on the device.
    pub batch: usize,
}

/// What has been done.
#[derive(Default)]
pub struct Counts {
    images: AtomicUsize,
    batches: AtomicUsize,
    largest: AtomicUsize,
}

impl Counts {
    /// Takes note of a batch.
    pub fn batch(&self, images: usize) {
        self.images.fetch_add(images, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.largest.fetch_max(images, Relaxed);
    }

    /// Batches so far.
    pub fn batches(&self) -> usize {
        self.batches.load(Relaxed)
    }
}

impl App for Routes {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Result<Reply, Refusal> {
        let (head, content) = request.into_parts();
        let (method, path) = (&head.method, head.uri.path());
        match (method, path) {
            (&Method::GET, "/") => Ok(reply::page(include_str!("../../../assets/web/serve.html"))),
            (&Method::GET, "/serve.js") => Ok(reply::script(include_str!("../../../assets/web/serve.js"))),
            (&Method::GET, "/model") => self.model(),
            (&Method::GET, "/health") => self.health(),
            (&Method::GET, _) => reply::shared(path).ok_or_else(|| reply::unknown(method, path, KNOWN)),
            (&Method::POST, "/predict") => {
                let top = top(&head.uri)?;
                // Even a refusal costs: a crowd is turned away before its pictures are read.
                self.limiter.take(peer, 1, clock::seconds()).map_err(busy)?;
                let bytes = body::read(&head.headers, content, self.most).await?;
                let pictures = body::pictures(&head.headers, bytes).await?;
                self.limiter.take(peer, pictures.len() - 1, clock::seconds()).map_err(busy)?;
                self.predict(pictures, top).await
            }
            _ => Err(reply::unknown(method, path, KNOWN)),
        }
    }
}

fn failed(words: impl ToString) -> Refusal {
    refused(StatusCode::INTERNAL_SERVER_ERROR, words)
}

fn busy(seconds: u64) -> Refusal {
    let words = format!("more pictures than one address may send; ask again in {seconds} s");
    reply::later(StatusCode::TOO_MANY_REQUESTS, seconds, words)
}

/// `?top=K`: how many classes to tell, all by default.
fn top(uri: &Uri) -> Result<usize, Refusal> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut top = usize::MAX;
    for pair in pairs {
        let given = pair.strip_prefix("top=").and_then(|number| number.parse().ok()).filter(|top| *top > 0);
        let words = || bad(format!("got `?{pair}`, expected `?top=K` with K from 1, or nothing"));
        top = given.ok_or_else(words)?;
    }
    Ok(top)
}

impl Routes {
    fn model(&self) -> Result<Reply, Refusal> {
        let config = &self.run.config;
        let layers = config.model.summary().map_err(failed)?;
        let layer = |l: &wgrad::model::LayerSummary| json!({"name": l.name, "output": l.output, "parameters": l.parameters});
        reply::json(&json!({
            "name": config.model.name, "run": self.run.folder.display().to_string(),
            "input": config.model.input_shape, "classes": config.data.classes, "data": config.data.name,
            "parameters": layers.iter().map(|l| l.parameters).sum::<usize>(),
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
            "regression": config.model.loss().is_ok_and(|loss| loss.is_regression()),
            "epochs": self.position.epoch, "adapter": self.adapter, "version": config.version,
            "max_body": self.most,
        }))
    }

    fn health(&self) -> Result<Reply, Refusal> {
        let Counts { images, batches, largest } = &self.counts;
        let [images, batches, largest] = [images, batches, largest].map(|count| count.load(Relaxed));
        reply::json(&json!({
            "status": "ok", "images": images, "batches": batches, "largest_batch": largest,
            "max_batch": self.batch,
        }))
    }

    /// What the network makes of each picture.
    async fn predict(&self, pictures: Vec<(String, Bytes)>, top: usize) -> Result<Reply, Refusal> {
        let mut waiting = Vec::new();
        for (name, bytes) in pictures {
            let (answer, notes, pixels) = self.submit(&name, bytes).await?;
            waiting.push((name, answer, notes, pixels));
        }
        let mut all: Vec<Value> = Vec::new();
        for (name, answer, notes, pixels) in waiting {
            let ended =
                |_| refused(StatusCode::SERVICE_UNAVAILABLE, "the server ended before it could answer");
            let output = answer.await.map_err(ended)?;
            let mut value = told(&name, &self.run.config, &output, top, &notes).map_err(failed)?;
            value["pixels"] = pixels.into();
            all.push(value);
        }
        reply::json(&json!({ "predictions": all }))
    }

    /// Reads a picture and lets it wait for the device; where its answer comes, what was done to it, its pixels.
    async fn submit(
        &self,
        name: &str,
        bytes: Bytes,
    ) -> Result<(oneshot::Receiver<Vec<f32>>, Vec<String>, String), Refusal> {
        let Picture { pixels, notes } = body::as_input(name, bytes, self.taking).await?;
        let shown = STANDARD.encode(&pixels);
        let (answer, answered) = oneshot::channel();
        if self.jobs.try_send(Job { pixels, answer }).is_err() {
            let words = "too many pictures wait for the device already; ask again in a moment";
            return Err(reply::later(StatusCode::SERVICE_UNAVAILABLE, 1, words));
        }
        Ok((answered, notes, shown))
    }
}
