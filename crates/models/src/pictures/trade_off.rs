//! What quality costs: a labelled point for each method, with its spread.

use std::path::Path;

use plotters::{
    prelude::{
        ChartBuilder, Circle, Color, IntoDrawingArea, PathElement, RGBColor, SVGBackend, Text,
        WHITE,
    },
    style::{
        IntoFont, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::Axis,
    labels::{Area, near_points},
    palette::Pen,
    save::{Drawn, save},
    ticks,
};
use crate::training::{RunError, Spread};

const SIZE: (u32, u32) = (720, 460);
const FONT: u32 = 14;
/// Of a letter, in font sizes, on average: nothing here knows the viewer's font, so wide enough.
const LETTER: f64 = 0.58;
const PALE: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
const LEADER: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// A method among others.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodPoint {
    /// Its name.
    pub label: String,
    /// Its place among all methods of the task, which gives its colour.
    pub place: usize,
    /// What it costs.
    pub cost: Spread,
    /// How good it is.
    pub quality: Spread,
}

/// What methods cost, as an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost<'a> {
    /// What is counted, with its unit.
    pub name: &'a str,
    /// Whether equal ratios have equal lengths; costs are above 0 then.
    pub logarithmic: bool,
}

/// Writes `path` as SVG: each method's quality against its cost, with a standard deviation to either
/// side of both.
///
/// # Errors
///
/// If there is nothing to draw, a number is not finite, or the file cannot be written.
pub fn draw_trade_off(
    path: &Path,
    cost: Cost<'_>,
    quality: &str,
    points: &[MethodPoint],
) -> Result<(), RunError> {
    save(path, chart(cost, quality, points))
}

/// One standard deviation to either side; of a logarithmic axis only what is above 0.
fn ends(spread: Spread, logarithmic: bool) -> [f64; 2] {
    let deviation = spread.deviation.unwrap_or(0.0);
    match spread.mean - deviation {
        low if logarithmic && low <= 0.0 => [spread.mean, spread.mean + deviation],
        low => [low, spread.mean + deviation],
    }
}

/// The range of an axis that shows all `values`, with room at either side.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    // of one value, or several that are the same
    let span = (high - low).max(0.05 * high.abs()).max(1e-3);
    (low - 0.1 * span, high + 0.1 * span)
}

fn chart(cost: Cost<'_>, quality: &str, points: &[MethodPoint]) -> Drawn {
    let numbers = points.iter().flat_map(|point| {
        let cost = ends(point.cost, cost.logarithmic);
        cost.into_iter().chain(ends(point.quality, false))
    });
    if points.is_empty() || !numbers.clone().all(f64::is_finite) {
        return Err("no points, or one that is nowhere".into());
    }
    // a logarithmic axis is a linear one of logarithms
    let scale = |x: f64| if cost.logarithmic { x.log10() } else { x };
    let back = |x: f64| if cost.logarithmic { 10f64.powf(x) } else { x };
    let costs = |point: &MethodPoint| ends(point.cost, cost.logarithmic).map(scale);
    let (left, right) = range(points.iter().flat_map(costs));
    let (low, high) = range(points.iter().flat_map(|point| ends(point.quality, false)));
    let ticks = match cost.logarithmic {
        true => ticks::logarithmic(back(left), back(right)),
        false => ticks::linear(left, right),
    };

    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .margin_right(24)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(
                Axis::new(left, right, ticks.into_iter().map(scale).collect()),
                Axis::new(low, high, ticks::linear(low, high)),
            )?;
        chart
            .configure_mesh()
            .x_desc(cost.name)
            .y_desc(quality)
            .x_label_formatter(&|x| ticks::short(back(*x)))
            .y_label_formatter(&|y| ticks::short(*y))
            .bold_line_style(PALE)
            .light_line_style(WHITE)
            .max_light_lines(0)
            .label_style(("sans-serif", FONT))
            .axis_desc_style(("sans-serif", FONT + 1))
            .draw()?;

        let mut marks = Vec::new();
        let mut labels = Vec::new();
        for point in points {
            let pen = Pen::of(point.place);
            let (x, y) = (scale(point.cost.mean), point.quality.mean);
            let [x_low, x_high] = costs(point);
            let [y_low, y_high] = ends(point.quality, false);
            for bar in [[(x_low, y), (x_high, y)], [(x, y_low), (x, y_high)]] {
                let [from, to] = bar.map(|end| pixel(chart.backend_coord(&end)));
                marks.push(Area::around(from, to, 2.0));
                let thin = pen.colour.stroke_width(1);
                chart.draw_series([PathElement::new(bar, thin)])?;
            }
            let fill = if pen.solid { pen.colour } else { WHITE };
            chart.draw_series([
                Circle::new((x, y), 5, fill.filled()),
                Circle::new((x, y), 5, pen.line()),
            ])?;
            let middle = pixel(chart.backend_coord(&(x, y)));
            marks.push(Area::around(middle, middle, 6.0));
            let wide = LETTER * f64::from(FONT) * point.label.chars().count() as f64;
            labels.push((middle, (wide, f64::from(FONT) + 2.0)));
        }
        let (across, down) = chart.plotting_area().get_pixel_range();
        let page = Area {
            left: f64::from(across.start) + 2.0,
            top: f64::from(down.start),
            right: f64::from(across.end),
            bottom: f64::from(down.end) - 2.0,
        };
        for ((point, (middle, _)), area) in points
            .iter()
            .zip(&labels)
            .zip(near_points(&labels, page, &marks))
        {
            let end = area.nearest(*middle);
            if (end.0 - middle.0).hypot(end.1 - middle.1) > 11.0 {
                let ends = [*middle, end].map(|(x, y)| (x as i32, y as i32));
                root.draw(&PathElement::new(ends, LEADER.stroke_width(1)))?;
                // its mark stays on top of the line
                let pen = Pen::of(point.place);
                let fill = if pen.solid { pen.colour } else { WHITE };
                root.draw(&Circle::new(ends[0], 5, fill.filled()))?;
                root.draw(&Circle::new(ends[0], 5, pen.line()))?;
            }
            let place = (
                ((area.left + area.right) / 2.0) as i32,
                ((area.top + area.bottom) / 2.0) as i32,
            );
            let style = TextStyle::from(("sans-serif", FONT).into_font())
                .pos(Pos::new(HPos::Center, VPos::Center));
            root.draw(&Text::new(point.label.clone(), place, style))?;
        }
        root.present()?;
    }
    Ok(svg)
}

fn pixel((x, y): (i32, i32)) -> (f64, f64) {
    (f64::from(x), f64::from(y))
}
