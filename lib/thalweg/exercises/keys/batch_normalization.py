"""The batch normalization assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.data import digits

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
def normalize_eps_forgotten(x, parameters, eps):
    gamma, beta = parameters["gamma"], parameters["beta"]
    mean, std = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    return gamma * (x - mean) / std + beta


@normalize_images.mistake(
    "gamma and beta are forgotten",
    "Your channels have mean 0 and variance 1, and that is where you stop. Which two learned numbers does each channel get afterwards?",
)
def normalize_plain(x, parameters, eps):
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


# --- mended: training normalizes by the batch and moves the averages; test time normalizes by them and moves nothing ---


def _layer(
    x, gamma, beta, mean, var, momentum, eps, training, *, batch=(True, False), moves=(True, False), kept=1, used=0
):
    """The layer; ``batch`` and ``moves``: is it normalized by the batch, do the averages move, in training and at test time?

    ``kept`` and ``used`` are the degrees of freedom of the variance that is kept and of the one that normalizes.
    """
    new_mean, new_var = mean.copy(), var.copy()
    if moves[not training]:
        variance = x.var(axis=0, ddof=kept) if len(x) > kept else np.full_like(var, np.nan)
        new_mean = (1 - momentum) * mean + momentum * x.mean(axis=0)
        new_var = (1 - momentum) * var + momentum * variance
    if batch[not training]:
        centre, square = x.mean(axis=0), x.var(axis=0, ddof=min(used, len(x) - 1))
    else:
        centre, square = new_mean, new_var
    return gamma * (x - centre) / np.sqrt(square + eps) + beta, new_mean, new_var


def _mended(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training)


mended = Key(_mended)


@mended.mistake(
    "nothing is mended",
    "It behaves exactly as your friend's code does. Start with the first symptom: which statistics normalize a training batch in it?",
)
def mended_nothing(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, batch=(False, True), moves=(True, True), kept=0)


@mended.mistake(
    "training and test time are exchanged",
    "Look which statistics normalize: in training it should be the batch's own, at test time what was kept.",
)
def mended_exchanged(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, batch=(False, True))


@mended.mistake(
    "the averages still move at test time",
    "Training is right. At test time your averages move as well, so that whoever looks at the network changes it.",
)
def mended_always_moves(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, moves=(True, True))


@mended.mistake(
    "the variance that is kept is still the biased one",
    "Two of the three faults are gone. The third is in the variance that is kept: a small batch spreads less around its own mean than the "
    "data do.",
)
def mended_biased(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, kept=0)


@mended.mistake(
    "the averages still move at test time, and the kept variance is biased",
    "One fault of three is gone: each mode normalizes by the right statistics. What should happen to the averages at test time? And which "
    "divisor has the variance that is kept?",
)
def mended_moves_biased(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, moves=(True, True), kept=0)


@mended.mistake(
    "the modes are still exchanged, and the averages move at test time",
    "One fault of three is gone, the kept variance. In training the batch's own statistics normalize and the averages move; at test time the "
    "averages normalize and stay.",
)
def mended_exchanged_moves(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, batch=(False, True), moves=(True, True))


@mended.mistake(
    "the modes are still exchanged, and the kept variance is biased",
    "One fault of three is gone: at test time the averages stay. Which statistics normalize in which mode? And which divisor has the variance "
    "that is kept?",
)
def mended_exchanged_biased(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, batch=(False, True), kept=0)


@mended.mistake(
    "the unbiased variance normalizes the batch too",
    "What you keep is right. But the same variance now normalizes the batch, whose result then has a variance a little below 1. Two divisors "
    "are needed, one for each purpose.",
)
def mended_unbiased_used(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, used=1)


@mended.mistake(
    "test time is normalized by the batch",
    "Training is right. At test time your answer for an example still depends on the others in the batch; what was kept is not used at all.",
)
def mended_by_the_batch(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, batch=(True, True))


@mended.mistake(
    "training is normalized by the averages",
    "Test time is right. In training the averages normalize in your layer; then nothing holds the mean of the batch at 0.",
)
def mended_by_the_averages(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, momentum, eps, training, batch=(False, False))


@mended.mistake(
    "momentum weighs the old value",
    "Each mode does the right thing now. But your averages keep the part momentum of the old value; here momentum is the weight of the new one.",
)
def mended_weighs_the_old(x, gamma, beta, mean, var, momentum, eps, training):
    return _layer(x, gamma, beta, mean, var, 1 - momentum, eps, training)


@mended.mistake(
    "the averages move at test time, after the answer",
    "At test time your averages still take in the batch, so that the next evaluation finds other ones.",
)
def mended_moves_afterwards(x, gamma, beta, mean, var, momentum, eps, training):
    y, _, _ = _layer(x, gamma, beta, mean, var, momentum, eps, training)
    return y, *_layer(x, gamma, beta, mean, var, momentum, eps, training, moves=(True, True))[1:]


@mended.mistake(
    "training is normalized by the averages as they were",
    "Test time is right. In training you normalize by the averages of the batches before; this batch then need not have mean 0 and variance 1.",
)
def mended_by_the_old(x, gamma, beta, mean, var, momentum, eps, training):
    _, new_mean, new_var = _layer(x, gamma, beta, mean, var, momentum, eps, training)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, new_mean, new_var


@mended.mistake(
    "the correction is turned round",
    "Two of the three faults are gone. But your kept variance is smaller still than the batch's. In which direction is a batch's own variance off?",
)
def mended_corrects_downwards(x, gamma, beta, mean, var, momentum, eps, training):
    y, new_mean, new_var = _layer(x, gamma, beta, mean, var, momentum, eps, training)
    if training:
        new_var = (1 - momentum) * var + momentum * x.var(axis=0) * (len(x) - 1) / len(x)
    return y, new_mean, new_var


@mended.mistake(
    "the whole average is corrected",
    "You correct the new batch's variance and, with it, what was kept before. That has been corrected already, once for each batch.",
)
def mended_corrects_all(x, gamma, beta, mean, var, momentum, eps, training):
    y, new_mean, new_var = _layer(x, gamma, beta, mean, var, momentum, eps, training)
    if training:
        new_var = ((1 - momentum) * var + momentum * x.var(axis=0)) * len(x) / (len(x) - 1)
    return y, new_mean, new_var


# --- merged: within the batches and between them, each batch by its share of the examples ------------------------


def _merged(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    mean = (share * means).sum(axis=0)
    return mean, (share * (variances + (means - mean) ** 2)).sum(axis=0)


merged = Key(_merged)


@merged.mistake(
    "all batches count alike",
    "A batch of three examples counts as much as one of twenty in your result. How much of the data is in each batch?",
)
def merged_alike(means, variances, sizes):
    return _merged(means, variances, np.ones_like(sizes))


@merged.mistake(
    "the spread between the batches is forgotten",
    "Your variance is what the examples spread around the means of their batches; these means differ, too.",
)
def no_spread_between(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    return (share * means).sum(axis=0), (share * variances).sum(axis=0)


@merged.mistake(
    "all batches count alike, and the spread between them is forgotten",
    "Two things at once. You take plain averages of the means and of the variances. Batches hold different numbers of examples; and even if "
    "every batch had the variance 0, the data would vary if the means did.",
)
def plain_averages(means, variances, sizes):
    return means.mean(axis=0), variances.mean(axis=0)


@merged.mistake(
    "the spread within the batches is forgotten",
    "Your variance is that of the batches' means alone, as if all examples of a batch were equal.",
)
def no_spread_within(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    mean = (share * means).sum(axis=0)
    return mean, (share * (means - mean) ** 2).sum(axis=0)


@merged.mistake(
    "the mean square minus the square of the mean",
    "The formula is right, and yet digits are lost: where the mean is large beside the spread, you subtract two huge numbers that agree in "
    "nearly all their digits. Which differences can be taken first?",
)
def unstable(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    mean = (share * means).sum(axis=0)
    return mean, (share * (variances + means**2)).sum(axis=0) - mean**2


@merged.mistake(
    "the variances are pooled with B - 1",
    "That is the pooled variance of statistics, for samples that share one mean and whose variances are unbiased. Here the variances are divided by B, and the "
    "means differ.",
)
def pooled_for_a_test(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    less = (sizes - 1)[:, None]
    return (share * means).sum(axis=0), (less * variances).sum(axis=0) / less.sum()


@merged.mistake(
    "the result is unbiased",
    "You divide by one less than the number of examples. That corrects a sample; what is asked is the mean square distance, divided by the number.",
)
def corrected(means, variances, sizes):
    mean, var = _merged(means, variances, sizes)
    return mean, var * sizes.sum() / (sizes.sum() - 1)


@merged.mistake(
    "the batches' variances are taken for unbiased ones",
    "You multiply each variance by one less than its batch's size. These were divided by the size itself.",
)
def taken_for_unbiased(means, variances, sizes):
    return _merged(means, variances * (1 - 1 / sizes)[:, None], sizes)


@merged.mistake(
    "the batches' means count alike",
    "Your variances are weighted by the sizes and your means are not: neither the common mean nor the spread of the means around it.",
)
def means_alike(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    return means.mean(axis=0), (share * variances).sum(axis=0) + means.var(axis=0)


@merged.mistake(
    "the spread between the batches counts all batches alike",
    "How far a batch's mean is from the common one counts for each of its examples.",
)
def spread_between_alike(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    return (share * means).sum(axis=0), (share * variances).sum(axis=0) + means.var(axis=0)


@merged.mistake(
    "the batches' variances count alike",
    "Within the batches, the variance of twenty examples says more about the data than that of three.",
)
def variances_alike(means, variances, sizes):
    share = sizes[:, None] / sizes.sum()
    mean = (share * means).sum(axis=0)
    return mean, variances.mean(axis=0) + (share * (means - mean) ** 2).sum(axis=0)


@merged.mistake(
    "the standard deviation is returned",
    "Your second result is a root too far: the variance is asked, not the standard deviation.",
)
def root_of_merged(means, variances, sizes):
    mean, var = _merged(means, variances, sizes)
    return mean, np.sqrt(var)


# --- fold: w' = w scale, b' = b + w (beta - mean scale) with scale = gamma / std, one for each input --------------


def _fold(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b + w @ (beta - mean * scale)


fold = Key(_fold)


@fold.mistake(
    "it is folded as if the linear layer came first",
    "That is the chapter's formula, for a linear layer in front of the normalization. Here it stands behind it: what reaches it is normalized already, and gamma has one entry for each "
    "of its inputs.",
)
def folded_before(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], (b - mean) * scale + beta


@fold.mistake(
    "the rows of w are scaled",
    "An input has its factor wherever it goes: which entries of w does it meet, a row or a column?",
)
def rows_scaled(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None], b + w @ (beta - mean * scale)


@fold.mistake(
    "the mean is forgotten",
    "Your weights are right, but the output is off by a constant. What does the layer take away before it divides?",
)
def mean_forgotten(gamma, beta, mean, var, eps, w, b):
    return w * (gamma / np.sqrt(var + eps)), b + w @ beta


@fold.mistake(
    "beta is forgotten",
    "The last thing that the normalization does to each feature is missing from your bias.",
)
def beta_forgotten(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b - w @ (mean * scale)


@fold.mistake(
    "the bias stays as it was",
    "Put in an x that equals the running mean: the normalization makes beta of it, and the linear layer makes what of that?",
)
def bias_unchanged(gamma, beta, mean, var, eps, w, b):
    return w * (gamma / np.sqrt(var + eps)), b + 0


@fold.mistake(
    "the constant does not pass through w",
    "You add the normalization's constant to the bias as it is. It stands in front of the linear layer: what does that do to whatever it gets?",
)
def constant_outside(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b + beta - mean * scale


@fold.mistake(
    "the constant passes through the new weights",
    "The normalization's constant is scaled already. In your bias it meets the folded weights, and so the factor a second time.",
)
def scaled_twice(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b + (w * scale) @ (beta - mean * scale)


@fold.mistake(
    "beta is scaled as well",
    "beta is added after everything has been scaled. In your bias it goes through the factor together with the mean.",
)
def beta_scaled(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b + (w * scale) @ (beta - mean)


@fold.mistake(
    "the mean is not scaled",
    "The mean is subtracted before the division, so it is divided like x; in your bias it is not.",
)
def mean_unscaled(gamma, beta, mean, var, eps, w, b):
    return w * (gamma / np.sqrt(var + eps)), b + w @ (beta - mean)


@fold.mistake(
    "the old bias is forgotten",
    "Your new bias does not depend on the old one, which the linear layer adds at the very end.",
)
def bias_forgotten(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, w @ (beta - mean * scale)


@fold.mistake(
    "the constant meets the columns of w",
    "The constant has one entry for each input, and so the sum in w @ constant runs over a row of w; yours runs over a column.",
)
def constant_transposed(gamma, beta, mean, var, eps, w, b):
    scale = gamma / np.sqrt(var + eps)
    return w * scale, b + (beta - mean * scale) @ w


@fold.mistake(
    "gamma is forgotten",
    "You divide by the spread, but the layer then stretches each feature by a learned factor.",
)
def gamma_forgotten(gamma, beta, mean, var, eps, w, b):
    return _fold(np.ones_like(gamma), beta, mean, var, eps, w, b)


@fold.mistake(
    "epsilon is forgotten",
    "A feature whose variance is 0 breaks your weights. What keeps the root from 0 in the layer?",
)
def eps_forgotten(gamma, beta, mean, var, eps, w, b):
    return _fold(gamma, beta, mean, var, 0.0, w, b)


@fold.mistake(
    "epsilon is outside the root",
    "You add eps to the standard deviation; the layer adds it to the variance.",
)
def fold_eps_outside(gamma, beta, mean, var, eps, w, b):
    scale = gamma / (np.sqrt(var) + eps)
    return w * scale, b + w @ (beta - mean * scale)


@fold.mistake(
    "it divides by the variance",
    "Your factor has the variance below the line. By what does the layer divide?",
)
def fold_divides_by_variance(gamma, beta, mean, var, eps, w, b):
    scale = gamma / (var + eps)
    return w * scale, b + w @ (beta - mean * scale)


# --- rms_backward: one direction is taken out, along x_hat, in each example by itself ----------------------------


def _rms_backward(dy, cache):
    x_hat, rms, gamma = cache
    h = gamma * dy
    dx = (h - x_hat * (h * x_hat).mean(axis=1, keepdims=True)) / rms
    return dx, {"gamma": (dy * x_hat).sum(axis=0)}


rms_backward = Key(_rms_backward)


def _dgamma(dy, x_hat):
    return {"gamma": (dy * x_hat).sum(axis=0)}


@rms_backward.mistake(
    "the root mean square is taken for a constant",
    "Every entry of an example also moves its root mean square, and through it all other entries of y. Stretch an example: y stays (almost), so "
    "dx must have (almost) no part along it.",
)
def rms_constant(dy, cache):
    x_hat, rms, gamma = cache
    return gamma * dy / rms, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "the mean is taken out as well",
    "Your dx sums to 0 over the features. It would have to if a shift of the example changed nothing. Does RMS normalization subtract a mean?",
)
def mean_taken_out(dy, cache):
    x_hat, rms, gamma = cache
    h = gamma * dy
    dx = (h - h.mean(axis=1, keepdims=True) - x_hat * (h * x_hat).mean(axis=1, keepdims=True)) / rms
    return dx, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "gamma stands outside the bracket",
    "In batch normalization gamma can stand in front, because it is the same for all values that share a mean. Here it differs within the average: where does it have to "
    "stand?",
)
def gamma_outside(dy, cache):
    x_hat, rms, gamma = cache
    dx = gamma * (dy - x_hat * (dy * x_hat).mean(axis=1, keepdims=True)) / rms
    return dx, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "the average is over the batch",
    "Your examples know of each other. Which values share a root mean square here, those of a feature or those of an example?",
)
def over_the_batch(dy, cache):
    x_hat, rms, gamma = cache
    h = gamma * dy
    return (h - x_hat * (h * x_hat).mean(axis=0)) / rms, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "it is the backward pass of batch normalization",
    "That is the chapter's formula as it stands: a mean is taken out, gamma is in front, the averages are over the batch. Does any of the three hold here? Ask what can be done to "
    "one example without changing its y.",
)
def of_batch_normalization(dy, cache):
    x_hat, rms, gamma = cache
    dx = gamma / rms * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "it is the backward pass of layer normalization with gamma outside",
    "The axis is right. But no mean is subtracted here, so none is taken out of the gradient; and gamma differs from feature to feature, so it cannot leave the averages.",
)
def of_layer_normalization(dy, cache):
    x_hat, rms, gamma = cache
    g = dy - dy.mean(axis=1, keepdims=True) - x_hat * (dy * x_hat).mean(axis=1, keepdims=True)
    return gamma * g / rms, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "a sum stands where a mean belongs",
    "What you take away grows with the number of features. A root *mean* square has a 1/d in it, and so has its gradient.",
)
def sum_for_mean(dy, cache):
    x_hat, rms, gamma = cache
    h = gamma * dy
    return (h - x_hat * (h * x_hat).sum(axis=1, keepdims=True)) / rms, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "gamma is missing from dx",
    "On its way from y to x_hat the gradient passes the factor gamma; yours does not.",
)
def no_gamma(dy, cache):
    x_hat, rms, gamma = cache
    return (dy - x_hat * (dy * x_hat).mean(axis=1, keepdims=True)) / rms, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "the part along x_hat is added",
    "Your dx has twice the part along x_hat that dy brings, instead of none of it. Which sign has the derivative of 1/rms?",
)
def wrong_sign(dy, cache):
    x_hat, rms, gamma = cache
    h = gamma * dy
    return (h + x_hat * (h * x_hat).mean(axis=1, keepdims=True)) / rms, _dgamma(dy, x_hat)


@rms_backward.mistake(
    "the division by the root mean square is forgotten",
    "The bracket is right. Going forward each entry was divided by the root mean square, so its slope has that divisor as well.",
)
def not_divided(dy, cache):
    x_hat, rms, gamma = cache
    h = gamma * dy
    return h - x_hat * (h * x_hat).mean(axis=1, keepdims=True), _dgamma(dy, x_hat)


@rms_backward.mistake(
    "the gradient of gamma is averaged",
    "In the forward pass gamma acts on every example, so its gradient adds up over the batch; the 1/B of the loss is in dy already.",
)
def averaged_gamma(dy, cache):
    x_hat, rms, gamma = cache
    return _rms_backward(dy, cache)[0], {"gamma": (dy * x_hat).mean(axis=0)}


@rms_backward.mistake(
    "x_hat is missing from the gradient of gamma",
    "What does gamma multiply, so that its gradient has it as a factor?",
)
def gamma_without_x_hat(dy, cache):
    return _rms_backward(dy, cache)[0], {"gamma": dy.sum(axis=0)}


@rms_backward.mistake(
    "the gradient of gamma has x in the place of x_hat",
    "In the forward pass gamma multiplies what has been divided by the root mean square already.",
)
def gamma_with_x(dy, cache):
    x_hat, rms, gamma = cache
    return _rms_backward(dy, cache)[0], {"gamma": (dy * x_hat * rms).sum(axis=0)}


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
    "batch_normalization.mended": mended,
    "batch_normalization.merged": merged,
    "batch_normalization.fold": fold,
    "batch_normalization.rms_backward": rms_backward,
    "batch_normalization.batch_size": batch_size,
}
