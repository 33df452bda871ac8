//! Directed spanning trees: non-projective dependency trees.

use std::iter::successors;

use pulp::{Arch, Simd, WithSimd};

use crate::structure::{Parts, Scores, Structure, StructureError};

/// The spanning arborescences over the nodes `1..=n` from the root 0: every node has exactly one
/// head, and its heads lead to the root. Non-projective dependency parsing.
///
/// Unary scores are `[n · n]`: part `(m − 1) · n + (h − 1)` is the arc `h → m`, and part
/// `(m − 1) · n + (m − 1)`, on the diagonal, the arc `root → m`. There are no additional parts.
/// The penalty is [`Penalty::On`](crate::structure::Penalty::On).
///
/// The MAP oracle is the algorithm of Chu, Liu and Edmonds with Tarjan's contraction of dense
/// graphs, `O(n²)`. It is exact up to the rounding of sums of scores.
///
/// Source: Chu & Liu 1965; Edmonds 1967; Tarjan 1977; with a single root, Gabow & Tarjan 1984; as
/// a factor of SparseMAP: Niculae, Martins, Blondel, Cardie 2018,
/// [arXiv 1802.04223](https://arxiv.org/abs/1802.04223).
#[derive(Debug, Clone, PartialEq)]
pub struct Arborescence {
    n: usize,
    single_root: bool,
}

impl Arborescence {
    /// Arborescences over `n` nodes and a root.
    ///
    /// # Errors
    ///
    /// If there is no node, or if there are more arcs than [`u32`] counts.
    pub fn new(n: usize) -> Result<Self, StructureError> {
        // n² ≤ 2³² − 1
        const MOST: usize = (1 << 16) - 1;
        if !(1..=MOST).contains(&n) {
            let problem = format!("n must be in 1..={MOST}, got {n}");
            return Err(StructureError::new("Arborescence", problem));
        }
        Ok(Self {
            n,
            single_root: false,
        })
    }

    /// Only those in which exactly one node has the root as its head, as sentences do.
    pub fn single_root(self) -> Self {
        Self {
            single_root: true,
            ..self
        }
    }
}

impl Structure for Arborescence {
    type Workspace = ArborescenceWorkspace;

    fn unaries(&self) -> usize {
        self.n * self.n
    }

    fn argmax(&self, scores: Scores<'_>, workspace: &mut ArborescenceWorkspace, best: &mut Parts) {
        let n = self.n;
        let spanned = Arch::new().dispatch(Solve {
            n,
            single_root: self.single_root,
            scores: scores.unaries,
            workspace,
        });
        if spanned {
            workspace.expand(n);
            for &arc in &workspace.entering[..n] {
                best.insert(arc);
            }
        } else {
            // Any will do: all nodes below the root, or below the first.
            for node in 0..n {
                let head = if self.single_root { 0 } else { node };
                best.insert(node * n + head);
            }
        }
    }

    fn contains(&self, parts: &Parts) -> bool {
        let n = self.n;
        let one_head = parts.unaries() == n * n
            && parts.additionals().is_empty()
            && parts.count() == n
            && parts.iter().enumerate().all(|(node, arc)| arc / n == node);
        if !one_head {
            return false;
        }
        let is_top = |node: usize| parts.contains(node * n + node);
        let head = |node: usize| parts.first_from(node * n).map(|arc| arc - node * n);
        // Those before a node are known to lead up by then, so that most paths are short.
        let leads_up = |node: usize| {
            let mut path = successors(Some(node), |&node| head(node)).take(n);
            path.any(|above| above < node || is_top(above))
        };
        (0..n).all(leads_up)
            && !(self.single_root && (0..n).filter(|&node| is_top(node)).count() > 1)
    }

    fn trusted(&self) -> bool {
        true
    }
}

/// As many arcs are worked on at once.
const LANES: usize = 4;
/// The place of a node that no path has come to.
const UNSEEN: usize = usize::MAX;
/// The place of a node whose heads lead to the root.
const DONE: usize = usize::MAX - 1;

/// What [`Arborescence`] allocates once: the state of the algorithm.
///
/// Nodes are `0..n` here, and each contraction of a cycle adds one, so that there are less than
/// `2n`. The root is not one of them. Those that are not part of another are called outer.
#[derive(Debug, Default)]
pub struct ArborescenceWorkspace {
    /// `n`, and more up to a multiple of `LANES`: no arc comes from there.
    width: usize,
    /// `[n · width]`: the scores of the arcs into an outer node, by their head, less what the
    /// cycles in it lose for them; and which arcs they are. −∞ for arcs from within.
    scores: Vec<f64>,
    arcs: Vec<u64>,
    /// `[n]`: the same for the arcs from the root.
    root_scores: Vec<f64>,
    root_arcs: Vec<usize>,
    /// For each node of the graph, the outer node that it is in.
    outer: Vec<usize>,
    /// For each node its row above (a contraction takes over one), the arc chosen into it, the
    /// node that it is a part of, and its place on the path.
    rows: Vec<usize>,
    entering: Vec<usize>,
    parents: Vec<usize>,
    places: Vec<usize>,
    /// Nodes, each of them with its head after it.
    path: Vec<usize>,
    /// For each node on the path, the score of the arc chosen into it.
    chosen: Vec<f64>,
}

/// Choosing the arcs, compiled for each instruction set.
struct Solve<'a> {
    n: usize,
    single_root: bool,
    scores: &'a [f64],
    workspace: &'a mut ArborescenceWorkspace,
}

impl WithSimd for Solve<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        self.workspace.start(self.n, self.scores);
        self.workspace.contract_all(self.n, self.single_root)
    }
}

impl ArborescenceWorkspace {
    #[inline(always)]
    fn start(&mut self, n: usize, scores: &[f64]) {
        self.width = n.next_multiple_of(LANES);
        let size = n * self.width;
        self.scores.clear();
        self.scores.resize(size, f64::NEG_INFINITY);
        self.arcs.resize(size, 0);
        self.root_scores.clear();
        for (node, scores) in scores.chunks_exact(n).enumerate() {
            let row = node * self.width;
            self.scores[row..row + n].copy_from_slice(scores);
            self.scores[row + node] = f64::NEG_INFINITY;
            self.root_scores.push(scores[node]);
            for (arc, part) in self.arcs[row..row + n].iter_mut().zip(node * n..) {
                *arc = part as u64;
            }
        }
        for same in [&mut self.outer, &mut self.rows] {
            same.clear();
            same.extend(0..n);
        }
        self.root_arcs.clear();
        self.root_arcs.extend((0..n).map(|node| node * n + node));
        self.entering.clear();
        self.entering.resize(n, 0);
        self.parents.clear();
        self.parents.resize(n, 0);
        self.places.clear();
        self.places.resize(n, UNSEEN);
        // A search that was given up leaves its path.
        self.path.clear();
        self.chosen.clear();
    }

    /// Chooses an arc into each node, and contracts the cycles that they make, until all nodes
    /// lead to the root; false if that takes a forbidden arc (or more than a single root).
    ///
    /// With a single root, an arc from the root is worse than any other: only a node that no other
    /// enters takes one. That is what a large penalty on each would do, without its loss of
    /// precision: an arc from the root is never on a cycle, so that no other would lose a penalty.
    #[inline(always)]
    fn contract_all(&mut self, n: usize, single_root: bool) -> bool {
        let mut roots = 0;
        for first in 0..n {
            let first = self.outer[first];
            if self.places[first] == DONE {
                continue;
            }
            self.push(first);
            // Each round adds a node to the path or removes one from the graph.
            while let Some(&node) = self.path.last() {
                let row = self.rows[node];
                let at = row * self.width;
                let (head, score) = largest(&self.scores[at..at + self.width]);
                let root_score = self.root_scores[row];
                let from_root = if single_root {
                    score == f64::NEG_INFINITY
                } else {
                    root_score >= score
                };
                if from_root {
                    roots += 1;
                    if root_score == f64::NEG_INFINITY || single_root && roots > 1 {
                        return false;
                    }
                    self.entering[node] = self.root_arcs[row];
                    self.finish();
                    continue;
                }
                // Also where a NaN hid what there is.
                if score == f64::NEG_INFINITY {
                    return false;
                }
                self.entering[node] = self.arcs[at + head] as usize;
                self.chosen.push(score);
                let head = self.outer[head];
                match self.places[head] {
                    UNSEEN => self.push(head),
                    DONE => self.finish(),
                    place => self.contract(n, place),
                }
            }
        }
        true
    }

    fn push(&mut self, node: usize) {
        self.places[node] = self.path.len();
        self.path.push(node);
    }

    /// All nodes on the path lead to the root.
    fn finish(&mut self) {
        for node in self.path.drain(..) {
            self.places[node] = DONE;
        }
        self.chosen.clear();
    }

    /// Makes one node of the cycle that the path has from `place` to its end. An arc that enters it
    /// replaces the one chosen into the node where it does.
    #[inline(always)]
    fn contract(&mut self, n: usize, place: usize) {
        let Self {
            scores, arcs, rows, ..
        } = self;
        let whole = self.parents.len();
        let cycle = self.path[place..].iter().zip(&self.chosen[place..]);
        let mut row = None;
        for (&node, &lost) in cycle {
            self.parents[node] = whole;
            let from = rows[node];
            let Some(into) = row else {
                for score in &mut scores[from * self.width..][..self.width] {
                    *score -= lost;
                }
                self.root_scores[from] -= lost;
                row = Some(from);
                continue;
            };
            let [into_range, from_range] =
                [into, from].map(|row| row * self.width..(row + 1) * self.width);
            let root_score = self.root_scores[from] - lost;
            if root_score > self.root_scores[into] {
                self.root_scores[into] = root_score;
                self.root_arcs[into] = self.root_arcs[from];
            }
            let both = [into_range, from_range];
            let [into_scores, from_scores] =
                scores.get_disjoint_mut(both.clone()).expect("two rows");
            let [into_arcs, from_arcs] = arcs.get_disjoint_mut(both).expect("two rows");
            merge(into_scores, into_arcs, from_scores, from_arcs, lost);
        }
        let row = row.expect("a cycle has nodes");
        let cycle = place..self.path.len();
        let row_scores = &mut scores[row * self.width..][..n];
        for (outer, score) in self.outer.iter_mut().zip(row_scores) {
            if cycle.contains(&self.places[*outer]) {
                *outer = whole;
                *score = f64::NEG_INFINITY;
            }
        }
        rows.push(row);
        self.entering.push(0);
        self.parents.push(0);
        self.places.push(place);
        self.path.truncate(place);
        self.chosen.truncate(place);
        self.path.push(whole);
    }

    /// Takes the contractions apart, last first: the arc into a node enters one of its parts.
    fn expand(&mut self, n: usize) {
        for whole in (n..self.entering.len()).rev() {
            let arc = self.entering[whole];
            let mut part = arc / n;
            while self.parents[part] != whole {
                part = self.parents[part];
            }
            self.entering[part] = arc;
        }
    }
}

/// The first of the largest scores and its place.
#[inline(always)]
fn largest(scores: &[f64]) -> (usize, f64) {
    let mut most = [f64::NEG_INFINITY; LANES];
    let mut blocks = [0_u64; LANES];
    for (block, scores) in (0..).zip(scores.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            let more = scores[lane] > most[lane];
            most[lane] = if more { scores[lane] } else { most[lane] };
            blocks[lane] = if more { block } else { blocks[lane] };
        }
    }
    let mut best = 0;
    for lane in 1..LANES {
        if most[lane] > most[best] {
            best = lane;
        }
    }
    (blocks[best] as usize * LANES + best, most[best])
}

/// Keeps the better of each two arcs, those `from` one row after they lose `lost`.
#[inline(always)]
fn merge(scores: &mut [f64], arcs: &mut [u64], from: &[f64], from_arcs: &[u64], lost: f64) {
    let into = scores.iter_mut().zip(arcs);
    for ((score, arc), (other, other_arc)) in into.zip(from.iter().zip(from_arcs)) {
        let other = other - lost;
        let better = other > *score;
        *score = if better { other } else { *score };
        *arc = if better { *other_arc } else { *arc };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::enumerate::{check_argmax, check_survives_nan, trials};

    /// All choices of a head for each node, `node` itself for the root, that have no cycle.
    fn members(n: usize, single_root: bool) -> Vec<Parts> {
        let heads = |code: usize| (0..n).map(move |node| code / n.pow(node as u32) % n);
        let heads = (0..n.pow(n as u32)).map(|code| heads(code).collect::<Vec<_>>());
        let is_member = |heads: &Vec<usize>| {
            let top = |node| (0..n).fold(node, |node: usize, _| heads[node]);
            let roots = (0..n).filter(|&node| heads[node] == node).count();
            (0..n).all(|node| heads[top(node)] == top(node)) && (!single_root || roots == 1)
        };
        let parts = |heads: Vec<usize>| {
            let mut parts = Parts::new(n * n);
            heads
                .iter()
                .enumerate()
                .for_each(|(node, head)| parts.insert(node * n + head));
            parts
        };
        heads.filter(is_member).map(parts).collect()
    }

    fn arborescence(n: usize, single_root: bool) -> Arborescence {
        let structure = Arborescence::new(n).expect("a size");
        if single_root {
            structure.single_root()
        } else {
            structure
        }
    }

    #[test]
    fn agrees_with_enumeration() {
        for n in 1..=5 {
            for single_root in [false, true] {
                let members = members(n, single_root);
                // Cayley's formula
                let count = if single_root {
                    n.pow(n as u32 - 1)
                } else {
                    (n + 1).pow(n as u32 - 1)
                };
                assert_eq!(members.len(), count);
                check_argmax(&arborescence(n, single_root), &members);
            }
        }
    }

    /// Larger sizes by their dual: subtrees of a tree at random have random costs, each arc costs
    /// what it enters and a random excess, and the arcs of the tree no excess. Any arborescence
    /// enters each subtree, the tree enters each once: it is best. Arcs to the root of a subtree
    /// from within are cheap, so that there are many cycles, within each other.
    #[test]
    fn finds_a_planted_tree() {
        let mut workspace = ArborescenceWorkspace::default();
        for n in [30, 7, 64, 12, 33, 2] {
            for (trial, random) in trials(n * n + 2 * n)
                .enumerate()
                .filter(|(at, _)| at % 5 != 3)
            {
                let random: Vec<f64> = random.iter().map(|x| x.abs().ceil()).collect();
                let single_root = trial % 2 == 0;
                // Only nodes before it can be the head of a node; the first has the root.
                let head = |node: usize| {
                    let choice = random[node] as usize * 7919 + node * trial;
                    if node == 0 || !single_root && choice.is_multiple_of(5) {
                        node
                    } else {
                        choice % node
                    }
                };
                let enters = |from: usize, node: usize| {
                    // The subtrees of `node` and what is above, up to one with `from` in it.
                    let up = |node| {
                        successors(Some(node), |&node| (head(node) != node).then(|| head(node)))
                    };
                    let is_above = move |top: usize| up(from).any(|node| node == top);
                    let all = up(node).take_while(|&top| from == node || !is_above(top));
                    all.map(|top| random[n + top]).sum::<f64>()
                };
                let root_gain = if single_root { 1000.0 } else { 0.0 };
                let mut unaries = vec![0.0; n * n];
                for arc in 0..n * n {
                    let (node, from) = (arc / n, arc % n);
                    let excess = if head(node) == from {
                        0.0
                    } else {
                        random[2 * n + arc]
                    };
                    let gain = if node == from { root_gain } else { 0.0 };
                    unaries[arc] = gain - enters(from, node) - excess;
                }
                let scores = Scores {
                    unaries: &unaries,
                    additionals: &[],
                };
                let structure = arborescence(n, single_root);
                let mut best = Parts::new(n * n);
                structure.argmax(scores, &mut workspace, &mut best);
                assert!(structure.contains(&best));
                // What a search that is given up leaves must not matter to the next.
                let mut rootless = unaries.clone();
                rootless
                    .iter_mut()
                    .step_by(n + 1)
                    .for_each(|root| *root = f64::NEG_INFINITY);
                let forbidden = Scores {
                    unaries: &rootless,
                    additionals: &[],
                };
                structure.argmax(forbidden, &mut workspace, &mut Parts::new(n * n));
                // All are integers, and their sums exact.
                let cost: f64 = random[n..2 * n].iter().sum();
                assert_eq!(scores.of(&best), root_gain - cost, "n = {n}, trial {trial}");
            }
        }
    }

    #[test]
    fn survives_nan() {
        check_survives_nan(&arborescence(6, false));
        check_survives_nan(&arborescence(6, true));
    }

    #[test]
    fn contains_no_others() {
        for (arcs, is_member, is_single) in [
            (&[0, 3, 7][..], true, true),
            (&[0, 4, 8], true, false),
            (&[0, 5, 7], false, false),
            (&[1, 3, 8], false, false),
            (&[0, 3], false, false),
            (&[0, 1, 3], false, false),
        ] {
            let mut parts = Parts::new(9);
            arcs.iter().for_each(|&arc| parts.insert(arc));
            assert_eq!(
                arborescence(3, false).contains(&parts),
                is_member,
                "{arcs:?}"
            );
            assert_eq!(
                arborescence(3, true).contains(&parts),
                is_single,
                "{arcs:?}"
            );
        }
    }

    /// Of all choices of a head for each node, as many as there are trees.
    #[test]
    fn contains_each_tree_alone() {
        for n in 1..=5 {
            for single_root in [false, true] {
                let structure = arborescence(n, single_root);
                let is_member = |code: &usize| {
                    let mut parts = Parts::new(n * n);
                    for node in 0..n {
                        parts.insert(node * n + code / n.pow(node as u32) % n);
                    }
                    structure.contains(&parts)
                };
                let count = (0..n.pow(n as u32)).filter(is_member).count();
                assert_eq!(count, members(n, single_root).len());
            }
        }
        // across words: a path through all nodes to the root, and then back to where it started
        let structure = arborescence(70, true);
        let path = |last: usize| {
            let mut parts = Parts::new(70 * 70);
            (0..69).for_each(|node| parts.insert(node * 70 + node + 1));
            parts.insert(69 * 70 + last);
            parts
        };
        assert!(structure.contains(&path(69)));
        assert!(!structure.contains(&path(0)));
        assert!(!structure.contains(&path(31)));
    }

    #[test]
    fn sizes() {
        let error = |n| Arborescence::new(n).expect_err("no size").to_string();
        assert_eq!(error(0), "Arborescence: n must be in 1..=65535, got 0");
        error(1 << 16);
        error(usize::MAX);
    }
}
