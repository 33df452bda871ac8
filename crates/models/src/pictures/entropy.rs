/// The entropy of probabilities, in nats: pictures show what is least certain.
pub fn entropy(probs: &[f32]) -> f32 {
    let positive = probs.iter().filter(|p| **p > 0.0);
    positive.map(|p| -p * p.ln()).sum()
}
