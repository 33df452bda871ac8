//! Times this project's mappings for `benches/peers/run`, one measurement at a time as asked.
//!
//! usage: `mappings_server FOLDER`, which holds the inputs as raw f32: `scores-RxC.f32` and
//! `upstream-RxC.f32`. It greets with a line of JSON, then answers each line with one:
//!
//! ```text
//! {"op":"sparsemax","shape":"64x256","mode":"forward","seconds":0.2}   {"ns_per_call":1.0,"reps":1}
//! {"op":"sparsemax","shape":"64x256","mode":"forward","write":"FILE"}  {"written":"FILE"}
//! ```
//!
//! Modes are the functions of the library beside it: `forward`, `backward`, `expression`. What
//! cannot be done is answered with `{"error":"…"}`. The twin for PyTorch is
//! `benches/peers/mappings_torch.py`; how both measure must stay the same.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use burn::{
    prelude::*,
    tensor::{TensorData, activation},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sparse_benches::{Case, backward, expression, forward, leaf, serve};

type Failure = Box<dyn Error>;
type Call = Box<dyn Fn() -> Tensor<2>>;
type Operation = fn(Tensor<2>) -> Tensor<2>;

#[derive(Deserialize)]
struct Request {
    op: String,
    shape: String,
    mode: String,
    seconds: Option<f64>,
    write: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("usage: mappings_server FOLDER")?;
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
    cases: &mut HashMap<[String; 3], Case<Tensor<2>>>,
) -> Result<Value, Failure> {
    if let Some(path) = &request.write {
        let values = call_of(request, folder, device)?().into_data();
        fs::write(path, values.as_bytes())?;
        return Ok(json!({ "written": path }));
    }
    let seconds = request
        .seconds
        .ok_or("a request has either `seconds` or `write`")?;
    let key = [&request.op, &request.shape, &request.mode].map(String::clone);
    if !cases.contains_key(&key) {
        let call = call_of(request, folder, device)?;
        cases.insert(key.clone(), Case::new(call, device.clone())?);
    }
    let case = cases.get_mut(&key).ok_or("no such case")?;
    Ok(serde_json::to_value(case.measure(seconds)?)?)
}

/// The code that is timed.
fn call_of(request: &Request, folder: &Path, device: &Device) -> Result<Call, Failure> {
    let operation: Operation = match request.op.as_str() {
        "relu" => activation::relu,
        "softmax" => |scores| activation::softmax(scores, 1),
        "sparsemax" => |scores| sparse_ops::sparsemax(scores, 1),
        "entmax15" => |scores| sparse_ops::entmax15(scores, 1),
        "entmax-1.3" => |scores| sparse_ops::entmax(scores, 1.3, 1),
        other => return Err(format!("no operation {other:?}").into()),
    };
    let scores = read(folder, "scores", &request.shape, device)?;
    let upstream = read(folder, "upstream", &request.shape, device)?;
    Ok(match request.mode.as_str() {
        "forward" => Box::new(move || forward(operation, &scores)),
        "backward" => {
            let scores = leaf(scores);
            Box::new(move || backward(operation, &scores))
        }
        "expression" => {
            let (scores, upstream) = (leaf(scores), upstream.autodiff());
            Box::new(move || expression(operation, &scores, &upstream))
        }
        other => return Err(format!("no mode {other:?}").into()),
    })
}

fn read(folder: &Path, name: &str, shape: &str, device: &Device) -> Result<Tensor<2>, Failure> {
    let path = folder.join(format!("{name}-{shape}.f32"));
    let (rows, columns) = shape.split_once('x').ok_or("a shape is ROWSxCOLUMNS")?;
    let shape: [usize; 2] = [rows.parse()?, columns.parse()?];
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let values: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}
