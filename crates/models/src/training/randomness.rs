use chacha20::ChaCha8Rng;
use rand::SeedableRng;

/// The generator of one step: it follows from the run's seed, the epoch and the step alone, so that
/// a run that was killed and resumed draws what an uninterrupted one draws.
pub fn generator(seed: u64, epoch: usize, step: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    let parts = [seed, epoch as u64, step as u64];
    for (place, part) in key.chunks_exact_mut(8).zip(parts) {
        place.copy_from_slice(&part.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_step_is_reproducible_and_unlike_every_other() {
        let draw = |seed, epoch, step| generator(seed, epoch, step).next_u64();
        assert_eq!(draw(42, 3, 5), draw(42, 3, 5));
        for other in [
            draw(43, 3, 5),
            draw(42, 5, 3),
            draw(42, 3, 6),
            draw(42, 4, 5),
        ] {
            assert_ne!(draw(42, 3, 5), other);
        }
    }
}
