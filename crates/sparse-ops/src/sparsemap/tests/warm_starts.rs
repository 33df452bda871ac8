//! The active set from an earlier solution.

use super::*;
use crate::candidates::{CandidateSet, KBestCandidates};

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
