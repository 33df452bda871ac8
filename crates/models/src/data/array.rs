//! Arrays as files hold them, little-endian and row by row, whose claims are checked.

/// The number formats that the readers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    U8,
    I32,
    I64,
    F32,
    F64,
}

impl Format {
    pub(super) const ALL: [Self; 5] = [Self::U8, Self::I32, Self::I64, Self::F32, Self::F64];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// An array, still in the bytes of its file.
#[derive(Debug, Clone)]
pub(super) struct Array<'b> {
    format: Format,
    shape: Vec<usize>,
    body: &'b [u8],
}

impl<'b> Array<'b> {
    /// `None` if the bytes are not as many as format and shape claim, however large they are.
    pub(super) fn new(format: Format, shape: Vec<usize>, body: &'b [u8]) -> Option<Self> {
        let claimed = shape
            .iter()
            .try_fold(format.bytes(), |size, &n| size.checked_mul(n));
        (claimed == Some(body.len())).then_some(Self {
            format,
            shape,
            body,
        })
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Such as `f32 [3, 4]`.
    pub(super) fn description(&self) -> String {
        format!("{} {:?}", self.format.name(), self.shape)
    }

    /// The numbers, if they are floats or levels from 0 to 255.
    pub(super) fn floats(&self) -> Option<Vec<f32>> {
        match self.format {
            Format::U8 => Some(self.body.iter().copied().map(f32::from).collect()),
            Format::F32 => Some(self.numbers(f32::from_le_bytes)),
            Format::F64 => Some(self.numbers(|bytes| f64::from_le_bytes(bytes) as f32)),
            Format::I32 | Format::I64 => None,
        }
    }

    /// The numbers, if they are whole.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        match self.format {
            Format::U8 => Some(self.body.iter().copied().map(i64::from).collect()),
            Format::I32 => Some(self.numbers(|bytes| i32::from_le_bytes(bytes).into())),
            Format::I64 => Some(self.numbers(i64::from_le_bytes)),
            Format::F32 | Format::F64 => None,
        }
    }

    fn numbers<const BYTES: usize, T>(&self, number: fn([u8; BYTES]) -> T) -> Vec<T> {
        let (entries, _) = self.body.as_chunks();
        entries.iter().copied().map(number).collect()
    }
}
