//! Times this project's categorical log-likelihood for `benches/peers/run`, one measurement at a
//! time as asked.
//!
//! usage: `likelihoods_server FOLDER`, which holds for each size `N-M-P-R-C` the inputs
//! `features-SIZE.f32` `[N, P, R]`, `weight-SIZE.f32` `[R, C]`, `bias-SIZE.f32` `[C]`,
//! `targets-SIZE.i64` `[M, P]` and `rows-SIZE.i64` `[N]`. It greets with a line of JSON, then
//! answers each line with one:
//!
//! ```text
//! {"size":"576-64-784-5-256","mode":"forward","seconds":0.2}   {"ns_per_call":1.0,"reps":1}
//! {"size":"576-64-784-5-256","mode":"forward","write":"FILE"}  {"written":"FILE"}
//! ```
//!
//! Modes: `forward`; `backward`, which is forward and the gradients of the sum of all
//! log-likelihoods in features, weight and bias. The twin for PyTorch is
//! `benches/peers/likelihoods_torch.py`.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use burn::{prelude::*, tensor::TensorData};
use bytemuck::Pod;
use serde::Deserialize;
use serde_json::{Value, json};
use sparse_benches::{Case, leaf, serve};
use sparse_ops::categorical_log_likelihood;

type Failure = Box<dyn Error>;
/// What is computed, in the order in which it is written.
type Call = Box<dyn Fn() -> Vec<Tensor<1>>>;

#[derive(Deserialize)]
struct Request {
    size: String,
    mode: String,
    seconds: Option<f64>,
    write: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("usage: likelihoods_server FOLDER")?;
    let device = Device::default();
    let mut cases = HashMap::new();
    let greeting = json!({ "library": "sparse-ops", "device": format!("{device:?}") });
    serve(&greeting, |request: Request| {
        answer(&request, folder.as_ref(), &device, &mut cases)
    })
}

fn answer(
    request: &Request,
    folder: &Path,
    device: &Device,
    cases: &mut HashMap<[String; 2], Case<Vec<Tensor<1>>>>,
) -> Result<Value, Failure> {
    if let Some(path) = &request.write {
        let mut bytes = Vec::new();
        for part in call_of(request, folder, device)?() {
            bytes.extend_from_slice(part.into_data().as_bytes());
        }
        fs::write(path, bytes)?;
        return Ok(json!({ "written": path }));
    }
    let seconds = request
        .seconds
        .ok_or("a request has either `seconds` or `write`")?;
    let key = [request.size.clone(), request.mode.clone()];
    if !cases.contains_key(&key) {
        let call = call_of(request, folder, device)?;
        cases.insert(key.clone(), Case::new(call, device.clone())?);
    }
    let case = cases.get_mut(&key).ok_or("no such case")?;
    Ok(serde_json::to_value(case.measure(seconds)?)?)
}

/// The code that is timed.
fn call_of(request: &Request, folder: &Path, device: &Device) -> Result<Call, Failure> {
    let sizes: Result<Vec<usize>, _> = request.size.split('-').map(str::parse).collect();
    let [n, m, p, r, c] = sizes?[..] else {
        return Err("a size is N-M-P-R-C".into());
    };
    let numbers = |name: &str| read::<f32>(folder, name, &request.size, "f32");
    let indices = |name: &str| read::<i64>(folder, name, &request.size, "i64");
    let features = Tensor::<3>::from_data(TensorData::new(numbers("features")?, [n, p, r]), device);
    let weight = Tensor::<2>::from_data(TensorData::new(numbers("weight")?, [r, c]), device);
    let bias = Tensor::<1>::from_data(TensorData::new(numbers("bias")?, [c]), device);
    let targets = Tensor::<2, Int>::from_data(TensorData::new(indices("targets")?, [m, p]), device);
    let rows = Tensor::<1, Int>::from_data(TensorData::new(indices("rows")?, [n]), device);
    Ok(match request.mode.as_str() {
        "forward" => Box::new(move || {
            vec![categorical_log_likelihood(
                features.clone(),
                weight.clone(),
                bias.clone(),
                targets.clone(),
                Some(rows.clone()),
            )]
        }),
        "backward" => {
            let (features, weight, bias) = (leaf(features), leaf(weight), leaf(bias));
            Box::new(move || {
                let log_likelihood = categorical_log_likelihood(
                    features.clone(),
                    weight.clone(),
                    bias.clone(),
                    targets.clone(),
                    Some(rows.clone()),
                );
                let mut gradients = log_likelihood.backward();
                let of_features = features.grad_remove(&mut gradients);
                let of_weight = weight.grad_remove(&mut gradients);
                let of_bias = bias.grad_remove(&mut gradients);
                let parts = [
                    of_features.map(|grad| grad.reshape([n * p * r])),
                    of_weight.map(|grad| grad.reshape([r * c])),
                    of_bias,
                ];
                parts.into_iter().flatten().collect()
            })
        }
        other => return Err(format!("no mode {other:?}").into()),
    })
}

fn read<T: Pod>(folder: &Path, name: &str, size: &str, extension: &str) -> Result<Vec<T>, Failure> {
    let path = folder.join(format!("{name}-{size}.{extension}"));
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}
