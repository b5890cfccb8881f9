"""The batch normalization assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.data import digits
from thalweg.numpy import BatchNorm

from ..judge import Key

# --- normalize_images: channels last, statistics over images, rows and columns -----------------------------------


def _normalize_images(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


normalize_images = Key(_normalize_images)


@normalize_images.mistake(
    "each pixel has its own statistics",
    "You average over the images only, so each place in the image gets a mean of its own. A convolution does the same thing at "
    "every place: which values does one channel consist of?",
)
def per_pixel(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=0), x.var(axis=0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@normalize_images.mistake(
    "all channels share one mean and one variance",
    "You average over the channels too, so one loud channel sets the scale of all. How many means should there be?",
)
def over_everything(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


@normalize_images.mistake(
    "each image is normalized by itself",
    "Your images do not know of each other: that is instance normalization. What makes it *batch* normalization?",
)
def per_image(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=(1, 2), keepdims=True), x.var(axis=(1, 2), keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@normalize_images.mistake(
    "each image is normalized over its channels",
    "One mean for each image, over all its channels, is layer normalization. Here it is one for each channel, over all images.",
)
def per_image_all_channels(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=(1, 2, 3), keepdims=True), x.var(axis=(1, 2, 3), keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@normalize_images.mistake(
    "the variance is the unbiased one",
    "You divide by one less than the number of values. That variance is kept for test time; the batch itself is divided by "
    "its own spread, so that the result has variance 1.",
)
def unbiased(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2), ddof=1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@normalize_images.mistake(
    "epsilon is outside the root",
    "You add eps to the standard deviation. Look where the root ends in the formula.",
)
def eps_outside(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, std = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    return gamma * (x - mean) / (std + eps) + beta


@normalize_images.mistake(
    "epsilon is forgotten",
    "A channel that is the same everywhere has the variance 0. What keeps the root from 0?",
)
def normalize_eps_forgotten(x, gamma, beta, eps):
    mean, std = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    return gamma * (x - mean) / std + beta


@normalize_images.mistake(
    "gamma and beta are forgotten",
    "Your channels have mean 0 and variance 1, and that is where you stop. Which two learned numbers does each channel get afterwards?",
)
def normalize_plain(x, gamma, beta, eps):
    return (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + eps)


@normalize_images.mistake(
    "it divides by the variance",
    "A variance has the square of the unit of x. What do you divide by to get numbers without a unit?",
)
def divides_by_variance(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / (var + eps) + beta


@normalize_images.mistake(
    "the channels are taken to be on axis 1",
    "Your statistics are those of images with the channels first, as in PyTorch. Here the channels are the last axis.",
)
def channels_first(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


# --- running_statistics: the averages that PyTorch keeps ----------------------------------------------------------


def _running_statistics(batches, momentum):
    norm = BatchNorm(batches.shape[2], momentum=momentum)
    for batch in batches:
        norm = norm.updated(norm.forward(batch, norm.init(), training=True)[1])
    return norm.running_mean, norm.running_var


def _averaged(batches, momentum, mean, var, statistics):
    """Start from ``mean`` and ``var`` and blend in ``statistics(batch, mean)`` of one batch after the other."""
    for batch in batches:
        new_mean, new_var = statistics(batch, mean)
        mean = (1 - momentum) * mean + momentum * new_mean
        var = (1 - momentum) * var + momentum * new_var
    return mean, var


running_statistics = Key(_running_statistics)


@running_statistics.mistake(
    "momentum weighs the old value",
    "In your average the old value counts momentum and the new one the rest. Here it is the other way round: 0.1 is the weight "
    "of what has just been seen.",
)
def weighs_the_old(batches, momentum):
    return _averaged(batches, 1 - momentum, 0.0, 1.0, lambda x, _: (x.mean(axis=0), x.var(axis=0, ddof=1)))


@running_statistics.mistake(
    "the variance is the biased one",
    "A small batch spreads less around its own mean than the data do. Which divisor makes up for that?",
)
def biased(batches, momentum):
    return _averaged(batches, momentum, 0.0, 1.0, lambda x, _: (x.mean(axis=0), x.var(axis=0)))


@running_statistics.mistake(
    "momentum weighs the old value, and the variance is the biased one",
    "Two things at once. In your averages the old value counts momentum, and here that is the weight of the new one. And a small batch "
    "spreads less around its own mean than the data do: which divisor makes up for that?",
)
def weighs_the_old_biased(batches, momentum):
    return _averaged(batches, 1 - momentum, 0.0, 1.0, lambda x, _: (x.mean(axis=0), x.var(axis=0)))


@running_statistics.mistake(
    "the averages start at the first batch, and the variance is the biased one",
    "Two things at once. Your averages take over the first batch as it is, but they start before it. And your variances divide by the "
    "size of the batch; the ones that are kept for test time do not.",
)
def starts_at_the_first_biased(batches, momentum):
    first = batches[0]
    return _averaged(
        batches[1:], momentum, first.mean(axis=0), first.var(axis=0), lambda x, _: (x.mean(axis=0), x.var(axis=0))
    )


@running_statistics.mistake(
    "standard deviations are averaged",
    "You average roots. It is the variances that are averaged; the root is taken once, at test time.",
)
def averages_roots(batches, momentum):
    return _averaged(batches, momentum, 0.0, 1.0, lambda x, _: (x.mean(axis=0), x.std(axis=0, ddof=1)))


@running_statistics.mistake(
    "the variance starts at 0",
    "Your means are right. Before any batch, the layer should do nothing at test time: which variance leaves x as it is?",
)
def starts_at_zero(batches, momentum):
    return _averaged(batches, momentum, 0.0, 0.0, lambda x, _: (x.mean(axis=0), x.var(axis=0, ddof=1)))


@running_statistics.mistake(
    "all batches count alike",
    "You take the plain mean over the batches, so momentum plays no part. What should happen to an old batch at each step?",
)
def plain_mean(batches, momentum):
    return batches.mean(axis=(0, 1)), batches.var(axis=1, ddof=1).mean(axis=0)


@running_statistics.mistake(
    "all batches are pooled",
    "You treat all batches as one large one, so nothing is ever forgotten and the batches' own means count as spread. Go through them "
    "one by one, and let each move the averages a little.",
)
def pooled(batches, momentum):
    rows = batches.reshape(-1, batches.shape[2])
    return rows.mean(axis=0), rows.var(axis=0, ddof=1)


@running_statistics.mistake(
    "the averages start at the first batch",
    "Your averages take over the first batch as it is. They start before it, at a mean and a variance that leave x as it is, and the "
    "first batch moves them like any other.",
)
def starts_at_the_first(batches, momentum):
    mean, var = batches[0].mean(axis=0), batches[0].var(axis=0, ddof=1)
    return _averaged(batches[1:], momentum, mean, var, lambda x, _: (x.mean(axis=0), x.var(axis=0, ddof=1)))


@running_statistics.mistake(
    "the variance is taken around the running mean",
    "Your variance measures the distance from the average of all batches so far. Each batch has its own mean.",
)
def around_the_running_mean(batches, momentum):
    def statistics(x, mean):
        return x.mean(axis=0), ((x - mean) ** 2).sum(axis=0) / (len(x) - 1)

    return _averaged(batches, momentum, 0.0, 1.0, statistics)


@running_statistics.mistake(
    "the two results have changed places",
    "The mean comes first, then the variance.",
)
def results_swapped(batches, momentum):
    return _running_statistics(batches, momentum)[::-1]


# --- fold: w' = w gamma / std, b' = (b - mean) gamma / std + beta -------------------------------------------------


def _fold(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], (b - mean) * scale + beta


fold = Key(_fold)


@fold.mistake(
    "the old bias is not scaled",
    "The layer normalizes everything that reaches it, the bias included. In your result it slips through unchanged.",
)
def bias_unscaled(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], b - mean * scale + beta


@fold.mistake(
    "the mean is forgotten",
    "Your spread is right, but the output is off by a constant. What does the layer take away before it divides?",
)
def mean_forgotten(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], b * scale + beta


@fold.mistake(
    "the old bias is forgotten",
    "Your new bias does not depend on the old one. What the layer gets is Wx + b, not Wx.",
)
def bias_forgotten(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], beta - mean * scale


@fold.mistake(
    "beta is forgotten",
    "Your weights are right. The last thing that the layer does to each unit is missing from your bias.",
)
def beta_forgotten(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], (b - mean) * scale


@fold.mistake(
    "gamma is forgotten",
    "You divide by the spread, but the layer then stretches each unit by a learned factor.",
)
def gamma_forgotten(w, b, gamma, beta, mean, var, eps):
    scale = 1 / np.sqrt(var + eps)
    return w * scale[:, None], (b - mean) * scale + beta


@fold.mistake(
    "gamma and beta are forgotten",
    "You fold the normalization alone. What does the layer do to each unit after it has divided?",
)
def both_forgotten(w, b, gamma, beta, mean, var, eps):
    scale = 1 / np.sqrt(var + eps)
    return w * scale, (b - mean) * scale


@fold.mistake(
    "neither the mean nor the old bias is scaled",
    "Your weights are right. What the layer divides is everything that reaches it, after the mean is taken away: hW + b - mean.",
)
def nothing_scaled(w, b, gamma, beta, mean, var, eps):
    return w * gamma / np.sqrt(var + eps), b - mean + beta


@fold.mistake(
    "the mean is not scaled",
    "The old bias is scaled in your result and the mean is not. The layer subtracts one from the other before it divides.",
)
def mean_unscaled(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b * scale - mean + beta


@fold.mistake(
    "epsilon is forgotten",
    "A unit whose variance is 0 breaks your weights. What keeps the root from 0 in the layer?",
)
def eps_forgotten(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var)
    return w * scale[:, None], (b - mean) * scale + beta


@fold.mistake(
    "epsilon is outside the root",
    "You add eps to the standard deviation; the layer adds it to the variance.",
)
def fold_eps_outside(w, b, gamma, beta, mean, var, eps):
    scale = gamma / (np.sqrt(var) + eps)
    return w * scale[:, None], (b - mean) * scale + beta


@fold.mistake(
    "the columns of w are scaled",
    "gamma has one entry for each unit, and a unit's weights stand in a row of w. You scaled columns.",
)
def columns_scaled(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, (b - mean) * scale + beta


@fold.mistake(
    "beta is scaled as well",
    "beta is added last, after everything has been scaled. In your bias it goes through the scaling too.",
)
def beta_scaled(w, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], (b - mean + beta) * scale


# --- backward_from_output: x_hat is recovered from y, then the one-line gradient ----------------------------------


def _backward_from_output(dy, cache):
    y, gamma, beta, std = cache
    return BatchNorm(len(gamma)).backward(dy, ((y - beta) / gamma, std, gamma, "in training"))


backward_from_output = Key(_backward_from_output)


@backward_from_output.mistake(
    "mean and variance are taken for constants",
    "Your dx is the gradient at test time. In training every x of the batch also moves the mean and the variance, and through "
    "them all other outputs.",
)
def constants(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    return gamma / std * dy, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}


@backward_from_output.mistake(
    "the way through the mean is missing",
    "Raise all x of a feature by the same amount: y does not change, so dx must sum to 0 over the batch. Does yours?",
)
def no_mean_term(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    dx = gamma / std * (dy - x_hat * (dy * x_hat).mean(axis=0))
    return dx, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}


@backward_from_output.mistake(
    "the way through the variance is missing",
    "Your dx sums to 0, as it should. But stretching a feature leaves y (almost) as it was, so dx must have (almost) no part "
    "along x_hat either.",
)
def no_variance_term(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    return gamma / std * (dy - dy.mean(axis=0)), {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}


@backward_from_output.mistake(
    "y is taken for x_hat",
    "The formulas want the normalized input, before gamma and beta. You have y: undo them first.",
)
def y_for_x_hat(dy, cache):
    y, gamma, beta, std = cache
    dx = gamma / std * (dy - dy.mean(axis=0) - y * (dy * y).mean(axis=0))
    return dx, {"gamma": (dy * y).sum(axis=0), "beta": dy.sum(axis=0)}


@backward_from_output.mistake(
    "gamma is missing from dx",
    "Your dgamma and dbeta are right. On its way from y to x the gradient passes the factor gamma; yours does not.",
)
def no_gamma(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    dx = (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)) / std
    return dx, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}


@backward_from_output.mistake(
    "sums stand where means belong",
    "What you take away from dy grows with the batch. A mean over the batch has a 1/B in it, and so have its gradients.",
)
def sums_for_means(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    return gamma / std * (dy - dbeta - x_hat * dgamma), {"gamma": dgamma, "beta": dbeta}


@backward_from_output.mistake(
    "the gradients of gamma and beta are averaged",
    "Your dx is right. gamma and beta act on every example, so their gradients add up over the batch; the 1/B of the loss is "
    "in dy already.",
)
def averaged_parameters(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    dgamma, dbeta = (dy * x_hat).mean(axis=0), dy.mean(axis=0)
    return gamma / std * (dy - dbeta - x_hat * dgamma), {"gamma": dgamma, "beta": dbeta}


@backward_from_output.mistake(
    "the gradients of gamma and beta have changed places",
    "Your dx is right. Which of the two parameters multiplies x_hat, so that its gradient has x_hat in it?",
)
def parameters_swapped(dy, cache):
    y, gamma, beta, std = cache
    x_hat = (y - beta) / gamma
    dx = gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, {"gamma": dy.sum(axis=0), "beta": (dy * x_hat).sum(axis=0)}


@backward_from_output.mistake(
    "x_hat is recovered in the wrong order",
    "You divide by gamma first and subtract beta afterwards. The layer multiplies, then adds: what was done last is undone first.",
)
def wrong_order(dy, cache):
    y, gamma, beta, std = cache
    x_hat = y / gamma - beta
    dx = gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}


# --- batch_size: measured on the digits ---------------------------------------------------------------------------


def measure_batch_size(most=0.25, draws=200, seed=0):
    """The smallest power of two whose batches normalize the digits' projections to within ``most`` of all the data."""
    z = digits(seed=0).x_train @ np.random.default_rng(0).normal(size=(64, 50))
    whole = (z - z.mean(axis=0)) / z.std(axis=0)
    rng = np.random.default_rng(seed)
    for size in 2 ** np.arange(1, 9):
        squares = []
        for _ in range(draws):
            picked = rng.choice(len(z), size, replace=False)
            batch = (z[picked] - z[picked].mean(axis=0)) / z[picked].std(axis=0)
            squares.append(np.mean((batch - whole[picked]) ** 2))
        if np.sqrt(np.mean(squares)) <= most:
            return int(size)
    raise RuntimeError(f"no batch size gets within {most}")


batch_size = Key(32)  # measure_batch_size(): the tests run it again

batch_size.mistake(
    "only the mean's noise is counted",
    "1/sqrt(16) is 0.25: the noise of the mean alone. The batch's variance is noisy too, and it stretches every value. Measure "
    "the difference of the normalized values.",
)(16)
batch_size.mistake(
    "the prediction, not the measurement",
    "24 solves the formula sqrt(1.5/B) = 0.25. The question asks which of the sizes 2, 4, 8, ... is the first to get there.",
)(24)
batch_size.mistake(
    "the mean square, not its root",
    "At 8 the mean of the squared differences is first below 0.25. Its root is still 0.43.",
)(8)
batch_size.mistake(
    "the difference, not the batch size",
    "That looks like how far the values are off. The question asks for the batch size at which this happens.",
)(0.21)

KEYS = {
    "batch_normalization.normalize_images": normalize_images,
    "batch_normalization.running_statistics": running_statistics,
    "batch_normalization.fold": fold,
    "batch_normalization.backward_from_output": backward_from_output,
    "batch_normalization.batch_size": batch_size,
}
