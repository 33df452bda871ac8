//! Vector-Jacobian products composed from the float operations of a backend.
//!
//! They are the default bodies of the backward methods: correct wherever floats can be added and
//! multiplied, and differentiable themselves on an autodiff backend.

use burn_core::backend::{
    Backend, TensorMetadata, get_device_settings,
    tensor::{BoolTensor, FloatTensor, IntTensor},
};
use burn_core::tensor::{DType, IntDType};

/// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)`; NaN probabilities make their whole row NaN.
pub(crate) fn entmax_backward<B: Backend>(
    probs: FloatTensor<B>,
    grad: FloatTensor<B>,
    alpha: f64,
    dim: usize,
) -> FloatTensor<B> {
    let on = positive::<B>(&probs);
    let mask = B::bool_into_float(on.clone(), probs.dtype().into());
    let weights = if alpha == 2.0 {
        mask_nan::<B>(mask, probs)
    } else {
        // a base of 1 outside of the support keeps 0^(2 − α) and its derivatives away
        let base = fill_outside::<B>(probs, on, 1.0);
        B::float_mul(B::float_powf_scalar(base, (2.0 - alpha).into()), mask)
    };
    project::<B>(weights, grad, dim)
}

/// The same with an α for each row, and the product with ∂p/∂α.
///
/// With `L = log p`, `ε = α − 1`, `a = (e^(−εL) − 1 + εL) / ε²`, `H = −Σ p L` and `A = Σ p a`,
/// `∂p/∂α = p (A − a − ε (L A + a H)) / Σ p e^(−εL)`. This is the formula of Correia, Niculae &
/// Martins (2019) rearranged so that nothing cancels as α → 1, where it becomes
/// `p (E[L²] − L²) / 2`.
pub(crate) fn entmax_with_alpha_backward<B: Backend>(
    probs: FloatTensor<B>,
    alpha: FloatTensor<B>,
    grad: FloatTensor<B>,
    dim: usize,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let on = positive::<B>(&probs);
    let mask = B::bool_into_float(on.clone(), probs.dtype().into());
    let inside = fill_outside::<B>(probs.clone(), on, 1.0);
    let log_p = B::float_log(inside.clone());
    let shape = probs.shape();
    let epsilon = B::float_expand(B::float_add_scalar(alpha, (-1.0f64).into()), shape);

    let exponent = B::float_neg(B::float_mul(epsilon.clone(), log_p.clone()));
    let power = B::float_exp(exponent.clone()); // p^(−ε)
    let weights = B::float_mul(B::float_mul(inside, power.clone()), mask.clone());
    let scores_grad = project::<B>(weights.clone(), grad.clone(), dim);

    let a = B::float_mul(
        B::float_mul(log_p.clone(), log_p.clone()),
        exp_remainder::<B>(exponent, power),
    );
    let mean = |values: FloatTensor<B>| {
        B::float_sum_dim(
            B::float_mul(probs.clone(), B::float_mul(values, mask.clone())),
            dim,
        )
    };
    let (mean_a, entropy) = (mean(a.clone()), B::float_neg(mean(log_p.clone())));
    let expand = |row: FloatTensor<B>| B::float_expand(row, probs.shape());
    let mixed = B::float_add(
        B::float_mul(log_p, expand(mean_a.clone())),
        B::float_mul(a.clone(), expand(entropy)),
    );
    let slope = B::float_sub(
        B::float_sub(expand(mean_a), a),
        B::float_mul(epsilon, mixed),
    );
    let slope = B::float_mul(B::float_mul(probs, mask), slope);
    let total = B::float_sum_dim(weights, dim);
    let alpha_grad = B::float_div(B::float_sum_dim(B::float_mul(slope, grad), dim), total);
    (scores_grad, alpha_grad)
}

/// `g · (p − 1_y)` for `probs` `[batch, classes]`, `targets` `[batch]` and `grad` `[batch]`.
pub(crate) fn entmax_loss_backward<B: Backend>(
    probs: FloatTensor<B>,
    targets: IntTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let shape = probs.shape();
    let (batch, classes) = (shape[0], shape[1]);
    let device = probs.device();
    let settings = get_device_settings::<B>(&device);
    // a narrow type may not hold the classes
    let targets = match targets.dtype() {
        DType::I8 | DType::U8 | DType::I16 | DType::U16 => B::int_cast(targets, IntDType::I32),
        _ => targets,
    };
    let range = B::int_arange(0..classes as i64, &device, targets.dtype().into());
    let range = B::int_expand(B::int_reshape(range, [1, classes].into()), shape.clone());
    let column = B::int_reshape(targets, [batch, 1].into());
    let hit = B::int_equal(
        B::int_expand(column, shape.clone()),
        range,
        settings.bool_dtype,
    );
    let hit = B::bool_into_float(hit, probs.dtype().into());
    let grad = B::float_expand(B::float_reshape(grad, [batch, 1].into()), shape);
    B::float_mul(B::float_sub(probs, hit), grad)
}

/// The rows of a tensor `[n, p]`, each times its element of `factors` `[n]`.
pub(crate) fn scale_rows<B: Backend>(
    tensor: FloatTensor<B>,
    factors: FloatTensor<B>,
) -> FloatTensor<B> {
    let shape = tensor.shape();
    let factors = B::float_reshape(factors, [shape[0], 1].into());
    B::float_mul(tensor, B::float_expand(factors, shape))
}

/// Residuals `[n, p, r]`, each row times its element of `grad` `[n]`, and the sum over rows of the
/// same with `[n, r + 1, c]`.
pub(crate) fn categorical_log_likelihood_backward<B: Backend>(
    residuals: FloatTensor<B>,
    head_residuals: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (shape, head_shape) = (residuals.shape(), head_residuals.shape());
    let rows = B::float_reshape(residuals, [shape[0], shape[1] * shape[2]].into());
    let features_grad = B::float_reshape(scale_rows::<B>(rows, grad.clone()), shape);
    let [n, rank, levels] = [head_shape[0], head_shape[1], head_shape[2]];
    let sum = B::float_matmul(
        B::float_reshape(grad, [1, n].into()),
        B::float_reshape(head_residuals, [n, rank * levels].into()),
    );
    (features_grad, B::float_reshape(sum, [rank, levels].into()))
}

/// `σ(x aᵀ) w` for `inputs` x `[n]`, `slopes` a `[f]` and `weights` w `[f]`.
pub(crate) fn sum_of_sigmoids<B: Backend>(
    inputs: FloatTensor<B>,
    slopes: FloatTensor<B>,
    weights: FloatTensor<B>,
) -> FloatTensor<B> {
    let shape = inputs.shape();
    let filtered = sigmoids::<B>(inputs, slopes);
    B::float_reshape(B::float_matmul(filtered, column::<B>(weights)), shape)
}

/// With `S = σ(x aᵀ)`: `g ⊙ S′ (w ⊙ a)`, `w ⊙ S′ᵀ (g ⊙ x)` and `Sᵀ g`.
pub(crate) fn sum_of_sigmoids_backward<B: Backend>(
    inputs: FloatTensor<B>,
    slopes: FloatTensor<B>,
    weights: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let (shape, filters) = (inputs.shape(), slopes.shape());
    let on = sigmoids::<B>(inputs.clone(), slopes.clone());
    let off = sigmoids::<B>(B::float_neg(inputs.clone()), slopes.clone());
    let rates = B::float_mul(on.clone(), off);
    let product = column::<B>(B::float_mul(weights.clone(), slopes));
    let rows = B::float_reshape(B::float_matmul(rates.clone(), product), shape);
    let inputs_grad = B::float_mul(grad.clone(), rows);
    let over_inputs = |layer: FloatTensor<B>, factors: FloatTensor<B>| {
        let sums = B::float_matmul(B::float_swap_dims(layer, 0, 1), column::<B>(factors));
        B::float_reshape(sums, filters.clone())
    };
    let of_slopes = over_inputs(rates, B::float_mul(grad.clone(), inputs));
    let slopes_grad = B::float_mul(weights, of_slopes);
    (inputs_grad, slopes_grad, over_inputs(on, grad))
}

/// `σ(x aᵀ)`, `[n, f]`.
fn sigmoids<B: Backend>(inputs: FloatTensor<B>, slopes: FloatTensor<B>) -> FloatTensor<B> {
    let (n, filters) = (inputs.shape()[0], slopes.shape()[0]);
    let row = B::float_reshape(slopes, [1, filters].into());
    let [inputs, slopes] =
        [column::<B>(inputs), row].map(|side| B::float_expand(side, [n, filters].into()));
    B::sigmoid(B::float_mul(inputs, slopes))
}

fn column<B: Backend>(vector: FloatTensor<B>) -> FloatTensor<B> {
    let shape = [vector.shape()[0], 1].into();
    B::float_reshape(vector, shape)
}

/// `w ⊙ (g − ⟨w, g⟩ / Σ w)`, row by row.
fn project<B: Backend>(
    weights: FloatTensor<B>,
    grad: FloatTensor<B>,
    dim: usize,
) -> FloatTensor<B> {
    let shape = weights.shape();
    let inner = B::float_sum_dim(B::float_mul(weights.clone(), grad.clone()), dim);
    let mean = B::float_div(inner, B::float_sum_dim(weights.clone(), dim));
    B::float_mul(weights, B::float_sub(grad, B::float_expand(mean, shape)))
}

/// `(e^x − 1 − x) / x²`, given `e^x`: by its series near 0, where the difference cancels.
fn exp_remainder<B: Backend>(x: FloatTensor<B>, exp: FloatTensor<B>) -> FloatTensor<B> {
    let device = x.device();
    let bool_dtype = get_device_settings::<B>(&device).bool_dtype;
    // twelve terms: 0.5^12 / 14! is below the rounding of f64
    let near = B::float_lower_elem(B::float_abs(x.clone()), 0.5f64.into(), bool_dtype);
    let small = fill_outside::<B>(x.clone(), near.clone(), 0.0);
    let mut factorial: f64 = (1..=14).map(f64::from).product();
    let mut series = B::float_add_scalar(
        B::float_mul_scalar(small.clone(), 0.0f64.into()),
        (1.0 / factorial).into(),
    );
    for n in (2..14).rev() {
        factorial /= f64::from(n + 1);
        series = B::float_add_scalar(
            B::float_mul(series, small.clone()),
            (1.0 / factorial).into(),
        );
    }
    let away = B::float_mask_fill(x, near.clone(), 1.0f64.into());
    let direct = B::float_sub(B::float_add_scalar(exp, (-1.0f64).into()), away.clone());
    let direct = B::float_div(direct, B::float_mul(away.clone(), away));
    B::float_mask_where(direct, near, series)
}

fn positive<B: Backend>(probs: &FloatTensor<B>) -> BoolTensor<B> {
    let bool_dtype = get_device_settings::<B>(&probs.device()).bool_dtype;
    B::float_greater_elem(probs.clone(), 0.0f64.into(), bool_dtype)
}

fn fill_outside<B: Backend>(
    tensor: FloatTensor<B>,
    on: BoolTensor<B>,
    value: f64,
) -> FloatTensor<B> {
    B::float_mask_fill(tensor, B::bool_not(on), value.into())
}

/// `mask`, but NaN where `probs` is: `0 · NaN` carries it into the row's sums.
fn mask_nan<B: Backend>(mask: FloatTensor<B>, probs: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add(mask, B::float_mul_scalar(probs, 0.0f64.into()))
}
