//! The data sets that are not embedded, and what their published files hold.

use std::fmt;

/// A data set in the form of MNIST: four IDX files, which a folder holds or a mirror serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSet {
    /// Handwritten digits (LeCun, Cortes & Burges).
    Mnist,
    /// Articles of clothing (Xiao, Rasul & Vollgraf 2017).
    FashionMnist,
}

/// A published file: its contents, not how a mirror packs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) name: &'static str,
    pub(super) size: u64,
    pub(super) sha256: &'static str,
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

const MNIST: [Published; 4] = [
    Published {
        name: TRAIN_IMAGES,
        size: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    Published {
        name: TRAIN_LABELS,
        size: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    Published {
        name: TEST_IMAGES,
        size: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    Published {
        name: TEST_LABELS,
        size: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];

const FASHION_MNIST: [Published; 4] = [
    Published {
        name: TRAIN_IMAGES,
        size: 47_040_016,
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    Published {
        name: TRAIN_LABELS,
        size: 60_008,
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    Published {
        name: TEST_IMAGES,
        size: 7_840_016,
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    Published {
        name: TEST_LABELS,
        size: 10_008,
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
];

impl DataSet {
    /// Every data set of the kind.
    pub const ALL: [Self; 2] = [Self::Mnist, Self::FashionMnist];

    /// The data set's name in prose; also how it is displayed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "MNIST",
            Self::FashionMnist => "Fashion-MNIST",
        }
    }

    /// The name of the data set's own folder, below a folder of data.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
        }
    }

    /// Training images and labels, test images and labels.
    pub(super) fn files(self) -> [Published; 4] {
        match self {
            Self::Mnist => MNIST,
            Self::FashionMnist => FASHION_MNIST,
        }
    }

    /// The files' names, for a message.
    pub(super) fn file_names(self) -> String {
        self.files().map(|file| file.name).join(", ")
    }

    /// Where the files are served, each as `<mirror><file>.gz`, in the order in which they are tried.
    pub(super) fn mirrors(self) -> [&'static str; 2] {
        match self {
            Self::Mnist => [
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ],
            Self::FashionMnist => [
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ],
        }
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
