//! Small comparisons on the digits: stopped and continued, with a run that fails, and refused.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use burn::{tensor::Device, train::Interrupter};
use sparse_examples::comparison::{
    Comparison, ComparisonError, Overrides, Progress, Report, Request, State, Stop, assignment,
};
use sparse_models::{
    bit_vector_vae::{BitVectorVaeData, BitVectorVaeRun},
    estimators::{BitMethod, Method},
    signal_game::{SignalGameData, SignalGameRun},
    ssvae::{SsvaeData, SsvaeRun},
    training::{Display, Experiment, Metrics, RunError, RunFolder, Timings},
};

fn overrides(assignments: &[&str]) -> Overrides {
    let assignments = assignments.iter().map(|text| assignment(text).unwrap());
    Overrides::of_all(assignments.collect())
}

/// Two methods, two seeds, an epoch of a few batches.
fn games(out: &Path) -> Request<SignalGameRun> {
    Request {
        source: SignalGameData::Digits,
        methods: vec![Method::Sparsemax, Method::Sfe],
        seeds: vec![5, 6],
        paper: false,
        epochs: Some(1),
        overrides: overrides(&["batches=5", "symbols=20"]),
        data_dir: None,
        out: out.to_path_buf(),
    }
}

fn report(out: &Path) -> Report {
    Report {
        path: out.join("results.md"),
        task: "signal-game".to_string(),
        command: "compare signal-game".to_string(),
        date: "2020-02-29".to_string(),
    }
}

/// Trains, and writes the page after each run; `stop` asks to stop after so many.
fn train<E: Experiment>(request: Request<E>, stop_after: usize) -> Comparison<E> {
    let report = report(&request.out);
    let mut comparison = Comparison::plan(request).unwrap();
    let (stop, mut ended) = (Stop::default(), 0);
    fs::create_dir_all(report.folder()).unwrap();
    comparison
        .train(&Device::default(), &Progress::new(0, 1), &stop, |now| {
            ended += 1;
            if ended == stop_after {
                stop.ask();
            }
            report.write(now)
        })
        .unwrap();
    comparison
}

fn untimed<E: Experiment>(comparison: &Comparison<E>) -> Vec<Option<Metrics<E::Test>>> {
    let runs = comparison.runs().iter();
    runs.map(|run| {
        run.metrics().map(|metrics| Metrics {
            train: Timings {
                seconds_per_epoch: Vec::new(),
                ms_per_step: 0.0,
            },
            ..metrics.clone()
        })
    })
    .collect()
}

/// The page without the two columns of times, which are the last ones of the first table.
fn page(out: &Path) -> String {
    let text = fs::read_to_string(out.join("results.md")).unwrap();
    assert!(text.contains("| ms per step | training time |\n"), "{text}");
    let mut lines = Vec::new();
    for line in text.lines() {
        let timed = line.ends_with(" s |");
        let cells: Vec<&str> = line.split(" | ").collect();
        lines.push(match timed {
            true => cells[..cells.len() - 2].join(" | "),
            false => line.to_string(),
        });
    }
    lines.join("\n")
}

/// Its epochs are compared by the −ELBO, which falls, and methods that sample have no support.
#[test]
fn codes_are_compared_by_their_bound() {
    let place = tempfile::tempdir().unwrap();
    let request = Request::<BitVectorVaeRun> {
        source: BitVectorVaeData::Digits,
        methods: vec![BitMethod::TopKSparsemax, BitMethod::Sfe],
        seeds: vec![5],
        paper: false,
        epochs: Some(2),
        overrides: overrides(&["bits=6", "importance_samples=4", "test_images=3"]),
        data_dir: None,
        out: place.path().to_path_buf(),
    };
    let comparison = train(request, usize::MAX);
    let metrics: Vec<_> = comparison
        .runs()
        .iter()
        .map(|run| run.metrics().unwrap())
        .collect();
    let text = page(place.path());
    let row = |method: &str| {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{method}` | 1 |")));
        row.unwrap_or_else(|| panic!("{text}")).to_string()
    };
    let support = metrics[0].test.support_mean.unwrap();
    assert!(
        row("topk-sparsemax").contains(&format!("{support:.3}")[..4]),
        "{text}"
    );
    assert!(row("sfe").contains("| – |"), "{text}");
    let curves = fs::read_to_string(place.path().join("results-curves.svg")).unwrap();
    assert!(curves.contains("validation −ELBO (bits per dimension)"));
    // no epoch and no bits of these images are as many; nats would be a hundred and more
    let numbers = curves
        .lines()
        .filter_map(|line| line.trim().parse::<f64>().ok());
    let numbers: Vec<f64> = numbers.collect();
    assert!(numbers.len() > 4 && numbers.iter().all(|number| *number < 10.0));
}

#[test]
fn a_comparison_that_was_stopped_ends_as_one_that_was_not() {
    let place = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| place.path().join(name));
    let want = train(games(&whole), usize::MAX);
    assert!(want.runs().iter().all(|run| run.metrics().is_some()));

    let first = train(games(&stopped), 1);
    let done: Vec<bool> = first
        .runs()
        .iter()
        .map(|run| run.metrics().is_some())
        .collect();
    assert_eq!(done, [true, false, false, false]);
    let text = page(&stopped);
    assert!(text.contains("| `sparsemax` | 1 of 2 |"), "{text}");
    assert!(text.contains("| `sfe` | 0 of 2 | – |"), "{text}");

    let metrics = stopped.join("sparsemax-5").join("metrics.json");
    let written = fs::metadata(&metrics).unwrap().modified().unwrap();
    let resumed = train(games(&stopped), usize::MAX);
    assert_eq!(untimed(&resumed).len(), 4);
    assert_eq!(
        format!("{:?}", untimed(&resumed)),
        format!("{:?}", untimed(&want))
    );
    assert_eq!(page(&stopped), page(&whole));
    // what was finished was not done again
    assert_eq!(fs::metadata(&metrics).unwrap().modified().unwrap(), written);

    let text = page(&whole);
    assert!(
        text.contains("| `sparsemax` | 2 |") && text.contains(" ± "),
        "{text}"
    );
    // as the settings of the task say
    assert!(text.contains("| `sparsemax` | 0.1 | 10.0 |"), "{text}");
    assert!(text.contains("| `sfe` | 0.01 | 1.0 |"), "{text}");
    for name in ["decoder-calls", "time", "curves", "curves-time"] {
        let svg = fs::read_to_string(whole.join(format!("results-{name}.svg"))).unwrap();
        assert!(svg.contains("sparsemax") && svg.contains("sfe"), "{name}");
        assert!(text.contains(&format!("(results-{name}.svg)")), "{text}");
    }
}

/// A learning rate beyond all reason: its loss is not finite, and the other method's is.
#[test]
fn a_run_that_fails_is_reported_and_the_others_go_on() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("settings.json");
    fs::write(&file, r#"{"softmax": {"lr": 1e30}}"#).unwrap();
    let out = place.path().join("out");
    let request = || Request::<SsvaeRun> {
        source: SsvaeData::Digits,
        methods: vec![Method::Softmax, Method::Sparsemax],
        seeds: vec![1],
        paper: false,
        epochs: Some(1),
        overrides: overrides(&["warm-up-epochs=0"]).with_file(&file).unwrap(),
        data_dir: None,
        out: out.clone(),
    };
    // failing again when it is tried again
    for _ in 0..2 {
        let comparison = train(request(), usize::MAX);
        assert!(
            matches!(&comparison.runs()[0].state, State::Failed(why) if why.contains("epoch 1"))
        );
        assert!(comparison.runs()[1].metrics().is_some());
        let text = page(&out);
        assert!(
            text.contains("| `softmax` | 0 of 1, 1 failed | – |"),
            "{text}"
        );
        assert!(text.contains("- `softmax`, seed 1: failed, "), "{text}");
        assert!(text.contains("| `softmax` | 1e+30 |"), "{text}");
    }
}

fn refused(change: impl FnOnce(&mut Request<SignalGameRun>)) -> String {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let mut request = games(&out);
    change(&mut request);
    let message = Comparison::plan(request).unwrap_err().to_string();
    assert!(!out.exists());
    message
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    assert_eq!(
        refused(|r| r.seeds.clear()),
        "no seed given: at least one is needed"
    );
    assert_eq!(
        refused(|r| r.seeds = vec![1, 2, 1]),
        "seed 1 is given twice"
    );
    assert_eq!(
        refused(|r| r.methods = vec![Method::Sfe; 2]),
        "method sfe is given twice"
    );
    let message = refused(|r| r.overrides = overrides(&["taus=1"]));
    assert!(
        message.starts_with("signal_game has no setting taus; there are agents, "),
        "{message}"
    );
    let message = refused(|r| r.overrides = overrides(&["seed=1"]));
    assert_eq!(message, "seed is given by --seeds");
    let message = refused(|r| r.overrides = overrides(&["symbols=many"]));
    assert!(
        message.starts_with(r#"symbols cannot be "many": "#),
        "{message}"
    );
    let message = refused(|r| r.overrides = overrides(&["candidates=11"]));
    assert!(
        message.starts_with("sparsemax: ") && message.contains("from 2 to 10"),
        "{message}"
    );
    // a setting of all has to be one of some
    let message = refused(|r| r.overrides = overrides(&["samples=3"]));
    assert_eq!(message, "samples is no setting of sfe, but of vimco");
    let message = refused(|r| r.overrides = overrides(&["tau=0"]));
    assert_eq!(message, "sparsemax: tau must be a positive number, got 0");
}

/// What was interrupted and evaluated has a `metrics.json`, and is trained further all the same.
#[test]
fn an_evaluation_does_not_end_a_run() {
    let place = tempfile::tempdir().unwrap();
    let request = || Request {
        methods: vec![Method::Sparsemax],
        seeds: vec![5],
        epochs: Some(3),
        ..games(place.path())
    };
    let path = place.path().join("sparsemax-5");
    let settings = &Comparison::plan(request()).unwrap().runs()[0]
        .settings
        .clone();
    let folder = RunFolder::begin(&path, settings).unwrap();
    let data = SignalGameRun::read_data(settings, None).unwrap();
    let run = SignalGameRun::new(folder, settings.clone(), data, Device::default());
    let interrupter = Interrupter::new();
    let stop = interrupter.clone();
    run.train(Display {
        interrupter,
        // in the second epoch, when the checkpoint of the first is there for certain
        on_epoch: Some(Box::new(move |row| {
            if row.epoch == 2 {
                stop.stop(None);
            }
        })),
        ..Display::default()
    })
    .unwrap_err();
    run.evaluate().unwrap();
    assert!(path.join("metrics.json").is_file());
    let planned = Comparison::plan(request()).unwrap();
    assert!(planned.runs()[0].metrics().is_none());
    // nor do its figures outlive a training that goes on
    let data = SignalGameRun::read_data(settings, None).unwrap();
    let folder = RunFolder::open(&path).unwrap();
    let run = SignalGameRun::new(folder, settings.clone(), data, Device::default());
    run.train(Display::default()).unwrap();
    let planned = Comparison::plan(request()).unwrap();
    assert!(planned.runs()[0].metrics().is_none());
    let trained = train(request(), usize::MAX);
    assert_eq!(trained.runs()[0].metrics().unwrap().epochs, 3);
}

#[test]
fn a_file_of_settings_is_checked() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("settings.json");
    let read = |text: &str| {
        fs::write(&file, text).unwrap();
        Overrides::default().with_file(&file)
    };
    let with = |text: &str| refused(|request| request.overrides = read(text).unwrap());
    let message = with(r#"{"disarm": {"tau": 1}}"#);
    assert!(message.starts_with("no method for categories is called disarm; there are softmax,"));
    let message = with(r#"{"sfe": {"rate": 1}}"#);
    assert!(
        message.starts_with("signal_game has no setting rate"),
        "{message}"
    );
    let message = with(r#"{"sparsemax": {"k": 3}}"#);
    assert_eq!(
        message,
        "k is no setting of sparsemax, but of sum-and-sample, unordered-set"
    );
    for broken in ["{", "[]", r#"{"sfe": 1}"#] {
        let error = read(broken).unwrap_err();
        assert!(matches!(error, ComparisonError::File { .. }), "{error}");
        assert!(error.to_string().contains("settings.json"), "{error}");
    }
    let missing = Overrides::default().with_file(Path::new("no/such/file"));
    assert!(matches!(
        missing,
        Err(ComparisonError::Run(RunError::Read { .. }))
    ));
}

#[test]
fn a_folder_with_runs_of_other_settings_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let one = |request: Request<SignalGameRun>| Request {
        methods: vec![Method::Sparsemax],
        seeds: vec![5],
        ..request
    };
    train(one(games(&out)), usize::MAX);
    let mut other = one(games(&out));
    other.epochs = Some(2);
    let message = Comparison::plan(other).unwrap_err().to_string();
    assert!(
        message.contains("epochs is 1 there, but 2 was given"),
        "{message}"
    );
    // a second seed joins what is there
    let mut more = games(&out);
    more.methods = vec![Method::Sparsemax];
    let comparison = Comparison::plan(more).unwrap();
    let finished: Vec<bool> = comparison
        .runs()
        .iter()
        .map(|run| run.metrics().is_some())
        .collect();
    assert_eq!(finished, [true, false]);
}
