//! Forbidden parts, as −∞ and as the large finite numbers that masks are often made of; and scores so
//! large that their differences are at the end of f64.

use super::*;

/// Where a part is forbidden by −∞, a mask does the same: μ and its Jacobian, whatever the mask. The
/// masks are far below what any part could make up for.
fn forbids<S: Structure>(structure: &S, forbidden: &[usize], deviation: f64) {
    let count = parts(structure);
    let scores = Draws::new(count as u64).normals(count, deviation);
    let grad = Draws::new(3).normals(structure.unaries(), 1.0);
    let masked = |mask: f64| {
        let mut scores = scores.clone();
        forbidden.iter().for_each(|&part| scores[part] = mask);
        scores
    };
    for options in ways() {
        let want = proven(structure, &masked(f64::NEG_INFINITY), &options);
        let want_grad = want.marginals_backward(&grad);
        for &part in forbidden {
            assert_eq!(want_grad[part], 0.0);
            if let Some(mean) = want.marginals.get(part) {
                assert_eq!(*mean, 0.0);
            }
        }
        for mask in [-1e4, -1e9, -1e15, f64::from(f32::MIN)] {
            let got = proven(structure, &masked(mask), &options);
            let pairs = got.marginals.iter().zip(&want.marginals);
            pairs
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b} at {mask}, {options:?}"));
            // the same from where nothing was forbidden
            let open = solve(structure, &scores, &options, false);
            let active = SparseMapOptions::default().with_closed_form(false);
            let start = Some((&open).into());
            let warm = solve_from(start, structure, &masked(mask), &active, true);
            prove(&warm, structure, &masked(mask));
            let warm_grads = warm.marginals_backward(&grad);
            for (part, (a, b)) in warm_grads.iter().zip(&want_grad).enumerate() {
                assert!((a - b).abs() < 1e-6, "warm, part {part}: {a} {b} at {mask}");
            }
            let grads = got.marginals_backward(&grad);
            for (part, (a, b)) in grads.iter().zip(&want_grad).enumerate() {
                assert!(
                    (a - b).abs() < 1e-6,
                    "part {part}: {a} {b} at {mask}, {options:?}"
                );
            }
        }
    }
}

#[test]
fn a_mask_is_as_good_as_infinity() {
    for deviation in [0.3, 1.0, 3.0] {
        forbids(&BitVector::new(6).unwrap(), &[0, 4], deviation);
        forbids(&Budget::new(9, 3).unwrap(), &[2, 3, 8], deviation);
        forbids(&Budget::new(9, 3).unwrap().one_sided(), &[0, 5], deviation);
        forbids(&OneOf::new(5).unwrap(), &[1, 2], deviation);
        forbids(&AtMostOne::new(5).unwrap(), &[0], deviation);
        forbids(&Or::new(5).unwrap(), &[3, 4], deviation);
        forbids(&BinarySequence::new(8).unwrap(), &[0, 3, 4, 7], deviation);
        // bits, then pairs
        forbids(&BinarySequence::new(8).unwrap(), &[2, 9, 10, 13], deviation);
        // states of some places, then transitions
        forbids(&Sequence::new(1, 4).unwrap(), &[2], deviation);
        forbids(&Sequence::new(4, 3).unwrap(), &[0, 5, 7, 8], deviation);
        forbids(
            &Sequence::new(4, 3).unwrap().with_ends(),
            &[1, 3],
            deviation,
        );
        forbids(&Sequence::new(3, 3).unwrap(), &[9, 13, 20], deviation);
        forbids(&Assignment::new(4, 4).unwrap(), &[0, 6, 9], deviation);
        forbids(
            &Assignment::new(7, 7).unwrap(),
            &[0, 9, 15, 30, 31],
            deviation,
        );
        forbids(&Assignment::new(3, 5).unwrap(), &[2, 7], deviation);
        forbids(&Arborescence::new(4).unwrap(), &[1, 6, 11], deviation);
        forbids(
            &Arborescence::new(4).unwrap().single_root(),
            &[5, 10],
            deviation,
        );
        let knapsack = Knapsack::new([1.0, 2.0, 2.5, 0.5, 0.0], 3.0).unwrap();
        forbids(&knapsack, &[1, 4], deviation);
    }
}

#[test]
fn a_mask_that_is_not_needed_shifts_nothing() {
    let options = SparseMapOptions::default();
    for mask in [-1e9, -1e15, f64::from(f32::MIN)] {
        let solution = proven(
            &Sequence::new(1, 3).unwrap(),
            &[&[0.2, 0.1, mask][..], &[0.0; 0]].concat(),
            &options,
        );
        assert!(
            (solution.marginals[0] - 0.55).abs() < 1e-12,
            "{:?}",
            solution.marginals
        );
        let chain = [mask, 0.1, 0.4, -0.3, 0.5, -0.4, 0.3];
        let solution = proven(&BinarySequence::new(4).unwrap(), &chain, &options);
        for (mean, want) in solution.marginals.iter().zip([0.0, 0.425, 0.575, 0.5]) {
            assert!(
                (mean - want).abs() < 1e-12,
                "{:?} at {mask}",
                solution.marginals
            );
        }
    }
}

/// Scores of any size beside each other: the threshold is found wherever it lies.
#[test]
fn large_scores_beside_small_ones_keep_the_bounds() {
    fn check<S: Structure>(structure: S, scores: &[f64], want: &[f64]) {
        let solution = proven(&structure, scores, &SparseMapOptions::default());
        for (mean, want) in solution.marginals.iter().zip(want) {
            assert!((mean - want).abs() < 1e-14, "{:?}", solution.marginals);
        }
    }
    let most = f64::from(f32::MAX);
    let third = 1.0 / 3.0;
    let one_of = |n: usize| OneOf::new(n).unwrap();
    check(one_of(3), &[1e20, 1e20, 0.0], &[0.5, 0.5, 0.0]);
    check(
        one_of(4),
        &[1e30, 1e30, 1e30, -1e30],
        &[third, third, third, 0.0],
    );
    check(
        one_of(6),
        &[1e6, 1e6, 1e6, 0.0, 0.0, 0.0],
        &[third, third, third, 0.0, 0.0, 0.0],
    );
    check(
        AtMostOne::new(3).unwrap(),
        &[most, most, 0.0],
        &[0.5, 0.5, 0.0],
    );
    let budget = Budget::new(5, 2).unwrap().one_sided();
    check(
        budget,
        &[1e9, 1e9, 1e9, 0.4, 0.2],
        &[2.0 * third, 2.0 * third, 2.0 * third, 0.0, 0.0],
    );
}

/// One of n whose scores all have the same large offset, as where every one is masked.
#[test]
fn large_equal_scores_share_the_probability() {
    for offset in [300.0, 1e5, -1e9, -1e15, 1e30, -1e30, f64::from(f32::MIN)] {
        for n in [2, 3, 7, 100] {
            let solution = proven(
                &OneOf::new(n).unwrap(),
                &vec![offset; n],
                &SparseMapOptions::default(),
            );
            assert_eq!(solution.probs.len(), n);
            let want = 1.0 / n as f64;
            // the last place is a sum of n terms
            let rounding = 4.0 * n as f64 * f64::EPSILON;
            let exact = |prob: &f64| (prob - want).abs() < rounding;
            assert!(solution.probs.iter().all(exact), "{:?}", solution.probs);
            let grad = solution.probs_backward(&[&[1.0], &vec![0.0; n - 1][..]].concat());
            let own = grad.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!((own - (1.0 - want)).abs() < 1e-12, "{grad:?}");
            assert!(grad.iter().sum::<f64>().abs() < 1e-12, "{grad:?}");
        }
    }
}

/// Marginals whose sum is large, where the least rounding of it would make a structure of one bit more.
#[test]
fn a_budget_is_kept_at_any_size() {
    for (n, budget, deviation) in [
        (256, 64, 0.3),
        (200, 50, 0.3),
        (1000, 400, 1.0),
        (1000, 400, 3.0),
    ] {
        let structure = Budget::new(n, budget).unwrap();
        let scores: Vec<f64> = Draws::new(n as u64).normals(32 * n, deviation);
        // as they come in a tensor of f32
        let scores: Vec<f64> = scores
            .iter()
            .map(|score| f64::from(*score as f32))
            .collect();
        let solution = proven(&structure, &scores, &SparseMapOptions::default());
        // the number of ones is the same in every structure, so its gradient is 0
        let counts: Vec<f64> = (0..solution.vertices.len())
            .map(|index| solution.vertices.iter(index).count() as f64)
            .collect();
        for row in 0..solution.batch() {
            let sum: f64 = solution.row_marginals(row).iter().sum();
            if sum > budget as f64 - 1e-6 {
                assert!(
                    counts[solution.entries(row)]
                        .iter()
                        .all(|count| *count == budget as f64)
                );
            }
        }
        let grad = solution.probs_backward(&counts);
        let tight = |row: usize| {
            counts[solution.entries(row).start] == counts[solution.entries(row).end - 1]
        };
        for row in (0..solution.batch()).filter(|row| tight(*row)) {
            let grad = &grad[row * n..(row + 1) * n];
            assert!(grad.iter().all(|g| g.abs() < 1e-8), "row {row}");
        }
    }
}

/// Marginals that make the sum pass integers by less than their rounding, several times, with what that adds
/// up to left for a last part.
#[test]
fn near_ties_do_not_add_up_to_a_structure_too_large() {
    let [high, low, rest] = [0x337f_ff9b, 0x337f_ff68, 0xbf7f_ffff].map(f32::from_bits);
    let tensor = [high, low, high, low, rest].map(f64::from);
    let tight = [0.5, 0.5 - 9e-14, 0.5, 0.5 - 9e-14, 1.805e-13];
    let loose = [[0.5, 0.5 - 9e-14].repeat(10), vec![5e-13]].concat();
    for (structure, scores) in [
        (Budget::new(5, 2).unwrap(), tensor.to_vec()),
        (Budget::new(5, 2).unwrap().one_sided(), tight.to_vec()),
        (Budget::new(21, 10).unwrap().one_sided(), loose),
    ] {
        let solution = proven(&structure, &scores, &SparseMapOptions::default());
        let mut sums = vec![0.0; scores.len()];
        let mut parts = Parts::new(scores.len());
        for (index, prob) in solution.probs.iter().enumerate() {
            solution.vertices.get(index, &mut parts);
            assert!(structure.contains(&parts), "{parts:?} of {scores:?}");
            parts.iter().for_each(|part| sums[part] += prob);
        }
        for (sum, mean) in sums.iter().zip(solution.row_marginals(0)) {
            // ends within 1e-13 of each other are one
            assert!((sum - mean).abs() < 1e-12, "{sum} and {mean}");
        }
    }
}
