//! The nested distribution over bit vectors with given marginals.
//!
//! With `u` uniform on (0, 1), `a = 1[μ > u]` has marginals μ. As u falls from 1 to 0 the vector
//! gains its ones in the order of their marginals: at most n + 1 vectors, each within the next.

use std::ops::Range;

use crate::structure::Parts;

/// Emits the vertices and their probabilities, from `u` = 1 to 0. Parts that are `turned` are on
/// where the vector has a 0.
#[inline(always)]
pub(super) fn decompose(
    marginals: &[f64],
    turned: impl Fn(usize) -> bool,
    order: &mut Vec<u32>,
    vertex: &mut Parts,
    mut emit: impl FnMut(&mut Parts, f64),
) {
    vertex.clear();
    for (part, &mean) in marginals.iter().enumerate() {
        if (mean >= 1.0) != turned(part) {
            vertex.insert(part);
        }
    }
    sort(marginals, order);
    let mut above = 1.0;
    for group in groups(order, marginals) {
        let level = marginals[order[group.start] as usize];
        emit(vertex, above - level);
        for &part in &order[group] {
            vertex.toggle(part as usize);
        }
        above = level;
    }
    emit(vertex, above);
}

/// The gradient in the marginals' scores from that in the probabilities. Each vertex but the first
/// changes a group of parts with one marginal `m_g`, and `p_g = m_g − m_(g+1)`: so `m` gets the
/// differences of neighbours, and a part its group's share.
#[inline(always)]
pub(super) fn backward(
    marginals: &[f64],
    order: &mut Vec<u32>,
    probs_grad: &[f64],
    shares: &mut [f64],
) {
    sort(marginals, order);
    for (index, group) in groups(order, marginals).enumerate() {
        let share = (probs_grad[index + 1] - probs_grad[index]) / group.len() as f64;
        for &part in &order[group] {
            shares[part as usize] = share;
        }
    }
}

/// The parts with a marginal strictly between 0 and 1, the largest first.
fn sort(marginals: &[f64], order: &mut Vec<u32>) {
    order.clear();
    let free = |mean: f64| mean > 0.0 && mean < 1.0;
    let free = (0..).zip(marginals).filter(|(_, mean)| free(**mean));
    order.extend(free.map(|(part, _)| part));
    // positive numbers are ordered as their bits are
    let bits = |part: u32| marginals[part as usize].to_bits();
    order.sort_unstable_by(|&a, &b| bits(b).cmp(&bits(a)).then(a.cmp(&b)));
}

/// Runs of equal marginals.
fn groups<'a>(order: &'a [u32], marginals: &'a [f64]) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut start = 0;
    std::iter::from_fn(move || {
        let level = marginals[*order.get(start)? as usize];
        let same = |part: &u32| marginals[*part as usize] == level;
        let end = start + order[start..].iter().take_while(|part| same(part)).count();
        let group = start..end;
        start = end;
        Some(group)
    })
}
