//! Trains wgrad's `mlp` or `cnn` with Burn on wgpu and prints images per second as one JSON object on stdout. It
//! follows the protocol of `harness.py`: the first step, one part to warm up, five counted parts.

mod data;
mod network;

use burn::{
    nn::loss::CrossEntropyLossConfig,
    optim::{GradientsParams, SgdConfig, momentum::MomentumConfig},
    tensor::{
        Device, Int, Tensor, TensorData,
        wgpu::{WgpuBackend, WgpuSetup},
    },
};
use data::{Images, PIXELS, Shuffle};
use network::Network;
use serde_json::json;
use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Counted parts, after an uncounted one, as in `wgrad bench`.
const ROUNDS: usize = 5;
const LEARNING_RATE: f64 = 0.05;
const MOMENTUM: f64 = 0.9;

type Failure = Box<dyn std::error::Error>;

struct Arguments {
    network: String,
    batch: usize,
    seconds: f64,
    data: PathBuf,
}

fn main() -> Result<(), Failure> {
    let began = SystemTime::now();
    let arguments = arguments()?;
    let (device, setup) = open()?;
    let images = Images::load(&arguments.data)?;
    let report = train(&arguments, &device.autodiff(), &setup, &images, began)?;
    println!("{report}");
    Ok(())
}

fn arguments() -> Result<Arguments, Failure> {
    let usage = "usage: burn-peer NETWORK --batch N --seconds S --data DIR";
    let mut all = std::env::args().skip(1);
    let network = all.next().ok_or(usage)?;
    let (mut batch, mut seconds, mut data) = (128, 5.0, None);
    while let Some(name) = all.next() {
        let value = all.next().ok_or_else(|| format!("{name} needs a value; {usage}"))?;
        match name.as_str() {
            "--batch" => batch = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            "--data" => data = Some(value.into()),
            _ => return Err(format!("unknown option {name}; {usage}").into()),
        }
    }
    Ok(Arguments { network, batch, seconds, data: data.ok_or(usage)? })
}

/// Selects the API explicitly: by default, Burn silently falls back to GL.
fn open() -> Result<(Device, WgpuSetup), Failure> {
    let api = if cfg!(target_os = "macos") { WgpuBackend::Metal } else { WgpuBackend::Vulkan };
    Ok(Device::wgpu_options().graphics_api(api).init_with_setup()?)
}

/// Returns the seconds since the process was started, by the clock of its parent process.
fn since_start(began: SystemTime) -> f64 {
    let reported = std::env::var("PEER_STARTED").ok().and_then(|text| text.parse::<f64>().ok());
    let start = reported.map_or(began, |seconds| UNIX_EPOCH + Duration::from_secs_f64(seconds));
    start.elapsed().unwrap_or_default().as_secs_f64()
}

fn train(
    arguments: &Arguments,
    device: &Device,
    setup: &WgpuSetup,
    images: &Images,
    began: SystemTime,
) -> Result<serde_json::Value, Failure> {
    let mut network = Network::new(&arguments.network, device)?;
    let momentum = MomentumConfig::new().with_momentum(MOMENTUM).with_dampening(0.0);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let cross_entropy = CrossEntropyLossConfig::new().init(device);
    let mut shuffle = Shuffle::new(images.len(), 0);

    let part = arguments.seconds / ROUNDS as f64;
    let (mut first_step, mut loss_read) = (f64::NAN, f32::NAN);
    let mut rates = Vec::new();
    let (mut part_start, mut part_images) = (Instant::now(), 0);
    let mut reading = Reading::new();
    'training: loop {
        shuffle.again();
        for rows in shuffle.order().chunks(arguments.batch) {
            let (pixels, labels) = images.batch(rows);
            let x = Tensor::<2>::from_data(TensorData::new(pixels, [rows.len(), PIXELS]), device);
            let y = Tensor::<1, Int>::from_data(TensorData::new(labels, [rows.len()]), device);
            let loss = cross_entropy.forward(network.forward(x), y);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(LEARNING_RATE, network, gradients);
            if first_step.is_nan() {
                loss_read = loss.into_scalar();
                device.sync()?;
                first_step = since_start(began);
                part_start = Instant::now();
                continue;
            }
            part_images += rows.len();
            let over = part_start.elapsed().as_secs_f64() >= part;
            if over || reading.due() {
                loss_read = loss.into_scalar();
                reading.done();
            }
            if over {
                device.sync()?;
                rates.push(part_images as f64 / part_start.elapsed().as_secs_f64());
                if rates.len() > ROUNDS {
                    break 'training;
                }
                (part_start, part_images) = (Instant::now(), 0);
            }
        }
    }
    if !loss_read.is_finite() {
        return Err(format!("the loss is {loss_read}").into());
    }
    let mut rates = rates.split_off(1); // the first warmed up
    rates.sort_by(f64::total_cmp);
    let info = setup.adapter.get_info();
    Ok(json!({
        "network": arguments.network,
        "batch": arguments.batch,
        "images_per_second": rates[rates.len() / 2],
        "images_per_second_min": rates[0],
        "images_per_second_max": rates[rates.len() - 1],
        "first_step_seconds": first_step,
        "loss": loss_read,
        "device": format!("{} ({:?}, {} {})", info.name, info.backend, info.driver, info.driver_info),
        "versions": {"burn": "0.22.0"},
    }))
}

/// Decides when the loss is read: as often as a progress bar would show it, ten to twenty times a second. This bounds
/// the steps queued on the device.
struct Reading {
    every: usize,
    steps: usize,
    last: Instant,
}

impl Reading {
    fn new() -> Self {
        Self { every: 1, steps: 0, last: Instant::now() }
    }

    fn due(&mut self) -> bool {
        self.steps += 1;
        self.steps >= self.every
    }

    fn done(&mut self) {
        let took = self.last.elapsed().as_secs_f64();
        if took < 0.05 {
            self.every *= 2;
        } else if took > 0.1 {
            self.every = (self.every / 2).max(1);
        }
        (self.steps, self.last) = (0, Instant::now());
    }
}
