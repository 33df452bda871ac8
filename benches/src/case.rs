//! How long a call takes: the same way of measuring for everything that is compared.

use std::{error::Error, hint::black_box, time::Instant};

use burn::prelude::*;

/// One thing to call, and how long a call of it takes.
pub struct Case<T> {
    call: Box<dyn Fn() -> T>,
    device: Device,
    estimate_ns: f64,
}

/// What has been measured.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Measurement {
    /// Median over the samples of the mean time of a call in each.
    pub ns_per_call: f64,
    /// Calls in all.
    pub reps: usize,
}

impl<T> Case<T> {
    /// Calls it twice: the first one pays for what is made once.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn new(call: Box<dyn Fn() -> T>, device: Device) -> Result<Self, Box<dyn Error>> {
        let mut case = Self {
            call,
            device,
            estimate_ns: 0.0,
        };
        case.sample(1)?;
        case.estimate_ns = case.sample(1)?;
        Ok(case)
    }

    /// Mean time of a call over `calls` of them, until the device is done.
    fn sample(&self, calls: usize) -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        for _ in 0..calls {
            black_box((self.call)());
        }
        self.device.sync().map_err(|error| format!("{error:?}"))?;
        Ok(start.elapsed().as_nanos() as f64 / calls as f64)
    }

    /// Samples of at least 0.1 ms, so that reading the clock costs nothing, for `seconds` in all.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn measure(&mut self, seconds: f64) -> Result<Measurement, Box<dyn Error>> {
        let budget_ns = seconds * 1e9;
        if self.estimate_ns < budget_ns / 10.0 {
            // What ran before on this core took the caches; longer calls notice no difference.
            self.sample(1)?;
        }
        let calls = ((1e5 / self.estimate_ns) as usize).max(1);
        let (mut samples, mut spent_ns) = (Vec::new(), 0.0);
        while samples.is_empty() || spent_ns < budget_ns {
            let sample = self.sample(calls)?;
            spent_ns += sample * calls as f64;
            samples.push(sample);
        }
        self.estimate_ns = median(&mut samples);
        Ok(Measurement {
            ns_per_call: self.estimate_ns,
            reps: calls * samples.len(),
        })
    }
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        (samples[middle - 1] + samples[middle]) / 2.0
    }
}
