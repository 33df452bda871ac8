//! Dense vectors of f64. Inlined into loops that are compiled for the machine's vector registers.

/// Independent sums, so that the compiler may keep them in registers side by side.
pub(super) const LANES: usize = 8;

#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_sets, b_sets) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_sets
        .remainder()
        .iter()
        .zip(b_sets.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_sets.zip(b_sets) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[inline(always)]
pub(super) fn sum(numbers: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let sets = numbers.chunks_exact(LANES);
    let rest: f64 = sets.remainder().iter().sum();
    for set in sets {
        for lane in 0..LANES {
            sums[lane] += set[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `y += factor · x`
#[inline(always)]
pub(super) fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// `⟨s, μ⟩` where a forbidden part (−∞) has marginal 0.
#[inline(always)]
pub(super) fn masked_dot(scores: &[f64], marginals: &[f64]) -> f64 {
    let term = |score: f64, mean: f64| if mean > 0.0 { score * mean } else { 0.0 };
    let mut sums = [0.0; LANES];
    let (scores, means) = (scores.chunks_exact(LANES), marginals.chunks_exact(LANES));
    let rest = scores.remainder().iter().zip(means.remainder());
    let rest: f64 = rest.map(|(score, mean)| term(*score, *mean)).sum();
    for (scores, means) in scores.zip(means) {
        for lane in 0..LANES {
            sums[lane] += term(scores[lane], means[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest
}
