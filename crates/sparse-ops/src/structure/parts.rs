//! Vertices as bit sets.

/// The parts of one structure: the unary parts that are on, and the additional ones.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    unaries: usize,
    words: Vec<u64>,
    additionals: Vec<u32>,
}

impl Clone for Parts {
    fn clone(&self) -> Self {
        Self {
            unaries: self.unaries,
            words: self.words.clone(),
            additionals: self.additionals.clone(),
        }
    }

    /// Into the room that is there: the derived one would allocate.
    fn clone_from(&mut self, other: &Self) {
        self.unaries = other.unaries;
        self.words.clone_from(&other.words);
        self.additionals.clone_from(&other.additionals);
    }
}

impl Parts {
    /// No part of `unaries`.
    pub fn new(unaries: usize) -> Self {
        Self {
            unaries,
            words: vec![0; unaries.div_ceil(64)],
            additionals: Vec::new(),
        }
    }

    /// The number of unary parts that there are, on or off.
    pub fn unaries(&self) -> usize {
        self.unaries
    }

    /// Turns every part off.
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.additionals.clear();
    }

    /// Turns a unary part on.
    ///
    /// # Panics
    ///
    /// If there is no such part.
    #[inline]
    pub fn insert(&mut self, part: usize) {
        self.check(part);
        self.words[part / 64] |= 1 << (part % 64);
    }

    /// Turns a unary part on if it is off, and off if it is on.
    ///
    /// # Panics
    ///
    /// If there is no such part.
    #[inline]
    pub fn toggle(&mut self, part: usize) {
        self.check(part);
        self.words[part / 64] ^= 1 << (part % 64);
    }

    /// Turns an additional part on; each at most once.
    #[inline]
    pub fn insert_additional(&mut self, part: usize) {
        // a part that u32 does not hold is in no structure: the solver refuses the last one
        self.additionals
            .push(u32::try_from(part).unwrap_or(u32::MAX));
    }

    /// Turns every additional part off.
    pub fn clear_additionals(&mut self) {
        self.additionals.clear();
    }

    /// Whether a unary part is on.
    #[inline]
    pub fn contains(&self, part: usize) -> bool {
        part < self.unaries && self.words[part / 64] >> (part % 64) & 1 == 1
    }

    /// How many unary parts are on.
    #[inline]
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The unary parts that are on, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        ones(&self.words)
    }

    /// The additional parts that are on, in the order of their insertion.
    pub fn additionals(&self) -> &[u32] {
        &self.additionals
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The first unary part that is on, from a place on.
    #[inline]
    pub(crate) fn first_from(&self, part: usize) -> Option<usize> {
        let (block, words) = (part / 64, self.words.get(part / 64..)?);
        let here = words.first()? >> (part % 64);
        if here != 0 {
            return Some(part + here.trailing_zeros() as usize);
        }
        let mut after = words.iter().enumerate().skip(1);
        let (at, word) = after.find(|(_, word)| **word != 0)?;
        Some((block + at) * 64 + word.trailing_zeros() as usize)
    }

    #[inline]
    fn check(&self, part: usize) {
        let unaries = self.unaries;
        assert!(
            part < unaries,
            "Parts: part must be in 0..{unaries}, got {part}"
        );
    }
}

/// A list of structures of one kind, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vertices {
    unaries: usize,
    words: Vec<u64>,
    additionals: Vec<u32>,
    /// Where the additional parts of each vertex end.
    ends: Vec<u32>,
}

impl Vertices {
    /// No structure, of `unaries` unary parts each.
    pub fn new(unaries: usize) -> Self {
        Self {
            unaries,
            words: Vec::new(),
            additionals: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The number of unary parts of each.
    pub fn unaries(&self) -> usize {
        self.unaries
    }

    /// The number of structures.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Removes all of them.
    pub fn clear(&mut self) {
        self.words.clear();
        self.additionals.clear();
        self.ends.clear();
    }

    /// Removes all but the first `len`, of which there are as many at least.
    pub(crate) fn truncate(&mut self, len: usize) {
        let additionals = if len == 0 { 0 } else { self.ends[len - 1] };
        self.words.truncate(len * self.unaries.div_ceil(64));
        self.additionals.truncate(additionals as usize);
        self.ends.truncate(len);
    }

    /// Appends a copy of one.
    ///
    /// # Panics
    ///
    /// If it has another number of unary parts.
    pub fn push(&mut self, parts: &Parts) {
        assert_eq!(
            parts.unaries, self.unaries,
            "Vertices: other parts than those of the list"
        );
        self.words.extend_from_slice(&parts.words);
        self.additionals.extend_from_slice(&parts.additionals);
        self.ends.push(self.additionals.len() as u32);
    }

    /// Appends one that has these parts, each named once.
    pub(crate) fn push_parts(
        &mut self,
        unaries: impl IntoIterator<Item = usize>,
        additionals: impl IntoIterator<Item = usize>,
    ) {
        let words = self.words.len() + self.unaries.div_ceil(64);
        self.words.resize(words, 0);
        unaries.into_iter().for_each(|part| self.toggle_last(part));
        let additionals = additionals.into_iter().map(|part| part as u32);
        self.additionals.extend(additionals);
        self.ends.push(self.additionals.len() as u32);
    }

    /// Appends a copy of one of its own.
    pub(crate) fn push_copy(&mut self, index: usize) {
        let words = self.unaries.div_ceil(64);
        self.words
            .extend_from_within(index * words..(index + 1) * words);
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.additionals
            .extend_from_within(start as usize..self.ends[index] as usize);
        self.ends.push(self.additionals.len() as u32);
    }

    /// Turns a unary part of the last one over.
    #[inline]
    pub(crate) fn toggle_last(&mut self, part: usize) {
        debug_assert!(part < self.unaries);
        let first = self.words.len() - self.unaries.div_ceil(64);
        self.words[first + part / 64] ^= 1 << (part % 64);
    }

    /// Makes room for copies of all of other lists, and no more than that.
    pub(crate) fn reserve<'a>(&mut self, others: impl Iterator<Item = &'a Self> + Clone) {
        let sum = |count: fn(&Self) -> usize| others.clone().map(count).sum();
        self.words.reserve_exact(sum(|other| other.words.len()));
        self.additionals
            .reserve_exact(sum(|other| other.additionals.len()));
        self.ends.reserve_exact(sum(|other| other.ends.len()));
    }

    /// Appends copies of all of another list.
    ///
    /// # Panics
    ///
    /// If they have another number of unary parts.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(
            other.unaries, self.unaries,
            "Vertices: other parts than those of the list"
        );
        let first = self.additionals.len() as u32;
        self.words.extend_from_slice(&other.words);
        self.additionals.extend_from_slice(&other.additionals);
        self.ends.extend(other.ends.iter().map(|end| first + end));
    }

    /// Copies one into `parts`.
    pub fn get(&self, index: usize, parts: &mut Parts) {
        parts.words.copy_from_slice(self.words(index));
        parts.additionals.clear();
        parts.additionals.extend_from_slice(self.additionals(index));
    }

    /// The unary parts of one that are on, ascending.
    pub fn iter(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        ones(self.words(index))
    }

    /// The additional parts of one.
    pub fn additionals(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.additionals[start as usize..self.ends[index] as usize]
    }

    pub(crate) fn words(&self, index: usize) -> &[u64] {
        let words = self.unaries.div_ceil(64);
        &self.words[index * words..(index + 1) * words]
    }
}

/// The places of the ones, ascending.
#[inline(always)]
pub(crate) fn ones(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(at, &word)| {
        std::iter::successors((word != 0).then_some(word), |&rest| {
            let rest = rest & (rest - 1);
            (rest != 0).then_some(rest)
        })
        .map(move |rest| at * 64 + rest.trailing_zeros() as usize)
    })
}

/// How many ones two bit sets share. Inlined to where the machine's instruction for it is known.
#[inline(always)]
pub(crate) fn overlap(a: &[u64], b: &[u64]) -> f64 {
    f64::from(
        a.iter()
            .zip(b)
            .map(|(a, b)| (a & b).count_ones())
            .sum::<u32>(),
    )
}
