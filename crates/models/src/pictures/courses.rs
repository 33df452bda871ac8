//! Learning curves of several methods in one chart.

use std::path::Path;

use plotters::{
    prelude::{
        ChartBuilder, Circle, Color, DashedLineSeries, IntoDrawingArea, LineSeries, PathElement,
        RGBColor, SVGBackend, Text, WHITE,
    },
    style::{
        IntoFont, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::Axis,
    labels::apart,
    palette::Pen,
    save::{Drawn, save},
    ticks,
};
use crate::training::RunError;

const SIZE: (u32, u32) = (760, 460);
/// Where the names stand, right of the chart.
const NAMES: u32 = 150;
const FONT: u32 = 14;
const PALE: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

/// The course of a figure over the training of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The method's name.
    pub label: String,
    /// Its place among all methods of the task, which gives its colour.
    pub place: usize,
    /// `(x, value)` in order: x is the epoch, or what has gone by until its end.
    pub points: Vec<(f64, f64)>,
}

/// Writes `path` as SVG: a line for each course, named where it ends. `across` and `figure` say what is
/// along the axes.
///
/// # Errors
///
/// If there is nothing to draw, a value is not finite, or the file cannot be written.
pub fn draw_courses(
    path: &Path,
    across: &str,
    figure: &str,
    courses: &[Course],
) -> Result<(), RunError> {
    save(path, chart(across, figure, courses))
}

fn chart(across: &str, figure: &str, courses: &[Course]) -> Drawn {
    let all = || courses.iter().flat_map(|course| &course.points);
    if all().next().is_none() || !all().all(|(x, value)| x.is_finite() && value.is_finite()) {
        return Err("no points, or one that is nowhere".into());
    }
    let range = |of: fn(&(f64, f64)) -> f64| {
        all()
            .map(of)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
    };
    let (first, last) = range(|(x, _)| *x);
    let last = if last > first { last } else { first + 1.0 };
    let (low, high) = range(|(_, value)| *value);
    let margin = 0.05 * (high - low).max(1e-3);
    let (low, high) = (low - margin, high + margin);
    // there is nothing between two epochs
    let whole = all().all(|(x, _)| x.fract() == 0.0);
    let marks = ticks::linear(first, last);
    let marks = marks.into_iter().filter(|x| !whole || x.fract() == 0.0);

    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .margin_right(NAMES)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(
                Axis::new(first, last, marks.collect()),
                Axis::new(low, high, ticks::linear(low, high)),
            )?;
        chart
            .configure_mesh()
            .x_desc(across)
            .y_desc(figure)
            .x_label_formatter(&|x| ticks::short(*x))
            .y_label_formatter(&|y| ticks::short(*y))
            .bold_line_style(PALE)
            .light_line_style(WHITE)
            .max_light_lines(0)
            .label_style(("sans-serif", FONT))
            .axis_desc_style(("sans-serif", FONT + 1))
            .draw()?;

        let mut ends = Vec::new();
        for course in courses {
            let pen = Pen::of(course.place);
            let points = course.points.clone();
            let Some(&end) = points.last() else { continue };
            ends.push((course, pen, chart.backend_coord(&end)));
            // where it ends: a line of one point is none
            chart.draw_series([Circle::new(end, 3, pen.colour.filled())])?;
            if pen.solid {
                chart.draw_series(LineSeries::new(points, pen.line()))?;
            } else {
                chart.draw_series(DashedLineSeries::new(points, 7, 4, pen.line()))?;
            }
        }
        let (across, down) = chart.plotting_area().get_pixel_range();
        let (right, gap) = (across.end, f64::from(FONT) + 2.0);
        let wanted: Vec<f64> = ends.iter().map(|(.., (_, y))| f64::from(*y)).collect();
        let heights = apart(&wanted, gap, f64::from(down.start), f64::from(down.end));
        for ((course, pen, (x, y)), height) in ends.into_iter().zip(heights) {
            let leader = [(x, y), (right + 4, y), (right + 18, height as i32)];
            root.draw(&PathElement::new(
                leader,
                pen.colour.mix(0.4).stroke_width(1),
            ))?;
            let style = TextStyle::from(("sans-serif", FONT).into_font())
                .pos(Pos::new(HPos::Left, VPos::Center))
                .color(&pen.colour);
            let place = (right + 22, height as i32);
            root.draw(&Text::new(course.label.clone(), place, style))?;
        }
        root.present()?;
    }
    Ok(svg)
}
