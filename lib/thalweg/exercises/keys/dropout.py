"""The dropout assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.numpy import all_masks, mask_probability, survival

from ..judge import OVERWRITTEN, OVERWRITTEN_HINT, Key

# --- plain: y = r x in training, y = p x at test time -----------------------------------------------------------

plain = Key(lambda x, keep, u=None: x * (keep if u is None else u < keep))


@plain.mistake(
    "keep is taken for the probability of dropping",
    "Your units stay when u is large. In this book, as in the lectures, the number is the probability of what?",
)
def keeps_the_dropped(x, keep, u=None):
    return x * keep if u is None else np.where(u < keep, 0, x)


@plain.mistake(
    "nothing is scaled at test time",
    "At test time all units are there at once, so the next layer receives more than it ever did in training. How much more?",
)
def unscaled(x, keep, u=None):
    return x * 1 if u is None else np.where(u < keep, x, 0)


@plain.mistake(
    "test time is scaled by the probability of dropping",
    "You scaled by 1 - keep. (A slide of one lecture puts it that way.) What does a unit send on in training, on average?",
)
def scaled_by_the_other(x, keep, u=None):
    return x * (1 - keep) if u is None else np.where(u < keep, x, 0)


@plain.mistake(
    "test time is scaled up",
    "You divided by keep at test time. Compared with training, is too much sent on then, or too little?",
)
def scaled_up(x, keep, u=None):
    return x / keep if u is None else np.where(u < keep, x, 0)


@plain.mistake(
    "it is inverted dropout",
    "You scale in training and leave test time alone. That is the other variant; the one asked for scales at test time.",
)
def inverted(x, keep, u=None):
    return x * 1 if u is None else np.where(u < keep, x / keep, 0)


@plain.mistake(
    "it is scaled twice",
    "You scale in training and again at test time. The means have to agree: one of the two is enough.",
)
def scaled_twice(x, keep, u=None):
    return x * keep if u is None else np.where(u < keep, x / keep, 0)


@plain.mistake(
    "a tie is kept",
    "The unit whose u equals keep stays in your result. u lies in [0, 1): for how much of that interval should a unit stay?",
)
def tie_kept(x, keep, u=None):
    return x * keep if u is None else np.where(u <= keep, x, 0)


@plain.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def plain_in_place(x, keep, u=None):
    x *= keep if u is None else u < keep
    return x


# --- backward: grad_z = grad (u < p) / p (z > 0) ----------------------------------------------------------------


def _backward(dy, cache):
    z, keep, u = cache
    return np.where((u < keep) & (z > 0), dy / keep, 0).astype(dy.dtype), {}


backward = Key(_backward)


@backward.mistake(
    "the mask is forgotten on the way back",
    "A unit that was dropped sent nothing on. Can a change of it have changed the loss?",
)
def no_mask(dy, cache):
    z, keep, u = cache
    return dy * (z > 0), {}


@backward.mistake(
    "the scale is forgotten on the way back",
    "Your mask is right, but the forward pass did more to a kept unit than to let it through.",
)
def no_scale(dy, cache):
    z, keep, u = cache
    return dy * (u < keep) * (z > 0), {}


@backward.mistake(
    "the scale is turned round on the way back",
    "You multiply by keep where the forward pass divided. The derivative of c x in x is c itself, not its reciprocal.",
)
def inverse_scale(dy, cache):
    z, keep, u = cache
    return dy * (u < keep) * keep * (z > 0), {}


@backward.mistake(
    "the activation is forgotten on the way back",
    "You went back through the mask only. Between it and z there is a ReLU, which has a slope of its own.",
)
def no_relu(dy, cache):
    z, keep, u = cache
    return dy * (u < keep) / keep, {}


@backward.mistake(
    "the value of the activation takes the place of its slope",
    "You multiply with what the unit sent on. The chain rule asks how steep the function is there.",
)
def value_for_slope(dy, cache):
    z, keep, u = cache
    return dy * (u < keep) / keep * np.maximum(z, 0), {}


@backward.mistake(
    "the ReLU is applied to the gradient",
    "You cut off negative gradients. Whether the way back is open depends on the sign of z, which entered the ReLU, not on that of grad.",
)
def relu_of_gradient(dy, cache):
    z, keep, u = cache
    return np.maximum(dy, 0) * (u < keep) / keep, {}


@backward.mistake(
    "the mask is the opposite one",
    "The gradient flows through the units that the forward pass had dropped. The same mask has to serve both ways.",
)
def opposite_mask(dy, cache):
    z, keep, u = cache
    return dy * (u >= keep) / keep * (z > 0), {}


@backward.mistake(
    "a tie is kept",
    "A unit whose u equals keep was dropped on the way forth, and lets the gradient through on your way back.",
)
def backward_tie_kept(grad, z, keep, u):
    return grad * (u <= keep) / keep * (z > 0)


@backward.mistake(
    "it is scaled by the probability of dropping",
    "You divide by 1 - keep. The forward pass divided by the probability of something else.",
)
def over_the_dropped(grad, z, keep, u):
    return grad * (u < keep) * (z > 0) / max(1 - keep, 1e-300)


@backward.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def backward_in_place(dy, cache):
    z, keep, u = cache
    dy *= (u < keep) & (z > 0)
    dy /= keep
    return dy, {}


# --- ensemble: sum over masks of P(mask) softmax(w (mask a) / p + b) --------------------------------------------


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _ensemble(a, w, b, keep):
    masks = all_masks(len(a))
    return mask_probability(masks, keep) @ _softmax((masks * a / keep) @ w.T + b)


ensemble = Key(_ensemble)


@ensemble.mistake(
    "the inputs of the softmax are averaged, not its outputs",
    "This is the prediction of the single scaled net: the average of the logits leads there too. The ensemble's members "
    "each say their probabilities, and those are averaged.",
)
def weight_scaling(a, w, b, keep):
    return _softmax(w @ a + b)


@ensemble.mistake(
    "all masks count alike",
    "You averaged over the masks as if each were as likely as any other. Is that so when keep is not one half?",
)
def equal_masks(a, w, b, keep):
    return _softmax((all_masks(len(a)) * a / keep) @ w.T + b).mean(axis=0)


@ensemble.mistake(
    "the probabilities of keeping and dropping are exchanged",
    "Your masks with many units are too rare, or too common. What is the probability of a mask that keeps them all?",
)
def exchanged(a, w, b, keep):
    masks = all_masks(len(a))
    return mask_probability(1 - masks, keep) @ _softmax((masks * a / keep) @ w.T + b)


@ensemble.mistake(
    "the kept units are not scaled up",
    "Your thinned nets are right for plain dropout. Here the net was trained with inverted dropout: what happened to a unit "
    "that was kept?",
)
def not_rescaled(a, w, b, keep):
    masks = all_masks(len(a))
    return mask_probability(masks, keep) @ _softmax((masks * a) @ w.T + b)


@ensemble.mistake(
    "the kept units are scaled by the probability of dropping",
    "You divide the kept units by 1 - keep. Of which probability is their scale the reciprocal?",
)
def scaled_by_the_dropped(h, w, b, keep):
    masks = all_masks(len(h))
    return mask_probability(masks, keep) @ _softmax((masks * h / max(1 - keep, 1e-12)) @ w.T + b)


@ensemble.mistake(
    "the empty mask is left out",
    "Your probabilities do not add up to 1. There is one more thinned net, and it is a rather empty one.",
)
def without_the_empty_one(a, w, b, keep):
    masks = all_masks(len(a))[1:]
    return mask_probability(masks, keep) @ _softmax((masks * a / keep) @ w.T + b)


@ensemble.mistake(
    "the bias is thinned away",
    "Dropout removes hidden units. The output's bias is no unit: it belongs to every thinned net.",
)
def without_bias(a, w, b, keep):
    masks = all_masks(len(a))
    return mask_probability(masks, keep) @ _softmax((masks * a / keep) @ w.T)


@ensemble.mistake(
    "the softmax overflows",
    "For large logits exp gives infinity and the quotient is not a number. Which number can be subtracted from all logits "
    "without changing the probabilities?",
)
def overflowing(a, w, b, keep):
    masks = all_masks(len(a))
    e = np.exp((masks * a / keep) @ w.T + b)
    return mask_probability(masks, keep) @ (e / e.sum(axis=1, keepdims=True))


# --- expected_loss: mean of (y - x.w)^2 + (1 - p)/p sum x_j^2 w_j^2 ---------------------------------------------

expected_loss = Key(lambda x, target, w, keep: np.mean((target - x @ w) ** 2 + (1 - keep) / keep * (x**2 @ w**2)))


@expected_loss.mistake(
    "the noise is averaged away",
    "You put the mean of the noise into the square. The mean of a square is more than the square of the mean: by what?",
)
def no_penalty(x, target, w, keep):
    return np.mean((target - x @ w) ** 2)


@expected_loss.mistake(
    "it is the variance of plain dropout",
    "p (1 - p) is the variance of a mask of 0 and 1. Here the mask is divided by p first: what does that do to a variance?",
)
def plain_variance(x, target, w, keep):
    return np.mean((target - x @ w) ** 2 + keep * (1 - keep) * (x**2 @ w**2))


@expected_loss.mistake(
    "the odds are turned round",
    "Your penalty grows with keep. The fewer units are dropped, the less noise there should be.",
)
def odds_turned_round(x, target, w, keep):
    return np.mean((target - x @ w) ** 2 + keep / (1 - keep) * (x**2 @ w**2))


@expected_loss.mistake(
    "the penalty forgets the inputs",
    "Yours is an ordinary L2 penalty. Here the noise in a product is large only where the input is: each weight is penalised "
    "by the size of its own feature.",
)
def inputs_forgotten(x, target, w, keep):
    return np.mean((target - x @ w) ** 2 + (1 - keep) / keep * np.sum(w**2))


@expected_loss.mistake(
    "all features share one draw",
    "You squared the whole sum. That would be right if one coin decided for all features; here each has its own, and the "
    "variances of independent terms add up.",
)
def one_coin(x, target, w, keep):
    return np.mean((target - x @ w) ** 2 + (1 - keep) / keep * (x @ w) ** 2)


@expected_loss.mistake(
    "the loss is a sum over the examples",
    "Twice the data, twice your loss. The loss asked for is a mean.",
)
def summed(x, target, w, keep):
    return np.sum((target - x @ w) ** 2 + (1 - keep) / keep * (x**2 @ w**2))


@expected_loss.mistake(
    "only the penalty is a sum over the examples",
    "The first term is a mean over the examples and the second a sum. Both belong to each example.",
)
def half_summed(x, target, w, keep):
    return np.mean((target - x @ w) ** 2) + (1 - keep) / keep * np.sum(x**2 @ w**2)


# --- residual_net: x <- x + b_l relu(W_l x) in training, x + p_l relu(W_l x) at test time -----------------------


def _survival(count, last):
    """The probability that each of ``count`` branches survives: a line from nearly 1 down to ``last``."""
    return 1 - np.arange(1, count + 1) / count * (1 - last)


def _residual(x, weights, rates, gates):
    for w, gate in zip(weights, gates(rates), strict=True):
        x = x + gate * np.maximum(w @ x, 0)
    return x


def _residual_net(x, weights, last, u=None):
    return _residual(x, weights, survival(len(weights), last), lambda p: p if u is None else u < p)


residual_net = Key(_residual_net)


@residual_net.mistake(
    "the connection is dropped with the branch",
    "When one of your blocks is dropped, everything before it is lost. What should reach the next block then?",
)
def drops_the_connection(x, weights, last, u=None):
    for i, (w, p) in enumerate(zip(weights, _survival(len(weights), last), strict=True)):
        branch = np.maximum(w @ x, 0)
        x = x + p * branch if u is None else (u[i] < p) * (x + branch)
    return x


@residual_net.mistake(
    "all blocks have the probability of the last",
    "In your net the first block is dropped as often as the last. The probability falls in a line from block to block.",
)
def same_for_all(x, weights, last, u=None):
    return _residual(x, weights, np.full(len(weights), last), lambda p: p if u is None else u < p)


@residual_net.mistake(
    "the blocks are counted from zero",
    "Your first block is never dropped, and your last does not have the probability that is given for it. Where does l start?",
)
def counted_from_zero(x, weights, last, u=None):
    p = 1 - np.arange(len(weights)) / len(weights) * (1 - last)
    return _residual(x, weights, p, lambda p: p if u is None else u < p)


@residual_net.mistake(
    "the first blocks are dropped most",
    "Your probabilities rise with depth. The early blocks find what all later ones build on: they should survive most often.",
)
def upside_down(x, weights, last, u=None):
    return _residual(x, weights, _survival(len(weights), last)[::-1], lambda p: p if u is None else u < p)


@residual_net.mistake(
    "nothing is scaled at test time",
    "At test time all branches are there at once. In training a branch was there only part of the time.",
)
def residual_unscaled(x, weights, last, u=None):
    return _residual(x, weights, _survival(len(weights), last), lambda p: np.ones_like(p) if u is None else u < p)


@residual_net.mistake(
    "the survivors are scaled up in training",
    "You divide the surviving branches by their probability. That is the inverted form, with nothing to do at test time; here "
    "test time is scaled instead.",
)
def residual_inverted(x, weights, last, u=None):
    return _residual(x, weights, _survival(len(weights), last), lambda p: np.ones_like(p) if u is None else (u < p) / p)


@residual_net.mistake(
    "the survivors are those that should be dropped",
    "Your branches survive when u is large. What is the probability that u, uniform between 0 and 1, is below p?",
)
def wrong_survivors(x, weights, last, u=None):
    return _residual(x, weights, _survival(len(weights), last), lambda p: p if u is None else u >= p)


@residual_net.mistake(
    "a tie survives",
    "The branch whose u equals its probability is there in your net. It is there where u is below: u lies in [0, 1).",
)
def residual_tie(x, weights, last, u=None):
    return _residual(x, weights, _survival(len(weights), last), lambda p: p if u is None else u <= p)


@residual_net.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def residual_in_place(x, weights, last, u=None):
    p = _survival(len(weights), last)
    for w, gate in zip(weights, p if u is None else u < p, strict=True):
        x += gate * np.maximum(w @ x, 0)
    return x


# --- passes_needed: measured by enumeration ---------------------------------------------------------------------


def small_net():
    """The hidden units, weights and bias of the experiment's net: shapes (10,), (5, 10) and (5,)."""
    rng = np.random.default_rng(0)
    return rng.random(10), rng.normal(size=(5, 10)), rng.normal(size=5)


def measure_passes_needed(keep=0.7):
    """The fewest Monte Carlo passes whose expected squared error is below that of weight scaling."""
    a, w, b = small_net()
    masks = all_masks(10)
    chance, thinned = mask_probability(masks, keep), _softmax((masks * a / keep) @ w.T + b)
    exact = chance @ thinned
    one_pass = chance @ ((thinned - exact) ** 2).sum(axis=1)
    return int(np.floor(one_pass / ((_softmax(w @ a + b) - exact) ** 2).sum())) + 1


passes_needed = Key(34)  # measure_passes_needed(): the tests run it again

passes_needed.mistake(
    "the error is not squared",
    "Yours is the ratio of two distances, not of their squares. The expected squared error of a mean falls like 1/m.",
)(6)
passes_needed.mistake(
    "all masks count alike, or the scaled net is scaled twice",
    "Two slips lead here. Did you take every mask to be as likely as any other? That is keep = 0.5, and the net here keeps with 0.7. "
    "Or did you multiply a by keep for weight scaling? With inverted dropout the whole net needs no scale.",
)(3)
passes_needed.mistake(
    "the kept units are not scaled up",
    "Your thinned nets send on less than the whole net, so even their average is far from it. What does inverted dropout do to a unit that is kept?",
)(2)
passes_needed.mistake(
    "the net is taken for one with plain dropout",
    "You leave the thinned nets unscaled and scale the whole net by keep. That is consistent, but it is another net. Exercise 3 has inverted dropout.",
)(66)
passes_needed.mistake(
    "the single pass is a plain mean over all masks",
    "The ensemble is right, but a random pass meets the masks with many units more often than the others. Weigh its squared distances as well.",
)(51)
passes_needed.mistake(
    "the quotient is rounded down",
    "With so many passes the error is still a little above that of weight scaling. Asked for is the first number with which it is below.",
)(33)
passes_needed.mistake(
    "the number of masks, not of passes",
    "That many thinned nets there are. The question is how many draws of them are needed to do better than scaling.",
)(1024)
passes_needed.mistake(
    "a single pass",
    "One thinned net is a noisy prediction: its expected squared error is far larger than that of the scaled net. How many "
    "times?",
)(1)

KEYS = {
    "dropout.plain": plain,
    "dropout.backward": backward,
    "dropout.ensemble": ensemble,
    "dropout.expected_loss": expected_loss,
    "dropout.residual_net": residual_net,
    "dropout.passes_needed": passes_needed,
}
