use burn::tensor::{Device, Int, Tensor, TensorData};

/// Packed entries in a grid with as many places for each batch row as the fullest one needs, so that
/// a product over all rows is one batched product.
///
/// The rows of the entries are read back, and may be in any order.
pub(super) struct Slots {
    batch: usize,
    per_row: usize,
    /// The entry at each place of the grid, and the place of each entry; `None` where the packed
    /// entries are the grid already.
    moves: Option<(Tensor<1, Int>, Tensor<1, Int>)>,
}

impl Slots {
    /// The grid for entries of these `rows`, each below `batch`.
    pub(super) fn of(rows: &Tensor<1, Int>, batch: usize) -> Self {
        let device = rows.device();
        let rows: Vec<usize> = rows
            .to_data()
            .iter::<i64>()
            .map(|row| row as usize)
            .collect();
        let mut counts = vec![0; batch];
        let ranks: Vec<usize> = rows
            .iter()
            .map(|&row| {
                counts[row] += 1;
                counts[row] - 1
            })
            .collect();
        let per_row = counts.into_iter().max().unwrap_or(0);
        let places: Vec<usize> = rows
            .iter()
            .zip(&ranks)
            .map(|(row, rank)| row * per_row + rank)
            .collect();
        let in_place = places.iter().enumerate().all(|(i, &place)| i == place);
        let moves = (!in_place || places.len() < batch * per_row).then(|| {
            // a free place holds a copy of entry 0, which is computed with and not looked at
            let mut entries = vec![0; batch * per_row];
            for (entry, &place) in places.iter().enumerate() {
                entries[place] = entry;
            }
            (indices(&entries, &device), indices(&places, &device))
        });
        Self {
            batch,
            per_row,
            moves,
        }
    }

    /// `[total, n]` to `[batch, places, n]`.
    pub(super) fn spread(&self, entries: Tensor<2>) -> Tensor<3> {
        let [_, n] = entries.dims();
        let grid = match &self.moves {
            Some((at, _)) => entries.select(0, at.clone()),
            None => entries,
        };
        grid.reshape([self.batch, self.per_row, n])
    }

    /// `[batch, places, n]` to `[total, n]`.
    pub(super) fn collect(&self, grid: Tensor<3>) -> Tensor<2> {
        let [batch, per_row, n] = grid.dims();
        let grid = grid.reshape([batch * per_row, n]);
        match &self.moves {
            Some((_, places)) => grid.select(0, places.clone()),
            None => grid,
        }
    }
}

fn indices(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&i| i as i64).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    #[test]
    fn every_entry_comes_back_from_a_place_of_its_own_row() {
        let device = Device::default();
        for rows in [
            vec![0, 0, 0, 1, 2, 2],
            vec![2, 0, 1, 0, 2, 0],
            vec![0, 1, 2],
            vec![0, 0, 1, 1, 2, 2],
            vec![1, 1],
        ] {
            let slots = Slots::of(&indices(&rows, &device), 3);
            let entries: Vec<f32> = rows.iter().map(|&row| row as f32 + 0.5).collect();
            let packed = TensorData::new(entries, [rows.len(), 1]);
            let packed = Tensor::<2>::from_data(packed, &device);
            let grid = slots.spread(packed.clone());
            assert_eq!(numbers(slots.collect(grid.clone())), numbers(packed));

            // the places of a row, marked by the row, come back to the entries of that row
            let [_, places, _] = grid.dims();
            let marks = Tensor::<1, Int>::arange(0..3, &device)
                .float()
                .reshape([3, 1, 1])
                .expand([3, places, 1]);
            let marks = numbers(slots.collect(marks));
            assert_eq!(marks, rows.iter().map(|&r| r as f64).collect::<Vec<_>>());
        }
    }
}
