//! A weight matrix on its way into the graph: turned round, and cut down to eight bits if asked for.

/// Rows for inputs, columns for outputs.
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Row by row.
    pub(super) values: Vec<f32>,
}

impl Matrix {
    pub(super) fn zero(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// Writes the transpose of `source`, whose rows are as long as this matrix has rows, from
    /// column `offset` on.
    pub(super) fn set_transposed(&mut self, source: &[f32], offset: usize) {
        for (column, values) in source.chunks_exact(self.rows).enumerate() {
            for (row, value) in values.iter().enumerate() {
                self.values[row * self.columns + offset + column] = *value;
            }
        }
    }

    /// Eight-bit values and a scale for each column: `value = quantized * scale`, symmetric.
    pub(super) fn quantize(&self) -> (Vec<i8>, Vec<f32>) {
        let mut scales = vec![0.0_f32; self.columns];
        for row in self.values.chunks_exact(self.columns) {
            scales.iter_mut().zip(row).for_each(|(scale, value)| *scale = scale.max(value.abs()));
        }
        // A column of zeros stays zeros with any scale.
        scales.iter_mut().for_each(|scale| *scale = if *scale > 0.0 { *scale / 127.0 } else { 1.0 });
        let quantized = self.values.chunks_exact(self.columns).flat_map(|row| {
            row.iter().zip(&scales).map(|(value, scale)| (value / scale).round().clamp(-127.0, 127.0) as i8)
        });
        (quantized.collect(), scales)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transpose_lands_at_its_column() {
        let mut matrix = Matrix::zero(3, 4);
        matrix.set_transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1);
        assert_eq!(matrix.values, [0.0, 1.0, 4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.0, 3.0, 6.0, 0.0]);
    }

    #[test]
    fn quantized_values_are_within_half_a_step() {
        let matrix = Matrix { rows: 2, columns: 3, values: vec![1.0, -0.2, 0.0, -2.54, 0.1, 0.0] };
        let (values, scales) = matrix.quantize();
        assert_eq!((values[3], values[1], scales[2]), (-127, -127, 1.0));
        for (index, value) in matrix.values.iter().enumerate() {
            let scale = scales[index % 3];
            assert!((f32::from(values[index]) * scale - value).abs() <= scale / 2.0 + 1e-7);
        }
    }
}
