use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use sparse_models::{
    pictures::{Cost, Course, MethodPoint, draw_courses, draw_trade_off},
    training::{
        EpochLog, Experiment, Metrics, RunError, Selection, Spread, backend_name, write_whole,
    },
};

use super::{Comparison, table};

/// The page of a comparison: its table, and the pictures beside it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The Markdown file.
    pub path: PathBuf,
    /// The task, as the command calls it.
    pub task: String,
    /// The command that made it.
    pub command: String,
    /// When.
    pub date: String,
}

/// A picture: what it shows, and its name after that of the page.
const PICTURES: [(&str, &str); 4] = [
    ("against decoder calls", "decoder-calls"),
    ("against training time", "time"),
    ("on validation data by epoch, the mean over seeds", "curves"),
    (
        "on validation data by training time, the mean over seeds",
        "curves-time",
    ),
];

impl Report {
    /// Writes the page, and the pictures once a run is finished.
    ///
    /// # Errors
    ///
    /// If a file cannot be written, or the log of a finished run not read.
    pub fn write<E: Experiment>(&self, comparison: &Comparison<E>) -> Result<(), RunError> {
        let points = [
            points(comparison, |run| E::decoder_calls(&run.test)),
            points(comparison, table::seconds),
        ];
        if !points[0].is_empty() {
            let [calls, time, by_epoch, by_second] = PICTURES.map(|(_, name)| self.picture(name));
            let [by_calls, by_time] = points;
            let cost = |name, logarithmic| Cost { name, logarithmic };
            let Selection {
                meaning,
                unit,
                better,
                ..
            } = E::SELECTION;
            let quality = E::QUALITY.first().map_or("quality", |figure| figure.name);
            let quality = &format!("{quality}, {better} is better");
            let calls_axis = cost("decoder calls per example", true);
            draw_trade_off(&calls, calls_axis, quality, &by_calls)?;
            let time_axis = cost("training time (s)", false);
            draw_trade_off(&time, time_axis, quality, &by_time)?;
            let figure = format!("validation {meaning} ({unit}), {better} is better");
            let courses = courses(comparison)?;
            draw_courses(&by_epoch, "epoch", &figure, &courses.by_epoch)?;
            draw_courses(&by_second, "training time (s)", &figure, &courses.by_second)?;
        }
        let page = self.page(comparison);
        write_whole(&self.path, page.as_bytes()).map_err(|source| RunError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn page<E: Experiment>(&self, comparison: &Comparison<E>) -> String {
        let request = comparison.request();
        let finished = || comparison.runs().iter().filter_map(|run| run.metrics());
        let backend = finished().next().map(|metrics| metrics.backend.clone());
        let backend = backend.unwrap_or_else(|| backend_name(&Default::default()));
        let seeds: Vec<String> = request.seeds.iter().map(u64::to_string).collect();
        let epochs = table::epochs(comparison).unwrap_or("see the settings".to_string());
        let (data, preset) = (
            &request.source,
            if request.paper { "paper" } else { "best" },
        );
        let mut page = format!(
            "# Methods compared: {} on {data}\n\n`{}`\n\n\
             Data {data}, preset {preset}, epochs {epochs}, seeds {}, backend {backend}, {}. \
             Means ± sample standard deviations over seeds, of the test set, at each run's epoch of best \
             validation {}. Support and decoder calls are means per example; the time is that of the \
             training steps, without validation.\n\n{}",
            self.task,
            self.command,
            seeds.join(", "),
            self.date,
            E::SELECTION.meaning,
            table::results(comparison),
        );
        let failures = table::failures(comparison);
        if !failures.is_empty() {
            page += &format!("\n{failures}");
        }
        page += &format!("\n{}", table::settings(comparison));
        if finished().next().is_some() {
            for (what, name) in PICTURES {
                let path = self.picture(name);
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                page += &format!("\n![Quality {what}]({file})\n");
            }
        }
        page
    }

    /// The file of a picture, beside the page.
    fn picture(&self, name: &str) -> PathBuf {
        let mut file = OsString::from(self.path.file_stem().unwrap_or_default());
        file.push(format!("-{name}.svg"));
        self.path.with_file_name(file)
    }

    /// The folder of the page.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
}

/// The methods of which a run is finished, with their places among all of the task.
fn methods<E: Experiment>(
    comparison: &Comparison<E>,
) -> impl Iterator<Item = (E::Method, usize, Vec<&Metrics<E::Test>>)> {
    comparison.request().methods.iter().filter_map(|&method| {
        let place = E::METHODS.iter().position(|known| *known == method)?;
        let runs: Vec<_> = comparison
            .runs_of(method)
            .filter_map(|run| run.metrics())
            .collect();
        (!runs.is_empty()).then_some((method, place, runs))
    })
}

fn points<E: Experiment>(
    comparison: &Comparison<E>,
    cost: impl Fn(&Metrics<E::Test>) -> f64,
) -> Vec<MethodPoint> {
    let Some(quality) = E::QUALITY.first() else {
        return Vec::new();
    };
    let spread = |runs: &[&Metrics<E::Test>], of: &dyn Fn(&Metrics<E::Test>) -> Option<f64>| {
        let values: Option<Vec<f64>> = runs.iter().map(|run| of(run)).collect();
        Spread::of(&values?)
    };
    methods(comparison)
        .filter_map(|(method, place, runs)| {
            Some(MethodPoint {
                label: method.to_string(),
                place,
                cost: spread(&runs, &|run| Some(cost(run)))?,
                quality: spread(&runs, &|run| (quality.of)(&run.test))?,
            })
        })
        .collect()
}

/// Learning curves of the methods, by epoch and by the seconds of training until its end.
#[derive(Default)]
struct Courses {
    by_epoch: Vec<Course>,
    by_second: Vec<Course>,
}

/// Of each epoch that all finished runs of a method have, the means over them.
fn courses<E: Experiment>(comparison: &Comparison<E>) -> Result<Courses, RunError> {
    let mut courses = Courses::default();
    for (method, place, runs) in methods(comparison) {
        let mut epochs = BTreeMap::<usize, (Vec<f64>, Vec<f64>)>::new();
        for run in comparison.runs_of(method) {
            if run.metrics().is_none() {
                continue;
            }
            let mut seconds = 0.0;
            for row in EpochLog::read(&run.path)? {
                seconds += row.seconds;
                if let Some(&value) = row.valid.get(E::SELECTION.metric) {
                    let (times, values) = epochs.entry(row.epoch).or_default();
                    times.push(seconds);
                    values.push(E::selected(&run.settings, value));
                }
            }
        }
        let means = epochs
            .into_iter()
            .filter(|(_, (_, values))| values.len() == runs.len())
            .filter_map(|(epoch, (times, values))| {
                let (time, value) = (Spread::of(&times)?.mean, Spread::of(&values)?.mean);
                Some(((epoch as f64, value), (time, value)))
            });
        let (by_epoch, by_second) = means.unzip();
        for (all, points) in [
            (&mut courses.by_epoch, by_epoch),
            (&mut courses.by_second, by_second),
        ] {
            all.push(Course {
                label: method.to_string(),
                place,
                points,
            });
        }
    }
    Ok(courses)
}
