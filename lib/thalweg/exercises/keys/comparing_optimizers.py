"""The assignment on comparing optimizers, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

from math import comb

import numpy as np

from thalweg import numpy as tn

from ..judge import OVERWRITTEN, OVERWRITTEN_HINT, Key

# --- expected_best: sort by validation error; the i-th is chosen with chance C(n - i, k - 1) / C(n, k) --------------


def _expected_best(validation, test, k):
    return tn.best_of_k(validation, k), tn.best_of_k(validation, k, test)


expected_best = Key(_expected_best)


def _without(n, k):
    """The chances that the i-th best of n, i = 1 ... n, is the best of k drawn without replacement."""
    return np.array([comb(n - i, k - 1) / comb(n, k) for i in range(1, n + 1)])


def _mean_by(validation, test, order, chances):
    """Both expectations for trials in this order with these chances; what cannot be chosen does not count."""
    possible = chances > 0
    return validation[order][possible] @ chances[possible], test[order][possible] @ chances[possible]


@expected_best.mistake(
    "trials are drawn with replacement",
    "Your chances are those of drawing with replacement, where the same trial can come up twice and waste the budget. Here k different trials are run.",
)
def with_replacement(validation, test, k):
    n = len(validation)
    i = np.arange(1, n + 1)
    chances = ((n - i + 1) / n) ** k - ((n - i) / n) ** k
    return _mean_by(validation, test, np.argsort(validation), chances)


@expected_best.mistake(
    "the largest error is taken for the best",
    "You compute what to expect of the worst of k trials. An error is better if it is smaller.",
)
def worst_of_k(validation, test, k):
    return _mean_by(validation, test, np.argsort(validation)[::-1], _without(len(validation), k))


@expected_best.mistake(
    "the test error chooses",
    "Your test error is that of trials chosen by their test error, and nobody may look at that before choosing. Which trial has been chosen?",
)
def test_chooses(validation, test, k):
    chances = _without(len(validation), k)
    chosen, _ = _mean_by(validation, test, np.argsort(validation), chances)
    return chosen, np.sort(test)[chances > 0] @ chances[chances > 0]


@expected_best.mistake(
    "the errors are not sorted",
    "Your chances belong to the trials in ascending order of their validation error, but you give them to the trials as they come.",
)
def unsorted(validation, test, k):
    return _mean_by(validation, test, np.arange(len(validation)), _without(len(validation), k))


@expected_best.mistake(
    "the test errors keep their old order",
    "You have sorted the validation errors and left the test errors where they were, so that each chance meets the test error of another trial.",
)
def test_unsorted(validation, test, k):
    chances = _without(len(validation), k)
    possible = chances > 0
    return np.sort(validation)[possible] @ chances[possible], test[possible] @ chances[possible]


@expected_best.mistake(
    "the best of all trials is reported",
    "You report the best of all n trials. Somebody with a budget of k would not have run them all.",
)
def best_of_all(validation, test, k):
    best = np.argmin(validation)
    return validation[best], test[best]


@expected_best.mistake(
    "all trials count alike",
    "You report the mean over all trials: that is what a budget of one can expect. The best of k is better.",
)
def plain_mean(validation, test, k):
    return validation.mean(), test.mean()


@expected_best.mistake(
    "the mean of the k best is reported",
    "You average the k best of all trials. Of k trials drawn at random only one is kept, and it need not be among these.",
)
def mean_of_the_best(validation, test, k):
    order = np.argsort(validation)[:k]
    return validation[order].mean(), test[order].mean()


@expected_best.mistake(
    "the budget is one too small",
    "Your chances are those of a budget that is one smaller. When the i-th best is chosen, how many of the k trials lie behind it, and how many are drawn in all?",
)
def one_too_few(validation, test, k):
    return _mean_by(validation, test, np.argsort(validation), _without(len(validation), max(k - 1, 1)))


# --- profile: within tau times the best on each problem; failures stay in the count --------------------------------

profile = Key(tn.performance_profile)


def _profile(ratios, factors):
    """Shares of all rows that are within each factor; nan is not."""
    return (ratios[..., None] <= factors).mean(axis=0)


@profile.mistake(
    "failures on a problem that nobody solves count as best",
    "On a problem that nobody solves every cost is inf, and inf is at most any factor times inf. Nobody has solved it, so it counts for nobody.",
)
def hopeless_counts(costs, factors):
    return (costs[..., None] <= costs.min(axis=1)[:, None, None] * factors).mean(axis=0)


@profile.mistake(
    "problems that nobody solves are left out",
    "You divide by the number of problems that somebody has solved. All problems count: a failure of all is a failure of each.",
)
def hopeless_left_out(costs, factors):
    solved = costs[np.isfinite(costs).any(axis=1)]
    return _profile(solved / solved.min(axis=1, keepdims=True), factors)


@profile.mistake(
    "failures are left out",
    "You divide by the number of problems that the solver itself has solved, so that one who dares only the easy ones looks perfect.",
)
def failures_left_out(costs, factors):
    best = costs.min(axis=1, keepdims=True)
    within = np.isfinite(costs)[..., None] & (costs[..., None] <= best[..., None] * factors)
    return within.sum(axis=0) / np.maximum(np.isfinite(costs).sum(axis=0), 1)[:, None]


@profile.mistake(
    "a solver is compared with its own best",
    "Your ratios compare each solver with the cheapest problem that it has met. They should compare it with the best solver on the same problem.",
)
def own_best(costs, factors):
    return (np.isfinite(costs)[..., None] & (costs[..., None] <= costs.min(axis=0)[:, None] * factors)).mean(axis=0)


@profile.mistake(
    "costs are compared with the best of all problems",
    "You divide by the smallest cost in the whole table. Each problem has a best of its own: a hard one costs everybody more.",
)
def one_best(costs, factors):
    return (np.isfinite(costs)[..., None] & (costs[..., None] <= costs.min() * factors)).mean(axis=0)


@profile.mistake(
    "less than, where at most is asked",
    "At a factor of 1 your shares are 0, although somebody is the best on each problem: at most the factor, equality included.",
)
def strictly_less(costs, factors):
    best = costs.min(axis=1, keepdims=True)
    return (np.isfinite(costs)[..., None] & (costs[..., None] < best[..., None] * factors)).mean(axis=0)


@profile.mistake(
    "problems are counted, not their share",
    "Your numbers count problems. Divide by how many there are.",
)
def counted(costs, factors):
    best = costs.min(axis=1, keepdims=True)
    return (np.isfinite(costs)[..., None] & (costs[..., None] <= best[..., None] * factors)).sum(axis=0)


@profile.mistake(
    "costs are compared with the mean",
    "You compare with the mean cost of a problem. A profile compares with the best.",
)
def with_the_mean(costs, factors):
    finite = np.isfinite(costs)
    mean = np.where(finite, costs, 0).sum(axis=1, keepdims=True) / np.maximum(finite.sum(axis=1, keepdims=True), 1)
    return (finite[..., None] & (costs[..., None] <= mean[..., None] * factors)).mean(axis=0)


# --- sparse_noise: kept entries are divided by keep; the variance is g^2 (1 / keep - 1) ----------------------------


def _sparse_noise(grad, uniform, keep):
    return np.where(uniform < keep, grad / keep, 0), grad**2 * (1 / keep - 1)


sparse_noise = Key(_sparse_noise)


@sparse_noise.mistake(
    "what is kept is not divided by keep",
    "On average your gradient is keep times the true one: most of it is hidden, and nothing makes up for that.",
)
def not_divided(grad, uniform, keep):
    return np.where(uniform < keep, grad, 0), grad**2 * (1 / keep - 1)


@sparse_noise.mistake(
    "the variance is that of the mask",
    "Your variance is that of the gradient times the mask, before anything is divided by keep. What does a division do to a variance?",
)
def variance_of_mask(grad, uniform, keep):
    return np.where(uniform < keep, grad / keep, 0), grad**2 * keep * (1 - keep)


@sparse_noise.mistake(
    "neither the gradient nor its variance is divided by keep",
    "You hide entries and do not make up for it, in the gradient as well as in the variance. On average the gradient must be right.",
)
def nowhere_divided(grad, uniform, keep):
    return np.where(uniform < keep, grad, 0), grad**2 * keep * (1 - keep)


@sparse_noise.mistake(
    "the variance is divided by keep once",
    "A variance is divided by the square of what the number is divided by. You have divided once.",
)
def divided_once(grad, uniform, keep):
    return np.where(uniform < keep, grad / keep, 0), grad**2 * (1 - keep)


@sparse_noise.mistake(
    "it is the standard deviation",
    "Your second value is the root of the variance.",
)
def deviation(grad, uniform, keep):
    return np.where(uniform < keep, grad / keep, 0), np.abs(grad) * np.sqrt(1 / keep - 1)


@sparse_noise.mistake(
    "the mean square is taken for the variance",
    "Your second value is the mean of the square. The square of the mean is still to be taken off.",
)
def mean_square(grad, uniform, keep):
    return np.where(uniform < keep, grad / keep, 0), grad**2 / keep


@sparse_noise.mistake(
    "the mask is the wrong way round",
    "You hide the entries that are to be kept. A number below keep keeps its entry.",
)
def inverted(grad, uniform, keep):
    return np.where(uniform >= keep, grad / keep, 0), grad**2 * (1 / keep - 1)


@sparse_noise.mistake(
    "keep is taken for the chance to hide",
    "You treat keep as the probability of hiding an entry, everywhere.",
)
def chance_to_hide(grad, uniform, keep):
    hide = 1 - keep if keep < 1 else 1.0
    return np.where(uniform < hide, grad / hide, 0), grad**2 * (1 / hide - 1)


@sparse_noise.mistake(
    "the variance is that of this one draw",
    "Your variance is computed from the entries of the one gradient that was drawn. What is asked for is a number for each entry, over all the masks that could have been drawn.",
)
def of_this_draw(grad, uniform, keep):
    noisy = np.where(uniform < keep, grad / keep, 0)
    return noisy, (noisy - grad) ** 2


# --- lion_step ------------------------------------------------------------------------------------------------------


def _lion_step(theta, grad, m, lr, beta1, beta2, weight_decay):
    return tn.Lion(lr, beta1, beta2, weight_decay).step(theta, grad, m)


lion_step = Key(_lion_step)


def _lion(theta, grad, m, lr, weights, kept, weight_decay):
    """A step along the sign of ``weights``, keeping ``kept``: several mistakes are a right step with other averages."""
    return (1 - lr * weight_decay) * theta - lr * np.sign(weights), kept


@lion_step.mistake(
    "the sign is that of the average which is kept",
    "You take the sign of the new average. Lion has two: the one whose sign is taken is never kept.",
)
def sign_of_kept(theta, grad, m, lr, beta1, beta2, weight_decay):
    kept = beta2 * m + (1 - beta2) * grad
    return _lion(theta, grad, m, lr, kept, kept, weight_decay)


@lion_step.mistake(
    "the average whose sign is taken is kept, too",
    "You keep the average that was made for the sign; the one that is to be kept has a longer memory.",
)
def kept_for_sign(theta, grad, m, lr, beta1, beta2, weight_decay):
    mixed = beta1 * m + (1 - beta1) * grad
    return _lion(theta, grad, m, lr, mixed, mixed, weight_decay)


@lion_step.mistake(
    "the two betas are swapped",
    "beta1 belongs to the average whose sign is taken, beta2 to the one that is kept. You have them the other way round.",
)
def betas_swapped(theta, grad, m, lr, beta1, beta2, weight_decay):
    return _lion(theta, grad, m, lr, beta2 * m + (1 - beta2) * grad, beta1 * m + (1 - beta1) * grad, weight_decay)


@lion_step.mistake(
    "the old average's sign decides",
    "You take the sign of the average as it was before this gradient. The newest gradient is to have its say.",
)
def old_sign(theta, grad, m, lr, beta1, beta2, weight_decay):
    return _lion(theta, grad, m, lr, m, beta2 * m + (1 - beta2) * grad, weight_decay)


@lion_step.mistake(
    "the average is made twice",
    "You first bring the kept average up to date and then mix the gradient into it once more for the sign: this gradient counts twice.",
)
def averaged_twice(theta, grad, m, lr, beta1, beta2, weight_decay):
    kept = beta2 * m + (1 - beta2) * grad
    return _lion(theta, grad, m, lr, beta1 * kept + (1 - beta1) * grad, kept, weight_decay)


@lion_step.mistake(
    "the sign is missing",
    "You step along the average itself. Lion's step has the same length in every entry.",
)
def without_sign(theta, grad, m, lr, beta1, beta2, weight_decay):
    mixed = beta1 * m + (1 - beta1) * grad
    return (1 - lr * weight_decay) * theta - lr * mixed, beta2 * m + (1 - beta2) * grad


@lion_step.mistake(
    "the weight decay goes into the gradient",
    "You add the decay to the gradient, as an L2 penalty, where the sign swallows it and the average remembers it. It is to shrink the parameters beside all that.",
)
def decay_in_gradient(theta, grad, m, lr, beta1, beta2, weight_decay):
    grad = grad + weight_decay * theta
    return _lion(theta, grad, m, lr, beta1 * m + (1 - beta1) * grad, beta2 * m + (1 - beta2) * grad, 0.0)


@lion_step.mistake(
    "the weight decay is not multiplied by the rate",
    "Your parameters shrink by the decay itself in each step. The rate belongs in front of it.",
)
def decay_without_rate(theta, grad, m, lr, beta1, beta2, weight_decay):
    mixed = beta1 * m + (1 - beta1) * grad
    return (1 - weight_decay) * theta - lr * np.sign(mixed), beta2 * m + (1 - beta2) * grad


@lion_step.mistake(
    "the weight decay comes after the step",
    "You shrink the parameters after the step, and so the step itself as well. It is the old parameters that shrink.",
)
def decay_after(theta, grad, m, lr, beta1, beta2, weight_decay):
    theta, kept = _lion(theta, grad, m, lr, beta1 * m + (1 - beta1) * grad, beta2 * m + (1 - beta2) * grad, 0.0)
    return (1 - lr * weight_decay) * theta, kept


@lion_step.mistake(
    "the weight decay goes through the sign",
    "You add the decay to what the sign is taken of, and the sign swallows its size. It belongs beside the sign.",
)
def decay_in_sign(theta, grad, m, lr, beta1, beta2, weight_decay):
    mixed = beta1 * m + (1 - beta1) * grad + weight_decay * theta
    return _lion(theta, grad, m, lr, mixed, beta2 * m + (1 - beta2) * grad, 0.0)


@lion_step.mistake(
    "the gradient is added with its full weight",
    "You add the whole gradient to a part of the old average, as momentum does. Here the two weights add up to 1.",
)
def full_weight(theta, grad, m, lr, beta1, beta2, weight_decay):
    return _lion(theta, grad, m, lr, beta1 * m + grad, beta2 * m + grad, weight_decay)


@lion_step.mistake(
    "the weight decay is forgotten",
    "Your step is Lion's without its weight decay.",
)
def decay_forgotten(theta, grad, m, lr, beta1, beta2, weight_decay):
    return _lion(theta, grad, m, lr, beta1 * m + (1 - beta1) * grad, beta2 * m + (1 - beta2) * grad, 0.0)


@lion_step.mistake(
    "the step goes uphill",
    "You step along the sign of the average. The gradient points uphill.",
)
def lion_uphill(theta, grad, m, lr, beta1, beta2, weight_decay):
    mixed = beta1 * m + (1 - beta1) * grad
    return (1 - lr * weight_decay) * theta + lr * np.sign(mixed), beta2 * m + (1 - beta2) * grad


@lion_step.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def lion_in_place(theta, grad, m, lr, beta1, beta2, weight_decay):
    direction = np.sign(beta1 * m + (1 - beta1) * grad)
    theta *= 1 - lr * weight_decay
    theta -= lr * direction
    m *= beta2
    m += (1 - beta2) * grad
    return theta, m


# --- cubic: X <- 1.5 X - 0.5 X X^T X, from the matrix over its Frobenius norm ----------------------------------------


def _iterate(x, steps, a=1.5, b=-0.5):
    for _ in range(steps):
        x = a * x + b * x @ x.T @ x
    return x


def _cubic(matrix, steps):
    norm = np.linalg.norm(matrix)
    return _iterate(matrix / norm if norm > 0 else matrix, steps)


cubic = Key(_cubic)


@cubic.mistake(
    "a matrix of zeros is divided by its norm",
    "For a matrix of zeros you divide 0 by 0. It has no directions at all: what should come back?",
)
def zero_over_zero(matrix, steps):
    return _iterate(matrix / np.linalg.norm(matrix), steps)


@cubic.mistake(
    "the matrix is not scaled down first",
    "Without a scaling the iteration starts at singular values of any size. Above the root of 5 the cubic sends them away for good, and below 1 it starts elsewhere.",
)
def unscaled(matrix, steps):
    return _iterate(matrix, steps)


@cubic.mistake(
    "it is scaled by the largest entry",
    "You divide by the largest entry. A matrix of small entries can have a large singular value; the Frobenius norm is never smaller than that.",
)
def by_largest_entry(matrix, steps):
    largest = np.abs(matrix).max()
    return _iterate(matrix / largest if largest > 0 else matrix, steps)


@cubic.mistake(
    "it is scaled by the largest singular value",
    "You divide by the largest singular value. That would be the better start, but finding it takes what the iteration is meant to spare; asked for is the Frobenius norm.",
)
def by_spectral_norm(matrix, steps):
    largest = np.linalg.norm(matrix, 2)
    return _iterate(matrix / largest if largest > 0 else matrix, steps)


@cubic.mistake(
    "the cube is taken entry by entry",
    "You cube the entries. It is the singular values that are to be cubed, all at once, by a product of three matrices.",
)
def entrywise(matrix, steps):
    norm = np.linalg.norm(matrix)
    x = matrix / norm if norm > 0 else matrix
    for _ in range(steps):
        x = 1.5 * x - 0.5 * x**3
    return x


@cubic.mistake(
    "there is one step too few",
    "You apply the polynomial one time less than asked. The scaling is no step.",
)
def step_short(matrix, steps):
    return _cubic(matrix, steps - 1)


@cubic.mistake(
    "there is one step too many",
    "You apply the polynomial one time more than asked.",
)
def step_more(matrix, steps):
    return _cubic(matrix, steps + 1)


@cubic.mistake(
    "the coefficients do not keep 1",
    "Your polynomial sends 1 to 2: its coefficients are 1.5 and +0.5. A singular value that has arrived must stay.",
)
def plus_half(matrix, steps):
    norm = np.linalg.norm(matrix)
    return _iterate(matrix / norm if norm > 0 else matrix, steps, b=0.5)


@cubic.mistake(
    "it is Muon's polynomial",
    "You use the five-degree polynomial of the chapter, which is steeper at 0 and never settles at 1. Here the cubic is asked for.",
)
def quintic(matrix, steps):
    norm = np.linalg.norm(matrix)
    x = matrix / norm if norm > 0 else matrix
    for _ in range(steps):
        x = 3.4445 * x - 4.775 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
    return x


@cubic.mistake(
    "it is where the iteration would end",
    "You return the exact orthogonal matrix, from a singular value decomposition. Asked for is where the iteration stands after these steps.",
)
def exact(matrix, steps):
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    return (u * (s > 0)) @ vt


# --- paired: the mean of the differences, and the standard error of that mean -----------------------------------------


def _paired(first, second):
    d = first - second
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))


paired = Key(_paired)


@paired.mistake(
    "the seeds are not paired",
    "Your error adds the spreads of both methods, as if their seeds had nothing to do with each other. What is hard about a seed is hard for both.",
)
def not_paired(first, second):
    n = len(first)
    return (first - second).mean(), np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / n)


@paired.mistake(
    "it is the spread, not the error of the mean",
    "Your error is the spread of single seeds. The mean over n of them is more precise than each.",
)
def spread(first, second):
    d = first - second
    return d.mean(), d.std(ddof=1)


@paired.mistake(
    "the mean is taken as known",
    "You divide by n where n - 1 belongs: the mean was estimated from the same seeds, and the differences lie closer to it than to the truth.",
)
def population(first, second):
    d = first - second
    return d.mean(), d.std() / np.sqrt(len(d))


@paired.mistake(
    "it is divided by n instead of its root",
    "A mean of n numbers has a variance that is n times as small. Your error is the root of that.",
)
def by_n(first, second):
    d = first - second
    return d.mean(), d.std(ddof=1) / len(d)


@paired.mistake(
    "the 1 is taken off twice",
    "The n - 1 belongs into the variance of the differences. Their mean is nevertheless one of n numbers.",
)
def one_off_twice(first, second):
    d = first - second
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d) - 1)


@paired.mistake(
    "the difference is the wrong way round",
    "A positive difference should say that the second method has the smaller errors.",
)
def other_way(first, second):
    d = second - first
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))


@paired.mistake(
    "it is the variance of the mean",
    "Your error is a variance: its root is asked for, in the units of the difference.",
)
def variance_of_mean(first, second):
    d = first - second
    return d.mean(), d.var(ddof=1) / len(d)


@paired.mistake(
    "seeds are not paired, and the mean is taken as known",
    "Your error has two slips: it adds the spreads of both methods, as if the seeds were different ones, and it divides by n where n - 1 belongs.",
)
def unpaired_population(first, second):
    return (first - second).mean(), np.sqrt((first.var() + second.var()) / len(first))


# --- crossing -----------------------------------------------------------------------------------------------------


def measure_crossing():
    """The smallest budget at which Nesterov, drawing its rates alike, is expected to leave a smaller loss than Adam."""
    h, rates = np.array([0.2, 1.0, 5.0]), 10.0 ** np.linspace(-4, 1, 26)

    def final(method):
        theta = np.ones(3)
        state = method.init(theta)
        for _ in range(30):
            theta, state = method.step(theta, h * theta, state)
        return min(0.5 * h @ theta**2, 100.0)

    losses = [[final(make(float(rate))) for rate in rates] for make in (tn.Nesterov, tn.Adam)]
    return next(k for k in range(1, 27) if tn.best_of_k(losses[0], k) < tn.best_of_k(losses[1], k))


crossing = Key(6)  # measure_crossing(): the tests run it again

crossing.mistake(
    "one trial is enough",
    "With a single trial, drawn at random, Nesterov's loss is many times Adam's: most of the rates are too small, and the large ones explode. A run that explodes counts as 100, not as nothing: it has used up a trial of the budget.",
)(1)
crossing.mistake(
    "the budget is one too small",
    "At that budget Adam is still ahead. Does your list of budgets begin with 0, or do you step along v alone, as the heavy ball does?",
)(5)
crossing.mistake(
    "the budget is one too large",
    "At one trial less Nesterov is ahead already. Where does your list of budgets begin, are there 30 steps, and are both of Adam's averages corrected?",
)(7)
crossing.mistake(
    "all rates are tried",
    "With all 26 rates Nesterov is ahead, that is right. But so it is with far fewer.",
)(26)
crossing.mistake(
    "trials are drawn with replacement",
    "That is the budget if the same rate can be drawn twice, which wastes a trial and hurts whoever needs luck. Here k different rates are run.",
)(8)
crossing.mistake(
    "losses that explode are not counted as 100",
    "A loss above 100 counts as 100. Your runs that explode count with all their digits, so that Nesterov's mean is huge as long as one of them can be the best.",
)(9)

KEYS = {
    "comparing_optimizers.expected_best": expected_best,
    "comparing_optimizers.profile": profile,
    "comparing_optimizers.sparse_noise": sparse_noise,
    "comparing_optimizers.lion_step": lion_step,
    "comparing_optimizers.cubic": cubic,
    "comparing_optimizers.paired": paired,
    "comparing_optimizers.crossing": crossing,
}
