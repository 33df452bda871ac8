//! The solver against what shares no code with it: the Wolfe gap by the structure's own oracle
//! proves a solution optimal, central differences of proven marginals give their Jacobian, and the
//! closed forms and the active set are two ways to the same marginals.

mod masks;
mod oracles;
mod random_instances;
mod warm_starts;

use super::*;
use crate::splitmix::SplitMix;
use crate::structure::*;

struct Draws(SplitMix);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(SplitMix(seed))
    }

    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }

    /// Box–Muller.
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    fn normals(&mut self, count: usize, deviation: f64) -> Vec<f64> {
        (0..count).map(|_| self.normal() * deviation).collect()
    }
}

fn parts<S: Structure>(structure: &S) -> usize {
    structure.unaries() + structure.additionals()
}

fn ways() -> [SparseMapOptions; 2] {
    let closed = SparseMapOptions::default();
    [closed, closed.with_closed_form(false)]
}

/// Solves, and proves each row: p is a distribution with the marginals, and no structure scores
/// more at `η − μ` than the support, up to the rounding of a sum of as many scores.
#[track_caller]
fn proven<S: Structure>(structure: &S, scores: &[f64], options: &SparseMapOptions) -> Solution {
    let solution = solve(structure, scores, options, true);
    prove(&solution, structure, scores);
    solution
}

#[track_caller]
fn prove<S: Structure>(solution: &Solution, structure: &S, scores: &[f64]) {
    let (n, slope) = (structure.unaries(), solution.slope);
    for (row, scores) in scores.chunks_exact(parts(structure)).enumerate() {
        assert_eq!(
            solution.status[row],
            SolveStatus::Converged,
            "{:?}",
            solution.certificates[row]
        );
        let (unaries, additionals) = scores.split_at(n);
        let additionals: Vec<f64> = additionals.iter().map(|score| slope * score).collect();
        // the largest score of a part that is on in a supported vertex or in the best one
        let largest = |vertex: &Parts| {
            let gains = vertex.additionals().iter();
            let gains = gains.map(|&part| additionals[part as usize].abs());
            let unaries = vertex.iter().map(|part| unaries[part].abs());
            unaries.chain(gains).fold(1.0, f64::max)
        };
        let mut scale = 1.0;
        let (mut mean, mut gain, mut total) = (vec![0.0; n], 0.0, 0.0);
        for index in solution.entries(row) {
            let prob = solution.probs[index];
            assert!(prob > 0.0);
            total += prob;
            let mut vertex = Parts::new(n);
            solution.vertex(row, index, &mut vertex);
            assert!(structure.contains(&vertex), "no structure: {vertex:?}");
            scale = largest(&vertex).max(scale);
            vertex.iter().for_each(|part| mean[part] += prob);
            let gains = vertex.additionals().iter();
            gain += prob * gains.map(|&part| additionals[part as usize]).sum::<f64>();
        }
        assert!((total - 1.0).abs() < 1e-12, "Σp = {total}");
        let given = solution.row_marginals(row);
        assert!(mean.iter().zip(given).all(|(a, b)| (a - b).abs() < 1e-11));
        let shift = if structure.penalty() == Penalty::OnOff {
            0.5
        } else {
            0.0
        };
        let reduced: Vec<f64> = unaries
            .iter()
            .zip(&mean)
            .map(|(score, mean)| slope * score + shift - mean)
            .collect();
        let scores = Scores {
            unaries: &reduced,
            additionals: &additionals,
        };
        let mut best = Parts::new(n);
        structure.argmax(scores, &mut Default::default(), &mut best);
        let at_mean = reduced.iter().zip(&mean).filter(|(_, mean)| **mean > 0.0);
        let level: f64 = at_mean.map(|(score, mean)| score * mean).sum();
        scale = largest(&best).max(scale);
        let gap = scores.of(&best) - level - gain;
        assert!(gap <= 1e-10 * scale, "gap {gap} at scale {scale}");
    }
}

/// Normal scores of several sizes, integers with ties, all equal, alternating, one huge.
fn trials(rows: usize, parts: usize, seed: u64) -> impl Iterator<Item = Vec<f64>> {
    let mut draws = Draws::new(seed);
    let count = rows * parts;
    (0..9).map(move |trial| match trial {
        0..5 => draws.normals(count, [1e-3, 0.3, 1.0, 3.0, 1e3][trial]),
        5 => draws
            .normals(count, 2.0)
            .iter()
            .map(|score| score.round())
            .collect(),
        6 => vec![0.25; count],
        7 => (0..count)
            .map(|part| if part % 2 == 0 { 0.7 } else { -0.7 })
            .collect(),
        _ => (0..count)
            .map(|part| if part % parts == 0 { 1e6 } else { 0.0 })
            .collect(),
    })
}

fn agrees<S: Structure>(structure: S) {
    let rows = 4;
    for scores in trials(rows, parts(&structure), parts(&structure) as u64) {
        let [closed, active] = ways().map(|options| proven(&structure, &scores, &options));
        for (a, b) in closed.marginals.iter().zip(&active.marginals) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}

#[test]
fn every_structure_is_solved() {
    for n in [1, 2, 5, 17, 64, 65, 128] {
        agrees(BitVector::new(n).unwrap());
        agrees(Budget::new(n, n.div_ceil(4)).unwrap());
        agrees(Budget::new(n, n.div_ceil(2)).unwrap().one_sided());
        agrees(OneOf::new(n).unwrap());
        agrees(AtMostOne::new(n).unwrap());
        agrees(Or::new(n).unwrap());
    }
    for (length, states) in [(1, 1), (1, 4), (5, 3), (12, 4)] {
        agrees(Sequence::new(length, states).unwrap());
        agrees(Sequence::new(length, states).unwrap().with_ends());
    }
    for (rows, columns) in [(1, 1), (2, 2), (2, 3), (5, 5), (7, 4), (12, 12)] {
        agrees(Assignment::new(rows, columns).unwrap());
    }
    for n in [1, 2, 4, 7] {
        agrees(Arborescence::new(n).unwrap());
        agrees(Arborescence::new(n).unwrap().single_root());
    }
    agrees(Knapsack::new([1.0, 2.0, 2.5, 0.5, 0.0], 3.0).unwrap());
}

/// The closed form takes any scores; without it, pairs that matter more than the penalty are a
/// linear program of many pivots, so that the active set is compared where they do not.
#[test]
fn chains_of_bits_are_solved() {
    for n in [1, 2, 3, 16, 33] {
        let structure = BinarySequence::new(n).unwrap();
        for scores in trials(4, parts(&structure), n as u64) {
            proven(&structure, &scores, &SparseMapOptions::default());
        }
        for deviation in [0.3, 1.0, 3.0] {
            let scores = Draws::new(3).normals(4 * parts(&structure), deviation);
            let [closed, active] = ways().map(|options| proven(&structure, &scores, &options));
            let pairs = closed.marginals.iter().zip(&active.marginals);
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
        }
    }
    // bits without a pair's score are not fused, though their marginals are equal
    let structure = BinarySequence::new(3).unwrap();
    let solution = proven(&structure, &[0.0; 5], &SparseMapOptions::default());
    assert_eq!(
        solution.marginals_backward(&[1.0, 2.0, 4.0])[..3],
        [0.5, 1.0, 2.0]
    );
    // where the paper's solver does not converge
    let structure = BinarySequence::new(128).unwrap();
    let scores = Draws::new(5).normals(64 * parts(&structure), 1.0);
    let [closed, active] = ways().map(|options| proven(&structure, &scores, &options));
    let pairs = closed.marginals.iter().zip(&active.marginals);
    pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
}

/// The active set would solve them too, as [`every_structure_is_solved`] shows: it is not asked.
#[test]
fn permutations_are_solved_in_closed_form() {
    for n in [1, 2, 3, 8, 20, 65] {
        for deviation in [0.1, 1.0, 2.0] {
            let structure = Assignment::new(n, n).unwrap();
            let scores = Draws::new(n as u64).normals(4 * n * n, deviation);
            let solution = proven(&structure, &scores, &SparseMapOptions::default());
            let closed = |proof: &Certificate| proof.iterations == 0;
            // of two members, one permutation is soon the whole of the distribution
            let all = n == 1 || n > 3 || deviation == 0.1;
            assert!(
                !all || solution.certificates.iter().all(closed),
                "{n} {deviation}"
            );
        }
    }
}

/// What a constant in each row or column takes away has no say in a permutation.
#[test]
fn offsets_of_permutations_cost_no_digits() {
    let (n, options) = (8, SparseMapOptions::default());
    let structure = Assignment::new(n, n).unwrap();
    let scores = Draws::new(3).normals(n * n, 1.0);
    let want = proven(&structure, &scores, &options);
    for offset in [-1e4, -1e9, 1e12] {
        for row in [0, 5] {
            let moved = scores.iter().enumerate();
            let in_row = |at: usize| at / n == row;
            let in_column = |at: usize| at % n == row;
            let every = |_: usize| true;
            let which: [&dyn Fn(usize) -> bool; 3] = [&in_row, &in_column, &every];
            for moves in which {
                let shift =
                    |(at, score): (usize, &f64)| score + if moves(at) { offset } else { 0.0 };
                let moved: Vec<f64> = moved.clone().map(shift).collect();
                let got = solve(&structure, &moved, &options, true);
                assert_eq!(got.certificates[0].iterations, 0);
                // scores are rounded by the offset
                let rounding = 4.0 * f64::EPSILON * offset.abs() + 1e-13;
                let pairs = got.marginals.iter().zip(&want.marginals);
                pairs.for_each(|(a, b)| assert!((a - b).abs() < rounding, "{a} {b} {offset}"));
            }
        }
    }
}

/// A distribution over permutations that span the face moves with its marginals: the gradient of
/// `⟨μ, d⟩` is the same by way of p and by way of μ.
#[test]
fn permutations_have_the_gradient_of_their_marginals() {
    let mut compared = 0;
    for n in [3, 5, 8] {
        let structure = Assignment::new(n, n).unwrap();
        for seed in 0..8 {
            let scores = Draws::new(seed).normals(n * n, 1.0);
            let solution = proven(&structure, &scores, &SparseMapOptions::default());
            let pairs = solution
                .marginals
                .iter()
                .filter(|mean| **mean > 0.0)
                .count();
            // of a connected graph
            if solution.certificates[0].iterations > 0 || solution.probs.len() + 2 * n != pairs + 2
            {
                continue;
            }
            let d = Draws::new(seed + 100).normals(n * n, 1.0);
            let of_vertices = solution.entries(0).map(|index| {
                let parts = solution.vertices.iter(index);
                parts.map(|part| d[part]).sum()
            });
            let of_vertices: Vec<f64> = of_vertices.collect();
            let by_probs = solution.probs_backward(&of_vertices);
            let by_marginals = solution.marginals_backward(&d);
            let both = by_probs.iter().zip(&by_marginals);
            both.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared}");
}

/// Central differences of the marginals. Their step is well above the square root of the rounding
/// of a solution (1e-14) and far below the distance of normal scores to a kink.
fn jacobian<S: Structure>(structure: &S, scores: &[f64], options: &SparseMapOptions) {
    const STEP: f64 = 1e-6;
    let solution = proven(structure, scores, options);
    let weights = Draws::new(11).normals(solution.marginals.len(), 1.0);
    let value = |scores: &[f64]| -> f64 {
        let marginals = solve(structure, scores, options, false).marginals;
        marginals
            .iter()
            .zip(&weights)
            .map(|(mean, weight)| mean * weight)
            .sum()
    };
    let gradient = solution.marginals_backward(&weights);
    for (part, got) in gradient.iter().enumerate() {
        let mut moved = scores.to_vec();
        moved[part] += STEP;
        let above = value(&moved);
        moved[part] -= 2.0 * STEP;
        let want = (above - value(&moved)) / (2.0 * STEP);
        assert!((got - want).abs() < 1e-6, "part {part}: {got} {want}");
    }
}

#[test]
fn marginals_have_the_jacobian_of_the_optimal_face() {
    for options in ways() {
        for deviation in [0.3, 1.0, 3.0] {
            let draw = |parts: usize| Draws::new(parts as u64).normals(parts, deviation);
            for n in [3, 24, 48] {
                jacobian(&BitVector::new(n).unwrap(), &draw(n), &options);
                jacobian(&Budget::new(n, n / 3).unwrap(), &draw(n), &options);
                jacobian(&BinarySequence::new(n).unwrap(), &draw(2 * n - 1), &options);
            }
            jacobian(&Sequence::new(5, 3).unwrap(), &draw(51), &options);
            jacobian(&Assignment::new(4, 5).unwrap(), &draw(20), &options);
            jacobian(&Assignment::new(5, 5).unwrap(), &draw(25), &options);
            jacobian(&Arborescence::new(5).unwrap(), &draw(25), &options);
        }
    }
}

/// The Jacobians of the bits are known: ½ where a marginal is between 0 and 1; under a budget that
/// binds, less their mean.
#[test]
fn bits_have_their_jacobian_at_any_length_and_at_ties() {
    for n in [32, 48, 64, 128, 256] {
        let trials = [
            Draws::new(n as u64).normals(n, 0.3),
            Draws::new(n as u64).normals(n, 1.0),
            Draws::new(n as u64).normals(n, 3.0),
            vec![0.0; n],
            (0..n)
                .map(|bit| if bit % 3 == 0 { 0.5 } else { 7.0 })
                .collect(),
            // saturated, far away and nearly
            (0..n)
                .map(|bit| [-1.0 - 1e-6, 1.0 + 1e-6, -40.0, 0.3][bit % 4])
                .collect(),
        ];
        let grad = Draws::new(1).normals(n, 1.0);
        for (scores, options) in trials
            .iter()
            .flat_map(|t| ways().map(|options| (t, options)))
        {
            let solution = proven(&BitVector::new(n).unwrap(), scores, &options);
            let got = solution.marginals_backward(&grad);
            for ((score, got), grad) in scores.iter().zip(&got).zip(&grad) {
                let want = if score.abs() < 1.0 { 0.5 * grad } else { 0.0 };
                assert!(
                    (got - want).abs() < 1e-9,
                    "{got} {want} at {score}, {options:?}"
                );
            }

            let structure = Budget::new(n, 5).unwrap();
            let solution = proven(&structure, scores, &options);
            let (means, binds) = budgeted(scores, 5.0);
            for (got, want) in solution.marginals.iter().zip(&means) {
                assert!((got - want).abs() < 1e-9, "{got} {want}, {options:?}");
            }
            let free = |mean: f64| mean > 1e-9 && mean < 1.0 - 1e-9;
            let moving = means.iter().filter(|mean| free(**mean)).count() as f64;
            let pairs = means.iter().zip(&grad).filter(|(mean, _)| free(**mean));
            let shift = pairs.map(|(_, grad)| grad).sum::<f64>() / moving;
            let got = solution.marginals_backward(&grad);
            for ((mean, got), grad) in means.iter().zip(&got).zip(&grad) {
                let want = 0.5 * (grad - if binds { shift } else { 0.0 });
                let want = if free(*mean) { want } else { 0.0 };
                assert!(
                    (got - want).abs() < 1e-8,
                    "{got} {want} at {mean}, {options:?}"
                );
            }
        }
    }
}

/// The marginals of bits of which at most `budget` may be on, by bisection of the threshold, and
/// whether the budget binds.
fn budgeted(scores: &[f64], budget: f64) -> (Vec<f64>, bool) {
    let means = |tau: f64| -> Vec<f64> {
        let all = scores
            .iter()
            .map(|score| ((score + 1.0) / 2.0 - tau).clamp(0.0, 1.0));
        all.collect()
    };
    let sum = |tau: f64| means(tau).iter().sum::<f64>();
    if sum(0.0) <= budget {
        return (means(0.0), false);
    }
    let (mut low, mut high) = (0.0, 1e3);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if sum(middle) > budget {
            low = middle;
        } else {
            high = middle;
        }
    }
    (means(high), true)
}

#[test]
fn closed_probabilities_have_the_gradient_of_their_vertices() {
    fn check<S: Structure>(structure: S, deviation: f64) {
        let scores = Draws::new(9).normals(4 * parts(&structure), deviation);
        let solution = solve(&structure, &scores, &SparseMapOptions::default(), false);
        let grad = Draws::new(2).normals(solution.probs.len(), 1.0);
        let got = solution.probs_backward(&grad);
        let want = solution.by_vertices().probs_backward(&grad);
        for (got, want) in got.iter().zip(&want) {
            // the system of the vertices is the worse conditioned, the closer two marginals are
            assert!(
                (got - want).abs() < 1e-6 * (1.0 + want.abs()),
                "{got} {want}"
            );
        }
    }
    for deviation in [0.3, 1.0, 3.0] {
        for n in [1, 2, 7, 40] {
            check(BitVector::new(n).unwrap(), deviation);
            check(Budget::new(n, n.div_ceil(3)).unwrap(), deviation);
            check(OneOf::new(n).unwrap(), deviation);
            check(Or::new(n).unwrap(), deviation);
            check(BinarySequence::new(n).unwrap(), deviation);
        }
    }
}

#[test]
fn a_bad_row_is_told_and_spoils_no_other() {
    const INF: f64 = f64::INFINITY;
    let rows = [
        0.5,
        0.2,
        -INF,
        f64::NAN,
        0.0,
        0.0,
        INF,
        0.0,
        0.0,
        -INF,
        -INF,
        -INF,
    ];
    for options in ways() {
        let solution = solve(&OneOf::new(3).unwrap(), &rows, &options, true);
        use SolveStatus::{Converged, Infeasible, NotFinite};
        assert_eq!(
            solution.status,
            [Converged, NotFinite, NotFinite, Infeasible]
        );
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(solution.marginals[0], 0.65) && close(solution.marginals[1], 0.35));
        assert_eq!(solution.marginals[2], 0.0);
        assert!(solution.marginals[3..].iter().all(|mean| mean.is_nan()));
        let grad = solution.marginals_backward(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0].repeat(2));
        assert!(close(grad[0], 0.5) && close(grad[1], -0.5) && grad[2] == 0.0);
        assert!(grad[3..].iter().all(|g| g.is_nan()));
    }
}

#[test]
fn few_iterations_are_told_and_still_feasible() {
    let structure = Sequence::new(6, 4).unwrap();
    let scores = Draws::new(4).normals(parts(&structure), 0.5);
    let options = SparseMapOptions::default().with_max_iter(3);
    let solution = solve(&structure, &scores, &options, false);
    assert_eq!(solution.status, [SolveStatus::MaxIterations]);
    assert!((solution.probs.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let Certificate {
        wolfe_gap,
        residual,
        iterations,
    } = solution.certificates[0];
    assert!(wolfe_gap > 0.0 && residual >= 0.0);
    assert_eq!(iterations, 3 + 1);
}

#[test]
fn threads_do_not_matter() {
    let structure = Sequence::new(6, 4).unwrap();
    let scores = Draws::new(4).normals(33 * parts(&structure), 0.5);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let solution = solve(&structure, &scores, &SparseMapOptions::default(), true);
            let grad = solution.marginals_backward(&solution.marginals);
            let moved: Vec<f64> = scores.iter().rev().copied().collect();
            let start = Some((&solution).into());
            let warm = solve_from(
                start,
                &structure,
                &moved,
                &SparseMapOptions::default(),
                true,
            );
            (
                solution.probs,
                solution.marginals,
                grad,
                warm.probs,
                warm.marginals,
            )
        })
    };
    assert_eq!(on(1), on(2));
    assert_eq!(on(1), on(5));
}
