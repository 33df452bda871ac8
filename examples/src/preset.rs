use clap::ValueEnum;

/// Settings for all flags that are not given.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// What works best
    Best,
    /// As in the paper's experiment
    Paper,
}
