//! What the solvers allocate, counted by the allocator itself: nothing for each iteration or row
//! once they have warmed up, and few bytes for each row at any time.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_core::tensor::{Device, Tensor, TensorData};
use rayon::{ThreadPool, ThreadPoolBuilder};
use sparse_ops::*;

/// The system's allocator, with a count of each thread's allocations, and the bytes of all threads
/// together: now and at most.
struct Counting;

thread_local! {
    // without a destructor, so that it may be read at any time
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn add(bytes: usize) {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: all memory comes from the system's allocator, and goes back to it as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // both blocks may be there while one is copied
        add(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Bytes are those of the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap()
}

/// Uniform in `-width..width`, by a linear congruential generator.
fn uniform(count: usize, width: f64, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| width * (2.0 * next() - 1.0)).collect()
}

fn tensor(values: Vec<f64>, columns: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn scores<S: Structure>(structure: &S, rows: &[f64], device: &Device) -> StructureScores {
    let (n, m) = (structure.unaries(), structure.additionals());
    let columns = |range: std::ops::Range<usize>| -> Vec<f64> {
        let rows = rows.chunks_exact(n + m);
        rows.flat_map(|row| row[range.clone()].to_vec()).collect()
    };
    let tracked = |columns: Vec<f64>, width: usize| {
        let scores = tensor(columns, width, device);
        if device.is_autodiff() {
            scores.require_grad()
        } else {
            scores
        }
    };
    StructureScores {
        unaries: tracked(columns(0..n), n),
        additionals: (m > 0).then(|| tracked(columns(n..n + m), m)),
    }
}

/// The rows that workspaces grow in, each of them later solved seven times more.
const FEW: usize = 64;
const MANY: usize = 8 * FEW;
/// What the few and the many rows may differ by: each list of a result, some thirty in all, doubles
/// three times as it gets eight times as long. One allocation for a row would make 448 more.
const DOUBLINGS: usize = 120;

/// Runs `solve` on few rows and on many, on one thread: the allocations of the two.
fn allocations<S: Structure>(
    structure: &S,
    device: &Device,
    solve: impl Fn(StructureScores) -> SparseDistribution<Tensor<2>> + Sync,
) -> [usize; 2] {
    let parts = structure.unaries() + structure.additionals();
    let rows = uniform(FEW * parts, 1.0, parts as u64);
    let count = |times: usize| {
        let scores = scores(structure, &rows.repeat(times), device);
        let before = ALLOCATIONS.get();
        let q = solve(scores);
        let (probs, marginals) = (q.probs(), q.marginals());
        if device.is_autodiff() {
            (probs.square().sum() + marginals.square().sum()).backward();
        }
        ALLOCATIONS.get() - before
    };
    pool(1).install(|| {
        count(1); // what is made once for a thread or a process
        [count(1), count(MANY / FEW)]
    })
}

fn rows_cost_nothing<S: Structure>(
    name: &str,
    structure: &S,
    device: &Device,
    solve: impl Fn(StructureScores) -> SparseDistribution<Tensor<2>> + Sync,
) {
    let [few, many] = allocations(structure, device, solve);
    assert!(
        many <= few + DOUBLINGS,
        "{name}: {few} allocations for {FEW} rows, {many} for {MANY}"
    );
}

/// Runs of ones, a structure that the library does not have, by its MAP oracle alone.
struct Interval(usize);

impl Structure for Interval {
    type Workspace = ();

    fn unaries(&self) -> usize {
        self.0
    }

    fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
        let (mut start, mut sum, mut most, mut chosen) = (0, 0.0, 0.0, 0..0);
        for (at, score) in scores.unaries.iter().enumerate() {
            if sum <= 0.0 {
                (start, sum) = (at, 0.0);
            }
            sum += score;
            if sum > most {
                (most, chosen) = (sum, start..at + 1);
            }
        }
        chosen.for_each(|part| best.insert(part));
    }
}

/// The same, by an oracle that allocates each time that it is asked.
struct Wasteful(Interval);

impl Structure for Wasteful {
    type Workspace = ();

    fn unaries(&self) -> usize {
        self.0.unaries()
    }

    fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
        let unaries = scores.unaries.to_vec();
        let scores = Scores {
            unaries: &unaries,
            ..scores
        };
        self.0.argmax(scores, &mut (), best);
    }
}

/// That the tests below would see it.
#[test]
fn an_oracle_that_allocates_is_seen() {
    let _alone = alone();
    let options = SparseMapOptions::default();
    let solve = |scores| sparsemap(scores, &Wasteful(Interval(24)), &options);
    let [few, many] = allocations(&Interval(24), &Device::default(), solve);
    // it is asked at least twice for a row
    assert!(many >= few + 2 * (MANY - FEW), "{few} and {many}");
}

/// Rows of the active set, which take several iterations each: what they do not allocate, no
/// iteration does. With autodiff also for the span of the optimal faces, and on the way back.
#[test]
fn no_iteration_allocates() {
    let _alone = alone();
    fn check<S: Structure>(name: &str, structure: S) {
        let options = SparseMapOptions::default().with_closed_form(false);
        for device in [Device::default(), Device::default().autodiff()] {
            rows_cost_nothing(name, &structure, &device, |scores| {
                let q = sparsemap(scores, &structure, &options);
                let iterations = q.certificates().iter().map(|row| row.iterations);
                let least = 5 * q.certificates().len();
                assert!(iterations.sum::<usize>() >= least, "{name}");
                q
            });
        }
    }
    check("BitVector", BitVector::new(24).unwrap());
    check("Budget", Budget::new(24, 6).unwrap());
    check("BinarySequence", BinarySequence::new(12).unwrap());
    check("Sequence", Sequence::new(6, 4).unwrap());
    check(
        "Sequence with ends",
        Sequence::new(6, 4).unwrap().with_ends(),
    );
    check("Assignment", Assignment::new(5, 7).unwrap());
    check("Assignment, square", Assignment::new(6, 6).unwrap());
    check("Assignment, flipped", Assignment::new(7, 5).unwrap());
    check("Arborescence", Arborescence::new(7).unwrap());
    check(
        "Arborescence, single root",
        Arborescence::new(7).unwrap().single_root(),
    );
    check("Or", Or::new(24).unwrap());
    let costs: Vec<f64> = (0..20).map(|item| f64::from(1 + item % 5)).collect();
    check("Knapsack", Knapsack::new(costs, 16.0).unwrap());
    check("Interval", Interval(24));
}

#[test]
fn no_row_of_a_closed_form_allocates() {
    let _alone = alone();
    fn check<S: Structure>(name: &str, structure: S) {
        let options = SparseMapOptions::default();
        for device in [Device::default(), Device::default().autodiff()] {
            rows_cost_nothing(name, &structure, &device, |scores| {
                sparsemap(scores, &structure, &options)
            });
        }
    }
    check("BitVector", BitVector::new(24).unwrap());
    check("Budget", Budget::new(24, 6).unwrap());
    check("BinarySequence", BinarySequence::new(24).unwrap());
    check("OneOf", OneOf::new(24).unwrap());
    check("AtMostOne", AtMostOne::new(24).unwrap());
    check("Or", Or::new(24).unwrap());
    check("Assignment", Assignment::new(6, 6).unwrap());
}

#[test]
fn no_row_of_candidates_allocates() {
    let _alone = alone();
    let device = Device::default();
    fn best<S: KBest>(name: &str, structure: S, device: &Device) {
        let top = |scores| topk_sparsemax(scores, &structure, 9);
        rows_cost_nothing(name, &structure, device, top);
    }
    fn near<S: Neighbors>(name: &str, structure: S, device: &Device) {
        let local = |scores| local_sparsemax(scores, &structure);
        rows_cost_nothing(name, &structure, device, local);
    }
    best("9 best of BitVector", BitVector::new(24).unwrap(), &device);
    best("9 best of Budget", Budget::new(24, 6).unwrap(), &device);
    best(
        "9 best of BinarySequence",
        BinarySequence::new(24).unwrap(),
        &device,
    );
    best("9 best of Sequence", Sequence::new(6, 4).unwrap(), &device);
    best("9 best of OneOf", OneOf::new(24).unwrap(), &device);
    near("near BitVector", BitVector::new(24).unwrap(), &device);
    near("near Budget", Budget::new(24, 6).unwrap(), &device);
    near(
        "near BinarySequence",
        BinarySequence::new(24).unwrap(),
        &device,
    );
    near("near Sequence", Sequence::new(6, 4).unwrap(), &device);
    near("near OneOf", OneOf::new(24).unwrap(), &device);
}

/// Solves 256 rows of 1,000 parts and goes back through the marginals, on four threads: each more
/// would add the room of one row, at most 8 MB for the factor of a full support. Returns the peak
/// in bytes above what was there before.
fn peak<S: Structure>(structure: &S, rows: Vec<f64>, options: &SparseMapOptions) -> usize {
    let (n, m) = (structure.unaries(), structure.additionals());
    assert_eq!((n, rows.len()), (1000, 256 * (n + m)));
    let scores = tensor(rows, n + m, &Device::default().autodiff()).require_grad();
    let parts = StructureScores {
        unaries: scores.clone().narrow(1, 0, n),
        additionals: (m > 0).then(|| scores.clone().narrow(1, n, m)),
    };
    pool(4).install(|| {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let q = sparsemap(parts, structure, options);
        let grads = q.marginals().square().sum().backward();
        assert!(scores.grad(&grads).is_some());
        let certificates = q.certificates().iter();
        assert!(certificates.clone().count() == 256);
        assert!(
            q.solve_status()
                .iter()
                .all(|row| *row == SolveStatus::Converged)
        );
        assert_eq!(
            options.closed_form,
            certificates.clone().all(|c| c.iterations == 0)
        );
        PEAK.load(Relaxed) - before
    })
}

const BOUND: usize = 200 << 20;

#[track_caller]
fn below_bound(name: &str, peak: usize) {
    // the solution alone is more than a MiB: the allocator was asked
    assert!(peak > 1 << 20, "{name}: {peak} bytes");
    assert!(peak < BOUND, "{name}: {} MiB", peak >> 20);
}

/// All scores where a marginal is neither 0 nor 1, so that every support is as large as can be.
#[test]
fn closed_forms_of_long_rows_take_little_memory() {
    let _alone = alone();
    let options = SparseMapOptions::default();
    let rows = || uniform(256 * 1000, 0.99, 1);
    let bits = BitVector::new(1000).unwrap();
    below_bound("BitVector", peak(&bits, rows(), &options));
    for max_ones in [100, 900] {
        let budget = Budget::new(1000, max_ones).unwrap();
        below_bound("Budget", peak(&budget, rows(), &options));
    }
    let chain = BinarySequence::new(1000).unwrap();
    let rows = uniform(256 * 1999, 0.4, 1);
    below_bound("BinarySequence", peak(&chain, rows, &options));
}

/// The active set, with supports of some forty structures. But one row for each thread has scores of
/// 0, whose optimal face takes 1,001 vertices to span: all that a row of bits can take.
#[test]
fn the_active_set_of_long_rows_takes_little_memory() {
    let _alone = alone();
    let options = SparseMapOptions::default().with_closed_form(false);
    let mut rows = uniform(256 * 1000, 25.0, 2);
    let budget = Budget::new(1000, 400).unwrap();
    below_bound("Budget", peak(&budget, rows.clone(), &options));
    for four in rows.chunks_exact_mut(64 * 1000) {
        four[..1000].fill(0.0);
    }
    let bits = BitVector::new(1000).unwrap();
    below_bound("BitVector", peak(&bits, rows, &options));
}
