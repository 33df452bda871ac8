use burn::tensor::{Int, Tensor};

/// Outcomes to decode, packed: entry `i` is an outcome for batch row `rows[i]`.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// The batch row `[total]` of each entry.
    pub rows: Tensor<1, Int>,
    /// The outcome `[total, classes]` or `[total, bits]` of each entry: one-hot or 0 and 1, or relaxed
    /// where the estimator differentiates through it.
    pub codes: Tensor<2>,
}

/// Classes `[n]`, each below `count`, as one-hot codes `[n, count]`.
///
/// Unlike the tensors' own method it does not look at the classes, so that a device is not waited
/// for; a class out of range gets a code of zeros.
pub fn one_hot(classes: Tensor<1, Int>, count: usize) -> Tensor<2> {
    let device = classes.device();
    let [n] = classes.dims();
    let all = Tensor::<1, Int>::arange(0..count as i64, &device).unsqueeze_dim::<2>(0);
    let classes = classes.unsqueeze_dim::<2>(1);
    classes
        .expand([n, count])
        .equal(all.expand([n, count]))
        .float()
}
