"""The activations assignment, as it is judged: the references and the mistakes that students make.

Mistakes that differ in one place only share a plain helper that takes what differs.
"""

import numpy as np

from ..judge import Key

# --- sigmoid_and_slope -------------------------------------------------------------------------------------------


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _sigmoid_and_slope(x):
    return _sigmoid(x), _sigmoid(x) * _sigmoid(-x)


sigmoid_and_slope = Key(_sigmoid_and_slope)


@sigmoid_and_slope.mistake(
    "infinity over infinity",
    "All is right until the exponential of a large positive input is infinite, above and below your fraction. Which exponential never gets large?",
)
def sigmoid_overflow(x):
    e = np.exp(x)
    return e / (1 + e), e / (1 + e) ** 2


@sigmoid_and_slope.mistake(
    "1 - y has no digits left",
    "Your slope is right but for inputs far above 0. There y has been rounded on its way to 1, and 1 - y cannot know how far from 1 it really is. Of which input is 1 - y the sigmoid?",
)
def from_y(x):
    y = _sigmoid(x)
    return y, y * (1 - y)


@sigmoid_and_slope.mistake(
    "the hyperbolic tangent has no digits left",
    "Far below 0 your y has lost its digits: it adds 1 to what is almost -1. And far above 0 the slope that is made of it has lost them, too.",
)
def by_tanh(x):
    y = (1 + np.tanh(x / 2)) / 2
    return y, y * (1 - y)


@sigmoid_and_slope.mistake(
    "y comes from the hyperbolic tangent",
    "Your slope is right everywhere, but far below 0 your y has lost its digits: it adds 1 to what is almost -1.",
)
def y_by_tanh(x):
    return (1 + np.tanh(x / 2)) / 2, _sigmoid(x) * _sigmoid(-x)


@sigmoid_and_slope.mistake(
    "the inputs are clipped",
    "You cut the inputs off before the exponential. Nothing overflows, but beyond the cut all inputs have the same y and the same slope.",
)
def clipped(x):
    near = np.clip(x, -30, 30)
    return _sigmoid_and_slope(near)


@sigmoid_and_slope.mistake(
    "the slope at y instead of x",
    "y is right. Your slope is that of the sigmoid at the place y: you have put y through the sigmoid again.",
)
def slope_at_y(x):
    y = _sigmoid(x)
    return y, _sigmoid(y) * _sigmoid(-y)


@sigmoid_and_slope.mistake(
    "the input has the wrong sign",
    "Your y falls where it should rise: the exponent has the other sign.",
)
def falling(x):
    return _sigmoid(-x), _sigmoid(x) * _sigmoid(-x)


@sigmoid_and_slope.mistake(
    "the slope of the hyperbolic tangent",
    "y is right, but 1 - y² is the slope of another function. How large can a sigmoid's slope be?",
)
def tanh_slope(x):
    y = _sigmoid(x)
    return y, 1 - y**2


@sigmoid_and_slope.mistake(
    "one factor of the slope is missing",
    "y is right. Your slope is the sigmoid of -|x| alone, one of two factors. What is it at 0, and what should it be?",
)
def one_factor(x):
    return _sigmoid(x), _sigmoid(-np.abs(x))


# --- softplus_inverse --------------------------------------------------------------------------------------------


def _softplus_inverse(y):
    return y + np.log(-np.expm1(-y)), -1 / np.expm1(-y)


softplus_inverse = Key(_softplus_inverse)


@softplus_inverse.mistake(
    "the plain formula",
    "Right for ordinary numbers. For large y the exponential is infinite, and for tiny y the 1 that you subtract takes all digits with it. Which exponential stays small, and which function of NumPy subtracts the 1 for you?",
)
def plain(y):
    e = np.exp(y)
    return np.log(e - 1), e / (e - 1)


@softplus_inverse.mistake(
    "large outputs overflow",
    "Tiny outputs keep their digits, but the exponential of a large one is infinite. For them x is almost y: what is left if you take y out of the logarithm?",
)
def large_overflow(y):
    return np.log(np.expm1(y)), np.exp(y) / np.expm1(y)


@softplus_inverse.mistake(
    "tiny outputs lose their digits",
    "Nothing overflows any more, well. But for tiny y you subtract from 1 what is almost 1. Which function of NumPy does that without the loss?",
)
def tiny_lost(y):
    return y + np.log(1 - np.exp(-y)), 1 / (1 - np.exp(-y))


@softplus_inverse.mistake(
    "softplus instead of its inverse",
    "That is softplus and its slope. What is asked is the way back: from what came out to what went in.",
)
def forward_again(y):
    return np.logaddexp(0, y), _sigmoid(y)


@softplus_inverse.mistake(
    "softplus's own slope",
    "x is right. Your slope is that of softplus at x, of y in x. Asked is that of x in y.",
)
def own_slope(y):
    return y + np.log(-np.expm1(-y)), -np.expm1(-y)


@softplus_inverse.mistake(
    "the slope is taken at y",
    "x is right. Your slope turns softplus's slope round, but it is the slope at the place y, while softplus was used at x.",
)
def turned_at_y(y):
    return y + np.log(-np.expm1(-y)), 1 / _sigmoid(y)


@softplus_inverse.mistake(
    "x lies on the wrong side of y",
    "The slope is right. Your x lies above y. Softplus lies above the straight line, so what went in is less than what came out.",
)
def above_y(y):
    return y - np.log(-np.expm1(-y)), -1 / np.expm1(-y)


# --- slopes_from_outputs -----------------------------------------------------------------------------------------


def _of_tanh(a, height, rate):
    return height * rate * (1 - (a / height) ** 2)


def _slopes(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return (
        _of_tanh(scaled_tanh, height, rate),
        -np.expm1(-softplus),
        np.where(elu > 0, 1, elu + c),
        np.where(leaky > 0, 1, c).astype(leaky.dtype),
    )


slopes_from_outputs = Key(_slopes)


def with_softplus(slopes, slope):
    """These slopes, with another one for softplus."""
    return slopes[0], slope, *slopes[2:]


def with_elu(slopes, elu, below):
    """These slopes, with another one for ELU below 0."""
    return *slopes[:2], np.where(elu > 0, 1, below), slopes[3]


@slopes_from_outputs.mistake(
    "the tangent's output is not scaled back",
    "The slope of the scaled tangent: 1 - a² belongs to a tangent that ends at 1. This one ends at height.",
)
def not_scaled_back(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return height * rate * (1 - scaled_tanh**2), *_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c)[1:]


@slopes_from_outputs.mistake(
    "the factors of the scaled tangent are forgotten",
    "The slope of the scaled tangent has the right form, but both factors of the chain rule are missing: what stands before the tangent, and what stands inside it.",
)
def no_factors(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return _of_tanh(scaled_tanh, height, 1 / height), *_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c)[1:]


@slopes_from_outputs.mistake(
    "the inner factor is forgotten",
    "The slope of the scaled tangent lacks the factor that stands inside the tangent.",
)
def no_rate(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return _of_tanh(scaled_tanh, height, 1), *_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c)[1:]


@slopes_from_outputs.mistake(
    "the output of softplus is taken for its input",
    "Softplus's slope is the sigmoid of what went in. You take the sigmoid of what came out. Write e to the input by means of the output.",
)
def softplus_as_input(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return with_softplus(_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c), _sigmoid(softplus))


@slopes_from_outputs.mistake(
    "a small softplus loses its digits",
    "Right, but for a softplus that is almost 0: you subtract from 1 what is almost 1. NumPy has a function for this.",
)
def softplus_lost(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return with_softplus(_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c), 1 - np.exp(-softplus))


@slopes_from_outputs.mistake(
    "ELU's slope lacks its constant",
    "Below 0 ELU is c e^z - c. The output alone is not the slope: what has to be added to have c e^z?",
)
def elu_without_c(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return with_elu(_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c), elu, elu)


@slopes_from_outputs.mistake(
    "ELU's constant is taken for 1",
    "ELU's slope below 0 is right for c = 1 only.",
)
def elu_of_one(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return with_elu(_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c), elu, elu + 1)


@slopes_from_outputs.mistake(
    "ELU's output is taken for its input",
    "Below 0 you put what came out of ELU into an exponential, as if it had gone in. Solve for the exponential instead.",
)
def elu_as_input(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return with_elu(_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c), elu, c * np.exp(np.minimum(elu, 0)))


@slopes_from_outputs.mistake(
    "a leaky unit does not leak",
    "Your leaky unit's slope below 0 is that of a plain ReLU.",
)
def no_leak(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return *_slopes(scaled_tanh, softplus, elu, leaky, height, rate, c)[:3], (leaky > 0) * 1.0


@slopes_from_outputs.mistake(
    "at 0 the slope from the right is taken",
    "All is right but at an output of exactly 0, the kink. Here the slope below 0 counts there, as in PyTorch.",
)
def from_the_right(scaled_tanh, softplus, elu, leaky, height, rate, c):
    slopes = _slopes(scaled_tanh, softplus, elu, leaky, height, rate, c)
    return *slopes[:2], np.where(elu >= 0, 1, elu + c), np.where(leaky >= 0, 1, c)


@slopes_from_outputs.mistake(
    "all outputs are taken for inputs",
    "You take the slope of each function at the number that came out of it. What is known is the output; what stands in the formula of the slope is the input.",
)
def as_inputs(scaled_tanh, softplus, elu, leaky, height, rate, c):
    return (
        height * rate * (1 - np.tanh(rate * scaled_tanh) ** 2),
        _sigmoid(softplus),
        np.where(elu > 0, 1, c * np.exp(np.minimum(elu, 0))),
        np.where(leaky > 0, 1, c),
    )


# --- maxout ------------------------------------------------------------------------------------------------------


def winners(x, sets, rank=lambda x: x, last=False):
    """The place of the entry of each set that ranks highest, (batch, sets); of equal ones the first, or the last."""
    chosen = []
    for group in range(sets.max() + 1):
        places = np.flatnonzero(sets == group)
        places = places[::-1] if last else places
        chosen.append(places[rank(x[:, places]).argmax(axis=1)])
    return np.stack(chosen, axis=1)


def through(x, dy, chosen):
    """What the chosen entries are, and where the gradient goes."""
    dx = np.zeros_like(x)
    np.put_along_axis(dx, chosen, dy, axis=1)
    return np.take_along_axis(x, chosen, axis=1), dx


def _maxout(x, sets, dy):
    return through(x, dy, winners(x, sets))


maxout = Key(_maxout)


@maxout.mistake(
    "sets are taken for runs of neighbours",
    "You take the first entries for the first set, the next ones for the next. sets[j] says to which set entry j belongs, in any order.",
)
def neighbours(x, sets, dy):
    return through(x, dy, winners(x, np.sort(sets)))


@maxout.mistake(
    "the maximum starts at 0",
    "A set whose entries are all negative has a negative maximum. Yours is 0, as in a ReLU, and nothing goes back.",
)
def at_least_zero(x, sets, dy):
    y, dx = _maxout(x, sets, dy)
    return np.maximum(y, 0), np.where(x > 0, dx, 0)


@maxout.mistake(
    "y starts at 0",
    "dx is right. A set whose entries are all negative has a negative maximum. Your y is 0 there, as in a ReLU.",
)
def y_at_least_zero(x, sets, dy):
    y, dx = _maxout(x, sets, dy)
    return np.maximum(y, 0), dx


@maxout.mistake(
    "the place in the set is taken for the place in the row",
    "y is right. But argmax over the entries of a set counts within the set. Which entry of the row is that?",
)
def place_in_the_set(x, sets, dy):
    y, dx = _maxout(x, sets, dy)[0], np.zeros_like(x)
    for group in range(dy.shape[1]):
        dx[np.arange(len(x)), x[:, sets == group].argmax(axis=1)] = dy[:, group]
    return y, dx


@maxout.mistake(
    "the largest size wins",
    "You take the entry that is farthest from 0. The largest one is asked, with its sign.",
)
def largest_size(x, sets, dy):
    return through(x, dy, winners(x, sets, np.abs))


@maxout.mistake(
    "every entry of a set has the gradient",
    "y is right. But a small change of an entry that is not the largest changes nothing: its gradient is 0.",
)
def to_all(x, sets, dy):
    return _maxout(x, sets, dy)[0], dy[:, sets]


@maxout.mistake(
    "the gradient is multiplied by the value",
    "y is right, and the gradient comes to the right entries, but multiplied by them. How much does y change when the largest entry changes by a little?",
)
def times_value(x, sets, dy):
    y, dx = _maxout(x, sets, dy)
    return y, dx * x


@maxout.mistake(
    "equal entries share the gradient",
    "Right, but where entries of a set are equal you divide the gradient among them. That is a possible convention; asked is that the first one has it all.",
)
def shared(x, sets, dy):
    y = _maxout(x, sets, dy)[0]
    best = x == y[:, sets]
    ties = np.stack([best[:, sets == group].sum(axis=1) for group in range(sets.max() + 1)], axis=1)
    return y, (best * (dy / ties)[:, sets]).astype(x.dtype)


@maxout.mistake(
    "equal entries have the gradient each",
    "Right, but where entries of a set are equal each of them has the whole gradient, so that more goes back than came. The first one has it.",
)
def to_each(x, sets, dy):
    y = _maxout(x, sets, dy)[0]
    return y, (x == y[:, sets]) * dy[:, sets]


@maxout.mistake(
    "of equal entries the last one wins",
    "Right, but of equal entries the first has the gradient, and in yours the last.",
)
def last_wins(x, sets, dy):
    return through(x, dy, winners(x, sets, last=True))


# --- slope_gradient ----------------------------------------------------------------------------------------------


def wide(c, z):
    """The slopes, lined up with axis 1."""
    return c.reshape((-1,) + (1,) * (z.ndim - 2))


def summed(a):
    """Over all axes but axis 1."""
    return a.sum(axis=(0, *range(2, a.ndim)))


def _slope_gradient(z, dy, c):
    return dy * np.where(z > 0, 1, wide(c, z)), summed(dy * np.minimum(z, 0))


slope_gradient = Key(_slope_gradient)


@slope_gradient.mistake(
    "the gradient of the slope is averaged",
    "dz is right. Your dc is divided by the number of examples. Where one number is used many times, do the gradients of its uses add up or average? (If the loss is a mean, dy knows it already.)",
)
def averaged(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(dy * np.minimum(z, 0)) / len(z)


@slope_gradient.mistake(
    "the output stands in place of the input",
    "dz is right. In dc you multiply by what came out below 0, c z. The derivative of c z in c is something else.",
)
def output_for_input(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(dy * np.where(z > 0, 0, wide(c, z) * z))


@slope_gradient.mistake(
    "the positive side counts",
    "dz is right. In dc you sum over inputs of all signs. On which side of 0 does the slope matter?",
)
def both_sides(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(dy * z)


@slope_gradient.mistake(
    "the other side counts",
    "dz is right. In dc you sum over the positive inputs, on which the slope has no influence.",
)
def other_side(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(dy * np.maximum(z, 0))


@slope_gradient.mistake(
    "the inputs have lost their sign",
    "dz is right. dc has the wrong sign: below 0 the inputs are negative, and the derivative of c z in c is z with its sign.",
)
def lost_sign(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(dy * np.maximum(-z, 0))


@slope_gradient.mistake(
    "the gradient from above is left out",
    "dz is right. In dc the gradient that comes from above does not occur: the loss knows c through y alone.",
)
def without_dy(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(np.minimum(z, 0))


@slope_gradient.mistake(
    "the input is left out",
    "dz is right. In dc you add up dy wherever the input is below 0. By how much does c z change when c changes by a little?",
)
def without_z(z, dy, c):
    return _slope_gradient(z, dy, c)[0], summed(dy * (z < 0))


@slope_gradient.mistake(
    "all features are summed",
    "dz is right. Your dc sums over all features, as if they shared one slope. Each has its own.",
)
def all_features(z, dy, c):
    return _slope_gradient(z, dy, c)[0], np.full_like(c, (dy * np.minimum(z, 0)).sum())


@slope_gradient.mistake(
    "nothing goes back below 0",
    "dc is right. Your dz is that of a plain ReLU: below 0 the slope is c, not 0.",
)
def plain_relu(z, dy, c):
    return dy * (z > 0), _slope_gradient(z, dy, c)[1]


@slope_gradient.mistake(
    "at 0 the slope from the right is taken",
    "All is right but at inputs of exactly 0. Here the slope below 0 counts there, as in PyTorch.",
)
def right_at_zero(z, dy, c):
    return dy * np.where(z >= 0, 1, wide(c, z)), _slope_gradient(z, dy, c)[1]


@slope_gradient.mistake(
    "the places of an image are not summed",
    "Right without images. In an image every place of a channel uses the same slope: dc has one number a channel.",
)
def places_kept(z, dy, c):
    return _slope_gradient(z, dy, c)[0], (dy * np.minimum(z, 0)).sum(axis=0)


@slope_gradient.mistake(
    "the slopes lie along the last axis",
    "Right without images. In an image the channels are axis 1, but NumPy lines c up with the last axis, the columns.",
)
def last_axis(z, dy, c):
    return dy * np.where(z > 0, 1, c), _slope_gradient(z, dy, c)[1]


# --- dead_units --------------------------------------------------------------------------------------------------


def _dead_units(batches, c):
    on = np.mean(np.concatenate(batches) > 0, axis=0)
    return on, np.mean(on == 0) if c == 0 else 0.0


dead_units = Key(_dead_units)


@dead_units.mistake(
    "a mean of the batches' means",
    "The dead are right. For the shares you average over batches; but batches may have different sizes, and an example of a small one must not count more.",
)
def mean_of_means(batches, c):
    on = np.mean([np.mean(z > 0, axis=0) for z in batches], axis=0)
    return on, _dead_units(batches, c)[1]


@dead_units.mistake(
    "dead in one batch is dead",
    "Your shares are right. But you count a unit as dead that is off throughout *one* batch. It can be on in the next, and learn from it.",
)
def dead_in_one_batch(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.mean(np.any([(z <= 0).all(axis=0) for z in batches], axis=0))) if c == 0 else 0.0


@dead_units.mistake(
    "off for one example is dead",
    "Your shares are right. But you count as dead what is off for some example. A ReLU is off for about half of them, and that is its purpose.",
)
def off_for_one(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.mean(on < 1)) if c == 0 else 0.0


@dead_units.mistake(
    "dead on the average",
    "Your shares are right. But you judge a unit by its mean input. A mean below 0 leaves room for examples that lie above.",
)
def dead_on_average(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.mean(np.concatenate(batches).mean(axis=0) <= 0)) if c == 0 else 0.0


@dead_units.mistake(
    "a count instead of a share",
    "Your shares are right. Of the dead you give the number of units; asked is the share of all units.",
)
def counted(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.sum(on == 0)) if c == 0 else 0.0


@dead_units.mistake(
    "the living are counted",
    "Your shares are right. Of the dead you give the share of units that are alive.",
)
def the_living(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.mean(on > 0)) if c == 0 else 0.0


@dead_units.mistake(
    "only the last batch is looked at",
    "What you return describes the last batch alone. A unit is dead if it is off for every example of the data set.",
)
def last_batch(batches, c):
    return _dead_units(batches[-1:], c)


@dead_units.mistake(
    "only the first batch is looked at",
    "What you return describes the first batch alone. A unit is dead if it is off for every example of the data set.",
)
def first_batch(batches, c):
    return _dead_units(batches[:1], c)


@dead_units.mistake(
    "0 counts as on",
    "Right, but for a unit whose largest input is exactly 0. Which slope has a ReLU there, in this book and in PyTorch?",
)
def zero_is_on(batches, c):
    on = np.mean(np.concatenate(batches) >= 0, axis=0)
    return on, np.mean(on == 0) if c == 0 else 0.0


@dead_units.mistake(
    "leaky units die as well",
    "Right for ReLUs. But a leaky unit that is never above 0 still passes gradients, c times as large: it learns.",
)
def leaky_dead(batches, c):
    return _dead_units(batches, 0.0)


@dead_units.mistake(
    "what comes out is looked at",
    "The dead are right. But a unit is on where what enters it is above 0. Below 0 a leaky unit's output is not 0, and the unit is off all the same.",
)
def on_by_the_output(batches, c):
    z = np.concatenate(batches)
    return np.mean(np.where(z > 0, z, c * z) != 0, axis=0), _dead_units(batches, c)[1]


@dead_units.mistake(
    "the dead of each batch, averaged",
    "Your shares are right. But you look for the dead in each batch and average. A unit that is off in one batch and on in another is not dead at all.",
)
def dead_by_batch(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.mean([(z <= 0).all(axis=0).mean() for z in batches])) if c == 0 else 0.0


@dead_units.mistake(
    "the share of zeros",
    "Your shares are right. But your second number is the share of outputs that are 0, over all examples and units. A unit is dead if it is off for every example.",
)
def share_of_zeros(batches, c):
    on = _dead_units(batches, c)[0]
    return on, float(np.mean(1 - on)) if c == 0 else 0.0


# --- killing_rate: see the tests, which measure it -----------------------------------------------------------------

killing_rate = Key(1.0)
killing_rate.mistake(
    "with centred inputs",
    "At this rate about half of the units are dead if the inputs are centred. The question leaves the pixels as they are, from 0 to 1.",
)(4.0)
killing_rate.mistake(
    "one rate too high",
    "Half of the units are dead at this rate, and at a lower one of the list as well. The lowest is asked.",
)(2.0)
killing_rate.mistake(
    "most of them are still alive",
    "At this rate most units are on for some image. Do you look at the whole training set? For a single image about half of the ReLUs are off even before the first step.",
)(0.5)
killing_rate.mistake(
    "the place in the list",
    "That looks like the number of the rate in the list. The rate itself is asked.",
)(3.0)

KEYS = {
    "activations.sigmoid_and_slope": sigmoid_and_slope,
    "activations.softplus_inverse": softplus_inverse,
    "activations.slopes_from_outputs": slopes_from_outputs,
    "activations.maxout": maxout,
    "activations.slope_gradient": slope_gradient,
    "activations.dead_units": dead_units,
    "activations.killing_rate": killing_rate,
}
