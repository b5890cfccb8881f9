"""The second-order assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg import numpy as tn

from ..judge import Key

# --- damped_step: shift all curvatures until the smallest is `least` -----------------------------------------------


def _damping(hessian, least):
    return max(0.0, least - float(np.linalg.eigvalsh(hessian)[0]))


def _damped_step(grad, hessian, least):
    damping = _damping(hessian, least)
    return damping, tn.newton_step(grad, hessian, damping)


damped_step = Key(_damped_step)


def _with_damping(grad, hessian, damping):
    return damping, -np.linalg.solve(hessian + damping * np.eye(len(grad), dtype=hessian.dtype), grad)


@damped_step.mistake(
    "the step goes uphill",
    "Your damping is right. But your step goes up: on a bowl, which way is the minimum from a point with a positive slope?",
)
def uphill(grad, hessian, least):
    damping, step = _with_damping(grad, hessian, _damping(hessian, least))
    return damping, -step


@damped_step.mistake(
    "the smallest curvature is made 0, not least",
    "Your damping lifts the smallest curvature just to 0, where the system cannot be solved, or leaves it small. It is to be lifted to `least`.",
)
def without_least(grad, hessian, least):
    damping = max(0.0, -float(np.linalg.eigvalsh(hessian)[0]))
    return _with_damping(grad, hessian, damping + 1e-9 * np.abs(hessian).max())


@damped_step.mistake(
    "least is added even where nothing is negative",
    "You lift the smallest curvature by `least` from where it is, or from 0. A bowl that is steep enough already should not be damped, and what is between 0 and `least` needs the rest only.",
)
def least_on_top(grad, hessian, least):
    return _with_damping(grad, hessian, max(0.0, -float(np.linalg.eigvalsh(hessian)[0])) + least)


@damped_step.mistake(
    "the damping can be negative",
    "On a bowl that needs no damping, yours is below 0: it takes curvature away. What is the smallest damping that you may use?",
)
def negative_damping(grad, hessian, least):
    return _with_damping(grad, hessian, least - float(np.linalg.eigvalsh(hessian)[0]))


@damped_step.mistake(
    "it is damped by the largest curvature",
    "Your damping comes from the largest curvature. Which one decides whether the model has a minimum?",
)
def by_the_largest(grad, hessian, least):
    return _with_damping(grad, hessian, max(0.0, least + float(np.abs(np.linalg.eigvalsh(hessian)).max())))


@damped_step.mistake(
    "the diagonal is taken for the curvatures",
    "You read the curvatures off the diagonal. They stand there only if the axes of the bowl are those of the coordinates; in general they are the eigenvalues.",
)
def diagonal_for_curvatures(grad, hessian, least):
    return _with_damping(grad, hessian, max(0.0, least - float(np.diag(hessian).min())))


@damped_step.mistake(
    "the damping is added to every entry",
    "Your damping is right, but you add it to every entry of the matrix, where NumPy broadcasts a number. Only the diagonal shifts all curvatures alike.",
)
def everywhere(grad, hessian, least):
    damping = _damping(hessian, least)
    return damping, -np.linalg.solve(hessian + damping + 1e-12 * np.eye(len(grad)) * np.abs(hessian).max(), grad)


@damped_step.mistake(
    "the damping is not used for the step",
    "Your damping is right, but your step is Newton's plain one, which is drawn to the saddle.",
)
def undamped(grad, hessian, least):
    damping = _damping(hessian, least)
    curvatures, axes = np.linalg.eigh(hessian)
    curvatures = np.where(curvatures == 0, 1e-12, curvatures)
    return damping, -axes @ (axes.T @ grad / curvatures)


@damped_step.mistake(
    "the signs of the curvatures are removed instead",
    "Your step divides by the sizes of the curvatures. That is a good method, too (it is called saddle-free), but it is another one: here all curvatures are shifted by the same number.",
)
def saddle_free(grad, hessian, least):
    damping = _damping(hessian, least)
    curvatures, axes = np.linalg.eigh(hessian)
    return damping, -axes @ (axes.T @ grad / np.maximum(np.abs(curvatures), least))


@damped_step.mistake(
    "every curvature is lifted for itself",
    "Your damping is right, but your step lifts only the curvatures below `least`, each up to it. The damping is one number, and it is added to all of them.",
)
def each_for_itself(grad, hessian, least):
    curvatures, axes = np.linalg.eigh(hessian)
    return _damping(hessian, least), -axes @ (axes.T @ grad / np.maximum(curvatures, least))


@damped_step.mistake(
    "only a negative curvature is lifted",
    "Where all curvatures are positive you damp nothing. Is a bowl steep enough whose flattest direction lies between 0 and `least`?",
)
def only_saddles(grad, hessian, least):
    smallest = float(np.linalg.eigvalsh(hessian)[0])
    return _with_damping(grad, hessian, least - smallest if smallest < 0 else 0.0)


# --- gauss_newton_cg: conjugate gradients on (J'J + damping) step = -J' errors -------------------------------------


def _gauss_newton_cg(jacobian, errors, damping, steps):
    b = -jacobian.T @ errors
    step, lengths = tn.conjugate_gradient(
        lambda v: jacobian.T @ (jacobian @ v) + damping * v, b, tolerance=0.0, steps=steps
    )
    return step, lengths[-1]


gauss_newton_cg = Key(_gauss_newton_cg)


def _cg(jacobian, b, damping, steps, share=lambda new, old: new / old, stale=False, gain=None):
    """Conjugate gradients in plain NumPy: the step and the last residual. What differs in a mistake is handed in."""
    product = lambda v: jacobian.T @ (jacobian @ v) + damping * v  # noqa: E731
    x, r = np.zeros_like(b), b
    p, squared = r, r @ r
    for _ in range(steps):
        image = product(p)
        length = squared / (p @ image) if gain is None else gain(p, image, r)
        x = x + length * p
        r = r if stale else r - length * image
        new = r @ r
        p, squared = r + share(new, squared) * p, new
    return x, np.sqrt(r @ r)


@gauss_newton_cg.mistake(
    "the step goes uphill",
    "Your step points up the slope: what stands on the right side of the system for a step to the minimum?",
)
def cg_uphill(jacobian, errors, damping, steps):
    step, residual = _cg(jacobian, -jacobian.T @ errors, damping, steps)
    return -step, residual


@gauss_newton_cg.mistake(
    "nothing is damped",
    "You solve the system without its damping. Which matrix does each direction have to be multiplied with?",
)
def cg_undamped(jacobian, errors, damping, steps):
    return _cg(jacobian, -jacobian.T @ errors, 0.0, steps)


@gauss_newton_cg.mistake(
    "the share of the last direction is inverted",
    "The share of the last direction is upside down in yours: as the residual gets shorter, old directions should count less. Which of the two squared lengths is the new one?",
)
def cg_inverted(jacobian, errors, damping, steps):
    return _cg(jacobian, -jacobian.T @ errors, damping, steps, share=lambda new, old: old / new)


@gauss_newton_cg.mistake(
    "the share of the last direction is not squared",
    "The share of the last direction is a quotient of lengths in yours. Which power makes the directions conjugate?",
)
def cg_root(jacobian, errors, damping, steps):
    return _cg(jacobian, -jacobian.T @ errors, damping, steps, share=lambda new, old: np.sqrt(new / old))


@gauss_newton_cg.mistake(
    "every direction is the residual",
    "Each of your directions is the residual alone: that is steepest descent with the best length, which undoes what earlier steps have gained. What of the last direction is kept?",
)
def cg_steepest(jacobian, errors, damping, steps):
    return _cg(jacobian, -jacobian.T @ errors, damping, steps, share=lambda new, old: 0.0)


@gauss_newton_cg.mistake(
    "the residual is never updated",
    "Your residual stays what it was at the start. After a step along a direction, how much of the right side is still to be explained?",
)
def cg_stale(jacobian, errors, damping, steps):
    return _cg(jacobian, -jacobian.T @ errors, damping, steps, stale=True)


@gauss_newton_cg.mistake(
    "the length of a step is that of gradient descent's best",
    "Your step lengths divide by the curvature along the residual, not along the direction you walk.",
)
def cg_wrong_length(jacobian, errors, damping, steps):
    def gain(p, image, r):
        return r @ r / (r @ (jacobian.T @ (jacobian @ r) + damping * r))

    return _cg(jacobian, -jacobian.T @ errors, damping, steps, gain=gain)


@gauss_newton_cg.mistake(
    "the squared length of the residual is returned",
    "Your step is right, but your second result is the square of the residual's length.",
)
def cg_squared(jacobian, errors, damping, steps):
    step, residual = _cg(jacobian, -jacobian.T @ errors, damping, steps)
    return step, residual**2


@gauss_newton_cg.mistake(
    "the system is solved to the end",
    "You solve the whole system. Asked is what conjugate gradients have after the given number of steps, so that one may stop early.",
)
def cg_all(jacobian, errors, damping, steps):
    d = jacobian.shape[1]
    exact = -np.linalg.solve(jacobian.T @ jacobian + (damping + 1e-12) * np.eye(d), jacobian.T @ errors)
    return exact, 0.0


@gauss_newton_cg.mistake(
    "the residual is that of the errors",
    "Your step is right, but your second result is the length of what is left of the errors. Asked is what is left of the system's right side.",
)
def cg_errors(jacobian, errors, damping, steps):
    step, _ = _cg(jacobian, -jacobian.T @ errors, damping, steps)
    return step, np.linalg.norm(errors + jacobian @ step)


@gauss_newton_cg.mistake(
    "the residual is that of the undamped system",
    "Your step is right, but the residual is measured against the matrix without its damping. Which system was to be solved?",
)
def cg_residual_undamped(jacobian, errors, damping, steps):
    step, _ = _cg(jacobian, -jacobian.T @ errors, damping, steps)
    return step, np.linalg.norm(jacobian.T @ (jacobian @ step + errors))


# --- curvature_product: the change of the gradient along a direction -----------------------------------------------


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _curvature_product(x, W, direction, weight_decay):
    p, moved = _softmax(x @ W.T), x @ direction.T
    moved = p * (moved - (p * moved).sum(axis=1, keepdims=True))
    return moved.T @ x / len(x) + weight_decay * direction


curvature_product = Key(_curvature_product)


@curvature_product.mistake(
    "the probabilities are taken to move on their own",
    "You multiply each score's move by its probability alone. Probabilities sum to 1: when one score rises, what happens to the probabilities of the other classes?",
)
def only_p(x, W, direction, weight_decay):
    p = _softmax(x @ W.T)
    return (p * (x @ direction.T)).T @ x / len(x) + weight_decay * direction


@curvature_product.mistake(
    "only the diagonal of the softmax's matrix is used",
    "You use p(1 - p), as if each class had a sigmoid of its own. The other classes' scores move a probability as well.",
)
def like_sigmoids(x, W, direction, weight_decay):
    p = _softmax(x @ W.T)
    return (p * (1 - p) * (x @ direction.T)).T @ x / len(x) + weight_decay * direction


@curvature_product.mistake(
    "the loss's own curvature is left out",
    "You push the direction forward and back and leave out the softmax between them: that is the curvature of a squared error.",
)
def of_squared_error(x, W, direction, weight_decay):
    return (x @ direction.T).T @ x / len(x) + weight_decay * direction


@curvature_product.mistake(
    "it is a sum over the examples",
    "Your product is that of a sum over the examples. The loss is their mean.",
)
def summed(x, W, direction, weight_decay):
    return len(x) * _curvature_product(x, W, direction, 0.0) + weight_decay * direction


@curvature_product.mistake(
    "the penalty is divided by the number of examples as well",
    "You divide the penalty's part by the number of examples, too. It is not in the mean.",
)
def penalty_divided(x, W, direction, weight_decay):
    return _curvature_product(x, W, direction, weight_decay / len(x))


@curvature_product.mistake(
    "the penalty is forgotten",
    "The part of the loss's curvature is right. What is the Hessian of the penalty?",
)
def no_penalty(x, W, direction, weight_decay):
    return _curvature_product(x, W, direction, 0.0)


@curvature_product.mistake(
    "the penalty counts twice",
    "The penalty has a factor of one half in front, so that its second derivative is the weight decay itself.",
)
def penalty_twice(x, W, direction, weight_decay):
    return _curvature_product(x, W, direction, 2 * weight_decay)


@curvature_product.mistake(
    "the penalty's gradient stands for its curvature",
    "To the product you add the penalty's gradient, which depends on W. How does that gradient change along the direction?",
)
def penalty_gradient(x, W, direction, weight_decay):
    return _curvature_product(x, W, direction, 0.0) + weight_decay * W


@curvature_product.mistake(
    "the mean is not weighted with the probabilities",
    "From the moves of the scores you take away their plain mean. The sum of the probabilities stays 1 only if the mean is weighted with them.",
)
def plain_mean(x, W, direction, weight_decay):
    p, moved = _softmax(x @ W.T), x @ direction.T
    moved = p * (moved - moved.mean(axis=1, keepdims=True))
    return moved.T @ x / len(x) + weight_decay * direction


# --- wolfe_interval: on a parabola both conditions can be solved for the length -------------------------------------


def _wolfe_interval(grad, hessian, direction, c1, c2):
    exact = -(grad @ direction) / (direction @ hessian @ direction)
    return (1 - c2) * exact, min(1 + c2, 2 * (1 - c1)) * exact


wolfe_interval = Key(_wolfe_interval)


def _lengths(grad, hessian, direction, low, high):
    exact = -(grad @ direction) / (direction @ hessian @ direction)
    return low * exact, high * exact


@wolfe_interval.mistake(
    "only the slope is looked at",
    "Your longest length meets the condition on the slope. Has the loss fallen by enough there, where c1 is large?",
)
def only_slope(grad, hessian, direction, c1, c2):
    return _lengths(grad, hessian, direction, 1 - c2, 1 + c2)


@wolfe_interval.mistake(
    "only the gain is looked at for the longest",
    "Your longest length is Armijo's. The strong condition also forbids a slope that is too steep on the other side.",
)
def only_gain(grad, hessian, direction, c1, c2):
    return _lengths(grad, hessian, direction, 1 - c2, 2 * (1 - c1))


@wolfe_interval.mistake(
    "Armijo's border without its factor of 2",
    "Your longest length can be that at which the loss has its minimum, or before. A parabola comes back to the height of the start at twice the way to its lowest point.",
)
def without_two(grad, hessian, direction, c1, c2):
    return _lengths(grad, hessian, direction, 1 - c2, min(1 + c2, 1 - c1))


@wolfe_interval.mistake(
    "c1 and c2 have changed places",
    "In yours the small constant flattens the slope and the large one measures the gain. Which is which?",
)
def exchanged(grad, hessian, direction, c1, c2):
    return _lengths(grad, hessian, direction, 1 - c1, min(1 + c1, 2 * (1 - c2)))


@wolfe_interval.mistake(
    "the longer of the two borders",
    "Both conditions must hold at the longest length. Of two upper borders, which one counts?",
)
def the_larger(grad, hessian, direction, c1, c2):
    return _lengths(grad, hessian, direction, 1 - c2, max(1 + c2, 2 * (1 - c1)))


@wolfe_interval.mistake(
    "the lengths are negative",
    "Your lengths are below 0. The slope along the direction is negative: what is the length of a step forward?",
)
def backwards(grad, hessian, direction, c1, c2):
    low, high = _wolfe_interval(grad, hessian, direction, c1, c2)
    return -low, -high


@wolfe_interval.mistake(
    "the curvature is that of the whole matrix",
    "You divide by the largest curvature of the bowl. Along your direction it bends less, and the direction is not of length 1.",
)
def largest_curvature(grad, hessian, direction, c1, c2):
    exact = -(grad @ direction) / np.linalg.eigvalsh(hessian)[-1]
    return (1 - c2) * exact, min(1 + c2, 2 * (1 - c1)) * exact


@wolfe_interval.mistake(
    "the direction is taken for one of length 1",
    "You divide the curvature along the direction by its squared length, as for a unit vector. The length is counted in multiples of the direction as it is given.",
)
def as_unit(grad, hessian, direction, c1, c2):
    low, high = _wolfe_interval(grad, hessian, direction, c1, c2)
    squared = direction @ direction
    return low * squared, high * squared


@wolfe_interval.mistake(
    "the direction is made one of length 1",
    "You make the direction one of length 1 and count in that. The length is counted in multiples of the direction as it is given.",
)
def made_unit(grad, hessian, direction, c1, c2):
    return _wolfe_interval(grad, hessian, direction / np.linalg.norm(direction), c1, c2)


@wolfe_interval.mistake(
    "the direction is taken for the steepest",
    "Your slope at the start is the gradient's squared length, as if the direction were the negative gradient. Which product is the slope along any other?",
)
def steepest(grad, hessian, direction, c1, c2):
    exact = (grad @ grad) / (direction @ hessian @ direction)
    return (1 - c2) * exact, min(1 + c2, 2 * (1 - c1)) * exact


@wolfe_interval.mistake(
    "the shortest length is 0",
    "You take the shortest length as 0. Armijo's condition would allow it, the one on the slope would not.",
)
def from_zero(grad, hessian, direction, c1, c2):
    return 0.0 * _wolfe_interval(grad, hessian, direction, c1, c2)[0], _wolfe_interval(
        grad, hessian, direction, c1, c2
    )[1]


# --- bfgs_product: the inverse of the update of the inverse --------------------------------------------------------


def _bfgs_product(matrix, dtheta, dgrad, direction):
    return _if_it_bends(_right, matrix, dtheta, dgrad, direction)


def _right(m, s, y):
    return m - np.outer(m @ s, m @ s) / (s @ m @ s) + np.outer(y, y) / (y @ s)


bfgs_product = Key(_bfgs_product)


def _if_it_bends(update, matrix, dtheta, dgrad, direction):
    """With the update where the loss bends upwards, else with the matrix as it is."""
    return (update(matrix, dtheta, dgrad) if dgrad @ dtheta > 0 else matrix) @ direction


def _sister(matrix, dtheta, dgrad):
    left = np.eye(len(dtheta)) - np.outer(dgrad, dtheta) / (dgrad @ dtheta)
    return left @ matrix @ left.T + np.outer(dgrad, dgrad) / (dgrad @ dtheta)


@bfgs_product.mistake(
    "the names are exchanged in the update of the inverse",
    "Your matrix meets the secant condition, but it is another one: exchanging the step and the change of the gradient gives the sister method (DFP). Asked is the matrix whose inverse BFGS has.",
)
def dfp(matrix, dtheta, dgrad, direction):
    return _if_it_bends(_sister, matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "it is the update of the inverse",
    "You update the matrix as if it were the inverse: yours times the change of the gradient is the step. Here the matrix times the step has to be the change of the gradient.",
)
def of_the_inverse(matrix, dtheta, dgrad, direction):
    return _if_it_bends(lambda m, s, y: _sister(m, y, s), matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "the old curvature along the step is not removed",
    "You add the new curvature along the step and leave the old one there, so that the step is explained more than once. Try your matrix on the step.",
)
def not_removed(matrix, dtheta, dgrad, direction):
    return _if_it_bends(lambda m, s, y: m + np.outer(y, y) / (y @ s), matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "the new curvature is not added",
    "You remove what the matrix had along the step and put nothing in its place: your matrix times the step is 0.",
)
def not_added(matrix, dtheta, dgrad, direction):
    return _if_it_bends(lambda m, s, y: m - np.outer(m @ s, m @ s) / (s @ m @ s), matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "the two parts have each other's divisor",
    "The two outer products have exchanged their divisors: each must be divided by the product of its own vector with the step.",
)
def divisors(matrix, dtheta, dgrad, direction):
    def update(m, s, y):
        return m - np.outer(m @ s, m @ s) / (y @ s) + np.outer(y, y) / (s @ m @ s)

    return _if_it_bends(update, matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "both parts have the pair's divisor",
    "You divide both outer products by the same number. What is taken away has the old matrix in it: try your matrix on the step, which part must vanish?",
)
def one_divisor(matrix, dtheta, dgrad, direction):
    def update(m, s, y):
        return m - np.outer(m @ s, m @ s) / (y @ s) + np.outer(y, y) / (y @ s)

    return _if_it_bends(update, matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "the two parts have each other's sign",
    "You add what the matrix had along the step and take away the new. Which of the two has to be in the matrix afterwards?",
)
def signs(matrix, dtheta, dgrad, direction):
    return 2 * _if_it_bends(lambda m, s, y: m, matrix, dtheta, dgrad, direction) - _bfgs_product(
        matrix, dtheta, dgrad, direction
    )


@bfgs_product.mistake(
    "a correction of rank one",
    "Yours meets the secant condition with one outer product (the symmetric rank-one update). It can lose its positive curvatures; BFGS takes two.",
)
def rank_one(matrix, dtheta, dgrad, direction):
    def update(m, s, y):
        off = y - m @ s
        return m + np.outer(off, off) / (off @ s)

    return _if_it_bends(update, matrix, dtheta, dgrad, direction)


@bfgs_product.mistake(
    "a pair that bends down is used",
    "For ordinary inputs you are right. But where the loss bends down along the step, or not at all, your matrix is spoiled: what is to be done with such a pair?",
)
def always(matrix, dtheta, dgrad, direction):
    pushed, bend = matrix @ dtheta, dgrad @ dtheta
    bend = bend if abs(bend) > 1e-9 * np.abs(dgrad).max() * np.abs(dtheta).max() else 1e-9
    return (matrix - np.outer(pushed, pushed) / (dtheta @ pushed) + np.outer(dgrad, dgrad) / bend) @ direction


@bfgs_product.mistake(
    "a fixed border decides which pairs are kept",
    "For ordinary inputs you are right. A tiny step has a tiny product, too, and yours is not kept: the sign alone should decide.",
)
def fixed_border(matrix, dtheta, dgrad, direction):
    return (_right(matrix, dtheta, dgrad) if dgrad @ dtheta > 1e-10 else matrix) @ direction


# --- two_loop_step: from the newest pair to the oldest, and back ---------------------------------------------------


def _two_loop_step(grad, dthetas, dgrads, diagonal):
    """Newest first; the diagonal in the middle."""
    return _loops(grad, dthetas, dgrads, lambda q: diagonal * q)


def _loops(grad, dthetas, dgrads, middle, back=-1, sign=-1.0, second=lambda share, other: share - other):
    """The two loops in plain NumPy over pairs that stand newest first; what differs in a mistake is handed in."""
    pairs = list(zip(dthetas, dgrads, strict=True))
    q, shares = np.array(grad), []
    for s, y in pairs:
        shares.append((s @ q) / (y @ s))
        q = q - shares[-1] * y
    q = middle(q)
    for (s, y), share in list(zip(pairs, shares, strict=True))[::back]:
        q = q + second(share, (y @ q) / (y @ s)) * s
    return sign * q


two_loop_step = Key(_two_loop_step)


@two_loop_step.mistake(
    "the step goes uphill",
    "You return the gradient times the inverse Hessian. The step goes the other way.",
)
def loops_uphill(grad, dthetas, dgrads, diagonal):
    return -_two_loop_step(grad, dthetas, dgrads, diagonal)


@two_loop_step.mistake(
    "the pairs are taken oldest first",
    "You take the pairs in the order of the page, oldest first. Here the first row is the newest.",
)
def oldest_first(grad, dthetas, dgrads, diagonal):
    return _two_loop_step(grad, dthetas[::-1], dgrads[::-1], diagonal)


@two_loop_step.mistake(
    "both loops run in the same order",
    "Your second loop takes the pairs in the order of the first. It has to undo them from the inside: which pair did the first loop reach last?",
)
def same_order(grad, dthetas, dgrads, diagonal):
    return _loops(grad, dthetas, dgrads, lambda q: diagonal * q, back=1)


@two_loop_step.mistake(
    "the first matrix is forgotten",
    "Between the loops nothing happens in yours, as if the first matrix were the identity.",
)
def no_diagonal(grad, dthetas, dgrads, diagonal):
    return _loops(grad, dthetas, dgrads, lambda q: q)


@two_loop_step.mistake(
    "the usual scale instead of the given matrix",
    "Between the loops you scale with the newest pair, as L-BFGS does when it is given nothing. Here the first matrix is given.",
)
def usual_scale(grad, dthetas, dgrads, diagonal):
    return _loops(grad, dthetas, dgrads, lambda q: (dgrads[0] @ dthetas[0]) / (dgrads[0] @ dgrads[0]) * q)


@two_loop_step.mistake(
    "the first matrix is divided by",
    "You divide by the diagonal. It is the diagonal of the first *inverse* Hessian.",
)
def divided(grad, dthetas, dgrads, diagonal):
    return _loops(grad, dthetas, dgrads, lambda q: q / diagonal)


@two_loop_step.mistake(
    "the first matrix comes after both loops",
    "The first matrix comes last in yours. It is the innermost of the product: the first loop leads to it, the second away from it.",
)
def diagonal_last(grad, dthetas, dgrads, diagonal):
    return diagonal * _loops(grad, dthetas, dgrads, lambda q: q)


@two_loop_step.mistake(
    "the first matrix comes before both loops",
    "The first matrix comes first in yours. It is the innermost of the product: the first loop leads to it, the second away from it.",
)
def diagonal_first(grad, dthetas, dgrads, diagonal):
    return _loops(diagonal * grad, dthetas, dgrads, lambda q: q)


@two_loop_step.mistake(
    "the second loop gives a pair the share of another",
    "Your second loop turns the pairs round, but not what the first loop put aside for them: each pair gets another one's share.",
)
def others_shares(grad, dthetas, dgrads, diagonal):
    q, shares = np.array(grad), []
    for s, y in zip(dthetas, dgrads, strict=True):
        shares.append((s @ q) / (y @ s))
        q = q - shares[-1] * y
    q = diagonal * q
    for s, y, share in zip(dthetas[::-1], dgrads[::-1], shares, strict=True):
        q = q + (share - (y @ q) / (y @ s)) * s
    return -q


@two_loop_step.mistake(
    "the second loop has a sign wrong",
    "In your second loop the two numbers are subtracted the wrong way round. With one pair, check that your matrix times the change of the gradient is the step.",
)
def wrong_sign(grad, dthetas, dgrads, diagonal):
    return _loops(grad, dthetas, dgrads, lambda q: diagonal * q, second=lambda share, other: other - share)


@two_loop_step.mistake(
    "the second loop forgets what was taken away",
    "Your second loop only takes away. What the first loop put aside for each pair has to come back as a step along it.",
)
def only_away(grad, dthetas, dgrads, diagonal):
    return _loops(grad, dthetas, dgrads, lambda q: diagonal * q, second=lambda share, other: -other)


# --- smallest_batch: measured, not guessed ------------------------------------------------------------------------


def measure_smallest_batch(seeds=range(40)):
    """The smallest power of two from 8 on at which L-BFGS's median loss after 100 steps is below gradient descent's."""
    h = np.geomspace(0.01, 1, 30)

    def median(method, batch):
        ends = []
        for seed in seeds:
            rng, theta = np.random.default_rng(seed), h**-0.5
            state = method.init(theta)
            for _ in range(100):
                noise = rng.normal(size=30) / np.sqrt(batch)
                theta, state = method.step(theta, h * theta + noise, state)
            ends.append(0.5 * h @ theta**2)
        return np.median(ends)

    batch = 8
    while median(tn.LBFGS(lr=0.5, memory=10), batch) >= median(tn.GradientDescent(1.0), batch):
        batch *= 2
    return batch


smallest_batch = Key(128)  # measure_smallest_batch(): the tests run it again

smallest_batch.mistake(
    "the last batch at which gradient descent is ahead",
    "With 64 gradient descent is still ahead, if L-BFGS goes half of the way. Look for the first size at which L-BFGS is.",
)(64)
smallest_batch.mistake(
    "means instead of medians",
    "A mean over seeds is ruled by the few runs in which a bad pair throws L-BFGS far away. Compare the medians.",
)(512)
smallest_batch.mistake(
    "the smallest batch of all",
    "With 8 examples the noise hides most of the curvature, and gradient descent is ahead. Have you added new noise in each step, to both, and taken the median over all seeds?",
)(8)
smallest_batch.mistake(
    "the whole ladder",
    "At such a size the gradients are all but exact. L-BFGS is ahead much earlier.",
)(4096)
smallest_batch.mistake(
    "the noise is divided by the batch, not by its root",
    "Your noise falls like 1/B. The mean of B independent numbers has the spread of one over the root of B.",
)(16)

smallest_batch.mistake(
    "the memory is another one",
    "With 128 L-BFGS is ahead already. Is the memory as asked, only pairs that bend upwards, and no more than the last ten?",
)(256)
smallest_batch.mistake(
    "gradient descent has another rate",
    "With 32 gradient descent is still ahead. Does yours take its steps at the rate 1?",
)(32)

KEYS = {
    "second_order.damped_step": damped_step,
    "second_order.gauss_newton_cg": gauss_newton_cg,
    "second_order.curvature_product": curvature_product,
    "second_order.wolfe_interval": wolfe_interval,
    "second_order.bfgs_product": bfgs_product,
    "second_order.two_loop_step": two_loop_step,
    "second_order.smallest_batch": smallest_batch,
}
