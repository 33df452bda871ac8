//! The nested distribution over bit vectors with given marginals.
//!
//! With `u` uniform on (0, 1), `a = 1[μ > u]` has marginals μ. As u falls from 1 to 0 the vector
//! gains its ones in the order of their marginals: at most n + 1 vectors, each within the next.

use crate::structure::Parts;

/// Emits the vertices and their probabilities, from `u` = 1 to 0. Parts that are `turned` are on
/// where the vector has a 0.
#[inline(always)]
pub(super) fn decompose(
    marginals: &[f64],
    turned: impl Fn(usize) -> bool,
    order: &mut Vec<Ranked>,
    vertex: &mut Parts,
    mut emit: impl FnMut(&mut Parts, f64),
) {
    vertex.clear();
    for (part, &mean) in marginals.iter().enumerate() {
        if (mean >= 1.0) != turned(part) {
            vertex.insert(part);
        }
    }
    rank(marginals, order);
    let mut above = 1.0;
    for group in order.chunk_by(|a, b| a.key == b.key) {
        let level = f64::from_bits(!group[0].key);
        emit(vertex, above - level);
        for ranked in group {
            vertex.toggle(ranked.part as usize);
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
    order: &mut Vec<Ranked>,
    probs_grad: &[f64],
    shares: &mut [f64],
) {
    rank(marginals, order);
    let groups = order.chunk_by(|a, b| a.key == b.key);
    for (group, probs_grad) in groups.zip(probs_grad.windows(2)) {
        let share = (probs_grad[1] - probs_grad[0]) / group.len() as f64;
        for ranked in group {
            shares[ranked.part as usize] = share;
        }
    }
}

/// A part by its marginal, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranked {
    /// The bits of the marginal, turned over: positive numbers are ordered as their bits are.
    key: u64,
    part: u32,
}

/// The parts with a marginal strictly between 0 and 1.
fn rank(marginals: &[f64], order: &mut Vec<Ranked>) {
    order.clear();
    let free = |mean: f64| mean > 0.0 && mean < 1.0;
    let free = (0..).zip(marginals).filter(|(_, mean)| free(**mean));
    order.extend(free.map(|(part, mean)| Ranked {
        key: !mean.to_bits(),
        part,
    }));
    order.sort_unstable();
}
