//! Paths through chains of states: the k best, and what both kinds of chain need besides.

use std::ops::Range;

/// The k best paths through a chain, by Viterbi with a list of the k best prefixes at each state
/// instead of the best one. `O(length · states² · k)` time, and a prefix kept for each list entry.
#[derive(Debug, Default)]
pub struct Paths {
    prefixes: Vec<Prefix>,
    /// Where the list of each state is, at the position before, and at the one being reached.
    before: Vec<Range<usize>>,
    reached: Vec<Range<usize>>,
    /// For each state before: what comes next from its list, and the score of going on with it.
    heads: Vec<(usize, f64)>,
    path: Vec<usize>,
}

#[derive(Debug)]
struct Prefix {
    score: f64,
    state: usize,
    /// The prefix that this one continues, if there is a position before.
    continues: usize,
}

impl Paths {
    /// Calls `visit` with the `k` best paths that have no score of −∞, best first.
    ///
    /// `unary` takes a position and a state; `transition` the position it leaves, from and to.
    pub(super) fn k_best(
        &mut self,
        (length, states): (usize, usize),
        k: usize,
        unary: impl Fn(usize, usize) -> f64,
        transition: impl Fn(usize, usize, usize) -> f64,
        mut visit: impl FnMut(&[usize]),
    ) {
        self.prefixes.clear();
        self.before.clear();
        for state in 0..states {
            self.before.push(state..state + 1);
            self.prefixes.push(Prefix {
                score: unary(0, state),
                state,
                continues: 0,
            });
        }
        for at in 1..length {
            self.reached.clear();
            for to in 0..states {
                let list = self.reach(to, k, unary(at, to), |from| transition(at - 1, from, to));
                self.reached.push(list);
            }
            std::mem::swap(&mut self.before, &mut self.reached);
        }
        // One more state, after all of them, merges the last lists.
        self.path.resize(length, 0);
        for end in self.reach(states, k, 0.0, |_| 0.0) {
            let mut prefix = &self.prefixes[end];
            for state in self.path.iter_mut().rev() {
                prefix = &self.prefixes[prefix.continues];
                *state = prefix.state;
            }
            visit(&self.path);
        }
    }

    /// Appends the `k` best prefixes that go on to `state`. One score added to all of a list keeps
    /// its order, so that the next best is always at the head of some list.
    fn reach(
        &mut self,
        state: usize,
        k: usize,
        unary: f64,
        transition: impl Fn(usize) -> f64,
    ) -> Range<usize> {
        let start = self.prefixes.len();
        let (prefixes, before, heads) = (&mut self.prefixes, &self.before, &mut self.heads);
        let head = |prefixes: &[Prefix], from: usize, at: usize| {
            if at == before[from].end {
                return (at, f64::NEG_INFINITY);
            }
            let score = prefixes[at].score + transition(from) + unary;
            // Overflow makes a NaN of ∞ − ∞, which would hide other heads: `max` drops it.
            (at, score.max(f64::NEG_INFINITY))
        };
        heads.clear();
        heads.extend((0..before.len()).map(|from| head(prefixes, from, before[from].start)));
        while prefixes.len() - start < k {
            let mut best = 0;
            for from in 1..heads.len() {
                if heads[from].1 > heads[best].1 {
                    best = from;
                }
            }
            let (continues, score) = heads[best];
            if score == f64::NEG_INFINITY {
                break;
            }
            prefixes.push(Prefix {
                score,
                state,
                continues,
            });
            heads[best] = head(prefixes, best, continues + 1);
        }
        start..prefixes.len()
    }
}

/// Whether `listed` has the parts of `expected`, which are distinct, and no others, in any order.
/// In one pass where the order is the same.
pub(super) fn same_parts(listed: &[u32], expected: impl Iterator<Item = usize>) -> bool {
    let mut count = 0;
    for part in expected {
        let here = listed
            .get(count)
            .is_some_and(|&other| other as usize == part);
        if !here && !listed.iter().any(|&other| other as usize == part) {
            return false;
        }
        count += 1;
    }
    count == listed.len()
}

/// One instruction, unlike [`f64::max`], which looks for NaN.
#[inline(always)]
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
