//! The commands as a shell sees them: exit codes, and what is said where.
#![allow(clippy::unwrap_used)]

mod built;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use built::example;

#[test]
fn a_backend_that_is_not_compiled_in_is_refused_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    for (name, arguments) in [
        ("ssvae", vec!["--plain"]),
        ("signal_game", vec!["--plain"]),
        ("bit_vector_vae", vec!["--plain"]),
        ("structures", vec![]),
        ("compare", vec!["ssvae"]),
    ] {
        let refused = Command::new(example(name))
            .args(arguments)
            .arg("--out")
            .arg(&out)
            .env("BURN_DEVICE", "abacus")
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}: {said}");
        assert!(
            said.starts_with("error: BURN_DEVICE must be a backend that is compiled in (")
                && said.ends_with("got \"abacus\"\n"),
            "{name}: {said}"
        );
        assert!(!out.exists(), "{name}");
    }
}

#[test]
fn a_flag_that_the_method_does_not_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    for (name, method, flag) in [
        ("ssvae", "sparsemax", "--samples"),
        ("signal_game", "sfe", "--k"),
        ("bit_vector_vae", "sparsemap", "--budget"),
    ] {
        let refused = Command::new(example(name))
            .args(["--plain", "--method", method, flag, "3", "--out"])
            .arg(&out)
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}: {said}");
        let start = format!("error: {} is no setting of {method}, but of ", &flag[2..]);
        assert!(said.contains(&start), "{name}: {said}");
        assert!(!out.exists(), "{name}");
    }
}

#[test]
fn numbers_below_zero_are_refused_with_what_is_allowed() {
    for (name, flag, allowed) in [
        ("ssvae", "--seed", "must be a whole number, 0 or above"),
        (
            "ssvae",
            "--warm-up-epochs",
            "must be a whole number, 0 or above",
        ),
        (
            "signal_game",
            "--shift",
            "must be a whole number, 0 or above",
        ),
        (
            "bit_vector_vae",
            "--bits",
            "must be a whole number, at least 1",
        ),
        ("structures", "--seed", "must be a whole number, 0 or above"),
    ] {
        let refused = Command::new(example(name))
            .args([flag, "-1"])
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}: {said}");
        let start = format!("error: invalid value '-1' for '{flag}");
        assert!(said.starts_with(&start) && said.contains(allowed), "{said}");
    }
}

/// Twenty epochs of no learning: the first one is the best.
#[test]
fn an_impatient_training_says_why_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let done = Command::new(example("ssvae"))
        .args(["--plain", "--warm-up-epochs", "0", "--epochs", "20"])
        .args(["--patience", "2", "--lr", "1e-12", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(
        said.contains("\ntraining ended after epoch 3 of 20: no better one"),
        "{said}"
    );
    assert!(said.contains("\"epochs\": 3,"), "{said}");
}

/// As `ssvae --plain | head -1` does.
#[test]
fn a_command_whose_reader_goes_away_ends_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut child = Command::new(example("ssvae"))
        .args(["--plain", "--warm-up-epochs", "200", "--epochs", "1"])
        .arg("--out")
        .arg(&out)
        // without it, Mesa complains
        .env("XDG_RUNTIME_DIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("run folder: "), "{line}");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    assert_eq!(ended.status.code(), Some(141));
    assert!(!out.join("metrics.json").exists());
}
