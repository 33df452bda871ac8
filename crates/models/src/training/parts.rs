use burn::tensor::{Device, Tensor, kind::Basic};

/// A batch that can be taken apart.
pub(crate) trait Divisible: Send + Sized {
    /// Where its tensors are.
    fn device(&self) -> Device;

    /// The number of examples; of each kind, where there are two.
    fn examples(&self) -> Vec<usize>;

    /// The `part`-th of `parts` batches, which divide the examples of each kind evenly and in their order.
    fn part(&self, part: usize, parts: usize) -> Self;
}

/// What a step says of its examples.
pub(crate) trait Joinable: Send + Sized {
    /// That of the examples of all parts, which are as many in each.
    fn join(parts: Vec<Self>) -> Self;
}

/// The `part`-th of `parts` of a tensor, along its first dimension.
pub(crate) fn part_of<const D: usize, K: Basic>(
    tensor: &Tensor<D, K>,
    part: usize,
    parts: usize,
) -> Tensor<D, K> {
    let size = tensor.dims()[0] / parts;
    tensor.clone().narrow(0, part * size, size)
}

/// The tensors of all parts, along the first dimension.
pub(crate) fn together<P, const D: usize, K: Basic>(
    parts: &[P],
    of: impl Fn(&P) -> &Tensor<D, K>,
) -> Tensor<D, K> {
    Tensor::cat(parts.iter().map(|part| of(part).clone()).collect(), 0)
}
