use super::ImageSet;

/// Images to train on, of which few have a label that may be used, and images to test on.
#[derive(Debug, Clone)]
pub struct SemiSupervised {
    /// The images that the index lists below point into.
    pub train: ImageSet,
    /// Images whose labels are known.
    pub labelled: Vec<usize>,
    /// Images without labels.
    pub unlabelled: Vec<usize>,
    /// Images held out to choose the best epoch.
    pub validation: Vec<usize>,
    /// Images held out to report on.
    pub test: ImageSet,
}
