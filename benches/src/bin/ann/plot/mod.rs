//! Curves of recall against queries a second, a picture for each set, readable on light and on dark ground.

mod axis;

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use self::axis::Axis;
use crate::contestants::OURS;
use crate::curve::Point;
use crate::record::{Measured, SetRecord};

/// Where the pictures are kept.
const FOLDER: &str = "docs/performance";
const SIZE: (u32, u32) = (960, 540);
/// Room for the names at the right of the curves, and the least distance of two of them.
const NAMES: u32 = 190;
const NAME_HEIGHT: i32 = 17;
/// Of text, axes and grid: in the middle between light and dark.
const GREY: RGBColor = RGBColor(125, 133, 144);
/// Recalls that the picture begins and ends with, and those with a line. Beyond the last one there is no telling apart.
const RECALLS: [f64; 9] = [0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999];
/// Queries a second with a line.
const SPEEDS: [f64; 12] = [50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A curve in a colour, its points by [`across`] and the logarithm of the speed.
struct Line<'a> {
    measured: &'a Measured,
    points: Vec<(f64, f64)>,
    colour: HSLColor,
}

/// Draws the curves of a set on one thread.
pub(crate) fn draw(record: &SetRecord) -> Result<()> {
    let lines = lines(record);
    if lines.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(FOLDER)?;
    let path = Path::new(FOLDER).join(format!("ann-{}.svg", record.set.name));
    let root = SVGBackend::new(&path, SIZE).into_drawing_area();
    picture(&root, record, &lines).map_err(|error| anyhow!("draw {}: {error}", path.display()))
}

/// Recalls near 1 are spread out: each further nine is as wide.
fn across(recall: f64) -> f64 {
    -(1.0 - recall.min(RECALLS[RECALLS.len() - 1])).log10()
}

fn lines(record: &SetRecord) -> Vec<Line<'_>> {
    let count = record.measured.len() as f64;
    let mut lines = Vec::new();
    for (at, measured) in record.measured.iter().enumerate() {
        let curve = measured.curve(1);
        let points = visible(&curve);
        if !points.is_empty() {
            lines.push(Line { measured, points, colour: HSLColor(at as f64 / count, 0.65, 0.5) });
        }
    }
    lines
}

fn visible(curve: &[Point]) -> Vec<(f64, f64)> {
    curve.iter().filter(|it| it.recall >= RECALLS[0]).map(|it| (across(it.recall), it.qps.log10())).collect()
}

fn picture(root: &Area<'_>, record: &SetRecord, lines: &[Line<'_>]) -> Result<(), Box<dyn std::error::Error>> {
    let speeds = || lines.iter().flat_map(|it| it.points.iter().map(|point| point.1));
    let (least, most) = (speeds().fold(f64::MAX, f64::min) - 0.1, speeds().fold(0.0, f64::max) + 0.1);
    let (first, last) = (across(RECALLS[0]), across(RECALLS[RECALLS.len() - 1]));
    let set = &record.set;
    let title = format!("{}: {} x {}, one thread, k=10", set.name, set.rows, set.dimension);
    let text = |size: i32| ("sans-serif", size).into_font().color(&GREY);
    let mut chart = ChartBuilder::on(root)
        .margin(12)
        .margin_right(NAMES)
        .caption(title, text(18))
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(
            Axis { range: first..last, lines: RECALLS.map(across).to_vec() },
            Axis { range: least..most, lines: SPEEDS.map(f64::log10).to_vec() },
        )?;
    chart
        .configure_mesh()
        .axis_style(GREY)
        .bold_line_style(GREY.mix(0.35))
        .light_line_style(GREY.mix(0.0))
        .label_style(text(13))
        .axis_desc_style(text(14))
        .x_desc("recall@10")
        .y_desc("queries a second")
        .x_label_formatter(&|at| format!("{}", ((1.0 - 10_f64.powf(-at)) * 1e4).round() / 1e4))
        .y_label_formatter(&|at| format!("{:.0}", 10_f64.powf(*at)))
        .draw()?;
    let mut ends = Vec::new();
    for line in lines {
        let width = if line.measured.name == OURS { 4 } else { 2 };
        chart.draw_series(LineSeries::new(line.points.iter().copied(), line.colour.stroke_width(width)))?;
        chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, line.colour.filled())))?;
        ends.push(chart.backend_coord(&line.points[line.points.len() - 1]));
    }
    names(root, lines, &ends)
}

/// Writes the names at the right, each at the height of its curve's end as far as there is room, with a thin line to it.
fn names(root: &Area<'_>, lines: &[Line<'_>], ends: &[(i32, i32)]) -> Result<(), Box<dyn std::error::Error>> {
    let heights = spread(&ends.iter().map(|it| it.1).collect::<Vec<_>>());
    let left = (SIZE.0 - NAMES) as i32 + 24;
    for ((line, end), height) in lines.iter().zip(ends).zip(heights) {
        let leader = PathElement::new(vec![*end, (left - 4, height)], line.colour.mix(0.4));
        root.draw(&leader)?;
        let weight = if line.measured.name == OURS { FontStyle::Bold } else { FontStyle::Normal };
        let font = ("sans-serif", 14).into_font().style(weight).color(&line.colour);
        let style = font.pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(line.measured.name.clone(), (left, height), style))?;
    }
    Ok(root.present()?)
}

/// Moves heights apart so that names do not cover each other, keeping their order.
fn spread(heights: &[i32]) -> Vec<i32> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by_key(|at| heights[*at]);
    let mut moved = heights.to_vec();
    for pair in order.windows(2) {
        moved[pair[1]] = moved[pair[1]].max(moved[pair[0]] + NAME_HEIGHT);
    }
    // What was pushed out at the bottom comes back up.
    let mut floor = SIZE.1 as i32 - NAME_HEIGHT;
    for &at in order.iter().rev() {
        moved[at] = moved[at].min(floor);
        floor = moved[at] - NAME_HEIGHT;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_their_distance() {
        let moved = spread(&[100, 103, 90, 530, 535]);
        assert_eq!(moved[2], 90);
        let mut sorted = moved.clone();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= NAME_HEIGHT));
        assert!(moved[0] < moved[1] && moved[3] < moved[4]);
        assert!(moved.iter().all(|it| *it < SIZE.1 as i32));
    }

    #[test]
    fn each_nine_is_as_wide() {
        assert!((across(0.99) - across(0.9) - 1.0).abs() < 1e-9);
        assert_eq!(across(1.0), across(0.999));
    }
}
