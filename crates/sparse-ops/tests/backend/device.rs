//! The devices that a test body runs on: the default one (`BURN_DEVICE` names another), plain,
//! with autodiff, and with gradient checkpointing.

use burn_core::tensor::{DType, Device, Int, Tensor, TensorData};

pub fn modes() -> [Device; 3] {
    let device = Device::default();
    let autodiff = Device::default().autodiff();
    [
        device,
        autodiff,
        Device::default().autodiff().gradient_checkpointing(),
    ]
}

pub fn autodiff_modes() -> [Device; 2] {
    let [_, autodiff, checkpointing] = modes();
    [autodiff, checkpointing]
}

/// The dtypes that the device computes in, with the absolute tolerance of a probability: a few
/// roundings of a number up to 1.
pub fn dtypes() -> Vec<(DType, f64)> {
    let device = Device::default();
    let all = [
        (DType::F16, 1e-3),
        (DType::BF16, 8e-3),
        (DType::F32, 1e-6),
        (DType::F64, 1e-14),
    ];
    all.into_iter()
        .filter(|(dtype, _)| device.supports_dtype(*dtype))
        .collect()
}

/// The relative error of Burn's own `powf`, which backends without own backward passes use:
/// burn-ndarray rounds the exponent to f32, also for f64.
pub fn powf_rounding() -> f64 {
    match std::env::var("BURN_DEVICE").as_deref() {
        Ok("ndarray") => 6e-8,
        _ => 0.0,
    }
}

/// Whether Burn's own `exp`, and so its softmax (α = 1), has the precision of a dtype: WGSL has none
/// for f64, and devices that offer f64 there round to f32 or compute something else.
pub fn has_exp(device: &Device, dtype: DType) -> bool {
    let e = values(tensor::<1>(&[1.0], [1], device, dtype).exp())[0];
    let base = dtypes().into_iter().find(|(one, _)| *one == dtype);
    base.is_some_and(|(_, base)| (e - std::f64::consts::E).abs() < 3.0 * base)
}

pub fn tensor<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}

pub fn ints(values: &[i64], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Largest difference where both are numbers; NaNs must stand at the same places.
#[track_caller]
pub fn assert_close(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let same = (g.is_nan() && w.is_nan()) || g == w || (g - w).abs() <= tolerance;
        assert!(same, "[{i}] is {g}, expected {w} within {tolerance}");
    }
}

/// Reproducible standard normal numbers (splitmix64, then Box–Muller).
pub fn normals(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count)
        .map(|_| {
            let (u, v) = (1.0 - uniform(), uniform());
            // f32-representable, so that every dtype from f32 up sees the same scores
            f64::from(((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32)
        })
        .collect()
}
