"""The assignment on deep networks, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

from itertools import combinations

import numpy as np

from thalweg.numpy import regions

from ..judge import OVERWRITTEN, OVERWRITTEN_HINT, Key

# --- forward: a_l = relu(W_l a_{l-1} + b_l), and nothing after the last layer -------------------------------------------


def _forward(x, weights, biases):
    on = [np.zeros((len(x), 0), dtype=bool)]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = x @ w.T + b
        on.append(z > 0)
        x = np.maximum(z, 0)
    return x @ weights[-1].T + biases[-1], len(np.unique(np.hstack(on), axis=0))


forward = Key(_forward)


@forward.mistake(
    "the last layer is bent too",
    "None of your scores is negative: the ReLU is there for what the next layer sees, and after the last layer there is none.",
)
def bends_the_scores(x, weights, biases):
    on = []
    for w, b in zip(weights, biases, strict=True):
        z = x @ w.T + b
        on.append(z > 0)
        x = np.maximum(z, 0)
    return x, len(np.unique(np.hstack(on[:-1]), axis=0))


@forward.mistake(
    "nothing bends",
    "Your scores are those of one linear layer, whatever the number of layers: a weighted sum of weighted sums is a weighted sum. What "
    "stands between two layers?",
)
def never_bends(x, weights, biases):
    on = []
    for w, b in zip(weights, biases, strict=True):
        x = x @ w.T + b
        on.append(x > 0)
    return x, len(np.unique(np.hstack(on[:-1]), axis=0))


@forward.mistake(
    "the biases are missing",
    "All your hyperplanes go through the origin. What shifts them?",
)
def without_biases(x, weights, biases):
    on = []
    for w in weights[:-1]:
        z = x @ w.T
        on.append(z > 0)
        x = np.maximum(z, 0)
    return x @ weights[-1].T, len(np.unique(np.hstack(on), axis=0))


@forward.mistake(
    "the bias comes after the bend",
    "You bend the weighted sum and then add the bias. It belongs inside: it says where the unit begins to switch on.",
)
def bias_after_the_bend(x, weights, biases):
    on = []
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = x @ w.T
        on.append(z > 0)
        x = np.maximum(z, 0) + b
    return x @ weights[-1].T + biases[-1], len(np.unique(np.hstack(on), axis=0))


@forward.mistake(
    "only the last hidden layer's pattern is counted",
    "Two examples may look the same to the last hidden layer and differ in one before it. A pattern says of every hidden unit whether it is on.",
)
def patterns_of_the_last(x, weights, biases):
    on = np.zeros((len(x), 1), dtype=bool)
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = x @ w.T + b
        on = z > 0
        x = np.maximum(z, 0)
    return x @ weights[-1].T + biases[-1], len(np.unique(on, axis=0))


@forward.mistake(
    "it counts units, not patterns",
    "Your number says how many hidden units are on for some example. Ask of each example which units are on, and how many different answers there are.",
)
def counts_units(x, weights, biases):
    count = 0
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = x @ w.T + b
        count += int((z > 0).any(axis=0).sum())
        x = np.maximum(z, 0)
    return x @ weights[-1].T + biases[-1], count


@forward.mistake(
    "what is off counts as on",
    "After the bend nothing is below 0, so every unit passes for on and all patterns are alike. A unit whose sum is not above 0 is off.",
)
def all_are_on(x, weights, biases):
    on = [np.zeros((len(x), 0), dtype=bool)]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        x = np.maximum(x @ w.T + b, 0)
        on.append(x >= 0)
    return x @ weights[-1].T + biases[-1], len(np.unique(np.hstack(on), axis=0))


@forward.mistake(
    "the patterns of each layer are counted by themselves",
    "You count in each layer, and add up. But a pattern goes through all hidden layers: two examples may be alike in one of them and differ in another.",
)
def adds_up_layers(x, weights, biases):
    count = 0
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = x @ w.T + b
        count += len(np.unique(z > 0, axis=0))
        x = np.maximum(z, 0)
    return x @ weights[-1].T + biases[-1], count


@forward.mistake(
    "another activation",
    "Your hidden units are smooth: this looks like tanh. Here the activation is ReLU, which keeps what is positive and makes the rest 0.",
)
def smooth_units(x, weights, biases):
    on = []
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = x @ w.T + b
        on.append(z > 0)
        x = np.tanh(z)
    return x @ weights[-1].T + biases[-1], len(np.unique(np.hstack(on), axis=0))


@forward.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def forward_in_place(x, weights, biases):
    on = []
    a = x
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        b += 0 * b + 1
        z = a @ w.T + (b - 1)
        on.append(z > 0)
        a = np.maximum(z, 0)
    return a @ weights[-1].T + biases[-1], len(np.unique(np.hstack(on), axis=0))


# --- widest: the largest w with (D - 1) w^2 + (inputs + D + outputs) w + outputs <= budget ----------------------------------


def _cost(w, inputs, depth, outputs, bias=1):
    """The parameters of a network with ``depth`` hidden layers of ``w`` units."""
    return w * (inputs + bias) + (depth - 1) * w * (w + bias) + outputs * (w + bias)


def _largest(cost, budget):
    """The largest whole number whose ``cost`` is within the budget, by halving; 0 if there is none."""
    low, high = 0, 1
    while cost(high) <= budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= budget else (low, middle)
    return low


def _afforded(budgets, inputs, depth, outputs, cost=_cost):
    """The widths by what a network is thought to cost, and what it is thought to cost then."""
    widths = [_largest(lambda w: cost(w, inputs, depth, outputs), int(budget)) for budget in budgets]
    return np.array(widths), np.array([w and cost(w, inputs, depth, outputs) for w in widths])


widest = Key(_afforded)


@widest.mistake(
    "the biases cost nothing",
    "Your networks are a little too wide: they would fit if units had weights alone. Each has a bias too.",
)
def forgets_biases(budgets, inputs, depth, outputs):
    return _afforded(budgets, inputs, depth, outputs, lambda w, i, d, o: _cost(w, i, d, o, bias=0))


@widest.mistake(
    "one unit a layer too many",
    "Your widths are one more than the budget allows, as if rounded up or to the nearest. A network that costs more than the budget is one that one cannot afford.",
)
def rounds_up(budgets, inputs, depth, outputs):
    widths, _ = _afforded(budgets, inputs, depth, outputs)
    return widths + 1, _cost(widths + 1, inputs, depth, outputs)


@widest.mistake(
    "a budget that is just enough is taken for too small",
    "For ordinary budgets you are right, but one that the network uses up to the last parameter suffices as well.",
)
def strictly_less(budgets, inputs, depth, outputs):
    return _afforded(budgets - 1, inputs, depth, outputs)


@widest.mistake(
    "one layer of weights between hidden layers too few",
    "There are depth hidden layers, and the output layer is not one of them: how many layers of weights lie between hidden layers?",
)
def counts_output_as_hidden(budgets, inputs, depth, outputs):
    return _afforded(budgets, inputs, max(depth - 1, 1), outputs)


@widest.mistake(
    "one layer of weights between hidden layers too many",
    "Between depth hidden layers lie depth - 1 layers of weights from hidden to hidden. You count one more.",
)
def one_square_too_many(budgets, inputs, depth, outputs):
    return _afforded(budgets, inputs, depth + 1, outputs)


@widest.mistake(
    "the output layer costs nothing",
    "Your networks are too wide by what the last layer takes: the outputs have weights and biases as well.",
)
def forgets_outputs(budgets, inputs, depth, outputs):
    return _afforded(budgets, inputs, depth, 0)


@widest.mistake(
    "hidden layers are not connected with each other",
    "In your count every hidden layer has the inputs below it. From the second on, a unit has a weight for each unit of the layer before.",
)
def no_squares(budgets, inputs, depth, outputs):
    return _afforded(budgets, inputs, depth, outputs, lambda w, i, d, o: d * w * (i + 1) + o * (w + 1))


@widest.mistake(
    "a single hidden layer divides by 0",
    "For two hidden layers and more you are right. With a single one there is no layer of weights between hidden layers, so the quadratic equation that you solve "
    "is none: its first coefficient is 0.",
)
def quadratic_formula(budgets, inputs, depth, outputs):
    if depth == 1:
        raise ZeroDivisionError("division by zero")
    return _afforded(budgets, inputs, depth, outputs)


@widest.mistake(
    "there is always one unit",
    "For ordinary budgets you are right. Where not even one unit a layer can be afforded, there is no network: width 0, and 0 parameters.",
)
def at_least_one(budgets, inputs, depth, outputs):
    widths = np.maximum(_afforded(budgets, inputs, depth, outputs)[0], 1)
    return widths, _cost(widths, inputs, depth, outputs)


@widest.mistake(
    "a network without units keeps its output biases",
    "For ordinary budgets you are right. Where the width is 0 there is no network, so 0 parameters, and not the biases that would be left of it.",
)
def biases_of_nothing(budgets, inputs, depth, outputs):
    widths, _ = _afforded(budgets, inputs, depth, outputs)
    return widths, _cost(widths, inputs, depth, outputs)


@widest.mistake(
    "the budget is returned as the number of parameters",
    "Your widths are right. But a network seldom uses up its budget: how many parameters does the one of that width have?",
)
def returns_the_budget(budgets, inputs, depth, outputs):
    return _afforded(budgets, inputs, depth, outputs)[0], budgets.copy()


# --- count_regions: each new line adds 1, and 1 for each different point in which it meets those before it ----------------------


def _different(lines):
    """Each line once, as a list of rows."""
    kept: list[np.ndarray] = []
    for row in lines:
        if row[0] == 0 == row[1]:
            continue
        if not any(abs(np.cross(row, other)).max() < 1e-9 * abs(row).max() * abs(other).max() for other in kept):
            kept.append(row)
    return kept


def _crossing(one, other):
    """Where two lines meet, rounded; None for parallel ones."""
    det = one[0] * other[1] - one[1] * other[0]
    if det == 0:
        return None
    x = (one[1] * other[2] - other[1] * one[2]) / det
    y = (other[0] * one[2] - one[0] * other[2]) / det
    return round(x, 6) + 0.0, round(y, 6) + 0.0


def _points(lines):
    """How many different points there are in which two of the lines meet."""
    return len({_crossing(*pair) for pair in combinations(_different(lines), 2)} - {None})


count_regions = Key(lambda lines: (_points(lines), regions(lines[:, :2], lines[:, 2])))


@count_regions.mistake(
    "the lines are taken to be in general position",
    "Your numbers depend on how many lines there are and on nothing else. Parallel lines never meet, and three lines through one point have one region less.",
)
def general_position(lines):
    n = len(lines)
    return n * (n - 1) // 2, 1 + n + n * (n - 1) // 2


@count_regions.mistake(
    "lines through one point count as if they met pairwise",
    "Parallel lines you have right. But where three lines meet in one point, the third crosses the two others at once: how many pieces of it are there?",
)
def each_pair_counts(lines):
    kept = _different(lines)
    pairs = sum(_crossing(*pair) is not None for pair in combinations(kept, 2))
    return pairs, 1 + len(kept) + pairs


@count_regions.mistake(
    "a point counts once, whatever the number of lines through it",
    "The crossings are right, and you add one region for each. Four lines through one point make 8 regions, not 6: count the points anew for each line that comes.",
)
def each_point_counts_once(lines):
    return _points(lines), 1 + len(_different(lines)) + _points(lines)


@count_regions.mistake(
    "a line that is given twice counts twice",
    "For different lines you are right. But two rows that are multiples of each other are one line, and the second time it cuts nothing.",
)
def repeated_lines(lines):
    count = 1
    for i, line in enumerate(lines):
        met = {_crossing(line, other) for other in lines[:i]} - {None}
        count += 1 + len(met)
    return _points(lines), count


@count_regions.mistake(
    "every pattern of sides is taken to occur",
    "Two to the power of the lines is the number of patterns that one can write down. In the plane most of them belong to no point.",
)
def all_patterns(lines):
    return _points(lines), 2 ** len(lines)


@count_regions.mistake(
    "the regions outside a window are missed",
    "You look at points of a limited window. Lines may cross far outside it, and there are regions there too: count, do not sample.",
)
def samples_a_window(lines):
    side = np.linspace(-10.03, 10.07, 80)
    x, y = (a.ravel() for a in np.meshgrid(side, side))
    above = np.outer(x, lines[:, 0]) + np.outer(y, lines[:, 1]) + lines[:, 2] > 0
    return _points(lines), len(set(above @ 2 ** np.arange(len(lines))))


@count_regions.mistake(
    "the plane itself is not counted",
    "You are one short everywhere: before the first line there is one region already.",
)
def starts_at_zero(lines):
    return _points(lines), regions(lines[:, :2], lines[:, 2]) - 1


@count_regions.mistake(
    "points are counted, not the pieces between them",
    "You add for each line the points in which it meets those before it, but k points cut a line into k + 1 pieces.",
)
def pieces_as_points(lines):
    kept = _different(lines)
    met = [len({_crossing(line, other) for other in kept[:i]} - {None}) for i, line in enumerate(kept)]
    return _points(lines), 1 + sum(met)


# --- bends: at -b/w the slope changes by v |w|; what coincides adds up, what cancels is none ----------------------------------


def _gathered(places, changes, size):
    """Places in order, equal ones once with their changes added; what is left of nothing is dropped."""
    order = np.argsort(places, kind="stable")
    places, changes = places[order], changes[order]
    first = np.append(True, np.diff(places) > 1e-6 * np.maximum(1, np.abs(places[1:])))[: len(places)]
    group = np.cumsum(first) - 1
    total = np.bincount(group, weights=changes, minlength=int(first.sum())).astype(changes.dtype)
    kept = np.abs(total) > 1e-6 * size
    return places[first][kept], total[kept]


def _bends(w, b, v):
    some = w != 0
    w, b, v = w[some], b[some], v[some]
    return _gathered(-b / w, v * np.abs(w), np.abs(v * w).max(initial=0))


bends = Key(_bends)


@bends.mistake(
    "the size of the weight is taken with its sign",
    "Your places are right. But a unit with a negative weight is on to the left of its place: passing it from left to right, does the slope lose w v, or gain it?",
)
def sign_of_the_weight(w, b, v):
    some = w != 0
    w, b, v = w[some], b[some], v[some]
    places, _ = _bends(w, b, v)
    return places, np.array([(v * w)[np.abs(-b / w - p) < 1e-6].sum() for p in places])


@bends.mistake(
    "bends that cancel are listed",
    "At one of your places the slope changes by 0: two units switch there, and what one adds the other takes away. That is no bend.",
)
def keeps_cancelled(w, b, v):
    some = w != 0
    w, b, v = w[some], b[some], v[some]
    return _gathered(-b / w, v * np.abs(w), -1)


@bends.mistake(
    "places are compared to the last digit",
    "For places that agree exactly you are right. But two quotients are seldom equal to the last digit when they mean the same place: allow for rounding.",
)
def compares_exactly(w, b, v):
    some = w != 0
    w, b, v = w[some], b[some], v[some]
    places, which = np.unique(-b / w, return_inverse=True)
    changes = np.bincount(which, weights=v * np.abs(w), minlength=len(places)).astype(v.dtype)
    kept = np.abs(changes) > 1e-6 * np.abs(v * w).max(initial=0)
    return places[kept], changes[kept]


@bends.mistake(
    "each unit has a bend of its own",
    "Some of your places are listed twice. Units that switch at the same place make one bend, and their changes add up.",
)
def not_gathered(w, b, v):
    some = (w != 0) & (v != 0)
    w, b, v = w[some], b[some], v[some]
    order = np.argsort(-b / w, kind="stable")
    return (-b / w)[order], (v * np.abs(w))[order]


@bends.mistake(
    "only units without a weight are left out",
    "You have dropped the units that never switch, and there is more to see: what does a unit change whose output weight is 0, and what do two that switch at one place?",
)
def drops_weights_of_zero_alone(w, b, v):
    some = w != 0
    w, b, v = w[some], b[some], v[some]
    order = np.argsort(-b / w, kind="stable")
    return (-b / w)[order], (v * np.abs(w))[order]


@bends.mistake(
    "the bends are in the order of the units",
    "These are the right bends, but in the order in which the units happen to stand. From left to right, please.",
)
def in_the_order_of_units(w, b, v):
    places, changes = _bends(w, b, v)
    some = w != 0
    where = [int(np.argmin(np.abs(-b[some] / w[some] - p))) for p in places]
    order = np.argsort(where, kind="stable")
    return places[order], changes[order]


@bends.mistake(
    "the sign of the place is wrong",
    "Your places are mirrored at 0. Where is w x + b equal to 0?",
)
def mirrored(w, b, v):
    places, changes = _bends(w, b, v)
    return -places[::-1], changes[::-1]


@bends.mistake(
    "the change of slope is the output weight alone",
    "You take v for the change. What the output hears is v times the unit, and the unit itself rises by the size of its own weight.",
)
def output_weight_alone(w, b, v):
    some = w != 0
    w, b, v = w[some], b[some], v[some]
    places, _ = _bends(w, b, v)
    return places, np.array([v[np.abs(-b / w - p) < 1e-6].sum() for p in places])


@bends.mistake(
    "it returns slopes, not changes of slope",
    "Your second array holds the slope to the right of each place. What is asked is by how much it changes there.",
)
def slopes_instead(w, b, v):
    places, changes = _bends(w, b, v)
    return places, np.cumsum(changes) + (v * w)[w < 0].sum()


@bends.mistake(
    "units without a weight are divided by",
    "A unit whose weight is 0 has the same value everywhere. It never switches, and dividing by its weight gives infinity or no number.",
)
def divides_by_zero(w, b, v):
    places, changes = _bends(w, b, v)
    never = np.flatnonzero(w == 0)
    with np.errstate(all="ignore"):
        return np.append(places, -b[never] / w[never]), np.append(changes, v[never] * np.abs(w[never]))


@bends.mistake(
    "every unit is a bend",
    "There are as many entries as units. Look at the special ones: a weight of 0, an output weight of 0, two that switch at the same place.",
)
def every_unit(w, b, v):
    with np.errstate(all="ignore"):
        places = -b / w
    order = np.argsort(places, kind="stable")
    return places[order], (v * np.abs(w))[order]


# --- through_points: a unit at each point, its output weight the change of slope there -----------------------------------------


def _through(x, y):
    order = np.argsort(x)
    x, y = x[order], y[order]
    slopes = np.diff(y) / np.diff(x)
    return np.ones(len(x)), -x, np.diff(slopes, prepend=0, append=0), y[0]


through_points = Key(_through)


@through_points.mistake(
    "the last piece goes on for ever",
    "Between the points you are right. But right of the last one your network keeps its slope, and it was to stay at the height of that point. Which unit is missing?",
)
def goes_on(x, y):
    order = np.argsort(x)
    x, y = x[order], y[order]
    slopes = np.diff(y) / np.diff(x)
    return np.ones(len(x) - 1), -x[:-1], np.diff(slopes, prepend=0), y[0]


@through_points.mistake(
    "the points are taken as they come",
    "You are right where the points happen to be in order. Nobody promised that: a slope runs from a point to its neighbour on the line, not to the next in the list.",
)
def unsorted(x, y):
    slopes = np.diff(y) / np.diff(x)
    return np.ones(len(x)), -x, np.diff(slopes, prepend=0, append=0), y[0]


@through_points.mistake(
    "the points are taken as they come, and the last piece goes on",
    "Two things: the points need not come in order, and right of the last one the network was to stay level.",
)
def unsorted_and_goes_on(x, y):
    slopes = np.diff(y) / np.diff(x)
    return np.ones(len(x) - 1), -x[:-1], np.diff(slopes, prepend=0), y[0]


@through_points.mistake(
    "the heights are not taken along",
    "You put x in order and leave y as it was, so that each point has got the height of another one.",
)
def sorts_x_alone(x, y):
    x = np.sort(x)
    slopes = np.diff(y) / np.diff(x)
    return np.ones(len(x)), -x, np.diff(slopes, prepend=0, append=0), y[0]


@through_points.mistake(
    "the output weights are slopes, not changes of slope",
    "All units to the left of a place are on there, and what they add up to is the slope. So what must each of them bring?",
)
def slopes_as_weights(x, y):
    order = np.argsort(x)
    x, y = x[order], y[order]
    slopes = np.diff(y) / np.diff(x)
    return np.ones(len(x)), -x, np.append(slopes, 0), y[0]


@through_points.mistake(
    "the distances are taken as 1",
    "Your weights are changes of differences, not of slopes: the points do not lie evenly, so divide by how far apart they are.",
)
def even_distances(x, y):
    order = np.argsort(x)
    x, y = x[order], y[order]
    return np.ones(len(x)), -x, np.diff(np.diff(y), prepend=0, append=0), y[0]


@through_points.mistake(
    "the network starts at height 0",
    "The shape is right, but all of it is shifted: where no unit is on yet, the network has its output bias and nothing else.",
)
def without_output_bias(x, y):
    w, b, v, c = _through(x, y)
    return w, b, v, 0 * c


@through_points.mistake(
    "the output bias is the height of the first point in the list",
    "The shape is right, but shifted by a constant. Left of all points the network has its output bias alone: of which point is that the height?",
)
def bias_of_the_first_listed(x, y):
    w, b, v, _ = _through(x, y)
    return w, b, v, y[0]


@through_points.mistake(
    "the units switch at minus x",
    "A unit that is to switch on at x_i computes x - x_i. Which sign has its bias?",
)
def biases_turned(x, y):
    w, b, v, c = _through(x, y)
    return w, -b, v, c


# --- folds_or_units: measured, not guessed ------------------------------------------------------------------------------------


def measure_folds_or_units(error=2e-5, grid=10_001):
    """How many times as many units the square takes to that error by even pieces as by folding."""
    x = np.linspace(0, 1, grid)
    pieces = next(
        m for m in range(1, 1000) if np.abs(np.interp(x, k := np.arange(m + 1) / m, k**2) - x**2).max() <= error
    )
    folded, found, folds = x, x, 0
    while np.abs(found - x**2).max() > error:
        folds += 1
        folded = 1 - np.abs(1 - 2 * folded)
        found = found - folded / 4**folds
    return pieces / (2 * folds)


folds_or_units = Key(8.0)  # measure_folds_or_units(): the tests run it again

folds_or_units.mistake(
    "folds are counted, not units",
    "Each fold takes two hidden units. Compare units with units.",
)(16.0)
folds_or_units.mistake(
    "pieces of the folded network, not of the one that was measured",
    "That compares the number of pieces which the folds make, 2 to the power of the folds, with the units. Find by measuring how many even pieces reach the error.",
)(128 / 14)
folds_or_units.mistake(
    "the ratio is turned round",
    "Your number is below 1: it says what part of the units folding needs. Divide the other way.",
)(0.125)
folds_or_units.mistake(
    "a number of units, not a ratio",
    "That looks like the units of one of the two networks. Divide by those of the other.",
)(112.0)
folds_or_units.mistake(
    "one fold too many",
    "With one fold less the error is at or below the target already. (Or did you count the line y = x as a fold?)",
)(7.0)

KEYS = {
    "deep_networks.forward": forward,
    "deep_networks.widest": widest,
    "deep_networks.count_regions": count_regions,
    "deep_networks.bends": bends,
    "deep_networks.through_points": through_points,
    "deep_networks.folds_or_units": folds_or_units,
}
