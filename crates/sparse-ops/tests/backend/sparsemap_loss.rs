//! The Fenchel–Young loss of SparseMAP against its definition, the maximum found by Frank–Wolfe over
//! all structures.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::*;

use crate::device::{assert_close, autodiff_modes, modes, normals, tensor, values};

/// A structure as the list of its members' parts, unary ones first.
struct Enumerated {
    members: Vec<Vec<f64>>,
    unaries: usize,
    on_off: bool,
}

impl Enumerated {
    fn bits(n: usize) -> impl Iterator<Item = Vec<f64>> {
        (0..1 << n).map(move |code: usize| (0..n).map(|bit| (code >> bit & 1) as f64).collect())
    }

    /// Bits, and for each two neighbours whether both are on.
    fn binary_sequence(n: usize) -> Self {
        let members = Self::bits(n).map(|bits| {
            let pairs: Vec<f64> = bits.windows(2).map(|pair| pair[0] * pair[1]).collect();
            [bits, pairs].concat()
        });
        Self {
            members: members.collect(),
            unaries: n,
            on_off: true,
        }
    }

    fn one_of(n: usize) -> Self {
        let members = Self::bits(n).filter(|bits| bits.iter().sum::<f64>() == 1.0);
        Self {
            members: members.collect(),
            unaries: n,
            on_off: false,
        }
    }

    /// Two sites of two states: all pairs of states, with their transition.
    fn sequence() -> Self {
        let members = (0..4).map(|pair: usize| {
            let mut parts = vec![0.0; 8];
            parts[pair / 2] = 1.0;
            parts[2 + pair % 2] = 1.0;
            parts[4 + pair] = 1.0;
            parts
        });
        Self {
            members: members.collect(),
            unaries: 4,
            on_off: false,
        }
    }

    fn penalty(&self, means: &[f64]) -> f64 {
        let all = means[..self.unaries].iter();
        all.map(|mean| {
            let off = if self.on_off { 1.0 - mean } else { 0.0 };
            0.5 * (mean * mean + off * off)
        })
        .sum()
    }

    fn value(&self, scores: &[f64], means: &[f64]) -> f64 {
        dot(scores, means) - self.penalty(means)
    }

    /// The marginals of the maximum, by steps from the worst supported member to the best one.
    fn solve(&self, scores: &[f64]) -> Vec<f64> {
        let curvature = if self.on_off { 2.0 } else { 1.0 };
        let mut weights = vec![0.0; self.members.len()];
        weights[0] = 1.0;
        let mut means = self.members[0].clone();
        for _ in 0..20_000 {
            let mut slope = scores.to_vec();
            for (slope, mean) in slope[..self.unaries].iter_mut().zip(&means) {
                *slope -= curvature * mean - f64::from(u8::from(self.on_off));
            }
            let gains: Vec<f64> = self.members.iter().map(|m| dot(&slope, m)).collect();
            let all = 0..gains.len();
            let by_gain = |a: &usize, b: &usize| gains[*a].total_cmp(&gains[*b]);
            let best = all.clone().max_by(by_gain).unwrap();
            let worst = all.filter(|i| weights[*i] > 0.0).min_by(by_gain).unwrap();
            let difference = |part: usize| self.members[best][part] - self.members[worst][part];
            let square: f64 = (0..self.unaries).map(|part| difference(part).powi(2)).sum();
            let gap = gains[best] - gains[worst];
            if gap < 1e-12 {
                break;
            }
            let step = (gap / (curvature * square)).min(weights[worst]);
            weights[worst] -= step;
            weights[best] += step;
            (0..means.len()).for_each(|part| means[part] += step * difference(part));
        }
        means
    }

    fn loss(&self, scores: &[f64], target: &[f64]) -> f64 {
        let most = self.value(scores, &self.solve(scores));
        most - self.value(scores, target)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Every member as the target of one row, all rows with the same scores: losses and gradients
/// `[members · parts]`.
fn losses<S: Structure>(
    structure: &S,
    scores: &[f64],
    targets: &[Vec<f64>],
    device: &Device,
) -> (Vec<f64>, Vec<f64>) {
    let (n, parts, rows) = (structure.unaries(), scores.len(), targets.len());
    let all = |values: Vec<f64>| tensor::<2>(&values, [rows, parts], device, DType::F32);
    let split = |tensor: &Tensor<2>| {
        let additionals = || tensor.clone().narrow(1, n, parts - n);
        let unaries = tensor.clone().narrow(1, 0, n);
        (unaries, (parts > n).then(additionals))
    };
    let mut leaf = all(scores.repeat(rows));
    if device.is_autodiff() {
        leaf = leaf.require_grad();
    }
    let (unaries, additionals) = split(&leaf);
    let scores = StructureScores {
        unaries,
        additionals,
    };
    let (unaries, additionals) = split(&all(targets.concat()));
    let targets = StructureTargets {
        unaries,
        additionals,
    };
    let loss = sparsemap_loss(scores, targets, structure, &SparseMapOptions::default());
    let value = values(loss.clone());
    if !device.is_autodiff() {
        return (value, Vec::new());
    }
    // rows that count differently, to see that each gets its own gradient
    let counts: Vec<f64> = (0..rows).map(|row| 1.0 + row as f64).collect();
    let grads = (loss * tensor::<1>(&counts, [rows], device, DType::F32))
        .sum()
        .backward();
    let grad = values(leaf.grad(&grads).unwrap());
    let rows = grad.chunks(parts).zip(&counts);
    let grad = rows.flat_map(|(row, count)| row.iter().map(move |g| g / count));
    (value, grad.collect())
}

fn agrees<S: Structure>(structure: &S, oracle: &Enumerated) {
    const STEP: f64 = 1e-4;
    let parts = oracle.members[0].len();
    for (seed, deviation) in [(1, 0.3), (2, 1.0), (3, 3.0)] {
        let scores: Vec<f64> = normals(parts, seed).iter().map(|s| s * deviation).collect();
        let means = oracle.solve(&scores);
        // every member, and the solution itself, whose loss is 0
        let mut targets = oracle.members.clone();
        targets.push(means.clone());
        for device in modes() {
            let (loss, grad) = losses(structure, &scores, &targets, &device);
            for (row, target) in targets.iter().enumerate() {
                // scores and losses of up to 20 in f32
                let want = oracle.loss(&scores, target);
                assert_close(&loss[row..row + 1], &[want], 1e-5);
                assert!(loss[row] >= -1e-6, "{}", loss[row]);
                let far = means.iter().zip(target).any(|(a, b)| (a - b).abs() > 1e-2);
                assert_eq!(loss[row] > 1e-6, far, "{} {means:?} {target:?}", loss[row]);
                if grad.is_empty() {
                    continue;
                }
                for part in 0..parts {
                    // the loss is smooth, with a second derivative of at most 1 between kinks: the
                    // differences err by less than their step
                    let mut moved = scores.clone();
                    moved[part] += STEP;
                    let above = oracle.loss(&moved, target);
                    moved[part] -= 2.0 * STEP;
                    let want = (above - oracle.loss(&moved, target)) / (2.0 * STEP);
                    assert_close(&[grad[row * parts + part]], &[want], 1e-4);
                }
            }
        }
    }
}

#[test]
fn losses_and_gradients_agree_with_the_definition() {
    agrees(
        &BinarySequence::new(3).unwrap(),
        &Enumerated::binary_sequence(3),
    );
    agrees(&OneOf::new(4).unwrap(), &Enumerated::one_of(4));
    agrees(&Sequence::new(2, 2).unwrap(), &Enumerated::sequence());
}

#[test]
fn of_one_of_many_it_is_the_sparsemax_loss() {
    let device = Device::default();
    let scores = tensor::<2>(&normals(20, 6), [4, 5], &device, DType::F32);
    let classes = crate::device::ints(&[0, 3, 2, 4], &device);
    let targets = classes.clone().one_hot::<2>(5).float();
    let one_of = OneOf::new(5).unwrap();
    let options = SparseMapOptions::default();
    let loss = sparsemap_loss(scores.clone(), targets, &one_of, &options);
    assert_close(
        &values(loss),
        &values(sparsemax_loss(scores, classes)),
        1e-6,
    );
}

#[test]
fn bad_rows_are_nan_and_alone() {
    let infinity = f64::INFINITY;
    let rows = [
        [0.5, 0.25, -infinity],
        [0.5, -infinity, 0.25], // a forbidden target
        [f64::NAN, 0.0, 0.0],
        [-infinity; 3],
        [0.5, 0.25, -infinity],
    ];
    let one_of = OneOf::new(3).unwrap();
    for device in autodiff_modes() {
        let scores = tensor::<2>(&rows.concat(), [5, 3], &device, DType::F32).require_grad();
        let mut bits = [0.0, 1.0, 0.0].repeat(4);
        bits.extend([0.0, f64::NAN, 0.0]);
        let targets = tensor::<2>(&bits, [5, 3], &device, DType::F32);
        let options = SparseMapOptions::default();
        let loss = sparsemap_loss(scores.clone(), targets, &one_of, &options);
        let grads = loss.clone().sum().backward();
        // μ is [⅝, ⅜]: ⟨η, μ⟩ − ½‖μ‖² + ½ − ¼ of it is 25/64
        let nan = f64::NAN;
        assert_close(&values(loss), &[25.0 / 64.0, infinity, nan, nan, nan], 1e-6);
        let grad = values(scores.grad(&grads).unwrap());
        assert_close(&grad[..3], &[0.625, -0.625, 0.0], 1e-6);
        assert_close(&grad[3..6], &[0.625, -1.0, 0.375], 1e-6);
        assert!(grad[6..12].iter().all(|g| g.is_nan()));
        assert_close(&grad[12..], &[0.625, nan, 0.0], 1e-6);
    }
}

#[test]
fn an_empty_batch_is_empty() {
    let none = || Tensor::<2>::zeros([0, 3], &Device::default());
    let bits = BitVector::new(3).unwrap();
    let loss = sparsemap_loss(none(), none(), &bits, &SparseMapOptions::default());
    assert_eq!(loss.dims(), [0]);
}

fn refused<S: Structure>(structure: S, targets: [usize; 2]) {
    let device = Device::default();
    let scores = Tensor::<2>::zeros([2, 3], &device);
    let targets = Tensor::<2>::zeros(targets, &device);
    sparsemap_loss(scores, targets, &structure, &SparseMapOptions::default());
}

#[test]
#[should_panic(expected = "sparsemap_loss, targets: unaries must be [batch, 3]")]
fn wrong_targets_are_refused() {
    refused(BitVector::new(3).unwrap(), [2, 4]);
}

#[test]
#[should_panic(expected = "sparsemap_loss: a batch of 2 scores needs as many targets, got 3")]
fn another_batch_is_refused() {
    refused(BitVector::new(3).unwrap(), [3, 3]);
}

#[test]
#[should_panic(
    expected = "sparsemap_loss: this structure needs the additionals of the targets, \
                           [batch, 2]; there are none"
)]
fn targets_without_their_additional_parts_are_refused() {
    refused(BinarySequence::new(3).unwrap(), [2, 3]);
}
