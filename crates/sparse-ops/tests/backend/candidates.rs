//! Distributions over candidates against enumeration: every mapping over every choice.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::*;

use crate::device::{assert_close, autodiff_modes, modes, normals, tensor, values};
use crate::oracle;

const BITS: usize = 4;
const ROWS: usize = 3;

/// A set of codes of [`BITS`] bits, by its members alone.
struct Set {
    pairs: bool,
}

impl Set {
    /// The score of a code: bit i counts `scores[i]`, two neighbours that are on the score behind.
    fn score(&self, code: usize, scores: &[f64]) -> f64 {
        let on = |bit: usize| code >> bit & 1 == 1;
        let bits = (0..BITS).filter(|bit| on(*bit)).map(|bit| scores[bit]);
        let pairs = (0..BITS - 1).filter(|bit| self.pairs && on(*bit) && on(bit + 1));
        bits.chain(pairs.map(|bit| scores[BITS + bit])).sum()
    }

    fn parts(&self) -> usize {
        BITS + if self.pairs { BITS - 1 } else { 0 }
    }
}

/// What the oracle knows of a choice of candidates: which codes it takes, given the codes in
/// descending order of their scores.
type Choice = fn(&[usize]) -> Vec<usize>;

const CHOICES: [Choice; 5] = [
    |ranked| ranked[..1].to_vec(),
    |ranked| ranked[..5].to_vec(),
    |ranked| ranked.to_vec(),
    |ranked| {
        let near = |code: &&usize| (*code ^ ranked[0]).count_ones() <= 1;
        ranked.iter().filter(near).copied().collect()
    },
    |ranked| {
        let near = |code: &&usize| matches!((*code ^ ranked[0]).count_ones(), 0 | 2);
        ranked.iter().filter(near).copied().collect()
    },
];

/// A choice of one's own: the MAP structure with all flips of two bits, each pushed twice.
struct PairsOfFlips;

impl<S: Structure> Candidates<S> for PairsOfFlips {
    type Workspace = S::Workspace;

    fn choose(
        &self,
        structure: &S,
        scores: Scores<'_>,
        workspace: &mut Self::Workspace,
        chosen: &mut Vertices,
    ) -> Omitted {
        let n = structure.unaries();
        let mut best = Parts::new(n);
        structure.argmax(scores, workspace, &mut best);
        for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
            let mut other = Parts::new(n);
            best.iter().for_each(|bit| other.insert(bit));
            [a, b].into_iter().for_each(|bit| other.toggle(bit));
            let on = |pair: &usize| other.contains(*pair) && other.contains(pair + 1);
            let mut pairs: Vec<usize> = (0..structure.additionals()).filter(on).collect();
            if a < b {
                pairs.reverse(); // the same structure all the same
            }
            pairs.iter().for_each(|pair| other.insert_additional(*pair));
            chosen.push(&other);
        }
        Omitted::Unknown
    }
}

/// The probabilities of all codes for the scores of a row.
fn enumerated(set: &Set, scores: &[f64], choice: Choice, alpha: f64) -> Vec<f64> {
    let mut ranked: Vec<usize> = (0..1 << BITS).collect();
    ranked.sort_by(|a, b| set.score(*b, scores).total_cmp(&set.score(*a, scores)));
    let chosen = choice(&ranked);
    let chosen_scores: Vec<f64> = chosen.iter().map(|c| set.score(*c, scores)).collect();
    let mut probs = vec![0.0; 1 << BITS];
    for (code, prob) in chosen.iter().zip(oracle::entmax(&chosen_scores, alpha)) {
        probs[*code] = prob;
    }
    probs
}

/// The code of each packed structure.
fn codes(q: &SparseDistribution<Tensor<2>>) -> Vec<usize> {
    let bits = values(q.outcomes().clone());
    let code = |bits: &[f64]| (0..BITS).map(|bit| (bits[bit] as usize) << bit).sum();
    bits.chunks(BITS).map(code).collect()
}

/// `[rows · 2^bits]` of a packed distribution.
fn dense(q: &SparseDistribution<Tensor<2>>) -> Vec<f64> {
    let mut probs = vec![0.0; ROWS << BITS];
    let rows = values(q.rows().float());
    for ((row, code), prob) in rows.iter().zip(codes(q)).zip(values(q.probs())) {
        let place = &mut probs[((*row as usize) << BITS) + code];
        assert_eq!(*place, 0.0, "twice: {code} in row {row}");
        *place = prob;
    }
    probs
}

fn mappings() -> [(f64, Box<dyn Mapping>); 5] {
    [
        (1.0, Box::new(Softmax)),
        (1.0, Box::new(Entmax::new(1.0))),
        (1.3, Box::new(Entmax::new(1.3))),
        (1.5, Box::new(Entmax15)),
        (2.0, Box::new(Sparsemax)),
    ]
}

/// `distribution_over_candidates` with candidates of one kind or another.
type Weigh<S> = Box<dyn Fn(StructureScores, &S, &dyn Mapping) -> SparseDistribution<Tensor<2>>>;

fn over<S: Structure, C: Candidates<S> + 'static>(candidates: C) -> Weigh<S> {
    Box::new(move |scores, structure, mapping| {
        distribution_over_candidates(scores, structure, &candidates, mapping)
    })
}

fn choices<S: KBest + Neighbors>() -> [Weigh<S>; 5] {
    [
        over(KBestCandidates::new(1)),
        over(KBestCandidates::new(5)),
        over(KBestCandidates::new((1 << BITS) + 1)),
        over(MapAndNeighbors),
        over(PairsOfFlips),
    ]
}

fn split(scores: &Tensor<2>, set: &Set) -> StructureScores {
    let additionals = set.parts() - BITS;
    StructureScores {
        unaries: scores.clone().narrow(1, 0, BITS),
        additionals: set
            .pairs
            .then(|| scores.clone().narrow(1, BITS, additionals)),
    }
}

fn agrees<S: KBest + Neighbors>(structure: &S, set: &Set) {
    // candidates of a few to all codes, and supports of one to all of them
    let numbers: Vec<f64> = normals(ROWS * set.parts(), 21)
        .iter()
        .enumerate()
        .map(|(at, score)| score * [2.0, 0.5, 0.125][at / set.parts()])
        .collect();
    for device in modes() {
        let scores = tensor::<2>(&numbers, [ROWS, set.parts()], &device, DType::F32);
        for (weigh, choice) in choices::<S>().iter().zip(CHOICES) {
            for (alpha, mapping) in mappings() {
                let scores = split(&scores, set);
                let q = weigh(scores, structure, &*mapping);
                assert_eq!(q.solve_status(), [SolveStatus::Converged; ROWS]);
                let rows = numbers.chunks(set.parts());
                let all: Vec<f64> = rows
                    .clone()
                    .flat_map(|row| enumerated(set, row, choice, alpha))
                    .collect();
                // scores of up to 10 and probabilities are rounded to f32
                let got = dense(&q);
                assert_close(&got, &all, 2e-6);
                // a row that says so has the distribution over all codes
                for ((row, exact), got) in rows.zip(q.is_exact()).zip(got.chunks(1 << BITS)) {
                    if exact {
                        assert_close(got, &enumerated(set, row, CHOICES[2], alpha), 2e-6);
                    }
                }
            }
        }
    }
}

#[test]
fn every_mapping_over_every_choice_agrees_with_enumeration() {
    agrees(&BitVector::new(BITS).unwrap(), &Set { pairs: false });
    agrees(&BinarySequence::new(BITS).unwrap(), &Set { pairs: true });
}

/// The oracle's probabilities in f64 by central differences: their step of 1e-5 errs by its square,
/// and no kink or change of candidates is as close. The operation rounds to f32.
fn differentiates<S: KBest + Neighbors>(structure: &S, set: &Set) {
    const STEP: f64 = 1e-5;
    let numbers: Vec<f64> = normals(ROWS * set.parts(), 4)
        .iter()
        .map(|s| 0.4 * s)
        .collect();
    let weights = normals(ROWS << BITS, 5);
    for device in autodiff_modes() {
        for (weigh, choice) in choices::<S>().iter().zip(CHOICES) {
            for (alpha, mapping) in mappings() {
                let scores = tensor::<2>(&numbers, [ROWS, set.parts()], &device, DType::F32);
                let scores = scores.require_grad();
                let parts = split(&scores, set);
                let q = weigh(parts, structure, &*mapping);
                let rows = values(q.rows().float());
                let places = rows.iter().zip(codes(&q));
                let packed: Vec<f64> = places
                    .map(|(row, code)| weights[((*row as usize) << BITS) + code])
                    .collect();
                let packed = tensor::<1>(&packed, [packed.len()], &device, DType::F32);
                let grads = q.expect(packed).sum().backward();
                let got = values(scores.grad(&grads).unwrap());
                let value = |row: usize, scores: &[f64]| -> f64 {
                    let probs = enumerated(set, scores, choice, alpha);
                    let weights = &weights[row << BITS..];
                    probs.iter().zip(weights).map(|(p, w)| p * w).sum()
                };
                for (part, got) in got.iter().enumerate() {
                    let (row, part) = (part / set.parts(), part % set.parts());
                    let mut moved = numbers[row * set.parts()..(row + 1) * set.parts()].to_vec();
                    moved[part] += STEP;
                    let above = value(row, &moved);
                    moved[part] -= 2.0 * STEP;
                    let want = (above - value(row, &moved)) / (2.0 * STEP);
                    assert_close(&[*got], &[want], 2e-5);
                }
            }
        }
    }
}

#[test]
fn gradients_agree_with_differences_of_enumeration() {
    differentiates(&BitVector::new(BITS).unwrap(), &Set { pairs: false });
    differentiates(&BinarySequence::new(BITS).unwrap(), &Set { pairs: true });
}

#[test]
fn exactness_depends_on_the_candidates_and_the_mapping() {
    let bits = BitVector::new(3).unwrap();
    // scores far apart and close together
    let rows = [9.0, -9.0, 9.0, 0.01, 0.02, -0.01];
    let scores = tensor::<2>(&rows, [2, 3], &Device::default(), DType::F32);
    let exact = |weigh: Weigh<BitVector>, mapping: &dyn Mapping| {
        weigh(scores.clone().into(), &bits, mapping).is_exact()
    };
    let sparse: [&dyn Mapping; 3] = [&Sparsemax, &Entmax15, &Entmax::new(1.3)];
    for mapping in sparse {
        assert_eq!(
            exact(over(KBestCandidates::new(1)), mapping),
            [false, false]
        );
        assert_eq!(exact(over(KBestCandidates::new(4)), mapping), [true, false]);
        assert_eq!(exact(over(KBestCandidates::new(9)), mapping), [true, true]);
        assert_eq!(exact(over(MapAndNeighbors), mapping), [false, false]);
    }
    // softmax gives the rest something, whatever is rounded away
    for mapping in [&Softmax as &dyn Mapping, &Entmax::new(1.0)] {
        assert_eq!(
            exact(over(KBestCandidates::new(4)), mapping),
            [false, false]
        );
        assert_eq!(exact(over(KBestCandidates::new(9)), mapping), [true, true]);
        assert_eq!(exact(over(MapAndNeighbors), mapping), [false, false]);
    }
}

/// The same structures for every row.
struct Codebook(Vertices);

impl<S: Structure> Candidates<S> for Codebook {
    type Workspace = ();

    fn choose(&self, _: &S, _: Scores<'_>, _: &mut (), chosen: &mut Vertices) -> Omitted {
        chosen.append(&self.0);
        Omitted::Unknown
    }
}

fn codebook(codes: &[&[usize]]) -> Codebook {
    let mut vertices = Vertices::new(3);
    for code in codes {
        let mut parts = Parts::new(3);
        code.iter().for_each(|bit| parts.insert(*bit));
        vertices.push(&parts);
    }
    Codebook(vertices)
}

#[test]
fn wrong_candidates_make_nan_of_their_row() {
    let budget = Budget::new(3, 2).unwrap();
    let infinity = f64::INFINITY;
    // of the second row all candidates are forbidden, of the third the first one
    let rows = [
        1.0, 0.5, 0.0, -infinity, -infinity, 1.0, -infinity, 0.5, 0.0,
    ];
    for device in modes() {
        let scores = tensor::<2>(&rows, [3, 3], &device, DType::F32);
        let q = |codes: &[&[usize]]| {
            let codes = codebook(codes);
            distribution_over_candidates(scores.clone(), &budget, &codes, &Sparsemax)
        };
        use SolveStatus::{Converged, Infeasible, OracleWrong};
        // twice the same code counts once
        let distribution = q(&[&[0], &[1], &[0]]);
        assert_eq!(
            distribution.solve_status(),
            [Converged, Infeasible, Converged]
        );
        let means = values(distribution.marginals());
        assert_close(&means[..3], &[0.75, 0.25, 0.0], 1e-6);
        assert!(means[3..6].iter().all(|mean| mean.is_nan()));
        assert_close(&means[6..], &[0.0, 1.0, 0.0], 1e-6);
        // three ones are too many, and no candidate is none
        assert_eq!(q(&[&[0], &[0, 1, 2]]).solve_status(), [OracleWrong; 3]);
        assert_eq!(q(&[]).solve_status(), [Infeasible; 3]);
        assert!(values(q(&[]).probs()).iter().all(|prob| prob.is_nan()));
    }
}

#[test]
fn an_empty_batch_is_empty() {
    let bits = BitVector::new(BITS).unwrap();
    for (_, mapping) in mappings() {
        let scores = Tensor::<2>::zeros([0, BITS], &Device::default());
        let q = distribution_over_candidates(scores, &bits, &MapAndNeighbors, &*mapping);
        assert_eq!(q.probs().dims(), [0]);
        assert!(q.is_exact().is_empty());
    }
}

struct Narrow;

impl Mapping for Narrow {
    fn probs(&self, scores: Tensor<2>) -> Tensor<2> {
        scores.narrow(1, 0, 1)
    }

    fn is_sparse(&self) -> bool {
        true
    }
}

#[test]
#[should_panic(
    expected = "distribution_over_candidates: the mapping must keep the shape [2, 4] \
                           of the candidates' scores, got [2, 1]"
)]
fn a_mapping_to_another_shape_is_refused() {
    let scores = Tensor::<2>::zeros([2, 3], &Device::default());
    let bits = BitVector::new(3).unwrap();
    distribution_over_candidates(scores, &bits, &MapAndNeighbors, &Narrow);
}

#[test]
#[should_panic(expected = "distribution_over_candidates: unaries must be [batch, 3]")]
fn wrong_scores_are_refused() {
    let scores = Tensor::<2>::zeros([2, 4], &Device::default());
    let bits = BitVector::new(3).unwrap();
    distribution_over_candidates(scores, &bits, &MapAndNeighbors, &Softmax);
}

#[test]
#[should_panic(expected = "local_entmax15: unaries must be [batch, 3]")]
fn wrong_scores_are_refused_by_name() {
    let scores = Tensor::<2>::zeros([2, 4], &Device::default());
    local_entmax15(scores, &BitVector::new(3).unwrap());
}

#[test]
#[should_panic(expected = "KBestCandidates: k must be at least 1, got 0")]
fn no_candidates_at_all_are_refused() {
    KBestCandidates::new(0);
}

#[test]
#[should_panic(expected = "Entmax: alpha must be finite and at least 1, got 0.5")]
fn alpha_below_one_is_refused() {
    Entmax::new(0.5);
}
