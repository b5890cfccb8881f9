"""The backpropagation assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from ..judge import Key

# --- linear_backward: examples and positions are one long axis of users; y = x W + b ------------------------------


def _linear(dy, cache):
    x, w = cache
    rows, slopes = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, {"W": rows.T @ slopes, "b": slopes.sum(axis=0)}


linear_backward = Key(_linear)


@linear_backward.mistake(
    "the weights' gradient is transposed",
    "Your gradient in W has one row for each output. These weights have one row for each input: with which of the two should the product begin?",
)
def linear_transposed(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, gradients | {"W": gradients["W"].T}


@linear_backward.mistake(
    "the weights are not transposed on the way back",
    "Your dx multiplies by the weights as on the way forward. There they lead from inputs to outputs; now the gradient goes the other way.",
)
def linear_not_back(dy, cache):
    return dy @ cache[1], _linear(dy, cache)[1]


@linear_backward.mistake(
    "the layout is the chapter's",
    "Both products are those of the chapter, where the weights have one row for each output. Here y = x W + b: the weights stand on the other side, and so do their transposes.",
)
def linear_other_layout(dy, cache):
    _, gradients = _linear(dy, cache)
    return dy @ cache[1], gradients | {"W": gradients["W"].T}


@linear_backward.mistake(
    "the gradients are means over the examples",
    "You divide by the number of examples. If the loss is a mean, that division is in dy already; a weight adds up what its users send.",
)
def linear_mean(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, {name: g / len(dy) for name, g in gradients.items()}


@linear_backward.mistake(
    "the gradients are means over examples and positions",
    "You divide by the number of rows. Each row is one use of the weights, and the shares of several uses add up.",
)
def linear_mean_of_rows(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, {name: g / (dy.shape[0] * dy.shape[1]) for name, g in gradients.items()}


@linear_backward.mistake(
    "only the bias takes a mean",
    "The bias has as many users as a weight has: should it treat what they send differently?",
)
def linear_mean_of_bias(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, gradients | {"b": dy.mean(axis=(0, 1))}


@linear_backward.mistake(
    "the bias sums over the examples only",
    "Your bias has a gradient for every position. There is one bias for all positions, so over which axes was it repeated?",
)
def linear_bias_by_position(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, gradients | {"b": dy.sum(axis=0)}


@linear_backward.mistake(
    "the weights have a gradient for each example",
    "In W you have one matrix for each example, although all of them were multiplied by the same weights: what becomes of their shares?",
)
def linear_weights_by_example(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, gradients | {"W": cache[0].swapaxes(1, 2) @ dy}


@linear_backward.mistake(
    "the gradients are means over the positions",
    "For the parameters you divide by the number of positions. Each position is one more use of them, and the loss feels every use in full.",
)
def linear_mean_of_positions(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx, {name: g / dy.shape[1] for name, g in gradients.items()}


@linear_backward.mistake(
    "only the last position is used",
    "Your parameters hear of the last position alone. The layer was used at every position, with the same weights each time.",
)
def linear_last_position(dy, cache):
    x, w = cache
    return dy @ w.T, _linear(dy[:, -1:], (x[:, -1:], w))[1]


@linear_backward.mistake(
    "the positions are added up before they are multiplied",
    "For the weights you add up inputs and gradients over the positions first and then multiply: that mixes the input of one position with the gradient of "
    "another.",
)
def linear_summed_first(dy, cache):
    x, w = cache
    return dy @ w.T, {"W": x.sum(axis=1).T @ dy.sum(axis=1), "b": dy.sum(axis=(0, 1))}


@linear_backward.mistake(
    "dx is divided by the number of examples",
    "In dx each example has a row of its own, in which only its own gradient counts; what is there to divide?",
)
def linear_dx_mean(dy, cache):
    dx, gradients = _linear(dy, cache)
    return dx / len(dy), gradients


# --- weighted_loss: each example's loss and gradient by its share of all weights --------------------------------


def _log_probabilities(scores, top):
    below = scores - top
    return below - np.log(np.exp(below).sum(axis=1, keepdims=True))


def _loss(scores, targets, weights):
    logs = _log_probabilities(scores, scores.max(axis=1, keepdims=True))
    share, wanted = weights / weights.sum(), np.eye(scores.shape[1], dtype=scores.dtype)[targets]
    loss = -(share * logs[np.arange(len(scores)), targets]).sum()
    return loss, share[:, None] * (np.exp(logs) - wanted)


weighted_loss = Key(_loss)


@weighted_loss.mistake(
    "it divides by the number of examples",
    "You divide by how many examples there are. The statement divides by the sum of their weights, so that a weight of 2 is as good as showing the example twice.",
)
def loss_over_batch(scores, targets, weights):
    loss, dscores = _loss(scores, targets, weights)
    c = weights.sum() / len(weights)
    return loss * c, dscores * c


@weighted_loss.mistake(
    "nothing is divided",
    "Your loss is the weighted sum. A mean also divides by the sum of the weights, and then the gradient does so too.",
)
def loss_not_divided(scores, targets, weights):
    loss, dscores = _loss(scores, targets, weights)
    return loss * weights.sum(), dscores * weights.sum()


@weighted_loss.mistake(
    "all examples count alike",
    "Yours is the plain mean, whatever the weights are. Where do they come in?",
)
def loss_unweighted(scores, targets, weights):
    return _loss(scores, targets, np.ones_like(weights))


@weighted_loss.mistake(
    "the gradient knows nothing of the weights",
    "The gradient of your loss is the one of the plain mean: an example whose loss counts double also pulls twice as hard.",
)
def gradient_unweighted(scores, targets, weights):
    return _loss(scores, targets, weights)[0], _loss(scores, targets, np.ones_like(weights))[1]


@weighted_loss.mistake(
    "the gradient is not divided",
    "Your loss ends with a division, and what is divided on the way forward is divided on the way back as well.",
)
def gradient_not_divided(scores, targets, weights):
    loss, dscores = _loss(scores, targets, weights)
    return loss, dscores * weights.sum()


@weighted_loss.mistake(
    "the gradient divides by the number of examples",
    "By what does your loss divide? The gradient divides by the same.",
)
def gradient_over_batch(scores, targets, weights):
    loss, dscores = _loss(scores, targets, weights)
    return loss, dscores * weights.sum() / len(weights)


@weighted_loss.mistake(
    "the gradient points down the loss",
    "Your gradient has the wrong sign: it says where the loss falls. Should the right class's score have a positive gradient or a negative one?",
)
def gradient_downhill(scores, targets, weights):
    loss, dscores = _loss(scores, targets, weights)
    return loss, -dscores


@weighted_loss.mistake(
    "the right class is forgotten in the gradient",
    "Your gradient is the probabilities, which pushes every score down. What is different for the score that should be high?",
)
def gradient_without_targets(scores, targets, weights):
    logs = _log_probabilities(scores, scores.max(axis=1, keepdims=True))
    return _loss(scores, targets, weights)[0], (weights / weights.sum())[:, None] * np.exp(logs)


@weighted_loss.mistake(
    "the gradient stops at the probabilities",
    "Your gradient is the one in the probabilities: minus one over them, at the right class. There is still the softmax to go through.",
)
def gradient_in_probabilities(scores, targets, weights):
    logs = _log_probabilities(scores, scores.max(axis=1, keepdims=True))
    wanted = np.eye(scores.shape[1], dtype=scores.dtype)[targets]
    return _loss(scores, targets, weights)[0], -(weights / weights.sum())[:, None] * wanted / np.exp(logs)


@weighted_loss.mistake(
    "the softmax runs over the examples",
    "Your probabilities add up to 1 in each column. Each *example* chooses among its classes: along which axis do they lie?",
)
def loss_along_examples(scores, targets, weights):
    below = scores - scores.max(axis=0)
    logs = below - np.log(np.exp(below).sum(axis=0))
    share, wanted = weights / weights.sum(), np.eye(scores.shape[1], dtype=scores.dtype)[targets]
    return -(share * logs[np.arange(len(scores)), targets]).sum(), share[:, None] * (np.exp(logs) - wanted)


@weighted_loss.mistake(
    "the exponentials overflow",
    "For ordinary scores you are right. The exponential of a thousand is infinity, though, and that of minus three thousand is 0. Which number may be taken from all scores of an example?",
)
def loss_overflows(scores, targets, weights):
    e = np.exp(scores)
    probabilities, total = e / e.sum(axis=1, keepdims=True), np.log(e.sum(axis=1))
    share, wanted = weights / weights.sum(), np.eye(scores.shape[1], dtype=scores.dtype)[targets]
    return (share * (total - scores[np.arange(len(scores)), targets])).sum(), share[:, None] * (probabilities - wanted)


@weighted_loss.mistake(
    "the logarithm of a probability that was rounded to 0",
    "Your gradient is right, and nothing overflows. But a probability of e^-2000 is rounded to 0, and then its logarithm is taken. Take the logarithm before the exponential is taken: what cancels?",
)
def loss_of_rounded(scores, targets, weights):
    probabilities = np.exp(_log_probabilities(scores, scores.max(axis=1, keepdims=True)))
    right = probabilities[np.arange(len(scores)), targets]
    return -(weights / weights.sum() * np.log(right)).sum(), _loss(scores, targets, weights)[1]


@weighted_loss.mistake(
    "the logarithm of a probability that is kept away from 0",
    "Nothing is infinite any more, because you do not let a probability fall to 0. But then the loss stops growing, however wrong the scores are. Which form of the logarithm needs no such floor?",
)
def loss_with_a_floor(scores, targets, weights):
    probabilities = np.exp(_log_probabilities(scores, scores.max(axis=1, keepdims=True)))
    right = np.maximum(probabilities[np.arange(len(scores)), targets], 1e-12)
    return -(weights / weights.sum() * np.log(right)).sum(), _loss(scores, targets, weights)[1]


@weighted_loss.mistake(
    "the largest score of the whole batch is taken away",
    "Nothing overflows any more, because the largest score of all is taken away. But an example whose scores all lie far below it is left with zeros only. Whose largest score matters to it?",
)
def loss_by_the_batch(scores, targets, weights):
    logs = _log_probabilities(scores, scores.max())
    share, wanted = weights / weights.sum(), np.eye(scores.shape[1], dtype=scores.dtype)[targets]
    return -(share * logs[np.arange(len(scores)), targets]).sum(), share[:, None] * (np.exp(logs) - wanted)


# --- repeated_backward: every use adds to the parameters, every shortcut adds to dx ------------------------------


def _repeated(dy, layer, caches, *, shortcut=True, add=True):
    total: dict = {}
    for cache in reversed(caches):
        dx, gradients = layer.backward(dy, cache)
        dy = dy + dx if shortcut else dx
        total = {name: total.get(name, 0) + g if add else g for name, g in gradients.items()}
    return dy, total


repeated_backward = Key(lambda dy, layer, caches: _repeated(dy, layer, caches))


@repeated_backward.mistake(
    "the shortcuts are forgotten",
    "You walk back through the layer alone. On the way forward there was x + layer(x): which other way leads from the output of a use to its input?",
)
def without_shortcuts(dy, layer, caches):
    return _repeated(dy, layer, caches, shortcut=False)


@repeated_backward.mistake(
    "each use overwrites the gradients of the one before",
    "Your parameters keep what the first use has sent and forget the others, because each overwrites what was there.",
)
def overwrites(dy, layer, caches):
    return _repeated(dy, layer, caches, add=False)


@repeated_backward.mistake(
    "only the last use counts for the parameters",
    "Your parameters hear only from the use next to the loss. The same parameters were used before that, too.",
)
def last_use_only(dy, layer, caches):
    return _repeated(dy, layer, caches)[0], layer.backward(dy, caches[-1])[1]


@repeated_backward.mistake(
    "the caches are taken in the order of the way forward",
    "You begin with the first use's cache. The gradient that you are given belongs to the end of the chain.",
)
def in_forward_order(dy, layer, caches):
    return _repeated(dy, layer, caches[::-1])


@repeated_backward.mistake(
    "the parameters' gradients are averaged over the uses",
    "For the parameters you take the mean of what the uses send. If a weight grows a little, does the loss feel one use of it, or all?",
)
def averaged_over_uses(dy, layer, caches):
    dx, gradients = _repeated(dy, layer, caches)
    return dx, {name: g / len(caches) for name, g in gradients.items()}


@repeated_backward.mistake(
    "every use gets the gradient of the end",
    "Each of your uses is handed the gradient that arrived at the very end. What arrives at a use is what the one behind it has handed down.",
)
def all_at_once(dy, layer, caches):
    found = [layer.backward(dy, cache) for cache in caches]
    total = {name: sum(gradients[name] for _, gradients in found) for name in found[0][1]}
    return dy + sum(dx for dx, _ in found), total


@repeated_backward.mistake(
    "the shortcuts are forgotten, and each use overwrites",
    "Two things at once. There are two ways from a use's output to its input, through the layer and around it; and what the uses send to the parameters adds up.",
)
def without_shortcuts_overwrites(dy, layer, caches):
    return _repeated(dy, layer, caches, shortcut=False, add=False)


@repeated_backward.mistake(
    "one shortcut for the whole chain",
    "You add the gradient of the end once, as if a single shortcut led around the whole chain. Each use has one of its own, and the use below it feels that.",
)
def one_shortcut(dy, layer, caches):
    dx, gradients = _repeated(dy, layer, caches, shortcut=False)
    return dy + dx, gradients


@repeated_backward.mistake(
    "the shortcut alone is walked back",
    "Your dx is what arrived at the end, unchanged: the way around every use. The way through the layer brings a share as well.",
)
def shortcut_alone(dy, layer, caches):
    total: dict = {}
    for cache in reversed(caches):
        gradients = layer.backward(dy, cache)[1]
        total = {name: total.get(name, 0) + g for name, g in gradients.items()}
    return dy.copy(), total


@repeated_backward.mistake(
    "the shortcut of the first use is forgotten",
    "Your dx is what the layer of the first use hands down. That use, too, has a way around it.",
)
def without_the_last_addition(dy, layer, caches):
    _, gradients = _repeated(dy, layer, caches)
    at_first = _repeated(dy, layer, caches[1:])[0]
    return layer.backward(at_first, caches[0])[0], gradients


# --- logaddexp: the slopes are the probabilities exp(a - value) and exp(b - value) ---------------------------------


def _probabilities(a, b):
    value = np.logaddexp(a.value, b.value)
    return value, np.exp(a.value - value), np.exp(b.value - value)


def _logaddexp(a, b):
    value, of_a, of_b = _probabilities(a, b)

    def send(g):
        a.grad = a.grad + g * of_a
        b.grad = b.grad + g * of_b

    return value, send


logaddexp = Key(_logaddexp)


@logaddexp.mistake(
    "the gradients are overwritten",
    "What you send is right, but it replaces what the variables have got from elsewhere. A variable that is used in two places hears of the last one only.",
)
def node_overwrites(a, b):
    value, of_a, of_b = _probabilities(a, b)

    def send(g):
        a.grad = g * of_a
        b.grad = g * of_b

    return value, send


@logaddexp.mistake(
    "the second gradient is overwritten",
    "The variable a adds what it gets to what it had, b does not. And if both are the same variable, a's share is gone too.",
)
def node_overwrites_second(a, b):
    value, of_a, of_b = _probabilities(a, b)

    def send(g):
        a.grad = a.grad + g * of_a
        b.grad = g * of_b

    return value, send


@logaddexp.mistake(
    "the same variable twice gets one share only",
    "For two different variables you are right. If a and b are one variable, you read its gradient twice before you write it, so that the first addition is lost.",
)
def node_reads_first(a, b):
    value, of_a, of_b = _probabilities(a, b)

    def send(g):
        for_a, for_b = a.grad + g * of_a, b.grad + g * of_b
        a.grad, b.grad = for_a, for_b

    return value, send


@logaddexp.mistake(
    "the exponentials overflow",
    "For ordinary values you are right. The exponential of a thousand is infinity; the logarithm of the sum is a thousand and a bit. What can be taken out of the sum first?",
)
def node_overflows(a, b):
    total = np.exp(a.value) + np.exp(b.value)

    def send(g):
        a.grad = a.grad + g * np.exp(a.value) / total
        b.grad = b.grad + g * np.exp(b.value) / total

    return np.log(total), send


@logaddexp.mistake(
    "the value is stable and the slopes are not",
    "Your value is right for all inputs. In the slopes you divide one exponential by a sum of two, and for large values both are infinite. You have the logarithm of that sum: use it.",
)
def node_slopes_overflow(a, b):
    def send(g):
        total = np.exp(a.value) + np.exp(b.value)
        a.grad = a.grad + g * np.exp(a.value) / total
        b.grad = b.grad + g * np.exp(b.value) / total

    return np.logaddexp(a.value, b.value), send


@logaddexp.mistake(
    "the largest of all entries is taken away",
    "Large values do not hurt you any more, because the largest entry of all is taken out of every sum. Where both values of an entry lie far below it, though, only log 0 is left. Which number matters to that entry?",
)
def node_by_the_largest(a, b):
    top = max(a.value.max(), b.value.max())
    of_a, of_b = np.exp(a.value - top), np.exp(b.value - top)
    total = of_a + of_b

    def send(g):
        a.grad = a.grad + g * of_a / total
        b.grad = b.grad + g * of_b / total

    return top + np.log(total), send


@logaddexp.mistake(
    "the shares are returned, not brought",
    "Your value is right, but after send both variables have the gradient that they had before. Nobody collects what send returns: who adds it to a and b in the product above?",
)
def node_returns_shares(a, b):
    value, of_a, of_b = _probabilities(a, b)
    return value, lambda g: (g * of_a, g * of_b)


@logaddexp.mistake(
    "the slopes are exchanged",
    "Your value is right, and so are both slopes, but each variable gets the other's. The larger of the two decides the value: which one should feel the larger part of the gradient?",
)
def node_exchanged(a, b):
    value, of_a, of_b = _probabilities(a, b)

    def send(g):
        a.grad = a.grad + g * of_b
        b.grad = b.grad + g * of_a

    return value, send


@logaddexp.mistake(
    "the slopes are those of a sum",
    "Each of your variables gets the whole gradient, as in a + b. By how much does log(e^a + e^b) grow if both grow by 1?",
)
def node_like_a_sum(a, b):
    def send(g):
        a.grad = a.grad + g
        b.grad = b.grad + g

    return np.logaddexp(a.value, b.value), send


@logaddexp.mistake(
    "the gradient that arrives is ignored",
    "You send the slopes themselves. They say how far the value moves; how much the loss cares about the value is what arrives in g.",
)
def node_ignores_what_arrives(a, b):
    value, of_a, of_b = _probabilities(a, b)

    def send(g):
        a.grad = a.grad + of_a
        b.grad = b.grad + of_b

    return value, send


@logaddexp.mistake(
    "the inner derivative is forgotten",
    "Your slopes are one over the sum: that of the logarithm. Inside there is e^a, which grows at its own rate when a does.",
)
def node_without_the_inner(a, b):
    value, _, _ = _probabilities(a, b)

    def send(g):
        a.grad = a.grad + g * np.exp(-value)
        b.grad = b.grad + g * np.exp(-value)

    return value, send


@logaddexp.mistake(
    "the outer derivative is forgotten",
    "Your slopes are e^a and e^b. They are on their way to the sum; then there is the logarithm, whose slope is one over what it is taken of.",
)
def node_without_the_outer(a, b):
    def send(g):
        a.grad = a.grad + g * np.exp(a.value)
        b.grad = b.grad + g * np.exp(b.value)

    return np.logaddexp(a.value, b.value), send


# --- unbroadcast: sum over the axes that were added in front, and over those that were stretched -----------------


def _unbroadcast(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


unbroadcast = Key(_unbroadcast)


@unbroadcast.mistake(
    "only the added axes are summed",
    "You sum over the axes that the array did not have. An axis that it had with length 1 was repeated as well.",
)
def only_added(grad, shape):
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


@unbroadcast.mistake(
    "only the stretched axes are summed",
    "You sum over the axes that had length 1. NumPy has also added axes in front, and repeated the whole array along them.",
)
def only_stretched(grad, shape):
    added = grad.ndim - len(shape)
    return grad.sum(axis=tuple(added + i for i, n in enumerate(shape) if n == 1), keepdims=True)


@unbroadcast.mistake(
    "the copies are averaged",
    "You take the mean over the copies. Each copy went its own way to the loss: what do several ways do with each other?",
)
def averages_copies(grad, shape):
    copies = grad.size / max(1, int(np.prod(shape)))
    return _unbroadcast(grad, shape) / grad.dtype.type(copies)


@unbroadcast.mistake(
    "only one of the copies is kept",
    "You keep what the first copy has got and forget the others.",
)
def keeps_one_copy(grad, shape):
    grad = grad[(0,) * (grad.ndim - len(shape))]
    return grad[tuple(slice(0, n) for n in shape)].copy()


@unbroadcast.mistake(
    "the added axes are averaged",
    "The stretched axes are summed, as they should be, and the added ones averaged, as if the gradient were a mean over examples. If it is one, the loss has divided already.",
)
def averages_added(grad, shape):
    copies = int(np.prod(grad.shape[: grad.ndim - len(shape)]))
    return _unbroadcast(grad, shape) / grad.dtype.type(copies)


@unbroadcast.mistake(
    "the stretched axes are averaged",
    "The added axes are summed, as they should be, and the stretched ones averaged. Both hold copies of the same numbers.",
)
def averages_stretched(grad, shape):
    tail = grad.shape[grad.ndim - len(shape) :]
    copies = int(np.prod([m for m, n in zip(tail, shape, strict=True) if n == 1]))
    return _unbroadcast(grad, shape) / grad.dtype.type(copies)


@unbroadcast.mistake(
    "everything is summed",
    "Each entry of your result is the sum of the whole gradient. Only over the copies of an entry should it be summed.",
)
def sums_everything(grad, shape):
    return np.full(shape, grad.sum())


@unbroadcast.mistake(
    "the shapes are lined up at their beginnings",
    "You compare the shapes from the left. NumPy lines them up at their ends, and adds what is missing in front.",
)
def lined_up_in_front(grad, shape):
    padded = tuple(shape) + (1,) * (grad.ndim - len(shape))
    axes = tuple(i for i, n in enumerate(padded) if n != grad.shape[i])
    return grad.sum(axis=axes).reshape(-1)[: int(np.prod(shape))].reshape(shape)


@unbroadcast.mistake(
    "the added axes shift the stretched ones",
    "You look up in shape which axes have length 1, and sum the gradient over axes of these numbers while it still has the added axes in front. Then the numbers mean other axes.",
)
def shifted_axes(grad, shape):
    grad = grad.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


# --- gradient_error: the largest difference over the largest entry of either, in double precision ----------------


def _differences(f, x, step):
    x, found = np.array(x, dtype=float), np.empty(np.shape(x))
    for i in np.ndindex(x.shape):
        here = x[i]
        x[i] = here + step
        above = f(x)
        x[i] = here - step
        found[i] = (above - f(x)) / (2 * step)
        x[i] = here
    return found


def _relative(grad, found):
    largest = max(np.abs(grad).max(), np.abs(found).max())
    return np.abs(grad - found).max() / largest if largest else 0.0


gradient_error = Key(lambda f, x, grad, step: _relative(grad, _differences(f, x, step)))


@gradient_error.mistake(
    "the error is absolute",
    "Yours is the largest difference as it is. Whether a difference of 0.001 is much depends on how large the gradient is.",
)
def absolute_error(f, x, grad, step):
    return np.abs(grad - _differences(f, x, step)).max()


@gradient_error.mistake(
    "the difference is one-sided",
    "You look to one side only. Then the bend of the function stays in the difference, in proportion to the step, and is taken for a fault of the gradient.",
)
def one_sided(f, x, grad, step):
    x = np.array(x, dtype=float)
    found = [f(x + step * e.reshape(x.shape)) - f(x) for e in np.eye(x.size)]
    return _relative(grad, np.reshape(found, x.shape) / step)


@gradient_error.mistake(
    "the distance is the step, not twice the step",
    "From one nudge to the other it is two steps. You divide by one, and every difference is twice the slope.",
)
def half_the_distance(f, x, grad, step):
    return _relative(grad, 2 * _differences(f, x, step))


@gradient_error.mistake(
    "the nudges are made in single precision",
    "In double precision you are right. If x is given in single precision, so are your nudges, and a small step is rounded with them: it is no longer the one by which you divide. Nudge a copy in double precision.",
)
def single_precision(f, x, grad, step):
    x, found = np.array(x), np.empty(np.shape(x))
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += step
        below[i] -= step
        found[i] = (f(above) - f(below)) / (2 * step)
    return _relative(grad, found)


@gradient_error.mistake(
    "it is the mean error",
    "You average over the entries. One wrong entry among many right ones then hardly shows.",
)
def mean_error(f, x, grad, step):
    found = _differences(f, x, step)
    largest = max(np.abs(grad).max(), np.abs(found).max())
    return np.abs(grad - found).mean() / largest if largest else 0.0


@gradient_error.mistake(
    "the sign of the difference counts",
    "You take the largest difference with its sign. A gradient that is too small is as wrong as one that is too large.",
)
def signed_error(f, x, grad, step):
    found = _differences(f, x, step)
    largest = max(np.abs(grad).max(), np.abs(found).max())
    return (grad - found).max() / largest if largest else 0.0


@gradient_error.mistake(
    "each entry is measured by itself",
    "You divide entry by entry. An entry that happens to be nearly 0 then shows a large error where there is only rounding. Here the largest entry of the whole gradient is the measure.",
)
def entry_by_entry(f, x, grad, step):
    found = _differences(f, x, step)
    sizes = np.maximum(np.abs(grad), np.abs(found))
    return (np.abs(grad - found) / np.where(sizes > 0, sizes, 1)).max()


@gradient_error.mistake(
    "each entry is divided by the sum of its sizes",
    "You divide entry by entry, and by the size of the one plus that of the other. It is a convention of others, in which a small entry can show a large error. Here the largest entry of the whole gradient is the measure.",
)
def entry_over_the_sum(f, x, grad, step):
    found = _differences(f, x, step)
    sizes = np.abs(grad) + np.abs(found)
    return (np.abs(grad - found) / np.where(sizes > 0, sizes, 1)).max()


@gradient_error.mistake(
    "the lengths of the gradients are compared",
    "You divide the length of the difference by the lengths of both gradients. That is a convention of others, in which one wrong entry among many hardly shows. Here single entries are the measure, above and below.",
)
def over_the_lengths(f, x, grad, step):
    found = _differences(f, x, step)
    lengths = np.linalg.norm(grad) + np.linalg.norm(found)
    return np.linalg.norm(grad - found) / lengths if lengths else 0.0


@gradient_error.mistake(
    "it is divided by the sum of both",
    "You divide by the largest entry of the one plus that of the other: that is another convention, and gives half of it. Here the larger of the two is the measure.",
)
def over_the_sum(f, x, grad, step):
    found = _differences(f, x, step)
    sizes = np.abs(grad).max() + np.abs(found).max()
    return np.abs(grad - found).max() / sizes if sizes else 0.0


@gradient_error.mistake(
    "it is divided by the differences alone",
    "You divide by the largest difference. If the claimed gradient is far too large, that makes the error larger than 1; here the larger of the two is the measure.",
)
def over_the_differences(f, x, grad, step):
    found = _differences(f, x, step)
    largest = np.abs(found).max()
    return np.abs(grad - found).max() / largest if largest else 0.0


@gradient_error.mistake(
    "it is divided by the claimed gradient alone",
    "You divide by the largest entry of the claimed gradient. If that is far too small, or 0, the error has no measure; here the larger of the two is taken.",
)
def over_the_claimed(f, x, grad, step):
    largest = np.abs(grad).max()
    return np.abs(grad - _differences(f, x, step)).max() / largest if largest else 0.0


@gradient_error.mistake(
    "zero over zero",
    "For ordinary gradients you are right. Where there is no slope, and none was claimed, you divide 0 by 0: a right gradient, whose error is 0.",
)
def zero_over_zero(f, x, grad, step):
    found = _differences(f, x, step)
    return np.abs(grad - found).max() / np.maximum(np.abs(grad).max(), np.abs(found).max())


@gradient_error.mistake(
    "all entries are nudged at once",
    "You nudge the whole of x and get a single number: the sum of all slopes. Each entry wants a nudge of its own.",
)
def all_nudged(f, x, grad, step):
    x = np.array(x, dtype=float)
    return _relative(grad, np.full(x.shape, (f(x + step) - f(x - step)) / (2 * step)))


@gradient_error.mistake(
    "the nudged entries are not put back",
    "Your first entry is right. The next one is nudged while the first still stands where you left it: every entry has to be put back.",
)
def not_put_back(f, x, grad, step):
    x, found = np.array(x, dtype=float), np.empty(np.shape(x))
    for i in np.ndindex(x.shape):
        x[i] += step
        above = f(x)
        x[i] -= 2 * step
        found[i] = (above - f(x)) / (2 * step)
    return _relative(grad, found)


# --- best_step: the constant makes rounding almost 80,000 times larger, the best step the cube root of that ------


def measure_best_step(constant=1e5):
    """Of the powers of ten the step with the smallest relative error."""
    c, theta = np.random.default_rng(0).uniform(0.5, 2, size=20), np.random.default_rng(1).normal(size=20)
    exact = c * np.cos(c * theta)
    steps = 10.0 ** -np.arange(1, 11)
    found = [_differences(lambda t: constant + np.sin(c * t).sum(), theta, step) for step in steps]
    return steps[np.abs(np.array(found) - exact).max(axis=1).argmin()]


best_step = Key(1e-4)  # measure_best_step(): the tests run it again

best_step.mistake(
    "the usual step, or the loss without its constant",
    "That is the usual step, and the best one without the hundred thousand. The constant falls out of the gradient; does it fall out of the loss, too, from which the differences are taken? Measure with it.",
)(1e-5)
best_step.mistake(
    "the best step of one-sided differences",
    "Near 1e-8 one-sided differences are best, when the loss is about 1. The question is about central ones, and about a large loss.",
)(1e-8)
best_step.mistake(
    "one power of ten too large",
    "On that side the bend of the function decides, and it still falls by a factor of a hundred with the next step. Look at the whole valley.",
)(1e-3)
best_step.mistake(
    "the exponent, not the step",
    "That looks like the exponent. The step itself is asked, such as 1e-2.",
)(-4.0)
best_step.mistake(
    "the error, not the step",
    "That looks like the smallest relative error. The question asks for the step at which it is found.",
)(3.6e-8)

KEYS = {
    "backpropagation.linear_backward": linear_backward,
    "backpropagation.weighted_loss": weighted_loss,
    "backpropagation.repeated_backward": repeated_backward,
    "backpropagation.logaddexp": logaddexp,
    "backpropagation.unbroadcast": unbroadcast,
    "backpropagation.gradient_error": gradient_error,
    "backpropagation.best_step": best_step,
}
