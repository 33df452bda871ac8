/// How the solution of a batch row ended.
///
/// Whatever is not [`Converged`](Self::Converged) concerns this row alone: the others of its batch
/// are solved as if it were not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolveStatus {
    /// Optimal: the Wolfe gap is below the tolerance.
    Converged,
    /// The iterations ended first. The distribution is feasible, and the certificate says how far
    /// it may be from the optimum.
    MaxIterations,
    /// Rounding stopped all progress before the gap was below the tolerance. Feasible, as above.
    Stalled,
    /// The scores have a NaN or +∞: probabilities and marginals are NaN.
    NotFinite,
    /// Every structure, or every candidate, has a part whose score is −∞, or there is no candidate:
    /// probabilities and marginals are NaN.
    Infeasible,
    /// The MAP oracle answered with parts that are not a structure of the set, or that score less
    /// than a structure already known, or a candidate is no structure of the set: probabilities and
    /// marginals are NaN.
    OracleWrong,
    /// The MAP oracle, or the choice of candidates, panicked: probabilities and marginals are NaN.
    OraclePanicked,
}

impl SolveStatus {
    /// Whether there is a distribution, optimal or at least feasible; otherwise the row is NaN.
    pub fn is_feasible(self) -> bool {
        matches!(self, Self::Converged | Self::MaxIterations | Self::Stalled)
    }
}

/// How good the solution of a batch row is, in f64, in the units of the scores of
/// [`Penalty::On`](crate::Penalty::On).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// `max_a ⟨η − μ, a⟩ − ⟨η − μ, μ⟩` over all structures (`μ` in the unary parts of `η − μ`
    /// alone): at 0 the solution is optimal, and `½‖μ − μ*‖²` is at most this. The active set's is
    /// taken before its weights are freed of rounding for the last time; that of permutations in closed
    /// form is a bound, by the dual.
    pub wolfe_gap: f64,
    /// The largest difference between the scores at `η − μ` of two structures in the support,
    /// which are all equal at the optimum; 0 of a closed form, which does not compare them.
    pub residual: f64,
    /// Calls of the MAP oracle, of which the last one proves the solution; 0 if a closed form was used.
    pub iterations: usize,
}

impl Certificate {
    pub(crate) const NONE: Self = Self {
        wolfe_gap: f64::NAN,
        residual: f64::NAN,
        iterations: 0,
    };
}
