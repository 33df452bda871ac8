use burn::tensor::{Int, Tensor};

/// Outcomes to decode, packed: entry `i` is an outcome for batch row `rows[i]`.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// The batch row `[total]` of each entry.
    pub rows: Tensor<1, Int>,
    /// The outcome of each entry.
    pub codes: Codes,
}

/// The codes of outcomes, one for each entry.
#[derive(Debug, Clone)]
pub enum Codes {
    /// Classes, whose codes are one-hot.
    Classes {
        /// The class `[total]` of each entry.
        classes: Tensor<1, Int>,
        /// How many classes there are.
        count: usize,
    },
    /// Codes `[total, classes]` or `[total, bits]`: 0 and 1, or relaxed where the estimator
    /// differentiates through them.
    Values(Tensor<2>),
}

impl Codes {
    /// The number of entries.
    pub fn total(&self) -> usize {
        match self {
            Self::Classes { classes, .. } => classes.dims()[0],
            Self::Values(values) => values.dims()[0],
        }
    }

    /// The codes as numbers, `[total, classes]` or `[total, bits]`.
    pub fn values(self) -> Tensor<2> {
        match self {
            Self::Classes { classes, count } => one_hot(classes, count),
            Self::Values(values) => values,
        }
    }

    /// The product `[total, n]` with a matrix `[classes, n]` or `[bits, n]`. That with a one-hot code
    /// is a row of the matrix, which is looked up.
    pub fn times(self, matrix: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Classes { classes, .. } => matrix.select(0, classes),
            Self::Values(values) => values.matmul(matrix),
        }
    }
}

/// Classes `[n]`, each below `count`, as one-hot codes `[n, count]`.
///
/// Unlike the tensors' own method it does not look at the classes, so that a device is not waited
/// for; a class out of range gets a code of zeros.
pub fn one_hot(classes: Tensor<1, Int>, count: usize) -> Tensor<2> {
    let device = classes.device();
    let [n] = classes.dims();
    let all = Tensor::<1, Int>::arange(0..count as i64, &device).unsqueeze_dim::<2>(0);
    let classes = classes.unsqueeze_dim::<2>(1);
    classes
        .expand([n, count])
        .equal(all.expand([n, count]))
        .float()
}
