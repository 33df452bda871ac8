use burn::config::Config;

/// Who plays.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Agents {
    /// Agents that learn from raw pixels; they look through the same eyes.
    Best,
    /// The paper's.
    Paper,
}

/// The sizes of the agents; those of the paper are the defaults.
#[derive(Config, Debug, PartialEq)]
pub struct SignalGameConfig {
    /// Who plays.
    pub agents: Agents,
    /// Features of an example.
    pub features: usize,
    /// Symbols that the sender can choose from.
    #[config(default = 256)]
    pub symbols: usize,
    /// The size of the embeddings.
    #[config(default = 256)]
    pub embedding: usize,
    /// Units of the hidden layer, which are the filters of the paper's sender.
    #[config(default = 512)]
    pub hidden: usize,
    /// What the sender's logits are divided by.
    #[config(default = 10.0)]
    pub temperature: f64,
}
