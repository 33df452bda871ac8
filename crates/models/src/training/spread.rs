use std::fmt;

/// The mean of a figure over runs, and how far runs are from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation, whose squares are divided by one less than there are values;
    /// `None` of a single value, which has none.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of some values; `None` where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (!values.is_empty()).then(|| Self {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        })
    }
}

/// `mean ± deviation` with three decimals, of large means with fewer.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.mean.abs() {
            size if size >= 100.0 => 1,
            size if size >= 10.0 => 2,
            _ => 3,
        };
        write!(f, "{:.decimals$}", self.mean)?;
        match self.deviation {
            Some(deviation) => write!(f, " ± {deviation:.decimals$}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 9 + 1 + 1 + 1 + 4 + 16 = 32, over 7.
    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        // one rounding of a square root
        let close = |a: f64, b: f64| (a - b).abs() < 1e-15;
        assert!(spread.is_some_and(|spread| {
            spread.mean == 5.0
                && spread
                    .deviation
                    .is_some_and(|deviation| close(deviation, (32f64 / 7.0).sqrt()))
        }));
        let two = Spread::of(&[1.0, 2.0]).map(|spread| spread.to_string());
        assert_eq!(two.as_deref(), Some("1.500 ± 0.707"));
    }

    #[test]
    fn one_value_has_no_deviation_and_none_no_mean() {
        let one = Spread {
            mean: -123.456,
            deviation: None,
        };
        assert_eq!(Spread::of(&[-123.456]), Some(one));
        assert_eq!(one.to_string(), "-123.5");
        assert_eq!(Spread::of(&[]), None);
    }
}
