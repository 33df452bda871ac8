//! What the tests of structures share: every member of a small set, and oracles by trying all.

use crate::splitmix::SplitMix;
use crate::structure::{KBest, Neighbors, Parts, Scores, Structure, Vertices};

/// All vectors of `n` bits.
pub(crate) fn bit_vectors(n: usize) -> impl Iterator<Item = Parts> {
    (0..1u32 << n).map(move |code| {
        let mut parts = Parts::new(n);
        (0..n)
            .filter(|bit| code >> bit & 1 == 1)
            .for_each(|bit| parts.insert(bit));
        parts
    })
}

/// Scores of many kinds: normal-like, integers with ties, all equal, some forbidden, huge.
pub(crate) fn trials(parts: usize) -> impl Iterator<Item = Vec<f64>> {
    let mut draws = SplitMix(7);
    let mut uniform = move || 2.0 * draws.uniform() - 1.0;
    (0..40).map(move |trial| {
        let mut score = || match trial % 5 {
            0 => uniform() * 3.0,
            1 => (uniform() * 3.0).round(),
            2 => f64::from(trial / 5 - 3),
            3 => {
                let score = uniform();
                if uniform() > 0.4 {
                    f64::NEG_INFINITY
                } else {
                    score
                }
            }
            _ => uniform() * 1e6,
        };
        (0..parts).map(|_| score()).collect()
    })
}

fn split<'a, S: Structure>(structure: &S, scores: &'a [f64]) -> Scores<'a> {
    let (unaries, additionals) = scores.split_at(structure.unaries());
    Scores {
        unaries,
        additionals,
    }
}

/// The scores of the members that have no forbidden part, descending.
fn ranking(scores: Scores<'_>, members: &[Parts]) -> Vec<f64> {
    let all = members.iter().map(|parts| scores.of(parts));
    let mut all: Vec<f64> = all.filter(|score| *score > f64::NEG_INFINITY).collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all
}

/// Sums in another order are rounded otherwise.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * (1.0 + a.abs().max(b.abs())) * 16.0
}

pub(crate) fn check_argmax<S: Structure>(structure: &S, members: &[Parts]) {
    for scores in trials(structure.unaries() + structure.additionals()) {
        let scores = split(structure, &scores);
        let mut best = Parts::new(structure.unaries());
        structure.argmax(scores, &mut S::Workspace::default(), &mut best);
        if let Some(most) = ranking(scores, members).first() {
            assert!(
                close(scores.of(&best), *most),
                "{best:?} at {scores:?}, best is {most}"
            );
        }
        assert!(structure.contains(&best), "{best:?}");
        assert!(members.iter().any(|member| same(member, &best)), "{best:?}");
    }
    assert!(members.iter().all(|member| structure.contains(member)));
}

/// NaN never arrives, but must not hang the oracle or lead out of the set.
pub(crate) fn check_survives_nan<S: Structure>(structure: &S) {
    for scores in nan_trials(structure.unaries() + structure.additionals()) {
        let scores = split(structure, &scores);
        let mut best = Parts::new(structure.unaries());
        structure.argmax(scores, &mut S::Workspace::default(), &mut best);
        assert!(structure.contains(&best));
    }
}

pub(crate) fn check_k_best_survives_nan<S: KBest>(structure: &S) {
    for scores in nan_trials(structure.unaries() + structure.additionals()) {
        let mut best = Vertices::new(structure.unaries());
        let mut workspace = S::Workspace::default();
        structure.k_best(split(structure, &scores), 9, &mut workspace, &mut best);
        assert!(best.len() <= 9);
    }
}

fn nan_trials(parts: usize) -> impl Iterator<Item = Vec<f64>> {
    (1..4).flat_map(move |every| {
        trials(parts).map(move |mut scores| {
            let some = scores.iter_mut().step_by(every);
            some.for_each(|score| *score = f64::NAN);
            scores
        })
    })
}

pub(crate) fn check_k_best<S: KBest>(structure: &S, members: &[Parts]) {
    let (mut best, mut workspace) = (Vertices::new(structure.unaries()), Default::default());
    for scores in trials(structure.unaries() + structure.additionals()) {
        let scores = split(structure, &scores);
        let ranking = ranking(scores, members);
        for k in [1, 2, 5, members.len() + 3] {
            best.clear();
            structure.k_best(scores, k, &mut workspace, &mut best);
            assert_eq!(best.len(), k.min(ranking.len()), "k = {k}, {scores:?}");
            let found: Vec<Parts> = all(&best);
            for (parts, score) in found.iter().zip(&ranking) {
                assert!(close(scores.of(parts), *score), "{scores:?}");
                assert!(structure.contains(parts));
            }
            distinct(&found);
        }
    }
}

pub(crate) fn check_neighbors<S: Neighbors>(structure: &S, members: &[Parts]) {
    for member in members {
        let mut neighbors = Vertices::new(structure.unaries());
        structure.neighbors(member, &mut neighbors);
        let mut found = all(&neighbors);
        assert!(found.iter().all(|parts| structure.contains(parts)));
        found.push(member.clone());
        distinct(&found);
    }
}

fn all(vertices: &Vertices) -> Vec<Parts> {
    let mut parts = Parts::new(vertices.unaries());
    (0..vertices.len())
        .map(|index| {
            vertices.get(index, &mut parts);
            parts.clone()
        })
        .collect()
}

fn distinct(all: &[Parts]) {
    for (index, parts) in all.iter().enumerate() {
        assert!(
            !all[..index].iter().any(|other| same(parts, other)),
            "twice: {parts:?}"
        );
    }
}

/// The same parts; additional ones may come in another order.
fn same(a: &Parts, b: &Parts) -> bool {
    let sorted = |parts: &Parts| {
        let mut additionals = parts.additionals().to_vec();
        additionals.sort_unstable();
        additionals
    };
    a.words() == b.words() && sorted(a) == sorted(b)
}
