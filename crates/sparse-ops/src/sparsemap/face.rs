//! Vertices that span the optimal face.
//!
//! Near generic scores μ moves within the affine hull of the *optimal face*: the convex hull of
//! all structures that are best at `η − μ`. Its Jacobian is the projection onto that hull. The
//! support of one solution may span less of it, at ties and for many bits in particular.

use super::active_set::ActiveSet;
use super::vector::{axpy, dot};
use crate::splitmix::SplitMix;
use crate::structure::{Scores, Structure};

/// A structure is on the face if its score is within this of the best, relative to the
/// solver's scale: far above the rounding of a solution.
const ON_FACE: f64 = 1e-9;
/// How far the scores are tilted to see other structures of the face, relative to the scale. A
/// structure beside the face may come first if it is nearer than the tilt: then the next one.
const TILTS: [f64; 3] = [1e-5, 1e-7, 3e-9];

/// What is allocated once.
#[derive(Debug, Default)]
pub(super) struct Face {
    /// `η − μ`
    reduced: Vec<f64>,
    direction: Vec<f64>,
}

/// Adds vertices to the corral, with weight 0, until it spans the optimal face.
///
/// A direction orthogonal to the span so far, drawn at random, is constant on the face only if the
/// face is spanned (with probability 1): so the oracle is asked for the most and the least of it
/// over the face.
#[inline(always)]
pub(super) fn span<S: Structure<Workspace = O>, O: Default>(
    solver: &mut ActiveSet<O>,
    structure: &S,
    scores: Scores<'_>,
    Face { reduced, direction }: &mut Face,
) {
    let scale = solver.scale;
    let unaries = scores.unaries.len();
    reduced.clear();
    let pairs = scores.unaries.iter().zip(&solver.marginals);
    reduced.extend(pairs.map(|(score, mean)| score - mean));
    let mut draws = SplitMix(0);
    direction.resize(unaries, 0.0);
    'dimension: while solver.corral.len() <= unaries {
        for (entry, score) in direction.iter_mut().zip(scores.unaries) {
            *entry = if score.is_finite() {
                2.0 * draws.uniform() - 1.0
            } else {
                0.0
            };
        }
        let before = dot(direction, direction);
        solver.corral.project_out(direction);
        let left = dot(direction, direction);
        if left <= 1e-16 * before {
            return;
        }
        let norm = left.sqrt().recip();
        direction.iter_mut().for_each(|entry| *entry *= norm);
        for tilt in TILTS {
            for side in [tilt * scale, -tilt * scale] {
                solver.reduced.clone_from(reduced);
                axpy(side, direction, &mut solver.reduced);
                if solver.take_on_face(structure, scores, reduced, ON_FACE * scale) {
                    continue 'dimension;
                }
            }
        }
        break;
    }
    solver.reduced.clone_from(reduced);
}
