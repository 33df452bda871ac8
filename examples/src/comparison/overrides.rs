use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};
use sparse_models::training::{Experiment, RunError};

use super::ComparisonError;

/// What is given by flags of its own: a field of the settings, and the flag.
const OWN_FLAGS: [(&str, &str); 4] = [
    ("data", "data"),
    ("method", "methods"),
    ("seed", "seeds"),
    ("epochs", "epochs"),
];

/// Settings that replace those of the preset: of some methods by a file, and of all by flags, which go
/// before the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    of_method: BTreeMap<String, Map<String, Value>>,
    of_all: Vec<(String, Value)>,
}

/// A setting and its value, as `NAME=VALUE`: numbers, `true`, `false` and `null` are what JSON says they
/// are, and everything else is text.
///
/// # Errors
///
/// If there is no name or no `=`.
pub fn assignment(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            Ok((name.replace('-', "_"), value))
        }
        _ => Err("must be NAME=VALUE".to_string()),
    }
}

impl Overrides {
    /// Those of all methods.
    pub fn of_all(assignments: Vec<(String, Value)>) -> Self {
        Self {
            of_all: assignments,
            ..Self::default()
        }
    }

    /// Adds those of a file: a JSON object of methods, each an object of settings.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is something else.
    pub fn with_file(self, path: &Path) -> Result<Self, ComparisonError> {
        let text = fs::read(path).map_err(|source| RunError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let of_method = serde_json::from_slice(&text).map_err(|error| ComparisonError::File {
            path: path.to_path_buf(),
            what: error.to_string(),
        })?;
        Ok(Self { of_method, ..self })
    }

    /// Checks that all methods of the file are known to the task, also those that are not trained.
    pub(super) fn demand_methods<E: Experiment>(&self) -> Result<(), ComparisonError> {
        for name in self.of_method.keys() {
            name.parse::<E::Method>()
                .map_err(|error| ComparisonError::Unknown(error.to_string()))?;
        }
        Ok(())
    }

    /// Checks that what is given for a method is read by it, and what is given for all of them by one
    /// at least.
    pub(super) fn demand_readers<E: Experiment>(
        &self,
        methods: &[E::Method],
    ) -> Result<(), ComparisonError> {
        for &method in methods {
            let of_method = self.of_method.get(&method.to_string());
            for name in of_method.into_iter().flat_map(Map::keys) {
                E::demand_read(method, name).map_err(RunError::from)?;
            }
        }
        for (name, _) in &self.of_all {
            let mut unread = Ok(());
            for &method in methods {
                unread = E::demand_read(method, name);
                if unread.is_ok() {
                    break;
                }
            }
            unread.map_err(RunError::from)?;
        }
        Ok(())
    }

    /// The settings of a method, with those that replace theirs.
    pub(super) fn applied<E: Experiment>(
        &self,
        settings: E::Settings,
        method: E::Method,
    ) -> Result<E::Settings, ComparisonError> {
        let of_method = self.of_method.get(&method.to_string());
        let of_method = of_method.into_iter().flatten();
        let all = self.of_all.iter().map(|(name, value)| (name, value));
        let mut settings = settings;
        for (name, value) in of_method.chain(all) {
            if let Some((_, flag)) = OWN_FLAGS.iter().find(|(field, _)| field == name) {
                return Err(ComparisonError::OwnFlag {
                    name: name.clone(),
                    flag,
                });
            }
            settings = with::<E>(&settings, name, value)?;
        }
        Ok(settings)
    }
}

/// Settings with one of them replaced.
pub(super) fn with<E: Experiment>(
    settings: &E::Settings,
    name: &str,
    value: &Value,
) -> Result<E::Settings, ComparisonError> {
    let mut fields = fields(settings);
    if !fields.contains_key(name) {
        return Err(ComparisonError::UnknownSetting {
            task: E::TASK,
            given: name.to_string(),
            known: fields.keys().cloned().collect(),
        });
    }
    fields.insert(name.to_string(), value.clone());
    serde_json::from_value(Value::Object(fields)).map_err(|error| ComparisonError::Kind {
        name: name.to_string(),
        given: value.to_string(),
        what: error.to_string(),
    })
}

/// The settings by name.
pub(super) fn fields<S: serde::Serialize>(settings: &S) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("settings are a struct with named fields"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_json_or_else_text() {
        let value = |text: &str| assignment(text).unwrap().1;
        assert_eq!(assignment("final-lr=1e-4").unwrap().0, "final_lr");
        assert_eq!(value("tau=10"), Value::from(10));
        assert_eq!(value("lr=1e-4"), Value::from(1e-4));
        assert_eq!(value("k=null"), Value::Null);
        assert_eq!(value("agents=paper"), Value::from("paper"));
        assert!(assignment("=3").is_err() && assignment("tau").is_err());
    }
}
