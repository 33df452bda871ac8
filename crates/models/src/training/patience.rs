use burn::train::{EarlyStoppingStrategy, metric::store::EventStoreClient};

use super::{
    EpochLog,
    epoch_log::{EpochRow, best, value},
};

/// How long a training goes on without becoming better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// It ends after as many epochs in a row that were not better than all before.
    pub epochs: usize,
    /// Not counting these, with which it begins.
    pub warm_up: usize,
}

impl Patience {
    /// Whether it has come to its end with the epochs in `rows`.
    pub fn is_over(self, rows: &[EpochRow]) -> bool {
        let best = best(rows).and_then(value);
        let first = rows.iter().position(|row| value(row) == best);
        let better = first.map_or(0, |index| index + 1);
        rows.len() >= better.max(self.warm_up).saturating_add(self.epochs)
    }
}

/// Whether a training of `epochs` epochs has come to its end with those in `rows`.
pub(super) fn is_over(rows: &[EpochRow], epochs: usize, patience: Option<Patience>) -> bool {
    rows.len() >= epochs || patience.is_some_and(|patience| patience.is_over(rows))
}

/// Ends burn-train's training when its patience does, which the log knows, also that of a run that
/// is continued.
#[derive(Debug, Clone)]
pub(super) struct Stopping {
    pub(super) log: EpochLog,
    pub(super) patience: Patience,
}

impl EarlyStoppingStrategy for Stopping {
    fn should_stop(&mut self, epoch: usize, store: &EventStoreClient) -> bool {
        self.patience.is_over(&self.log.rows_until(epoch, store))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The epochs after which a training with these losses ends.
    fn lasts(losses: &[f64], patience: Patience) -> Option<usize> {
        let row = |(i, loss): (usize, &f64)| EpochRow {
            epoch: i + 1,
            valid: BTreeMap::from([("Loss".to_string(), *loss)]),
            ..EpochRow::default()
        };
        let rows: Vec<_> = losses.iter().enumerate().map(row).collect();
        (1..=rows.len()).find(|&count| patience.is_over(&rows[..count]))
    }

    #[test]
    fn ends_when_epochs_in_a_row_were_not_better() {
        let losses = [5.0, 3.0, 4.0, 3.0, 3.5, 2.0, 2.5, 2.4, 2.3];
        for (epochs, end) in [(1, Some(3)), (2, Some(4)), (3, Some(5)), (4, None)] {
            let patience = Patience { epochs, warm_up: 0 };
            assert_eq!(lasts(&losses, patience), end, "{epochs}");
        }
        for (warm_up, end) in [(2, Some(3)), (3, Some(4)), (5, Some(7)), (8, Some(9))] {
            let patience = Patience { epochs: 1, warm_up };
            assert_eq!(lasts(&losses, patience), end, "after {warm_up}");
        }
    }
}
