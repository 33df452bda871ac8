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
}

impl fmt::Display for StructureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.structure, self.problem)
    }
}

impl Error for StructureError {}
