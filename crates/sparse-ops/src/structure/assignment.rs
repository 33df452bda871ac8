//! Matchings of two sides: the linear assignment problem.

use std::slice::{from_mut, from_ref};

use bytemuck::Pod;
use pulp::{Arch, Simd, WithSimd};

use crate::structure::{ClosedForm, Parts, Scores, Structure, StructureError};

/// The matchings of `rows` with `cols` in which every member of the shorter side has exactly one
/// partner, and every member of the longer side at most one: alignments, and permutations where
/// both are as long.
///
/// Unary scores are `[rows · cols]`, row-major: one for each pair. There are no additional parts.
/// The penalty is [`Penalty::On`](crate::structure::Penalty::On).
///
/// Where both sides have the same length, SparseMAP is a projection onto the doubly stochastic matrices, which has
/// a closed form: see [`ClosedForm::Permutations`].
///
/// The MAP oracle is the Hungarian method by shortest augmenting paths, `O(short² · long)`. It is
/// exact up to the rounding of sums of scores.
///
/// Source: Kuhn 1955; Jonker & Volgenant 1987; as a factor of SparseMAP: Niculae, Martins,
/// Blondel, Cardie 2018, [arXiv 1802.04223](https://arxiv.org/abs/1802.04223).
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    rows: usize,
    cols: usize,
}

impl Assignment {
    /// Matchings of `rows` members with `cols` others.
    ///
    /// # Errors
    ///
    /// If one of them is 0, or if there are more pairs than [`u32`] counts.
    pub fn new(rows: usize, cols: usize) -> Result<Self, StructureError> {
        let error = |problem| Err(StructureError::new("Assignment", problem));
        if rows == 0 || cols == 0 {
            return error(format!(
                "rows and cols must be at least 1, got {rows} and {cols}"
            ));
        }
        let pairs = rows.checked_mul(cols);
        if pairs.is_none_or(|pairs| u32::try_from(pairs).is_err()) {
            let most = u32::MAX;
            return error(format!(
                "rows · cols must be at most {most}, got {rows} · {cols}"
            ));
        }
        Ok(Self { rows, cols })
    }

    /// Solves; false if each way has a forbidden pair.
    fn matches(&self, scores: &[f64], workspace: &mut AssignmentWorkspace) -> bool {
        Arch::new().dispatch(Solve {
            assignment: self,
            scores,
            workspace,
        })
    }

    /// Whether the shorter side are the columns.
    fn is_flipped(&self) -> bool {
        self.rows > self.cols
    }
}

impl Structure for Assignment {
    type Workspace = AssignmentWorkspace;

    fn unaries(&self) -> usize {
        self.rows * self.cols
    }

    fn argmax(&self, scores: Scores<'_>, workspace: &mut AssignmentWorkspace, best: &mut Parts) {
        workspace.solved = None;
        self.argmax_again(scores, workspace, best);
    }

    /// Begins with the prices of the last answer, if both sides are as long: most rows find their
    /// column at them.
    fn argmax_again(
        &self,
        scores: Scores<'_>,
        workspace: &mut AssignmentWorkspace,
        best: &mut Parts,
    ) {
        let warm = workspace.solved.is_some();
        let mut matched = self.matches(scores.unaries, workspace);
        if !matched && warm {
            // of scores near the largest of all numbers, differences with prices may be infinite
            workspace.solved = None;
            matched = self.matches(scores.unaries, workspace);
        }
        workspace.solved = matched.then_some((self.rows, self.cols));
        if !matched {
            workspace.complete();
        }
        for (row, &column) in workspace.partners.iter().enumerate() {
            let (row, col) = if self.is_flipped() {
                (column, row)
            } else {
                (row, column)
            };
            best.insert(row * self.cols + col);
        }
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        let size = self.rows;
        (size == self.cols).then_some(ClosedForm::Permutations { size })
    }

    fn contains(&self, parts: &Parts) -> bool {
        let mut rows = 0;
        // 64 columns at a time, whose bits one word holds
        let distinct = |block: usize| {
            let mut used = 0_u64;
            let columns = parts.iter().map(|part| part % self.cols);
            let mut here = columns.filter(|column| column / 64 == block);
            here.all(|column| {
                let (before, bit) = (used, 1 << (column % 64));
                used |= bit;
                before & bit == 0
            })
        };
        parts.unaries() == self.unaries()
            && parts.additionals().is_empty()
            && parts.count() == self.rows.min(self.cols)
            && parts.iter().all(|part| {
                // The parts are ascending, so that a row comes again only right away.
                let row = part / self.cols;
                let first = row >= rows;
                rows = row + 1;
                first
            })
            && (0..self.cols.div_ceil(64)).all(distinct)
    }

    fn trusted(&self) -> bool {
        true
    }
}

/// The partner of who has none.
const NOBODY: usize = usize::MAX;

/// What [`Assignment`] allocates once: the state of the algorithm, in which the shorter side are
/// the rows.
#[derive(Debug, Default)]
pub struct AssignmentWorkspace {
    /// The sizes of the last question, if it had an answer.
    solved: Option<(usize, usize)>,
    /// The columns, and more up to whole registers, which nobody may have.
    width: usize,
    /// `[rows · width]`: the negative scores. Forbidden pairs have +∞.
    costs: Vec<f64>,
    /// The dual variable of each column: at most 0, and 0 for one without a partner (where the sides are
    /// as long, any number). That of a row follows: the least of `cost − price`, which it pays for its partner.
    prices: Vec<f64>,
    /// The column of each row, and the row of each column.
    partners: Vec<usize>,
    owners: Vec<usize>,
    /// Rows without a partner.
    free: Vec<usize>,
    /// The shortest path found to each column that is not settled, and the row it comes from.
    distances: Vec<f64>,
    origins: Vec<u64>,
    settled: Vec<Settled>,
}

/// A column whose shortest path is known.
#[derive(Debug)]
struct Settled {
    column: usize,
    price: f64,
    distance: f64,
}

/// [`AssignmentWorkspace::solve`], compiled for each instruction set.
struct Solve<'a> {
    assignment: &'a Assignment,
    scores: &'a [f64],
    workspace: &'a mut AssignmentWorkspace,
}

impl WithSimd for Solve<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        self.workspace.start::<S>(self.assignment, self.scores);
        self.workspace.solve(simd)
    }
}

impl AssignmentWorkspace {
    #[inline(always)]
    fn start<S: Simd>(&mut self, assignment: &Assignment, scores: &[f64]) {
        let &Assignment { rows, cols } = assignment;
        let (short, long) = (rows.min(cols), rows.max(cols));
        self.width = long.next_multiple_of(S::F64_LANES);
        refill(&mut self.costs, short * self.width, f64::INFINITY);
        for (at, costs) in self.costs.chunks_exact_mut(self.width).enumerate() {
            if assignment.is_flipped() {
                let scores = scores[at..].iter().step_by(cols);
                costs
                    .iter_mut()
                    .zip(scores)
                    .for_each(|(cost, score)| *cost = -score);
            } else {
                let scores = &scores[at * cols..(at + 1) * cols];
                costs
                    .iter_mut()
                    .zip(scores)
                    .for_each(|(cost, score)| *cost = -score);
            }
        }
        if rows == cols && self.solved == Some((rows, cols)) && self.prices.len() == self.width {
            // where everybody has a partner, only differences of prices count
            let prices = &mut self.prices[..cols];
            let most = prices.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prices.iter_mut().for_each(|price| *price -= most);
        } else {
            refill(&mut self.prices, self.width, 0.0);
        }
        refill(&mut self.partners, short, NOBODY);
        refill(&mut self.owners, long, NOBODY);
        refill(&mut self.origins, self.width, 0);
        self.free.clear();
    }

    /// Matches all rows at the least cost; false if each way has a forbidden pair.
    ///
    /// If there is a way without, there is one for any part of the rows, too, and the shortest
    /// path is always finite: forbidden pairs are never taken, and no ∞ enters a price.
    #[inline(always)]
    fn solve<S: Simd>(&mut self, simd: S) -> bool {
        self.bid(simd);
        while let Some(row) = self.free.pop() {
            if !self.augment(simd, row) {
                return false;
            }
        }
        true
    }

    /// Gives most rows a partner, one row at a time ("augmenting row reduction"): a row takes the
    /// column that is best for it, at the price at which the second best would be as good, and
    /// leaves its owner without.
    #[inline(always)]
    fn bid<S: Simd>(&mut self, simd: S) {
        let rows = self.partners.len();
        // Rounding can make margins that lead nowhere: two bids for each row have to do.
        let mut outbids = rows;
        for first in 0..rows {
            let mut row = first;
            loop {
                let costs = &self.costs[row * self.width..(row + 1) * self.width];
                let (mut column, least, second) = two_smallest(simd, costs, &self.prices);
                if self.owners[column] != NOBODY && least == second {
                    let free = |&other: &usize| {
                        self.owners[other] == NOBODY && costs[other] - self.prices[other] == least
                    };
                    column = (0..self.owners.len()).find(free).unwrap_or(column);
                }
                let owner = self.owners[column];
                let margin = second - least;
                // Without a margin, two rows could outbid each other for ever. An infinite one
                // is no price; and an infinite cost, which makes it NaN, no way.
                let outbids_owner = margin > 0.0 && margin < f64::INFINITY && outbids > 0;
                if least == f64::INFINITY || owner != NOBODY && !outbids_owner {
                    self.free.push(row);
                    break;
                }
                if margin < f64::INFINITY {
                    self.prices[column] -= margin;
                }
                self.partners[row] = column;
                self.owners[column] = row;
                if owner == NOBODY {
                    break;
                }
                self.partners[owner] = NOBODY;
                outbids -= 1;
                row = owner;
            }
        }
    }

    /// Finds a partner for a row by the shortest path of exchanges (Dijkstra's algorithm on
    /// costs reduced by the prices); false if there is none without a forbidden pair.
    #[inline(always)]
    fn augment<S: Simd>(&mut self, simd: S, free: usize) -> bool {
        refill(&mut self.distances, self.width, f64::INFINITY);
        self.settled.clear();
        let (mut row, mut offset) = (free, 0.0);
        let (mut column, length) = loop {
            let costs = &self.costs[row * self.width..(row + 1) * self.width];
            let paths = (&mut *self.distances, &mut *self.origins);
            let (mut column, distance) = relax(simd, costs, &self.prices, offset, row, paths);
            if distance == f64::INFINITY {
                return false;
            }
            if self.owners[column] != NOBODY {
                let ends = |&other: &usize| {
                    self.owners[other] == NOBODY && self.distances[other] == distance
                };
                column = (0..self.owners.len()).find(ends).unwrap_or(column);
            }
            row = self.owners[column];
            if row == NOBODY {
                break (column, distance);
            }
            let price = self.prices[column];
            self.settled.push(Settled {
                column,
                price,
                distance,
            });
            offset = self.costs[row * self.width + column] - price - distance;
            // Out of the search: any way to it is infinitely long from now on.
            self.prices[column] = f64::NEG_INFINITY;
            self.distances[column] = f64::INFINITY;
        };
        for settled in &self.settled {
            self.prices[settled.column] = settled.price + (settled.distance - length);
        }
        loop {
            let row = self.origins[column] as usize;
            self.owners[column] = row;
            let left = std::mem::replace(&mut self.partners[row], column);
            if row == free {
                return true;
            }
            column = left;
        }
    }

    /// Gives each row that is left any column that is left.
    fn complete(&mut self) {
        let mut left = (0..self.owners.len()).filter(|&column| self.owners[column] == NOBODY);
        for partner in self
            .partners
            .iter_mut()
            .filter(|partner| **partner == NOBODY)
        {
            *partner = left
                .next()
                .expect("there are at least as many columns as rows");
        }
    }
}

fn refill<T: Clone>(values: &mut Vec<T>, len: usize, value: T) {
    values.clear();
    values.resize(len, value);
}

/// The column of the least `cost − price`, that, and the second least.
#[inline(always)]
fn two_smallest<S: Simd>(simd: S, costs: &[f64], prices: &[f64]) -> (usize, f64, f64) {
    let mut least = simd.splat_f64s(f64::INFINITY);
    let mut second = least;
    let mut blocks = simd.splat_u64s(0);
    let (costs, prices) = (S::as_simd_f64s(costs).0, S::as_simd_f64s(prices).0);
    for (block, (&cost, &price)) in (0..).zip(costs.iter().zip(prices)) {
        let reduced = simd.sub_f64s(cost, price);
        let less = simd.less_than_f64s(reduced, least);
        let loser = simd.select_f64s(less, least, reduced);
        second = simd.select_f64s(simd.less_than_f64s(loser, second), loser, second);
        least = simd.select_f64s(less, reduced, least);
        blocks = simd.select_u64s(less, simd.splat_u64s(block), blocks);
    }
    let (lane, column, smallest) = first_least(simd, least, blocks);
    // The second least of all is that of the same lane, or the least of another.
    lanes_mut(&mut least)[lane] = lanes_mut(&mut second)[lane];
    (column, smallest, simd.reduce_min_f64s(least))
}

/// Shortens the paths to all columns by way of `row`, and finds the shortest of all.
#[inline(always)]
fn relax<S: Simd>(
    simd: S,
    costs: &[f64],
    prices: &[f64],
    offset: f64,
    row: usize,
    (distances, origins): (&mut [f64], &mut [u64]),
) -> (usize, f64) {
    let (offset, row) = (simd.splat_f64s(offset), simd.splat_u64s(row as u64));
    let mut least = simd.splat_f64s(f64::INFINITY);
    let mut blocks = simd.splat_u64s(0);
    let (costs, prices) = (S::as_simd_f64s(costs).0, S::as_simd_f64s(prices).0);
    let distances = S::as_mut_simd_f64s(distances).0;
    let origins = S::as_mut_simd_u64s(origins).0;
    let paths = distances.iter_mut().zip(origins);
    for (block, ((distance, origin), (&cost, &price))) in
        (0..).zip(paths.zip(costs.iter().zip(prices)))
    {
        let length = simd.sub_f64s(simd.sub_f64s(cost, price), offset);
        let shorter = simd.less_than_f64s(length, *distance);
        *distance = simd.select_f64s(shorter, length, *distance);
        *origin = simd.select_u64s(shorter, row, *origin);
        let less = simd.less_than_f64s(*distance, least);
        least = simd.select_f64s(less, *distance, least);
        blocks = simd.select_u64s(less, simd.splat_u64s(block), blocks);
    }
    let (_, column, distance) = first_least(simd, least, blocks);
    (column, distance)
}

/// The first lane with the least number, its column, and the number.
#[inline(always)]
fn first_least<S: Simd>(simd: S, mut least: S::f64s, blocks: S::u64s) -> (usize, usize, f64) {
    let smallest = simd.reduce_min_f64s(least);
    // Not `first_true_m64s`, which counts from the wrong end on AVX-512 (pulp 0.22.3).
    let lanes = lanes_mut(&mut least).iter().rev();
    let equal = lanes.fold(0_u32, |equal, &lane| {
        equal << 1 | u32::from(lane == smallest)
    });
    let lane = equal.trailing_zeros() as usize;
    let block = bytemuck::cast_slice::<_, u64>(from_ref(&blocks))[lane];
    (lane, block as usize * S::F64_LANES + lane, smallest)
}

#[inline(always)]
fn lanes_mut<R: Pod>(register: &mut R) -> &mut [f64] {
    bytemuck::cast_slice_mut(from_mut(register))
}

#[cfg(test)]
mod tests {
    use pulp::{Scalar, Scalar128b, Scalar512b};

    use super::*;
    use crate::structure::enumerate::{check_argmax, check_survives_nan, trials};

    /// All injections of the shorter side into the longer one, a member at a time.
    fn members(rows: usize, cols: usize) -> Vec<Parts> {
        let mut all = vec![vec![]];
        for _ in 0..rows.min(cols) {
            let longer = |partners: &Vec<usize>| {
                let left = (0..rows.max(cols)).filter(|other| !partners.contains(other));
                let with = |other| [&partners[..], &[other]].concat();
                left.map(with).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        let parts = |partners: Vec<usize>| {
            let mut parts = Parts::new(rows * cols);
            for (member, other) in partners.into_iter().enumerate() {
                let (row, col) = if rows <= cols {
                    (member, other)
                } else {
                    (other, member)
                };
                parts.insert(row * cols + col);
            }
            parts
        };
        all.into_iter().map(parts).collect()
    }

    #[test]
    fn agrees_with_enumeration() {
        let sizes = [
            (1, 1),
            (1, 6),
            (6, 1),
            (2, 2),
            (2, 9),
            (3, 5),
            (5, 3),
            (4, 4),
            (5, 5),
        ];
        for (rows, cols) in sizes {
            check_argmax(
                &Assignment::new(rows, cols).expect("a size"),
                &members(rows, cols),
            );
        }
    }

    /// Complementary slackness in larger sizes, of scores that are huge, too, with a workspace
    /// that comes from other sizes.
    #[test]
    fn prices_are_a_certificate() {
        let mut workspace = AssignmentWorkspace::default();
        for (rows, cols) in [(20, 20), (9, 30), (33, 33), (30, 9), (3, 3), (12, 13)] {
            let structure = Assignment::new(rows, cols).expect("a size");
            for (trial, mut unaries) in trials(rows * cols).enumerate() {
                // One in 16 forbidden, which leaves a matching at these sizes.
                if trial % 2 == 1 {
                    unaries
                        .iter_mut()
                        .step_by(16)
                        .for_each(|score| *score = f64::NEG_INFINITY);
                }
                let scale = if trial % 3 == 0 { 1e290 } else { 1.0 };
                unaries.iter_mut().for_each(|score| *score *= scale);
                let scores = Scores {
                    unaries: &unaries,
                    additionals: &[],
                };
                let mut best = Parts::new(rows * cols);
                structure.argmax(scores, &mut workspace, &mut best);
                assert!(structure.contains(&best));
                if scores.of(&best) == f64::NEG_INFINITY {
                    // Those alone leave a matching; the trial may have forbidden more.
                    assert!(trial % 5 == 3, "{rows} × {cols}, trial {trial}");
                    continue;
                }
                // A price is a sum of at most some hundred scores below 1e6.
                let tolerance = scale * 1e6 * 100.0 * f64::EPSILON;
                let AssignmentWorkspace { prices, costs, .. } = &workspace;
                for (row, &column) in workspace.partners.iter().enumerate() {
                    let reduced =
                        |column: usize| costs[row * workspace.width + column] - prices[column];
                    let least = (0..rows.max(cols))
                        .map(reduced)
                        .fold(f64::INFINITY, f64::min);
                    assert!(reduced(column) <= least + tolerance);
                }
                for (&price, &owner) in prices.iter().zip(&workspace.owners) {
                    assert!(price <= tolerance && (price == 0.0 || owner != NOBODY));
                }
            }
        }
    }

    /// As a solver asks: what has been found becomes less attractive, and everything moves a little.
    #[test]
    fn later_answers_are_as_good_as_first_ones() {
        let mut workspace = AssignmentWorkspace::default();
        for (rows, cols) in [(20, 20), (5, 5), (9, 30), (33, 33), (1, 1)] {
            let structure = Assignment::new(rows, cols).expect("a size");
            for (trial, mut unaries) in trials(rows * cols).enumerate() {
                if trial % 3 == 1 {
                    let forbidden = unaries.iter_mut().step_by(7);
                    forbidden.for_each(|score| *score = f64::NEG_INFINITY);
                }
                let scale = unaries.iter().copied().filter(|s| s.is_finite());
                let scale = scale.fold(1.0, |most: f64, s| most.max(s.abs()));
                let mut best = Parts::new(rows * cols);
                for step in 0..12 {
                    let scores = Scores {
                        unaries: &unaries,
                        additionals: &[],
                    };
                    best.clear();
                    match step {
                        0 => structure.argmax(scores, &mut workspace, &mut best),
                        _ => structure.argmax_again(scores, &mut workspace, &mut best),
                    }
                    assert!(structure.contains(&best));
                    let mut first = Parts::new(rows * cols);
                    structure.argmax(scores, &mut Default::default(), &mut first);
                    let (got, want) = (scores.of(&best), scores.of(&first));
                    // sums of up to 33 scores, and of prices as large
                    let rounding = 1e3 * f64::EPSILON * scale * rows as f64;
                    assert!(
                        got == want || (got - want).abs() <= rounding,
                        "{rows} × {cols}, trial {trial}, step {step}: {got}, not {want}"
                    );
                    for part in best.iter() {
                        unaries[part] -= 0.3 * scale;
                    }
                    for (i, score) in unaries.iter_mut().enumerate() {
                        *score += 0.01 * scale * ((i * 7 + step * 3) % 5) as f64;
                    }
                }
            }
        }
    }

    /// Where a score less a price is infinite, an answer does without the last one's prices.
    #[test]
    fn scores_at_the_end_of_f64_are_matched_again() {
        let mut workspace = AssignmentWorkspace::default();
        let structure = Assignment::new(3, 3).expect("a size");
        let mut best = Parts::new(9);
        for unaries in trials(9).filter(|scores| scores.iter().all(|s| s.is_finite())) {
            let most = unaries.iter().fold(1e-9, |most: f64, s| most.max(s.abs()));
            let unaries: Vec<f64> = unaries.iter().map(|s| s / most * 1.79e308).collect();
            let scores = Scores {
                unaries: &unaries,
                additionals: &[],
            };
            structure.argmax(scores, &mut workspace, &mut best);
            assert!(workspace.solved.is_some());
            for _ in 0..3 {
                best.clear();
                structure.argmax_again(scores, &mut workspace, &mut best);
                assert!(workspace.solved.is_some() && structure.contains(&best));
            }
            best.clear();
        }
    }

    /// Registers of other widths than those of this machine.
    #[test]
    fn any_instruction_set() {
        for (rows, cols) in [(4, 4), (9, 5), (13, 20)] {
            let assignment = &Assignment::new(rows, cols).expect("a size");
            for scores in trials(rows * cols) {
                let [mut one, mut two, mut eight] =
                    [(); 3].map(|()| AssignmentWorkspace::default());
                let solve = |workspace| Solve {
                    assignment,
                    scores: &scores,
                    workspace,
                };
                let matched = solve(&mut one).with_simd(Scalar);
                assert_eq!(solve(&mut two).with_simd(Scalar128b), matched);
                assert_eq!(solve(&mut eight).with_simd(Scalar512b), matched);
                let cost = |workspace: &AssignmentWorkspace| -> f64 {
                    let of = |(row, &column)| workspace.costs[row * workspace.width + column];
                    workspace.partners.iter().enumerate().map(of).sum()
                };
                if matched {
                    // Rounding of at most some hundred scores below 1e6.
                    assert!((cost(&one) - cost(&two)).abs() < 1e-7);
                    assert!((cost(&one) - cost(&eight)).abs() < 1e-7);
                }
            }
        }
    }

    /// A forbidden pair is avoided at any cost, without rounding the other scores.
    #[test]
    fn forbidden_pairs_lose_no_precision() {
        let unaries = [
            f64::NEG_INFINITY,
            1e-300,
            2e-300,
            0.0,
            f64::NEG_INFINITY,
            0.0,
            1e300,
            0.0,
            0.0,
        ];
        let mut best = Parts::new(9);
        let scores = Scores {
            unaries: &unaries,
            additionals: &[],
        };
        let structure = Assignment::new(3, 3).expect("a size");
        structure.argmax(scores, &mut Default::default(), &mut best);
        assert_eq!(best.iter().collect::<Vec<_>>(), [1, 5, 6]);
    }

    #[test]
    fn survives_nan() {
        check_survives_nan(&Assignment::new(7, 5).expect("a size"));
    }

    #[test]
    fn contains_no_others() {
        let structure = Assignment::new(2, 3).expect("a size");
        for (parts, is_member) in [
            (&[0, 4][..], true),
            (&[0, 1], false),
            (&[0, 3], false),
            (&[5], false),
            (&[0, 4, 5], false),
        ] {
            let mut set = Parts::new(6);
            parts.iter().for_each(|&part| set.insert(part));
            assert_eq!(structure.contains(&set), is_member, "{parts:?}");
        }
        // columns of the same place in another word, and twice the same one beyond the first
        let structure = Assignment::new(2, 130).expect("a size");
        for (parts, is_member) in [([1, 130 + 65], true), ([65, 130 + 65], false)] {
            let mut set = Parts::new(260);
            parts.iter().for_each(|&part| set.insert(part));
            assert_eq!(structure.contains(&set), is_member, "{parts:?}");
        }
    }

    #[test]
    fn sizes() {
        let error = |rows, cols| {
            Assignment::new(rows, cols)
                .expect_err("no size")
                .to_string()
        };
        assert_eq!(
            error(0, 2),
            "Assignment: rows and cols must be at least 1, got 0 and 2"
        );
        let expected = "Assignment: rows · cols must be at most 4294967295, got 65536 · 65536";
        assert_eq!(error(1 << 16, 1 << 16), expected);
        error(usize::MAX, 2);
    }
}
