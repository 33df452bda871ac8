/// How `sparsemap` solves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseMapOptions {
    /// Rounds of the active set for each row, at most; each asks the MAP oracle once, and a last call
    /// gives the certificate. Default: 10,000.
    pub max_iter: usize,
    /// A row has converged if its Wolfe gap is at most this, relative to the largest score of a part
    /// that a best structure has had on the way (at least 1); of a closed form, relative to the largest
    /// number that it computes with, of permutations to the largest score of a pair with a marginal.
    /// Default: 1e-10. The solver goes on to the limits of f64 where it can, so that the gap reached is
    /// usually far smaller.
    pub tol: f64,
    /// Whether structures that have a closed form use it. Default: true. The marginals are the
    /// same without; the distribution is then the active set's, another with the same marginals.
    pub closed_form: bool,
}

impl Default for SparseMapOptions {
    fn default() -> Self {
        Self {
            max_iter: 10_000,
            tol: 1e-10,
            closed_form: true,
        }
    }
}

impl SparseMapOptions {
    /// Sets [`max_iter`](Self::max_iter).
    pub fn with_max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Sets [`tol`](Self::tol).
    pub fn with_tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Sets [`closed_form`](Self::closed_form).
    pub fn with_closed_form(mut self, closed_form: bool) -> Self {
        self.closed_form = closed_form;
        self
    }

    /// # Panics
    ///
    /// If the iterations are 0, or the tolerance is not a positive number.
    pub(crate) fn check(&self, op: &str) {
        let Self { max_iter, tol, .. } = *self;
        assert!(max_iter > 0, "{op}: max_iter must be at least 1, got 0");
        assert!(
            tol > 0.0 && tol.is_finite(),
            "{op}: tol must be positive and finite, got {tol}"
        );
    }
}
