//! Shows what SparseMAP is for: of a million ways to tag a sentence, and hundreds to align two, it
//! keeps a few, exactly and with gradients.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use sparse_examples::{
    failure, flags, fresh_folder, say,
    structures::{
        Comparison, Dense, Instance, Support, alignment, alignment_picture, chain_picture, tagging,
        text,
    },
};
use sparse_models::training::{RunError, chosen_device, write_whole};
use sparse_ops::{
    Assignment, Certificate, Parts, Scores, Sequence, SolveStatus, SparseMapOptions, Structure,
    StructureScores, sparsemap, topk_sparsemax,
};

/// Tag a sentence and align two, by softmax over all structures and by the few of SparseMAP.
///
/// Prints marginals, the supported structures with their probabilities, and a gradient; draws
/// chain.svg and alignment.svg. BURN_DEVICE chooses among the backends compiled in.
#[derive(Parser, Debug)]
#[command(name = "structures", version)]
struct Command {
    /// Folder of the pictures, empty or not there yet [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Add normal noise of standard deviation 0.3 to all scores, with this seed [default: no noise]
    #[arg(long, allow_negative_numbers = true, value_parser = flags::whole::<u64>)]
    seed: Option<u64>,
    /// Multiply all scores: SparseMAP keeps more structures at small ones, and only the best at
    /// large ones
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true, value_parser = flags::positive)]
    scale: f64,
}

/// Of top-k sparsemax.
const K: usize = 8;
/// Scores are at most a few units before they are multiplied: far from the end of f32.
const LARGEST_SCALE: f64 = 1e6;

fn main() -> ExitCode {
    match run(&Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

fn run(command: &Command) -> Result<(), RunError> {
    let device = chosen_device()?.autodiff();
    // refused flags leave no folder behind
    let instance = command.instance(tagging())?;
    let folder = command.folder()?;

    let (words, tags) = (instance.words.len(), instance.options.len());
    let structure = Sequence::new(words, tags).expect("a sentence has words");
    let dense = Dense::sequences(&instance);
    let chain = Answer::of(&instance, &structure, &device);
    let all = text::grouped(dense.probs.len());
    say(format_args!(
        "A LINEAR CHAIN: tag {words} words with {tags} tags, {tags}^{words} = {all} sequences\n"
    ));
    chain.print(&instance, &dense, "sequence", "Viterbi");
    print_topk(&instance, &structure, &device);
    chain.print_gradient(&instance, "sequence");
    let picture = chain_picture(&chain.comparison(&instance, &dense));
    write(&folder.join("chain.svg"), &picture)?;

    let instance = command.instance(alignment())?;
    let (rows, cols) = (instance.words.len(), instance.options.len());
    let structure = Assignment::new(rows, cols).expect("a sentence has words");
    let dense = Dense::matchings(&instance);
    let matching = Answer::of(&instance, &structure, &device);
    let all = text::grouped(dense.probs.len());
    say(format_args!(
        "\nAN ALIGNMENT: give each of {rows} words one of {cols} to itself, {all} matchings\n"
    ));
    matching.print(&instance, &dense, "matching", "the Hungarian method");
    matching.print_gradient(&instance, "matching");
    let picture = alignment_picture(&matching.comparison(&instance, &dense));
    write(&folder.join("alignment.svg"), &picture)?;

    say(format_args!(
        "\npictures: chain.svg and alignment.svg in {}",
        folder.display()
    ));
    Ok(())
}

impl Command {
    fn folder(&self) -> Result<PathBuf, RunError> {
        let path = self
            .out
            .clone()
            .unwrap_or_else(|| fresh_folder("structures"));
        let taken = match fs::read_dir(&path) {
            Ok(mut files) => files.next().is_some(),
            Err(source) if source.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(RunError::Read { path, source }),
        };
        if taken {
            return Err(RunError::Setting {
                name: "--out",
                given: path.display().to_string(),
                allowed: "a folder that is empty or not there yet",
            });
        }
        fs::create_dir_all(&path).map_err(|source| RunError::Write {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    fn instance(&self, instance: Instance) -> Result<Instance, RunError> {
        if self.scale > LARGEST_SCALE {
            return Err(RunError::Setting {
                name: "--scale",
                given: self.scale.to_string(),
                allowed: "at most 1000000",
            });
        }
        let instance = match self.seed {
            Some(seed) => instance.perturbed(seed),
            None => instance,
        };
        Ok(instance.scaled(self.scale))
    }
}

/// What SparseMAP makes of an instance.
struct Answer {
    sparse: Support,
    status: SolveStatus,
    certificate: Certificate,
    /// The highest-scoring structure.
    map: Vec<usize>,
    /// The expected number of words that are not as in the truth, and its gradient in the unary
    /// scores.
    expected_errors: f64,
    gradient: Vec<f64>,
}

impl Answer {
    fn of<S: Structure>(instance: &Instance, structure: &S, device: &Device) -> Self {
        let scores = scores(instance, device);
        let unaries = scores.unaries.clone();
        let q = sparsemap(scores, structure, &SparseMapOptions::default());

        // a loss of each supported structure, as a decoder would give it: all in one call
        let truth = row(&instance.truth_parts(), device);
        let correct = q
            .outcomes()
            .clone()
            .mul(truth)
            .sum_dim(1)
            .squeeze_dim::<1>(1);
        let errors = correct.neg() + instance.words.len() as f64;
        let expected = q.expect(errors);
        let gradients = expected.backward();
        let gradient = unaries
            .grad(&gradients)
            .expect("the unary scores are tracked");

        let mut map = Parts::new(structure.unaries());
        let scores = Scores {
            unaries: &instance.unaries,
            additionals: &instance.transitions,
        };
        structure.argmax(scores, &mut S::Workspace::default(), &mut map);
        let options = instance.options.len();
        Self {
            sparse: Support::of(&q, options),
            status: q.solve_status()[0],
            certificate: q.certificates()[0],
            map: Support::choices(&map, options),
            expected_errors: expected.into_scalar(),
            gradient: gradient.into_data().iter().collect(),
        }
    }

    fn comparison<'a>(&'a self, instance: &'a Instance, dense: &'a Dense) -> Comparison<'a> {
        Comparison {
            instance,
            dense,
            sparse: &self.sparse,
            map: &self.map,
        }
    }

    fn print(&self, instance: &Instance, dense: &Dense, structure: &str, oracle: &str) {
        say(text::words(instance));
        let sparse = &self.sparse.marginals;
        say(text::marginals(instance, "in %", &dense.marginals, sparse));
        say(format_args!(
            "marginals, softmax|SparseMAP. Softmax: the best has {}; 99 % need {}",
            text::probability(dense.probs[0]),
            text::counted(dense.covering(0.99), structure),
        ));
        say(text::support(instance, "SparseMAP", &self.sparse));
        say(format_args!(
            "all on {}. {:?}: Wolfe gap {}, {}",
            self.support_size(structure),
            self.status,
            match self.certificate.wolfe_gap {
                0.0 => "0".to_string(),
                gap => format!("{gap:.0e}"),
            },
            match self.certificate.iterations {
                0 => "in closed form".to_string(),
                calls => format!("{calls} calls of {oracle}"),
            },
        ));
        say(text::structure(instance, "MAP", &self.map));
    }

    fn print_gradient(&self, instance: &Instance, structure: &str) {
        say(format_args!(
            "expected errors: {:.2}, exact from {}; its gradient in the scores, by autodiff:",
            self.expected_errors,
            self.support_size(structure),
        ));
        say(format_args!(
            "   {}",
            text::gradient(instance, &self.gradient, 4)
        ));
    }

    fn support_size(&self, structure: &str) -> String {
        text::counted(self.sparse.structures.len(), structure)
    }
}

/// Sparsemax over the best few structures alone.
fn print_topk(instance: &Instance, structure: &Sequence, device: &Device) {
    let q = topk_sparsemax(scores(instance, device), structure, K);
    let support = Support::of(&q, instance.options.len());
    say(text::support(instance, &format!("top-{K}"), &support));
    say(format_args!(
        "sparsemax over the {K} best: all on {}{}",
        text::counted(support.structures.len(), "sequence"),
        if q.is_exact()[0] {
            format!(", fewer than {K}: it is sparsemax over all sequences")
        } else {
            String::new()
        },
    ));
}

fn scores(instance: &Instance, device: &Device) -> StructureScores {
    let transitions = &instance.transitions;
    StructureScores {
        unaries: row(&instance.unaries, device).require_grad(),
        additionals: (!transitions.is_empty()).then(|| row(transitions, device)),
    }
}

/// A batch of one.
fn row(values: &[f64], device: &Device) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [1, values.len()]);
    Tensor::from_data(data, device)
}

fn write(path: &Path, picture: &str) -> Result<(), RunError> {
    write_whole(path, picture.as_bytes()).map_err(|source| RunError::Write {
        path: path.to_path_buf(),
        source,
    })
}
