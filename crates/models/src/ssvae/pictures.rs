//! What a trained model shows: reconstructions, samples of each class, and posteriors.

use burn::tensor::{Device, Int, Tensor, TensorData, activation::sigmoid};
use svg::{Document, node::element::Image};

use super::{BatchPlan, SsvaeLearner};
use crate::{
    data::ImageSet,
    estimators::{CategoricalEstimator, one_hot},
    pictures::{Grid, entropy, figure},
    training::{Draw, RunError, RunFolder, Stream, write_whole},
};

const RECONSTRUCTIONS: usize = 16;
const SAMPLES: usize = 12;
const POSTERIORS: usize = 8;
/// Side of an image in the figure of posteriors, and the space between two.
const SIDE: usize = 72;
const GAP: usize = 14;

/// Writes `reconstructions.png`, `samples.png` and `posteriors.svg`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_pictures(
    folder: &RunFolder,
    learner: &SsvaeLearner,
    set: &ImageSet,
    plan: &BatchPlan,
    device: &Device,
) -> Result<(), RunError> {
    let studio = Studio {
        learner,
        set,
        plan,
        device,
    };
    studio
        .reconstructions()
        .write(&folder.file("reconstructions.png"))?;
    studio.samples().write(&folder.file("samples.png"))?;
    let path = folder.file("posteriors.svg");
    let figure = studio
        .posteriors()
        .map_err(|error| RunError::write(&path)(std::io::Error::other(error)))?;
    write_whole(&path, figure.to_string().as_bytes()).map_err(RunError::write(&path))
}

struct Studio<'a> {
    learner: &'a SsvaeLearner,
    set: &'a ImageSet,
    plan: &'a BatchPlan,
    device: &'a Device,
}

/// Images `[n, pixels]` on the host.
struct Images {
    values: Vec<f32>,
    pixels: usize,
}

impl Images {
    fn of(tensor: Tensor<2>) -> Self {
        let [_, pixels] = tensor.dims();
        let values = tensor.into_data().iter::<f32>().collect();
        Self { values, pixels }
    }

    fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.pixels)
    }
}

impl Studio<'_> {
    const DRAW: usize = usize::MAX;

    fn draw(&self) -> Draw {
        Draw {
            seed: self.plan.seed,
            epoch: 0,
            step: Self::DRAW,
        }
    }

    /// What the generator makes of images `[n, pixels]` when their classes are these.
    fn reconstruct(&self, images: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<2> {
        let networks = &self.learner.networks;
        let codes = one_hot(classes, networks.classes());
        let seen = networks.inference.see(images);
        let posterior = networks.inference.forward(seen, codes.clone());
        sigmoid(networks.generator.forward(posterior.mean, codes))
    }

    /// A row of binarized test images, and one of their reconstructions with the most probable
    /// class.
    fn reconstructions(&self) -> Grid {
        let indices: Vec<usize> = (0..self.set.len().min(RECONSTRUCTIONS)).collect();
        let batch = self
            .plan
            .batch(self.set, &indices, &[], self.draw(), self.device);
        let scores = self.learner.networks.classifier.forward(batch.seen);
        let classes = scores.argmax(1).squeeze_dim(1);
        let mut grid = Grid::new(self.set.size());
        grid.row(Images::of(batch.images.clone()).iter());
        grid.row(Images::of(self.reconstruct(batch.images, classes)).iter());
        grid
    }

    /// A row for each class; the columns have a style in common.
    fn samples(&self) -> Grid {
        let classes = self.learner.networks.classes();
        let mut rng = self.draw().generator(Stream::Noise);
        let styles = super::batches::normal([SAMPLES, self.plan.style], &mut rng, self.device);
        let mut grid = Grid::new(self.set.size());
        for class in 0..classes {
            let class = Tensor::<1, Int>::full([SAMPLES], class as i64, self.device);
            let codes = one_hot(class, classes);
            let logits = self
                .learner
                .networks
                .generator
                .forward(styles.clone(), codes);
            grid.row(Images::of(sigmoid(logits)).iter());
        }
        grid
    }

    /// For the test images whose posteriors have the largest entropies: the image, its class probabilities, and what
    /// each supported class reconstructs.
    fn posteriors(&self) -> Result<Document, image::ImageError> {
        let classes = self.learner.networks.classes();
        let all: Vec<usize> = (0..self.set.len()).collect();
        let batch = self
            .plan
            .batch(self.set, &all, &[], self.draw(), self.device);
        let scores = self.learner.networks.classifier.forward(batch.seen.clone());
        let probs = Images::of(self.learner.estimator.mapping().probs(scores));
        let mut rows: Vec<(usize, &[f32])> = probs.iter().enumerate().collect();
        // the least certain first
        rows.sort_by(|(_, a), (_, b)| entropy(b).total_cmp(&entropy(a)));
        rows.truncate(POSTERIORS);

        let step = SIDE + GAP;
        let width = GAP + step * 2 + SIDE + step * classes;
        let height = 30 + rows.len() * (step + 12);
        let mut page = figure::page(width, height);
        for (text, x) in [
            ("image", GAP),
            ("class probabilities", GAP + step),
            (
                "what each supported class reconstructs",
                GAP + step * 2 + SIDE,
            ),
        ] {
            page = page.add(figure::text(text, x, 18));
        }
        for (line, (index, probs)) in rows.into_iter().enumerate() {
            let y = 30 + line * (step + 12);
            let support: Vec<usize> = (0..classes).filter(|&class| probs[class] > 0.0).collect();
            let index_tensor = Tensor::<1, Int>::from_data(
                TensorData::new(vec![index as i64; support.len()], [support.len()]),
                self.device,
            );
            let images = batch.images.clone().select(0, index_tensor.clone());
            let labels: Vec<i64> = support.iter().map(|&class| class as i64).collect();
            let labels = Tensor::from_data(TensorData::new(labels, [support.len()]), self.device);
            let decoded = Images::of(self.reconstruct(images, labels));
            let seen = Images::of(batch.seen.clone().select(0, index_tensor.narrow(0, 0, 1)));

            for image in seen.iter() {
                page = page.add(self.picture(image, GAP, y)?);
            }
            let label = format!("label {}", self.set.label(index));
            page = page.add(figure::text(label, GAP, y + SIDE + 12));
            for (class, &prob) in probs.iter().enumerate() {
                let bar = (SIDE * 2 + GAP) / classes;
                let (x, tall) = (GAP + step + class * bar, prob * SIDE as f32);
                page = page
                    .add(figure::bar(x, y + SIDE, bar - 2, tall))
                    .add(figure::text(class.to_string(), x + 3, y + SIDE + 12));
            }
            for (place, (image, &class)) in decoded.iter().zip(&support).enumerate() {
                let x = GAP + step * 2 + SIDE + place * step;
                let caption = format!("{class}: {:.2}", probs[class]);
                page = page.add(self.picture(image, x, y)?).add(figure::text(
                    caption,
                    x,
                    y + SIDE + 12,
                ));
            }
        }
        Ok(page)
    }

    fn picture(&self, image: &[f32], x: usize, y: usize) -> Result<Image, image::ImageError> {
        figure::embedded(image, self.set.size(), (x, y), (SIDE, SIDE))
    }
}
