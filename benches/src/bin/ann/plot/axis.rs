//! An axis with lines where we want them: the crate's own can have them for whole numbers only.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// An axis over numbers that are already on the scale of the picture.
pub(super) struct Axis {
    pub(super) range: Range<f64>,
    /// Where there is a line with a label.
    pub(super) lines: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.lines.iter().copied().filter(|line| self.range.contains(line) || *line == self.range.end).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::coord::ranged1d::BoldPoints;

    #[test]
    fn values_lie_between_the_ends_and_lines_outside_are_left_out() {
        let axis = Axis { range: 1.0..3.0, lines: vec![0.0, 1.0, 2.0, 3.0, 4.0] };
        assert_eq!([1.0, 2.0, 3.0].map(|value| axis.map(&value, (100, 0))), [100, 50, 0]);
        assert_eq!(axis.key_points(BoldPoints(9)), [1.0, 2.0, 3.0]);
    }
}
