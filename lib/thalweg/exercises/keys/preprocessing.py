"""The preprocessing assignment, as it is judged: the references and the mistakes that students make.

Mistakes that differ in one place only share a plain helper that takes what differs.
"""

import numpy as np

from thalweg.numpy import Standardize, Whiten

from ..judge import Key

# --- standardize -------------------------------------------------------------------------------------------------


def _standardize(train, test):
    fitted = Standardize().fit(train)
    return fitted.transform(train), fitted.transform(test)


standardize = Key(_standardize)


def one_for_constants(std, train):
    """Deviations to divide by: 1 where a feature is constant."""
    return np.where(np.ptp(train, axis=0) == 0, 1, std).astype(std.dtype)


def by(train, test, mean, std, of_test=None):
    """Both sets by a mean and a deviation; the test set by another pair where one is given."""
    mean_test, std_test = of_test or (mean, std)
    return (train - mean) / std, (test - mean_test) / std_test


@standardize.mistake(
    "the test set has statistics of its own",
    "You take mean and deviation of the test set for the test set, so that the same example gives other numbers here than there, and a single one gives 0.",
)
def own_statistics(train, test):
    own = test.mean(axis=0), one_for_constants(test.std(axis=0), test)
    return by(train, test, train.mean(axis=0), one_for_constants(train.std(axis=0), train), own)


@standardize.mistake(
    "statistics of both sets together",
    "Mean and deviation come from both sets together. What may the test set be used for before the very end?",
)
def of_both(train, test):
    both = np.concatenate([train, test])
    return by(train, test, both.mean(axis=0), one_for_constants(both.std(axis=0), both))


@standardize.mistake(
    "each example is standardized by itself",
    "You average along the rows: every example gets mean 0, whatever its features are. Over what does the mean of a feature go?",
)
def rows(train, test):
    out = []
    for x in (train, test):
        std = x.std(axis=1, keepdims=True)
        out.append((x - x.mean(axis=1, keepdims=True)) / np.where(std == 0, 1, std))
    return tuple(out)


@standardize.mistake(
    "one mean for all features",
    "You take one mean and one deviation of all numbers together. Here each feature has its own.",
)
def one_for_all(train, test):
    return by(train, test, train.mean(), train.std())


@standardize.mistake(
    "divided by the variance",
    "You divide by the variance. In which unit is it, if the feature is in metres?",
)
def variance(train, test):
    return by(train, test, train.mean(axis=0), one_for_constants(train.var(axis=0), train))


@standardize.mistake(
    "the variance is divided by n - 1",
    "Your deviations are those of a sample, with n - 1. Here, as in scikit-learn, the numbers at hand are to have the deviation 1: divide by n.",
)
def unbiased(train, test):
    return by(train, test, train.mean(axis=0), one_for_constants(train.std(axis=0, ddof=1), train))


@standardize.mistake(
    "the mean is forgotten at test time",
    "The test set is divided by the training set's deviation, but its mean is still in it: what has to be subtracted, there as here?",
)
def not_centred(train, test):
    std = one_for_constants(train.std(axis=0), train)
    return by(train, test, train.mean(axis=0), std, (0 * std, std))


@standardize.mistake(
    "a constant feature is divided by 0",
    "All is right but for a feature that is constant in the training set: its deviation is 0. Divide it by 1.",
)
def divided_by_zero(train, test):
    return by(train, test, train.mean(axis=0), train.std(axis=0))


@standardize.mistake(
    "a small number is added to the deviation",
    "A small number in the denominator takes the NaN away, but a feature that was constant in the training set and is not in the test set becomes enormous. Divide it by 1.",
)
def small_number(train, test):
    return by(train, test, train.mean(axis=0), train.std(axis=0) + np.asarray(1e-8, train.dtype))


@standardize.mistake(
    "the deviation is compared with 0",
    "You look for deviations that are exactly 0. When the mean of ten equal numbers is rounded they all deviate from it, by some 1e-17. How else can you see that a feature is constant?",
)
def compared_with_zero(train, test):
    std = train.std(axis=0)
    return by(train, test, train.mean(axis=0), np.where(std == 0, 1, std).astype(std.dtype))


# --- into_weights ------------------------------------------------------------------------------------------------


def per_channel(values, W):
    """Of one number a channel: an array that meets axis 1 of ``W``."""
    return values.reshape(1, -1, *[1] * (W.ndim - 2))


def summed(W):
    """Over all axes but the outputs'."""
    return W.sum(axis=tuple(range(1, W.ndim)))


def _into_weights(W, b, mean, std):
    W = W / per_channel(std, W)
    return W, b - summed(W * per_channel(mean, W))


into_weights = Key(_into_weights)


@into_weights.mistake(
    "the weights are multiplied by the deviation",
    "You multiply the weights by the deviation. What was divided before the layer has to be divided in it.",
)
def multiplied(W, b, mean, std):
    W = W * per_channel(std, W)
    return W, b - summed(W * per_channel(mean, W))


@into_weights.mistake(
    "the bias is left as it was",
    "Your bias is as it was, but the weights now meet inputs whose mean is still in them. Multiply out W (x - mean) / std: what does not depend on x?",
)
def old_bias(W, b, mean, std):
    return W / per_channel(std, W), b.copy()


@into_weights.mistake(
    "the mean is added",
    "In the bias the term with the mean has the wrong sign.",
)
def added(W, b, mean, std):
    W = W / per_channel(std, W)
    return W, b + summed(W * per_channel(mean, W))


@into_weights.mistake(
    "the mean meets the old weights",
    "In the bias you multiply the mean by the weights from before, as if it were not divided by the deviation.",
)
def old_weights(W, b, mean, std):
    return W / per_channel(std, W), b - summed(W * per_channel(mean, W))


@into_weights.mistake(
    "the mean is divided by the deviation twice",
    "The new weights contain the deviation already; in the bias you divide the mean by it once more.",
)
def twice(W, b, mean, std):
    W = W / per_channel(std, W)
    return W, b - summed(W * per_channel(mean / std, W))


@into_weights.mistake(
    "the variance instead of the deviation",
    "You divide by the square of the deviation.",
)
def squared(W, b, mean, std):
    W = W / per_channel(std**2, W)
    return W, b - summed(W * per_channel(mean, W))


@into_weights.mistake(
    "the deviations meet the columns of the window",
    "A dense layer comes out right. In a convolution W / std divides the last axis, which counts the columns of the window. On which axis are the channels?",
)
def last_axis(W, b, mean, std):
    if W.ndim == 2 or W.shape[-1] != len(std):
        return _into_weights(W, b, mean, std)
    W = W / std
    return W, b - summed(W * mean)


@into_weights.mistake(
    "the deviations meet the outputs",
    "You divide the rows of W, which belong to the outputs. What was standardized are the inputs.",
)
def rows_of_outputs(W, b, mean, std):
    factor = np.resize(std, len(W)).reshape(-1, *[1] * (W.ndim - 1))
    W = W / factor
    return W, b - summed(W * per_channel(mean, W))


@into_weights.mistake(
    "the mean is averaged over the window",
    "A dense layer comes out right. In a convolution the mean of a channel enters at every place of the window: add up the weights over the window, do not average them.",
)
def averaged(W, b, mean, std):
    W = W / per_channel(std, W)
    window = W.shape[2:]
    return W, b - summed(W * per_channel(mean, W)) / (np.prod(window, dtype=W.dtype) if window else 1)


# --- pca_whiten --------------------------------------------------------------------------------------------------


def _pca_whiten(train, test, k):
    fitted = Whiten("PCA", directions=k).fit(train)
    white = fitted.transform(test)
    return white, fitted.inverse(white)


pca_whiten = Key(_pca_whiten)


def _directions(train):
    h, q = np.linalg.eigh(np.cov(train.T, bias=True).reshape(train.shape[1], -1))
    return h[::-1].clip(0), q[:, ::-1]


def whitened_by(train, test, k, scale=np.sqrt, unscale=np.sqrt, mean=None, mean_back=None, which=slice(None)):
    """There and back, with any scales of the directions, any means, and any order of the directions."""
    h, q = (a[..., which] for a in _directions(train))
    h, q = h[:k], q[:, :k]
    mean = train.mean(axis=0) if mean is None else mean
    white = (test - mean) @ q / scale(h)
    restored = white * unscale(h) @ q.T + (mean if mean_back is None else mean_back)
    return white.astype(test.dtype), restored.astype(test.dtype)


@pca_whiten.mistake(
    "the variance without its root",
    "You divide by the variance of a direction. To give it variance 1, by what must the coordinates be divided?",
)
def without_root(train, test, k):
    return whitened_by(train, test, k, scale=lambda h: h, unscale=lambda h: h)


@pca_whiten.mistake(
    "the directions are not scaled",
    "Your coordinates are uncorrelated, but they still have the variances that they had. White is what has variance 1 in every direction.",
)
def only_turned(train, test, k):
    return whitened_by(train, test, k, scale=np.ones_like, unscale=np.ones_like)


@pca_whiten.mistake(
    "singular values are taken for deviations",
    "Your coordinates are too small by the root of the number of examples. Singular values of the centred matrix grow with every row: their squares are sums, not means.",
)
def not_divided_by_n(train, test, k):
    def scale(h):
        return np.sqrt(h * len(train))

    return whitened_by(train, test, k, scale=scale, unscale=scale)


@pca_whiten.mistake(
    "the variance is divided by n - 1",
    "Your variances are those of a sample, with n - 1, as in numpy.cov by default. Here they are divided by n.",
)
def sample_variance(train, test, k):
    def scale(h):
        return np.sqrt(h * len(train) / (len(train) - 1))

    return whitened_by(train, test, k, scale=scale, unscale=scale)


@pca_whiten.mistake(
    "the directions of the smallest variance are kept",
    "eigh sorts its eigenvalues from small to large, and you keep the first. Which directions are worth keeping?",
)
def smallest(train, test, k):
    d = min(train.shape[1], len(train) - 1)
    return whitened_by(train, test, k, which=np.arange(d)[::-1])


@pca_whiten.mistake(
    "the largest direction comes last",
    "You keep the right directions, but in eigh's order, from small to large. Here the largest comes first.",
)
def largest_last(train, test, k):
    white, restored = whitened_by(train, test, k)
    return white[:, ::-1].copy(), restored


@pca_whiten.mistake(
    "the test set is centred by its own mean",
    "You subtract the mean of the test set from the test set. The transformation is fitted on the training set, and then the same for everything.",
)
def own_mean(train, test, k):
    return whitened_by(train, test, k, mean=test.mean(axis=0))


@pca_whiten.mistake(
    "the mean is forgotten at test time",
    "You turn and scale the test set without subtracting the mean of the training set.",
)
def no_mean(train, test, k):
    return whitened_by(train, test, k, mean=np.zeros(train.shape[1]))


@pca_whiten.mistake(
    "the mean is subtracted but not given back",
    "What you restore lies around 0: what was taken away on the way there?",
)
def mean_lost(train, test, k):
    return whitened_by(train, test, k, mean_back=np.zeros(train.shape[1]))


@pca_whiten.mistake(
    "the way back does not undo the scale",
    "On the way back you turn them, but do not multiply them by what they were divided by.",
)
def scale_lost(train, test, k):
    return whitened_by(train, test, k, unscale=np.ones_like)


@pca_whiten.mistake(
    "the rows of the matrix of eigenvectors",
    "You take the rows of what eigh returns. The eigenvectors are its columns.",
)
def rows_for_columns(train, test, k):
    h, q = _directions(train)
    h, q = h[:k], q.T[:, :k]
    white = (test - train.mean(axis=0)) @ q / np.sqrt(h)
    return white.astype(test.dtype), (white * np.sqrt(h) @ q.T + train.mean(axis=0)).astype(test.dtype)


@pca_whiten.mistake(
    "the covariance of data that were not centred",
    "Your directions are those of the second moments: the first one points to the mean. Centre before you look for directions.",
)
def uncentred(train, test, k):
    h, q = np.linalg.eigh(train.T @ train / len(train))
    h, q = h[::-1][:k].clip(0), q[:, ::-1][:, :k]
    white = (test - train.mean(axis=0)) @ q / np.sqrt(h)
    return white.astype(test.dtype), (white * np.sqrt(h) @ q.T + train.mean(axis=0)).astype(test.dtype)


# --- zca ---------------------------------------------------------------------------------------------------------


def _powered(cov, scale):
    h, q = np.linalg.eigh(cov)
    return (q * scale(np.maximum(h, 0)) @ q.T).astype(cov.dtype)


def _zca(cov, eps):
    return _powered(cov, lambda h: 1 / np.sqrt(h + eps)), _powered(cov, lambda h: np.sqrt(h + eps))


zca = Key(_zca)


@zca.mistake(
    "it is not turned back",
    "That is PCA whitening: white, but the first number is no longer the first pixel. After the scaling, turn back.",
)
def not_turned_back(cov, eps):
    h, q = np.linalg.eigh(cov)
    root = np.sqrt(np.maximum(h, 0) + eps)
    return (q / root).T, q * root


@zca.mistake(
    "turned in the wrong order",
    "You turn by Q, scale, and turn by the transpose. The columns of Q are the directions: which of the two takes an input to its coordinates along them?",
)
def wrong_order(cov, eps):
    h, q = np.linalg.eigh(cov)
    root = np.sqrt(np.maximum(h, 0) + eps)
    return (q.T / root) @ q, (q.T * root) @ q


@zca.mistake(
    "the variance without its root",
    "You have the inverse of the covariance and the covariance. White needs half of that: a matrix that, used twice, is the inverse.",
)
def full_power(cov, eps):
    return _powered(cov, lambda h: 1 / (h + eps)), _powered(cov, lambda h: h + eps)


@zca.mistake(
    "epsilon outside of the root",
    "You add eps to the deviations. Here it is added to the variances.",
)
def epsilon_outside(cov, eps):
    return _powered(cov, lambda h: 1 / (np.sqrt(h) + eps)), _powered(cov, lambda h: np.sqrt(h) + eps)


@zca.mistake(
    "epsilon is forgotten on the way back",
    "The way back has to undo the way there, and eps is in that.",
)
def back_without(cov, eps):
    return _powered(cov, lambda h: 1 / np.sqrt(h + eps)), _powered(cov, np.sqrt)


@zca.mistake(
    "epsilon is forgotten on the way there",
    "On the way there you divide without eps: what becomes of a direction without variance?",
)
def there_without(cov, eps):
    return _powered(cov, lambda h: 1 / np.sqrt(h)), _powered(cov, lambda h: np.sqrt(h + eps))


@zca.mistake(
    "epsilon is forgotten",
    "Both of your matrices are without eps. It is added to every variance before anything is divided: what becomes of a direction without variance?",
)
def no_epsilon(cov, eps):
    return _powered(cov, lambda h: 1 / np.sqrt(h)), _powered(cov, np.sqrt)


@zca.mistake(
    "the two matrices are swapped",
    "You return the right matrices in the wrong order: first comes the one that makes data white.",
)
def swapped(cov, eps):
    return _zca(cov, eps)[::-1]


@zca.mistake(
    "each input is scaled by itself",
    "You divide each input by its own deviation. That standardizes; the correlations are still there.",
)
def only_standardized(cov, eps):
    root = np.sqrt(np.diag(cov) + eps)
    return np.diag(1 / root), np.diag(root)


@zca.mistake(
    "Cholesky's factor",
    "That is white as well, but not symmetric: the inverse of Cholesky's factor leaves the first input alone and mixes all into the last. Of the many matrices that whiten, ZCA is the symmetric one.",
)
def by_factor(cov, eps):
    factor = np.linalg.cholesky(cov + np.asarray(eps, cov.dtype) * np.eye(len(cov), dtype=cov.dtype))
    return np.linalg.inv(factor), factor


@zca.mistake(
    "the way back is the transpose",
    "You come back by the transpose of the way there, which is itself: only a rotation is undone so.",
)
def transposed(cov, eps):
    there = _powered(cov, lambda h: 1 / np.sqrt(h + eps))
    return there, there.T.copy()


# --- take_in -----------------------------------------------------------------------------------------------------


def _take_in(n, mean, scatter, x):
    new = mean + (x - mean) / np.asarray(n + 1, mean.dtype)
    return new, scatter + np.outer(x - mean, x - new)


take_in = Key(_take_in)


def taken_in(n, mean, x):
    """The mean with one example more."""
    return mean + (x - mean) / np.asarray(n + 1, mean.dtype)


@take_in.mistake(
    "both deviations are from the old mean",
    "In the scatter both factors deviate from the old mean, which is too much: the new mean has come a part of the way.",
)
def both_old(n, mean, scatter, x):
    return taken_in(n, mean, x), scatter + np.outer(x - mean, x - mean)


@take_in.mistake(
    "both deviations are from the new mean",
    "In the scatter both factors deviate from the new mean: so the newcomer's own deviation is in it, but not what the older examples gain because the mean has moved away from them.",
)
def both_new(n, mean, scatter, x):
    new = taken_in(n, mean, x)
    return new, scatter + np.outer(x - new, x - new)


@take_in.mistake(
    "second moments less the square of the mean",
    "It is right, but for data far from 0: there you subtract two huge numbers that agree in nearly all their digits. Write it with deviations only.",
)
def by_moments(n, mean, scatter, x):
    new = taken_in(n, mean, x)
    moments = scatter + n * np.outer(mean, mean) + np.outer(x, x)
    return new, (moments - (n + 1) * np.outer(new, new)).astype(mean.dtype)


@take_in.mistake(
    "variances only",
    "The diagonal of your scatter is right, but the products of different inputs are missing.",
)
def diagonal(n, mean, scatter, x):
    new = taken_in(n, mean, x)
    return new, scatter + np.diag((x - mean) * (x - new))


@take_in.mistake(
    "the newcomer weighs as much as all before",
    "Your mean moves half of the way to the newcomer. It is one example of n + 1.",
)
def half(n, mean, scatter, x):
    new = mean + (x - mean) / 2
    return new, scatter + np.outer(x - mean, x - new)


@take_in.mistake(
    "the mean is divided by n",
    "Your mean moves too far: with the newcomer there are n + 1 examples.",
)
def by_n(n, mean, scatter, x):
    new = mean + (x - mean) / np.asarray(max(n, 1), mean.dtype)
    return new, scatter + np.outer(x - mean, x - new)


@take_in.mistake(
    "a covariance where the scatter is asked",
    "What you return as scatter is a mean of products; the scatter is their sum, which is what can be carried on.",
)
def divided(n, mean, scatter, x):
    new = taken_in(n, mean, x)
    return new, (scatter + np.outer(x - mean, x - new)) / np.asarray(n + 1, mean.dtype)


@take_in.mistake(
    "products instead of deviations",
    "You add the products of the example itself. The scatter is made of deviations from the mean.",
)
def raw_products(n, mean, scatter, x):
    return taken_in(n, mean, x), scatter + np.outer(x, x)


# --- steps_needed ------------------------------------------------------------------------------------------------


def with_a_one(x):
    """The inputs as the layer sees them: the bias has an input that is always 1."""
    return np.column_stack([x, np.ones(len(x))])


def curvatures(x):
    """The eigenvalues that are not 0 of the second moments of ``x``."""
    h = np.linalg.eigvalsh(x.T @ x / len(x))
    return h[h > 1e-10 * h[-1]]


def needed(h, share, power=1.0, rate=None):
    """What is asked of the curvatures ``h``."""
    kappa = (h[-1] / h[0]) ** power
    return kappa, 2 / (h[-1] + h[0]) if rate is None else rate, np.log(share) / np.log((kappa - 1) / (kappa + 1))


def _steps_needed(x, share):
    return needed(curvatures(with_a_one(x.astype(float))), share)


steps_needed = Key(_steps_needed)


@steps_needed.mistake(
    "the bias is forgotten",
    "You use the moments of the features alone. The bias is a weight, too: what is its input?",
)
def no_bias(x, share):
    return needed(curvatures(x.astype(float)), share)


@steps_needed.mistake(
    "the covariance in the place of the moments",
    "You centre the features first. But the layer gets them as they are, with their mean, and the mean is what makes its valley long.",
)
def centred(x, share):
    return needed(curvatures(with_a_one(x.astype(float) - x.mean(axis=0))), share)


@steps_needed.mistake(
    "the condition number of the inputs",
    "Your kappa is the ratio of singular values of the inputs. Curvatures are their squares.",
)
def of_inputs(x, share):
    h = curvatures(with_a_one(x.astype(float)))
    return needed(h, share, power=0.5)


@steps_needed.mistake(
    "sums instead of means",
    "Your curvatures are those of a sum over the examples; the loss is a mean. The condition number does not mind, the rate does.",
)
def sums(x, share):
    return needed(curvatures(with_a_one(x.astype(float))) * len(x), share)


@steps_needed.mistake(
    "the rate 1/h_max",
    "Your rate is one over the largest curvature. That is safe, but at the best constant rate the steepest and the flattest axis shrink equally fast.",
)
def safe_rate(x, share):
    h = curvatures(with_a_one(x.astype(float)))
    return needed(h, share, rate=1 / h[-1])


@steps_needed.mistake(
    "the largest stable rate",
    "At 2 over the largest curvature the steepest axis swings for ever. At the best constant rate the steepest and the flattest axis shrink equally fast.",
)
def stable_rate(x, share):
    h = curvatures(with_a_one(x.astype(float)))
    return needed(h, share, rate=2 / h[-1])


@steps_needed.mistake(
    "the curvatures of a loss without the half",
    "Your rate is half of what it should be: the loss is half of the mean square, so its curvatures are the moments themselves, not twice those.",
)
def doubled(x, share):
    return needed(2 * curvatures(with_a_one(x.astype(float))), share)


@steps_needed.mistake(
    "the share of the loss",
    "You count the steps until the *loss* is that share of what it was, which is the square of a distance.",
)
def of_loss(x, share):
    kappa, rate, steps = _steps_needed(x, share)
    return kappa, rate, steps / 2


@steps_needed.mistake(
    "the approximation for long valleys",
    "Your steps are those of a factor of 1 - 2/kappa, which is a good approximation only when kappa is large. Take the factor itself.",
)
def approximate(x, share):
    kappa, rate, _ = _steps_needed(x, share)
    return kappa, rate, -np.log(share) * kappa / 2


# --- directions_95: of the 1,348 training images of digits(seed=0), centred -----------------------------------------

directions_95 = Key(28)  # see the tests

directions_95.mistake(
    "one too few",
    "With 27 directions a little less than 95 % are kept. If your sum starts with the first variance, its place in the list is one less than the number of directions.",
)(27)
directions_95.mistake(
    "all images instead of the training images",
    "That is the number for all 1,797 images. The question is of the training images.",
)(29)
directions_95.mistake(
    "sums of deviations instead of variances",
    "At this number 95 % of the sum of *deviations* are reached. Variances add up, deviations do not: did you take singular values without squaring them?",
)(43)
directions_95.mistake(
    "the mean is still in the data",
    "Without centring, the first direction points to the mean image and takes most of the sum. Variance is what is left around the mean.",
)(16)
directions_95.mistake(
    "standardized pixels",
    "That comes out if every pixel is divided by its deviation first, so that nearly empty pixels count as much as the others. Centre only.",
)(39)
directions_95.mistake(
    "pixels instead of directions",
    "So many *pixels* hold 95 % of the variance if the liveliest are taken. Directions are turned such that fewer do.",
)(41)
directions_95.mistake(
    "the smallest come first",
    "eigh sorts from small to large, so that your sum begins with what hardly varies. Begin with the largest.",
)(64)

KEYS = {
    "preprocessing.standardize": standardize,
    "preprocessing.into_weights": into_weights,
    "preprocessing.pca_whiten": pca_whiten,
    "preprocessing.zca": zca,
    "preprocessing.take_in": take_in,
    "preprocessing.steps_needed": steps_needed,
    "preprocessing.directions_95": directions_95,
}
