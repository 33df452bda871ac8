//! Bias and variance of every estimator, as a table.

use sparse_models::estimators::{BitMethod, EstimatorSettings, Method};

use crate::{
    biased::second_step,
    measure::{Any, Measured},
    problem::{Polynomial, Problem},
};

/// The second step, with `EstimatorSettings::default()` but for the temperature, which is at rest.
/// `cargo test --test estimators measured -- --ignored --nocapture`
#[test]
#[ignore = "prints a table"]
#[allow(clippy::print_stdout)]
fn measured_bias_and_variance() {
    let settings = EstimatorSettings {
        temperature_rate: 1e6,
        ..EstimatorSettings::default()
    };
    println!("| family | method | bias | variance | decoder calls |\n|---|---|---|---|---|");
    let row = |family: &str, method: &str, measured: &Measured, exact: &[f64]| {
        // a sparse distribution is another one, whose gradient is its own and exact
        let bias = if method.contains("sparse") || method.contains("entmax") {
            "none, by construction".to_string()
        } else {
            format!("{:.3}", measured.bias(exact))
        };
        println!(
            "| {family} | `{method}` | {bias} | {:.3} | {} |",
            measured.total_variance(),
            measured.decoder_calls,
        );
    };
    let problem = Problem::categories(Polynomial::CUBIC);
    for method in Method::ALL {
        let measured = second_step(&Any::categories(method, &settings), &problem);
        row("categories", method.name(), &measured, &problem.exact());
    }
    let problem = Problem::bits(Polynomial::CUBIC);
    for method in BitMethod::ALL {
        let measured = second_step(&Any::bits(method, &settings), &problem);
        row("bits", method.name(), &measured, &problem.exact());
    }
}
