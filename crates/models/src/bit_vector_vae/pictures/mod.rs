//! What a trained model shows: reconstructions, samples, what the supported codes of an image decode to,
//! and what single bits do.

mod support;

use burn::tensor::{Device, Tensor};
use rand::RngExt;

use super::{
    BitVectorVaeLearner, GreyBatch,
    belief::{Belief, Code, codes, flipped},
};
use crate::{
    data::ImageSet,
    pictures::Grid,
    training::{Draw, RunError, RunFolder, Stream, write_whole},
};

/// Images in a row of reconstructions, and rows of them.
const COLUMNS: usize = 16;
const ROWS: usize = 3;
/// Rows and columns of samples.
const SAMPLES: [usize; 2] = [8, COLUMNS];
/// Images whose bits are flipped, and bits that are, at most.
const TRAVERSALS: usize = 8;
const BITS: usize = 32;
/// Images among which the least certain ones are chosen.
const CANDIDATES: usize = 256;

/// Writes, about the images of `set`, `reconstructions.png` (rows of images, each above what their most
/// probable codes decode to), `samples.png` (codes of the prior), `bits.png` (an image, what its most
/// probable code decodes to, and what that becomes when one bit is flipped, for each of the first
/// bits) and `support.svg` (for the images that the encoder is the least certain about, what each
/// supported code decodes to).
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_pictures(
    folder: &RunFolder,
    learner: &BitVectorVaeLearner,
    set: &ImageSet,
    seed: u64,
    device: &Device,
) -> Result<(), RunError> {
    let draw = Draw {
        seed,
        epoch: 0,
        step: usize::MAX,
    };
    let indices: Vec<usize> = (0..set.len().min(CANDIDATES)).collect();
    let batch = GreyBatch::of(set, &indices, draw, device);
    let scores = learner.networks.scores(batch.images);
    let studio = Studio {
        learner,
        set,
        beliefs: Belief::of(&learner.estimator, scores),
        device,
    };
    let grids = [
        ("reconstructions.png", studio.reconstructions()),
        ("samples.png", studio.samples(draw)),
        ("bits.png", studio.bits()),
    ];
    for (name, grid) in grids {
        grid.write(&folder.file(name))?;
    }
    let path = folder.file("support.svg");
    let figure = support::draw(&studio)
        .map_err(|error| RunError::write(&path)(std::io::Error::other(error)))?;
    write_whole(&path, figure.to_string().as_bytes()).map_err(RunError::write(&path))
}

struct Studio<'a> {
    learner: &'a BitVectorVaeLearner,
    set: &'a ImageSet,
    /// Of the first images of the set.
    beliefs: Vec<Belief>,
    device: &'a Device,
}

impl Studio<'_> {
    /// The intensities that codes decode to.
    fn decode(&self, some: &[Code]) -> Vec<Vec<f32>> {
        let mean = |codes: Tensor<2>| self.learner.networks.generator.mean(codes);
        let decode = |some: &[Code]| {
            let images: Vec<f32> = mean(codes(some, self.device)).into_data().iter().collect();
            let images = images.chunks_exact(self.set.pixels());
            images.map(<[f32]>::to_vec).collect::<Vec<_>>()
        };
        // few enough for the probabilities of all levels
        some.chunks(32).flat_map(decode).collect()
    }

    fn image(&self, i: usize) -> Vec<f32> {
        self.set.intensities(i).collect()
    }

    fn reconstructions(&self) -> Grid {
        let mut grid = Grid::new(self.set.size());
        let shown = self.beliefs.len().min(ROWS * COLUMNS);
        let indices: Vec<usize> = (0..shown).collect();
        for indices in indices.chunks(COLUMNS) {
            let images: Vec<Vec<f32>> = indices.iter().map(|&i| self.image(i)).collect();
            let modes: Vec<Code> = indices.iter().map(|&i| self.beliefs[i].mode()).collect();
            grid.row(images.iter().map(Vec::as_slice));
            grid.row(self.decode(&modes).iter().map(Vec::as_slice));
        }
        grid
    }

    fn samples(&self, draw: Draw) -> Grid {
        let mut rng = draw.generator(Stream::Noise);
        let bits = self.learner.networks.bits();
        let mut grid = Grid::new(self.set.size());
        let [rows, columns] = SAMPLES;
        for _ in 0..rows {
            let mut code = |_| (0..bits).map(|_| rng.random()).collect();
            let some: Vec<Code> = (0..columns).map(&mut code).collect();
            grid.row(self.decode(&some).iter().map(Vec::as_slice));
        }
        grid
    }

    fn bits(&self) -> Grid {
        let mut grid = Grid::new(self.set.size());
        for (i, belief) in self.beliefs.iter().take(TRAVERSALS).enumerate() {
            let mode = belief.mode();
            let flips = (0..mode.len().min(BITS)).map(|bit| flipped(&mode, &[bit]));
            let some: Vec<Code> = std::iter::once(mode.clone()).chain(flips).collect();
            let decoded = self.decode(&some);
            let image = self.image(i);
            grid.row(std::iter::once(&image).chain(&decoded).map(Vec::as_slice));
        }
        grid
    }
}
