use burn::config::Config;

/// The sizes of the networks.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct SsvaeConfig {
    /// Pixels of an image.
    pub pixels: usize,
    /// Classes.
    #[config(default = 10)]
    pub classes: usize,
    /// Dimensions of the style z.
    pub style: usize,
    /// Hidden layers of the classifier.
    pub classifier: Vec<usize>,
    /// Hidden layers of the inference network, and in reverse of the generator.
    pub autoencoder: Vec<usize>,
}

impl SsvaeConfig {
    /// The paper's sizes, for images of 28 × 28 pixels.
    pub fn mnist() -> Self {
        Self::new(784, 8, vec![256, 256, 256], vec![128, 128])
    }

    /// The same model scaled to 8 × 8 pixels.
    pub fn digits() -> Self {
        Self::new(64, 4, vec![128, 128], vec![128])
    }
}
