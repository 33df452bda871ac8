//! SparseMAP, top-k and local mappings over structures: a batch of 64, standard normal scores.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo bench -p sparse-benches --bench structures
//! RAYON_NUM_THREADS=1 cargo bench -p sparse-benches --bench structures -- sequence
//! ```
//!
//! `solve` reads the scores, solves, and makes the probabilities and marginals; `solve+backward`
//! also pulls a gradient of the marginals back. The time of one instance is a 64th.

use std::{hint::black_box, time::Duration};

use burn::{prelude::*, tensor::Distribution};
use criterion::{Criterion, criterion_group, criterion_main};
use sparse_benches::leaf;
use sparse_ops::*;

const BATCH: usize = 64;

criterion_group!(benches, solvers, candidates);
criterion_main!(benches);

fn solvers(criterion: &mut Criterion) {
    let active = SparseMapOptions::default().with_closed_form(false);
    for n in [32, 128] {
        let (bits, chain) = (made(BitVector::new(n)), made(BinarySequence::new(n)));
        bench(
            criterion,
            &format!("bit_vector/{n}"),
            &bits,
            Default::default(),
        );
        bench(
            criterion,
            &format!("budget-5/{n}"),
            &made(Budget::new(n, 5)),
            Default::default(),
        );
        bench(
            criterion,
            &format!("binary_sequence/{n}"),
            &chain,
            Default::default(),
        );
        bench(
            criterion,
            &format!("binary_sequence-active-set/{n}"),
            &chain,
            active,
        );
    }
    let structure = made(Sequence::new(50, 20));
    bench(criterion, "sequence/50x20", &structure, Default::default());
    let structure = made(Arborescence::new(20));
    bench(criterion, "arborescence/20", &structure, Default::default());
    let structure = made(Assignment::new(20, 20));
    bench(
        criterion,
        "assignment/20x20",
        &structure,
        Default::default(),
    );
    bench(criterion, "assignment-active-set/20x20", &structure, active);
}

fn candidates(criterion: &mut Criterion) {
    for (n, k) in [(32, 10), (128, 50)] {
        let (bits, scores) = (made(BitVector::new(n)), normal(n, 0));
        call(criterion, &format!("topk_sparsemax/{n}-{k}"), || {
            topk_sparsemax(scores.clone(), &bits, k).probs()
        });
        call(criterion, &format!("local_sparsemax/{n}"), || {
            local_sparsemax(scores.clone(), &bits).probs()
        });
    }
}

fn made<S>(structure: Result<S, StructureError>) -> S {
    structure.expect("the sizes are allowed")
}

/// Standard normal scores, the same in each run.
fn normal(parts: usize, seed: u64) -> Tensor<2> {
    let device = Device::default();
    device.seed(seed);
    Tensor::random([BATCH, parts], Distribution::Normal(0.0, 1.0), &device)
}

fn bench<S: Structure>(
    criterion: &mut Criterion,
    name: &str,
    structure: &S,
    options: SparseMapOptions,
) {
    let (n, m) = (structure.unaries(), structure.additionals());
    let (unaries, additionals) = (normal(n, 0), (m > 0).then(|| normal(m, 1)));
    let scores = StructureScores {
        unaries: unaries.clone(),
        additionals: additionals.clone(),
    };
    call(criterion, &format!("{name}/solve"), || {
        let q = sparsemap(scores.clone(), structure, &options);
        (q.probs(), q.marginals())
    });
    let scores = StructureScores {
        unaries: leaf(unaries),
        additionals: additionals.map(leaf),
    };
    call(criterion, &format!("{name}/solve+backward"), || {
        let q = sparsemap(scores.clone(), structure, &options);
        let grads = q.marginals().backward();
        scores.unaries.grad(&grads)
    });
}

fn call<T>(criterion: &mut Criterion, name: &str, mut operation: impl FnMut() -> T) {
    let mut group = criterion.benchmark_group("structures");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group.bench_function(name, |bencher| bencher.iter(|| black_box(operation())));
    group.finish();
}
