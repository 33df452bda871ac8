//! Every mapping and loss, forward and forward + backward, over small, wide and long rows.
//!
//! ```text
//! cargo bench -p sparse-benches --bench mappings                       # all of it: some minutes
//! cargo bench -p sparse-benches --bench mappings -- sparsemax/         # one operation
//! RAYON_NUM_THREADS=1 cargo bench -p sparse-benches --bench mappings -- 1024x1024
//! cargo bench -p sparse-benches --bench mappings --no-default-features --features ndarray
//! ```
//!
//! Ids are `operation/forward/64x256` and `operation/forward+backward/64x256`. Comparison with
//! other libraries is elsewhere, in `benches/peers`: it needs runs that alternate.

use std::{hint::black_box, time::Duration};

use burn::{
    prelude::*,
    tensor::{Distribution, TensorData, activation},
};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main,
    measurement::WallTime,
};
use sparse_benches::{backward, forward, leaf};
use sparse_ops::{
    SparseDistribution, entmax, entmax_loss, entmax_with_alpha, entmax15, entmax15_loss, sparsemax,
    sparsemax_loss,
};

const SHAPES: [[usize; 2]; 5] = [[64, 10], [64, 256], [8192, 128], [1024, 1024], [256, 32000]];

criterion_group!(benches, mappings, losses, packing);
criterion_main!(benches);

fn mappings(criterion: &mut Criterion) {
    bench(criterion, "softmax", scores, |_| {
        |z| activation::softmax(z, 1)
    });
    bench(criterion, "sparsemax", scores, |_| |z| sparsemax(z, 1));
    bench(criterion, "entmax15", scores, |_| |z| entmax15(z, 1));
    bench(criterion, "entmax-1.3", scores, |_| |z| entmax(z, 1.3, 1));
    bench(criterion, "entmax-3", scores, |_| |z| entmax(z, 3.0, 1));
    bench(criterion, "entmax_with_alpha", scores, |z| {
        // From 1.1 to 2.1, one for each row; forward + backward has the gradient in them too.
        let rows = z.dims()[0];
        let alpha: Vec<f32> = (0..rows)
            .map(|row| 1.1 + row as f32 / rows as f32)
            .collect();
        let alpha = Tensor::<2>::from_data(TensorData::new(alpha, [rows, 1]), &z.device());
        let alpha = if z.is_autodiff() { leaf(alpha) } else { alpha };
        move |z| entmax_with_alpha(z, alpha.clone(), 1)
    });
}

fn losses(criterion: &mut Criterion) {
    bench(criterion, "sparsemax_loss", scores, |z| {
        let targets = targets(z);
        move |z| sparsemax_loss(z, targets.clone())
    });
    bench(criterion, "entmax15_loss", scores, |z| {
        let targets = targets(z);
        move |z| entmax15_loss(z, targets.clone())
    });
    bench(criterion, "entmax_loss-1.3", scores, |z| {
        let targets = targets(z);
        move |z| entmax_loss(z, targets.clone(), 1.3)
    });
}

fn packing(criterion: &mut Criterion) {
    let sparse = |shape, device: &Device| sparsemax(scores(shape, device), 1);
    bench(criterion, "categorical", sparse, |_| {
        |p| SparseDistribution::categorical(p).probs()
    });
}

/// Standard normal scores, the same in each run.
fn scores(shape: [usize; 2], device: &Device) -> Tensor<2> {
    device.seed(0);
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// A class for each row.
fn targets(scores: &Tensor<2>) -> Tensor<1, Int> {
    let [rows, columns] = scores.dims();
    let targets: Vec<i64> = (0..rows).map(|row| (row % columns) as i64).collect();
    Tensor::from_data(TensorData::new(targets, [rows]), &scores.device())
}

/// Times an operation on every shape, in both directions. `operation` makes it for an input, so
/// that what it needs besides is made once.
fn bench<const D: usize, F: Fn(Tensor<2>) -> Tensor<D>>(
    criterion: &mut Criterion,
    name: &str,
    input: impl Fn([usize; 2], &Device) -> Tensor<2>,
    operation: impl Fn(&Tensor<2>) -> F,
) {
    let device = Device::default();
    let mut group = criterion.benchmark_group(name);
    short(&mut group);
    for shape in SHAPES {
        let size = format!("{}x{}", shape[0], shape[1]);
        let input = input(shape, &device);
        let call = operation(&input);
        group.bench_function(BenchmarkId::new("forward", &size), |bencher| {
            bencher.iter(|| synced(&device, forward(&call, &input)));
        });
        let input = leaf(input);
        let call = operation(&input);
        group.bench_function(BenchmarkId::new("forward+backward", &size), |bencher| {
            bencher.iter(|| synced(&device, backward(&call, &input)));
        });
    }
    group.finish();
}

/// There are over a hundred cases, from microseconds to a second: a second for each is enough.
fn short(group: &mut BenchmarkGroup<'_, WallTime>) {
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
}

/// A lazy device has only queued the work so far.
fn synced<const D: usize>(device: &Device, output: Tensor<D>) -> Tensor<D> {
    device
        .sync()
        .expect("the device should finish what was queued");
    black_box(output)
}
