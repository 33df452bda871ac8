use rand_distr::{Distribution, StandardNormal};
use sparse_models::training::{Draw, Stream};

/// A structured question: each word gets one of the options, and what is good for one word depends
/// on what the others get.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The words, in their order.
    pub words: Vec<&'static str>,
    /// What a word may get.
    pub options: Vec<&'static str>,
    /// `[words · options]`, row-major: a score for each word and option.
    pub unaries: Vec<f64>,
    /// `[(words − 1) · options · options]`: a score for the options of each two neighbours, that of
    /// the first one first; empty if neighbours have none.
    pub transitions: Vec<f64>,
    /// The option of each word that the loss takes for the truth.
    pub truth: Vec<usize>,
}

impl Instance {
    /// The standard deviation of what [`perturbed`](Self::perturbed) adds.
    pub const NOISE: f64 = 0.3;

    /// All scores multiplied by `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.scores().for_each(|score| *score *= factor);
        self
    }

    /// Normal noise added to all scores, which follows from the seed alone.
    pub fn perturbed(mut self, seed: u64) -> Self {
        let draw = Draw {
            seed,
            epoch: 0,
            step: 0,
        };
        let mut generator = draw.generator(Stream::Noise);
        self.scores().for_each(|score| {
            let noise: f64 = StandardNormal.sample(&mut generator);
            *score += Self::NOISE * noise;
        });
        self
    }

    /// The parts `[words · options]` of the truth, as 0 and 1.
    pub fn truth_parts(&self) -> Vec<f64> {
        let options = 0..self.options.len();
        let rows = self.truth.iter();
        rows.flat_map(|&right| {
            options
                .clone()
                .map(move |option| f64::from(u8::from(option == right)))
        })
        .collect()
    }

    fn scores(&mut self) -> impl Iterator<Item = &mut f64> {
        self.unaries.iter_mut().chain(&mut self.transitions)
    }
}
