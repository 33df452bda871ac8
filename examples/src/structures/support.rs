use burn::tensor::Tensor;
use sparse_ops::{Parts, SparseDistribution};

/// What one sparse distribution has, on the host.
#[derive(Debug, Clone)]
pub struct Support {
    /// The structures with their probabilities, the most probable first; each has the option of
    /// every word.
    pub structures: Vec<(f64, Vec<usize>)>,
    /// `[words · options]`
    pub marginals: Vec<f64>,
}

impl Support {
    /// Reads back a distribution of one batch row, over structures with one of `options` for each
    /// word.
    pub fn of(q: &SparseDistribution<Tensor<2>>, options: usize) -> Self {
        let [_, parts] = q.outcomes().dims();
        let bits: Vec<f64> = q.outcomes().to_data().iter().collect();
        let probs = q.probs().into_data();
        let chosen = bits.chunks_exact(parts).map(|bits| {
            let ones = (0..parts).filter(|&part| bits[part] > 0.5);
            ones.map(|part| part % options).collect()
        });
        let mut structures: Vec<(f64, Vec<usize>)> = probs.iter::<f64>().zip(chosen).collect();
        structures.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        Self {
            structures,
            marginals: q.marginals().into_data().iter().collect(),
        }
    }

    /// The option of every word in one structure.
    pub fn choices(parts: &Parts, options: usize) -> Vec<usize> {
        parts.iter().map(|part| part % options).collect()
    }
}
