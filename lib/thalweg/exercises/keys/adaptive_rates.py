"""The adaptive_rates assignment, as it is judged: the references and the mistakes that students make.

Mistakes that differ in one place only share a plain helper that takes what differs.
"""

import numpy as np

from thalweg.numpy import AdaDelta, RMSProp, Rprop

from ..judge import Key

# --- rprop_step --------------------------------------------------------------------------------------------------


def _rprop_step(theta, grad, rate, last, down, up, smallest, largest):
    theta, (rate, last) = Rprop(0.1, down, up, smallest, largest).step(theta, grad, (rate, last))
    return theta, rate, last


rprop_step = Key(_rprop_step)


def moved_rates(rate, turn, same, changed, zero, smallest, largest):
    """The rates times one of three factors, within bounds."""
    return np.clip(np.where(turn > 0, rate * same, np.where(turn < 0, rate * changed, rate * zero)), smallest, largest)


@rprop_step.mistake(
    "the step has the length from before",
    "Your rates are right, but the step is as long as they were before this gradient. First the length, then the step.",
)
def old_length(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    after = moved_rates(rate, turn, up, down, 1, smallest, largest)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * np.sign(grad), after, grad


@rprop_step.mistake(
    "the step is multiplied by the gradient",
    "Your step grows with the gradient. What is taken of the gradient is only in which direction to go.",
)
def with_size(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, up, down, 1, smallest, largest)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * grad, rate, grad


@rprop_step.mistake(
    "a step is taken where the sign has changed",
    "Your shorter step is taken at once: that is Rprop without the i. Here a gradient that has changed its sign counts as 0, for this step and for the next comparison.",
)
def no_pause(theta, grad, rate, last, down, up, smallest, largest):
    rate = moved_rates(rate, np.sign(grad) * np.sign(last), up, down, 1, smallest, largest)
    return theta - rate * np.sign(grad), rate, grad


@rprop_step.mistake(
    "the changed sign is remembered",
    "No step is taken where the sign has changed, well. But you remember that gradient as it was, so that the next one is compared with it. As what does it count?",
)
def remembered(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, up, down, 1, smallest, largest)
    return theta - rate * np.sign(np.where(turn < 0, 0 * grad, grad)), rate, grad


@rprop_step.mistake(
    "the changed sign is only forgotten",
    "You remember 0 where the sign has changed, but you step all the same. The gradient counts as 0 for this step, too.",
)
def only_forgotten(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, up, down, 1, smallest, largest)
    return theta - rate * np.sign(grad), rate, np.where(turn < 0, 0 * grad, grad)


@rprop_step.mistake(
    "a product of 0 shortens the step",
    "Where one of the two gradients is 0 your length shrinks. There is no sign to compare: what should happen to it?",
)
def zero_shortens(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, up, down, down, smallest, largest)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * np.sign(grad), rate, grad


@rprop_step.mistake(
    "a product of 0 lengthens the step",
    "Where one of the two gradients is 0 your length grows. There is no sign to compare: what should happen to it?",
)
def zero_lengthens(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, up, down, up, smallest, largest)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * np.sign(grad), rate, grad


@rprop_step.mistake(
    "the factors have changed places",
    "Your lengths shrink where signs agree. Two that agree say that you could have gone further.",
)
def factors_swapped(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, down, up, 1, smallest, largest)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * np.sign(grad), rate, grad


@rprop_step.mistake(
    "the lengths have no bounds",
    "All is right but for lengths that leave the range from smallest to largest.",
)
def no_bounds(theta, grad, rate, last, down, up, smallest, largest):
    turn = np.sign(grad) * np.sign(last)
    rate = moved_rates(rate, turn, up, down, 1, 0, np.inf)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * np.sign(grad), rate, grad


@rprop_step.mistake(
    "the product of tiny gradients becomes 0",
    "All is right but for very small gradients: their product is below the smallest number that there is. What do you need of the product?",
)
def underflow(theta, grad, rate, last, down, up, smallest, largest):
    turn = grad * last
    rate = moved_rates(rate, turn, up, down, 1, smallest, largest)
    grad = np.where(turn < 0, 0 * grad, grad)
    return theta - rate * np.sign(grad), rate, grad


# --- adagrad_rows ------------------------------------------------------------------------------------------------


def _adagrad_rows(table, s, rows, grads, lr, eps):
    seen, place = np.unique(rows, return_inverse=True)
    total = np.zeros((len(seen), table.shape[1]), dtype=table.dtype)
    np.add.at(total, place, grads)
    table, s = table.copy(), s.copy()
    s[seen] += total**2
    table[seen] -= lr * total / (np.sqrt(s[seen]) + eps)
    return table, s


adagrad_rows = Key(_adagrad_rows)


def summed(table, rows, grads):
    """The gradient of the whole table."""
    total = np.zeros_like(table)
    np.add.at(total, rows, grads)
    return total


@adagrad_rows.mistake(
    "only the last of a row's gradients counts",
    "A row that comes twice in the batch moves as if it had come once: total[rows] += grads takes each row once. What adds up?",
)
def last_wins(table, s, rows, grads, lr, eps):
    total = np.zeros_like(table)
    total[rows] += grads
    s = s + total**2
    return table - np.divide(lr * total, np.sqrt(s) + eps, out=np.zeros_like(table), where=total != 0), s


@adagrad_rows.mistake(
    "the squares of a row's gradients are added",
    "Your step goes along the sum of a row's gradients, but s takes in the sum of their squares. The gradient of the batch is one number for each parameter: square that.",
)
def squares_added(table, s, rows, grads, lr, eps):
    total, s = summed(table, rows, grads), s.copy()
    np.add.at(s, rows, grads**2)
    return table - np.divide(lr * total, np.sqrt(s) + eps, out=np.zeros_like(table), where=total != 0), s


@adagrad_rows.mistake(
    "a row's gradients are averaged",
    "You take the mean of a row's gradients. The loss of the batch depends on the row in several places, and the chain rule adds.",
)
def averaged(table, s, rows, grads, lr, eps):
    counts = np.maximum(np.bincount(rows, minlength=len(table)), 1)[:, None]
    total = (summed(table, rows, grads) / counts).astype(table.dtype)
    s = s + total**2
    return table - np.divide(lr * total, np.sqrt(s) + eps, out=np.zeros_like(table), where=total != 0), s


@adagrad_rows.mistake(
    "a row takes several steps",
    "You take a step for each entry of the batch. The batch has one gradient, and AdaGrad takes one step.",
)
def one_after_the_other(table, s, rows, grads, lr, eps):
    table, s = table.copy(), s.copy()
    for row, grad in zip(rows, grads, strict=True):
        s[row] += grad**2
        table[row] -= lr * grad / (np.sqrt(s[row]) + eps)
    return table, s


@adagrad_rows.mistake(
    "epsilon stands inside the root",
    "Your sums are right. Where does eps stand, beside the root or below it?",
)
def eps_inside(table, s, rows, grads, lr, eps):
    total = summed(table, rows, grads)
    s = s + total**2
    return table - np.divide(lr * total, np.sqrt(s + eps), out=np.zeros_like(table), where=total != 0), s


@adagrad_rows.mistake(
    "the step divides by the sum from before",
    "Your sums are right, but the step does not know the newest gradient's square. In the first step there would be nothing to divide by.",
)
def old_sum(table, s, rows, grads, lr, eps):
    total = summed(table, rows, grads)
    return table - np.divide(lr * total, np.sqrt(s) + eps, out=np.zeros_like(table), where=total != 0), s + total**2


@adagrad_rows.mistake(
    "0 is divided by 0",
    "All is right but for rows that have never had a gradient: with eps = 0 they become nan. Which rows have to move at all?",
)
def all_rows(table, s, rows, grads, lr, eps):
    total = summed(table, rows, grads)
    s = s + total**2
    return table - lr * total / (np.sqrt(s) + eps), s


# --- rmsprop_step ------------------------------------------------------------------------------------------------


def _rmsprop_step(theta, grad, s, lr, beta2, eps):
    theta, (s, _, _) = RMSProp(lr, beta2, eps).step(theta, grad, (s, 0 * s, 0 * s))
    return theta, s


rmsprop_step = Key(_rmsprop_step)


def friends_step(theta, grad, s, lr, beta2, eps, early, swapped, inside):
    """The friend's step with those of the three faults that are left."""
    kept, new = (1 - beta2, beta2) if swapped else (beta2, 1 - beta2)
    after = kept * s + new * grad**2
    used = s if early else after
    root = np.sqrt(used + eps) if inside else np.sqrt(used) + eps
    return theta - lr * grad / root, after


@rmsprop_step.mistake(
    "all three faults are still there",
    "It behaves as your friend's does. Take one step from s = 0 by hand: what is s afterwards, and by what should the gradient be divided?",
)
def all_three(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=True, swapped=True, inside=True)


@rmsprop_step.mistake(
    "one fault is left: which s divides",
    "The average and eps are mended. Does your step know the newest square?",
)
def still_early(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=True, swapped=False, inside=False)


@rmsprop_step.mistake(
    "one fault is left: the decay",
    "One fault is left, in the average. beta2 is near 1, and the memory is to be long: what is multiplied by beta2?",
)
def still_swapped(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=False, swapped=True, inside=False)


@rmsprop_step.mistake(
    "one fault is left: the place of epsilon",
    "The average is mended, and the step uses it. Is eps below the root or beside it?",
)
def still_inside(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=False, swapped=False, inside=True)


@rmsprop_step.mistake(
    "two faults are left: which s divides, and the decay",
    "Epsilon stands where it should. Look at the average, and at the order of the lines.",
)
def early_and_swapped(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=True, swapped=True, inside=False)


@rmsprop_step.mistake(
    "two faults are left: which s divides, and epsilon",
    "The average is mended. Look at the order of the lines, and at the place of eps.",
)
def early_and_inside(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=True, swapped=False, inside=True)


@rmsprop_step.mistake(
    "two faults are left: the decay and epsilon",
    "The order is mended. Look at what is multiplied by beta2, and at the place of eps.",
)
def swapped_and_inside(theta, grad, s, lr, beta2, eps):
    return friends_step(theta, grad, s, lr, beta2, eps, early=False, swapped=True, inside=True)


@rmsprop_step.mistake(
    "squares are added up",
    "Your s only grows: that is AdaGrad. RMSProp's record fades.",
)
def adagrad(theta, grad, s, lr, beta2, eps):
    s = s + grad**2
    return theta - lr * grad / (np.sqrt(s) + eps), s


@rmsprop_step.mistake(
    "the root is missing",
    "Your average is right, but you divide by it and not by its root. The unit of the gradient has to cancel.",
)
def no_root(theta, grad, s, lr, beta2, eps):
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * grad / (s + eps), s


@rmsprop_step.mistake(
    "the newest square has the weight 1",
    "You add the whole square to what is left of the average. Where squares are always 1, the average should become 1.",
)
def fading_sum(theta, grad, s, lr, beta2, eps):
    s = beta2 * s + grad**2
    return theta - lr * grad / (np.sqrt(s) + eps), s


# --- adadelta_step -----------------------------------------------------------------------------------------------


def _adadelta_step(theta, grad, s, nu, lr, beta2, eps):
    theta, (s, nu) = AdaDelta(lr, beta2, eps).step(theta, grad, (s, nu))
    return theta, s, nu


adadelta_step = Key(_adadelta_step)


def with_quotient(theta, grad, s, nu, lr, beta2, quotient):
    """AdaDelta's step with another quotient of the two averages, a function of nu and the new s."""
    s = beta2 * s + (1 - beta2) * grad**2
    delta = quotient(nu, s) * grad
    return theta - lr * delta, s, beta2 * nu + (1 - beta2) * delta**2


@adadelta_step.mistake(
    "the average of steps is updated too early",
    "Your step is computed a second time, with the average that already contains it. The step sees the average of the steps before it.",
)
def too_early(theta, grad, s, nu, lr, beta2, eps):
    s = beta2 * s + (1 - beta2) * grad**2
    delta = np.sqrt(nu + eps) / np.sqrt(s + eps) * grad
    nu = beta2 * nu + (1 - beta2) * delta**2
    return theta - lr * np.sqrt(nu + eps) / np.sqrt(s + eps) * grad, s, nu


@adadelta_step.mistake(
    "the upper epsilon is forgotten",
    "There is no eps beside nu in your step. What happens in the first step, when nu is 0?",
)
def no_upper(theta, grad, s, nu, lr, beta2, eps):
    return with_quotient(theta, grad, s, nu, lr, beta2, lambda nu, s: np.sqrt(nu) / np.sqrt(s + eps))


@adadelta_step.mistake(
    "the lower epsilon is forgotten",
    "There is no eps beside s in your step. AdaDelta has it in both roots.",
)
def no_lower(theta, grad, s, nu, lr, beta2, eps):
    return with_quotient(theta, grad, s, nu, lr, beta2, lambda nu, s: np.sqrt(nu + eps) / np.sqrt(s))


@adadelta_step.mistake(
    "epsilon stands outside both roots",
    "You add eps to the roots, as in RMSProp. In AdaDelta it stands below them.",
)
def outside(theta, grad, s, nu, lr, beta2, eps):
    return with_quotient(theta, grad, s, nu, lr, beta2, lambda nu, s: (np.sqrt(nu) + eps) / (np.sqrt(s) + eps))


@adadelta_step.mistake(
    "the roots are missing",
    "You divide the averages themselves. Which unit does your step have?",
)
def no_roots(theta, grad, s, nu, lr, beta2, eps):
    return with_quotient(theta, grad, s, nu, lr, beta2, lambda nu, s: (nu + eps) / (s + eps))


@adadelta_step.mistake(
    "the average takes in the step with the rate",
    "Your average contains the step after it was multiplied by lr. One lecture does so; here, as in PyTorch, it is the step before.",
)
def rate_inside(theta, grad, s, nu, lr, beta2, eps):
    s = beta2 * s + (1 - beta2) * grad**2
    step = lr * np.sqrt(nu + eps) / np.sqrt(s + eps) * grad
    return theta - step, s, beta2 * nu + (1 - beta2) * step**2


@adadelta_step.mistake(
    "the step divides by the s from before",
    "Your averages start from the right numbers, but the step does not know the newest gradient's square.",
)
def old_s(theta, grad, s, nu, lr, beta2, eps):
    delta = np.sqrt(nu + eps) / np.sqrt(s + eps) * grad
    return theta - lr * delta, beta2 * s + (1 - beta2) * grad**2, beta2 * nu + (1 - beta2) * delta**2


@adadelta_step.mistake(
    "the decay has changed places",
    "beta2 is what an average keeps. In yours the newest square has that weight.",
)
def decay_swapped(theta, grad, s, nu, lr, beta2, eps):
    s = (1 - beta2) * s + beta2 * grad**2
    delta = np.sqrt(nu + eps) / np.sqrt(s + eps) * grad
    return theta - lr * delta, s, (1 - beta2) * nu + beta2 * delta**2


# --- same_path ---------------------------------------------------------------------------------------------------


def _same_path(lr, eps, unit, k):
    c = 1 / unit  # by how much the numbers of the parameters grow
    return lr * c**2 / k, lr * c, eps * k / c, eps * c**2, eps * (k / c) ** 2


same_path = Key(_same_path)


@same_path.mistake(
    "the unit is turned round",
    "Your numbers get smaller where they should get larger. A parameter counted in a smaller unit has a larger number: what becomes of a displacement, and what of the gradient?",
)
def unit_inverted(lr, eps, unit, k):
    c = 1 / unit
    return lr / c**2 / k, lr / c, eps * k * c, eps / c**2, eps * (k * c) ** 2


@same_path.mistake(
    "the loss is turned round",
    "The parameters' unit is right everywhere, but where the loss counts, you have it upside down. It becomes k times as large: what becomes of the gradient?",
)
def loss_inverted(lr, eps, unit, k):
    c = 1 / unit
    return lr * c**2 * k, lr * c, eps / k / c, eps * c**2, eps / (k * c) ** 2


@same_path.mistake(
    "gradient descent's rate takes the unit once",
    "All but gradient descent's rate is right. Its steps must change with the unit, and its gradient has changed as well.",
)
def unit_once(lr, eps, unit, k):
    c = 1 / unit
    return lr * c / k, lr * c, eps * k / c, eps * c**2, eps * (k / c) ** 2


@same_path.mistake(
    "epsilons are left alone",
    "The rates are right. But what is added to a root, or below it, must change as the other term does, or the sum changes in another way.",
)
def epsilons_alone(lr, eps, unit, k):
    c = 1 / unit
    alone = eps + 0 * c
    return lr * c**2 / k, lr * c, alone, alone, alone


@same_path.mistake(
    "AdaDelta's epsilons are not squared",
    "RMSProp's epsilon stands beside the root, AdaDelta's below it, with averages of squares. Which unit has a square?",
)
def not_squared(lr, eps, unit, k):
    c = 1 / unit
    return lr * c**2 / k, lr * c, eps * k / c, eps * c, eps * k / c


@same_path.mistake(
    "AdaDelta's two epsilons change alike",
    "The upper one is added to squares of steps, the lower one to squares of gradients. These do not have the same unit.",
)
def alike(lr, eps, unit, k):
    c = 1 / unit
    return lr * c**2 / k, lr * c, eps * k / c, eps * c**2, eps * c**2


@same_path.mistake(
    "RMSProp's rate follows the loss",
    "All but RMSProp's rate is right. Which unit of the two cancels in its quotient?",
)
def rate_follows(lr, eps, unit, k):
    c = 1 / unit
    return lr * c**2 / k, lr * c / k, eps * k / c, eps * c**2, eps * (k / c) ** 2


@same_path.mistake(
    "RMSProp's epsilon stands below the root",
    "All but RMSProp's epsilon is right. It stands beside the root here: has it the unit of a gradient or of its square?",
)
def below_the_root(lr, eps, unit, k):
    c = 1 / unit
    return lr * c**2 / k, lr * c, eps * (k / c) ** 2, eps * c**2, eps * (k / c) ** 2


@same_path.mistake(
    "AdaDelta's upper epsilon is left alone",
    "All but AdaDelta's upper epsilon is right. It is added to an average of squared steps: what becomes of their numbers?",
)
def upper_alone(lr, eps, unit, k):
    c = 1 / unit
    return lr * c**2 / k, lr * c, eps * k / c, eps + 0 * c, eps * (k / c) ** 2


# --- adadelta_at_once --------------------------------------------------------------------------------------------


def _at_once(grad, s, nu, beta2, eps):
    share = grad**2 / (s + eps)
    square = share * (beta2 * nu + eps) / (1 - (1 - beta2) * share)
    return np.sign(grad) * np.sqrt(square), beta2 * nu + (1 - beta2) * square


adadelta_at_once = Key(_at_once)


def from_square(grad, nu, beta2, square):
    """The step and the average that belong to a squared step."""
    return np.sign(grad) * np.sqrt(square), beta2 * nu + (1 - beta2) * square


@adadelta_at_once.mistake(
    "the delay is still there",
    "This is AdaDelta as it is: the root contains the steps before this one. Here it is to contain this one as well.",
)
def with_delay(grad, s, nu, beta2, eps):
    return from_square(grad, nu, beta2, grad**2 * (nu + eps) / (s + eps))


@adadelta_at_once.mistake(
    "it is inserted once instead of solved",
    "You compute a step with the old average, put it into the average, and compute the step anew. Then the average holds another step than the one that is returned. Both have to be the same.",
)
def inserted_once(grad, s, nu, beta2, eps):
    nu_new = beta2 * nu + (1 - beta2) * grad**2 * (nu + eps) / (s + eps)
    return np.sqrt(nu_new + eps) / np.sqrt(s + eps) * grad, nu_new


@adadelta_at_once.mistake(
    "the sign of the gradient is lost",
    "Your steps all have one sign. You know the step's square: which of its two roots goes down?",
)
def always_positive(grad, s, nu, beta2, eps):
    delta, nu = _at_once(grad, s, nu, beta2, eps)
    return np.abs(delta), nu


@adadelta_at_once.mistake(
    "the upper epsilon is forgotten",
    "There is no eps beside the average of steps. What does your step become when no step was ever taken?",
)
def no_upper_at_once(grad, s, nu, beta2, eps):
    share = grad**2 / (s + eps)
    return from_square(grad, nu, beta2, share * beta2 * nu / (1 - (1 - beta2) * share))


@adadelta_at_once.mistake(
    "a sign was lost in the equation",
    "Your steps are too short. Bring the terms with the unknown square to one side once more: do they add up or subtract?",
)
def added(grad, s, nu, beta2, eps):
    share = grad**2 / (s + eps)
    return from_square(grad, nu, beta2, share * (beta2 * nu + eps) / (1 + (1 - beta2) * share))


@adadelta_at_once.mistake(
    "the old average does not fade",
    "In your equation the old average counts in full. The new one keeps only a part of it.",
)
def not_faded(grad, s, nu, beta2, eps):
    share = grad**2 / (s + eps)
    return from_square(grad, nu, beta2, share * (nu + eps) / (1 - (1 - beta2) * share))


@adadelta_at_once.mistake(
    "s takes in the gradient again",
    "s has seen this gradient already; you average it in a second time.",
)
def averaged_twice(grad, s, nu, beta2, eps):
    return _at_once(grad, beta2 * s + (1 - beta2) * grad**2, nu, beta2, eps)


# --- balance: the share of the rare sign at which Rprop's length neither grows nor shrinks ---------------------------


def growth(share, pause=True, steps=200_000, seed=0):
    """The mean logarithm of the factor of a step, when so large a share of the signs is against the rest."""
    signs = np.where(np.random.default_rng(seed).random(steps) < share, -1.0, 1.0)
    total, last = 0.0, 0.0
    for sign in signs:
        turn = sign * last
        total += np.log(1.2) if turn > 0 else np.log(0.5) if turn < 0 else 0.0
        last = 0.0 if turn < 0 and pause else sign
    return total / steps


balance = Key(0.1791)  # see the tests: the root of growth, and in closed form 1 / (p (1 - p)) = 3 + log 2 / log 1.2

balance.mistake(
    "the share of the other sign",
    "That looks like the share of the frequent sign. The question asks for the rare one.",
)(0.8209)
balance.mistake(
    "signs that have changed are remembered",
    "This is where the form of Rprop balances that steps at once after a change of sign. Does your rprop_step remember 0 there?",
)(0.1181)
balance.mistake(
    "factors are averaged instead of logarithms",
    "At this share the mean *factor* is 1. But lengths are multiplied: a factor 1.2 and a factor 0.8 do not cancel. What adds up?",
)(0.2389)
balance.mistake(
    "every step without a cut counts as growth",
    "At this share cuts and growth balance if every step that does not cut grows. But the step after a cut has nothing to compare with: what happens to the length there?",
)(0.2083)
balance.mistake(
    "in per cent",
    "That looks like a percentage. A share lies between 0 and 1.",
)(17.91)
balance.mistake(
    "as many down as up",
    "At one half against one half the lengths shrink quickly. Look for the share at which they neither shrink nor grow.",
)(0.5)

KEYS = {
    "adaptive_rates.rprop_step": rprop_step,
    "adaptive_rates.adagrad_rows": adagrad_rows,
    "adaptive_rates.rmsprop_step": rmsprop_step,
    "adaptive_rates.adadelta_step": adadelta_step,
    "adaptive_rates.same_path": same_path,
    "adaptive_rates.adadelta_at_once": adadelta_at_once,
    "adaptive_rates.balance": balance,
}
