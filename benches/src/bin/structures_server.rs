//! Times distributions over structures for `benches/peers/run`, one measurement at a time as asked.
//!
//! It greets with a line of JSON, then answers each line with one:
//!
//! ```text
//! {"structure":"budget","sizes":[32,5],"mode":"solve","seconds":0.2}
//! {"ns_per_call":1.0,"reps":1,"iterations":0.0,"support":13.9}
//! ```
//!
//! A call is that of a batch of 64 rows of standard normal scores. Modes: `solve` makes
//! probabilities and marginals, `backward` also pulls a gradient of the marginals back, both
//! through tensors; `k_best` lists the best structures of each row, on slices. `"active_set":true`
//! leaves closed forms aside. Iterations and support are means over the rows. What cannot be done
//! is answered with `{"error":"…"}`.

use std::{cell::RefCell, collections::HashMap, error::Error, hint::black_box};

use burn::{prelude::*, tensor::Distribution};
use serde::Deserialize;
use serde_json::{Value, json};
use sparse_benches::{Case, leaf, serve};
use sparse_ops::*;

type Failure = Box<dyn Error>;

const BATCH: usize = 64;

#[derive(Deserialize, Clone, PartialEq, Eq, Hash)]
struct Request {
    structure: String,
    sizes: Vec<usize>,
    mode: String,
    #[serde(default)]
    active_set: bool,
}

#[derive(Deserialize)]
struct Timed {
    #[serde(flatten)]
    request: Request,
    seconds: f64,
}

struct Known {
    case: Case<()>,
    iterations: f64,
    support: f64,
}

fn main() -> Result<(), Failure> {
    let device = Device::default();
    let mut cases = HashMap::new();
    let greeting = json!({ "device": format!("{device:?}") });
    serve(&greeting, |timed: Timed| answer(timed, &device, &mut cases))
}

fn answer(
    Timed { request, seconds }: Timed,
    device: &Device,
    cases: &mut HashMap<Request, Known>,
) -> Result<Value, Failure> {
    if !cases.contains_key(&request) {
        cases.insert(request.clone(), known(&request, device)?);
    }
    let known = cases.get_mut(&request).ok_or("no such case")?;
    let mut value = serde_json::to_value(known.case.measure(seconds)?)?;
    value["iterations"] = known.iterations.into();
    value["support"] = known.support.into();
    Ok(value)
}

fn known(request: &Request, device: &Device) -> Result<Known, Failure> {
    let sizes = |count: usize| match request.sizes.len() == count {
        true => Ok(request.sizes.as_slice()),
        false => Err(format!("{} takes {count} sizes", request.structure)),
    };
    if request.mode == "k_best" {
        let &[n, k] = sizes(2)? else {
            return Err("k_best takes the sizes [n, k]".into());
        };
        return k_best(BitVector::new(n)?, k, device);
    }
    match request.structure.as_str() {
        "bit_vector" => case(BitVector::new(sizes(1)?[0])?, request, device),
        "budget" => case(Budget::new(sizes(2)?[0], sizes(2)?[1])?, request, device),
        "binary_sequence" => case(BinarySequence::new(sizes(1)?[0])?, request, device),
        "sequence" => case(Sequence::new(sizes(2)?[0], sizes(2)?[1])?, request, device),
        "arborescence" => case(Arborescence::new(sizes(1)?[0])?, request, device),
        "assignment" => case(
            Assignment::new(sizes(2)?[0], sizes(2)?[1])?,
            request,
            device,
        ),
        other => Err(format!("no structure {other:?}").into()),
    }
}

fn normal(parts: usize, device: &Device) -> Tensor<2> {
    Tensor::random([BATCH, parts], Distribution::Normal(0.0, 1.0), device)
}

fn case<S: Structure + 'static>(
    structure: S,
    request: &Request,
    device: &Device,
) -> Result<Known, Failure> {
    let options = SparseMapOptions::default().with_closed_form(!request.active_set);
    // the same numbers in each run
    device.seed(0);
    let (n, m) = (structure.unaries(), structure.additionals());
    let scores = StructureScores {
        unaries: normal(n, device),
        additionals: (m > 0).then(|| normal(m, device)),
    };
    let q = sparsemap(scores.clone(), &structure, &options);
    if let Some(status) = q
        .solve_status()
        .iter()
        .find(|s| **s != SolveStatus::Converged)
    {
        return Err(format!("a row ended as {status:?}").into());
    }
    let iterations: usize = q.certificates().iter().map(|c| c.iterations).sum();
    let [total] = q.probs().dims();
    let call: Box<dyn Fn()> = match request.mode.as_str() {
        "solve" => Box::new(move || {
            let q = sparsemap(scores.clone(), &structure, &options);
            black_box((q.probs(), q.marginals()));
        }),
        "backward" => {
            let scores = StructureScores {
                unaries: leaf(scores.unaries),
                additionals: scores.additionals.map(leaf),
            };
            Box::new(move || {
                let q = sparsemap(scores.clone(), &structure, &options);
                let grads = q.marginals().backward();
                black_box((q.probs(), scores.unaries.grad(&grads)));
            })
        }
        other => return Err(format!("no mode {other:?}").into()),
    };
    Ok(Known {
        case: Case::new(call, device.clone())?,
        iterations: iterations as f64 / BATCH as f64,
        support: total as f64 / BATCH as f64,
    })
}

fn k_best<S: KBest + 'static>(structure: S, k: usize, device: &Device) -> Result<Known, Failure> {
    let n = structure.unaries();
    device.seed(0);
    let scores: Vec<f64> = normal(n, device).into_data().iter::<f64>().collect();
    let state = RefCell::new((S::Workspace::default(), Vertices::new(n)));
    let call = move || {
        let (workspace, best) = &mut *state.borrow_mut();
        for row in scores.chunks_exact(n) {
            best.clear();
            let scores = Scores {
                unaries: row,
                additionals: &[],
            };
            structure.k_best(scores, k, workspace, best);
            black_box(&best);
        }
    };
    Ok(Known {
        case: Case::new(Box::new(call), device.clone())?,
        iterations: 0.0,
        support: k as f64,
    })
}
