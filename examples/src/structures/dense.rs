//! Softmax over all structures: `p(y) ∝ exp(score(y))`, which no structure is left out of.

use super::Instance;

/// Softmax over every structure of an instance, in f64 and in logarithms.
#[derive(Debug, Clone)]
pub struct Dense {
    /// `[words · options]`: the probability that a word has an option.
    pub marginals: Vec<f64>,
    /// The probability of each structure, descending.
    pub probs: Vec<f64>,
}

impl Dense {
    /// Over all sequences of options. The marginals are those of the forward–backward algorithm;
    /// every sequence is enumerated for its own probability, so that `options^words` must fit in
    /// memory.
    pub fn sequences(instance: &Instance) -> Self {
        let states = instance.options.len();
        let scores = sequence_scores(&instance.unaries, &instance.transitions, states);
        Self {
            marginals: forward_backward(&instance.unaries, &instance.transitions, states),
            probs: descending(softmax(&scores)),
        }
    }

    /// Over all matchings that give each word an option of its own, by enumeration.
    ///
    /// # Panics
    ///
    /// If there are more words than options.
    pub fn matchings(instance: &Instance) -> Self {
        let (rows, cols) = (instance.words.len(), instance.options.len());
        let matchings = matchings(rows, cols);
        let score = |chosen: &Vec<usize>| -> f64 {
            let pairs = chosen.iter().enumerate();
            pairs
                .map(|(row, col)| instance.unaries[row * cols + col])
                .sum()
        };
        let probs = softmax(&matchings.iter().map(score).collect::<Vec<_>>());
        let mut marginals = vec![0.0; rows * cols];
        for (p, chosen) in probs.iter().zip(&matchings) {
            for (row, col) in chosen.iter().enumerate() {
                marginals[row * cols + col] += p;
            }
        }
        Self {
            marginals,
            probs: descending(probs),
        }
    }

    /// How many of the most probable structures it takes to hold a probability of `mass`.
    pub fn covering(&self, mass: f64) -> usize {
        let mut held = 0.0;
        let too_few = self.probs.iter().take_while(|p| {
            held += **p;
            held < mass
        });
        (too_few.count() + 1).min(self.probs.len())
    }
}

/// The marginals `[length · states]` of a chain by the forward–backward algorithm (Rabiner 1989),
/// `O(length · states²)`.
fn forward_backward(unaries: &[f64], transitions: &[f64], states: usize) -> Vec<f64> {
    let length = unaries.len() / states;
    let transition =
        |at: usize, from: usize, to: usize| transitions[(at * states + from) * states + to];
    // of all prefixes that end in a state, and of all suffixes that follow it
    let mut forward = unaries.to_vec();
    let mut backward = vec![0.0; unaries.len()];
    for at in 1..length {
        for to in 0..states {
            let arrivals = (0..states)
                .map(|from| forward[(at - 1) * states + from] + transition(at - 1, from, to));
            forward[at * states + to] += log_sum_exp(arrivals);
        }
    }
    for at in (1..length).rev() {
        for from in 0..states {
            let departures = (0..states).map(|to| {
                let next = at * states + to;
                transition(at - 1, from, to) + unaries[next] + backward[next]
            });
            backward[(at - 1) * states + from] = log_sum_exp(departures);
        }
    }
    let total = log_sum_exp(forward[(length - 1) * states..].iter().copied());
    let both = forward.iter().zip(&backward);
    both.map(|(forward, backward)| (forward + backward - total).exp())
        .collect()
}

/// The score of every sequence; those that share a prefix are next to each other.
fn sequence_scores(unaries: &[f64], transitions: &[f64], states: usize) -> Vec<f64> {
    let (first, rest) = unaries.split_at(states);
    let mut scores = first.to_vec();
    for (unaries, transitions) in rest
        .chunks_exact(states)
        .zip(transitions.chunks_exact(states * states))
    {
        let prefixes = scores.iter().enumerate();
        scores = prefixes
            .flat_map(|(index, prefix)| {
                let from = index % states;
                let row = &transitions[from * states..][..states];
                row.iter()
                    .zip(unaries)
                    .map(move |(transition, unary)| prefix + transition + unary)
            })
            .collect();
    }
    scores
}

/// The column of each row, for every way to give the rows columns of their own.
fn matchings(rows: usize, cols: usize) -> Vec<Vec<usize>> {
    assert!(
        rows <= cols,
        "matchings: rows must be at most the columns, {cols}, got {rows}"
    );
    let mut found = vec![Vec::with_capacity(rows)];
    for _ in 0..rows {
        let longer = found.iter().flat_map(|chosen| {
            let free = (0..cols).filter(|col| !chosen.contains(col));
            free.map(|col| [chosen.as_slice(), &[col]].concat())
        });
        found = longer.collect();
    }
    found
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let total = log_sum_exp(scores.iter().copied());
    scores.iter().map(|score| (score - total).exp()).collect()
}

/// `log Σ exp(x)`; the largest is taken out, so that nothing overflows.
fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    largest
        + values
            .map(|value| (value - largest).exp())
            .sum::<f64>()
            .ln()
}

fn descending(mut probs: Vec<f64>) -> Vec<f64> {
    probs.sort_by(|a, b| b.total_cmp(a));
    probs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Sums of a few hundred terms of at most 1, and scores up to 1e3 whose sums are rounded
    /// before they are exponentiated: 1e3 · 2⁻⁵² · a few.
    const TOLERANCE: f64 = 1e-11;

    /// Numbers without a pattern in -1..1.
    fn wild(count: usize, seed: usize) -> Vec<f64> {
        (1..=count)
            .map(|i| (((i + 97 * seed) as f64 * 12.9898).sin() * 43758.5453).fract())
            .collect()
    }

    fn assert_close(found: &[f64], want: &[f64]) {
        assert_eq!(found.len(), want.len());
        for (at, (found, want)) in found.iter().zip(want).enumerate() {
            assert!((found - want).abs() <= TOLERANCE, "{at}: {found}, {want}");
        }
    }

    fn instance(
        words: usize,
        options: usize,
        unaries: Vec<f64>,
        transitions: Vec<f64>,
    ) -> Instance {
        Instance {
            words: vec!["word"; words],
            options: vec!["option"; options],
            unaries,
            transitions,
            truth: vec![0; words],
        }
    }

    /// Every sequence by counting in base `states`, scored part by part.
    #[test]
    fn forward_backward_is_what_enumeration_gives() {
        for (case, (length, states)) in [(1, 3), (2, 2), (4, 3), (5, 2), (3, 1), (3, 5)]
            .into_iter()
            .enumerate()
        {
            // a scale at which exp overflows without logarithms
            for scale in [1.0, 1e3] {
                let of = |count, seed| -> Vec<f64> {
                    wild(count, seed).iter().map(|x| scale * x).collect()
                };
                let unaries = of(length * states, case);
                let transitions = of((length - 1) * states * states, case + 50);
                let found = Dense::sequences(&instance(
                    length,
                    states,
                    unaries.clone(),
                    transitions.clone(),
                ));

                let sequences: Vec<Vec<usize>> = (0..states.pow(length as u32))
                    .map(|code| {
                        let digit = |at: usize| code / states.pow(at as u32) % states;
                        (0..length).map(digit).collect()
                    })
                    .collect();
                let score = |path: &Vec<usize>| {
                    let mut score = 0.0;
                    for at in 0..length {
                        score += unaries[at * states + path[at]];
                        if at > 0 {
                            let pair = path[at - 1] * states + path[at];
                            score += transitions[(at - 1) * states * states + pair];
                        }
                    }
                    score
                };
                let scores: Vec<f64> = sequences.iter().map(score).collect();
                let largest = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
                let total: f64 = weights.iter().sum();
                let mut marginals = vec![0.0; length * states];
                for (path, weight) in sequences.iter().zip(&weights) {
                    for (at, state) in path.iter().enumerate() {
                        marginals[at * states + state] += weight / total;
                    }
                }
                assert_close(&found.marginals, &marginals);
                let mut probs: Vec<f64> = weights.iter().map(|w| w / total).collect();
                probs.sort_by(|a, b| b.partial_cmp(a).unwrap());
                assert_close(&found.probs, &probs);
            }
        }
    }

    /// The permanent by expansion along the first row: the sum over all matchings of the rows.
    fn permanent(weights: &[Vec<f64>]) -> f64 {
        let Some((first, rest)) = weights.split_first() else {
            return 1.0;
        };
        (0..first.len())
            .map(|col| first[col] * permanent(&without(rest, None, col)))
            .sum()
    }

    fn without(weights: &[Vec<f64>], row: Option<usize>, col: usize) -> Vec<Vec<f64>> {
        let rows = weights.iter().enumerate().filter(|(i, _)| Some(*i) != row);
        rows.map(|(_, row)| {
            let kept = row.iter().enumerate().filter(|(j, _)| *j != col);
            kept.map(|(_, weight)| *weight).collect()
        })
        .collect()
    }

    /// The marginal of a pair is its weight times the permanent without its row and column, over
    /// the permanent.
    #[test]
    fn matching_marginals_are_ratios_of_permanents() {
        for (case, (rows, cols)) in [(1, 1), (1, 4), (3, 3), (2, 5), (4, 5)]
            .into_iter()
            .enumerate()
        {
            let scores: Vec<f64> = wild(rows * cols, case).iter().map(|x| 3.0 * x).collect();
            let weights: Vec<Vec<f64>> = scores
                .chunks(cols)
                .map(|row| row.iter().map(|score| score.exp()).collect())
                .collect();
            let all = permanent(&weights);
            let want: Vec<f64> = (0..rows * cols)
                .map(|pair| {
                    let (row, col) = (pair / cols, pair % cols);
                    weights[row][col] * permanent(&without(&weights, Some(row), col)) / all
                })
                .collect();
            let found = Dense::matchings(&instance(rows, cols, scores, Vec::new()));
            assert_close(&found.marginals, &want);
            let count: usize = (0..rows).map(|row| cols - row).product();
            assert_eq!(found.probs.len(), count);
            assert!(found.probs.is_sorted_by(|a, b| a >= b));
        }
    }

    #[test]
    fn covering_counts_the_most_probable() {
        let dense = Dense {
            marginals: Vec::new(),
            probs: vec![0.5, 0.25, 0.125, 0.125],
        };
        let masses = [0.3, 0.5, 0.51, 0.75, 0.8, 1.0, 1.1];
        assert_eq!(
            masses.map(|mass| dense.covering(mass)),
            [1, 1, 2, 2, 3, 4, 4]
        );
    }
}
