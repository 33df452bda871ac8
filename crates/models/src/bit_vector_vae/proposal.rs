//! Distributions to draw codes from when a marginal likelihood is estimated. Numbers only; no tensors.

use rand::{Rng, RngExt};

use super::belief::Code;

/// A distribution over codes that can be sampled, and whose density is known.
#[derive(Debug, Clone)]
pub(super) enum Component {
    /// Bits that are on independently of each other.
    Independent(Independent),
    /// One of some codes, with their probabilities, in which each bit is flipped with probability
    /// `flip`.
    Flipped { codes: Vec<(Code, f64)>, flip: f64 },
}

/// Independent bits.
#[derive(Debug, Clone)]
pub(super) struct Independent {
    on: Vec<f64>,
    log_on: Vec<f64>,
    log_off: Vec<f64>,
}

impl Component {
    /// Each bit is on with its probability.
    pub fn independent(on: Vec<f64>) -> Self {
        Self::Independent(Independent {
            log_on: on.iter().map(|p| p.ln()).collect(),
            log_off: on.iter().map(|p| (-p).ln_1p()).collect(),
            on,
        })
    }

    /// As [`independent`](Self::independent), with probabilities that are at least `least` away from 0
    /// and 1.
    pub fn defensive(on: impl IntoIterator<Item = f64>, least: f64) -> Self {
        Self::independent(
            on.into_iter()
                .map(|p| p.clamp(least, 1.0 - least))
                .collect(),
        )
    }

    fn sample(&self, rng: &mut impl Rng) -> Code {
        match self {
            Self::Independent(bits) => {
                let on = bits.on.iter();
                on.map(|&p| rng.random::<f64>() < p).collect()
            }
            Self::Flipped { codes, flip } => {
                let mut left = rng.random::<f64>();
                let chosen = codes.iter().find(|(_, prob)| {
                    left -= prob;
                    left < 0.0
                });
                // rounding may leave a rest
                let code = chosen.or(codes.last()).map(|(code, _)| code.clone());
                let mut code = code.unwrap_or_default();
                for bit in &mut code {
                    *bit ^= rng.random::<f64>() < *flip;
                }
                code
            }
        }
    }

    fn log_density(&self, code: &[bool]) -> f64 {
        match self {
            Self::Independent(bits) => {
                let choices = code.iter().zip(bits.log_on.iter().zip(&bits.log_off));
                choices
                    .map(|(bit, (on, off))| if *bit { on } else { off })
                    .sum()
            }
            Self::Flipped { codes, flip } => {
                let (flipped, kept) = (flip.ln(), (-flip).ln_1p());
                let terms = codes.iter().map(|(other, prob)| {
                    let pairs = code.iter().zip(other);
                    let distance = pairs.filter(|(a, b)| a != b).count();
                    let rest = code.len() - distance;
                    prob.ln() + distance as f64 * flipped + rest as f64 * kept
                });
                log_sum_exp(&terms.collect::<Vec<_>>())
            }
        }
    }
}

/// A mixture whose components give as many samples as their weights say, exactly: with the density of
/// the whole mixture below, each sample counts as one of the mixture (the balance heuristic), and none
/// has a weight above that of the component that would give it most often. Source: Veach & Guibas,
/// [Optimally Combining Sampling Techniques for Monte Carlo
/// Rendering](https://doi.org/10.1145/218380.218498), 1995.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    components: Vec<(Component, usize)>,
    samples: usize,
}

impl Mixture {
    /// `samples` in all, shared among the components by their weights, by largest remainders. A
    /// component without a sample is not in the mixture.
    pub fn new(weighted: Vec<(f64, Component)>, samples: usize) -> Self {
        let total: f64 = weighted.iter().map(|(weight, _)| weight).sum();
        let ideal: Vec<f64> = weighted
            .iter()
            .map(|(weight, _)| weight / total * samples as f64)
            .collect();
        let mut counts: Vec<usize> = ideal.iter().map(|share| share.floor() as usize).collect();
        let mut order: Vec<usize> = (0..ideal.len()).collect();
        order.sort_by(|&a, &b| ideal[b].fract().total_cmp(&ideal[a].fract()));
        let missing = samples.saturating_sub(counts.iter().sum());
        for &component in order.iter().take(missing) {
            counts[component] += 1;
        }
        let components = weighted
            .into_iter()
            .zip(counts)
            .map(|((_, component), count)| (component, count))
            .filter(|(_, count)| *count > 0);
        Self {
            components: components.collect(),
            samples,
        }
    }

    /// All samples, one after the other.
    pub fn sample(&self, rng: &mut impl Rng) -> Vec<Code> {
        let mut codes = Vec::with_capacity(self.samples);
        for (component, count) in &self.components {
            codes.extend((0..*count).map(|_| component.sample(rng)));
        }
        codes
    }

    /// The log-density of a code under the mixture.
    pub fn log_density(&self, code: &[bool]) -> f64 {
        let terms = self.components.iter().map(|(component, count)| {
            let share = *count as f64 / self.samples as f64;
            share.ln() + component.log_density(code)
        });
        log_sum_exp(&terms.collect::<Vec<_>>())
    }
}

/// `log Σ exp`; −∞ for nothing.
pub(super) fn log_sum_exp(terms: &[f64]) -> f64 {
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if terms.iter().all(|&term| term == f64::NEG_INFINITY) {
        return most;
    }
    let sum: f64 = terms.iter().map(|term| (term - most).exp()).sum();
    most + sum.ln()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn mixture(samples: usize) -> Mixture {
        let codes = vec![
            (vec![true, false, true], 0.75),
            (vec![false, false, true], 0.25),
        ];
        let flipped = Component::Flipped { codes, flip: 0.1 };
        let bits = Component::defensive([0.0, 0.3, 1.0], 0.05);
        Mixture::new(vec![(2.0, flipped), (1.0, bits)], samples)
    }

    fn all() -> Vec<Code> {
        let bit = |number: u8, bit: u8| number >> bit & 1 == 1;
        (0..8)
            .map(|number| (0..3).map(|i| bit(number, i)).collect())
            .collect()
    }

    #[test]
    fn densities_sum_to_one_and_are_the_frequencies_of_samples() {
        let samples = 30_000;
        let mixture = mixture(samples);
        let densities: Vec<f64> = all().iter().map(|z| mixture.log_density(z).exp()).collect();
        // f64 sums of eight terms
        assert!((densities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let drawn = mixture.sample(&mut chacha20::ChaCha8Rng::seed_from_u64(3));
        assert_eq!(drawn.len(), samples);
        for (code, density) in all().iter().zip(densities) {
            let count = drawn.iter().filter(|other| *other == code).count();
            // five standard deviations of a binomial frequency, of eight codes with a fixed seed
            let allowed = 5.0 * (density * (1.0 - density) / samples as f64).sqrt();
            let frequency = count as f64 / samples as f64;
            assert!((frequency - density).abs() < allowed, "{code:?}");
        }
    }

    #[test]
    fn samples_are_shared_exactly_and_the_density_knows_how() {
        let counts = |samples| {
            let counts = mixture(samples).components;
            counts
                .into_iter()
                .map(|(_, count)| count)
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(1), [1]);
        assert_eq!(counts(2), [1, 1]);
        assert_eq!(counts(10), [7, 3]);
        for samples in [1, 2, 10] {
            let mixture = mixture(samples);
            let total: f64 = all().iter().map(|z| mixture.log_density(z).exp()).sum();
            assert!((total - 1.0).abs() < 1e-12, "{samples}: {total}");
        }
    }
}
