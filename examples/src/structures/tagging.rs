use super::Instance;

const WORDS: [&str; 10] = [
    "time", "flies", "like", "an", "arrow", "fruit", "flies", "like", "a", "banana",
];
const TAGS: [&str; 4] = ["NOUN", "VERB", "ADP", "DET"];

const NOUN: usize = 0;
const VERB: usize = 1;
const ADP: usize = 2;
const DET: usize = 3;

/// How well a tag follows another: `[from][to]`.
const FOLLOWS: [[f64; 4]; 4] = [
    [0.1, 0.6, 0.0, -0.6],
    [0.1, -0.6, 0.4, 0.5],
    [0.3, -0.8, -0.6, 0.6],
    [0.9, -0.8, -0.8, -0.8],
];

/// The first word of the second clause: no tag before it says anything of its own.
const CLAUSE: usize = 5;
/// A fruit fly is an insect; a time fly is not.
const COMPOUND: f64 = 0.9;

/// The sentence “Time flies like an arrow; fruit flies like a banana”, to be tagged with parts of
/// speech by scores set by hand.
///
/// *Time* is a noun or a command, *flies* a verb or insects, *like* a preposition or a verb, but
/// none of them without regard to the others: time passes swiftly, insects are fond of arrows, or
/// somebody is told to measure flies. The clauses have the same words in these places, and are told
/// apart by *fruit*, which is no command and names a fly.
pub fn tagging() -> Instance {
    let unaries = WORDS.into_iter().flat_map(emission).collect();
    let transitions = (1..WORDS.len()).flat_map(transition).collect();
    Instance {
        words: WORDS.to_vec(),
        options: TAGS.to_vec(),
        unaries,
        transitions,
        truth: vec![
            NOUN, VERB, ADP, DET, NOUN, // time passes
            NOUN, NOUN, VERB, DET, NOUN, // insects eat
        ],
    }
}

fn emission(word: &str) -> [f64; 4] {
    match word {
        "time" => [1.5, 0.9, -1.0, -1.0],
        "fruit" => [1.8, -0.6, -1.0, -1.0],
        "flies" => [0.8, 1.0, -1.0, -1.0],
        "like" => [-1.0, 0.9, 1.0, -1.0],
        "a" | "an" => [-1.0, -1.0, -1.0, 2.0],
        _ => [2.0, -1.0, -1.0, -1.0],
    }
}

/// The scores of the tags before a word and of that word.
fn transition(word: usize) -> Vec<f64> {
    let mut scores = FOLLOWS;
    match word {
        CLAUSE => scores = [[0.0; 4]; 4],
        _ if WORDS[word - 1] == "fruit" => scores[NOUN][NOUN] += COMPOUND,
        _ => {}
    }
    scores.concat()
}
