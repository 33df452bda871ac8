//! Many random instances of all structures, each proven by its certificate; small ones of bits without
//! additional parts against all of their structures.

use super::*;
use crate::structure::enumerate::bit_vectors;

const ROUNDS: u64 = 1000;
const ROWS: usize = 10;
/// Of the parts of one small enough to try all structures.
const FEW: usize = 9;
/// Of the parts where the active set also does what closed forms do otherwise: pairs that matter more
/// than the penalty cost it many pivots.
const SOME: usize = 24;

/// Sizes from 1 to 256 parts, scores of scales from 1e-3 to 1e3, integers with ties, duplicates, all
/// equal, alternating, one huge, masks; with the closed forms and without.
#[test]
fn a_hundred_thousand_random_instances() {
    let mut draws = Draws::new(2026);
    let mut instances = 0;
    for round in 0..ROUNDS {
        let active = round % 4 == 0;
        let options = SparseMapOptions::default().with_closed_form(!active);
        let most = match round % 5 {
            0 => FEW,
            _ if active => SOME,
            _ => 256,
        };
        let mut size = |most: usize| 1 + (draws.uniform() * most as f64) as usize;
        let (n, small) = (size(most), size(most.min(16)));
        let (length, states, budget) = (size(most.min(24)), size(6), size(n));
        let columns = size(16);
        let kind = (draws.uniform() * 7.0) as usize;
        let mut scores = |parts: usize| -> Vec<f64> {
            let scale = 10f64.powf(draws.uniform() * 6.0 - 3.0);
            let huge = (draws.uniform() * parts as f64) as usize;
            let sign = [1.0, -1.0][round as usize % 2];
            (0..ROWS * parts)
                .map(|part| match kind {
                    0 | 1 => draws.normal() * scale,
                    2 => (draws.normal() * 2.0).round(),
                    3 => (draws.normal() * 2.0).round() / 4.0,
                    4 => [0.3, -0.3, 0.3 * scale][round as usize % 3] * [1.0, -1.0][part % 2],
                    5 if part % parts == huge => sign * 1e3 * scale,
                    6 if draws.uniform() < 0.1 => -1e9,
                    _ => draws.normal(),
                })
                .collect()
        };
        macro_rules! prove {
            ($($structure:expr),+ $(,)?) => {$({
                let structure = $structure;
                let scores = scores(parts(&structure));
                let solution = proven(&structure, &scores, &options);
                nothing_is_better(&structure, &solution, &scores);
                instances += solution.batch();
            })+};
        }
        let one_sided = |budget: Budget| {
            if round % 2 == 0 {
                budget.one_sided()
            } else {
                budget
            }
        };
        let with_ends = |chain: Sequence| {
            if round % 2 == 0 {
                chain.with_ends()
            } else {
                chain
            }
        };
        let rooted = |tree: Arborescence| {
            if round % 2 == 0 {
                tree.single_root()
            } else {
                tree
            }
        };
        prove!(
            BitVector::new(n).unwrap(),
            one_sided(Budget::new(n, budget).unwrap()),
            BinarySequence::new(n).unwrap(),
            OneOf::new(n).unwrap(),
            AtMostOne::new(n).unwrap(),
            Or::new(n).unwrap(),
            with_ends(Sequence::new(length, states).unwrap()),
            Assignment::new(small, columns).unwrap(),
            rooted(Arborescence::new(small).unwrap()),
            Knapsack::new(
                (0..small).map(|i| (1 + i % 5) as f64).collect::<Vec<_>>(),
                7.0
            )
            .unwrap(),
        );
    }
    assert_eq!(instances, 100_000);
}

/// Of a small set without additional parts, all structures: the oracle is not asked.
#[track_caller]
fn nothing_is_better<S: Structure>(structure: &S, solution: &Solution, scores: &[f64]) {
    let n = structure.unaries();
    if n > FEW || structure.additionals() > 0 {
        return;
    }
    let members: Vec<Parts> = bit_vectors(n)
        .filter(|parts| structure.contains(parts))
        .collect();
    let shift = if structure.penalty() == Penalty::OnOff {
        0.5
    } else {
        0.0
    };
    for (row, scores) in scores.chunks_exact(n).enumerate() {
        let means = solution.row_marginals(row);
        let pairs = scores.iter().zip(means);
        let reduced: Vec<f64> = pairs
            .map(|(score, mean)| solution.slope * score + shift - mean)
            .collect();
        let of = |parts: &Parts| parts.iter().map(|part| reduced[part]).sum::<f64>();
        let level: f64 = reduced
            .iter()
            .zip(means)
            .map(|(score, mean)| score * mean)
            .sum();
        let scale = means.iter().zip(scores).filter(|(mean, _)| **mean > 0.0);
        let scale = scale.map(|(_, score)| score.abs()).fold(1.0, f64::max);
        for member in &members {
            let gap = of(member) - level;
            assert!(
                gap <= 1e-10 * scale,
                "{member:?} is better by {gap} at scale {scale}"
            );
        }
    }
}
