//! What methods have come to, as GitHub's Markdown.

use serde_json::{Map, Value};
use sparse_models::training::{Experiment, Metrics, Spread};

use super::{Comparison, State, overrides::fields};

/// A figure of a run, if it has one.
type Column<'a, T> = (&'a str, Box<dyn Fn(&Metrics<T>) -> Option<f64>>);

/// The settings that the head of the page names.
const IN_HEAD: [&str; 4] = ["data", "method", "seed", "epochs"];

/// A row for each method: means and standard deviations over the runs that are finished.
pub(super) fn results<E: Experiment>(comparison: &Comparison<E>) -> String {
    let mut columns: Vec<Column<'_, E::Test>> = Vec::new();
    for figure in E::QUALITY {
        columns.push((figure.name, Box::new(|run| (figure.of)(&run.test))));
    }
    columns.push(("mean support", Box::new(|run| E::support(&run.test))));
    columns.push((
        "decoder calls",
        Box::new(|run| Some(E::decoder_calls(&run.test))),
    ));
    columns.push(("ms per step", Box::new(|run| Some(run.train.ms_per_step))));

    let mut head = vec!["method".to_string(), "runs".to_string()];
    head.extend(columns.iter().map(|(name, _)| name.to_string()));
    head.push("training time".to_string());
    let rows = comparison.request().methods.iter().map(|&method| {
        let finished: Vec<&Metrics<E::Test>> = comparison
            .runs_of(method)
            .filter_map(|run| run.metrics())
            .collect();
        let spread = |of: &dyn Fn(&Metrics<E::Test>) -> Option<f64>| {
            let values: Option<Vec<f64>> = finished.iter().map(|run| of(run)).collect();
            Spread::of(&values?)
        };
        let mut row = vec![format!("`{method}`"), runs(comparison, method)];
        for (_, of) in &columns {
            row.push(spread(of).map_or("–".to_string(), |spread| spread.to_string()));
        }
        let time = spread(&|run| Some(seconds(run)));
        row.push(time.map_or("–".to_string(), |time| duration(time.mean)));
        row
    });
    table(&head, rows)
}

/// The seconds of all training steps of a run.
pub(super) fn seconds<T>(run: &Metrics<T>) -> f64 {
    run.train.seconds_per_epoch.iter().sum()
}

/// Why runs have failed, a line for each; nothing if none has.
pub(super) fn failures<E: Experiment>(comparison: &Comparison<E>) -> String {
    let mut text = String::new();
    for run in comparison.runs() {
        if let State::Failed(why) = &run.state {
            text += &format!("- `{}`, seed {}: failed, {why}\n", run.method, run.seed);
        }
    }
    text
}

/// The settings in which methods differ, as a table, and all others, as a line.
pub(super) fn settings<E: Experiment>(comparison: &Comparison<E>) -> String {
    let methods: Vec<(E::Method, Map<String, Value>)> = comparison
        .request()
        .methods
        .iter()
        .filter_map(|&method| {
            let run = comparison.runs_of(method).next()?;
            Some((method, fields(&run.settings)))
        })
        .collect();
    let Some((_, first)) = methods.first() else {
        return String::new();
    };
    let (common, differing): (Vec<&String>, Vec<&String>) = first
        .keys()
        .filter(|name| !matches!(name.as_str(), "data" | "method" | "seed"))
        .partition(|name| {
            methods
                .iter()
                .all(|(_, fields)| fields.get(*name) == first.get(*name))
        });
    let mut page = String::new();
    if !differing.is_empty() {
        let mut head = vec!["method".to_string()];
        head.extend(differing.iter().map(|name| name.to_string()));
        let rows = methods.iter().map(|(method, fields)| {
            let mut row = vec![format!("`{method}`")];
            row.extend(differing.iter().map(|name| text(fields.get(*name))));
            row
        });
        page += &format!("Settings that differ:\n\n{}\n", table(&head, rows));
    }
    let common: Vec<String> = common
        .into_iter()
        .filter(|name| !IN_HEAD.contains(&name.as_str()))
        .map(|name| format!("{name} {}", text(first.get(name))))
        .collect();
    page + &format!("Settings of all: {}.\n", common.join(", "))
}

/// The epochs, if they are the same of all methods.
pub(super) fn epochs<E: Experiment>(comparison: &Comparison<E>) -> Option<String> {
    let of = |run: &super::PlannedRun<E>| text(fields(&run.settings).get("epochs"));
    let first = of(comparison.runs().first()?);
    comparison
        .runs()
        .iter()
        .all(|run| of(run) == first)
        .then_some(first)
}

/// How many runs of a method are finished.
fn runs<E: Experiment>(comparison: &Comparison<E>, method: E::Method) -> String {
    let count = |is: fn(&State<E::Test>) -> bool| {
        comparison
            .runs_of(method)
            .filter(|run| is(&run.state))
            .count()
    };
    let finished = count(|state| matches!(state, State::Finished(_)));
    let failed = count(|state| matches!(state, State::Failed(_)));
    match (count(|_| true), failed) {
        (all, 0) if all == finished => format!("{all}"),
        (all, 0) => format!("{finished} of {all}"),
        (all, failed) => format!("{finished} of {all}, {failed} failed"),
    }
}

fn table(head: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = vec!["---".to_string(); head.len()].join("|");
    let rows: String = rows.map(|row| line(&row)).collect();
    format!("{}|{rule}|\n{rows}", line(head))
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 99.5 => format!("{seconds:.1} s"),
        seconds if seconds < 99.5 * 60.0 => format!("{:.1} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}
