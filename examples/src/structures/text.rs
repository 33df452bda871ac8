//! Structures and their probabilities as lines of text, a column for each word.

use super::{Instance, Support};

/// Characters before the first column; those of a column.
const MARGIN: usize = 17;
const COLUMN: usize = 8;
/// Structures that are listed, at most.
const LISTED: usize = 5;

/// The words.
pub fn words(instance: &Instance) -> String {
    let words = instance.words.iter().map(|word| centred(word));
    line("", words)
}

/// The marginals of two distributions in percent, a line for each option: `67|55` for 67 % and
/// 55 %, `<1` below half a percent, `·` at exactly 0.
pub fn marginals(instance: &Instance, name: &str, left: &[f64], right: &[f64]) -> String {
    let options = instance.options.len();
    let lines = instance.options.iter().enumerate().map(|(option, label)| {
        let cells = left.iter().zip(right).skip(option).step_by(options);
        let cells =
            cells.map(|(left, right)| format!("{:>3}|{:<4}", percent(*left), percent(*right)));
        let name = if option == 0 { name } else { "" };
        line(&format!("{name:<10}{label}"), cells)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The structures of a support, a line for each, and how many more there are.
pub fn support(instance: &Instance, name: &str, support: &Support) -> String {
    let listed = support.structures.iter().take(LISTED).enumerate();
    let mut lines: Vec<String> = listed
        .map(|(index, (p, chosen))| {
            let name = if index == 0 { name } else { "" };
            structure(instance, &format!("{name:<10}{}", probability(*p)), chosen)
        })
        .collect();
    let count = support.structures.len();
    if count > LISTED {
        lines.push(line("", [format!("and {} more", count - LISTED)]));
    }
    lines.join("\n")
}

/// One structure: the option of each word.
pub fn structure(instance: &Instance, name: &str, chosen: &[usize]) -> String {
    line(
        name,
        chosen
            .iter()
            .map(|&option| centred(instance.options[option])),
    )
}

/// The `count` parts with the largest derivatives, as `#3 word/option +0.25` of the third word.
pub fn gradient(instance: &Instance, gradient: &[f64], count: usize) -> String {
    let options = instance.options.len();
    let mut parts: Vec<(usize, f64)> = gradient.iter().copied().enumerate().collect();
    parts.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    let parts = parts.into_iter().take(count).map(|(part, slope)| {
        let (word, option) = (
            instance.words[part / options],
            instance.options[part % options],
        );
        let place = part / options + 1;
        format!("#{place} {word}/{option} {slope:+.2}")
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// A probability with two digits; one that they would call 0 is said to be small.
pub fn probability(p: f64) -> String {
    match p {
        _ if p > 0.0 && p < 0.005 => "<0.01".to_string(),
        _ => format!("{p:.2}"),
    }
}

/// So many structures: `1 matching`, `7,310 sequences`.
pub fn counted(count: usize, structure: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {structure}{plural}", grouped(count))
}

/// A whole number with commas between thousands.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn line(name: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells: String = cells.into_iter().collect();
    format!("{name:<MARGIN$}{cells}").trim_end().to_string()
}

fn centred(text: &str) -> String {
    format!("{text:^width$} ", width = COLUMN - 1)
}

fn percent(p: f64) -> String {
    match p {
        0.0 => "·".to_string(),
        _ if p < 0.005 => "<1".to_string(),
        _ => format!("{:.0}", 100.0 * p),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::tagging;

    #[test]
    fn lines_fit_a_screen() {
        let instance = tagging();
        let chosen = vec![1; instance.words.len()];
        let support = Support {
            structures: vec![(0.1, chosen); 10],
            marginals: vec![1.0; instance.unaries.len()],
        };
        let texts = [
            words(&instance),
            marginals(&instance, "in %", &support.marginals, &support.marginals),
            super::support(&instance, "SparseMAP", &support),
            gradient(&instance, &vec![-10.0; instance.unaries.len()], 4),
        ];
        for line in texts.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(texts[2].ends_with("and 5 more"));
        assert_eq!(texts[2].lines().count(), LISTED + 1);
    }

    #[test]
    fn thousands_are_grouped() {
        let counts = [0, 7, 100, 1000, 65_536, 1_048_576, 100_000_000];
        let texts = [
            "0",
            "7",
            "100",
            "1,000",
            "65,536",
            "1,048,576",
            "100,000,000",
        ];
        assert_eq!(counts.map(grouped), texts);
    }

    #[test]
    fn zero_is_told_from_nearly_zero() {
        let cases = [0.0, 1e-300, 0.004, 0.006, 0.5, 1.0];
        assert_eq!(cases.map(percent), ["·", "<1", "<1", "1", "50", "100"]);
        let texts = ["0.00", "<0.01", "<0.01", "0.01", "0.50", "1.00"];
        assert_eq!(cases.map(probability), texts);
    }
}
