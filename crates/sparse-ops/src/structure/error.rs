use std::error::Error;
use std::fmt;

/// Why a structure cannot be made: what was given, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureError {
    structure: &'static str,
    problem: String,
}

impl StructureError {
    /// `problem` names what was given and what is allowed, such as "length must be at least 1, got 0".
    pub fn new(structure: &'static str, problem: impl Into<String>) -> Self {
        Self {
            structure,
            problem: problem.into(),
        }
    }

    /// `n` as the size of a structure: at least 1, and as many as [`u32`] counts.
    pub(super) fn check_size(structure: &'static str, n: usize) -> Result<(), Self> {
        match u32::try_from(n) {
            Ok(1..) => Ok(()),
            _ => Err(Self::new(
                structure,
                format!("n must be in 1..={}, got {n}", u32::MAX),
            )),
        }
    }
}

impl fmt::Display for StructureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.structure, self.problem)
    }
}

impl Error for StructureError {}
