//! Reference results of the entmax library; `golden/README.md` has their provenance.

use burn_core::tensor::Tensor;
use serde_json::Value;
use sparse_ops::{entmax, entmax_loss};

use crate::device::{assert_close, autodiff_modes, dtypes, ints, powf_rounding, tensor, values};

fn numbers(case: &Value, name: &str) -> Vec<f64> {
    case[name]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn shape<const D: usize>(case: &Value) -> [usize; D] {
    std::array::from_fn(|i| case["shape"][i].as_u64().unwrap() as usize)
}

#[test]
fn mappings_and_losses_of_the_entmax_library() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/mappings.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    // one class has no gradient; all others show it
    let moving = |case: &&Value| numbers(case, "dx").iter().any(|dx| dx.abs() > 0.1);
    assert_eq!(cases.iter().filter(moving).count(), cases.len() - 1);
    assert!(
        cases
            .iter()
            .filter(|case| case["target"].is_array())
            .count()
            >= 14
    );
    for device in autodiff_modes() {
        for case in cases {
            match case["shape"].as_array().unwrap().len() {
                _ if case["target"].is_array() => loss(case, &device),
                2 => mapping::<2>(case, &device),
                3 => mapping::<3>(case, &device),
                rank => panic!("no case of rank {rank} was expected"),
            }
        }
    }
}

/// A gradient of `p^(2 − α)` and the like: where it is large, so is what it makes of a rounding of p.
fn steep(base: f64, gradient: &[f64]) -> f64 {
    let largest = gradient.iter().fold(1.0, |most: f64, g| most.max(g.abs()));
    10.0 * base.max(powf_rounding()) * largest * largest
}

fn mapping<const D: usize>(case: &Value, device: &burn_core::tensor::Device) {
    let alpha = case["alpha"].as_f64().unwrap();
    for (dtype, base) in dtypes().into_iter().filter(|(dtype, _)| dtype.size() >= 4) {
        let scores: Tensor<D> =
            tensor(&numbers(case, "x"), shape(case), device, dtype).require_grad();
        let y = entmax(
            scores.clone(),
            alpha,
            case["dim"].as_i64().unwrap() as isize,
        );
        assert_close(&values(y.clone()), &numbers(case, "y"), 4.0 * base);
        let dy = tensor(&numbers(case, "dy"), shape(case), device, dtype);
        let grad = scores.grad(&(y * dy).sum().backward()).unwrap();
        let dx = numbers(case, "dx");
        assert_close(&values(grad), &dx, steep(base, &dx));
    }
}

fn loss(case: &Value, device: &burn_core::tensor::Device) {
    let targets: Vec<i64> = numbers(case, "target").iter().map(|&y| y as i64).collect();
    for (dtype, base) in dtypes().into_iter().filter(|(dtype, _)| dtype.size() >= 4) {
        let scores: Tensor<2> =
            tensor(&numbers(case, "x"), shape(case), device, dtype).require_grad();
        let alpha = case["alpha"].as_f64().unwrap();
        let loss = entmax_loss(scores.clone(), ints(&targets, device), alpha);
        assert_close(&values(loss.clone()), &numbers(case, "loss"), 8.0 * base);
        let dy = tensor(&numbers(case, "dy"), [targets.len()], device, dtype);
        let grad = scores.grad(&(loss * dy).sum().backward()).unwrap();
        assert_close(&values(grad), &numbers(case, "dx"), 4.0 * base);
    }
}
