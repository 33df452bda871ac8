//! Linear chains: one state at each position, with scores for the transitions.

use pulp::{Arch, Simd, WithSimd};

use super::paths::{Paths, larger, same_parts};
use crate::structure::{KBest, Neighbors, Parts, Scores, Structure, StructureError, Vertices};

/// The sequences of `length` positions with exactly one of `states` states at each: tagging,
/// segmentation, alignment to a chain.
///
/// Unary scores are `[length · states]`, row-major: one for each position and state. Additional
/// scores are `[(length − 1) · states · states]`: for each pair of positions one for each
/// transition, the state it leaves first; [`with_ends`](Self::with_ends) adds `[states]` for the
/// initial state before them and `[states]` for the final one after them. The penalty is
/// [`Penalty::On`](crate::structure::Penalty::On).
///
/// The MAP oracle is Viterbi's algorithm, `O(length · states²)`; [`KBest`] keeps a list of the k
/// best at each state, `O(length · states² · k)`; [`Neighbors`] are the sequences with another
/// state at one position.
///
/// Source: Viterbi 1967; as a factor of SparseMAP: Niculae, Martins, Blondel, Cardie 2018,
/// [arXiv 1802.04223](https://arxiv.org/abs/1802.04223).
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    length: usize,
    states: usize,
    ends: bool,
}

impl Sequence {
    /// Sequences of `length` positions over `states` states.
    ///
    /// # Errors
    ///
    /// If one of them is 0, or if there are more parts than [`u32`] counts.
    pub fn new(length: usize, states: usize) -> Result<Self, StructureError> {
        let error = |problem| Err(StructureError::new("Sequence", problem));
        if length == 0 || states == 0 {
            return error(format!(
                "length and states must be at least 1, got {length} and {states}"
            ));
        }
        // The ends are counted whether or not they are asked for, so that asking cannot fail.
        let parts = (length - 1)
            .checked_mul(states)
            .and_then(|rows| rows.checked_add(2))
            .and_then(|rows| rows.checked_mul(states))
            .filter(|&parts| u32::try_from(parts).is_ok());
        if parts.is_none() || length.checked_mul(states).is_none() {
            return error(format!(
                "(length − 1) · states² + 2 · states must be at most {}, \
                 got length {length} and states {states}",
                u32::MAX
            ));
        }
        Ok(Self {
            length,
            states,
            ends: false,
        })
    }

    /// The same with scores for the initial and the final state: additional scores are then
    /// `[states]` initial, the transitions, `[states]` final.
    pub fn with_ends(self) -> Self {
        Self { ends: true, ..self }
    }

    /// Where the scores of the transitions start.
    fn first_transition(&self) -> usize {
        if self.ends { self.states } else { 0 }
    }

    /// Where they end, and those of the final state start.
    fn first_final(&self) -> usize {
        self.first_transition() + (self.length - 1) * self.states * self.states
    }

    fn transition(&self, at: usize, from: usize, to: usize) -> usize {
        self.first_transition() + (at * self.states + from) * self.states + to
    }

    /// The additional parts of a path, ascending.
    fn additional_parts<P: Iterator<Item = usize>>(
        &self,
        path: impl Fn() -> P,
    ) -> impl Iterator<Item = usize> {
        let ends = usize::from(self.ends);
        let initial = path().take(ends);
        let transitions = path().zip(path().skip(1)).enumerate();
        let last = path().skip(self.length - 1).take(ends);
        initial
            .chain(transitions.map(|(at, (from, to))| self.transition(at, from, to)))
            .chain(last.map(|state| self.first_final() + state))
    }

    /// Appends the sequence of a path.
    fn append<P: Iterator<Item = usize>>(&self, path: impl Fn() -> P, vertices: &mut Vertices) {
        let unaries = path()
            .enumerate()
            .map(|(at, state)| at * self.states + state);
        vertices.push_parts(unaries, self.additional_parts(&path));
    }

    /// Adds the parts of a path to none.
    fn write(&self, path: &[usize], parts: &mut Parts) {
        for (at, state) in path.iter().enumerate() {
            parts.insert(at * self.states + state);
        }
        for part in self.additional_parts(|| path.iter().copied()) {
            parts.insert_additional(part);
        }
    }
}

/// What [`Sequence`] allocates once.
#[derive(Debug, Default)]
pub struct SequenceWorkspace {
    /// For each position and state, the best score of a prefix that arrives there, without the
    /// unary score of that state.
    arrivals: Vec<f64>,
    /// For each state at one position, the same with that score.
    prefixes: Vec<f64>,
    path: Vec<usize>,
    paths: Paths,
}

impl Structure for Sequence {
    type Workspace = SequenceWorkspace;

    fn unaries(&self) -> usize {
        self.length * self.states
    }

    fn additionals(&self) -> usize {
        self.first_final() + if self.ends { self.states } else { 0 }
    }

    fn argmax(&self, scores: Scores<'_>, workspace: &mut SequenceWorkspace, best: &mut Parts) {
        let states = self.states;
        let (initial, rest) = scores.additionals.split_at(self.first_transition());
        let (transitions, last) = rest.split_at((self.length - 1) * states * states);
        let SequenceWorkspace {
            arrivals,
            prefixes,
            path,
            ..
        } = workspace;
        arrivals.resize(self.length * states, 0.0);
        prefixes.resize(states, 0.0);
        path.resize(self.length, 0);
        if self.ends {
            arrivals[..states].copy_from_slice(initial);
        } else {
            arrivals[..states].fill(0.0);
        }
        Arch::new().dispatch(Forward {
            unaries: scores.unaries,
            transitions,
            arrivals,
            prefixes,
        });

        let end = |state: usize| prefixes[state] + if self.ends { last[state] } else { 0.0 };
        let mut state = 0;
        for other in 1..states {
            if end(other) > end(state) {
                state = other;
            }
        }
        path[self.length - 1] = state;
        for at in (0..self.length - 1).rev() {
            // Some state before gives exactly the maximum that was kept; none does if it is NaN.
            let here = at * states..(at + 1) * states;
            let arrival = arrivals[here.end + state];
            let before = arrivals[here.clone()].iter().zip(&scores.unaries[here]);
            let steps = transitions[at * states * states + state..]
                .iter()
                .step_by(states);
            state = before
                .zip(steps)
                .position(|((arrived, unary), step)| arrived + unary + step == arrival)
                .unwrap_or(0);
            path[at] = state;
        }
        self.write(path, best);
    }

    fn contains(&self, parts: &Parts) -> bool {
        let path = || {
            parts
                .iter()
                .enumerate()
                .map(|(at, part)| part - at * self.states)
        };
        parts.unaries() == self.unaries()
            && parts.count() == self.length
            && parts
                .iter()
                .enumerate()
                .all(|(at, part)| part / self.states == at)
            && same_parts(parts.additionals(), self.additional_parts(path))
    }

    fn trusted(&self) -> bool {
        true
    }
}

/// The scores of the best prefixes, compiled for each instruction set.
///
/// Only maxima are kept; the state that gave one is looked up where the best path turns out to
/// pass.
struct Forward<'a> {
    unaries: &'a [f64],
    transitions: &'a [f64],
    /// The first row arrives filled.
    arrivals: &'a mut [f64],
    prefixes: &'a mut [f64],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let prefixes = self.prefixes;
        let states = prefixes.len();
        let mut reached = self.arrivals.chunks_exact_mut(states);
        let mut steps = self.transitions.chunks_exact(states * states);
        let mut arrived = reached.next();
        for unaries in self.unaries.chunks_exact(states) {
            let Some(arrivals) = arrived else { break };
            for ((prefix, arrival), unary) in prefixes.iter_mut().zip(arrivals).zip(unaries) {
                *prefix = *arrival + unary;
            }
            arrived = reached.next();
            if let (Some(arrivals), Some(steps)) = (&mut arrived, steps.next()) {
                max_plus(prefixes, steps, arrivals);
            }
        }
    }
}

/// `reached[to]` = the largest `prefixes[from] + steps[from, to]`.
#[inline(always)]
fn max_plus(prefixes: &[f64], steps: &[f64], reached: &mut [f64]) {
    let states = reached.len();
    let mut done = 0;
    while states - done >= 16 {
        max_plus_block::<16>(prefixes, steps, reached, done);
        done += 16;
    }
    while states - done >= 4 {
        max_plus_block::<4>(prefixes, steps, reached, done);
        done += 4;
    }
    for at in done..states {
        max_plus_block::<1>(prefixes, steps, reached, at);
    }
}

/// The same for `N` states from `at`, which stay in registers.
#[inline(always)]
fn max_plus_block<const N: usize>(prefixes: &[f64], steps: &[f64], reached: &mut [f64], at: usize) {
    let mut best = [f64::NEG_INFINITY; N];
    for (prefix, row) in prefixes.iter().zip(steps.chunks_exact(reached.len())) {
        for (best, step) in best.iter_mut().zip(&row[at..at + N]) {
            *best = larger(*best, prefix + step);
        }
    }
    reached[at..at + N].copy_from_slice(&best);
}

impl KBest for Sequence {
    fn k_best(
        &self,
        scores: Scores<'_>,
        k: usize,
        workspace: &mut SequenceWorkspace,
        best: &mut Vertices,
    ) {
        let Scores {
            unaries,
            additionals,
        } = scores;
        let unary = |at: usize, state: usize| {
            let mut score = unaries[at * self.states + state];
            if self.ends && at == 0 {
                score += additionals[state];
            }
            if self.ends && at + 1 == self.length {
                score += additionals[self.first_final() + state];
            }
            score
        };
        let transition = |at, from, to| additionals[self.transition(at, from, to)];
        let size = (self.length, self.states);
        workspace.paths.k_best(size, k, unary, transition, |path| {
            self.append(|| path.iter().copied(), best);
        });
    }
}

impl Neighbors for Sequence {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        let path = || parts.iter().map(|part| part % self.states).enumerate();
        for (at, state) in path() {
            for changed in (0..self.states).filter(|&changed| changed != state) {
                let with = |(other, state)| if other == at { changed } else { state };
                self.append(|| path().map(with), neighbors);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::enumerate::{
        check_argmax, check_k_best, check_k_best_survives_nan, check_neighbors, check_survives_nan,
        trials,
    };

    /// By counting in base `states`.
    fn members(length: usize, states: usize, ends: bool) -> Vec<Parts> {
        let path = |code: usize| (0..length).map(move |at| code / states.pow(at as u32) % states);
        let all = (0..states.pow(length as u32)).map(|code| {
            let path: Vec<usize> = path(code).collect();
            let mut parts = Parts::new(length * states);
            let mut offset = 0;
            if ends {
                parts.insert_additional(path[0]);
                offset += states;
            }
            for at in 0..length {
                parts.insert(at * states + path[at]);
                if at + 1 < length {
                    parts.insert_additional(offset + path[at] * states + path[at + 1]);
                    offset += states * states;
                }
            }
            if ends {
                parts.insert_additional(offset + path[length - 1]);
            }
            parts
        });
        all.collect()
    }

    fn sequence(length: usize, states: usize, ends: bool) -> Sequence {
        let sequence = Sequence::new(length, states).expect("a size");
        if ends { sequence.with_ends() } else { sequence }
    }

    #[test]
    fn agrees_with_enumeration() {
        for (length, states) in [(1, 1), (1, 4), (2, 5), (3, 1), (3, 3), (5, 2), (3, 6)] {
            for ends in [false, true] {
                let (structure, members) = (
                    sequence(length, states, ends),
                    members(length, states, ends),
                );
                let transitions = (length - 1) * states * states;
                let in_ends = if ends { 2 * states } else { 0 };
                assert_eq!(structure.additionals(), transitions + in_ends);
                check_argmax(&structure, &members);
                check_k_best(&structure, &members);
                check_neighbors(&structure, &members);
                let mut neighbors = Vertices::new(structure.unaries());
                structure.neighbors(&members[0], &mut neighbors);
                assert_eq!(neighbors.len(), length * (states - 1));
            }
        }
    }

    /// All block widths, and a workspace that comes from other sizes.
    #[test]
    fn argmax_is_the_first_of_k_best() {
        let mut workspace = SequenceWorkspace::default();
        for (length, states) in [(50, 20), (7, 39), (30, 7), (4, 64), (9, 17)] {
            let structure = sequence(length, states, length % 2 == 1);
            let n = structure.unaries();
            for scores in trials(n + structure.additionals()) {
                let (unaries, additionals) = scores.split_at(n);
                let scores = Scores {
                    unaries,
                    additionals,
                };
                let (mut best, mut first) = (Parts::new(n), Vertices::new(n));
                structure.argmax(scores, &mut workspace, &mut best);
                assert!(structure.contains(&best));
                structure.k_best(scores, 1, &mut workspace, &mut first);
                if first.is_empty() {
                    assert_eq!(scores.of(&best), f64::NEG_INFINITY);
                } else {
                    let mut parts = Parts::new(n);
                    first.get(0, &mut parts);
                    // The sums of both are rounded in the order of the path: at most an ulp of
                    // the largest sum for each of 2 · length additions, here below 1e9.
                    assert!((scores.of(&parts) - scores.of(&best)).abs() <= 1e-5);
                }
            }
        }
    }

    #[test]
    fn survives_nan() {
        for structure in [sequence(1, 3, true), sequence(6, 5, true)] {
            check_survives_nan(&structure);
            check_k_best_survives_nan(&structure);
        }
    }

    #[test]
    fn contains_no_others() {
        let structure = sequence(3, 2, true);
        let mut wrong = members(3, 2, true).swap_remove(5);
        wrong.toggle(4);
        assert!(!structure.contains(&wrong));
        wrong.toggle(5);
        // A path again, with the additional parts of another one.
        assert!(!structure.contains(&wrong));
        wrong.clear_additionals();
        assert!(!structure.contains(&wrong));
        assert!(!sequence(3, 2, false).contains(&members(3, 2, true)[0]));
    }

    #[test]
    fn sizes() {
        let error = |length, states| {
            Sequence::new(length, states)
                .expect_err("no size")
                .to_string()
        };
        let expected = "Sequence: length and states must be at least 1, got 0 and 3";
        assert_eq!(error(0, 3), expected);
        assert!(error(3, 0).ends_with("got 3 and 0"));
        let expected = "Sequence: (length − 1) · states² + 2 · states must be at most 4294967295, \
                        got length 2 and states 65536";
        assert_eq!(error(2, 1 << 16), expected);
        assert!(Sequence::new(2, (1 << 16) - 1).is_ok());
        error(usize::MAX, usize::MAX);
        error(usize::MAX, 1);
        error(1, usize::MAX);
    }
}
