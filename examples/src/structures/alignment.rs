use super::Instance;

const ENGLISH: [&str; 5] = ["I", "do", "not", "eat", "apples"];
const FRENCH: [&str; 6] = ["je", "ne", "mange", "pas", "de", "pommes"];

/// What may be the translation of what, as far as a dictionary knows: `[English][French]`.
const LEXICON: [[f64; 6]; 5] = [
    [1.9, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.6, 0.0, 0.2, 0.5, 0.0],
    [0.0, 1.0, 0.0, 1.1, 0.0, 0.0],
    [0.0, 0.0, 1.9, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.4, 1.9],
];
/// What a pair loses that is as far from the diagonal as can be.
const DISTORTION: f64 = 0.75;

/// The words of “I do not eat apples”, to be aligned with those of “je ne mange pas de pommes” by
/// dictionary scores set by hand and a preference for the diagonal.
///
/// French says *not* twice, around the verb, and has no word for *do*: *not* may be *ne* or *pas*,
/// and *do* goes with whatever that leaves. One French word stays without a partner.
pub fn alignment() -> Instance {
    let place = |index: usize, length: usize| index as f64 / (length - 1) as f64;
    let pairs = LEXICON.iter().enumerate().flat_map(|(row, scores)| {
        scores.iter().enumerate().map(move |(col, score)| {
            let apart = place(row, ENGLISH.len()) - place(col, FRENCH.len());
            score - DISTORTION * apart.abs()
        })
    });
    Instance {
        words: ENGLISH.to_vec(),
        options: FRENCH.to_vec(),
        unaries: pairs.collect(),
        transitions: Vec::new(),
        // je, ne, pas, mange, pommes
        truth: vec![0, 1, 3, 2, 5],
    }
}
