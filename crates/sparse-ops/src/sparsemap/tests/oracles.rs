//! Oracles of a user that are wrong, and structures that say what is not so.

use super::*;

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

/// One of three, of which the oracle misses the best as soon as its score is below 3.
struct Forgetful;

impl Structure for Forgetful {
    type Workspace = ();

    fn unaries(&self) -> usize {
        3
    }

    fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
        best.insert(if scores.unaries[2] < 3.0 { 1 } else { 2 });
    }
}

#[test]
fn a_mask_hides_no_wrong_answer() {
    for masked in [0.0, -1.0, f64::NEG_INFINITY] {
        let options = SparseMapOptions::default();
        let solution = solve(&Forgetful, &[masked, 0.0, 3.0], &options, true);
        assert_eq!(solution.status[0], SolveStatus::OracleWrong, "{masked}");
    }
}

/// Three bits of which at most two may be on; a row's first score tells what the oracle does.
struct Moody;

impl Structure for Moody {
    type Workspace = ();

    fn unaries(&self) -> usize {
        3
    }

    fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
        match scores.unaries[0] as i64 {
            7 => {
                *best = Parts::new(99);
                panic!("in the middle of an answer");
            }
            8 => *best = Parts::new(99),
            9 => (0..3).for_each(|part| best.insert(part)),
            _ => Budget::new(3, 2)
                .unwrap()
                .argmax(scores, &mut Default::default(), best),
        }
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.count() < 3
    }
}

#[test]
fn what_is_wrong_with_a_row_spoils_no_other() {
    use SolveStatus::{Converged, OraclePanicked, OracleWrong};
    let rows = [0.3, 7.0, 0.3, 8.0, 0.3, 9.0, 0.3];
    let scores: Vec<f64> = rows.iter().flat_map(|first| [*first, 0.2, 0.4]).collect();
    let solution = solve(&Moody, &scores, &SparseMapOptions::default(), true);
    let want = [
        Converged,
        OraclePanicked,
        Converged,
        OracleWrong,
        Converged,
        OracleWrong,
        Converged,
    ];
    assert_eq!(solution.status, want);
    for row in [2, 4, 6] {
        assert_eq!(solution.row_marginals(row), solution.row_marginals(0));
    }
    for row in [1, 3, 5] {
        assert!(solution.row_marginals(row).iter().all(|mean| mean.is_nan()));
    }
}

/// A pair that is named twice, and one whose closed form is not its own.
struct Pair(Option<ClosedForm>);

impl Structure for Pair {
    type Workspace = ();

    fn unaries(&self) -> usize {
        2
    }

    fn additionals(&self) -> usize {
        1
    }

    fn argmax(&self, _: Scores<'_>, (): &mut (), best: &mut Parts) {
        (0..2).for_each(|_| best.insert_additional(0));
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        self.0
    }
}

#[test]
fn an_additional_part_is_named_once() {
    let solution = solve(&Pair(None), &[0.0; 3], &SparseMapOptions::default(), false);
    assert_eq!(solution.status, [SolveStatus::OracleWrong]);
}

#[test]
#[should_panic = "at_least <= at_most <= 2, the unary parts, and no additional parts, got 2, 1 and 1"]
fn bounds_that_contradict_are_refused() {
    let bounds = ClosedForm::Cardinality {
        at_least: 2,
        at_most: 1,
    };
    solve(
        &Pair(Some(bounds)),
        &[0.0; 3],
        &SparseMapOptions::default(),
        false,
    );
}

#[test]
#[should_panic = "Chain must have an additional part less than unary ones, got 1 and 3"]
fn a_chain_has_a_pair_for_each_two_neighbours() {
    struct Long;
    impl Structure for Long {
        type Workspace = ();

        fn unaries(&self) -> usize {
            3
        }

        fn additionals(&self) -> usize {
            1
        }

        fn argmax(&self, _: Scores<'_>, (): &mut (), _: &mut Parts) {}

        fn closed_form(&self) -> Option<ClosedForm> {
            Some(ClosedForm::Chain)
        }
    }
    solve(&Long, &[0.0; 4], &SparseMapOptions::default(), false);
}

#[test]
#[should_panic = "Permutations must have size² unary parts and no additional ones, got 2, 2 and 1"]
fn permutations_are_square() {
    let squares = ClosedForm::Permutations { size: 2 };
    let options = SparseMapOptions::default();
    solve(&Pair(Some(squares)), &[0.0; 3], &options, false);
}

/// Runs of ones, or none, by the oracle alone: the Jacobian of its marginals.
#[test]
fn a_structure_that_the_library_does_not_have_gets_gradients() {
    struct Interval(usize);

    impl Structure for Interval {
        type Workspace = ();

        fn unaries(&self) -> usize {
            self.0
        }

        fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
            let all = (0..=self.0).flat_map(|end| (0..=end).map(move |start| start..end));
            let score =
                |run: &std::ops::Range<usize>| scores.unaries[run.clone()].iter().sum::<f64>();
            let most = all.max_by(|a, b| score(a).total_cmp(&score(b)));
            most.unwrap().for_each(|part| best.insert(part));
        }
    }

    for n in [1, 3, 8] {
        for deviation in [0.3, 1.0] {
            let scores = Draws::new(n as u64).normals(n, deviation);
            jacobian(&Interval(n), &scores, &SparseMapOptions::default());
        }
    }
}
