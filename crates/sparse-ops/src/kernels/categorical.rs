//! The log-likelihood of levels under categorical variables with logits of low rank, and what its
//! gradient needs.
//!
//! A unit of the first kernel has a pixel and walks along the levels twice: for the largest logit,
//! then for the sum of exponentials and, with them, of the weights that the residual in the
//! features has. A unit of the second has a level of one row, and walks along the row's pixels.
//! Neither waits for another, and no logit is ever stored; what units next to each other read is
//! the same (the head, or a pixel's features) or lies next to each other.

use burn_core::backend::{TensorMetadata, cubecl::dtype_to_storage_type, ops::FloatTensorOps};
use burn_core::tensor::{DType, Shape};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::elementary::{exp, is_finite, is_nan, ln};
use super::launch::{address_type, empty, nan, work_type};

/// Features up to which loops over them are unrolled, and numbers stay in registers.
const UNROLLED: usize = 32;

/// The log-likelihoods `[n]`.
pub(crate) fn categorical_log_likelihood(
    features: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
    targets: CubeTensor,
    rows: CubeTensor,
) -> CubeTensor {
    let inputs = Inputs::new(features, weight, bias, targets, rows);
    inputs.explain(false).log_likelihood
}

/// The log-likelihoods `[n]` and the residuals `[n, p, r]` and `[n, r + 1, c]`.
pub(crate) fn categorical_residuals(
    features: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
    targets: CubeTensor,
    rows: CubeTensor,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let inputs = Inputs::new(features, weight, bias, targets, rows);
    let pixels = inputs.explain(true);
    let head_residuals = inputs.derive(pixels.normalizers);
    (pixels.log_likelihood, pixels.residuals, head_residuals)
}

/// The inputs, contiguous.
struct Inputs {
    features: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
    targets: CubeTensor,
    rows: CubeTensor,
}

/// What the first kernel knows.
struct Pixels {
    /// `[n]`
    log_likelihood: CubeTensor,
    /// `[n, p, 2]`, in working precision: the largest logit, NaN if the pixel cannot be explained,
    /// and one by the sum of the exponentials.
    normalizers: CubeTensor,
    /// `[n, p, r]`, or nothing.
    residuals: CubeTensor,
}

impl Inputs {
    fn new(
        features: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        targets: CubeTensor,
        rows: CubeTensor,
    ) -> Self {
        Self {
            features: into_contiguous(features),
            weight: into_contiguous(weight),
            bias: into_contiguous(bias),
            targets: into_contiguous(targets),
            rows: into_contiguous(rows),
        }
    }

    /// Numbers of rows, pixels, features and levels.
    fn sizes(&self) -> [usize; 4] {
        let (features, weight) = (self.features.shape(), self.weight.shape());
        [features[0], features[1], features[2], weight[1]]
    }

    fn dtypes(&self) -> [ElemType; 4] {
        let dtype = self.features.dtype;
        [
            dtype_to_storage_type(dtype),
            work_type(dtype),
            dtype_to_storage_type(self.targets.dtype),
            dtype_to_storage_type(self.rows.dtype),
        ]
    }

    /// The dtype of [`work_type`].
    fn work_dtype(&self) -> DType {
        match self.features.dtype {
            DType::F64 => DType::F64,
            _ => DType::F32,
        }
    }

    /// The log-likelihoods; with `residuals`, also those in the features.
    fn explain(&self, residuals: bool) -> Pixels {
        let [n, pixels, rank, levels] = self.sizes();
        let of_pixels = |shape: Vec<usize>, dtype| empty(&self.features, Shape::from(shape), dtype);
        let log_likelihoods = of_pixels(vec![n, pixels], self.work_dtype());
        let normalizers = of_pixels(vec![n, pixels, 2], self.work_dtype());
        let shape = if residuals {
            vec![n, pixels, rank]
        } else {
            vec![1]
        };
        let of_features = of_pixels(shape, self.features.dtype);
        let client = self.features.client.clone();
        let dim = CubeDim::new(&client, n * pixels);
        // SAFETY: a unit for each pixel, or none; every tensor is contiguous and of the shape that the
        // kernel takes it for, and targets and rows out of range are not followed.
        unsafe {
            pixels_kernel::launch_unchecked(
                &client,
                calculate_cube_count_elemwise(&client, n * pixels, dim),
                dim,
                address_type(&[&self.features, &self.targets, &normalizers]),
                self.features.clone().into_buffer_arg(),
                self.weight.clone().into_buffer_arg(),
                self.bias.clone().into_buffer_arg(),
                self.targets.clone().into_buffer_arg(),
                self.rows.clone().into_buffer_arg(),
                log_likelihoods.clone().into_buffer_arg(),
                normalizers.clone().into_buffer_arg(),
                of_features.clone().into_buffer_arg(),
                SizesLaunch::new(n, self.targets.shape()[0], pixels, levels),
                nan(self.features.dtype),
                rank,
                residuals,
                self.dtypes(),
            )
        };
        let log_likelihood = CubeBackend::float_sum_dim(log_likelihoods, 1);
        let log_likelihood = CubeBackend::float_reshape(log_likelihood, Shape::from([n]));
        Pixels {
            log_likelihood: CubeBackend::float_cast(log_likelihood, self.features.dtype.into()),
            normalizers,
            residuals: of_features,
        }
    }

    /// The residuals in the head.
    fn derive(&self, normalizers: CubeTensor) -> CubeTensor {
        let [n, pixels, rank, levels] = self.sizes();
        let shape = Shape::from([n, rank + 1, levels]);
        let head_residuals = empty(&self.features, shape, self.features.dtype);
        let client = self.features.client.clone();
        let dim = CubeDim::new(&client, n * levels);
        // SAFETY: as above, with a unit for each level of each row.
        unsafe {
            head_kernel::launch_unchecked(
                &client,
                calculate_cube_count_elemwise(&client, n * levels, dim),
                dim,
                address_type(&[&self.features, &self.targets, &normalizers, &head_residuals]),
                self.features.clone().into_buffer_arg(),
                self.weight.clone().into_buffer_arg(),
                self.bias.clone().into_buffer_arg(),
                self.targets.clone().into_buffer_arg(),
                self.rows.clone().into_buffer_arg(),
                normalizers.into_buffer_arg(),
                head_residuals.clone().into_buffer_arg(),
                SizesLaunch::new(n, self.targets.shape()[0], pixels, levels),
                nan(self.features.dtype),
                rank,
                self.dtypes(),
            )
        };
        head_residuals
    }
}

/// Rows of features, rows of targets, pixels of each, and levels.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct Sizes {
    rows: usize,
    images: usize,
    pixels: usize,
    levels: usize,
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn pixels_kernel<E: Float, W: Float, I: Int, J: Int>(
    features: &[E],
    weight: &[E],
    bias: &[E],
    targets: &[I],
    rows: &[J],
    log_likelihoods: &mut [W],
    normalizers: &mut [W],
    residuals: &mut [E],
    sizes: Sizes,
    nan: InputScalar,
    #[comptime] rank: usize,
    #[comptime] derive: bool,
    #[define(E, W, I, J)] _dtypes: [ElemType; 4],
) {
    if ABSOLUTE_POS < sizes.rows * sizes.pixels {
        let nan = nan.get::<W>();
        let zero = W::new(0.0);
        let image = rows[ABSOLUTE_POS / sizes.pixels];
        let mut ok = image >= J::new(0) && usize::cast_from(image) < sizes.images;
        let mut target = 0usize.runtime();
        if ok {
            let at = usize::cast_from(image) * sizes.pixels + ABSOLUTE_POS % sizes.pixels;
            let level = targets[at];
            ok = level >= I::new(0) && usize::cast_from(level) < sizes.levels;
            if ok {
                target = usize::cast_from(level);
            }
        }
        let mut feature = Array::<W>::new(rank);
        let mut mean = Array::<W>::new(rank);
        #[unroll(rank <= UNROLLED)]
        for k in 0..rank {
            let x = W::cast_from(features[ABSOLUTE_POS * rank + k]);
            feature[k] = x;
            mean[k] = zero;
            ok = ok && is_finite::<W>(x);
        }
        let mut largest = W::min_value();
        let mut total = zero;
        if ok {
            for level in 0..sizes.levels {
                let logit = logit::<E, W>(&feature, weight, bias, level, sizes.levels, rank);
                largest = max(largest, logit);
            }
            for level in 0..sizes.levels {
                let logit = logit::<E, W>(&feature, weight, bias, level, sizes.levels, rank);
                let power = exp::<W>(logit - largest);
                total += power;
                if comptime!(derive) {
                    #[unroll(rank <= UNROLLED)]
                    for k in 0..rank {
                        mean[k] += power * W::cast_from(weight[k * sizes.levels + level]);
                    }
                }
            }
            // a level is at the largest logit, unless it is no number; its power is 1, as far as a
            // device's own exponential and the rounding of its logit in two loops are
            ok = is_finite::<W>(largest) && is_finite::<W>(total) && total >= W::new(0.5);
        }
        let mut log_likelihood = nan;
        let mut inverse = nan;
        if ok {
            let logit = logit::<E, W>(&feature, weight, bias, target, sizes.levels, rank);
            log_likelihood = logit - largest - ln::<W>(total, total - W::new(1.0));
            inverse = W::new(1.0) / total;
        } else {
            largest = nan;
        }
        log_likelihoods[ABSOLUTE_POS] = log_likelihood;
        normalizers[2 * ABSOLUTE_POS] = largest;
        normalizers[2 * ABSOLUTE_POS + 1] = inverse;
        if comptime!(derive) {
            #[unroll(rank <= UNROLLED)]
            for k in 0..rank {
                let mut residual = nan;
                if ok {
                    residual = W::cast_from(weight[k * sizes.levels + target]) - mean[k] * inverse;
                }
                residuals[ABSOLUTE_POS * rank + k] = E::cast_from(residual);
            }
        }
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn head_kernel<E: Float, W: Float, I: Int, J: Int>(
    features: &[E],
    weight: &[E],
    bias: &[E],
    targets: &[I],
    rows: &[J],
    normalizers: &[W],
    head_residuals: &mut [E],
    sizes: Sizes,
    nan: InputScalar,
    #[comptime] rank: usize,
    #[define(E, W, I, J)] _dtypes: [ElemType; 4],
) {
    if ABSOLUTE_POS < sizes.rows * sizes.levels {
        let nan = nan.get::<W>();
        let zero = W::new(0.0);
        let row = ABSOLUTE_POS / sizes.levels;
        let level = ABSOLUTE_POS % sizes.levels;
        let mut feature = Array::<W>::new(rank);
        let mut sums = Array::<W>::new(rank);
        #[unroll(rank <= UNROLLED)]
        for k in 0..rank {
            sums[k] = zero;
        }
        let mut sum = zero;
        let mut ok = true.runtime();
        for j in 0..sizes.pixels {
            let pixel = row * sizes.pixels + j;
            let largest = normalizers[2 * pixel];
            if is_nan::<W>(largest) {
                ok = false;
            } else {
                #[unroll(rank <= UNROLLED)]
                for k in 0..rank {
                    feature[k] = W::cast_from(features[pixel * rank + k]);
                }
                let logit = logit::<E, W>(&feature, weight, bias, level, sizes.levels, rank);
                let mut residual = zero - exp::<W>(logit - largest) * normalizers[2 * pixel + 1];
                // a pixel that can be explained has an image and a level in it
                let at = usize::cast_from(rows[row]) * sizes.pixels + j;
                if usize::cast_from(targets[at]) == level {
                    residual += W::new(1.0);
                }
                sum += residual;
                #[unroll(rank <= UNROLLED)]
                for k in 0..rank {
                    sums[k] += feature[k] * residual;
                }
            }
        }
        if !ok {
            sum = nan;
        }
        let first = row * (rank + 1) * sizes.levels + level;
        #[unroll(rank <= UNROLLED)]
        for k in 0..rank {
            let mut value = sums[k];
            if !ok {
                value = nan;
            }
            head_residuals[first + k * sizes.levels] = E::cast_from(value);
        }
        head_residuals[first + rank * sizes.levels] = E::cast_from(sum);
    }
}

/// The logit of a level, from a pixel's features.
#[cube]
fn logit<E: Float, W: Float>(
    feature: &Array<W>,
    weight: &[E],
    bias: &[E],
    level: usize,
    levels: usize,
    #[comptime] rank: usize,
) -> W {
    let mut logit = W::cast_from(bias[level]);
    #[unroll(rank <= UNROLLED)]
    for k in 0..rank {
        logit += feature[k] * W::cast_from(weight[k * levels + level]);
    }
    logit
}
