//! What every function demands of its arguments, and how it says so.

use burn_core::tensor::{AsIndex, Int, Tensor};

/// `dim` as an index into `D` dimensions.
pub(super) fn dim<const D: usize>(op: &str, dim: impl AsIndex) -> usize {
    dim.try_dim_index(D).unwrap_or_else(|_| {
        panic!(
            "{op}: dim must be in -{D}..{D} for a tensor of rank {D}, got {}",
            dim.as_index()
        )
    })
}

/// α ≥ 1 and finite.
pub(crate) fn alpha(op: &str, alpha: f64) {
    assert!(
        alpha >= 1.0 && alpha.is_finite(),
        "{op}: alpha must be finite and at least 1, got {alpha}"
    );
}

/// `[batch, classes]` scores and `[batch]` targets within the classes.
pub(super) fn targets(op: &str, scores: &Tensor<2>, targets: &Tensor<1, Int>) {
    let [batch, classes] = scores.dims();
    let [given] = targets.dims();
    assert!(
        given == batch,
        "{op}: scores of shape [{batch}, {classes}] need targets of shape [{batch}], got [{given}]"
    );
    if batch == 0 {
        return;
    }
    assert!(
        classes > 0,
        "{op}: scores of shape [{batch}, 0] have no class"
    );
    let allowed = 0..classes as i64;
    let outside = targets
        .to_data()
        .iter::<i64>()
        .find(|target| !allowed.contains(target));
    if let Some(target) = outside {
        panic!("{op}: targets must be in 0..{classes}, got {target}");
    }
}
