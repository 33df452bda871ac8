use image::ImageError;
use svg::Document;

use super::Studio;
use crate::{
    bit_vector_vae::belief::{Belief, Code, flipped, sigmoid},
    pictures::{entropy, figure},
};

/// Images that are shown, and codes of each.
const IMAGES: usize = 8;
const CODES: usize = 10;
const SIDE: usize = 56;
const GAP: usize = 14;
const TOP: usize = 52;
const LEFT: usize = 2 * GAP + SIDE;
const WIDTH: usize = 480;

/// For the images that the encoder is the least certain about: the image, and what its most probable
/// codes decode to, with their probabilities and the bits in which they differ from the first one.
pub(super) fn draw(studio: &Studio) -> Result<Document, ImageError> {
    let mut shown: Vec<(usize, f32)> = studio.beliefs.iter().map(uncertainty).enumerate().collect();
    shown.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    shown.truncate(IMAGES);
    let (title, count) = match studio.beliefs.first().map(|belief| &belief.support) {
        Some(None) => (
            "What the most probable code and flips of its least certain bits decode to",
            "left: the image; below each code: its probability, and the bit that is flipped",
        ),
        _ => (
            "What the supported codes decode to",
            "left: the image; below each code: its probability, and the bits in which it differs from the first one",
        ),
    };
    let (step, line) = (SIDE + GAP, SIDE + 40);
    let width = (LEFT + CODES * step + GAP).max(WIDTH);
    let mut page = figure::page(width, TOP + shown.len() * line)
        .add(figure::text(title, GAP, 18))
        .add(figure::text(count, GAP, 34));
    for (row, (index, _)) in shown.into_iter().enumerate() {
        let y = TOP + row * line;
        let belief = &studio.beliefs[index];
        let mut codes = candidates(belief);
        let supported = codes.len();
        codes.truncate(CODES);
        let some: Vec<Code> = codes.iter().map(|(code, _)| code.clone()).collect();
        let place = |column: usize| (LEFT + column * step, y);
        let picture =
            |image: &[f32], at| figure::embedded(image, studio.set.size(), at, (SIDE, SIDE));
        page = page.add(picture(&studio.image(index), (GAP, y))?);
        if belief.support.is_some() {
            let label = match supported {
                1 => "1 code".to_string(),
                n => format!("{n} codes"),
            };
            page = page.add(figure::text(label, GAP, y + SIDE + 13));
        }
        for (column, (image, (code, prob))) in studio.decode(&some).iter().zip(&codes).enumerate() {
            let (x, y) = place(column);
            page = page
                .add(picture(image, (x, y))?)
                .add(figure::text(probability(*prob), x, y + SIDE + 13))
                .add(figure::text(differences(&some[0], code), x, y + SIDE + 26));
        }
    }
    Ok(page)
}

/// To two digits, however small it is.
fn probability(prob: f64) -> String {
    match prob {
        prob if prob < 0.005 => format!("{prob:.0e}"),
        prob => format!("{prob:.2}"),
    }
}

/// The codes that may be shown with their probabilities, the most probable one first.
fn candidates(belief: &Belief) -> Vec<(Code, f64)> {
    if let Some(support) = &belief.support {
        return support.clone();
    }
    let mode = belief.mode();
    let mut bits: Vec<usize> = (0..mode.len()).collect();
    bits.sort_by(|&a, &b| belief.scores[a].abs().total_cmp(&belief.scores[b].abs()));
    let flips = bits.into_iter().map(|bit| flipped(&mode, &[bit]));
    let codes = std::iter::once(mode.clone()).chain(flips);
    let prob = |code: &Code| {
        let bits = code.iter().zip(&belief.scores);
        bits.map(|(on, score)| sigmoid(if *on { *score } else { -score }))
            .product()
    };
    codes.map(|code| (code.clone(), prob(&code))).collect()
}

/// The entropy of the supported codes, or of independent bits.
fn uncertainty(belief: &Belief) -> f32 {
    match &belief.support {
        Some(support) => {
            let probs: Vec<f32> = support.iter().map(|(_, prob)| *prob as f32).collect();
            entropy(&probs)
        }
        None => {
            let bit = |on: f64| entropy(&[on as f32, 1.0 - on as f32]);
            belief.marginals().into_iter().map(bit).sum()
        }
    }
}

/// Which bits differ, counted from 1; nothing for the same code.
fn differences(first: &Code, code: &Code) -> String {
    let bits = first.iter().zip(code).enumerate();
    let bits = bits.filter(|(_, (a, b))| a != b);
    let bits: Vec<String> = bits.map(|(bit, _)| (bit + 1).to_string()).collect();
    match bits.len() {
        0 => String::new(),
        1 => format!("bit {}", bits[0]),
        2 | 3 => format!("bits {}", bits.join(" ")),
        n => format!("{n} bits"),
    }
}
