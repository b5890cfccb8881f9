"""The losses assignment, as it is judged: the references and the mistakes that students make.

Mistakes that differ in one place only share a plain helper that takes what differs.
"""

import numpy as np

from ..judge import Key

# --- tempered ----------------------------------------------------------------------------------------------------


def at_temperature(scores, targets, c, top=None, inside=None):
    """Loss, probabilities less targets, and the mean of their product with the scores, for scores over c."""
    scaled = scores / c if inside is None else inside
    below = scaled - (scaled.max(axis=1, keepdims=True) if top is None else top)
    logs = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
    rows = np.arange(len(scores))
    apart = np.exp(logs)
    apart[rows, targets] -= 1
    return -logs[rows, targets].mean(), apart, (apart * scores).sum() / len(scores)


def _tempered(scores, targets, c):
    loss, apart, product = at_temperature(scores, targets, c)
    return loss, apart / c / len(scores), -product / c**2


tempered = Key(_tempered)


@tempered.mistake(
    "the gradient in the scores forgets the temperature",
    "Your gradient is the one in the scaled scores. A score reaches the softmax through a division: what does the chain rule say of it?",
)
def no_inner(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, dscores * c, dc


@tempered.mistake(
    "the gradient in the scores is multiplied by the temperature",
    "The scores are divided by c on the way forward, and on the way back you multiply by it. What is the slope of z / c in z?",
)
def inner_inverted(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, dscores * c**2, dc


@tempered.mistake(
    "the scores are multiplied by the temperature",
    "You multiply the scores by c. A high temperature is to make the probabilities more equal: by what does it shrink differences?",
)
def multiplied(scores, targets, c):
    loss, apart, product = at_temperature(scores, targets, c, inside=scores * c)
    return loss, apart * c / len(scores), product


@tempered.mistake(
    "the sign of the temperature's gradient",
    "Loss and dscores are right, and dc has the other sign. How does z / c change when c grows?",
)
def sign_of_dc(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, dscores, -dc


@tempered.mistake(
    "the slope of 1/c has the wrong power",
    "In dc there is one division by c too few. Write z / c as z times a power of c, and differentiate that.",
)
def one_power(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, dscores, dc * c


@tempered.mistake(
    "the temperature's gradient divides once more than it should",
    "In dc there is one division by c too many: perhaps you multiply by scores that have been divided already.",
)
def third_power(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, dscores, dc / c


@tempered.mistake(
    "the temperature is felt by the right score alone",
    "Your dc looks at the score of the right class and forgets that the sum below the fraction changes with c, too.",
)
def right_alone(scores, targets, c):
    loss, dscores, _ = _tempered(scores, targets, c)
    return loss, dscores, scores[np.arange(len(scores)), targets].mean() / c**2


@tempered.mistake(
    "nothing is divided by the number of examples",
    "All three are sums over the batch. The loss is to be a mean, and then its gradients are too.",
)
def all_summed(scores, targets, c):
    return tuple(len(scores) * a for a in _tempered(scores, targets, c))


@tempered.mistake(
    "the gradients are sums over the batch",
    "Your loss is a mean over the examples. What is divided on the way forward is divided on the way back as well.",
)
def gradients_summed(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, len(scores) * dscores, len(scores) * dc


@tempered.mistake(
    "dscores alone is a sum over the batch",
    "Loss and dc are means over the examples, and dscores is not divided by their number. It belongs to the same mean.",
)
def dscores_summed(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, len(scores) * dscores, dc


@tempered.mistake(
    "dc alone is a sum over the batch",
    "Loss and dscores are means over the examples, and dc adds the examples up. It belongs to the same mean.",
)
def dc_summed(scores, targets, c):
    loss, dscores, dc = _tempered(scores, targets, c)
    return loss, dscores, len(scores) * dc


@tempered.mistake(
    "exponentials overflow",
    "Right for ordinary scores. With a score of a thousand the exponential is infinite; and in an example whose scores all lie 3,000 below the largest of the batch every exponential is 0. Softmax does not change when all scores of an example change by one number: which one helps, for each example?",
)
def overflows(scores, targets, c):
    loss, apart, product = at_temperature(scores, targets, c, top=0)
    return loss, apart / c / len(scores), -product / c**2


# --- rival -------------------------------------------------------------------------------------------------------


def others_of(scores, targets, hidden=-np.inf):
    """The scores without the right ones, and the right ones as a column."""
    rows = np.arange(len(scores))
    others = scores.copy()
    others[rows, targets] = hidden
    return rows, others, scores[rows, targets]


def one_rival(scores, targets, margin, hidden=-np.inf, due=lambda missing: missing > 0, pull=1.0, push=1.0):
    """The best rival's hinge, with what differs: what hides the right score, when there is a slope, and the two slopes."""
    rows, others, right = others_of(scores, targets, hidden)
    missing = margin + others.max(axis=1) - right
    on, dscores = due(missing) / len(scores), np.zeros_like(scores)
    dscores[rows, others.argmax(axis=1)] += push * on
    dscores[rows, targets] -= pull * on
    return np.maximum(missing, 0).mean(), dscores


rival = Key(one_rival)


def summed_rivals(scores, targets, margin):
    rows, others, right = others_of(scores, targets)
    missing = np.maximum(margin + others - right[:, None], 0)
    dscores = (missing > 0).astype(scores.dtype)
    dscores[rows, targets] = -dscores.sum(axis=1)
    return missing.sum(axis=1).mean(), dscores / len(scores)


@rival.mistake(
    "all rivals are counted",
    "You add up the hinges of all other classes, as the chapter's loss does before it divides. Here the best of them counts alone.",
)
def all_rivals(scores, targets, margin):
    return summed_rivals(scores, targets, margin)


@rival.mistake(
    "the mean over the classes",
    "You take the mean over all classes, as PyTorch's multi_margin_loss does. Here the best rival counts alone, and in full.",
)
def mean_of_classes(scores, targets, margin):
    loss, dscores = summed_rivals(scores, targets, margin)
    return loss / scores.shape[1], dscores / scores.shape[1]


@rival.mistake(
    "the right class is its own rival",
    "You look for the largest of all scores. Where the right one is far ahead, it is compared with itself, and what remains is the margin.",
)
def own_rival(scores, targets, margin):
    rows, best = np.arange(len(scores)), scores.argmax(axis=1)
    missing = margin + scores[rows, best] - scores[rows, targets]
    dscores = np.zeros_like(scores)
    dscores[rows, best] += 1 / len(scores)
    dscores[rows, targets] -= 1 / len(scores)
    return missing.mean(), dscores


@rival.mistake(
    "the right score is hidden behind a 0",
    "To take the right score out of the maximum you put 0 in its place. Where all other scores are negative, that 0 is the largest.",
)
def hidden_by_zero(scores, targets, margin):
    return one_rival(scores, targets, margin, hidden=0)


@rival.mistake(
    "the margin has the wrong sign",
    "Your loss is 0 although the right score is not ahead by the margin, and even where it is behind. On which side does the margin stand?",
)
def margin_subtracted(scores, targets, margin):
    return one_rival(scores, targets, -margin)


@rival.mistake(
    "there is no margin",
    "You ask the right score to be the largest and no more. Where does the margin come in?",
)
def no_margin(scores, targets, margin):
    return one_rival(scores, targets, 0)


@rival.mistake(
    "the right score has no slope",
    "You push the rival down, and the right score feels nothing. The loss contains it as well.",
)
def only_pushed(scores, targets, margin):
    return one_rival(scores, targets, margin, pull=0)


@rival.mistake(
    "the rival has no slope",
    "You pull the right score up, and the rival feels nothing. The loss contains it as well.",
)
def only_pulled(scores, targets, margin):
    return one_rival(scores, targets, margin, push=0)


@rival.mistake(
    "the sign of the gradient",
    "Your gradient points the other way: following it downhill would raise the rival.",
)
def uphill(scores, targets, margin):
    return one_rival(scores, targets, margin, pull=-1, push=-1)


@rival.mistake(
    "examples that are far enough ahead are pulled on",
    "The loss is right, but you have slopes where it is 0. What is the slope of a flat line?",
)
def always_on(scores, targets, margin):
    return one_rival(scores, targets, margin, due=np.ones_like)


@rival.mistake(
    "there is a slope at the hinge itself",
    "All is right but for an example that has exactly the margin. There the slope is to be 0.",
)
def on_at_zero(scores, targets, margin):
    return one_rival(scores, targets, margin, due=lambda missing: missing >= 0)


@rival.mistake(
    "neither loss nor gradient is a mean",
    "Both are sums over the batch. Divide by the number of examples.",
)
def rival_summed(scores, targets, margin):
    loss, dscores = one_rival(scores, targets, margin)
    return len(scores) * loss, len(scores) * dscores


@rival.mistake(
    "the gradient is not a mean",
    "Your loss is a mean over the examples, and the gradient is that of a sum.",
)
def rival_gradient_summed(scores, targets, margin):
    loss, dscores = one_rival(scores, targets, margin)
    return loss, len(scores) * dscores


@rival.mistake(
    "the hinge is squared",
    "That is the squared hinge. The plain one grows in a straight line.",
)
def rival_squared(scores, targets, margin):
    _, others, right = others_of(scores, targets)
    missing = np.maximum(margin + others.max(axis=1) - right, 0)
    return (missing**2).mean(), 2 * missing[:, None] * one_rival(scores, targets, margin)[1]


@rival.mistake(
    "tied rivals share the slope or have it all",
    "All is right but for two rivals with the same score. The first of them is to have the whole slope, the other none.",
)
def shared(scores, targets, margin):
    loss, dscores = one_rival(scores, targets, margin)
    _, others, _ = others_of(scores, targets)
    best = (others == others.max(axis=1, keepdims=True)).astype(scores.dtype)
    pushed = dscores.clip(min=0).sum(axis=1, keepdims=True)
    return loss, dscores.clip(max=0) + pushed * best / best.sum(axis=1, keepdims=True)


# --- labels_loss -------------------------------------------------------------------------------------------------


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def of_labels(scores, targets, yes=1.0, no=1.0, divisor=None):
    """The loss with a weight for each of the two terms, and its gradient."""
    divisor = scores.size if divisor is None else divisor
    loss = yes * targets * np.logaddexp(0, -scores) + no * (1 - targets) * np.logaddexp(0, scores)
    dscores = no * (1 - targets) * sigmoid(scores) - yes * targets * sigmoid(-scores)
    return loss.sum() / divisor, dscores / divisor


def _labels_loss(scores, targets, weight):
    return of_labels(scores, targets, yes=weight)


labels_loss = Key(_labels_loss)


@labels_loss.mistake(
    "the weight is not used",
    "Yours is the plain loss of independent labels. What is there counts as much in it as what is not: where does the weight come in?",
)
def no_weight(scores, targets, weight):
    return of_labels(scores, targets)


@labels_loss.mistake(
    "both terms have the weight",
    "You multiply the whole loss by the weight: then a yes counts no more than a no, beside the other.",
)
def both_weighted(scores, targets, weight):
    return of_labels(scores, targets, yes=weight, no=weight)


@labels_loss.mistake(
    "the weight is at the wrong term",
    "You weigh what is *not* there. Rare is the yes.",
)
def no_weighted(scores, targets, weight):
    return of_labels(scores, targets, no=weight)


@labels_loss.mistake(
    "the gradient does not know the weight",
    "The loss is right; its gradient is that of the plain loss, probability less target. Differentiate the two terms one by one.",
)
def plain_gradient(scores, targets, weight):
    return _labels_loss(scores, targets, weight)[0], of_labels(scores, targets)[1]


@labels_loss.mistake(
    "the whole gradient has the weight",
    "The loss is right; in the gradient you multiply probability less target by the weight, everywhere. Only one of the two terms has it.",
)
def weighted_gradient(scores, targets, weight):
    return _labels_loss(scores, targets, weight)[0], weight * of_labels(scores, targets)[1]


@labels_loss.mistake(
    "the weight stands in the targets alone",
    "In your gradient the target is multiplied by the weight and the probability is not. Where the answer is yes, the term is weight times (probability less 1).",
)
def target_weighted(scores, targets, weight):
    return _labels_loss(scores, targets, weight)[0], (sigmoid(scores) - weight * targets) / scores.size


@labels_loss.mistake(
    "the mean is over the examples alone",
    "You divide by the number of examples. Here the mean is over all entries, examples times labels.",
)
def over_batch(scores, targets, weight):
    return of_labels(scores, targets, yes=weight, divisor=len(scores))


@labels_loss.mistake(
    "nothing is divided",
    "Both are sums. The loss is to be the mean over all entries.",
)
def labels_summed(scores, targets, weight):
    return of_labels(scores, targets, yes=weight, divisor=1)


@labels_loss.mistake(
    "the gradient is not divided",
    "Your loss is a mean over all entries, and the gradient is that of a sum.",
)
def labels_gradient_summed(scores, targets, weight):
    loss, dscores = _labels_loss(scores, targets, weight)
    return loss, dscores * scores.size


@labels_loss.mistake(
    "the mean divides by the weights",
    "You divide by the sum of the weights, as PyTorch's cross_entropy does with weights of classes. Here it is the plain mean over all entries.",
)
def over_weights(scores, targets, weight):
    return of_labels(scores, targets, yes=weight, divisor=(1 - targets + weight * targets).sum())


def from_probabilities(scores, targets, weight, least):
    """By way of the probabilities, which are kept from 0 and 1."""
    y = np.clip(1 / (1 + np.exp(-scores)), least, 1 - least)
    loss = -(weight * targets * np.log(y) + (1 - targets) * np.log(1 - y))
    return loss.mean(), ((1 - targets) * y - weight * targets * (1 - y)) / scores.size


@labels_loss.mistake(
    "the logarithm of 0",
    "Right for ordinary scores. With a score of a thousand the probability is 1, so that 1 less it has no logarithm. Write log of a sigmoid in the scores, without the probability between.",
)
def log_of_zero(scores, targets, weight):
    return from_probabilities(scores, targets, weight, 0)


@labels_loss.mistake(
    "probabilities are clipped",
    "You keep probabilities away from 0 and 1. Then a score of a thousand at the wrong label costs as much as one of forty, and the gradient is not quite right: work with the scores instead.",
)
def clipped(scores, targets, weight):
    return from_probabilities(scores, targets, weight, 1e-15)


@labels_loss.mistake(
    "the labels compete in a softmax",
    "Your probabilities add up to 1 over the labels. Each label is a question by itself.",
)
def competing(scores, targets, weight):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    y = np.clip(e / e.sum(axis=1, keepdims=True), 1e-300, 1 - 1e-16)
    loss = -(weight * targets * np.log(y) + (1 - targets) * np.log(1 - y))
    return loss.mean(), ((1 - targets) * y - weight * targets * (1 - y)) / scores.size


# --- tree_logs ---------------------------------------------------------------------------------------------------


def down(z, children, log_of=lambda z: -np.logaddexp(0, -z), signs=(1, -1)):
    """The sum of the logarithms of all turns on the way to each class."""
    logs, waiting = np.zeros((len(z), len(children) + 1), z.dtype), [(0, np.zeros(len(z), z.dtype))]
    for _ in children:  # each node once; in a table that is no tree it ends, too
        if not waiting:
            break
        node, so_far = waiting.pop()
        for sign, child in zip(signs, children[node], strict=True):
            there = so_far + log_of(sign * z[:, node])
            if child < 0:
                logs[:, -1 - child] = there
            else:
                waiting.append((child, there))
    return logs


tree_logs = Key(down)


@tree_logs.mistake(
    "left and right are swapped",
    "Your classes have the probabilities of the other turn at every node. A large score leads to the first child.",
)
def swapped(z, children):
    return down(z, children, signs=(-1, 1))


@tree_logs.mistake(
    "both children have the same probability",
    "You multiply by the sigmoid at both turns: then the probabilities of all classes do not add up to 1. What is left for the second child?",
)
def same_turns(z, children):
    return down(z, children, signs=(1, 1))


@tree_logs.mistake(
    "probabilities instead of their logarithms",
    "These are the probabilities themselves. Their logarithms were asked for.",
)
def not_logs(z, children):
    return np.exp(down(z, children))


@tree_logs.mistake(
    "the logarithm is taken too late",
    "Right for ordinary scores. With scores of a thousand a probability is 0, or an exponential infinite, before you take the logarithm. Write the logarithm of a sigmoid in its score, and add logarithms on the way.",
)
def late_logs(z, children):
    return np.log(np.exp(down(z, children)))


@tree_logs.mistake(
    "the last turn alone",
    "Each class has the probability of the last turn. The ones before it have to be made as well.",
)
def last_turn(z, children):
    logs = np.zeros((len(z), len(children) + 1), z.dtype)
    for node, ends in enumerate(children):
        for sign, child in zip((1, -1), ends, strict=True):
            if child < 0:
                logs[:, -1 - child] = -np.logaddexp(0, -sign * z[:, node])
    return logs


@tree_logs.mistake(
    "the mean of the turns",
    "You divide by the number of turns. All of them have to happen: their probabilities are multiplied, so their logarithms add up.",
)
def mean_turn(z, children):
    ones = np.ones((1, z.shape[1]))
    return down(z, children) / down(ones, children, log_of=np.ones_like).astype(z.dtype)


@tree_logs.mistake(
    "the sign of the logarithms",
    "Your numbers are costs, minus the logarithms. Logarithms of probabilities are not above 0.",
)
def costs(z, children):
    return -down(z, children)


@tree_logs.mistake(
    "the classes are in the order of the walk",
    "The numbers are right, but each is not in its class's column: -1 - k stands for the class k.",
)
def other_order(z, children):
    return down(z, children)[:, ::-1]


# --- huber_rows --------------------------------------------------------------------------------------------------


def of_lengths(x, targets, c, value=None, far=None, n=None):
    """Huber of each row's length; ``value`` and ``far`` are what differs beyond the threshold: the value, the factor of the row."""
    apart = x - targets
    size = np.sqrt((apart**2).sum(axis=1))
    long = size > c
    safe = np.where(long, size, 1)
    beyond = c * (size - c / 2) if value is None else value(size)
    factor = c / safe if far is None else far(safe)
    n = len(x) if n is None else n
    return np.where(long, beyond, size**2 / 2).sum() / n, np.where(long, factor, 1)[:, None] * apart / n


huber_rows = Key(of_lengths)


def of_entries(x, targets, c):
    apart = x - targets
    slopes = np.clip(apart, -c, c)
    return (slopes * (apart - slopes / 2)).sum() / len(x), slopes / len(x)


@huber_rows.mistake(
    "each entry has its own threshold",
    "That is Huber's loss of each entry, added up. Here the length of the whole row is compared with the threshold: turning the axes must not change the loss.",
)
def by_entry(x, targets, c):
    return of_entries(x, targets, c)


@huber_rows.mistake(
    "each entry has its own threshold, and the mean is over all entries",
    "That is PyTorch's huber_loss: entry by entry, and the mean over all entries. Here a row counts as one, with its length.",
)
def by_entry_mean(x, targets, c):
    loss, dx = of_entries(x, targets, c)
    return loss / x.shape[1], dx / x.shape[1]


@huber_rows.mistake(
    "the far gradient has the length 1",
    "Beyond the threshold your gradient has the length 1. At the threshold the two pieces must have one slope: which?",
)
def unit_length(x, targets, c):
    return of_lengths(x, targets, c, far=lambda size: 1 / size)


@huber_rows.mistake(
    "the far gradient is cut entry by entry",
    "The loss is right. In the gradient you cut each entry at the threshold, which turns its direction; the whole vector is to be shortened.",
)
def cut_by_entry(x, targets, c):
    return of_lengths(x, targets, c)[0], of_entries(x, targets, c)[1]


@huber_rows.mistake(
    "the far gradient is multiplied by the threshold alone",
    "The loss is right. In the gradient of far rows you multiply the error by the threshold, so a row twice as far off pulls twice as hard.",
)
def not_of_length_one(x, targets, c):
    return of_lengths(x, targets, c, far=lambda size: np.full_like(size, c))


@huber_rows.mistake(
    "the far gradient is not shortened",
    "The loss is right, but far rows pull as hard as in the squared loss. What is the slope of the straight part?",
)
def not_shortened(x, targets, c):
    return of_lengths(x, targets, c, far=np.ones_like)


@huber_rows.mistake(
    "the straight part does not begin where the parabola ends",
    "The gradient is right, but your loss jumps at the threshold. Which constant makes c times the length meet half its square?",
)
def jumps(x, targets, c):
    return of_lengths(x, targets, c, value=lambda size: c * size)[0], of_lengths(x, targets, c)[1]


@huber_rows.mistake(
    "the constant of the straight part is not halved",
    "The gradient is right, but your loss jumps at the threshold: the parabola has c squared over 2 there.",
)
def whole_constant(x, targets, c):
    return of_lengths(x, targets, c, value=lambda size: c * (size - c))[0], of_lengths(x, targets, c)[1]


@huber_rows.mistake(
    "it is divided by the threshold",
    "That is the form called smooth L1, Huber's loss over its threshold.",
)
def smooth(x, targets, c):
    loss, dx = of_lengths(x, targets, c)
    return loss / c, dx / c


@huber_rows.mistake(
    "the near part is not halved",
    "Your parabola has no factor of one half: both its value and its slope are twice those that were asked for, while the straight part is as it should be.",
)
def not_halved(x, targets, c):
    apart = x - targets
    size = np.sqrt((apart**2).sum(axis=1))
    near = (size <= c) / len(x)
    loss, dx = of_lengths(x, targets, c)
    return loss + (near * size**2 / 2).sum(), dx + near[:, None] * apart


@huber_rows.mistake(
    "it is a sum over the rows",
    "Both are sums over the batch. Divide by the number of rows.",
)
def rows_summed(x, targets, c):
    return of_lengths(x, targets, c, n=1)


@huber_rows.mistake(
    "0 divided by 0",
    "Right but for a row that is exactly right: its length is 0, and you divide by it.",
)
def zero_by_zero(x, targets, c):
    apart = x - targets
    size = np.sqrt((apart**2).sum(axis=1, keepdims=True))
    return of_lengths(x, targets, c)[0], np.minimum(size, c) * apart / size / len(x)


# --- best_predictions --------------------------------------------------------------------------------------------


def tilted(p, c):
    """What becomes of a probability when a yes counts c times."""
    return c * p / (c * p + 1 - p)


def _best(p, c):
    return p.copy(), (p > 0.5).astype(p.dtype), tilted(p, c), p / (p + c * (1 - p))


best_predictions = Key(_best)


@best_predictions.mistake(
    "the absolute error asks for the mean",
    "Under the absolute error you answer with the mean, p. Write down the expected loss as a function of the prediction: it is a straight line. Where is its lowest point?",
)
def absolute_mean(p, c):
    squared, _, weighted, undone = _best(p, c)
    return squared, p, weighted, undone


@best_predictions.mistake(
    "the absolute error asks for the rarer answer",
    "Your answer to the absolute error is the less probable of the two. Which end of the line is lower?",
)
def absolute_inverted(p, c):
    squared, absolute, weighted, undone = _best(p, c)
    return squared, 1 - absolute, weighted, undone


@best_predictions.mistake(
    "the squared error asks for the more probable answer",
    "Under the squared error you answer with 0 or 1. Its expected value is a parabola in the prediction, with its lowest point between.",
)
def squared_decides(p, c):
    _, absolute, weighted, undone = _best(p, c)
    return absolute, absolute, weighted, undone


@best_predictions.mistake(
    "the weight changes nothing",
    "You take weighted cross-entropy for honest. An example that counts c times is as good as c examples: of how many, in all?",
)
def weight_ignored(p, c):
    squared, absolute, _, _ = _best(p, c)
    return squared, absolute, p, p


@best_predictions.mistake(
    "the weighted answer is not a probability",
    "You multiply by the weight and stop there. With c copies of each yes there are more examples in all, too: divide by their number.",
)
def not_normalized(p, c):
    squared, absolute, _, undone = _best(p, c)
    return squared, absolute, c * p, undone


@best_predictions.mistake(
    "the weighted answer is in odds",
    "Your weighted answer compares rain with no rain, and can be above 1. Odds are not yet a probability.",
)
def in_odds(p, c):
    squared, absolute, _, undone = _best(p, c)
    return squared, absolute, c * p / (1 - p), undone


@best_predictions.mistake(
    "the weighted answer divides by 1 + c",
    "You divide by the two weights' sum. How many examples there are in all depends on p as well.",
)
def over_both(p, c):
    squared, absolute, _, undone = _best(p, c)
    return squared, absolute, c * p / (1 + c), undone


@best_predictions.mistake(
    "the weight is at the wrong answer",
    "You give the weight to the no. Both of your last two answers are each other's.",
)
def weight_at_no(p, c):
    squared, absolute, weighted, undone = _best(p, c)
    return squared, absolute, undone, weighted


@best_predictions.mistake(
    "undoing repeats the weight",
    "To undo the weight you apply it once more. Solve for p what you have found for the weighted loss.",
)
def twice(p, c):
    squared, absolute, weighted, _ = _best(p, c)
    return squared, absolute, weighted, weighted


@best_predictions.mistake(
    "undoing divides by the weight and stops",
    "To undo the weight you divide by it. That is right for odds, yes against no, not for a probability.",
)
def divided_alone(p, c):
    squared, absolute, weighted, _ = _best(p, c)
    return squared, absolute, weighted, p / c


# --- start_loss: the mean cross-entropy of scores drawn from N(0, 4) for 1,000 classes -------------------------------

start_loss = Key(8.88)  # see the tests: log 1000 + 4/2, less a little

start_loss.mistake(
    "all scores alike",
    "That is log 1000, the loss where all scores are the same. What do scores that differ do to it?",
)(float(np.log(1000)))
start_loss.mistake(
    "a standard deviation of 1",
    "That would be the loss for a standard deviation of 1. Look once more at how the scores were to be drawn.",
)(7.41)
start_loss.mistake(
    "a variance of 2",
    "That would be the loss for a variance of 2. The standard deviation is to be 2.",
)(7.905)
start_loss.mistake(
    "ten classes",
    "That is what ten classes cost. Here there are 1,000.",
)(3.77)
start_loss.mistake(
    "in bits",
    "That is the loss with logarithms to the base 2. Cross-entropy has the natural one.",
)(float(8.88 / np.log(2)))
start_loss.mistake(
    "by how much it is above guessing",
    "That is what was lost beside guessing. The loss itself was asked for.",
)(1.97)

KEYS = {
    "losses.tempered": tempered,
    "losses.rival": rival,
    "losses.labels_loss": labels_loss,
    "losses.tree_logs": tree_logs,
    "losses.huber_rows": huber_rows,
    "losses.best_predictions": best_predictions,
    "losses.start_loss": start_loss,
}
