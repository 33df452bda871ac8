/// About six round numbers from `low` to `high`.
pub(super) fn linear(low: f64, high: f64) -> Vec<f64> {
    const WANTED: f64 = 6.0;
    let rough = (high - low) / WANTED;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Round numbers from `low`, above 0, to `high` for a logarithmic axis: powers of ten, with 2 and 5
/// between them where they are few, or as on a linear axis where these are too few.
pub(super) fn logarithmic(low: f64, high: f64) -> Vec<f64> {
    let digits: &[f64] = match (high / low).log10() {
        decades if decades > 3.0 => &[1.0],
        _ => &[1.0, 2.0, 5.0],
    };
    let powers = low.log10().floor() as i32..=high.log10().floor() as i32;
    let ticks: Vec<f64> = powers
        .flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)))
        .filter(|tick| (low..=high).contains(tick))
        .collect();
    if ticks.len() < 3 {
        return linear(low, high);
    }
    ticks
}

/// A round number as it is read: without what rounding left behind it.
pub(super) fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_string()
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(linear(0.1, 10.9), [2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(
            linear(-120.0, -99.0),
            [-120.0, -115.0, -110.0, -105.0, -100.0]
        );
        assert_eq!(logarithmic(0.9, 12.0), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(logarithmic(0.5, 2000.0), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(logarithmic(2.1, 4.9), [2.5, 3.0, 3.5, 4.0, 4.5]);
    }
}
