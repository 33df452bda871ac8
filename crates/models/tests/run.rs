//! A run folder from start to end: resumed runs, refused settings, broken files.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, sync::Barrier};

use burn::{tensor::Device, train::Interrupter};
use sparse_models::{
    bit_vector_vae::{BitVectorVaeData, BitVectorVaeRun, BitVectorVaeSettings, ImportanceSettings},
    estimators::{BitMethod, EstimatorSettings, Method},
    signal_game::{SignalGameData, SignalGameRun, SignalGameSettings},
    ssvae::{SsvaeData, SsvaeRun, SsvaeSettings},
    training::{
        Checkpoints, Display, EpochLog, Experiment, Metrics, RunError, RunFolder, Session, Timings,
    },
};

fn settings() -> SsvaeSettings {
    SsvaeSettings {
        warm_up_epochs: 2,
        epochs: 4,
        ..SsvaeSettings::new(SsvaeData::Digits, Method::Sparsemax)
    }
}

fn run(folder: &RunFolder) -> SsvaeRun {
    let settings: SsvaeSettings = folder.settings().unwrap();
    let data = settings.read_data(None).unwrap();
    SsvaeRun::new(folder.clone(), settings, data, Device::default())
}

/// Stops in the epoch after `epoch`.
fn stop_after(epoch: usize) -> Display {
    let interrupter = Interrupter::new();
    Display {
        interrupter: interrupter.clone(),
        on_epoch: Some(Box::new(move |row| {
            if row.epoch == epoch {
                interrupter.stop(Some("test"));
            }
        })),
        ..Display::default()
    }
}

fn untimed<T>(metrics: Metrics<T>) -> Metrics<T> {
    Metrics {
        train: Timings {
            seconds_per_epoch: Vec::new(),
            ms_per_step: 0.0,
        },
        ..metrics
    }
}

/// Stopped twice, with what a kill in the middle of writing leaves behind, and continued: the same
/// to the last bit as a run that was never stopped. Both have six epochs, and these pictures.
fn ends_where_an_uninterrupted_one_does<R: Experiment<Test: PartialEq>>(
    settings: &R::Settings,
    run: impl Fn(&RunFolder) -> R,
    pictures: &[&str],
) {
    let place = tempfile::tempdir().unwrap();
    let whole = RunFolder::begin(&place.path().join("whole"), settings).unwrap();
    run(&whole).train(Display::default()).unwrap();
    let want = run(&whole).evaluate().unwrap();

    let folder = RunFolder::begin(&place.path().join("stopped"), settings).unwrap();
    for epoch in [1, 4] {
        let error = run(&folder).train(stop_after(epoch)).unwrap_err();
        assert!(matches!(error, RunError::Interrupted { .. }), "{error}");
        let checkpoints = folder.file("checkpoints");
        fs::write(checkpoints.join(format!("model-{}.bpk", epoch + 1)), "half").unwrap();
        let checksum = format!("schedule-{}.bpk.sha256", epoch + 1);
        fs::write(checkpoints.join(checksum), "of a part that was not written").unwrap();
        fs::write(checkpoints.join(".tmpAbC"), "half").unwrap();
        let log = fs::read_to_string(folder.file("epochs.jsonl")).unwrap();
        fs::write(folder.file("epochs.jsonl"), log + "{\"epoch\":").unwrap();
    }
    run(&folder).train(Display::default()).unwrap();
    assert_eq!(untimed(run(&folder).evaluate().unwrap()), untimed(want));

    let figures = |folder: &RunFolder| {
        let rows = EpochLog::read(folder.path()).unwrap();
        let figures = rows
            .into_iter()
            .map(|row| (row.epoch, row.train, row.valid));
        figures.collect::<Vec<_>>()
    };
    assert_eq!(figures(&folder), figures(&whole));
    assert_eq!(figures(&whole).len(), 6);
    for file in ["config.json", "metrics.json", "curves.svg"]
        .iter()
        .chain(pictures)
    {
        assert!(whole.file(file).is_file(), "{file}");
    }
    assert!(leftovers(&folder.file("checkpoints")).is_empty());
}

/// Running means, baselines and temperatures are in the checkpoints, and random numbers follow from
/// the step.
#[test]
fn every_method_resumes_where_it_was() {
    for method in Method::ALL {
        let place = tempfile::tempdir().unwrap();
        let settings = SsvaeSettings {
            method,
            warm_up_epochs: 0,
            epochs: 3,
            estimator: EstimatorSettings {
                temperature_rate: 0.01,
                ..EstimatorSettings::default()
            },
            ..settings()
        };
        let whole = RunFolder::begin(&place.path().join("whole"), &settings).unwrap();
        run(&whole).train(Display::default()).unwrap();
        let stopped = RunFolder::begin(&place.path().join("stopped"), &settings).unwrap();
        run(&stopped).train(stop_after(1)).unwrap_err();
        run(&stopped).train(Display::default()).unwrap();
        let [want, got] = [&whole, &stopped].map(|folder| {
            let rows = EpochLog::read(folder.path()).unwrap();
            let figures: Vec<_> = rows.into_iter().map(|row| (row.train, row.valid)).collect();
            (figures, untimed(run(folder).evaluate().unwrap()))
        });
        assert_eq!(got, want, "{method}");
    }
}

#[test]
fn a_resumed_run_ends_where_an_uninterrupted_one_does() {
    let pictures = ["posteriors.svg", "reconstructions.png", "samples.png"];
    ends_where_an_uninterrupted_one_does(&settings(), run, &pictures);
}

/// Whether it was stopped in between or not; and it does not go on afterwards.
#[test]
fn an_impatient_run_ends_when_an_epoch_is_not_better() {
    let settings = SsvaeSettings {
        epochs: 100,
        patience: Some(1),
        ..settings()
    };
    let place = tempfile::tempdir().unwrap();
    let begin = |name| RunFolder::begin(&place.path().join(name), &settings).unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(begin);
    run(&whole).train(Display::default()).unwrap();
    run(&stopped).train(stop_after(1)).unwrap_err();
    run(&stopped).train(Display::default()).unwrap();
    let figures = |folder: &RunFolder| {
        let rows = EpochLog::read(folder.path()).unwrap();
        let figures = rows.into_iter().map(|row| (row.train, row.valid));
        figures.collect::<Vec<_>>()
    };
    let rows = figures(&whole);
    // of a hundred epochs, one is not better than those before
    assert!((3..102).contains(&rows.len()), "{}", rows.len());
    assert_eq!(figures(&stopped), rows);

    run(&whole).train(Display::default()).unwrap();
    assert_eq!(figures(&whole), rows);
    let evaluated = run(&whole).evaluate().unwrap();
    let accuracy = |index: usize| rows[index].1["Accuracy"];
    let best = accuracy(evaluated.best_epoch - 1);
    let first = (1..).find(|epoch| accuracy(epoch - 1) == best).unwrap();
    assert_eq!(first.max(2) + 1, rows.len());
    assert_eq!(evaluated.epochs, rows.len() - 2);
}

#[test]
fn a_resumed_game_ends_where_an_uninterrupted_one_does() {
    let settings = SignalGameSettings {
        epochs: 6,
        batches: 10,
        final_lr: 1e-4,
        shift: 1,
        ..SignalGameSettings::new(SignalGameData::Digits, Method::Sparsemax)
    };
    let pictures = ["attention.svg", "symbols.svg", "usage.svg"];
    ends_where_an_uninterrupted_one_does(&settings, game, &pictures);
}

fn codes_settings(method: BitMethod) -> BitVectorVaeSettings {
    BitVectorVaeSettings {
        epochs: 6,
        batch_size: 200,
        importance: ImportanceSettings {
            importance_samples: 16,
            test_images: Some(5),
        },
        estimator: EstimatorSettings {
            temperature_rate: 0.01,
            ..EstimatorSettings::default()
        },
        dropout: 0.2,
        ..BitVectorVaeSettings::new(BitVectorVaeData::Digits, method, 10)
    }
}

fn codes(folder: &RunFolder) -> BitVectorVaeRun {
    let settings: BitVectorVaeSettings = folder.settings().unwrap();
    let data = settings.read_data(None).unwrap();
    BitVectorVaeRun::new(folder.clone(), settings, data, Device::default())
}

#[test]
fn a_resumed_bit_vector_vae_ends_where_an_uninterrupted_one_does() {
    let pictures = [
        "bits.png",
        "reconstructions.png",
        "samples.png",
        "support.svg",
    ];
    for method in [
        BitMethod::LocalEntmax15,
        BitMethod::SparseMapBudget,
        BitMethod::Nvil,
        BitMethod::StGumbel,
    ] {
        ends_where_an_uninterrupted_one_does(&codes_settings(method), codes, &pictures);
    }
}

/// Past the check of the settings, infinite scores make a loss of NaN in the first step.
#[test]
fn a_loss_that_is_no_number_ends_the_training_in_its_step() {
    let place = tempfile::tempdir().unwrap();
    let settings = BitVectorVaeSettings {
        score_scale: 1e300,
        ..codes_settings(BitMethod::LocalEntmax15)
    };
    let folder = RunFolder::begin(&place.path().join("run"), &settings).unwrap();
    let error = codes(&folder).train(Display::default()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("Loss is NaN in step 1 of epoch 1"),
        "{message}"
    );
    assert!(EpochLog::read(folder.path()).unwrap().is_empty());
}

#[test]
fn a_model_of_other_sizes_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let settings = BitVectorVaeSettings {
        epochs: 1,
        ..codes_settings(BitMethod::StGumbel)
    };
    let folder = RunFolder::begin(&place.path().join("run"), &settings).unwrap();
    codes(&folder).train(Display::default()).unwrap();
    let config = fs::read_to_string(folder.file("config.json")).unwrap();
    let other = config.replace("\"bits\": 10", "\"bits\": 9");
    assert_ne!(config, other);
    fs::write(folder.file("config.json"), &other).unwrap();
    let message = codes(&folder).evaluate().unwrap_err().to_string();
    assert!(
        message.contains("the model of epoch 1 has not the tensors, or not the sizes"),
        "{message}"
    );
    assert!(!folder.file("metrics.json").exists());
    // nor is it trained further, and figures of an evaluation stay where training cannot go on
    fs::write(folder.file("metrics.json"), "{}").unwrap();
    let more = other.replace("\"epochs\": 1", "\"epochs\": 2");
    assert_ne!(other, more);
    fs::write(folder.file("config.json"), more).unwrap();
    let message = codes(&folder)
        .train(Display::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("the model of epoch 1 has not the tensors, or not the sizes"),
        "{message}"
    );
    assert!(folder.file("metrics.json").exists());
}

/// Two processes in one folder would write over each other's files.
#[test]
fn a_run_is_begun_and_trained_by_one_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    for race in 0..20 {
        let path = place.path().join(race.to_string());
        let start = Barrier::new(4);
        let begin = || {
            start.wait();
            RunFolder::begin(&path, &settings())
        };
        let begun: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..4).map(|_| scope.spawn(begin)).collect();
            let results = racers.into_iter().map(|racer| racer.join().unwrap());
            results.collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for lost in lost {
            assert!(matches!(lost, Err(RunError::Occupied { .. })), "{lost:?}");
        }
    }
    RunFolder::begin(&path, &settings()).unwrap();
    let folder = RunFolder::open(&path).unwrap();
    let session = Session::of(&folder).unwrap();
    let message = Session::of(&folder).unwrap_err().to_string();
    assert_eq!(
        message,
        format!("another process is training in {}", path.display())
    );
    drop(session);
    Session::of(&folder).unwrap();
}

/// What is no unfinished file of a run is nobody's to remove.
#[test]
fn files_of_the_user_stay_beside_checkpoints() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    let checkpoints = folder.file("checkpoints");
    fs::create_dir_all(checkpoints.join("older")).unwrap();
    for name in ["model-3.bpk.bak", "notes.txt", ".tmpAbC", "model-3.bpk"] {
        fs::write(checkpoints.join(name), "half").unwrap();
    }
    Session::of(&folder).unwrap();
    let mut left: Vec<_> = fs::read_dir(&checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["model-3.bpk.bak", "notes.txt", "older"]);
}

#[test]
fn a_log_whose_rows_are_not_in_order_is_damaged() {
    let place = tempfile::tempdir().unwrap();
    let settings = SsvaeSettings {
        warm_up_epochs: 0,
        epochs: 2,
        ..settings()
    };
    let folder = RunFolder::begin(&place.path().join("run"), &settings).unwrap();
    run(&folder).train(Display::default()).unwrap();
    let log = folder.file("epochs.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replace("\"epoch\":2", "\"epoch\":1")).unwrap();
    let message = run(&folder).evaluate().unwrap_err().to_string();
    assert!(message.ends_with("line 2: the row of epoch 1"), "{message}");
    // and without it, there is something to evaluate, but not known which epoch
    fs::remove_file(&log).unwrap();
    let message = run(&folder).evaluate().unwrap_err().to_string();
    assert!(
        message.ends_with("no figures of an epoch whose checkpoint is kept, such as 2"),
        "{message}"
    );
}

#[test]
fn settings_of_another_task_are_called_that() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    let message = folder
        .settings::<SignalGameSettings>()
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("these are no settings of this task: "),
        "{message}"
    );
}

fn game(folder: &RunFolder) -> SignalGameRun {
    let settings: SignalGameSettings = folder.settings().unwrap();
    let data = settings.read_data(None).unwrap();
    SignalGameRun::new(folder.clone(), settings, data, Device::default())
}

/// What is neither a part of a checkpoint nor the checksum of one.
fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let is_part = |name: &str| name.ends_with(".bpk") && folder.join(name).is_file();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !is_part(name.strip_suffix(".sha256").unwrap_or(name)))
        .collect()
}

#[test]
fn a_folder_is_begun_once_and_keeps_its_settings() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    assert!(matches!(
        RunFolder::open(&path),
        Err(RunError::NoRun { .. })
    ));
    let folder = RunFolder::begin(&path, &settings()).unwrap();
    let again = RunFolder::begin(&path, &settings());
    assert!(matches!(again, Err(RunError::Occupied { .. })));
    folder.demand_settings(&settings()).unwrap();
    // what is left of a run is not written over either
    for name in ["checkpoints", "epochs.jsonl", "metrics.json"] {
        let left = place.path().join(format!("only {name}"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(name), "").unwrap();
        let refused = RunFolder::begin(&left, &settings());
        let remains = |found: &str| found == name;
        assert!(matches!(refused, Err(RunError::Remains { found, .. }) if remains(found)));
    }
    let other = SsvaeSettings {
        epochs: 5,
        lr: 0.5,
        ..settings()
    };
    let message = folder.demand_settings(&other).unwrap_err().to_string();
    assert!(
        message.contains("epochs is 4 there, but 5 was given"),
        "{message}"
    );
    assert!(
        message.contains("lr is 0.001 there, but 0.5 was given"),
        "{message}"
    );
    assert!(!message.contains("seed"), "{message}");

    fs::write(folder.file("config.json"), "{").unwrap();
    let broken = folder.settings::<SsvaeSettings>();
    assert!(matches!(broken, Err(RunError::Damaged { .. })));
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    let error = run(&folder).evaluate().unwrap_err();
    assert!(error.to_string().contains("a checkpoint"), "{error}");

    run(&folder).train(stop_after(3)).unwrap_err();
    let newest = Checkpoints::of(folder.path())
        .epochs()
        .unwrap()
        .pop()
        .unwrap();
    let model = Checkpoints::of(folder.path()).file("model", newest);
    fs::write(&model, "not a checkpoint").unwrap();
    let error = run(&folder).train(Display::default()).unwrap_err();
    assert!(matches!(error, RunError::Damaged { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(&model.display().to_string()));
    let older = format!("without it, --resume continues from epoch {}", newest - 1);
    assert!(message.contains(&older), "{message}");
    fs::remove_file(&model).unwrap();
    let before = Session::of(&folder).unwrap();
    assert_eq!(before.epochs_done(), newest - 1);
}

/// A run that has lost its checkpoints is not begun anew, nor judged by what is left.
#[test]
fn checkpoints_that_are_gone_are_missed() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    run(&folder).train(stop_after(4)).unwrap_err();
    let checkpoints = Checkpoints::of(folder.path());
    // as if the first epoch had been the best
    let log = folder.file("epochs.jsonl");
    let rows = fs::read_to_string(&log).unwrap();
    let mut rows: Vec<serde_json::Value> = (rows.lines())
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    rows[0]["valid"]["Accuracy"] = 101.0.into();
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(&log, &rows).unwrap();
    let _ = fs::remove_file(checkpoints.file("model", 1));
    let error = run(&folder).evaluate().unwrap_err();
    assert!(matches!(error, RunError::Damaged { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("of epoch 1, the best of"), "{message}");
    assert!(!folder.file("metrics.json").exists());

    fs::remove_dir_all(folder.file("checkpoints")).unwrap();
    let error = run(&folder).train(Display::default()).unwrap_err();
    assert!(matches!(error, RunError::Damaged { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("no whole checkpoint, where"), "{message}");
    assert_eq!(fs::read_to_string(&log).unwrap(), rows);
}

/// One bit of a weight is no less a model, and another one.
#[test]
fn a_bit_that_a_disk_has_turned_over_is_found() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    run(&folder).train(stop_after(2)).unwrap_err();
    let checkpoints = Checkpoints::of(folder.path());
    let newest = checkpoints.epochs().unwrap().pop().unwrap();
    for part in ["model", "optimizer"] {
        let file = checkpoints.file(part, newest);
        let whole = fs::read(&file).unwrap();
        let mut turned = whole.clone();
        // the last number of the file
        let last = turned.len() - 1;
        turned[last] ^= 1;
        fs::write(&file, &turned).unwrap();
        let message = run(&folder)
            .train(Display::default())
            .unwrap_err()
            .to_string();
        let expected = format!("{} is damaged", file.display());
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("SHA-256"), "{message}");
        fs::write(&file, &whole).unwrap();
    }
    // whichever is the best one: an evaluation reads its model
    let models: Vec<_> = (checkpoints.epochs().unwrap().into_iter())
        .map(|epoch| checkpoints.file("model", epoch))
        .map(|file| (fs::read(&file).unwrap(), file))
        .collect();
    for (whole, file) in &models {
        fs::write(file, &whole[..whole.len() - 1]).unwrap();
    }
    let evaluated = run(&folder).evaluate().unwrap_err();
    assert!(matches!(evaluated, RunError::Damaged { .. }), "{evaluated}");
    assert!(evaluated.to_string().contains("SHA-256"), "{evaluated}");
    for (whole, file) in &models {
        fs::write(file, whole).unwrap();
    }
    // checkpoints of earlier versions have none
    fs::remove_file(folder.file(&format!("checkpoints/model-{newest}.bpk.sha256"))).unwrap();
    run(&folder).train(Display::default()).unwrap();
    assert!(leftovers(&folder.file("checkpoints")).is_empty());
}

#[test]
fn a_run_is_not_continued_with_other_data() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    let of_labels = |count| {
        let data = settings().read_data(None).unwrap();
        let data = data.with_labels(count).unwrap();
        SsvaeRun::of_data(folder.clone(), settings(), data, Device::default())
    };
    of_labels(3).unwrap().train(stop_after(1)).unwrap_err();
    of_labels(3).unwrap();
    let error = of_labels(4).unwrap_err();
    assert!(matches!(error, RunError::OtherData { .. }), "{error}");
    assert!(error.to_string().contains("--data-dir"), "{error}");
    // nor is a run of an earlier version, which has no fingerprint, given that of whoever looks at it
    let fingerprint = folder.file("data.fingerprint");
    fs::remove_file(&fingerprint).unwrap();
    of_labels(4).unwrap();
    assert!(!fingerprint.exists());
}

/// A log that does not say what has been trained is not taken for that of a run that has just begun.
#[test]
fn a_damaged_log_is_named_and_nothing_is_thrown_away() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&place.path().join("run"), &settings()).unwrap();
    run(&folder).train(stop_after(4)).unwrap_err();
    let log = folder.file("epochs.jsonl");
    let whole = fs::read_to_string(&log).unwrap();
    let refused = || {
        let error = run(&folder).train(Display::default()).unwrap_err();
        assert!(matches!(error, RunError::Damaged { .. }), "{error}");
        error.to_string()
    };
    let lines: Vec<&str> = whole.lines().collect();
    let damaged = format!("{}\ngarbage\n{}\n", lines[0], lines[2]);
    fs::write(&log, &damaged).unwrap();
    assert!(refused().contains("epochs.jsonl is damaged: line 2:"));
    assert_eq!(fs::read_to_string(&log).unwrap(), damaged);
    fs::remove_file(&log).unwrap();
    let message = refused();
    assert!(
        message.contains("0 epochs, where there is a checkpoint of epoch"),
        "{message}"
    );

    // an unfinished last line is what a kill leaves
    fs::write(&log, format!("{whole}{{\"epoch\": 5, ")).unwrap();
    run(&folder).train(Display::default()).unwrap();
    assert_eq!(EpochLog::read(folder.path()).unwrap().len(), 6);
}

/// The epoch that failed has a checkpoint, but is none to go on from.
#[test]
fn what_is_kept_is_what_a_run_goes_on_from() {
    let place = tempfile::tempdir().unwrap();
    let settings = SsvaeSettings {
        lr: 1e30,
        ..settings()
    };
    let folder = RunFolder::begin(&place.path().join("run"), &settings).unwrap();
    let message = run(&folder)
        .train(Display::default())
        .unwrap_err()
        .to_string();
    let rows = EpochLog::read(folder.path()).unwrap().len();
    assert!(
        message.contains(&format!("epoch {rows} is kept")),
        "{message}"
    );
    assert!(
        message.contains(&format!("of epoch {}", rows + 1)),
        "{message}"
    );
}

#[test]
fn impossible_settings_are_refused_by_name() {
    let with = |change: fn(&mut SsvaeSettings)| {
        let mut settings = settings();
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    };
    assert!(settings().validate().is_ok());
    assert_eq!(with(|s| s.epochs = 0), "epochs must be at least 1, got 0");
    assert_eq!(
        with(|s| s.lr = -1.0),
        "lr must be a positive number, got -1"
    );
    assert!(with(|s| s.label_weight = f64::NAN).starts_with("label-weight"));
    assert!(with(|s| s.batch_size = 0).starts_with("batch-size"));
    let of_method = |method| {
        let settings = EstimatorSettings {
            k: Some(10),
            samples: 1,
            temperature: 0.0,
            ..EstimatorSettings::default()
        };
        let settings = SsvaeSettings {
            method,
            estimator: settings,
            ..self::settings()
        };
        settings.validate().unwrap_err().to_string()
    };
    assert!(of_method(Method::SumAndSample).ends_with("for sum-and-sample, got 10"));
    assert!(of_method(Method::Vimco).starts_with("samples must be from 2"));
    assert!(
        with(|s| s.epochs = usize::MAX).starts_with("epochs must be at most 1000000, got 1844")
    );
    assert!(with(|s| s.warm_up_epochs = usize::MAX).starts_with("warm-up-epochs must be at most"));
    assert!(of_method(Method::Gumbel).starts_with("temperature must be a positive number"));

    let many = SsvaeSettings {
        labels: Some(1000),
        ..settings()
    };
    let message = many.read_data(None).unwrap_err().to_string();
    assert!(message.contains("1000 of each class"), "{message}");
    let few = SsvaeSettings {
        labels: Some(2),
        ..settings()
    };
    assert_eq!(few.read_data(None).unwrap().labelled.len(), 20);
}

#[test]
fn impossible_bit_vector_vaes_are_refused_by_name() {
    let with = |method, change: fn(&mut BitVectorVaeSettings)| {
        let mut settings = codes_settings(method);
        assert!(settings.validate().is_ok());
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    };
    let local = BitMethod::LocalEntmax15;
    for method in [local, BitMethod::Sfe, BitMethod::SparseMapBudget] {
        let message = with(method, |s| s.bits = 0);
        assert_eq!(message, "bits must be at least 1, got 0");
    }
    let message = with(BitMethod::TopKSparsemax, |s| s.estimator.k = Some(0));
    assert_eq!(
        message,
        "k must be from 1 to 65536 for topk-sparsemax, got 0"
    );
    for budget in [0, 11] {
        let mut settings = codes_settings(BitMethod::SparseMapBudget);
        settings.estimator.budget = Some(budget);
        let message = settings.validate().unwrap_err().to_string();
        let want = format!("budget must be in 1..=10, the number of bits, got {budget}");
        assert_eq!(message, want);
    }
    assert_eq!(
        with(local, |s| s.batch_size = 0),
        "batch-size must be at least 1, got 0"
    );
    assert_eq!(
        with(local, |s| s.importance.importance_samples = 0),
        "importance-samples must be at least 1, got 0"
    );
    assert!(with(local, |s| s.importance.test_images = Some(0)).starts_with("test-images"));
    assert_eq!(
        with(local, |s| s.bits = 1_000_000_000),
        "bits must be at most 4096, got 1000000000"
    );
    let message = with(local, |s| s.importance.importance_samples = usize::MAX);
    assert!(message.starts_with("importance-samples must be at most 1048576, got"));
    assert!(with(local, |s| s.levels = 1).starts_with("levels must be at least 2"));
    assert!(with(local, |s| s.lr = f64::NAN).starts_with("lr must be above 0"));
    assert!(with(local, |s| s.final_lr = 1.0).starts_with("final-lr must be from 0 to lr"));
    type Set = fn(&mut BitVectorVaeSettings, f64);
    let numbers: [(&str, &[f64], Set); 3] = [
        (
            "score-scale must be a positive number",
            &[0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300],
            |settings, scale| settings.score_scale = scale,
        ),
        (
            "dropout must be at least 0",
            &[1.0, -0.1, f64::NAN],
            |settings, probability| settings.dropout = probability,
        ),
        (
            "rate-weight must be from 1",
            &[0.5, -1.0, f64::NAN, f64::INFINITY],
            |settings, weight| settings.rate_weight = weight,
        ),
    ];
    for (expected, values, set) in numbers {
        for &value in values {
            let mut settings = codes_settings(local);
            set(&mut settings, value);
            let message = settings.validate().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let folder = RunFolder::begin(&path, &codes_settings(local)).unwrap();
    let other = BitVectorVaeSettings {
        bits: 12,
        ..codes_settings(local)
    };
    let message = folder.demand_settings(&other).unwrap_err().to_string();
    assert!(
        message.contains("bits is 10 there, but 12 was given"),
        "{message}"
    );
}

#[test]
fn impossible_games_are_refused_by_name() {
    let with = |change: fn(&mut SignalGameSettings)| {
        let mut settings = SignalGameSettings::new(SignalGameData::Digits, Method::Softmax);
        assert!(settings.validate().is_ok());
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    };
    assert_eq!(
        with(|s| s.symbols = 0),
        "symbols must be from 1 to 65536, got 0"
    );
    assert!(with(|s| s.symbols = usize::MAX).starts_with("symbols must be from 1 to 65536"));
    assert!(with(|s| s.batch_size = usize::MAX).starts_with("batch-size must be from 1 to 65536"));
    assert!(with(|s| s.batches = usize::MAX).starts_with("batches must be from 1 to 1000000"));
    assert_eq!(
        with(|s| s.candidates = 1),
        "candidates must be at least 2, got 1"
    );
    assert_eq!(
        with(|s| s.tau = 0.0),
        "tau must be a positive number, got 0"
    );
    assert_eq!(
        with(|s| s.lr = 2.0),
        "lr must be above 0 and at most 1, got 2"
    );
    assert_eq!(
        with(|s| s.final_lr = 1.0),
        "final-lr must be from 0 to lr, got 1"
    );
    assert!(with(|s| s.entropy = f64::NAN).starts_with("entropy"));
    assert!(with(|s| s.batches = 0).starts_with("batches"));
}

/// A user's own features, without images: a whole run.
#[test]
fn features_of_a_user_are_played_with() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("features.npy");
    let array = |format: &str, shape: &str, body: Vec<u8>| {
        let header = format!("{{'descr': '{format}', 'fortran_order': False, 'shape': {shape}, }}");
        let size = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &size[..], header.as_bytes(), &body].concat()
    };
    // three concepts, four examples of each
    let rows = (0..12).flat_map(|i| [(i / 4) as f32 + 0.5, 1.0, i as f32 / 40.0]);
    let rows: Vec<u8> = rows.flat_map(f32::to_le_bytes).collect();
    fs::write(&path, array("<f4", "(12, 3)", rows)).unwrap();
    let concepts = (0..12).map(|i| i / 4).collect();
    let concepts = array("|u1", "(12,)", concepts);
    fs::write(place.path().join("concepts.npy"), concepts).unwrap();

    let settings = SignalGameSettings {
        candidates: 3,
        symbols: 5,
        epochs: 2,
        batches: 30,
        lr: 1e-2,
        ..SignalGameSettings::new(SignalGameData::Features(path), Method::Entmax15)
    };
    let folder = RunFolder::begin(&place.path().join("run"), &settings).unwrap();
    game(&folder).train(Display::default()).unwrap();
    let metrics = game(&folder).evaluate().unwrap();
    assert_eq!(
        (&*metrics.data, &*metrics.task),
        ("features", "signal_game")
    );
    assert!(metrics.test.communication_success > metrics.test.chance);
    assert!(folder.file("usage.svg").is_file() && !folder.file("symbols.svg").exists());
}
