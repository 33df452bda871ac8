//! Learning curves as a vector picture.

use std::{collections::BTreeSet, path::Path};

use plotters::prelude::{
    ChartBuilder, Circle, Color, IntoDrawingArea, IntoFont, LineSeries, PathElement, RGBColor,
    SVGBackend, WHITE,
};

use super::{
    axis::Axis,
    save::{Drawn, save},
    ticks,
};
use crate::training::{EpochRow, RunError};

const PANEL: (u32, u32) = (480, 300);
const TRAIN: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const VALID: RGBColor = RGBColor(0xd6, 0x27, 0x28);

/// What stands above a metric's panel.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// The metric, as in the rows.
    pub metric: &'a str,
    /// What it is, with its unit.
    pub text: &'a str,
    /// What its numbers are multiplied with for that unit.
    pub factor: f64,
}

/// Writes `path` as SVG: a panel for each metric, with its course over the epochs in training and
/// validation. One without a caption has its name above it.
///
/// # Errors
///
/// If there is nothing to draw, or the file cannot be written.
pub fn draw_curves(
    path: &Path,
    rows: &[EpochRow],
    captions: &[Caption<'_>],
) -> Result<(), RunError> {
    let names: BTreeSet<&String> = rows
        .iter()
        .flat_map(|row| row.train.keys().chain(row.valid.keys()))
        .collect();
    let captions: Vec<Caption<'_>> = names
        .into_iter()
        .map(|metric| {
            let known = captions.iter().find(|caption| caption.metric == metric);
            known.copied().unwrap_or(Caption {
                metric,
                text: metric,
                factor: 1.0,
            })
        })
        .collect();
    save(path, panels(rows, &captions))
}

fn panels(rows: &[EpochRow], captions: &[Caption<'_>]) -> Drawn {
    let mut svg = String::new();
    let size = (PANEL.0 * captions.len().max(1) as u32, PANEL.1);
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        let areas = root.split_evenly((1, captions.len().max(1)));
        for (area, caption) in areas.iter().zip(captions) {
            let Caption {
                metric,
                text,
                factor,
            } = *caption;
            let train = points(rows, factor, |row| row.train.get(metric));
            let valid = points(rows, factor, |row| row.valid.get(metric));
            let all = || train.iter().chain(&valid).map(|(_, y)| *y);
            let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
                (low.min(y), high.max(y))
            });
            let margin = 0.05 * (high - low).max(1e-6);
            let last = rows.last().map_or(1, |row| row.epoch).max(2) as f64;
            let epochs = ticks::linear(1.0, last).into_iter();
            let epochs = epochs.filter(|epoch| epoch.fract() == 0.0).collect();
            let (low, high) = (low - margin, high + margin);
            let mut chart = ChartBuilder::on(area)
                .caption(text, ("sans-serif", 16).into_font())
                .margin(8)
                .x_label_area_size(28)
                .y_label_area_size(52)
                .build_cartesian_2d(
                    Axis::new(1.0, last, epochs),
                    Axis::new(low, high, ticks::linear(low, high)),
                )
                .map_err(|e| e.to_string())?;
            chart
                .configure_mesh()
                .x_desc("epoch")
                .x_label_formatter(&|x| ticks::short(*x))
                .y_label_formatter(&|y| ticks::short(*y))
                .light_line_style(WHITE)
                .max_light_lines(0)
                .draw()
                .map_err(|e| e.to_string())?;
            for (label, color, points) in [("train", TRAIN, train), ("valid", VALID, valid)] {
                if points.is_empty() {
                    continue;
                }
                // a line of one point is none
                let end = points.last().copied();
                let dot = end.map(|end| Circle::new(end, 2, color.filled()));
                chart.draw_series(dot).map_err(|e| e.to_string())?;
                chart
                    .draw_series(LineSeries::new(points, color.stroke_width(2)))
                    .map_err(|e| e.to_string())?
                    .label(label)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color));
            }
            chart
                .configure_series_labels()
                .background_style(WHITE.mix(0.8))
                .border_style(RGBColor(0xcc, 0xcc, 0xcc))
                .draw()
                .map_err(|e| e.to_string())?;
        }
        root.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

fn points<'r>(
    rows: &'r [EpochRow],
    factor: f64,
    value: impl Fn(&'r EpochRow) -> Option<&'r f64>,
) -> Vec<(f64, f64)> {
    rows.iter()
        .filter_map(|row| Some((row.epoch as f64, factor * *value(row)?)))
        .filter(|(_, y)| y.is_finite())
        .collect()
}
