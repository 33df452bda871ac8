//! The solver against what shares no code with it: the Wolfe gap by the structure's own oracle
//! proves a solution optimal, central differences of proven marginals give their Jacobian, and the
//! closed forms and the active set are two ways to the same marginals.

use super::*;
use crate::candidates::{CandidateSet, KBestCandidates};
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
        let (mut mean, mut gain, mut total) = (vec![0.0; n], 0.0, 0.0);
        for index in solution.entries(row) {
            let prob = solution.probs[index];
            assert!(prob > 0.0);
            total += prob;
            let mut vertex = Parts::new(n);
            solution.vertex(row, index, &mut vertex);
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
        let all = unaries.iter().chain(&additionals).map(|score| score.abs());
        let scale = all.filter(|score| score.is_finite()).fold(1.0, f64::max);
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
    for (rows, columns) in [(1, 1), (2, 3), (5, 5), (7, 4)] {
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
    proven(&structure, &scores, &SparseMapOptions::default());
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
            let means = &solution.marginals;
            let binds = means.iter().sum::<f64>() > 5.0 - 1e-9;
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

/// A structure of three bits whose oracle does what it is told.
struct Told(fn(&mut Parts));

impl Structure for Told {
    type Workspace = ();

    fn unaries(&self) -> usize {
        3
    }

    fn argmax(&self, _: Scores<'_>, (): &mut (), best: &mut Parts) {
        (self.0)(best);
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.count() < 3
    }
}

#[test]
fn a_wrong_oracle_is_told() {
    let status = |told: fn(&mut Parts)| {
        let scores = [1.0, 2.0, 3.0];
        solve(&Told(told), &scores, &SparseMapOptions::default(), true).status[0]
    };
    let infeasible = |parts: &mut Parts| (0..3).for_each(|part| parts.insert(part));
    assert_eq!(status(infeasible), SolveStatus::OracleWrong);
    assert_eq!(
        status(|parts| parts.insert_additional(0)),
        SolveStatus::OracleWrong
    );
    assert_eq!(status(|parts| parts.insert(7)), SolveStatus::OraclePanicked);
    assert_eq!(
        status(|parts| *parts = Parts::new(99)),
        SolveStatus::OracleWrong
    );
    // always the same structure, whatever the scores: a set of one
    assert_eq!(status(|parts| parts.insert(1)), SolveStatus::Converged);
}

#[test]
fn few_iterations_are_told_and_still_feasible() {
    let structure = Sequence::new(6, 4).unwrap();
    let scores = Draws::new(4).normals(parts(&structure), 0.5);
    let options = SparseMapOptions::default().with_max_iter(3);
    let solution = solve(&structure, &scores, &options, false);
    assert_eq!(solution.status, [SolveStatus::MaxIterations]);
    assert!((solution.probs.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(solution.certificates[0].wolfe_gap > 0.0);
}

fn calls(solution: &Solution) -> Vec<usize> {
    let all = solution.certificates.iter();
    all.map(|certificate| certificate.iterations).collect()
}

/// One step of training, or the next time frame: the scores move by a hundredth of their size.
#[test]
fn a_warm_start_saves_calls_of_the_oracle() {
    fn check<S: Structure>(structure: S) {
        let options = SparseMapOptions::default().with_closed_form(false);
        let before = Draws::new(6).normals(8 * parts(&structure), 1.0);
        let steps = Draws::new(7).normals(before.len(), 0.01);
        let after: Vec<f64> = before.iter().zip(&steps).map(|(a, b)| a + b).collect();
        let first = solve(&structure, &before, &options, false);
        let cold = solve(&structure, &after, &options, false);
        let warm = solve_from(Some((&first).into()), &structure, &after, &options, true);
        prove(&warm, &structure, &after);
        for (a, b) in warm.marginals.iter().zip(&cold.marginals) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
        let (saved, all) = (calls(&warm), calls(&cold));
        let total = |calls: &[usize]| calls.iter().sum::<usize>();
        assert!(2 * total(&saved) < total(&all), "{saved:?} of {all:?}");
        // where nothing has moved, a proof of optimality is all that is left to do, also after a
        // closed form
        for way in ways() {
            let first = solve(&structure, &before, &way, false);
            let again = solve_from(Some((&first).into()), &structure, &before, &options, false);
            let calls = calls(&again);
            assert!(calls.iter().all(|calls| *calls <= 2), "{calls:?}");
            prove(&again, &structure, &before);
        }
    }
    check(Sequence::new(12, 4).unwrap());
    check(Assignment::new(6, 6).unwrap());
    check(Arborescence::new(6).unwrap());
    check(BinarySequence::new(24).unwrap());
    check(Budget::new(24, 6).unwrap());
}

/// From anywhere to anywhere: scores of other sizes, ties, vertices with equal unary parts.
#[test]
fn a_warm_start_ends_where_a_cold_one_does() {
    fn check<S: Structure>(structure: S) {
        let active = SparseMapOptions::default().with_closed_form(false);
        let all: Vec<Vec<f64>> = trials(3, parts(&structure), 12).collect();
        for (index, before) in all.iter().enumerate() {
            for options in ways() {
                let first = solve(&structure, before, &options, false);
                let after = &all[(index + 2) % all.len()];
                let warm = solve_from(Some((&first).into()), &structure, after, &active, true);
                prove(&warm, &structure, after);
                let cold = solve(&structure, after, &active, false);
                for (a, b) in warm.marginals.iter().zip(&cold.marginals) {
                    assert!((a - b).abs() < 1e-9, "{a} {b}");
                }
            }
        }
    }
    check(BitVector::new(9).unwrap());
    check(Budget::new(9, 3).unwrap());
    check(OneOf::new(9).unwrap());
    check(Sequence::new(5, 3).unwrap().with_ends());
    check(Assignment::new(4, 5).unwrap());
    check(Arborescence::new(4).unwrap());
}

#[test]
fn a_warm_start_takes_candidates_too() {
    let structure = Sequence::new(6, 3).unwrap();
    let scores = Draws::new(5).normals(4 * parts(&structure), 0.5);
    let options = SparseMapOptions::default();
    let set = CandidateSet::choose(&structure, &scores, &KBestCandidates::new(40));
    let warm = solve_from(Some((&set).into()), &structure, &scores, &options, true);
    prove(&warm, &structure, &scores);
    let cold = solve(&structure, &scores, &options, false);
    let pairs = warm.marginals.iter().zip(&cold.marginals);
    pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
    assert!(calls(&warm) < calls(&cold));
}

#[test]
fn a_warm_start_drops_what_may_no_longer_be() {
    const INF: f64 = f64::INFINITY;
    let structure = OneOf::new(3).unwrap();
    let options = SparseMapOptions::default().with_closed_form(false);
    let before = [
        [0.5, 0.4, 0.0],
        [0.5, 0.4, 0.0],
        [0.5, 0.4, 0.0],
        [f64::NAN; 3],
    ]
    .concat();
    let first = solve(&structure, &before, &options, false);
    // one of the two is forbidden; both are; all are; the first solution failed
    let after = [
        [-INF, 0.4, 0.0],
        [-INF, -INF, 0.0],
        [-INF; 3],
        [0.5, 0.4, 0.0],
    ]
    .concat();
    let warm = solve_from(Some((&first).into()), &structure, &after, &options, false);
    let cold = solve(&structure, &after, &options, false);
    assert_eq!(warm.status, cold.status);
    for (a, b) in warm.marginals.iter().zip(&cold.marginals) {
        assert!(
            (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-12,
            "{a} {b}"
        );
    }
    assert_eq!(calls(&warm)[3], calls(&cold)[3]);

    // another set of as many parts, of which some structures are none any more
    let (loose, tight) = (Budget::new(6, 3).unwrap(), Budget::new(6, 1).unwrap());
    let scores = Draws::new(8).normals(6, 0.3);
    let first = solve(&loose, &scores, &options, false);
    let warm = solve_from(Some((&first).into()), &tight, &scores, &options, true);
    prove(&warm, &tight, &scores);
    // a chain's vertices have parts that another structure lacks
    let chain = BinarySequence::new(6).unwrap();
    let pairs = [scores.clone(), vec![1.0; 5]].concat();
    let first = solve(&chain, &pairs, &options, false);
    let warm = solve_from(Some((&first).into()), &loose, &scores, &options, true);
    prove(&warm, &loose, &scores);
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

/// Sizes from 1 to 256 parts, scores of scales from 1e-3 to 1e3, integers with ties, duplicates, all
/// equal, alternating, one huge.
#[test]
#[ignore = "minutes in release: cargo test --release -p sparse-ops --lib -- --ignored"]
fn a_hundred_thousand_random_instances() {
    const ROWS: usize = 10;
    let mut draws = Draws::new(2026);
    let mut instances = 0;
    for round in 0..1000u64 {
        let mut size = |most: usize| 1 + (draws.uniform() * most as f64) as usize;
        let (n, small) = (size(256), size(16));
        let (length, states, budget) = (size(24), size(6), size(n));
        let columns = size(16);
        let kind = draws.uniform();
        let mut scores = |parts: usize| -> Vec<f64> {
            let scale = 10f64.powf(draws.uniform() * 6.0 - 3.0);
            (0..ROWS * parts)
                .map(|part| match (kind * 6.0) as usize {
                    0 | 1 => draws.normal() * scale,
                    2 => (draws.normal() * 2.0).round(),
                    3 => (draws.normal() * 2.0).round() / 4.0,
                    4 => [0.3, -0.3, 0.3 * scale][round as usize % 3] * [1.0, -1.0][part % 2],
                    _ => {
                        if part % parts == 0 {
                            1e3 * scale
                        } else {
                            draws.normal()
                        }
                    }
                })
                .collect()
        };
        macro_rules! prove {
            ($($structure:expr),+ $(,)?) => {$({
                let structure = $structure.unwrap();
                let scores = scores(parts(&structure));
                instances += proven(&structure, &scores, &SparseMapOptions::default()).batch();
            })+};
        }
        prove!(
            BitVector::new(n),
            Budget::new(n, budget),
            BinarySequence::new(n),
            OneOf::new(n),
            AtMostOne::new(n),
            Or::new(n),
            Sequence::new(length, states),
            Assignment::new(small, columns),
            Arborescence::new(small),
            Knapsack::new(
                (0..small).map(|i| (1 + i % 5) as f64).collect::<Vec<_>>(),
                7.0
            ),
        );
    }
    assert_eq!(instances, 100_000);
}
