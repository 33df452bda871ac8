use burn::config::Config;

/// The sizes of the networks; those of the paper are the defaults.
#[derive(Config, Debug, PartialEq)]
pub struct BitVectorVaeConfig {
    /// Pixels of an image.
    pub pixels: usize,
    /// Grey levels that a pixel can have.
    pub levels: usize,
    /// Bits of a code.
    pub bits: usize,
    /// Units of the hidden layer, of the encoder and of the generator.
    #[config(default = 128)]
    pub hidden: usize,
    /// Features of a pixel, from which the logits of its levels are a linear map.
    #[config(default = 5)]
    pub features: usize,
    /// What the encoder's scores are multiplied by.
    #[config(default = 1.0)]
    pub score_scale: f64,
    /// Whether the generator sees a bit that is off as −1 instead of 0.
    #[config(default = false)]
    pub signed_codes: bool,
}
