//! Settings that a method cannot have are refused by name, with what is allowed.

use burn::tensor::Device;
use sparse_models::estimators::{BitMethod, EstimatorSettings, Method};

use crate::measure::setup;

fn refused(method: Method, change: impl Fn(&mut EstimatorSettings)) -> String {
    let mut settings = EstimatorSettings::default();
    change(&mut settings);
    let device = Device::default();
    let made = method.init(setup(&settings, 10, &device));
    made.unwrap_err().to_string()
}

fn refused_for_bits(method: BitMethod, change: impl Fn(&mut EstimatorSettings)) -> String {
    let mut settings = EstimatorSettings::default();
    change(&mut settings);
    let device = Device::default();
    let made = method.init(setup(&settings, 4, &device));
    made.unwrap_err().to_string()
}

#[test]
fn settings_are_refused_by_name() {
    for k in [0, 10, 11] {
        assert_eq!(
            refused(Method::SumAndSample, |s| s.k = Some(k)),
            format!(
                "k must be at least 1 and less than the number of categories, 10, for \
                 sum-and-sample, got {k}"
            )
        );
    }
    assert_eq!(
        refused(Method::UnorderedSet, |s| s.k = Some(1)),
        "k must be in 2..=10 for unordered-set over 10 categories, got 1"
    );
    for samples in [0, 1, 4097] {
        assert_eq!(
            refused(Method::Vimco, |s| s.samples = samples),
            format!("samples must be from 2, for a leave-one-out baseline, to 4096, got {samples}")
        );
    }
    for method in [Method::Gumbel, Method::StGumbel, Method::GappedSt] {
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-46, 1e39] {
            assert_eq!(
                refused(method, |s| s.temperature = temperature),
                format!("temperature must be a positive number that f32 holds, got {temperature}")
            );
        }
        let message = refused(method, |s| s.temperature_rate = -1.0);
        assert_eq!(
            message,
            "temperature-rate must be 0 or a positive number that f32 holds, got -1"
        );
    }
    assert_eq!(
        refused(Method::GappedSt, |s| s.gap = -0.5),
        "gap must be 0 or a positive number that f32 holds, got -0.5"
    );
    assert_eq!(
        refused(Method::ImplicitMle, |s| s.target_step = 0.0),
        "target-step must be a positive number that f32 holds, got 0"
    );
    for k in [0, 65_537] {
        assert_eq!(
            refused_for_bits(BitMethod::TopKSparsemax, |s| s.k = Some(k)),
            format!("k must be from 1 to 65536 for topk-sparsemax, got {k}")
        );
    }
    for budget in [0, 5] {
        assert_eq!(
            refused_for_bits(BitMethod::SparseMapBudget, |s| s.budget = Some(budget)),
            format!("budget must be in 1..=4, the number of bits, got {budget}")
        );
    }
}

/// A method does not look at the settings of others, and the defaults suit all.
#[test]
fn settings_of_other_methods_do_not_matter() {
    let device = Device::default();
    let bad = EstimatorSettings {
        k: Some(1),
        samples: 0,
        temperature: -1.0,
        temperature_rate: f64::NAN,
        gap: -1.0,
        target_step: 0.0,
        budget: Some(0),
    };
    assert!(Method::SumAndSample.init(setup(&bad, 10, &device)).is_ok());
    assert!(Method::Sfe.init(setup(&bad, 10, &device)).is_ok());
    assert!(
        BitMethod::TopKSparsemax
            .init(setup(&bad, 10, &device))
            .is_ok()
    );
    let default = EstimatorSettings::default();
    for method in Method::ALL {
        assert!(method.init(setup(&default, 2, &device)).is_ok(), "{method}");
    }
    for method in BitMethod::ALL {
        assert!(method.init(setup(&default, 1, &device)).is_ok(), "{method}");
    }
}
