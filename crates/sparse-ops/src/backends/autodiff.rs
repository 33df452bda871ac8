//! Autodiff: each forward method becomes a node whose backward pass is the matching method.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_core::backend::{
    AutodiffBackend, TensorMetadata,
    tensor::{FloatTensor, IntTensor},
};
use burn_core::tensor::{IntDType, Slice};

use crate::{Link, SparseOps};

impl<B: SparseOps, C: CheckpointStrategy> SparseOps for Autodiff<B, C> {
    fn entmax(scores: FloatTensor<Self>, alpha: f64, dim: usize) -> FloatTensor<Self> {
        let node = scores.node();
        let probs = B::entmax(scores.into_primitive(), alpha, dim);
        match Entmax.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = EntmaxState {
                    probs: probs.clone(),
                    alpha,
                    dim,
                };
                prep.finish(state, probs)
            }
            OpsKind::UnTracked(prep) => prep.finish(probs),
        }
    }

    fn entmax_with_alpha(
        scores: FloatTensor<Self>,
        alpha: FloatTensor<Self>,
        dim: usize,
    ) -> FloatTensor<Self> {
        let nodes = [scores.node(), alpha.node()];
        let alpha = alpha.into_primitive();
        let probs = B::entmax_with_alpha(scores.into_primitive(), alpha.clone(), dim);
        match EntmaxWithAlpha
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let state = EntmaxState {
                    probs: probs.clone(),
                    alpha,
                    dim,
                };
                prep.finish(state, probs)
            }
            OpsKind::UnTracked(prep) => prep.finish(probs),
        }
    }

    fn entmax_loss(
        scores: FloatTensor<Self>,
        targets: IntTensor<Self>,
        alpha: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [scores.node(), scores.node()];
        let (loss, probs) = B::entmax_loss(scores.into_primitive(), targets.clone(), alpha);
        // the gradient of the loss is made of the probabilities: where it is differentiated, they are
        let [of_probs, of_loss] = nodes;
        let tracked = match Entmax.prepare::<C>([of_probs]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = EntmaxState {
                    probs: probs.clone(),
                    alpha,
                    dim: 1,
                };
                prep.finish(state, probs.clone())
            }
            OpsKind::UnTracked(prep) => prep.finish(probs.clone()),
        };
        let loss = match EntmaxLoss
            .prepare::<C>([of_loss])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((probs, targets), loss),
            OpsKind::UnTracked(prep) => prep.finish(loss),
        };
        (loss, tracked)
    }

    fn bernoulli_log_likelihood(
        logits: FloatTensor<Self>,
        targets: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let node = logits.node();
        let (log_likelihood, residuals) =
            B::bernoulli_log_likelihood(logits.into_primitive(), targets.into_primitive());
        let constant = Self::from_inner(residuals.clone());
        let log_likelihood = match BernoulliLogLikelihood
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(residuals, log_likelihood),
            OpsKind::UnTracked(prep) => prep.finish(log_likelihood),
        };
        (log_likelihood, constant)
    }

    fn categorical_log_likelihood(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [features.node(), weight.node(), bias.node()];
        let (features, weight) = (features.into_primitive(), weight.into_primitive());
        let bias = bias.into_primitive();
        match CategoricalLogLikelihood
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (log_likelihood, residuals, head_residuals) =
                    B::categorical_residuals(features, weight, bias, targets, rows);
                prep.finish((residuals, head_residuals), log_likelihood)
            }
            // without residuals, it is half of the work
            OpsKind::UnTracked(prep) => prep.finish(B::categorical_log_likelihood(
                features, weight, bias, targets, rows,
            )),
        }
    }

    fn categorical_residuals(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [features.node(), weight.node(), bias.node()];
        let (log_likelihood, residuals, head_residuals) = B::categorical_residuals(
            features.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
            targets,
            rows,
        );
        let constants = [residuals.clone(), head_residuals.clone()].map(Self::from_inner);
        let log_likelihood = match CategoricalLogLikelihood
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((residuals, head_residuals), log_likelihood),
            OpsKind::UnTracked(prep) => prep.finish(log_likelihood),
        };
        let [residuals, head_residuals] = constants;
        (log_likelihood, residuals, head_residuals)
    }

    fn sum_of_sigmoids(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [inputs.node(), slopes.node(), weights.node()];
        let state = [inputs, slopes, weights].map(|tensor| tensor.into_primitive());
        let [inputs, slopes, weights] = state.clone();
        let sums = B::sum_of_sigmoids(inputs, slopes, weights);
        match SumOfSigmoids.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, sums),
            OpsKind::UnTracked(prep) => prep.finish(sums),
        }
    }

    fn sparse_matmul(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [lhs.node(), rhs.node()];
        let state = [lhs.into_primitive(), rhs.into_primitive()];
        let [lhs, rhs] = state.clone();
        let product = B::sparse_matmul(lhs, rhs);
        match SparseMatmul.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, product),
            OpsKind::UnTracked(prep) => prep.finish(product),
        }
    }

    fn support_offsets(probs: FloatTensor<Self>, int_dtype: IntDType) -> IntTensor<Self> {
        B::support_offsets(probs.into_primitive(), int_dtype)
    }

    fn support_entries(
        probs: FloatTensor<Self>,
        offsets: IntTensor<Self>,
        total: usize,
    ) -> (IntTensor<Self>, IntTensor<Self>) {
        B::support_entries(probs.into_primitive(), offsets, total)
    }

    fn attach(
        scores: FloatTensor<Self>,
        values: FloatTensor<Self>,
        link: Link,
    ) -> FloatTensor<Self> {
        let node = scores.node();
        let out = B::attach(
            scores.into_primitive(),
            values.into_primitive(),
            link.clone(),
        );
        match Attach.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(link, out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}

#[derive(Debug, Clone)]
struct EntmaxState<P, A> {
    probs: P,
    alpha: A,
    dim: usize,
}

#[derive(Debug)]
struct Entmax;

impl<B: SparseOps> Backward<B, 1> for Entmax {
    type State = EntmaxState<FloatTensor<B>, f64>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let EntmaxState { probs, alpha, dim } = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |grad| {
            B::entmax_backward(probs, grad, alpha, dim)
        });
    }
}

#[derive(Debug)]
struct EntmaxWithAlpha;

impl<B: SparseOps> Backward<B, 2> for EntmaxWithAlpha {
    type State = EntmaxState<FloatTensor<B>, FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let EntmaxState { probs, alpha, dim } = ops.state;
        let [scores_node, alpha_node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (scores_grad, alpha_grad) = B::entmax_with_alpha_backward(probs, alpha, grad, dim);
        if let Some(node) = scores_node {
            grads.register::<B>(node.id, scores_grad);
        }
        if let Some(node) = alpha_node {
            grads.register::<B>(node.id, alpha_grad);
        }
    }
}

#[derive(Debug)]
struct EntmaxLoss;

impl<B: SparseOps> Backward<B, 1> for EntmaxLoss {
    type State = (FloatTensor<B>, IntTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (probs, targets) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |grad| {
            B::entmax_loss_backward(probs, targets, grad)
        });
    }
}

#[derive(Debug)]
struct BernoulliLogLikelihood;

impl<B: SparseOps> Backward<B, 1> for BernoulliLogLikelihood {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |grad| {
            B::bernoulli_log_likelihood_backward(ops.state, grad)
        });
    }
}

#[derive(Debug)]
struct CategoricalLogLikelihood;

impl<B: SparseOps> Backward<B, 3> for CategoricalLogLikelihood {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (residuals, head_residuals) = ops.state;
        let shape = head_residuals.shape();
        let (rank, levels) = (shape[1] - 1, shape[2]);
        let [features_node, weight_node, bias_node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (features_grad, head_grad) =
            B::categorical_log_likelihood_backward(residuals, head_residuals, grad);
        let rows = |first: usize, count: usize| {
            let slices = [Slice::from(first..first + count), Slice::full()];
            B::float_slice(head_grad.clone(), &slices)
        };
        if let Some(node) = features_node {
            grads.register::<B>(node.id, features_grad);
        }
        if let Some(node) = weight_node {
            grads.register::<B>(node.id, rows(0, rank));
        }
        if let Some(node) = bias_node {
            let bias_grad = B::float_reshape(rows(rank, 1), [levels].into());
            grads.register::<B>(node.id, bias_grad);
        }
    }
}

#[derive(Debug)]
struct SumOfSigmoids;

impl<B: SparseOps> Backward<B, 3> for SumOfSigmoids {
    type State = [FloatTensor<B>; 3];

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [inputs, slopes, weights] = ops.state;
        let grad = grads.consume::<B>(&ops.node);
        let (inputs, slopes, weights) = B::sum_of_sigmoids_backward(inputs, slopes, weights, grad);
        for (node, grad) in ops.parents.into_iter().zip([inputs, slopes, weights]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

#[derive(Debug)]
struct SparseMatmul;

impl<B: SparseOps> Backward<B, 2> for SparseMatmul {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [lhs, rhs] = ops.state;
        let [lhs_node, rhs_node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        if let Some(node) = lhs_node {
            // also in what is zero
            let transposed = B::float_swap_dims(rhs, 0, 1);
            grads.register::<B>(node.id, B::float_matmul(grad.clone(), transposed));
        }
        if let Some(node) = rhs_node {
            grads.register::<B>(node.id, B::sparse_matmul_backward(lhs, grad));
        }
    }
}

#[derive(Debug)]
struct Attach;

impl<B: SparseOps> Backward<B, 1> for Attach {
    type State = Link;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |grad| {
            B::attach_backward(grad, ops.state)
        });
    }
}
