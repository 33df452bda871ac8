/// A name that no data set of a task has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no data is called {given}; give {}", known.join(" or "))]
pub struct UnknownData {
    given: String,
    known: Vec<&'static str>,
}

impl UnknownData {
    /// `given` is none of the `known` names.
    pub fn new(given: &str, known: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            given: given.to_string(),
            known: known.into_iter().collect(),
        }
    }
}
