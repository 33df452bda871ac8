//! Sums of sigmoids of one number, for many numbers, and their gradients: the hidden layer that they
//! are is made, used and forgotten in registers.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::element::Work;
use super::simd::{MAX_LANES, Registers};
use super::vector::Vector;

/// Registers of inputs that are worked on together: what is read of the filters serves all, and
/// none waits for itself.
const TILE: usize = 4;
/// Inputs of a tile, in the widest registers.
const WIDTH: usize = TILE * MAX_LANES;
/// Sigmoids that are worth a task of their own: about 20 µs of work.
const TASK: usize = 1 << 16;
/// The most tasks of a gradient, each of which has sums over its inputs for every filter.
const MOST: usize = 64;
/// Terms that are summed in a chain before the sum moves on: filters for an input, tiles for a filter.
const BLOCK: usize = 64;

/// What inputs are sent through: `x ↦ Σ_f w_f σ(a_f x)`.
pub(super) struct Filters<'a, W> {
    /// The slopes `a` in base 2, `a log₂ e`.
    slopes: Vec<W>,
    /// `w`.
    weights: &'a [W],
}

/// The gradients in the inputs, the slopes and the weights.
pub(super) struct Gradients<W> {
    pub(super) inputs: Vec<W>,
    pub(super) slopes: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl<'a, W: Work> Filters<'a, W> {
    pub(super) fn new(slopes: &[W], weights: &'a [W]) -> Self {
        let base_2 = W::narrow(std::f64::consts::LOG2_E);
        Self {
            slopes: slopes.iter().map(|&a| a * base_2).collect(),
            weights,
        }
    }

    /// The sums `[n]` of inputs `[n]`.
    pub(super) fn apply(&self, inputs: &[W]) -> Vec<W> {
        let mut sums = vec![W::zero(); inputs.len()];
        let size = self.task();
        let tasks = inputs.par_chunks(size).zip(sums.par_chunks_mut(size));
        tasks.for_each(|(inputs, sums)| {
            Arch::new().dispatch(Apply {
                filters: self,
                inputs,
                sums,
            });
        });
        sums
    }

    /// What the gradient `[n]` of the sums makes of everything else.
    pub(super) fn derive(&self, inputs: &[W], grad: &[W]) -> Gradients<W> {
        let filters = self.weights.len();
        let mut gradients = Gradients {
            inputs: vec![W::zero(); inputs.len()],
            slopes: vec![0.0; filters],
            weights: vec![0.0; filters],
        };
        let fewest = inputs.len().div_ceil(MOST).next_multiple_of(WIDTH);
        let size = self.task().max(fewest);
        let tasks = inputs.par_chunks(size).zip(grad.par_chunks(size));
        let tasks = tasks.zip(gradients.inputs.par_chunks_mut(size));
        // tasks depend on the sizes alone, and are added in their order: so does the result
        let sums: Vec<[Vec<f64>; 2]> = tasks
            .map(|((inputs, grad), out)| {
                Arch::new().dispatch(Derive {
                    filters: self,
                    inputs,
                    grad,
                    out,
                })
            })
            .collect();
        for [slopes, weights] in &sums {
            for (total, part) in [
                (&mut gradients.slopes, slopes),
                (&mut gradients.weights, weights),
            ] {
                for (total, part) in total.iter_mut().zip(part) {
                    *total += part;
                }
            }
        }
        gradients
    }

    /// Inputs of a task.
    fn task(&self) -> usize {
        (TASK / self.weights.len().max(1))
            .max(1)
            .next_multiple_of(WIDTH)
    }
}

struct Apply<'a, W> {
    filters: &'a Filters<'a, W>,
    inputs: &'a [W],
    sums: &'a mut [W],
}

impl<W: Work> WithSimd for Apply<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Filters { slopes, weights } = self.filters;
        let width = Tile::<W, S>::WIDTH;
        for (inputs, out) in self.inputs.chunks(width).zip(self.sums.chunks_mut(width)) {
            let inputs = Tile::load(simd, inputs, W::one());
            let mut sums = Tile::splat(simd, W::zero());
            for (slopes, weights) in slopes.chunks(BLOCK).zip(weights.chunks(BLOCK)) {
                let mut block = Tile::splat(simd, W::zero());
                for (&slope, &weight) in slopes.iter().zip(weights) {
                    let slope = Vector::splat(simd, slope);
                    let weight = Vector::splat(simd, weight);
                    for t in 0..TILE {
                        let [sigmoid, _] = sigmoid(inputs.0[t], slope);
                        block.0[t] = sigmoid.mul_add(weight, block.0[t]);
                    }
                }
                for t in 0..TILE {
                    sums.0[t] = sums.0[t] + block.0[t];
                }
            }
            sums.store(out);
        }
    }
}

struct Derive<'a, W> {
    filters: &'a Filters<'a, W>,
    inputs: &'a [W],
    grad: &'a [W],
    out: &'a mut [W],
}

impl<W: Work> WithSimd for Derive<'_, W> {
    /// The sums over inputs for each slope and each weight.
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [Vec<f64>; 2] {
        let weights = self.filters.weights;
        let zero = Vector::splat(simd, W::zero()).register();
        let mut of_filters = vec![[zero; 2]; weights.len()];
        let mut sums = [vec![0.0; weights.len()], vec![0.0; weights.len()]];
        let width = Tile::<W, S>::WIDTH;
        let few = BLOCK * width;
        let blocks = self.inputs.chunks(few).zip(self.grad.chunks(few));
        for ((inputs, grad), out) in blocks.zip(self.out.chunks_mut(few)) {
            let tiles = inputs.chunks(width).zip(grad.chunks(width));
            for ((inputs, grad), out) in tiles.zip(out.chunks_mut(width)) {
                // beyond the end there is no gradient to anything
                let inputs = Tile::load(simd, inputs, W::one());
                let grad = Tile::load(simd, grad, W::zero());
                let of_inputs = self
                    .filters
                    .derive_tile(simd, inputs, grad, &mut of_filters);
                of_inputs.store(out);
            }
            for (f, registers) in of_filters.iter_mut().enumerate() {
                for k in 0..2 {
                    sums[k][f] += <W as Registers>::sum(simd, registers[k]).widen();
                    registers[k] = zero;
                }
            }
        }
        for (sum, weight) in sums[0].iter_mut().zip(weights) {
            *sum *= weight.widen();
        }
        sums
    }
}

impl<W: Work> Filters<'_, W> {
    /// The gradient in a tile of inputs. Adds `g x σ′` and `g σ` of each filter to what is of it.
    #[inline(always)]
    fn derive_tile<S: Simd>(
        &self,
        simd: S,
        inputs: Tile<W, S>,
        grad: Tile<W, S>,
        of_filters: &mut [[W::Register<S>; 2]],
    ) -> Tile<W, S> {
        let zero = Vector::splat(simd, W::zero());
        let mut scaled = Tile([zero; TILE]);
        for t in 0..TILE {
            scaled.0[t] = inputs.0[t] * grad.0[t];
        }
        let mut rates = Tile([zero; TILE]);
        let filters = self.slopes.chunks(BLOCK).zip(self.weights.chunks(BLOCK));
        for ((slopes, weights), of_filters) in filters.zip(of_filters.chunks_mut(BLOCK)) {
            let mut block = Tile([zero; TILE]);
            for f in 0..slopes.len() {
                let slope = Vector::splat(simd, slopes[f]);
                let product = slope * Vector::splat(simd, weights[f]);
                let mut of_slope = Vector::of(simd, of_filters[f][0]);
                let mut of_weight = Vector::of(simd, of_filters[f][1]);
                for t in 0..TILE {
                    let [sigmoid, rate] = sigmoid(inputs.0[t], slope);
                    block.0[t] = rate.mul_add(product, block.0[t]);
                    of_slope = rate.mul_add(scaled.0[t], of_slope);
                    of_weight = sigmoid.mul_add(grad.0[t], of_weight);
                }
                of_filters[f] = [of_slope.register(), of_weight.register()];
            }
            for t in 0..TILE {
                rates.0[t] = rates.0[t] + block.0[t];
            }
        }
        // slopes are in base 2
        let ln_2 = Vector::constant(simd, std::f64::consts::LN_2);
        for t in 0..TILE {
            rates.0[t] = rates.0[t] * ln_2 * grad.0[t];
        }
        rates
    }
}

/// A few registers.
struct Tile<W: Work, S: Simd>([Vector<W, S>; TILE]);

impl<W: Work, S: Simd> Tile<W, S> {
    const LANES: usize = size_of::<W::Register<S>>() / size_of::<W>();
    const WIDTH: usize = TILE * Self::LANES;

    #[inline(always)]
    fn splat(simd: S, x: W) -> Self {
        Self([Vector::splat(simd, x); TILE])
    }

    /// At most [`WIDTH`](Self::WIDTH) numbers, filled up.
    #[inline(always)]
    fn load(simd: S, numbers: &[W], fill: W) -> Self {
        let mut all = [fill; WIDTH];
        all[..numbers.len()].copy_from_slice(numbers);
        let (registers, _) = W::registers::<S>(&all);
        let mut tile = Self::splat(simd, fill);
        for (slot, &register) in tile.0.iter_mut().zip(registers) {
            *slot = Vector::of(simd, register);
        }
        tile
    }

    #[inline(always)]
    fn store(&self, out: &mut [W]) {
        for (out, register) in out.chunks_mut(Self::LANES).zip(&self.0) {
            out.copy_from_slice(&register.lanes()[..out.len()]);
        }
    }
}

/// The logistic function of `slope · x`, the slope in base 2, and its derivative, neither of which
/// loses digits where it is small. A NaN makes both NaN.
#[inline(always)]
fn sigmoid<W: Work, S: Simd>(x: Vector<W, S>, slope: Vector<W, S>) -> [Vector<W, S>; 2] {
    let (zero, one) = (x.like(0.0), x.like(1.0));
    let t = x * slope;
    let power = (zero - t.max(zero - t)).exp2();
    let large = one / (one + power);
    let small = power * large;
    let nan = t.unequal(t);
    let sigmoid = zero.below(t).select(large, small);
    [nan.select(t, sigmoid), nan.select(t, small * large)]
}
