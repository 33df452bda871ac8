//! Packing: which entries of `[batch, classes]` probabilities are not zero.

use burn_core::tensor::TensorData;

use super::element::Element;

/// Exclusive prefix sums of the rows' support sizes, `[batch + 1]`. A NaN counts.
pub(crate) fn support_offsets(probs: TensorData) -> Vec<i64> {
    let (batch, classes) = (probs.shape()[0], probs.shape()[1]);
    with_element!(probs.dtype(), E => offsets(super::elements::<E>(probs.bytes()), batch, classes))
}

/// Row and class of every entry that is not zero, in order.
pub(crate) fn support_entries(probs: TensorData, total: usize) -> (Vec<i64>, Vec<i64>) {
    let classes = probs.shape()[1];
    with_element!(probs.dtype(), E => entries(super::elements::<E>(probs.bytes()), classes, total))
}

fn offsets<E: Element>(probs: &[E], batch: usize, classes: usize) -> Vec<i64> {
    let mut offsets = vec![0; batch + 1];
    for row in 0..batch {
        let probs = &probs[row * classes..(row + 1) * classes];
        offsets[row + 1] = offsets[row] + probs.iter().map(|&p| i64::from(on(p))).sum::<i64>();
    }
    offsets
}

fn entries<E: Element>(probs: &[E], classes: usize, total: usize) -> (Vec<i64>, Vec<i64>) {
    let (mut rows, mut columns) = (Vec::with_capacity(total), Vec::with_capacity(total));
    for (row, probs) in probs.chunks(classes.max(1)).enumerate() {
        for (column, _) in probs.iter().enumerate().filter(|(_, p)| on(**p)) {
            rows.push(row as i64);
            columns.push(column as i64);
        }
    }
    (rows, columns)
}

fn on<E: Element>(prob: E) -> bool {
    let prob = prob.to_f64();
    prob > 0.0 || prob.is_nan()
}
