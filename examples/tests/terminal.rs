//! The commands on a terminal, where burn-train draws its dashboard.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod built;

use std::{
    fs::File,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    thread::{sleep, spawn},
    time::{Duration, Instant},
};

use built::example;
use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// Long enough for a training of a few steps on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command of ours on a terminal of its own, and that terminal.
fn start(command: &str, arguments: &[&str], out: &Path) -> (Child, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new())
        .unwrap()
        .into_string()
        .unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let other_end = File::options().read(true).write(true).open(name).unwrap();
    let child = Command::new(example(command))
        .args(arguments)
        .arg("--out")
        .arg(out)
        .stdin(other_end.try_clone().unwrap())
        .stdout(other_end)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let terminal = File::from(terminal);
    let mut screen = terminal.try_clone().unwrap();
    // somebody has to look at the screen, or writing to it will wait
    spawn(move || {
        let mut buffer = [0; 1 << 14];
        while screen.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    (child, terminal)
}

/// The exit code, and what was said on the standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("no end after {PATIENCE:?}");
        }
        sleep(Duration::from_millis(20));
    }
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn an_error_under_the_dashboard_is_told_and_nothing_is_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let arguments = ["--warm-up-epochs", "1", "--epochs", "4", "--lr", "1e30"];
    let (child, _terminal) = start("ssvae", &arguments, &out);
    let (code, said) = end(child);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("training stopped") && said.contains("epoch"),
        "{said}"
    );
    assert!(!out.join("metrics.json").exists());
}

#[test]
fn ctrl_c_under_the_dashboard_stops_and_the_run_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (child, terminal) = start(
        "ssvae",
        &["--warm-up-epochs", "1", "--epochs", "100000"],
        &out,
    );
    let began = Instant::now();
    // the dashboard reads single keys, and Ctrl-C is a signal all the same
    let modes = || tcgetattr(&terminal).unwrap().local_modes;
    while modes().contains(LocalModes::ICANON) || !modes().contains(LocalModes::ISIG) {
        assert!(began.elapsed() < PATIENCE, "{:?}", modes());
        sleep(Duration::from_millis(20));
    }
    while !out.join("checkpoints/schedule-1.bpk").exists() {
        assert!(began.elapsed() < PATIENCE, "no checkpoint");
        sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let (code, said) = end(child);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("--resume"), "{said}");
    assert!(!out.join("metrics.json").exists());
    assert!(
        modes().contains(LocalModes::ICANON),
        "the terminal is given back"
    );
}

/// After its only epoch, in the folder `run`, a command evaluates for many minutes.
fn ends_an_evaluation_at_once(example: &str, arguments: &[&str], run: &str) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (child, _terminal) = start(example, arguments, &out);
    let run = out.join(run);
    let began = Instant::now();
    // the training's last act
    while !run.join("checkpoints/schedule-1.bpk").exists() {
        assert!(began.elapsed() < PATIENCE, "no checkpoint");
        sleep(Duration::from_millis(5));
    }
    // by then it has ended
    sleep(Duration::from_secs(5));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let (code, said) = end(child);
    assert_eq!(code, Some(130), "{said}");
    assert!(!run.join("metrics.json").exists());
}

#[test]
fn ctrl_c_ends_an_evaluation_at_once() {
    let arguments = [
        "--plain",
        "--epochs",
        "1",
        "--importance-samples",
        "1000000",
    ];
    ends_an_evaluation_at_once("bit_vector_vae", &arguments, ".");
}

#[test]
fn ctrl_c_ends_the_evaluation_of_a_comparison_at_once() {
    let samples = "importance_samples=1000000";
    let task = ["bit-vector-vae", "--methods", "sfe", "--seeds", "1"];
    let arguments = [&task[..], &["--epochs", "1", "--set", samples]].concat();
    ends_an_evaluation_at_once("compare", &arguments, "sfe-1");
}
