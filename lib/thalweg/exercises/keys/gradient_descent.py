"""The gradient descent assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg import numpy as tn

from ..judge import OVERWRITTEN, OVERWRITTEN_HINT, Key

# --- one_epoch: theta -= lr / batch * the sum over the batch, the loss a mean over all examples --------------------


def _one_epoch(theta, x, targets, order, batch, lr):
    """lr / batch for every example, whatever the size of its own batch."""
    method, total = tn.GradientDescent(lr), 0.0
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        total += 0.5 * (off**2).sum()
        theta, _ = method.step(theta, x[rows].T @ off / batch)
    return theta, total / len(order)


one_epoch = Key(_one_epoch)


def _epoch(theta, x, targets, order, batch, lr):
    """The same in plain NumPy, at any rate: several mistakes are a right epoch at another one."""
    total = 0.0
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        total += 0.5 * np.sum(off**2)
        theta = theta - lr * x[rows].T @ off / batch
    return theta, total / len(order)


@one_epoch.mistake(
    "the last short batch weighs too much",
    "Your short batch is divided by its own, smaller size, so that each example in it moves the parameters more than one in a full batch. "
    "Which divisor treats every example alike?",
)
def own_size(theta, x, targets, order, batch, lr):
    total = 0.0
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        total += 0.5 * np.sum(off**2)
        theta = theta - lr * x[rows].T @ off / len(rows)
    return theta, total / len(order)


@one_epoch.mistake(
    "the loss is the mean of the batches' means",
    "Your parameters are right. But your loss averages over batches, and so the few examples of the short one count for as much as a full batch. It is to be a "
    "mean over examples.",
)
def mean_of_means(theta, x, targets, order, batch, lr):
    losses = []
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        losses.append(0.5 * np.mean(off**2))
        theta = theta - lr * x[rows].T @ off / batch
    return theta, np.mean(losses)


@one_epoch.mistake(
    "every batch counts alike, whatever its size",
    "Both in the steps and in the loss the short batch counts for as much as a full one. Think of its examples: each of them should count as much as any "
    "other.",
)
def batches_alike(theta, x, targets, order, batch, lr):
    losses = []
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        losses.append(0.5 * np.mean(off**2))
        theta = theta - lr * x[rows].T @ off / len(rows)
    return theta, np.mean(losses)


@one_epoch.mistake(
    "the loss is taken after the step",
    "You step first and look afterwards: each example is then judged by parameters that have just been fitted to it. Which parameters does a batch meet?",
)
def loss_afterwards(theta, x, targets, order, batch, lr):
    total = 0.0
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        theta = theta - lr * x[rows].T @ (x[rows] @ theta - targets[rows]) / batch
        total += 0.5 * np.sum((x[rows] @ theta - targets[rows]) ** 2)
    return theta, total / len(order)


@one_epoch.mistake(
    "the loss is that of the last parameters",
    "Your loss is computed once, with the parameters at the end of the epoch. What is asked for is gathered on the way, each example with the parameters that it met.",
)
def loss_at_the_end(theta, x, targets, order, batch, lr):
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        theta = theta - lr * x[rows].T @ (x[rows] @ theta - targets[rows]) / batch
    return theta, 0.5 * np.mean((x[order] @ theta - targets[order]) ** 2)


@one_epoch.mistake(
    "the last short batch is dropped",
    "You count only whole batches. The examples that are left over belong to the epoch, too.",
)
def drop_last(theta, x, targets, order, batch, lr):
    total, seen = 0.0, 0
    for start in range(0, len(order) - batch + 1, batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        total, seen = total + 0.5 * np.sum(off**2), seen + len(rows)
        theta = theta - lr * x[rows].T @ off / batch
    return theta, total / max(seen, 1)


@one_epoch.mistake(
    "all gradients are taken at the start",
    "Every gradient of yours is taken at the parameters with which the epoch began. After a step the next batch meets new ones.",
)
def at_the_start(theta, x, targets, order, batch, lr):
    off = x[order] @ theta - targets[order]
    return theta - lr * x[order].T @ off / batch, 0.5 * np.mean(off**2)


@one_epoch.mistake(
    "the batch is summed, not averaged",
    "Your steps are as many times too long as a batch has examples: the gradients are added up and never divided.",
)
def summed(theta, x, targets, order, batch, lr):
    return _epoch(theta, x, targets, order, batch, lr * batch)


@one_epoch.mistake(
    "a step is made after each example",
    "You step after each example, so that the later ones of a batch meet parameters that the earlier ones have moved. All examples of a batch see the same ones.",
)
def step_each(theta, x, targets, order, batch, lr):
    total = 0.0
    for i in order:
        off = x[i] @ theta - targets[i]
        total += 0.5 * off**2
        theta = theta - lr * x[i] * off / batch
    return theta, total / len(order)


@one_epoch.mistake(
    "a batch is divided by the number of all examples",
    "The loss is a mean over all examples, but a step is made with one batch. By how many is its sum to be divided?",
)
def divided_by_all(theta, x, targets, order, batch, lr):
    return _epoch(theta, x, targets, order, batch, lr * batch / len(order))


@one_epoch.mistake(
    "the order is ignored",
    "You go through the examples as they lie in x. They are to come as order says.",
)
def in_place_order(theta, x, targets, order, batch, lr):
    return _epoch(theta, x, targets, np.arange(len(order)), batch, lr)


@one_epoch.mistake(
    "the one half is missing",
    "The loss here is half of the squared error. Without the half it is twice as large, and so is its gradient.",
)
def without_half(theta, x, targets, order, batch, lr):
    theta, loss = _epoch(theta, x, targets, order, batch, 2 * lr)
    return theta, 2 * loss


@one_epoch.mistake(
    "the step goes uphill",
    "The gradient points to where the loss grows. Your parameters follow it.",
)
def epoch_uphill(theta, x, targets, order, batch, lr):
    return _epoch(theta, x, targets, order, batch, -lr)


@one_epoch.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def epoch_in_place(theta, x, targets, order, batch, lr):
    total = 0.0
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        off = x[rows] @ theta - targets[rows]
        total += 0.5 * np.sum(off**2)
        theta -= lr * x[rows].T @ off / batch
    return theta, total / len(order)


# --- largest_rate: the Hessian is 2/n times the inputs' moments, with a column of ones, and the penalty on the weights ----


def _hessian(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.full(x.shape[1] + 1, weight_decay)
    penalty[-1] = 0
    return 2 * ones.T @ ones / len(x) + np.diag(penalty)


largest_rate = Key(lambda x, weight_decay: 2 / np.linalg.eigvalsh(_hessian(x, weight_decay))[-1])


@largest_rate.mistake(
    "the Hessian is that of half the squared error",
    "The errors are squared here without a one half, so that their second derivatives have a factor 2. (The penalty does have the half.)",
)
def with_a_half(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return 2 / np.linalg.eigvalsh(ones.T @ ones / len(x) + np.diag(penalty))[-1]


@largest_rate.mistake(
    "the loss is a sum",
    "Your rate falls with the number of examples: it suits the sum of the squared errors. The loss is their mean.",
)
def of_the_sum(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return 2 / np.linalg.eigvalsh(2 * ones.T @ ones + np.diag(penalty))[-1]


@largest_rate.mistake(
    "the intercept is forgotten",
    "You have the Hessian of the weights alone. The intercept is a parameter, too: what is its input?",
)
def without_intercept(x, weight_decay):
    return 2 / np.linalg.eigvalsh(2 * x.T @ x / len(x) + weight_decay * np.eye(x.shape[1]))[-1]


@largest_rate.mistake(
    "the penalty is forgotten",
    "Your curvatures are those of the errors alone. The penalty is a bowl of its own, which makes the valley steeper.",
)
def without_penalty(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    return 1 / np.linalg.eigvalsh(ones.T @ ones / len(x))[-1]


@largest_rate.mistake(
    "the intercept is penalized, too",
    "You add the penalty's curvature along every parameter. Look at the loss again: which of them stands in the penalty?",
)
def penalized_intercept(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    return 2 / (2 * np.linalg.eigvalsh(ones.T @ ones / len(x))[-1] + weight_decay)


@largest_rate.mistake(
    "the penalty counts twice",
    "Your penalty has twice the curvature that it should have: here it comes with a one half.",
)
def penalty_twice(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], 2 * weight_decay), 0.0)
    return 2 / np.linalg.eigvalsh(2 * ones.T @ ones / len(x) + np.diag(penalty))[-1]


@largest_rate.mistake(
    "the penalty counts half",
    "Your penalty has half the curvature that it should have. Take its second derivative: what becomes of the one half?",
)
def penalty_half(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay / 2), 0.0)
    return 2 / np.linalg.eigvalsh(2 * ones.T @ ones / len(x) + np.diag(penalty))[-1]


@largest_rate.mistake(
    "it is the rate of another loss",
    "That is the rate for half the mean squared error of a line through the origin. Compare it with the loss that is given here, term by term: three things are different.",
)
def bare_line(x, weight_decay):
    return 2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1]


@largest_rate.mistake(
    "it is where the steepest direction arrives in one step",
    "You found the rate with the factor 0 along the steepest direction. It can be larger still: which factor is the last that does not grow?",
)
def one_over(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return 1 / np.linalg.eigvalsh(2 * ones.T @ ones / len(x) + np.diag(penalty))[-1]


@largest_rate.mistake(
    "it is the fastest rate, not the largest stable one",
    "2 over the sum of the smallest and the largest curvature is the best rate for the whole bowl. How far can one go before it diverges?",
)
def fastest_rate(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    h = np.linalg.eigvalsh(2 * ones.T @ ones / len(x) + np.diag(penalty))
    return 2 / (h[0] + h[-1])


@largest_rate.mistake(
    "the smallest curvature decides",
    "At your rate the flattest direction would just not diverge, and all others do. Which curvature is the first to be too much?",
)
def smallest_curvature(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return 2 / np.linalg.eigvalsh(2 * ones.T @ ones / len(x) + np.diag(penalty))[0]


@largest_rate.mistake(
    "the curvatures are added up",
    "You divide by the sum of all curvatures, the trace. That is on the safe side; the limit itself is set by the largest one alone.",
)
def by_trace(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return 2 / np.trace(2 * ones.T @ ones / len(x) + np.diag(penalty))


@largest_rate.mistake(
    "only the diagonal is looked at",
    "You take the largest entry on the Hessian's diagonal, as if the parameters did not influence each other. The steepest direction need not lie along one of them.",
)
def by_diagonal(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return 2 / np.max(2 * np.mean(ones**2, axis=0) + penalty)


@largest_rate.mistake(
    "it is the curvature, not the rate",
    "That is the largest curvature itself. How large may the rate be, given this curvature?",
)
def curvature_itself(x, weight_decay):
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], weight_decay), 0.0)
    return np.linalg.eigvalsh(2 * ones.T @ ones / len(x) + np.diag(penalty))[-1]


# --- standard_errors ----------------------------------------------------------------------------------------------

standard_errors = Key(
    lambda gradients, batch: (
        tn.standard_error(gradients, batch),
        tn.standard_error(gradients, batch, replacement=False),
    )
)


@standard_errors.mistake(
    "sigma is estimated as from a sample",
    "You divide by n - 1, which estimates the spread of a larger population from a sample. These examples are all there are, so their spread is known.",
)
def as_a_sample(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0, ddof=1) / np.sqrt(batch)
    return error, error * np.sqrt((n - batch) / max(n - 1, 1))


@standard_errors.mistake(
    "the variance is returned",
    "What you return is the variance of the batch's gradient. The standard error is its root.",
)
def the_variance(gradients, batch):
    n = len(gradients)
    variance = gradients.var(axis=0) / batch
    return variance, variance * (n - batch) / max(n - 1, 1)


@standard_errors.mistake(
    "it is divided by the number of all examples",
    "You divide by the root of how many examples there are. How many of them are averaged in a batch?",
)
def by_all(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0) / np.sqrt(n)
    return error, error * np.sqrt((n - batch) / max(n - 1, 1))


@standard_errors.mistake(
    "it is divided by the batch, not by its root",
    "Your error falls like 1/B. Variances add up, so what falls like 1/B is the variance.",
)
def by_batch(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0) / batch
    return error, error * np.sqrt((n - batch) / max(n - 1, 1))


@standard_errors.mistake(
    "the factor has n in its denominator",
    "With a batch of one there is no difference between the two ways to draw. Is your factor 1 there?",
)
def factor_with_n(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0) / np.sqrt(batch)
    return error, error * np.sqrt((n - batch) / n)


@standard_errors.mistake(
    "the factor is not rooted",
    "The factor (n - B)/(n - 1) belongs to the variance. What belongs to the standard deviation?",
)
def factor_not_rooted(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0) / np.sqrt(batch)
    return error, error * (n - batch) / max(n - 1, 1)


@standard_errors.mistake(
    "both ways to draw are taken for the same",
    "Your second result is the first again. Without replacement a batch of all examples has no error left: does yours?",
)
def both_the_same(gradients, batch):
    error = gradients.std(axis=0) / np.sqrt(batch)
    return error, error


@standard_errors.mistake(
    "the two ways to draw have changed places",
    "The two results have changed places: which of them must be 0 when the batch holds everything?",
)
def swapped(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0) / np.sqrt(batch)
    return error * np.sqrt((n - batch) / max(n - 1, 1)), error


@standard_errors.mistake(
    "a single example gives no number",
    "For ordinary inputs you are right. With a single example in all, your factor is 0/0, and nothing is uncertain.",
)
def zero_over_zero(gradients, batch):
    n = len(gradients)
    error = gradients.std(axis=0) / np.sqrt(batch)
    return error, error * np.sqrt(np.float64(n - batch) / np.float64(n - 1))


# --- importance: each drawn gradient over n times its chance ------------------------------------------------------


def _importance(gradients, chances, drawn):
    n, alive = len(gradients), chances > 0
    scaled = np.zeros_like(gradients)
    scaled[alive] = gradients[alive] / (n * chances[alive])[:, None]
    off = scaled - gradients.mean(axis=0)
    return scaled[drawn].mean(axis=0), chances @ (off**2).sum(axis=1) / len(drawn)


def _scaled(gradients, weights, chances):
    """What each draw is worth, 0 where it is never drawn."""
    return np.where((chances > 0)[:, None], gradients * np.where(chances > 0, weights, 0)[:, None], 0)


importance = Key(_importance)


@importance.mistake(
    "nothing is corrected",
    "You take the plain mean of what was drawn, so what is drawn more often counts more: it estimates another gradient, and your variance is that of "
    "the other one. By how much does each example come too often?",
)
def uncorrected(gradients, chances, drawn):
    mean = chances @ gradients
    return gradients[drawn].mean(axis=0), chances @ ((gradients - mean) ** 2).sum(axis=1) / len(drawn)


@importance.mistake(
    "the estimate is not corrected",
    "Your variance is right, but for an estimate that you do not make: yours is the plain mean of what was drawn.",
)
def estimate_uncorrected(gradients, chances, drawn):
    return gradients[drawn].mean(axis=0), _importance(gradients, chances, drawn)[1]


@importance.mistake(
    "the weights are not inverted",
    "You multiply by n times the chance. What is drawn too often then counts even more: which way must the weight go?",
)
def not_inverted(gradients, chances, drawn):
    scaled = gradients * (len(gradients) * chances)[:, None]
    off = scaled - gradients.mean(axis=0)
    return scaled[drawn].mean(axis=0), chances @ (off**2).sum(axis=1) / len(drawn)


@importance.mistake(
    "it estimates the sum, not the mean",
    "You divide by the chance alone, so that you estimate the sum of all gradients, n times what is asked. With equal chances, which weight should an example have?",
)
def without_n(gradients, chances, drawn):
    scaled = _scaled(gradients, 1 / np.where(chances > 0, chances, 1), chances)
    off = scaled - gradients.sum(axis=0)
    return scaled[drawn].mean(axis=0), chances @ (off**2).sum(axis=1) / len(drawn)


@importance.mistake(
    "the weights are made to add up to 1",
    "You divide by the sum of the drawn weights. That steadies the estimate, but it is no longer right on average.",
)
def self_normalised(gradients, chances, drawn):
    weights = 1 / chances[drawn]
    return weights @ gradients[drawn] / weights.sum(), _importance(gradients, chances, drawn)[1]


@importance.mistake(
    "the variance is that of a single draw",
    "That is the variance of one draw. The estimate is a mean of several.",
)
def of_one_draw(gradients, chances, drawn):
    estimate, variance = _importance(gradients, chances, drawn)
    return estimate, variance * len(drawn)


@importance.mistake(
    "the square of the mean is not subtracted",
    "You have the mean of the squares. A variance is that less the square of the mean.",
)
def second_moment(gradients, chances, drawn):
    scaled = _scaled(gradients, 1 / (len(gradients) * np.where(chances > 0, chances, 1)), chances)
    return scaled[drawn].mean(axis=0), chances @ (scaled**2).sum(axis=1) / len(drawn)


@importance.mistake(
    "the variance is that of equal chances",
    "That is how an estimate scatters for which all examples are drawn alike. What does one draw look like here, and how often does it come?",
)
def variance_of_equal_chances(gradients, chances, drawn):
    return _importance(gradients, chances, drawn)[0], gradients.var(axis=0).sum() / len(drawn)


@importance.mistake(
    "the variance counts all examples alike",
    "You average the squares over the examples as if each were drawn equally often. An example that comes more often counts for more in a variance, too.",
)
def variance_unweighted(gradients, chances, drawn):
    scaled = _scaled(gradients, 1 / (len(gradients) * np.where(chances > 0, chances, 1)), chances)
    off = scaled - gradients.mean(axis=0)
    return scaled[drawn].mean(axis=0), (off**2).sum(axis=1).mean() / len(drawn)


@importance.mistake(
    "the variance is estimated from what was drawn",
    "You measure how the drawn values scatter. The variance is asked for that the estimate has over all drawings, and everything needed for it is given.",
)
def variance_of_the_sample(gradients, chances, drawn):
    scaled = _scaled(gradients, 1 / (len(gradients) * np.where(chances > 0, chances, 1)), chances)
    return scaled[drawn].mean(axis=0), scaled[drawn].var(axis=0).sum() / len(drawn)


@importance.mistake(
    "the variance is estimated from what was drawn, with n - 1",
    "On average your variance is right, but it is itself an estimate, from the few values that were drawn. With all gradients and chances at hand it can be computed exactly.",
)
def unbiased_variance_of_the_sample(gradients, chances, drawn):
    scaled = _scaled(gradients, 1 / (len(gradients) * np.where(chances > 0, chances, 1)), chances)
    off = scaled[drawn] - scaled[drawn].mean(axis=0)
    return scaled[drawn].mean(axis=0), (off**2).sum() / len(drawn) / max(len(drawn) - 1, 1)


@importance.mistake(
    "a chance of 0 gives no number",
    "For ordinary chances you are right. An example that is never drawn is a division by 0 in yours; what does it contribute?",
)
def divides_by_zero(gradients, chances, drawn):
    scaled = gradients / (len(gradients) * chances)[:, None]
    off = scaled - gradients.mean(axis=0)
    return scaled[drawn].mean(axis=0), chances @ (off**2).sum(axis=1) / len(drawn)


# --- diverse_batches: sort by class, then deal --------------------------------------------------------------------

diverse_batches = Key(lambda classes, batch: np.argsort(classes, kind="stable").reshape(batch, -1).T)


@diverse_batches.mistake(
    "the batches are sorted by class",
    "You sorted by class and cut: each of your batches has as few classes as possible. After sorting, do not cut the pack, deal it.",
)
def sorted_batches(classes, batch):
    return np.argsort(classes, kind="stable").reshape(-1, batch)


@diverse_batches.mistake(
    "the examples stay as they lie",
    "You cut the examples as they come. What a batch holds is then left to chance.",
)
def as_they_lie(classes, batch):
    return np.arange(len(classes)).reshape(-1, batch)


@diverse_batches.mistake(
    "they are shuffled, and nothing else",
    "Shuffling makes the shares right on average. Here they have to be right in every single batch.",
)
def only_shuffled(classes, batch):
    return np.random.default_rng(0).permutation(len(classes)).reshape(-1, batch)


@diverse_batches.mistake(
    "the classes take turns until they run out",
    "You take one example of each class in turn. The small classes are used up early, and the last batches hold only the large ones. A large class has to be dealt out "
    "faster.",
)
def take_turns(classes, batch):
    turn = np.empty(len(classes), int)
    for k in np.unique(classes):
        turn[classes == k] = np.arange(np.sum(classes == k))
    return np.lexsort((classes, turn)).reshape(-1, batch)


@diverse_batches.mistake(
    "every batch has the same examples",
    "The shares are right in your batches, but it is the same few examples in each of them. Every example has to be used once.",
)
def the_same_examples(classes, batch):
    n_batches = len(classes) // batch
    rows = [np.flatnonzero(classes == k)[: np.sum(classes == k) // n_batches] for k in np.unique(classes)]
    return np.tile(np.concatenate(rows), (n_batches, 1))


@diverse_batches.mistake(
    "all classes are made equally large",
    "You fill each batch with every class in equal measure, so small classes are repeated and large ones left out. The shares are to be those of the whole.",
)
def equal_classes(classes, batch):
    names = np.unique(classes)
    pools = [np.flatnonzero(classes == k) for k in names]
    out = np.empty(len(classes), int)
    for i in range(len(classes)):
        pool = pools[i % len(names)]
        out[i] = pool[(i // len(names)) % len(pool)]
    return out.reshape(-1, batch)


@diverse_batches.mistake(
    "class numbers instead of indices",
    "Your batches hold the classes themselves. Asked for are the places of the examples, so that x[rows] is the batch.",
)
def class_numbers(classes, batch):
    return np.sort(classes).reshape(batch, -1).T


# --- critical_batch: measured, not guessed ------------------------------------------------------------------------


def measure_critical_batch(seeds=range(5), most=1000):
    """The smallest power of two that needs, each at its best rate, at most twice the steps of the exact gradient."""
    h = np.geomspace(0.05, 1, 100)

    def steps(batch, lr, seed):
        rng, theta, method = np.random.default_rng(seed), h**-0.5, tn.GradientDescent(lr)
        for t in range(1, most + 1):
            noise = 2 * rng.normal(size=100) / np.sqrt(batch) if np.isfinite(batch) else 0
            theta, _ = method.step(theta, h * theta + noise)
            loss = 0.5 * h @ theta**2
            if loss <= 0.02 * 50:
                return t
            if loss > 1e6:
                break
        return most

    def fewest(batch, seeds):
        return min(np.mean([steps(batch, lr, seed) for seed in seeds]) for lr in 1.5 * 2.0 ** -np.arange(7))

    exact = fewest(np.inf, [0])
    return next(batch for batch in 2 ** np.arange(4, 13) if fewest(batch, seeds) <= 2 * exact)


critical_batch = Key(256)  # measure_critical_batch(): the tests run it again

critical_batch.mistake(
    "the last batch size that needs more than twice the steps",
    "With 128 it still takes clearly more than twice the steps of the exact gradient. Look for the first size with which it takes no more.",
)(128)
critical_batch.mistake(
    "the prediction at the start, not the measurement",
    "That is the noise scale where the walk begins, where the gradient is long. On the way it gets shorter and the noise does not. Count the steps.",
)(12.53)
critical_batch.mistake(
    "the prediction at the end, not the measurement",
    "That is the noise scale where 2 % of the loss are left. Most of the way the gradient is longer. Count the steps.",
)(626.5)
critical_batch.mistake(
    "where the steps stop falling",
    "There the steps have nearly reached those of the exact gradient, at far more work. Asked is where they are twice as many.",
)(1024)
critical_batch.mistake(
    "a number of steps, not a batch size",
    "That is how many steps the exact gradient takes, twice over. Which batch size needs no more than these?",
)(24)
critical_batch.mistake(
    "every batch size with the same small rate",
    "With a small rate for all, the rate limits every walk, and the noise hardly shows: small batches look better than they are. Each size, and the exact gradient, too, gets "
    "the rate that suits it.",
)(16)

KEYS = {
    "gradient_descent.one_epoch": one_epoch,
    "gradient_descent.largest_rate": largest_rate,
    "gradient_descent.standard_errors": standard_errors,
    "gradient_descent.importance": importance,
    "gradient_descent.diverse_batches": diverse_batches,
    "gradient_descent.critical_batch": critical_batch,
}
