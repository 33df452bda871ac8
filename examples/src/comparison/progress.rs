use std::io::IsTerminal;

use burn::train::Interrupter;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sparse_models::training::{Display, EpochRow, Figure, OnEpoch};

use super::State;
use crate::say;

/// How far a comparison is: on a terminal a bar over the epochs of all runs, and everywhere a line for
/// each run that ends.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of so many epochs, some of which are done.
    pub fn new(done: usize, all: usize) -> Self {
        let template = "[{bar:30}] {pos}/{len} epochs, {elapsed} gone, {eta} left: {msg}";
        let style = ProgressStyle::with_template(template).expect("a template of known keys");
        let target = match std::io::stdout().is_terminal() {
            true => ProgressDrawTarget::stdout(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(all as u64), target)
            .with_style(style)
            .with_position(done as u64);
        // what an earlier command did says nothing of this one's speed
        bar.reset_eta();
        Self { bar }
    }

    /// A run begins, of whose epochs some are done.
    pub(super) fn begin(
        &self,
        name: &str,
        (done, all): (usize, usize),
        interrupter: Interrupter,
    ) -> Display {
        self.bar
            .set_message(format!("{name}, epoch {}/{all}", done + 1));
        let bar = self.bar.clone();
        let label = name.to_string();
        let on_epoch = move |row: &EpochRow| {
            bar.inc(1);
            bar.set_message(format!("{label}, epoch {}/{all}", row.epoch));
        };
        Display {
            dashboard: false,
            on_epoch: Some(Box::new(on_epoch) as OnEpoch),
            interrupter,
        }
    }

    /// The run ends, which may have had `left` epochs more.
    pub(super) fn end<T>(&self, name: &str, state: &State<T>, quality: &[Figure<T>], left: usize) {
        if matches!(state, State::Finished(_)) {
            self.bar.dec_length(left as u64);
        }
        let line = match state {
            State::Unfinished => format!("{name}: stopped"),
            State::Failed(why) => format!("{name}: failed, {why}"),
            State::Finished(metrics) => {
                let figures = quality.iter().filter_map(|figure| {
                    let value = (figure.of)(&metrics.test)?;
                    Some(format!("{} {value:.4}", figure.name))
                });
                let figures: Vec<String> = figures.collect();
                format!("{name}: {}", figures.join(", "))
            }
        };
        match self.bar.is_hidden() {
            true => say(line),
            false => self.bar.println(line),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
