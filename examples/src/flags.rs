//! Values of flags: what is allowed, and what is said of the rest.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// One of a few, by its name.
pub fn one_of<T, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.map(name)).map(move |given| {
        let found = all.into_iter().find(|one| name(*one) == given);
        found.expect("clap has checked that it is one of the names")
    })
}

/// A whole number from 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("must be a whole number, at least 1".to_string()),
    }
}

/// A whole number of an unsigned type.
pub fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "must be a whole number, 0 or above, of at most 64 bits".to_string())
}

/// A finite number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("must be a number above 0".to_string()),
    }
}

/// A finite number, 0 or above.
pub fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number >= 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("must be a number, 0 or above".to_string()),
    }
}

/// The learning rate at the end of a training: as `given`, or as far below that at the start, `lr`, as
/// it is among the settings that the flags replace.
pub fn final_lr(given: Option<f64>, lr: f64, base_lr: f64, base_final_lr: f64) -> f64 {
    match given {
        Some(given) => given,
        // no other number, by rounding, when a run is continued
        None if lr == base_lr => base_final_lr,
        None => (base_final_lr * lr / base_lr).min(lr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_at_the_end_is_neither_moved_by_rounding_nor_above_that_at_the_start() {
        for i in 1..1000 {
            let lr = f64::from(i) * 1e-4;
            let chosen = final_lr(None, lr, 2e-3, 1e-4);
            assert!((chosen / lr - 0.05).abs() < 1e-12);
            assert_eq!(final_lr(None, lr, lr, chosen), chosen);
            assert!(final_lr(None, lr, 5e-3, 5e-3) <= lr);
        }
        assert_eq!(final_lr(Some(0.25), 1.0, 2e-3, 1e-4), 0.25);
    }
}
