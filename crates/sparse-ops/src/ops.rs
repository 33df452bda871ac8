//! The backend extension: every operation of the crate that is more than tensor algebra.

use burn_core as burn;
use burn_core::backend::{
    Backend, TensorMetadata, backend_extension,
    tensor::{Device, FloatTensor, IntTensor},
};
use burn_core::tensor::{IntDType, Shape, TensorData};
use burn_std::reader::try_read_sync;

use crate::{Link, compose, host};

/// Sparse mappings, their losses and the packing of supports, as a backend has to supply them.
///
/// Every method has a default body that is correct on any backend: forward methods read their
/// inputs back and compute on the host (but [`sum_of_sigmoids`](SparseOps::sum_of_sigmoids) and
/// [`sparse_matmul`](SparseOps::sparse_matmul), which are composed), backward methods compose float operations of the backend (and can therefore be
/// differentiated themselves). A backend overrides what it can do faster.
///
/// The public functions of the crate check their arguments before they come here: `dim` is a valid
/// dimension, `alpha > 1`, and shapes agree.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cubecl-backend"),
    Fusion: cfg(feature = "fusion"),
    Autodiff,
)]
pub trait SparseOps: Backend {
    /// The α-entmax of every row along `dim`; `alpha == 2` is sparsemax.
    ///
    /// Same shape and dtype as `scores`.
    #[fusion(dtype = scores, shape = scores)]
    fn entmax(scores: FloatTensor<Self>, alpha: f64, dim: usize) -> FloatTensor<Self> {
        let device = scores.device();
        let scores = read::<Self>(scores);
        Self::float_from_data(host::entmax(scores, alpha, dim), &device)
    }

    /// The vector-Jacobian product of [`entmax`](SparseOps::entmax):
    /// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)` with `s = p^(2 − α)` on the support and 0 elsewhere.
    #[fusion(dtype = probs, shape = probs)]
    fn entmax_backward(
        probs: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        alpha: f64,
        dim: usize,
    ) -> FloatTensor<Self> {
        compose::entmax_backward::<Self>(probs, grad, alpha, dim)
    }

    /// The α-entmax of every row along `dim`, with an α of its own for each row.
    ///
    /// `alpha` has the shape of `scores` but for size 1 along `dim`. Rows with α = 1 are softmax,
    /// rows with α < 1 or NaN are NaN.
    #[fusion(dtype = scores, shape = scores)]
    fn entmax_with_alpha(
        scores: FloatTensor<Self>,
        alpha: FloatTensor<Self>,
        dim: usize,
    ) -> FloatTensor<Self> {
        let device = scores.device();
        let scores = read::<Self>(scores);
        let alpha = read::<Self>(alpha);
        Self::float_from_data(host::entmax_with_alpha(scores, alpha, dim), &device)
    }

    /// The vector-Jacobian products of [`entmax_with_alpha`](SparseOps::entmax_with_alpha), in the
    /// scores and in `alpha`.
    #[fusion(meta = |probs, alpha, _grad, _dim| (probs.clone(), alpha.clone()))]
    fn entmax_with_alpha_backward(
        probs: FloatTensor<Self>,
        alpha: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        dim: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        compose::entmax_with_alpha_backward::<Self>(probs, alpha, grad, dim)
    }

    /// The Fenchel–Young loss `[batch]` of α-entmax and the probabilities `[batch, classes]` that
    /// its gradient needs. Both are differentiable, the loss twice.
    ///
    /// A target outside of `0..classes` makes its row's loss NaN; `alpha == 1` is cross-entropy.
    #[fusion(meta = |scores, targets, _alpha| {
        let mut loss = scores.clone();
        loss.shape = targets.shape.clone();
        (loss, scores.clone())
    })]
    fn entmax_loss(
        scores: FloatTensor<Self>,
        targets: IntTensor<Self>,
        alpha: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let device = scores.device();
        let scores = read::<Self>(scores);
        let targets = read_ints::<Self>(targets);
        let (loss, probs) = host::entmax_loss(scores, targets, alpha);
        (
            Self::float_from_data(loss, &device),
            Self::float_from_data(probs, &device),
        )
    }

    /// The gradient of [`entmax_loss`](SparseOps::entmax_loss) in the scores: `g · (p − 1_y)`.
    #[fusion(dtype = probs, shape = probs)]
    fn entmax_loss_backward(
        probs: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        compose::entmax_loss_backward::<Self>(probs, targets, grad)
    }

    /// The log-likelihood `[n]` of `targets` under independent Bernoulli variables, `[n, p]` both,
    /// and the residuals `[n, p]` that its gradient needs. Only the log-likelihood is
    /// differentiable, only in the logits, and once.
    #[fusion(meta = |logits, _targets| {
        let mut log_likelihood = logits.clone();
        log_likelihood.shape = Shape::from([logits.shape[0]]);
        (log_likelihood, logits.clone())
    })]
    fn bernoulli_log_likelihood(
        logits: FloatTensor<Self>,
        targets: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let device = logits.device();
        let (logits, targets) = (read::<Self>(logits), read::<Self>(targets));
        let (log_likelihood, residuals) = host::bernoulli_log_likelihood(logits, targets);
        (
            Self::float_from_data(log_likelihood, &device),
            Self::float_from_data(residuals, &device),
        )
    }

    /// The gradient of [`bernoulli_log_likelihood`](SparseOps::bernoulli_log_likelihood) in the
    /// logits: `g · (x − σ(l))`.
    #[fusion(dtype = residuals, shape = residuals)]
    fn bernoulli_log_likelihood_backward(
        residuals: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        compose::scale_rows::<Self>(residuals, grad)
    }

    /// The log-likelihood `[n]` of levels under categorical variables: `features` `[n, p, r]`,
    /// `weight` `[r, c]`, `bias` `[c]`, `targets` `[m, p]`, and for each row of features the `rows`
    /// `[n]` of the targets. Every size is at least 1.
    ///
    /// A target outside of `0..c` or a row outside of `0..m` makes its log-likelihood NaN.
    #[fusion(dtype = features, shape = Shape::from([features[0]]))]
    fn categorical_log_likelihood(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let device = features.device();
        let inputs = CategoricalData::read::<Self>(features, weight, bias, targets, rows);
        let log_likelihood = host::categorical_log_likelihood_bytes(&inputs.bytes());
        let (shape, dtype) = ([inputs.rows.len()], inputs.features.dtype());
        Self::float_from_data(
            TensorData::from_bytes(log_likelihood, shape, dtype),
            &device,
        )
    }

    /// The same, with what its gradient needs: the residuals `[n, p, r]` in the features and
    /// `[n, r + 1, c]` in the weight and, last, in the bias. Only the log-likelihood is
    /// differentiable, and once.
    #[fusion(meta = |features, weight, _bias, _targets, _rows| {
        let (n, rank, levels) = (features.shape[0], weight.shape[0], weight.shape[1]);
        let mut log_likelihood = features.clone();
        log_likelihood.shape = Shape::from([n]);
        let mut head_residuals = features.clone();
        head_residuals.shape = Shape::from([n, rank + 1, levels]);
        (log_likelihood, features.clone(), head_residuals)
    })]
    fn categorical_residuals(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let device = features.device();
        let inputs = CategoricalData::read::<Self>(features, weight, bias, targets, rows);
        let [log_likelihood, residuals, head_residuals] =
            host::categorical_residuals_bytes(&inputs.bytes());
        let (shape, weight) = (inputs.features.shape(), inputs.weight.shape());
        let (n, rank, levels) = (shape[0], weight[0], weight[1]);
        let tensor = |bytes, shape: Shape| {
            let data = TensorData::from_bytes(bytes, shape, inputs.features.dtype());
            Self::float_from_data(data, &device)
        };
        (
            tensor(log_likelihood, Shape::from([n])),
            tensor(residuals, shape.clone()),
            tensor(head_residuals, Shape::from([n, rank + 1, levels])),
        )
    }

    /// The gradients of
    /// [`categorical_log_likelihood`](SparseOps::categorical_log_likelihood) in the features
    /// `[n, p, r]` and in the weight and, last, the bias `[r + 1, c]`: the residuals of each row
    /// times its `grad` `[n]`, and their sum.
    #[fusion(meta = |residuals, head_residuals, _grad| {
        let mut head_grad = head_residuals.clone();
        let (rows, levels) = (head_residuals.shape[1], head_residuals.shape[2]);
        head_grad.shape = Shape::from([rows, levels]);
        (residuals.clone(), head_grad)
    })]
    fn categorical_log_likelihood_backward(
        residuals: FloatTensor<Self>,
        head_residuals: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        compose::categorical_log_likelihood_backward::<Self>(residuals, head_residuals, grad)
    }

    /// `Σ_f w_f σ(a_f x)` for each of the `inputs` `[n]`, with `slopes` `[f]` and `weights` `[f]`.
    /// Every size is at least 1.
    #[fusion(dtype = inputs, shape = inputs)]
    fn sum_of_sigmoids(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        compose::sum_of_sigmoids::<Self>(inputs, slopes, weights)
    }

    /// The gradients of [`sum_of_sigmoids`](SparseOps::sum_of_sigmoids) in the inputs, the slopes and
    /// the weights.
    #[fusion(meta = |inputs, slopes, weights, _grad| {
        (inputs.clone(), slopes.clone(), weights.clone())
    })]
    fn sum_of_sigmoids_backward(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        compose::sum_of_sigmoids_backward::<Self>(inputs, slopes, weights, grad)
    }

    /// The product `[n, m]` of `lhs` `[n, k]`, which is mostly zeros, and `rhs` `[k, m]`. Every size is at
    /// least 1.
    #[fusion(dtype = lhs, shape = Shape::from([lhs[0], rhs[1]]))]
    fn sparse_matmul(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(lhs, rhs)
    }

    /// The gradient of [`sparse_matmul`](SparseOps::sparse_matmul) in `rhs`: the product `[k, m]` of
    /// `lhs` `[n, k]`, transposed, and `grad` `[n, m]`.
    #[fusion(dtype = lhs, shape = Shape::from([lhs[1], grad[1]]))]
    fn sparse_matmul_backward(
        lhs: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::float_matmul(Self::float_swap_dims(lhs, 0, 1), grad)
    }

    /// Where the packed support of each row begins: `[batch + 1]` exclusive prefix sums of the
    /// number of entries of `probs` `[batch, classes]` that are not zero (a NaN counts, so that it
    /// is not lost).
    #[fusion(dtype = burn::tensor::DType::from(*int_dtype), shape = {
        let mut shape = probs.clone();
        shape[0] += 1;
        Shape::from([shape[0]])
    })]
    fn support_offsets(probs: FloatTensor<Self>, int_dtype: IntDType) -> IntTensor<Self> {
        let device = probs.device();
        let offsets = host::support_offsets(read::<Self>(probs));
        ints::<Self>(offsets, int_dtype, &device)
    }

    /// The row and the class of every entry of the support, `[total]` each, rows ascending and
    /// classes ascending in each row. `offsets` are those of
    /// [`support_offsets`](SparseOps::support_offsets), and `total` is the last of them.
    #[fusion(meta = |_probs, offsets, total| {
        let mut entries = offsets.clone();
        entries.shape = Shape::from([*total]);
        (entries.clone(), entries)
    })]
    fn support_entries(
        probs: FloatTensor<Self>,
        offsets: IntTensor<Self>,
        total: usize,
    ) -> (IntTensor<Self>, IntTensor<Self>) {
        let device = offsets.device();
        let int_dtype = offsets.dtype().into();
        let (rows, classes) = host::support_entries(read::<Self>(probs), total);
        (
            ints::<Self>(rows, int_dtype, &device),
            ints::<Self>(classes, int_dtype, &device),
        )
    }

    /// `values` as they are, made differentiable in the structure scores `[batch, n + m]` that they
    /// were solved from; `link` knows how.
    #[fusion(dtype = values, shape = values)]
    fn attach(
        scores: FloatTensor<Self>,
        values: FloatTensor<Self>,
        link: Link,
    ) -> FloatTensor<Self> {
        let _ = (scores, link);
        values
    }

    /// The gradient of [`attach`](SparseOps::attach) in the scores.
    #[fusion(dtype = grad, shape = Shape::from(link.scores_shape()))]
    fn attach_backward(grad: FloatTensor<Self>, link: Link) -> FloatTensor<Self> {
        let (device, dtype) = (grad.device(), grad.dtype());
        let grad = host::doubles(&read::<Self>(grad));
        let shape = link.scores_shape();
        let scores = host::from_doubles(&link.backward(&grad), shape, dtype);
        Self::float_from_data(scores, &device)
    }
}

/// The inputs of the categorical log-likelihood on the host.
struct CategoricalData {
    features: TensorData,
    weight: TensorData,
    bias: TensorData,
    targets: Vec<i64>,
    rows: Vec<i64>,
}

impl CategoricalData {
    fn read<B: Backend>(
        features: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: FloatTensor<B>,
        targets: IntTensor<B>,
        rows: IntTensor<B>,
    ) -> Self {
        Self {
            features: read::<B>(features),
            weight: read::<B>(weight),
            bias: read::<B>(bias),
            targets: read_ints::<B>(targets).iter::<i64>().collect(),
            rows: read_ints::<B>(rows).iter::<i64>().collect(),
        }
    }

    fn bytes(&self) -> host::CategoricalBytes<'_> {
        host::CategoricalBytes {
            dtype: self.features.dtype(),
            features: self.features.bytes(),
            weight: self.weight.bytes(),
            bias: self.bias.bytes(),
            targets: &self.targets,
            rows: &self.rows,
            pixels: self.features.shape()[1],
        }
    }
}

/// What a default body reads back; a lazy backend finishes its queue first.
pub(crate) fn read<B: Backend>(tensor: FloatTensor<B>) -> TensorData {
    try_read_sync(B::float_into_data(tensor))
        .expect(
            "sparse-ops: this backend cannot read tensors synchronously, and has no own kernels",
        )
        .expect("sparse-ops: reading a tensor back failed")
}

fn read_ints<B: Backend>(tensor: IntTensor<B>) -> TensorData {
    try_read_sync(B::int_into_data(tensor))
        .expect(
            "sparse-ops: this backend cannot read tensors synchronously, and has no own kernels",
        )
        .expect("sparse-ops: reading a tensor back failed")
}

fn ints<B: Backend>(values: Vec<i64>, dtype: IntDType, device: &Device<B>) -> IntTensor<B> {
    let shape = [values.len()];
    B::int_from_data(
        TensorData::new(values, shape).convert_dtype(dtype.into()),
        device,
    )
}
