"""The assignment on loss surfaces, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

from math import factorial

import numpy as np

from thalweg import numpy as library

from ..judge import Key

# --- critical_point: the signs of the eigenvalues, and how many are negative ---------------------------------------


def _named(curvatures, level):
    """The name by the signs of the curvatures, those up to ``level`` in size counted as zero, and the index."""
    down, up = int((curvatures < -level).sum()), int((curvatures > level).sum())
    if down and up:
        return "saddle", down
    if up == len(curvatures):
        return "minimum", down
    return ("maximum" if down == len(curvatures) else "undecided"), down


def _critical_point(hessian, tolerance):
    curvatures = np.linalg.eigvalsh(hessian)
    return _named(curvatures, tolerance * np.abs(curvatures).max())


critical_point = Key(
    lambda hessian, tolerance: (
        library.critical_point(hessian, tolerance),
        int((np.linalg.eigvalsh(hessian) < -tolerance * np.abs(np.linalg.eigvalsh(hessian)).max()).sum()),
    )
)


@critical_point.mistake(
    "the diagonal decides",
    "You look at the diagonal: the curvatures along the axes of the parameters. A matrix can be positive there and still fall between the axes. "
    "Which numbers belong to the matrix's own directions?",
)
def diagonal_decides(hessian, tolerance):
    curvatures = np.diag(hessian)
    return _named(curvatures, tolerance * np.abs(curvatures).max())


@critical_point.mistake(
    "the determinant decides",
    "The determinant is the product of all curvatures. That is enough in two dimensions; in three, two negative ones give a positive product. "
    "Look at each of them.",
)
def determinant_decides(hessian, tolerance):
    det, d = np.linalg.det(hessian), len(hessian)
    if abs(det) <= tolerance * np.abs(hessian).max() ** d:
        return "undecided", 0
    if det < 0:
        return "saddle", 1
    return ("minimum", 0) if hessian[0, 0] > 0 else ("maximum", d)


@critical_point.mistake(
    "a level direction counts as rising",
    "You call it a minimum where no curvature is negative. With one of them zero, second derivatives cannot tell: the loss may fall there by its third or fourth.",
)
def level_is_rising(hessian, tolerance):
    curvatures = np.linalg.eigvalsh(hessian)
    level = tolerance * np.abs(curvatures).max()
    down = int((curvatures < -level).sum())
    if down == 0:
        return "minimum", down
    return ("maximum" if down == len(curvatures) else "saddle"), down


@critical_point.mistake(
    "any level direction makes it undecided",
    "One curvature is zero, but there are others of both signs. The loss falls in one direction and rises in another, whatever it does along the level one.",
)
def level_spoils_all(hessian, tolerance):
    curvatures = np.linalg.eigvalsh(hessian)
    level = tolerance * np.abs(curvatures).max()
    down = int((curvatures < -level).sum())
    if (np.abs(curvatures) <= level).any():
        return "undecided", down
    if down == 0:
        return "minimum", down
    return ("maximum" if down == len(curvatures) else "saddle"), down


@critical_point.mistake(
    "a curvature counts as zero only if it is exactly zero",
    "After rounding, a curvature of zero comes out as something like -1e-17. What is far smaller than the largest curvature has no sign that one may believe.",
)
def exactly_zero(hessian, tolerance):
    return _named(np.linalg.eigvalsh(hessian), 0)


@critical_point.mistake(
    "the tolerance is absolute",
    "You compare curvatures with the tolerance itself. A loss that is measured in other units has other curvatures and the same shape: compare with the largest one.",
)
def absolute_tolerance(hessian, tolerance):
    return _named(np.linalg.eigvalsh(hessian), tolerance)


@critical_point.mistake(
    "the index counts the ways up",
    "Your names are right. But the index counts the directions in which the loss falls, and a minimum has the index 0.",
)
def counts_ways_up(hessian, tolerance):
    curvatures = np.linalg.eigvalsh(hessian)
    level = tolerance * np.abs(curvatures).max()
    return _critical_point(hessian, tolerance)[0], int((curvatures > level).sum())


@critical_point.mistake(
    "level directions are counted as ways down",
    "Your names are right. But the index counts negative curvatures alone; one that is zero leads nowhere that second derivatives know of.",
)
def counts_level_ones(hessian, tolerance):
    curvatures = np.linalg.eigvalsh(hessian)
    level = tolerance * np.abs(curvatures).max()
    return _critical_point(hessian, tolerance)[0], int((curvatures <= level).sum())


@critical_point.mistake(
    "minimum and maximum are exchanged",
    "Where all curvatures are positive, the loss rises on all sides. Are you then at the bottom or at the top?",
)
def exchanged(hessian, tolerance):
    kind, index = _critical_point(hessian, tolerance)
    return {"minimum": "maximum", "maximum": "minimum"}.get(kind, kind), index


@critical_point.mistake(
    "a maximum is called a saddle",
    "One negative curvature is not enough for a saddle: there has to be a way up as well. Where all are negative, it is something else.",
)
def maximum_is_saddle(hessian, tolerance):
    kind, index = _critical_point(hessian, tolerance)
    return ("saddle" if index else kind), index


# --- hessian_vector: two gradients at the distance `step`, whatever the length of xi --------------------------------

hessian_vector = Key(lambda grad, theta, xi, step: library.hessian_vector(grad, theta, xi, step))


@hessian_vector.mistake(
    "the step is not scaled to the direction",
    "You walk step times xi, so a long direction takes you far away, where the curvature is another one, and a short one hardly moves. Walk the distance step, however long xi is.",
)
def step_not_scaled(grad, theta, xi, step):
    return (grad(theta + step * xi) - grad(theta - step * xi)) / (2 * step)


@hessian_vector.mistake(
    "the length of the direction is lost",
    "This is the product with a direction of length 1. The one that you were given is longer or shorter, and the product is linear in it.",
)
def length_lost(grad, theta, xi, step):
    size = np.linalg.norm(xi) or 1.0
    return (grad(theta + step * xi / size) - grad(theta - step * xi / size)) / (2 * step)


@hessian_vector.mistake(
    "the difference is one-sided",
    "You compare the gradient ahead with the one where you stand. Its error is in proportion to the step; that of the two sides together is in proportion to its square.",
)
def one_sided(grad, theta, xi, step):
    size = np.linalg.norm(xi)
    if size == 0:
        return np.zeros_like(theta)
    return (grad(theta + step * xi / size) - grad(theta)) * (size / step)


@hessian_vector.mistake(
    "the distance between the two points is counted once",
    "The two points lie two steps apart, one on each side. By what do you have to divide?",
)
def divided_by_one_step(grad, theta, xi, step):
    size = np.linalg.norm(xi)
    if size == 0:
        return np.zeros_like(theta)
    return (grad(theta + step * xi / size) - grad(theta - step * xi / size)) * (size / step)


@hessian_vector.mistake(
    "the difference is taken backwards",
    "The gradient behind comes off the one ahead, not the other way round.",
)
def backwards(grad, theta, xi, step):
    size = np.linalg.norm(xi)
    if size == 0:
        return np.zeros_like(theta)
    return (grad(theta - step * xi / size) - grad(theta + step * xi / size)) * (size / (2 * step))


@hessian_vector.mistake(
    "the largest entry is taken for the length",
    "You divide by the largest entry of xi. The length of a direction is the root of the sum of squares of all its entries.",
)
def largest_entry(grad, theta, xi, step):
    size = np.abs(xi).max()
    if size == 0:
        return np.zeros_like(theta)
    return (grad(theta + step * xi / size) - grad(theta - step * xi / size)) * (size / (2 * step))


@hessian_vector.mistake(
    "a direction of length 0 gives no number",
    "For ordinary directions you are right. But one of length 0 is divided by its length. What must the product with it be?",
)
def zero_over_zero(grad, theta, xi, step):
    size = np.linalg.norm(xi)
    return (grad(theta + step * xi / size) - grad(theta - step * xi / size)) * (size / (2 * step))


@hessian_vector.mistake(
    "each row is scaled by itself",
    "For a vector you are right. In a matrix of parameters you scale every row, or take a norm of matrices; the direction is one, with one length for all its entries.",
)
def scaled_by_rows(grad, theta, xi, step):
    size = np.linalg.norm(xi, axis=-1, keepdims=True)
    if not size.any():
        return np.zeros_like(theta)
    return (grad(theta + step * xi / size) - grad(theta - step * xi / size)) * (size / (2 * step))


@hessian_vector.mistake(
    "it is the curvature, not the product",
    "You multiply by the direction once more and return one number: the curvature along xi. The product is an array of the shape of theta.",
)
def curvature_instead(grad, theta, xi, step):
    size = np.linalg.norm(xi) or 1.0
    return np.sum(xi * (grad(theta + step * xi / size) - grad(theta - step * xi / size)) * (size / (2 * step)))


# --- extremes: power iteration, then once more with the spectrum moved ------------------------------------------------


def _power(product, xi, steps):
    """The eigenvalue that is largest in size, with its sign."""
    for _ in range(steps):
        image = product(xi)
        size = np.sqrt((image * image).sum())
        if size == 0:
            return 0.0
        xi = image / size
    return (xi * product(xi)).sum()


def _extremes(product, xi, steps):
    first = _power(product, xi, steps)
    other = first + _power(lambda v: product(v) - first * v, xi, steps)
    return min(first, other), max(first, other)


extremes = Key(_extremes)


@extremes.mistake(
    "the sign of the eigenvalue is lost",
    "The length of the product is never negative. Which number tells whether the matrix turns its eigenvector round?",
)
def sign_lost(product, xi, steps):
    def size_of_largest(product, xi):
        size = 0.0
        for _ in range(steps):
            image = product(xi)
            size = np.sqrt((image * image).sum())
            if size == 0:
                return 0.0
            xi = image / size
        return size

    first = size_of_largest(product, xi)
    other = first - size_of_largest(lambda v: product(v) - first * v, xi)
    return min(first, other), max(first, other)


@extremes.mistake(
    "both ends are the same",
    "You find the eigenvalue that is largest in size twice. Another start, or the matrix with its sign turned, leads to the same eigenvector again. Which change of the matrix makes the other end the larger one?",
)
def the_same_twice(product, xi, steps):
    first = _power(product, xi, steps)
    return first, first


@extremes.mistake(
    "the shift is not taken back",
    "The second eigenvalue is that of the matrix that you moved. What did you subtract, and what has to be done with it?",
)
def shift_not_taken_back(product, xi, steps):
    first = _power(product, xi, steps)
    other = _power(lambda v: product(v) - first * v, xi, steps)
    return min(first, other), max(first, other)


@extremes.mistake(
    "the one that is largest in size is taken for the highest",
    "The eigenvalue that power iteration finds first may be a negative one, and then it is the lowest. Which of your two numbers is which?",
)
def first_is_highest(product, xi, steps):
    first = _power(product, xi, steps)
    other = first + _power(lambda v: product(v) - first * v, xi, steps)
    return other, first


@extremes.mistake(
    "the next one in size is taken for the other end",
    "You take the first eigenvector out and find the next eigenvalue in size. It may lie on the same side as the first; the other end can be the smallest of all in size.",
)
def deflated(product, xi, steps):
    direction = xi
    for _ in range(steps):
        image = product(direction)
        direction = image / np.sqrt((image * image).sum())
    first = (direction * product(direction)).sum()
    other = _power(lambda v: product(v) - first * direction * (direction * v).sum(), xi, steps)
    return min(first, other), max(first, other)


@extremes.mistake(
    "the direction is not of length 1",
    "For a direction of any other length, the direction times its product is not yet the curvature. By what must it be divided?",
)
def not_of_length_1(product, xi, steps):
    def quotient(product, xi):
        for _ in range(steps):
            size = np.sqrt((xi * xi).sum())
            if size == 0:
                return 0.0
            xi = product(xi / size)
        return (xi * product(xi)).sum()

    first = quotient(product, xi)
    other = first + quotient(lambda v: product(v) - first * v, xi)
    return min(first, other), max(first, other)


@extremes.mistake(
    "in one dimension it gives no number",
    "For ordinary matrices you are right. Where the two ends are one, the matrix that you have moved is zero, and so is the length by which you divide.",
)
def nothing_left(product, xi, steps):
    def power(product, xi):
        for _ in range(steps):
            image = product(xi)
            xi = image / np.sqrt((image * image).sum())
        return (xi * product(xi)).sum()

    first = power(product, xi)
    other = first + power(lambda v: product(v) - first * v, xi)
    return np.minimum(first, other), np.maximum(first, other)


# --- steps_needed: the loss shrinks by the square of (kappa - 1)/(kappa + 1) -------------------------------------------


def _steps_needed(curvatures, share):
    low, high = curvatures.min(), curvatures.max()
    lr, kappa = 2 / (low + high), high / low
    if share >= 1:
        return lr, 0
    return lr, 1 if kappa == 1 else int(np.ceil(np.log(share) / (2 * np.log1p(-2 / (kappa + 1)))))


steps_needed = Key(_steps_needed)


def _by_factor(share, factor, power=2):
    """The fewest steps until ``factor`` to this power and that of the steps is at most ``share``."""
    if share >= 1:
        return 0
    return 1 if factor == 0 else int(np.ceil(np.log(share) / (power * np.log(factor))))


@steps_needed.mistake(
    "the share is taken to be that of the distance",
    "This many steps shrink the distance to that share. The loss goes with the square of the distance, so it shrinks faster.",
)
def share_of_distance(curvatures, share):
    low, high = curvatures.min(), curvatures.max()
    kappa = high / low
    if share >= 1 or kappa == 1:
        return 2 / (low + high), int(share < 1)
    return 2 / (low + high), int(np.ceil(np.log(share) / np.log1p(-2 / (kappa + 1))))


@steps_needed.mistake(
    "the rate is one over the largest curvature",
    "At this rate the steepest direction arrives in one step, and the flattest one has to wait. With a larger rate the steepest overshoots, and that does no harm as long as it shrinks as fast as the flattest.",
)
def rate_of_steepest(curvatures, share):
    low, high = curvatures.min(), curvatures.max()
    if share >= 1 or low == high:
        return 1 / high, int(share < 1)
    return 1 / high, int(np.ceil(np.log(share) / (2 * np.log1p(-low / high))))


@steps_needed.mistake(
    "the rate is the largest stable one",
    "The steps are right, but at the rate 2 over the largest curvature the steepest direction jumps from wall to wall for ever. The best rate is a little smaller.",
)
def largest_stable_rate(curvatures, share):
    return 2 / curvatures.max(), _steps_needed(curvatures, share)[1]


@steps_needed.mistake(
    "the number of steps is rounded down",
    "After this many steps the loss is still a little above the share. What is guaranteed only after the next one?",
)
def rounded_down(curvatures, share):
    low, high = curvatures.min(), curvatures.max()
    kappa = high / low
    if share >= 1 or kappa == 1:
        return 2 / (low + high), int(share < 1)
    return 2 / (low + high), int(np.log(share) / (2 * np.log1p(-2 / (kappa + 1))))


@steps_needed.mistake(
    "all curvatures are added up",
    "You divide by the mean of all curvatures. Those between the extremes have no say: which two make the slowest directions?",
)
def mean_curvature(curvatures, share):
    return 1 / curvatures.mean(), _steps_needed(curvatures, share)[1]


@steps_needed.mistake(
    "the first and the last curvature are taken for the extremes",
    "The curvatures come in any order. You use the first and the last; which ones count?",
)
def first_and_last(curvatures, share):
    return _steps_needed(np.sort(curvatures[[0, -1]]), share)


@steps_needed.mistake(
    "a round bowl takes no step",
    "For ordinary valleys you are right. In a round bowl the factor is 0, and what is divided by its logarithm, minus infinity, is 0. How many steps does it take there? "
    "(And in a very long valley the factor differs from 1 in its last digits only: write it as 1 minus something small.)",
)
def round_bowl(curvatures, share):
    low, high = curvatures.min(), curvatures.max()
    kappa = high / low
    with np.errstate(divide="ignore"):
        return 2 / (low + high), int(np.ceil(np.log(share) / (2 * np.log((kappa - 1) / (kappa + 1)))))


@steps_needed.mistake(
    "the logarithm has lost its digits",
    "For ordinary valleys you are right. In a very long one the factor differs from 1 in its last digits only, and its logarithm keeps few of them. Write the factor as 1 minus something small.",
)
def digits_lost(curvatures, share):
    low, high = curvatures.min(), curvatures.max()
    kappa = high / low
    return 2 / (low + high), _by_factor(share, (kappa - 1) / (kappa + 1))


# --- equal_minima: d! 2^d arrangements, fewer points where units are alike ---------------------------------------------


def _alike(a, b, tolerance):
    return bool(np.all(np.abs(a - b) <= tolerance))


def _equal_minima(incoming, outgoing, tolerance):
    units = np.hstack([incoming, outgoing])
    arrangements = factorial(len(units)) * 2 ** len(units)
    classes: list[list] = []
    for unit in units:
        home = next((c for c in classes if _alike(unit, c[0], tolerance) or _alike(unit, -c[0], tolerance)), None)
        if home is None:
            classes.append([unit])
        else:
            home.append(unit)
    points = arrangements
    for twins in classes:
        points //= factorial(len(twins)) * (2 ** len(twins) if _alike(twins[0], 0, tolerance) else 1)
    return arrangements, points


equal_minima = Key(_equal_minima)


def _groups(units, tolerance, signs=True):
    """How many units there are of each kind."""
    sizes: list[int] = []
    firsts: list = []
    for unit in units:
        for i, first in enumerate(firsts):
            if _alike(unit, first, tolerance) or (signs and _alike(unit, -first, tolerance)):
                sizes[i] += 1
                break
        else:
            firsts.append(unit)
            sizes.append(1)
    return sizes, firsts


@equal_minima.mistake(
    "signs are forgotten",
    "You count the orders of the units. With tanh, each unit may also turn the signs of all its weights, in and out.",
)
def signs_forgotten(incoming, outgoing, tolerance):
    points = factorial(len(incoming))
    for size in _groups(np.hstack([incoming, outgoing]), tolerance)[0]:
        points //= factorial(size)
    return factorial(len(incoming)), points


@equal_minima.mistake(
    "orders are forgotten",
    "You count the signs. The units may also change places, all their weights with them.",
)
def orders_forgotten(incoming, outgoing, tolerance):
    return 2 ** len(incoming), 2 ** len(incoming)


@equal_minima.mistake(
    "all units turn their signs together",
    "You count two signs for the whole layer. Each unit can turn its own, and the others need not follow.",
)
def one_sign_for_all(incoming, outgoing, tolerance):
    arrangements, points = _equal_minima(incoming, outgoing, tolerance)
    return 2 * factorial(len(incoming)), points * 2 * factorial(len(incoming)) // arrangements


@equal_minima.mistake(
    "twins are counted as if they differed",
    "The number of arrangements is right. But where two units are alike, exchanging them leads to the same point. How many of the arrangements lead to one point?",
)
def twins_ignored(incoming, outgoing, tolerance):
    arrangements, _ = _equal_minima(incoming, outgoing, tolerance)
    return arrangements, arrangements


@equal_minima.mistake(
    "it is divided by the number of twins",
    "For two twins that is right. Three that are alike can be put into their places in more than three ways.",
)
def divided_by_their_number(incoming, outgoing, tolerance):
    arrangements, points = _equal_minima(incoming, outgoing, tolerance)
    for size in _groups(np.hstack([incoming, outgoing]), tolerance)[0]:
        points = points * factorial(size) // size
    return arrangements, points


@equal_minima.mistake(
    "the signs of twins are left out too",
    "You divide by the signs of the twins as well. If one of two twins turns its sign, the point is another one.",
)
def signs_of_twins(incoming, outgoing, tolerance):
    arrangements, points = _equal_minima(incoming, outgoing, tolerance)
    for size in _groups(np.hstack([incoming, outgoing]), tolerance)[0]:
        points = points // 2**size if size > 1 else points
    return arrangements, points


@equal_minima.mistake(
    "twins of opposite sign are overlooked",
    "For twins with equal weights you are right. But a unit whose weights are all the negative of another's is a twin as well: turn its sign, and look.",
)
def opposite_overlooked(incoming, outgoing, tolerance):
    arrangements, points = _equal_minima(incoming, outgoing, tolerance)
    units = np.hstack([incoming, outgoing])
    for size in _groups(units, tolerance)[0]:
        points *= factorial(size)
    for size in _groups(units, tolerance, signs=False)[0]:
        points //= factorial(size)
    return arrangements, points


@equal_minima.mistake(
    "twins are looked for without turning signs",
    "For twins with equal weights you are right. But signs count as well: which units become alike when one of them turns its sign, and is there one that is its own negative?",
)
def never_turned(incoming, outgoing, tolerance):
    arrangements = points = factorial(len(incoming)) * 2 ** len(incoming)
    for size in _groups(np.hstack([incoming, outgoing]), tolerance, signs=False)[0]:
        points //= factorial(size)
    return arrangements, points


@equal_minima.mistake(
    "a unit without weights is counted with two signs",
    "For other units you are right. One whose weights are all zero is its own negative: turning its sign leads nowhere new.",
)
def empty_with_sign(incoming, outgoing, tolerance):
    arrangements, points = _equal_minima(incoming, outgoing, tolerance)
    empty = sum(_alike(unit, 0, tolerance) for unit in np.hstack([incoming, outgoing]))
    return arrangements, points * 2**empty


@equal_minima.mistake(
    "outgoing weights are not compared",
    "Units with the same incoming weights are no twins if they hand on what they compute with different weights. Exchanging them leads to another point.",
)
def incoming_alone(incoming, outgoing, tolerance):
    arrangements, points = _equal_minima(incoming, outgoing, tolerance)
    for size in _groups(np.hstack([incoming, outgoing]), tolerance)[0]:
        points *= factorial(size)
    for size in _groups(incoming, tolerance)[0]:
        points //= factorial(size)
    return arrangements, points


# --- saddle_share: measured, not guessed ----------------------------------------------------------------------------


def measure_saddle_share(d=3, n=200_000, seed=0):
    """The share of random symmetric matrices with eigenvalues of both signs."""
    a = np.random.default_rng(seed).normal(size=(n, d, d))
    curvatures = np.linalg.eigvalsh((a + a.swapaxes(1, 2)) / 2)
    return float(((curvatures[:, 0] < 0) & (curvatures[:, -1] > 0)).mean())


saddle_share = Key(
    0.950
)  # measure_saddle_share(): the tests run it again, and compare with the exact 1 - (pi - 2 sqrt 2)/(2 pi)

saddle_share.mistake(
    "the signs are taken for coins",
    "Three coins show both sides in three of four throws. The eigenvalues of a matrix are not tossed one by one; let the matrices decide.",
)(0.75)
saddle_share.mistake(
    "only one kind of non-saddle is taken out",
    "This is close to one minus the share of minima. Maxima are no saddles either. (Or did you copy one triangle onto the other, instead of taking the mean with the transpose? Then the entries beside the diagonal are too large.)",
)(0.975)
saddle_share.mistake(
    "the share of what is no saddle",
    "That is how many have one sign alone. The question asks for the others.",
)(0.05)
saddle_share.mistake(
    "the share of one kind of non-saddle",
    "That is how many are minima, or how many are maxima. The question asks for the points from which the loss both rises and falls.",
)(0.0249)
saddle_share.mistake(
    "it was measured in two dimensions",
    "That is the share for matrices with two rows, 1 over the root of 2. Here they have three.",
)(0.707)
saddle_share.mistake(
    "it was measured in four dimensions",
    "That is the share for matrices with four rows. Here they have three.",
)(0.995)

KEYS = {
    "loss_surfaces.critical_point": critical_point,
    "loss_surfaces.hessian_vector": hessian_vector,
    "loss_surfaces.extremes": extremes,
    "loss_surfaces.steps_needed": steps_needed,
    "loss_surfaces.equal_minima": equal_minima,
    "loss_surfaces.saddle_share": saddle_share,
}
