use chacha20::ChaCha8Rng;
use rand::SeedableRng;

/// Which step of a run draws random numbers.
///
/// All of a step's random numbers follow from this alone, so that a run that was killed and resumed
/// draws what an uninterrupted one draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
    /// The epoch, from 1; 0 is for what happens once in a run.
    pub epoch: usize,
    /// The step within the epoch, from 1; 0 is for what happens once in an epoch.
    pub step: usize,
}

/// Who draws: each has a stream of its own, so that none shifts the numbers of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The choice and order of the examples, and how their pixels are binarized or shifted.
    Data,
    /// Which labelled examples join the others.
    Labelled,
    /// Continuous noise of the model, and which pixels it does not see.
    Noise,
    /// An estimator's samples.
    Estimator,
    /// The samples of an importance-sampling estimate.
    Importance,
}

impl Draw {
    /// The generator of one stream.
    pub fn generator(self, stream: Stream) -> ChaCha8Rng {
        let mut key = [0; 32];
        let parts = [
            self.seed,
            self.epoch as u64,
            self.step as u64,
            stream as u64,
        ];
        for (place, part) in key.chunks_exact_mut(8).zip(parts) {
            place.copy_from_slice(&part.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_step_is_reproducible_and_unlike_every_other() {
        let draw = |seed, epoch, step, stream| {
            let draw = Draw { seed, epoch, step };
            draw.generator(stream).next_u64()
        };
        let one = draw(42, 3, 5, Stream::Data);
        assert_eq!(one, draw(42, 3, 5, Stream::Data));
        for other in [
            draw(43, 3, 5, Stream::Data),
            draw(42, 5, 3, Stream::Data),
            draw(42, 3, 6, Stream::Data),
            draw(42, 4, 5, Stream::Data),
            draw(42, 3, 5, Stream::Noise),
        ] {
            assert_ne!(one, other);
        }
    }
}
