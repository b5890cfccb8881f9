"""The natural gradient assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg import numpy as tn

from ..judge import Key

# --- two_fishers: the model's own answers, and those of the data ---------------------------------------------------


def _probabilities(x, w):
    return (1 + np.tanh(x @ w / 2)) / 2


def _two_fishers(x, w, labels):
    p = _probabilities(x, w)
    return tn.fisher(x, p), tn.empirical_fisher(x, p, labels > 0)


two_fishers = Key(_two_fishers)


def _pair(x, of_model, of_data, n=None):
    """Both matrices from what the outer products are weighted with."""
    n = len(x) if n is None else n
    return (x.T * of_model) @ x / n, (x.T * of_data) @ x / n


def _weights(x, w, labels):
    """The right ones: the variance of an answer, and the squared residual of the one that was given."""
    p = (1 + np.tanh(x @ w / 2)) / 2
    return p * (1 - p), (p - (labels > 0)) ** 2


@two_fishers.mistake(
    "the labels are in both",
    "Your first matrix is the empirical one. The Fisher matrix belongs to the model alone: average over the answers that the model itself would give, "
    "each with its probability. What is then left of the labels?",
)
def labels_in_both(x, w, labels):
    _, squared = _weights(x, w, labels)
    return _pair(x, squared, squared)


@two_fishers.mistake(
    "the model's matrix twice",
    "Your second matrix is the Fisher matrix once more. The empirical one takes the gradients as they are, with the labels that were seen.",
)
def model_twice(x, w, labels):
    variance, _ = _weights(x, w, labels)
    return _pair(x, variance, variance)


@two_fishers.mistake(
    "the two have changed places",
    "Both of your matrices are right, and they come in the wrong order: the Fisher matrix is the first one.",
)
def places_changed(x, w, labels):
    variance, squared = _weights(x, w, labels)
    return _pair(x, squared, variance)


@two_fishers.mistake(
    "sums over the examples",
    "You add up over the examples. The loss is a mean, and so are both matrices.",
)
def sums(x, w, labels):
    variance, squared = _weights(x, w, labels)
    return _pair(x, variance, squared, n=1)


@two_fishers.mistake(
    "the labels are taken for 0 and 1",
    "The residual p - y belongs to labels 0 and 1, and yours are -1 and 1: what is p - y to be for a label of -1?",
)
def taken_for_0_and_1(x, w, labels):
    p = (1 + np.tanh(x @ w / 2)) / 2
    return _pair(x, p * (1 - p), (p - labels) ** 2)


@two_fishers.mistake(
    "the empirical one is centred",
    "You subtract the mean gradient: that is a covariance. Neither matrix does so. For the Fisher matrix there would be nothing to subtract, as the model's own answers "
    "have the mean gradient 0; here it makes a difference.",
)
def centred(x, w, labels):
    p = (1 + np.tanh(x @ w / 2)) / 2
    g = (p - (labels > 0))[:, None] * x
    off = g - g.mean(axis=0)
    return (x.T * (p * (1 - p))) @ x / len(x), off.T @ off / len(x)


@two_fishers.mistake(
    "the probability instead of the variance",
    "You weigh each example with p. What is averaged over the model's answers is the squared residual: (p - 1)^2 with the probability p, and p^2 with the rest.",
)
def weighted_with_p(x, w, labels):
    _, squared = _weights(x, w, labels)
    return _pair(x, (1 + np.tanh(x @ w / 2)) / 2, squared)


@two_fishers.mistake(
    "the standard deviation instead of the variance",
    "You weigh each example with the root of p(1 - p). The outer product squares the residual, so that its variance stays, without a root.",
)
def weighted_with_a_root(x, w, labels):
    variance, squared = _weights(x, w, labels)
    return _pair(x, np.sqrt(variance), squared)


@two_fishers.mistake(
    "residuals without their square",
    "In your empirical matrix the residual stands once. Each gradient is residual times input, and the outer product has it twice.",
)
def residual_once(x, w, labels):
    variance, squared = _weights(x, w, labels)
    return _pair(x, variance, np.sqrt(squared))


# --- step_of_length: the natural direction, scaled by its own length ----------------------------------------------


def _step_of_length(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    squared = grad @ natural
    return np.zeros_like(grad) if squared == 0 else -np.sqrt(2 * divergence / squared) * natural


step_of_length = Key(_step_of_length)


def _scaled(direction, squared, numerator):
    """Against a direction, as long as a squared length says."""
    return np.zeros_like(direction) if squared == 0 else -np.sqrt(numerator / squared) * direction


@step_of_length.mistake(
    "multiplied by the matrix",
    "Your direction is F g. Where the matrix is large the answers change much for a small step, so that one should go less far there, not further.",
)
def multiplied(grad, metric, divergence):
    direction = metric @ grad
    return _scaled(direction, direction @ metric @ direction, 2 * divergence)


@step_of_length.mistake(
    "the plain gradient, made to fit",
    "Your step has the right divergence, but it goes along the plain gradient: of all steps of this divergence another one lowers the loss more.",
)
def plain_direction(grad, metric, divergence):
    return _scaled(grad, grad @ metric @ grad, 2 * divergence)


@step_of_length.mistake(
    "the one half is forgotten",
    "Your step goes in the right direction and is too short by the root of 2. Which multiple of the quadratic form is the divergence?",
)
def without_the_half(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    return _scaled(natural, grad @ natural, divergence)


@step_of_length.mistake(
    "the scale has no root",
    "The direction is right. The divergence grows with the square of a step, and you scale as if it grew with the step.",
)
def without_a_root(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    squared = grad @ natural
    return np.zeros_like(grad) if squared == 0 else -2 * divergence / squared * natural


@step_of_length.mistake(
    "uphill",
    "Your step has the right length and goes uphill.",
)
def uphill(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    return -_scaled(natural, grad @ natural, 2 * divergence)


@step_of_length.mistake(
    "measured with a ruler",
    "The direction is right, but you give it a length in the ordinary sense. The length that is asked is measured with the matrix.",
)
def euclidean(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    return _scaled(natural, natural @ natural, 2 * divergence)


@step_of_length.mistake(
    "the length of another vector",
    "The direction is right. You divide by the length of the gradient, measured with the matrix. It is the step whose length has to be measured: put it into the quadratic form.",
)
def length_of_the_gradient(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    return _scaled(natural, grad @ metric @ grad, 2 * divergence)


@step_of_length.mistake(
    "only the diagonal is used",
    "You divide by the diagonal. The entries beside it say how two parameters change the answers together; a diagonal matrix is what Adam would make of it.",
)
def diagonal(grad, metric, divergence):
    direction = grad / np.diag(metric)
    return _scaled(direction, grad @ direction, 2 * divergence)


@step_of_length.mistake(
    "a gradient of 0 gives no number",
    "For ordinary gradients you are right. Where the gradient is 0 yours divides 0 by 0; no step is needed there.",
)
def zero_over_zero(grad, metric, divergence):
    natural = np.linalg.solve(metric, grad)
    return -np.sqrt(2 * divergence / (grad @ natural)) * natural


# --- gaussian_step: mean and precision ----------------------------------------------------------------------------


def _gaussian_step(x, mu, precision, lr):
    grad = np.array([precision * (mu - x.mean()), (np.mean((x - mu) ** 2) - 1 / precision) / 2])
    return tuple(tn.natural_step(np.array([mu, precision]), grad, np.diag([precision, 0.5 / precision**2]), lr))


gaussian_step = Key(_gaussian_step)


def _gradients(x, mu, precision):
    return precision * (mu - x.mean()), (np.mean((x - mu) ** 2) - 1 / precision) / 2


@gaussian_step.mistake(
    "the plain gradient",
    "That is a step along the plain gradient: it still has to be divided by the Fisher matrix.",
)
def plain_gradient(x, mu, precision, lr):
    a, b = _gradients(x, mu, precision)
    return mu - lr * a, precision - lr * b


@gaussian_step.mistake(
    "the Fisher matrix of another coordinate",
    "The step of the precision divides by 2 / sigma^2, which belongs to the coordinate sigma. Here the coordinate is the precision: which Fisher entry does it have?",
)
def fisher_of_sigma(x, mu, precision, lr):
    a, b = _gradients(x, mu, precision)
    return mu - lr * a / precision, precision - lr * b / (2 * precision)


@gaussian_step.mistake(
    "Newton's step",
    "You divide by the second derivatives of the loss at these data, with the entry beside the diagonal. The Fisher matrix takes their mean over the model's own data, where that entry is 0.",
)
def newton(x, mu, precision, lr):
    a, b = _gradients(x, mu, precision)
    off = mu - x.mean()
    step = np.linalg.solve(np.array([[precision, off], [off, 0.5 / precision**2]]), np.array([a, b]))
    return mu - lr * step[0], precision - lr * step[1]


@gaussian_step.mistake(
    "the variance about the data's own mean",
    "In the loss the squares are taken about mu, where we are, not about the mean of the data, where we shall be.",
)
def own_variance(x, mu, precision, lr):
    return mu - lr * (mu - x.mean()), precision - lr * (precision**2 * np.var(x) - precision)


@gaussian_step.mistake(
    "one after the other",
    "You move the mean first and then compute the precision's step with the new mean. Both belong to one gradient, at one place.",
)
def one_after_the_other(x, mu, precision, lr):
    new = mu - lr * (mu - x.mean())
    return new, precision - lr * (precision**2 * np.mean((x - new) ** 2) - precision)


@gaussian_step.mistake(
    "uphill",
    "The loss is minus the log-likelihood, so it is to be made small: you go the other way.",
)
def upwards(x, mu, precision, lr):
    return mu + lr * (mu - x.mean()), precision + lr * (precision**2 * np.mean((x - mu) ** 2) - precision)


@gaussian_step.mistake(
    "multiplied by the Fisher matrix",
    "You multiply by the Fisher matrix. The natural gradient divides by it.",
)
def multiplied_by_fisher(x, mu, precision, lr):
    a, b = _gradients(x, mu, precision)
    return mu - lr * a * precision, precision - lr * b * 0.5 / precision**2


@gaussian_step.mistake(
    "the Fisher matrix of all data together",
    "Your steps are too short by the number of data. The loss is a mean over them, so the Fisher matrix is that of a single one.",
)
def fisher_of_all(x, mu, precision, lr):
    squares = np.mean((x - mu) ** 2)
    return mu - lr * (mu - x.mean()) / len(x), precision - lr * (precision**2 * squares - precision) / len(x)


# --- whitening_from_sums ------------------------------------------------------------------------------------------


def _whitening_from_sums(count, total, products, eps):
    mean = total / count
    h, q = np.linalg.eigh(products / count - np.outer(mean, mean))
    return (q / np.sqrt(h + eps)).T, mean


whitening_from_sums = Key(_whitening_from_sums)


def _whitening(cov, mean, scale):
    """With any scale for a direction of the variance h."""
    h, q = np.linalg.eigh(cov)
    return scale(np.maximum(h, 0))[:, None] * q.T, mean


def _cov(count, total, products):
    return products / count - np.outer(total, total) / count**2


@whitening_from_sums.mistake(
    "the mean is not taken out",
    "You whiten the second moments. The covariance is what is left of them when the mean has been taken out.",
)
def uncentred(count, total, products, eps):
    return _whitening(products / count, total / count, lambda h: 1 / np.sqrt(h + eps))


@whitening_from_sums.mistake(
    "divided by n - 1",
    "Your covariance is divided by n - 1. What is to have variance 1 are these inputs themselves, not those that they are a sample of.",
)
def unbiased(count, total, products, eps):
    cov = _cov(count, total, products) * count / (count - 1)
    return _whitening(cov, total / count, lambda h: 1 / np.sqrt(h + eps))


@whitening_from_sums.mistake(
    "the eigenvalue without its root",
    "You divide by the variance of a direction. To give it variance 1, by what must the values themselves be divided?",
)
def without_root(count, total, products, eps):
    return _whitening(_cov(count, total, products), total / count, lambda h: 1 / (h + eps))


@whitening_from_sums.mistake(
    "epsilon outside of the root",
    "You add epsilon to the standard deviation. Here it belongs to the variance: it is the covariance plus epsilon times the identity that is made white.",
)
def epsilon_outside(count, total, products, eps):
    return _whitening(_cov(count, total, products), total / count, lambda h: 1 / (np.sqrt(h) + eps))


@whitening_from_sums.mistake(
    "each input is scaled, not each direction",
    "Your scales meet the inputs instead of the principal directions. U first has to turn the inputs, and then to scale what comes out.",
)
def scaled_before_turning(count, total, products, eps):
    h, q = np.linalg.eigh(_cov(count, total, products))
    return q.T / np.sqrt(np.maximum(h, 0) + eps), total / count


@whitening_from_sums.mistake(
    "the eigenvectors are not transposed",
    "The columns of what eigh returns are the directions. To project onto them they have to be rows of U.",
)
def not_transposed(count, total, products, eps):
    h, q = np.linalg.eigh(_cov(count, total, products))
    return q / np.sqrt(np.maximum(h, 0) + eps)[:, None], total / count


@whitening_from_sums.mistake(
    "multiplied where it should be divided",
    "You multiply each direction by its standard deviation, which makes the long ones longer still.",
)
def multiplied_by_the_root(count, total, products, eps):
    return _whitening(_cov(count, total, products), total / count, lambda h: np.sqrt(h + eps))


@whitening_from_sums.mistake(
    "the inputs are standardized, each by itself",
    "You give each input variance 1, which is what batch normalization does. Their correlations are still there.",
)
def standardized(count, total, products, eps):
    cov = _cov(count, total, products)
    return np.diag(1 / np.sqrt(np.diag(cov) + eps)), total / count


# --- new_coordinates: through the ordinary layer ------------------------------------------------------------------


def _new_coordinates(V, shifted, U, mean, U_new, mean_new):
    W, b = tn.from_whitened(V, shifted, U, mean)
    return tn.to_whitened(W, b, U_new, mean_new)


new_coordinates = Key(_new_coordinates)


def _new_weights(V, U, U_new):
    return V @ U @ np.linalg.inv(U_new)


@new_coordinates.mistake(
    "line 7 as it is printed",
    "On the way to the ordinary layer you add W times the old mean. Multiply out V U (x - mean) + shifted: with which sign does the mean stand there?",
)
def line_7(V, shifted, U, mean, U_new, mean_new):
    W = V @ U
    return _new_weights(V, U, U_new), shifted + W @ mean + W @ mean_new


@new_coordinates.mistake(
    "line 10 as it is printed",
    "The way to the ordinary layer is right. On the way to the new coordinates you subtract V times the new mean. What must be added, so that the layer is the same at every x?",
)
def line_10(V, shifted, U, mean, U_new, mean_new):
    V_new = _new_weights(V, U, U_new)
    return V_new, shifted - V @ U @ mean - V_new @ mean_new


@new_coordinates.mistake(
    "both lines as they are printed",
    "The biases follow the slide in both lines, and both have the wrong sign: try x = mean in the old layer, and x = mean_new in the new one.",
)
def both_lines(V, shifted, U, mean, U_new, mean_new):
    V_new = _new_weights(V, U, U_new)
    return V_new, shifted + V @ U @ mean - V_new @ mean_new


@new_coordinates.mistake(
    "the biases stay as they were",
    "The mean that is taken off the inputs has changed, and the biases have to make up for it.",
)
def biases_stay(V, shifted, U, mean, U_new, mean_new):
    return _new_weights(V, U, U_new), shifted.copy()


@new_coordinates.mistake(
    "the means meet V instead of W",
    "The biases take the difference of the means through V. What do the inputs, and so their means, pass on the way to the output?",
)
def means_through_V(V, shifted, U, mean, U_new, mean_new):
    return _new_weights(V, U, U_new), shifted + V @ (mean_new - mean)


@new_coordinates.mistake(
    "the difference of the means has the wrong sign",
    "The new layer takes off more where the new mean is larger, so the biases have to give back more there.",
)
def means_the_other_way(V, shifted, U, mean, U_new, mean_new):
    return _new_weights(V, U, U_new), shifted - V @ U @ (mean_new - mean)


@new_coordinates.mistake(
    "the old whitening is forgotten",
    "For the weights you take V as if it were W: first undo the old coordinates.",
)
def old_forgotten(V, shifted, U, mean, U_new, mean_new):
    return V @ np.linalg.inv(U_new), shifted + V @ U @ (mean_new - mean)


@new_coordinates.mistake(
    "the new whitening is not inverted",
    "V times U_new has to give W back; you multiply by U_new where it has to be undone.",
)
def not_inverted(V, shifted, U, mean, U_new, mean_new):
    return V @ U @ U_new, shifted + V @ U @ (mean_new - mean)


@new_coordinates.mistake(
    "the new whitening is transposed instead of inverted",
    "The transpose would undo a rotation, but whitening scales as well.",
)
def transposed(V, shifted, U, mean, U_new, mean_new):
    return V @ U @ U_new.T, shifted + V @ U @ (mean_new - mean)


@new_coordinates.mistake(
    "the matrices stand in the wrong order",
    "Of the two changes of coordinates the old one is undone next to V, and the new one comes last.",
)
def wrong_order(V, shifted, U, mean, U_new, mean_new):
    return V @ np.linalg.inv(U_new) @ U, shifted + V @ U @ (mean_new - mean)


# --- short_enough: the divergence of a step, and a factor ---------------------------------------------------------


def _short_enough(step, of_inputs, of_slopes, most):
    divergence = 0.5 * np.sum((of_slopes @ step @ of_inputs) * step)
    return divergence, 1.0 if divergence <= most else np.sqrt(most / divergence)


short_enough = Key(_short_enough)


def _cut(divergence, most):
    return divergence, 1.0 if divergence <= most else float(np.sqrt(most / divergence))


@short_enough.mistake(
    "the one half is forgotten",
    "Your divergence is twice as large as it should be. The Fisher matrix gives the divergence to second order: with which number in front?",
)
def no_half(step, of_inputs, of_slopes, most):
    return _cut(np.sum((of_slopes @ step @ of_inputs) * step), most)


@short_enough.mistake(
    "the factor has no root",
    "Multiply a step by a factor: by what is its divergence multiplied?",
)
def factor_without_root(step, of_inputs, of_slopes, most):
    divergence, _ = _short_enough(step, of_inputs, of_slopes, most)
    return divergence, 1.0 if divergence <= most else most / divergence


@short_enough.mistake(
    "short steps are made longer",
    "You stretch a step that is short enough; it is to stay as it is.",
)
def stretched(step, of_inputs, of_slopes, most):
    divergence, _ = _short_enough(step, of_inputs, of_slopes, most)
    return divergence, np.sqrt(most / divergence) if divergence > 0 else 1.0


@short_enough.mistake(
    "the two factors have changed places",
    "You put the matrix of the inputs where the outputs are. A step has one row for each output and one column for each input.",
)
def changed_places(step, of_inputs, of_slopes, most):
    return _cut(
        0.5
        * np.sum((step @ of_slopes @ of_inputs if len(step) != step.shape[1] else of_inputs @ step @ of_slopes) * step),
        most,
    )


@short_enough.mistake(
    "the entries are added up without the step",
    "You add up the entries of the product of three matrices. In the quadratic form the step stands twice.",
)
def step_once(step, of_inputs, of_slopes, most):
    return _cut(0.5 * abs(np.sum(of_slopes @ step @ of_inputs)), most)


@short_enough.mistake(
    "the length of the step itself",
    "You measure the step with a ruler. How much the answers change depends on how large the inputs and the slopes are along it.",
)
def with_a_ruler(step, of_inputs, of_slopes, most):
    return _cut(0.5 * np.sum(step**2), most)


@short_enough.mistake(
    "the inverse matrices",
    "You measure with the inverse matrices. Those make a natural step of a gradient; the divergence of a step is measured with the matrices themselves.",
)
def with_inverses(step, of_inputs, of_slopes, most):
    return _cut(0.5 * np.sum((np.linalg.inv(of_slopes) @ step @ np.linalg.inv(of_inputs)) * step), most)


@short_enough.mistake(
    "the factor is upside down",
    "Where the step is too long your factor is above 1.",
)
def upside_down(step, of_inputs, of_slopes, most):
    divergence, _ = _short_enough(step, of_inputs, of_slopes, most)
    return divergence, 1.0 if divergence <= most else np.sqrt(divergence / most)


# --- longest_period: measured, not guessed ------------------------------------------------------------------------


def measure_longest_period(seeds=range(5), lr=0.5, batch=100, steps=512):
    """The longest of the periods 1, 2, 4, … whose mean loss is at most 1.5 times that of the period 1."""

    def mean_loss(every, seed):
        rng, rule = np.random.default_rng(seed), tn.PRONG(lr=lr, eps=0.01, every=every)
        layer, total = {"W": np.zeros((1, 10)), "b": np.zeros(1)}, 0.0
        state = rule.init(layer)
        for t in range(steps):
            sizes = np.exp(1.5 * np.sin(2 * np.pi * (t / 512 + np.arange(10) / 10)))
            x = (1 + rng.normal(size=(batch, 10))) * sizes
            off = x @ layer["W"].T + layer["b"] - (x.sum(axis=1, keepdims=True) + rng.normal(size=(batch, 1)))
            total += 0.5 * np.mean(off**2)
            if total > 1e6:
                return np.inf
            layer, state = rule.step(layer, {"W": off.T @ x / batch, "b": off.mean(axis=0)}, state, x)
        return total / steps

    def loss(every):
        return np.mean([mean_loss(every, seed) for seed in seeds])

    limit, every = 1.5 * loss(1), 1
    while loss(2 * every) <= limit:
        every *= 2
    return every


longest_period = Key(16)  # measure_longest_period(): the tests run it again

longest_period.mistake(
    "the first period that is too long",
    "With 32 the loss explodes now and then. Asked is the longest period with which it does not.",
)(32)
longest_period.mistake(
    "the first period after 1",
    "With 2 hardly anything is lost, and it does not stop there. Asked is how rarely one may whiten and still lose next to nothing.",
)(2)
longest_period.mistake(
    "whitening before every step",
    "That is what the others are compared with. It is allowed to whiten more rarely: how much?",
)(1)
longest_period.mistake(
    "the covariance of too few examples",
    "That comes out if the mini-batches are too small: the covariance of 40 examples is so rough that an old one does harm early. Take 100.",
)(4)
longest_period.mistake(
    "whitening once, at the start",
    "The sizes of the inputs change by a factor of 20 on the way. A rate that suits the whitening of the start is far too large later: look at the losses.",
)(512)

KEYS = {
    "natural_gradient.two_fishers": two_fishers,
    "natural_gradient.step_of_length": step_of_length,
    "natural_gradient.gaussian_step": gaussian_step,
    "natural_gradient.whitening_from_sums": whitening_from_sums,
    "natural_gradient.new_coordinates": new_coordinates,
    "natural_gradient.short_enough": short_enough,
    "natural_gradient.longest_period": longest_period,
}
