"""The dropout assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.numpy import all_masks, mask_probability, survival

from ..judge import OVERWRITTEN, OVERWRITTEN_HINT, Key

# --- repaired: y = x r / p and dx = dy r / p in training, x and dy at test time ----------------------------------


def _layer(
    x, dy, keep, u, stays, test=lambda keep: 1.0, forth=lambda keep: 1 / keep, back=lambda mask, keep: mask / keep
):
    """A layer like the friend's: which units stay, the factor at test time, and the factors of what is kept, forth and back."""
    if u is None:
        return test(keep) * x, test(keep) * dy
    mask = stays(u, keep)
    return (x * mask * forth(keep)).astype(x.dtype), (dy * back(mask, keep)).astype(dy.dtype)


def _below(u, keep):
    return u < keep


def _above(u, keep):
    return u > keep


def _bare(mask, keep):
    return mask


repaired = Key(lambda x, dy, keep, u=None: _layer(x, dy, keep, u, _below))


@repaired.mistake(
    "the friend's mask keeps what should go",
    "Count in training: of many units with keep = 0.8, how many does your mask leave in?",
)
def repaired_1(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _above)


@repaired.mistake(
    "the friend's test time scales once more",
    "In training you are right. What is the mean of a unit there, and what does your layer send on at test time?",
)
def repaired_2(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, test=lambda keep: keep)


@repaired.mistake(
    "the friend's way back forgets the scale",
    "Your y is right and your dx opens and closes at the right places. But a kept unit was not only let through on the way forth.",
)
def repaired_3(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, back=_bare)


@repaired.mistake(
    "the mask and the test time are the friend's",
    "You have found what goes wrong on the way back. Which units stay in training, and what is sent on at test time, are still the friend's.",
)
def repaired_4(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _above, test=lambda keep: keep)


@repaired.mistake(
    "the mask and the way back are the friend's",
    "You have found what goes wrong at test time. In training two slips are left: which units stay, and what goes back through them.",
)
def repaired_5(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _above, back=_bare)


@repaired.mistake(
    "the test time and the way back are the friend's",
    "You have found what is wrong with the mask. Two slips are left: one at test time, and one in what goes back.",
)
def repaired_6(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, test=lambda keep: keep, back=_bare)


@repaired.mistake(
    "it is the friend's layer",
    "Nothing has changed yet. Follow one unit with x = 1 through it: how often is it kept, what is its mean, what is sent on at test time?",
)
def repaired_7(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _above, test=lambda keep: keep, back=_bare)


@repaired.mistake(
    "a tie is kept",
    "The unit whose u equals keep stays in your result. u lies in [0, 1): for how much of that interval should a unit stay?",
)
def repaired_8(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, lambda u, keep: u <= keep)


@repaired.mistake(
    "it is plain dropout",
    "Your layer agrees with itself: nothing is scaled in training, and test time makes up for it. The one asked for pays in training.",
)
def repaired_9(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, test=lambda keep: keep, forth=lambda keep: 1.0, back=_bare)


@repaired.mistake(
    "nothing is scaled anywhere",
    "Your mask is right in both directions. But what a unit sends on in training is now, on average, less than at test time. By which factor?",
)
def repaired_10(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, forth=lambda keep: 1.0, back=_bare)


@repaired.mistake(
    "what is kept is divided by the probability of dropping",
    "You divide by 1 - keep. Try keep = 0.8: four units in five stay, and the mean should be that of all. How much larger must the four be?",
)
def repaired_11(x, dy, keep, u=None):
    return _layer(
        x,
        dy,
        keep,
        u,
        _below,
        forth=lambda keep: 1 / max(1 - keep, 1e-12),
        back=lambda mask, keep: mask / max(1 - keep, 1e-12),
    )


@repaired.mistake(
    "the gradient passes units that were dropped",
    "A unit that was dropped sent nothing on: can a change of it have changed the loss?",
)
def repaired_12(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, back=lambda mask, keep: np.ones_like(mask, dtype=float) / keep)


@repaired.mistake(
    "the gradient ignores the layer",
    "Your dx is dy as it came. Whatever an input was multiplied by on the way forth, its gradient is multiplied by on the way back.",
)
def repaired_13(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, _below, back=lambda mask, keep: np.ones_like(mask, dtype=float))


@repaired.mistake(
    "keep is taken for the probability of dropping",
    "Your layer is right where its number is the probability of dropping, as in PyTorch. Here keep is that of keeping: with 0.8, how many stay?",
)
def repaired_14(x, dy, keep, u=None):
    return _layer(
        x,
        dy,
        keep,
        u,
        _above,
        forth=lambda keep: 1 / max(1 - keep, 1e-12),
        back=lambda mask, keep: mask / max(1 - keep, 1e-12),
    )


@repaired.mistake(
    "the other end of the interval is kept",
    "As many of your units stay as should, but not the ones asked for. On which side of keep does the assignment put the u of a kept unit?",
)
def repaired_15(x, dy, keep, u=None):
    return _layer(x, dy, keep, u, lambda u, keep: u >= 1 - keep)


@repaired.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def repaired_in_place(x, dy, keep, u=None):
    if u is not None:
        x *= (u < keep) / x.dtype.type(keep)
        dy *= (u < keep) / dy.dtype.type(keep)
    return x, dy


# --- log_average: the logarithm of the mean softmax --------------------------------------------------------------


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(z, axis=-1):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def _log_mean(a):
    """The logarithm of the mean of exp(a) over the first axis."""
    largest = a.max(axis=0)
    return largest + np.log(np.exp(a - largest).mean(axis=0))


log_average = Key(lambda logits: _log_mean(_log_softmax(logits)))


@log_average.mistake(
    "the softmax overflows",
    "For large logits exp gives infinity, and the quotient is not a number. What can be subtracted from a network's logits without changing "
    "its probabilities?",
)
def overflowing(logits):
    e = np.exp(logits)
    return np.log((e / e.sum(axis=1, keepdims=True)).mean(axis=0))


@log_average.mistake(
    "the average underflows",
    "You subtract the largest logit, so nothing overflows. But the probability of a very unlikely class is rounded to 0 before you take "
    "its logarithm. Can the average be taken without leaving the logarithms?",
)
def underflowing(logits):
    return np.log(_softmax(logits).mean(axis=0))


@log_average.mistake(
    "the logits are averaged",
    "That is one network, with the mean of all logits: the geometric mean of what they say. Here each network says its probabilities, and "
    "those are averaged.",
)
def mean_of_logits(logits):
    return _log_softmax(logits.mean(axis=0))


@log_average.mistake(
    "the logarithms are averaged",
    "The mean of logarithms is the logarithm of a geometric mean, and your probabilities do not add up to 1. The average asked for is taken "
    "before the logarithm.",
)
def mean_of_logarithms(logits):
    return _log_softmax(logits).mean(axis=0)


@log_average.mistake(
    "the networks' probabilities are multiplied",
    "You added up the logarithms: that multiplies what the networks say, as if they were independent witnesses. Asked for is their average.",
)
def product(logits):
    return _log_softmax(logits).sum(axis=0)


@log_average.mistake(
    "it is a sum over the passes",
    "Your probabilities add up to the number of passes. A mean divides by it: what does that do to a logarithm?",
)
def sum_over_passes(logits):
    return _log_mean(_log_softmax(logits)) + np.log(len(logits))


@log_average.mistake(
    "the softmax is taken over the passes",
    "You normalise the columns. Which numbers of a network have to add up to 1, those of one class or those of one pass?",
)
def over_the_passes(logits):
    return _log_mean(_log_softmax(logits, axis=0))


@log_average.mistake(
    "the networks are normalised together",
    "Yours is the logarithm of averaged exponentials, normalised at the end. A network with large logits then counts more than the others, "
    "although adding a constant to its logits does not change what it says.",
)
def normalised_together(logits):
    return _log_softmax(_log_mean(logits))


@log_average.mistake(
    "the logarithm is missing",
    "These are probabilities: the average is right where it can be represented, but its logarithm was asked for.",
)
def without_the_logarithm(logits):
    return np.exp(_log_mean(_log_softmax(logits)))


@log_average.mistake(
    "the networks are not normalised",
    "Your probabilities do not add up to 1. Logits become logarithms of probabilities only when the logarithm of a sum is taken off.",
)
def not_normalised(logits):
    return _log_mean(logits)


@log_average.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def log_average_in_place(logits):
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return _log_mean(logits)


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
    "the line starts at the first block",
    "Your last block has the right probability, but your first is never dropped. For which l does the formula give 1, and is there such a block?",
)
def line_from_the_first_block(x, weights, last, u=None):
    return _residual(x, weights, np.linspace(1, last, len(weights)), lambda p: p if u is None else u < p)


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
    "it scales in training and at test time",
    "Your test time is right. In training you scale as well: one of the two is enough, and the statement says which.",
)
def residual_scaled_twice(x, weights, last, u=None):
    return _residual(x, weights, _survival(len(weights), last), lambda p: p if u is None else (u < p) / p)


@residual_net.mistake(
    "the branch may go below zero",
    "Your blocks can make an entry smaller. Look at the branch once more: can what it adds be negative?",
)
def without_the_relu(x, weights, last, u=None):
    p = _survival(len(weights), last)
    for w, gate in zip(weights, p if u is None else u < p, strict=True):
        x = x + gate * (w @ x)
    return x


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


# --- fixed_count: k of d units, all choices alike: scale d/k, and the variance of sum_i w_i x_i r_i d/k ----------


def _sampled(k, d):
    """The variance of a sum of k of d terms, over the variance of the terms: drawn without putting back."""
    return k * (d - k) / max(d - 1, 1)


fixed_count = Key(lambda x, w, k: (len(x) / k, (len(x) / k) ** 2 * _sampled(k, len(x)) * np.var(w * x)))


@fixed_count.mistake(
    "the units are taken for independent",
    "Your variance would be right if each unit had a coin of its own. Here the number of kept units is fixed: if one is kept, is another one "
    "as likely to be kept as before?",
)
def independent(x, w, k):
    return len(x) / k, (len(x) / k - 1) * np.sum((w * x) ** 2)


@fixed_count.mistake(
    "the units are drawn with putting back",
    "Your k terms are drawn one by one, and each may come again. A mask that keeps a unit twice there is not: what is the variance when all "
    "units are kept?",
)
def with_putting_back(x, w, k):
    return len(x) / k, len(x) ** 2 / k * np.var(w * x)


@fixed_count.mistake(
    "the covariance has the wrong sign",
    "You added the covariances with a plus. If one unit is kept, there is less room for the others: do the two go together or against each other?",
)
def wrong_sign(x, w, k):
    d, c = len(x), w * x
    pairs = np.sum(c) ** 2 - np.sum(c**2)
    return d / k, (d / k - 1) * (np.sum(c**2) + pairs / max(d - 1, 1))


@fixed_count.mistake(
    "each pair is counted once",
    "The square of a sum has each product of two different terms twice. Your covariances are there only once.",
)
def pairs_once(x, w, k):
    d, c = len(x), w * x
    pairs = (np.sum(c) ** 2 - np.sum(c**2)) / 2
    return d / k, (d / k - 1) * (np.sum(c**2) - pairs / max(d - 1, 1))


@fixed_count.mistake(
    "the mean of the square instead of the variance",
    "Yours is the mean of z squared. With all units kept z never changes, and yet your number is not 0: what has to be taken off?",
)
def mean_of_the_square(x, w, k):
    d, c = len(x), w * x
    return d / k, (d / k) ** 2 * _sampled(k, d) * np.var(c) + np.sum(c) ** 2


@fixed_count.mistake(
    "the variance is that of the unscaled sum",
    "Your scale is right, but the variance is that of the sum before it is scaled. What does a factor do to a variance?",
)
def unscaled_variance(x, w, k):
    return len(x) / k, _sampled(k, len(x)) * np.var(w * x)


@fixed_count.mistake(
    "the scale is not squared in the variance",
    "Your variance has the scale in it once. Multiply a random number by c: how much farther do its deviations go, and their squares?",
)
def scale_once(x, w, k):
    return len(x) / k, len(x) / k * _sampled(k, len(x)) * np.var(w * x)


@fixed_count.mistake(
    "the scale is turned round",
    "Yours makes what is kept smaller. Fewer units have to carry the same mean: is the factor above 1 or below?",
)
def turned_round(x, w, k):
    return k / len(x), (k / len(x)) ** 2 * _sampled(k, len(x)) * np.var(w * x)


@fixed_count.mistake(
    "nothing is scaled",
    "That is the plain form: on average the sum is then only k/d of what it should be. The inverted form was asked for.",
)
def plain_count(x, w, k):
    return 1.0, _sampled(k, len(x)) * np.var(w * x)


@fixed_count.mistake(
    "the correction for drawing without putting back is that of an estimate",
    "The d terms are all there are, and you know them: their variance divides by d. The d - 1 comes in once, through the covariance of two units.",
)
def corrected_twice(x, w, k):
    d = len(x)
    return d / k, (d / k) ** 2 * _sampled(k, d) * np.var(w * x) * d / max(d - 1, 1)


@fixed_count.mistake(
    "two units are kept together with the probability (k/d)^2, one with k/d",
    "You took the variances of the units and left the covariances out of it, but with a d - 1 that belongs to them. Write down the variance of a "
    "sum of two terms first.",
)
def half_corrected(x, w, k):
    d = len(x)
    return d / k, (d / k - 1) * np.sum((w * x) ** 2) * d / max(d - 1, 1)


@fixed_count.mistake(
    "the standard deviation instead of the variance",
    "You took the root. The variance itself was asked for.",
)
def deviation(x, w, k):
    return len(x) / k, len(x) / k * np.sqrt(_sampled(k, len(x)) * np.var(w * x))


@fixed_count.mistake(
    "it divides by zero",
    "With a single unit there is no second one, and d - 1 is 0. How large is the variance when that one unit is always kept?",
)
def divides_by_zero(x, w, k):
    d = len(x)
    return d / k, (d / k) ** 2 * np.float64(k * (d - k)) / (d - 1) * np.var(w * x)


# --- wanted_weights: (X'X + (1 - p)/p diag(X'X)) w = X'y ---------------------------------------------------------


def _solved(x, target, penalty):
    return np.linalg.solve(x.T @ x + penalty, x.T @ target)


def _squares(x):
    """The sum of each feature's squares, on a diagonal."""
    return np.diag(np.sum(x**2, axis=0))


wanted_weights = Key(lambda x, target, keep: _solved(x, target, (1 - keep) / keep * _squares(x)))


@wanted_weights.mistake(
    "the noise is averaged away",
    "These are the weights of least squares, as if nothing had been dropped. The mean of a square is more than the square of the mean.",
)
def least_squares(x, target, keep):
    return np.linalg.lstsq(x, target, rcond=None)[0]


@wanted_weights.mistake(
    "it is an ordinary L2 penalty",
    "Your penalty is the same for all weights. The noise of a product is large where its input is large: each weight has a penalty of its own.",
)
def ordinary(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * np.eye(x.shape[1]))


@wanted_weights.mistake(
    "the penalty is a mean, the errors are a sum",
    "One part of your cost is a mean over the examples and the other a sum. Both belong to each example: which one is too small?",
)
def unequal(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * _squares(x) / len(x))


@wanted_weights.mistake(
    "the errors are a mean, the penalty is a sum",
    "The squared errors in your cost are a mean over the examples and the penalty is a sum over them: it is too strong by their number.",
)
def unequal_the_other_way(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * _squares(x) * len(x))


@wanted_weights.mistake(
    "it is the variance of plain dropout",
    "p (1 - p) is the variance of a coin of 0 and 1. Here the coin is divided by p first: what does that do to a variance?",
)
def plain_variance(x, target, keep):
    return _solved(x, target, keep * (1 - keep) * _squares(x))


@wanted_weights.mistake(
    "the odds are turned round",
    "Your penalty grows with keep. The fewer units are dropped, the less noise there should be.",
)
def odds_turned_round(x, target, keep):
    return _solved(x, target, min(keep / max(1 - keep, 1e-12), 1e6) * _squares(x))


@wanted_weights.mistake(
    "the penalty has the probability of dropping for its strength",
    "Your strength is 1 - keep. That is part of the variance of a coin; what became of the division by p?",
)
def dropped_share(x, target, keep):
    return _solved(x, target, (1 - keep) * _squares(x))


@wanted_weights.mistake(
    "all features share one coin",
    "Your weights are those of least squares times keep: that would be right if one coin decided for all features. Here each has its own, so "
    "that only squares of single terms are penalised.",
)
def one_coin(x, target, keep):
    return keep * np.linalg.lstsq(x, target, rcond=None)[0]


@wanted_weights.mistake(
    "the weights are those for plain dropout",
    "Divided by keep, your weights are right for a model that does not scale its inputs in training. Here the inputs were divided by keep already.",
)
def for_plain_dropout(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * _squares(x)) / keep


@wanted_weights.mistake(
    "the penalty has the size of the inputs, not their squares",
    "You add up absolute values. The variance of a product grows with the square of its input.",
)
def absolute(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * np.diag(np.abs(x).sum(axis=0)))


@wanted_weights.mistake(
    "a factor of 2 is lost on one side",
    "Both terms are squares, so both derivatives have a 2. In your equations only one of them has.",
)
def twice_the_penalty(x, target, keep):
    return _solved(x, target, 2 * (1 - keep) / keep * _squares(x))


@wanted_weights.mistake(
    "the derivative of the penalty lacks its 2",
    "Your penalty is half as strong as it should be. It is a sum of squares, like the errors: what does the derivative of a square bring with it?",
)
def half_the_penalty(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * _squares(x) / 2)


@wanted_weights.mistake(
    "the penalty is added to every row",
    "A row of numbers that is added to a matrix is added to each of its rows. Which entries of the matrix does the penalty belong to?",
)
def in_every_row(x, target, keep):
    return np.linalg.lstsq(x.T @ x + (1 - keep) / keep * np.sum(x**2, axis=0), x.T @ target, rcond=None)[0]


@wanted_weights.mistake(
    "the squares are those of the mean inputs",
    "You square the mean of each feature. A feature of both signs has a mean near 0, and still makes noise: take the mean of its squares.",
)
def square_of_means(x, target, keep):
    return _solved(x, target, (1 - keep) / keep * len(x) * np.diag(x.mean(axis=0) ** 2))


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
    "Yours is the ratio of two distances, not of their squares. The expected squared error of a mean falls like 1/M.",
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
    "You leave the thinned nets unscaled and scale the whole net by keep. That is consistent, but it is another net: this one has inverted dropout.",
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
    "the distances are averaged before they are squared",
    "You took the mean distance of a pass and squared that. Each distance is to be squared first: only for the mean of squares does 1/M hold.",
)(26)
passes_needed.mistake(
    "the quotient itself",
    "With so many passes the two would be equal. But passes come in whole numbers, and Monte Carlo is to be below.",
)(33.341)
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
    "dropout.repaired": repaired,
    "dropout.log_average": log_average,
    "dropout.residual_net": residual_net,
    "dropout.fixed_count": fixed_count,
    "dropout.wanted_weights": wanted_weights,
    "dropout.passes_needed": passes_needed,
}
