//! α-entmax by its definition: bisection on the threshold, in f64. Shares no code with the crate.

/// The probabilities of one row; entries of −∞ are allowed.
pub fn entmax(scores: &[f64], alpha: f64) -> Vec<f64> {
    let largest = scores.iter().cloned().fold(f64::NEG_INFINITY, f64::max);
    let prob = |z: f64, tau: f64| {
        if alpha == 1.0 {
            (z - largest - tau).exp()
        } else {
            ((alpha - 1.0) * (z - largest) - tau)
                .max(0.0)
                .powf(1.0 / (alpha - 1.0))
        }
    };
    let total = |tau: f64| scores.iter().map(|&z| prob(z, tau)).sum::<f64>();
    let (mut low, mut high) = if alpha == 1.0 {
        (0.0, 50.0)
    } else {
        (-1.0, 0.0)
    };
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if total(middle) >= 1.0 {
            low = middle
        } else {
            high = middle
        }
    }
    scores.iter().map(|&z| prob(z, low)).collect()
}

/// `⟨g, J⟩` with the closed-form Jacobian `diag(s) − s sᵀ / Σ s`, as a matrix over the support;
/// outside of it `J` is 0.
pub fn entmax_vjp(probs: &[f64], grad: &[f64], alpha: f64) -> Vec<f64> {
    let support: Vec<usize> = (0..probs.len()).filter(|&j| probs[j] > 0.0).collect();
    let s: Vec<f64> = support
        .iter()
        .map(|&j| probs[j].powf(2.0 - alpha))
        .collect();
    let total: f64 = s.iter().sum();
    let mut product = vec![0.0; probs.len()];
    for (b, &j) in support.iter().enumerate() {
        for (a, &i) in support.iter().enumerate() {
            let diagonal = f64::from(u8::from(a == b)) * s[a];
            product[j] += grad[i] * (diagonal - s[a] * s[b] / total);
        }
    }
    product
}

/// The Fenchel–Young loss `Ω(p) + ⟨p − 1_y, z⟩`, term by term.
pub fn entmax_loss(scores: &[f64], target: usize, alpha: f64) -> f64 {
    let probs = entmax(scores, alpha);
    let on = || probs.iter().zip(scores).filter(|(p, _)| **p > 0.0);
    let entropy = if alpha == 1.0 {
        -on().map(|(p, _)| p * p.ln()).sum::<f64>()
    } else {
        (1.0 - on().map(|(p, _)| p.powf(alpha)).sum::<f64>()) / (alpha * (alpha - 1.0))
    };
    entropy + on().map(|(p, z)| p * z).sum::<f64>() - scores[target]
}
