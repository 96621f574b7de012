//! The cells of the notebook `fashion_mnist_rust.ipynb` as one program: Fashion-MNIST, a small convolutional network,
//! its loss curves and its errors. Run it with `cargo run --release --example fashion_mnist`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    use pollster::block_on;
    use std::ops::ControlFlow;
    use wgrad::{
        data::Dataset,
        evaluate::{Evaluation, argmax, evaluate},
        gpu::{Context, Options as Device},
        layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D},
        model::Model,
        optim::{Adam, Method, Optimizer},
        predict::Predictor,
        selection::Choices,
        train::{Epoch, Events, Options, Trainer},
    };
    use wgrad_data::{DataSpec, Places};
    use wgrad_report::chart::{Axis, Cell, HeatMap, Lines, Point, Series, Svg};

    /// A picture in the notebook. In a terminal its title is enough.
    fn show(title: &str, picture: &Svg) {
        if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
            println!("EVCXR_BEGIN_CONTENT image/svg+xml\n{picture}\nEVCXR_END_CONTENT");
        } else {
            println!("(a picture: {title})");
        }
    }

    println!("adapter: {}", block_on(Context::open(&Device::default()))?.describe());

    let data: Dataset = wgrad_data::load(&DataSpec::FashionMnist, &Places::from_env())?.limit(10_000, 2_000);
    println!("{}: {} training, {} test images", data.name, data.train.len(), data.test.len());

    /// An image in characters, dark to light.
    fn draw(image: &[u8], width: usize) {
        for row in image.chunks(width) {
            let line: String =
                row.iter().map(|v| [' ', '.', ':', '+', '*', '#', '@'][usize::from(*v) * 7 / 256]).collect();
            println!("{line}");
        }
    }

    let image: Vec<u8> = data.test.image(0, data.pixels()).unwrap_or_default().into_owned();
    draw(&image, data.width);
    println!("{}", data.classes[data.test.labels[0] as usize]);

    let model = Model::new("small-cnn", [28, 28, 1])
        .add(Conv2D::new(8, 5).activation("relu")?)
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(16, 3).activation("relu")?)
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dropout::new(0.2))
        .add(Dense::new(10).activation("softmax")?);
    for layer in model.summary()? {
        println!("{:18} {:16} {:6} parameters", layer.name, format!("{:?}", layer.output), layer.parameters);
    }

    /// The losses of each epoch, of training and test.
    #[derive(Default)]
    struct Losses(Vec<[f64; 2]>);

    impl Events for Losses {
        type Error = wgrad::Error;

        async fn on_epoch_end(&mut self, _: &mut Trainer, epoch: &Epoch) -> wgrad::Result<ControlFlow<()>> {
            let (train, test) = (epoch.train, epoch.test.metrics);
            println!("epoch {}: loss {:.3}, test accuracy {:.3}", epoch.epoch, train.loss, test.accuracy);
            self.0.push([train.loss, test.loss]);
            Ok(ControlFlow::Continue(()))
        }
    }

    /// Trains and evaluates `model`, and classifies `image`: losses of each epoch, evaluation, probabilities.
    fn train(
        model: &Model,
        data: &Dataset,
        image: &[u8],
    ) -> wgrad::Result<(Vec<[f64; 2]>, Evaluation, Vec<f32>)> {
        let context = block_on(Context::open(&Device::default()))?;
        let optimizer = Optimizer::new(Method::Adam(Adam::default()));
        let options = Options { batch: 64, epochs: 5, optimizer, ..Options::default() };
        let mut trainer = block_on(Trainer::new(&context, model, data.clone(), options))?;
        let mut losses = Losses::default();
        block_on(trainer.fit(&mut losses))?;
        let (state, choices) = (block_on(trainer.checkpoint())?, Choices::default());
        let found = block_on(evaluate(&context, model, &state, data, &data.test, 250, &choices, |_| ()))?;
        let predictor = block_on(Predictor::new(&context, model, &data.input, &state, 1, &choices))?;
        let probabilities = block_on(predictor.probabilities(image))?.remove(0);
        Ok((losses.0, found, probabilities))
    }

    let (losses, found, probabilities) = train(&model, &data, &image)?;

    /// A curve of the loss, one point per epoch.
    fn curve(name: &str, losses: impl Iterator<Item = f64>) -> Series {
        let points = losses.zip(1..).map(|(y, epoch)| Point { x: f64::from(epoch), y, band: None });
        Series { name: name.to_string(), points: points.collect() }
    }

    // The type is explicit, since a notebook would infer a path through a private module of the library.
    let chart: Lines = Lines {
        title: "Loss over epochs".to_string(),
        x: Axis { label: "epoch".to_string(), whole: true, ..Axis::default() },
        y: Axis { label: "loss".to_string(), ..Axis::default() },
        series: vec![
            curve("training", losses.iter().map(|both| both[0])),
            curve("test", losses.iter().map(|both| both[1])),
        ],
        ..Lines::default()
    };
    show("loss over epochs", &chart.svg());

    /// A row of the matrix in the format of the chart.
    fn numbers(row: &[u64]) -> Vec<Cell> {
        row.iter().map(|n| Cell::Value(*n as f64)).collect()
    }

    println!("test accuracy {:.3}", found.metrics.accuracy);
    // As above.
    let matrix: HeatMap = HeatMap {
        title: "Confusion matrix (rows: true class, columns: predicted class)".to_string(),
        label: "share of the true class".to_string(),
        unit: "%".to_string(),
        column_label: "predicted".to_string(),
        columns: data.classes.clone(),
        row_label: "true".to_string(),
        rows: data.classes.clone(),
        cells: found.confusion.iter().map(|row| numbers(row)).collect(),
        shares: true,
        ..HeatMap::default()
    };
    show("the confusion matrix", &matrix.svg());

    let best = argmax(&probabilities);
    println!("taken for {} ({:.1} %)", data.classes[best], 100.0 * probabilities[best]);

    Ok(())
}
