//! The systematic distribution over bit vectors with given marginals, whose numbers of ones differ
//! by at most one.
//!
//! Lay intervals of lengths μ_1, μ_2, … end to end, and draw `u` uniform on [0, 1): the vector has
//! the parts whose intervals hold one of u, u + 1, u + 2, … (systematic sampling: Madow, *On the
//! theory of systematic sampling*, 1949). Its marginals are μ, it has ⌊Σμ⌋ or ⌈Σμ⌉ ones, so that
//! it keeps every bound on their number that Σμ keeps, and it changes only where u passes the end
//! of an interval: at most n + 1 vectors.

use crate::structure::{Parts, Vertices};

/// Ends of intervals that are as close as this, or as [`same`] for many parts, are one: their places
/// are rounded by less, and no vertex should come of that.
const SAME: f64 = 1e-13;

/// The place of an end is a sum below 2 of as many terms, which loses half of ε with each.
fn same(parts: usize) -> f64 {
    SAME.max(2.0 * f64::EPSILON * parts as f64)
}

/// The end of a part's interval, where that part leaves and the next one enters.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    at: f64,
    part: u32,
    next: Option<u32>,
}

/// Appends the vertices in the order of `u`, and their probabilities. Returns whether the ends of
/// all intervals are distinct, as [`backward`] demands. `tight` if Σμ is an integer by constraint.
#[inline(always)]
pub(super) fn decompose(
    marginals: &[f64],
    tight: bool,
    ends: &mut Vec<End>,
    vertex: &mut Parts,
    vertices: &mut Vertices,
    probs: &mut Vec<f64>,
) -> bool {
    vertex.clear();
    for part in (0..marginals.len()).filter(|&part| marginals[part] >= 1.0) {
        vertex.insert(part);
    }
    let distinct = lay(marginals, tight, ends, |part| vertex.insert(part));
    let close = same(marginals.len());
    let (mut from, mut groups, mut rest) = (0.0, 0, ends.as_slice());
    while let Some(first) = rest.first() {
        let same = rest
            .iter()
            .take_while(|end| end.at - first.at <= close)
            .count();
        vertices.push(vertex);
        probs.push(first.at - from);
        for end in &rest[..same] {
            vertex.toggle(end.part as usize);
            if let Some(next) = end.next {
                vertex.toggle(next as usize);
            }
        }
        (from, groups, rest) = (first.at, groups + 1, &rest[same..]);
    }
    vertices.push(vertex);
    probs.push(1.0 - from);
    distinct && groups == ends.len()
}

/// The gradient in the scores from that in the probabilities, which are the differences of
/// neighbouring ends; an end is the sum of the marginals up to it.
pub(super) fn backward(
    marginals: &[f64],
    tight: bool,
    ends: &mut Vec<End>,
    probs_grad: &[f64],
    scores_grad: &mut [f64],
) {
    lay(marginals, tight, ends, |_| ());
    for (end, grads) in ends.iter().zip(probs_grad.windows(2)) {
        scores_grad[end.part as usize] = grads[0] - grads[1];
    }
    let free = |part: &usize| marginals[*part] > 0.0 && marginals[*part] < 1.0;
    let (mut sum, mut count, mut total) = (0.0, 0.0, 0.0);
    for part in (0..marginals.len()).rev().filter(free) {
        sum += scores_grad[part];
        scores_grad[part] = sum;
        (count, total) = (count + 1.0, total + sum);
    }
    if tight {
        for part in (0..marginals.len()).filter(free) {
            scores_grad[part] -= total / count;
        }
    }
}

/// Lays the intervals, calls `present` with the parts at u = 0, and sorts the ends by the `u` of
/// theirs. Ends at an integer are left out: what happens there is what u = 0 begins with. Returns
/// whether there is no such end but that of a tight sum.
#[inline(always)]
fn lay(
    marginals: &[f64],
    tight: bool,
    ends: &mut Vec<End>,
    mut present: impl FnMut(usize),
) -> bool {
    ends.clear();
    let free = |mean: f64| mean > 0.0 && mean < 1.0;
    // where a bound holds the sum, the last end is an integer, whatever rounding says
    let closing = if tight {
        marginals.iter().rposition(|mean| free(*mean))
    } else {
        None
    };
    let close = same(marginals.len());
    let (mut at, mut at_integer, mut whole) = (0.0f64, true, 0);
    for (part, &mean) in marginals.iter().enumerate() {
        if !free(mean) {
            continue;
        }
        if let Some(previous) = ends.last_mut() {
            previous.next = Some(part as u32);
        }
        let end = at + mean;
        let near = end.abs() <= close || (end - 1.0).abs() <= close;
        let integer = near || closing == Some(part);
        whole += usize::from(integer);
        // it holds an integer: its start, or one before its end
        let begins = at_integer && end > close;
        if begins || (end > 1.0 && !integer) {
            present(part);
        }
        // modulo 1, so that no digit is lost to how many ones there are. What an end is off from an
        // integer is carried on, also below 0: several of them together may be no rounding.
        let past = if integer { 0.5 } else { 1.0 };
        at = if end > past { end - 1.0 } else { end };
        at_integer = integer;
        ends.push(End {
            at: if integer { 0.0 } else { at },
            part: part as u32,
            next: None,
        });
    }
    ends.retain(|end| end.at > 0.0);
    // positive numbers are ordered as their bits are
    ends.sort_unstable_by(|a, b| (a.at.to_bits().cmp(&b.at.to_bits())).then(a.part.cmp(&b.part)));
    whole == usize::from(tight)
}
