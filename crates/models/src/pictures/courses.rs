//! Learning curves of several methods in one chart.

use std::path::Path;

use plotters::{
    prelude::{
        ChartBuilder, Color, DashedLineSeries, IntoDrawingArea, LineSeries, PathElement, RGBColor,
        SVGBackend, Text, WHITE,
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

/// The course of a figure over the epochs of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The method's name.
    pub label: String,
    /// Its place among all methods of the task, which gives its colour.
    pub place: usize,
    /// `(epoch, value)` in order.
    pub points: Vec<(usize, f64)>,
}

/// Writes `path` as SVG: a line for each course, named where it ends.
///
/// # Errors
///
/// If there is nothing to draw, a value is not finite, or the file cannot be written.
pub fn draw_courses(path: &Path, figure: &str, courses: &[Course]) -> Result<(), RunError> {
    save(path, chart(figure, courses))
}

fn chart(figure: &str, courses: &[Course]) -> Drawn {
    let all = || courses.iter().flat_map(|course| &course.points);
    if all().next().is_none() || !all().all(|(_, value)| value.is_finite()) {
        return Err("no points, or one that is nowhere".into());
    }
    let last = all().map(|(epoch, _)| *epoch).max().unwrap_or(1).max(2) as f64;
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, y)| {
        (low.min(*y), high.max(*y))
    });
    let margin = 0.05 * (high - low).max(1e-3);
    let (low, high) = (low - margin, high + margin);
    let epochs = ticks::linear(1.0, last);
    let epochs = epochs.into_iter().filter(|epoch| epoch.fract() == 0.0);

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
                Axis::new(1.0, last, epochs.collect()),
                Axis::new(low, high, ticks::linear(low, high)),
            )?;
        chart
            .configure_mesh()
            .x_desc("epoch")
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
            let points: Vec<(f64, f64)> = course
                .points
                .iter()
                .map(|&(epoch, value)| (epoch as f64, value))
                .collect();
            let Some(&end) = points.last() else { continue };
            ends.push((course, pen, chart.backend_coord(&end)));
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
            root.draw(&PathElement::new(leader, pen.colour.stroke_width(1)))?;
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
