use burn::tensor::Device;

use super::{
    BitVectorVae,
    belief::{Code, LOGITS, codes},
};
use crate::data::ImageSet;

/// Bits of which all codes are tried, at most.
pub(super) const MOST_BITS: usize = 12;

/// The exact log-likelihoods `log p(x)`, in nats, of the images of a set at `indices`: the sum over all
/// codes.
///
/// Each code is decoded once, and every image looks up its levels in what the code makes of all pixels:
/// the cost is that of `2^bits` decoder calls and `images · 2^bits · pixels` look-ups.
///
/// # Panics
///
/// If codes have more than 20 bits, which no patience is enough for.
pub fn enumerate(
    networks: &BitVectorVae,
    set: &ImageSet,
    indices: &[usize],
    device: &Device,
) -> Vec<f64> {
    let bits = networks.bits();
    assert!(
        bits <= 20,
        "enumerate: codes of at most 20 bits, got {bits}"
    );
    let (pixels, levels) = (set.pixels(), networks.levels());
    let together = (LOGITS / (pixels * levels)).max(1);
    let all: Vec<usize> = (0..1 << bits).collect();
    // the largest term of each image so far, and the sum of all relative to it
    let mut sums = vec![(f64::NEG_INFINITY, 0.0); indices.len()];
    for numbers in all.chunks(together) {
        let code = |number: &usize| (0..bits).map(|bit| number >> bit & 1 == 1).collect();
        let some: Vec<Code> = numbers.iter().map(code).collect();
        let log_probs = networks.generator.log_probs(codes(&some, device));
        let log_probs: Vec<f32> = log_probs.into_data().iter().collect();
        for code in log_probs.chunks_exact(pixels * levels) {
            for (&image, (most, sum)) in indices.iter().zip(&mut sums) {
                let looked_up = set.levels(image).iter().zip(code.chunks_exact(levels));
                let term: f64 = looked_up
                    .map(|(&level, pixel)| f64::from(pixel[usize::from(level)]))
                    .sum();
                if term > *most {
                    *sum *= (*most - term).exp();
                    *most = term;
                }
                *sum += (term - *most).exp();
            }
        }
    }
    let prior = networks.prior();
    sums.into_iter()
        .map(|(most, sum)| most + sum.ln() - prior)
        .collect()
}
