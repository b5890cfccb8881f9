"""The initialization assignment, as it is judged: the references and the mistakes that students make.

Mistakes that differ in one place only share a plain helper that takes what differs.
"""

import math

import numpy as np

from ..judge import Key

# --- layer_fans --------------------------------------------------------------------------------------------------


def counted(w, groups, stride, gain, into=1, out=None, by=1.0):
    """The two fans, the first times ``into``, the second ``out`` (by default right) times ``by``; and the spread for the first."""
    window = math.prod(w.shape[2:])
    right = w.shape[0] / groups * window / stride ** (w.ndim - 2)
    d_in = w.shape[1] * window * into
    return d_in, (right if out is None else out) * by, gain / d_in**0.5


layer_fans = Key(lambda w, groups, stride, gain: counted(w, groups, stride, gain))


@layer_fans.mistake(
    "the two have changed places",
    "Your two counts are right, but each stands in the other's place. The first axis of the weights counts outputs.",
)
def fans_swapped(w, groups, stride, gain):
    d_in, d_out, _ = counted(w, groups, stride, gain)
    return d_out, d_in, gain / d_out**0.5


@layer_fans.mistake(
    "the window is forgotten",
    "You count channels. How many weights of one filter meet in one output?",
)
def no_window(w, groups, stride, gain):
    return float(w.shape[1]), w.shape[0] / groups, gain / w.shape[1] ** 0.5


@layer_fans.mistake(
    "the window counts on the way in only",
    "d_in is right. One input is seen from several places of the window too: from how many?",
)
def no_window_out(w, groups, stride, gain):
    return counted(w, groups, stride, gain, out=w.shape[0] / groups)


@layer_fans.mistake(
    "the groups are divided out twice",
    "d_out is right. Look at the shape of the weights of a grouped convolution once more: what does its second axis count already?",
)
def groups_twice(w, groups, stride, gain):
    return counted(w, groups, stride, gain, into=1 / groups)


@layer_fans.mistake(
    "the second axis is taken for all inputs",
    "d_out is right. One output sees the inputs of its own group, and those are all that the second axis counts.",
)
def groups_multiplied(w, groups, stride, gain):
    return counted(w, groups, stride, gain, into=groups)


@layer_fans.mistake(
    "every output is thought to see the input",
    "d_in is right. One input belongs to one group: how many of the outputs belong to it, too?",
)
def groups_forgotten(w, groups, stride, gain):
    return counted(w, groups, stride, gain, by=groups)


@layer_fans.mistake(
    "the stride is forgotten",
    "d_in is right, and d_out would be without the stride. When the window jumps, by how many of its positions is one input met?",
)
def stride_forgotten(w, groups, stride, gain):
    return counted(w, groups, stride, gain, by=stride ** (w.ndim - 2))


@layer_fans.mistake(
    "neither groups nor stride count for d_out",
    "d_in is right. Two things make fewer outputs see one input: outputs of other groups never do, and a window that jumps leaves positions out.",
)
def as_in_the_libraries(w, groups, stride, gain):
    return counted(w, groups, stride, gain, by=groups * stride ** (w.ndim - 2))


@layer_fans.mistake(
    "the stride counts once, whatever the axes",
    "You divide by the stride once. It thins out the positions along every axis of the window.",
)
def stride_once(w, groups, stride, gain):
    return counted(w, groups, stride, gain, by=stride ** (w.ndim - 3))


@layer_fans.mistake(
    "the average is rounded up",
    "d_in is right. So many positions meet the pixel that is met most often. On average over the pixels there are fewer, and not a whole number.",
)
def stride_rounded_up(w, groups, stride, gain):
    return counted(w, groups, stride, gain, out=w.shape[0] / groups * math.prod(-(-k // stride) for k in w.shape[2:]))


@layer_fans.mistake(
    "the average is rounded down",
    "d_in is right, and so is d_out before you make a whole number of it. An average need not be whole.",
)
def stride_rounded_down(w, groups, stride, gain):
    return counted(
        w, groups, stride, gain, out=float(w.shape[0] * math.prod(w.shape[2:]) // (groups * stride ** (w.ndim - 2)))
    )


@layer_fans.mistake(
    "the stride multiplies",
    "Your d_out grows with the stride. A window that jumps further: does it meet one input more or less often?",
)
def stride_multiplies(w, groups, stride, gain):
    return counted(w, groups, stride, gain, by=stride ** (2 * (w.ndim - 2)))


@layer_fans.mistake(
    "the spread has a variance in it",
    "Both counts are right. gain over d_in is nobody's spread: which power of d_in does a variance have, and which its root?",
)
def spread_unrooted(w, groups, stride, gain):
    d_in, d_out, _ = counted(w, groups, stride, gain)
    return d_in, d_out, gain / d_in


@layer_fans.mistake(
    "the spread is made for the gradient",
    "Both counts are right. The spread is to keep the signal on its way forward: how many terms has the sum in one output?",
)
def spread_backward(w, groups, stride, gain):
    d_in, d_out, _ = counted(w, groups, stride, gain)
    return d_in, d_out, gain / d_out**0.5


@layer_fans.mistake(
    "the spread is between the two fans",
    "Both counts are right. The spread is to keep the signal on its way forward, without a look at the gradient: which fan matters for that?",
)
def spread_between(w, groups, stride, gain):
    d_in, d_out, _ = counted(w, groups, stride, gain)
    return d_in, d_out, gain * (2 / (d_in + d_out)) ** 0.5


@layer_fans.mistake(
    "the stride thins out d_in as well",
    "d_out is right. However far the window jumps, how many weights meet in one output?",
)
def stride_in_both(w, groups, stride, gain):
    return counted(w, groups, stride, gain, into=1 / stride ** (w.ndim - 2))


# --- weights_from ------------------------------------------------------------------------------------------------


def scaled(raw, gain, share, uniform, std=None, bound=3**0.5, centre=2.0, conv=True, swap=False):
    """Weights of what was drawn; the optional arguments are where students differ."""
    window = math.prod(raw.shape[2:]) if conv else 1
    fans = raw.shape[1] * window, raw.shape[0] * window
    d_in, d_out = fans[::-1] if swap else fans
    fan = (1 - share) * d_in + share * d_out
    size = gain / fan**0.5 if std is None else std(gain, fan)
    return raw * 0 + size * (bound * (centre * raw - 1 if centre else raw) if uniform else raw)


weights_from = Key(scaled)


@weights_from.mistake(
    "the variance is taken for the spread",
    "Your numbers are multiplied by the variance. What does a factor do to a variance, and which factor gives the one that is wanted?",
)
def variance_as_std(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, std=lambda gain, fan: gain**2 / fan)


@weights_from.mistake(
    "the gain stands below the root",
    "Your weights grow with the root of the gain. It multiplies weights; their variance has its square.",
)
def gain_below_root(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, std=lambda gain, fan: (gain / fan) ** 0.5)


@weights_from.mistake(
    "the gain is squared",
    "Your weights grow with the square of the gain. Is it a factor of the weights or of their variance?",
)
def gain_squared(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, std=lambda gain, fan: gain**2 / fan**0.5)


@weights_from.mistake(
    "d_in and d_out have changed places",
    "At share 0 your weights should keep the signal, and yours keep the gradient. Which fan is which?",
)
def fans_exchanged(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, swap=True)


@weights_from.mistake(
    "the uniform bound lacks the root of 3",
    "The normal weights are right, and the uniform ones lie between minus and plus their wanted spread. What is the variance of a uniform number between -1 and 1?",
)
def no_root_of_three(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, bound=1.0)


@weights_from.mistake(
    "the uniform numbers are not centred",
    "The normal weights are right. Your uniform ones are all positive: raw runs from 0 to 1, and weights have mean 0.",
)
def not_centred(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, centre=None)


@weights_from.mistake(
    "the uniform numbers lie between minus and plus one half",
    "The normal weights are right. Your uniform ones have the right mean, but they are taken to run from -1 to 1 and run from -1/2 to 1/2.",
)
def half_as_wide(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, bound=3**0.5 / 2)


@weights_from.mistake(
    "the uniform bound has 3 in the place of its root",
    "The normal weights are right. In the uniform ones a variance was set right as if it were a spread: by 3.",
)
def three_without_root(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, bound=3.0)


@weights_from.mistake(
    "the window of a convolution is forgotten",
    "All is right but for convolutions: how many weights of one filter meet in one output?",
)
def channels_alone(raw, gain, share, uniform):
    return scaled(raw, gain, share, uniform, conv=False)


@weights_from.mistake(
    "the variances are mixed, not the fans",
    "At share 0 and 1 all is right, but in between you mix two variances. It is the fans that are mixed, and the variance is one over the mixture.",
)
def variances_mixed(raw, gain, share, uniform):
    window = math.prod(raw.shape[2:])
    mixed = (1 - share) / (raw.shape[1] * window) + share / (raw.shape[0] * window)
    return scaled(raw, gain, share, uniform, std=lambda gain, fan: gain * mixed**0.5)


# --- before_the_cut ----------------------------------------------------------------------------------------------


def cut_variance(cut, tails=2.0, root=2**0.5, kept=None):
    """The variance that is left of a standard normal number between -cut and cut; students differ in the optional arguments."""
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return 1 - tails * cut * density / (math.erf(cut / root) if kept is None else kept)


def from_variance(std, cut, left):
    """The three answers for a variance that is left."""
    sigma = std / math.sqrt(left)
    return sigma, cut * sigma, math.erf(cut / 2**0.5)


def _before_the_cut(std, cut):
    return from_variance(std, cut, cut_variance(cut))


before_the_cut = Key(_before_the_cut)


@before_the_cut.mistake(
    "the spread shrinks twice",
    "The cut makes the numbers vary less, and you have made them smaller once more. Must sigma be above or below std?",
)
def shrunk_twice(std, cut):
    sigma = std * math.sqrt(cut_variance(cut))
    return sigma, cut * sigma, math.erf(cut / 2**0.5)


@before_the_cut.mistake(
    "the variance is taken for the spread",
    "You divide std by the variance that is left. What is left of the spread?",
)
def by_variance(std, cut):
    sigma = std / cut_variance(cut)
    return sigma, cut * sigma, math.erf(cut / 2**0.5)


@before_the_cut.mistake(
    "nothing is made wider",
    "Your sigma is std. The numbers beyond the cut were the ones that varied most: what spread is left without them?",
)
def as_if_nothing(std, cut):
    return std, cut * std, math.erf(cut / 2**0.5)


@before_the_cut.mistake(
    "the limit was not moved",
    "sigma and the share are right. The cut is counted in standard deviations of the distribution that is cut: which is that?",
)
def limit_from_std(std, cut):
    sigma, _, kept = _before_the_cut(std, cut)
    return sigma, cut * std, kept


@before_the_cut.mistake(
    "the limit is counted in standard deviations",
    "sigma and the share are right. Your limit is where a standard normal number is cut; these numbers are sigma times as large.",
)
def limit_of_standard(std, cut):
    sigma, _, kept = _before_the_cut(std, cut)
    return sigma, cut, kept


@before_the_cut.mistake(
    "one tail is lost",
    "In your integral by parts the limits give a term each, and one is missing. Both tails are cut.",
)
def one_tail(std, cut):
    return from_variance(std, cut, cut_variance(cut, tails=1.0))


@before_the_cut.mistake(
    "what is left is not divided by its share",
    "You integrate z squared between the limits, and the density there does not sum to 1. Divide by the share that is kept.",
)
def not_normalized(std, cut):
    kept = math.erf(cut / 2**0.5)
    return from_variance(std, cut, kept - (1 - cut_variance(cut, kept=1.0)))


@before_the_cut.mistake(
    "the error function is taken at the cut itself",
    "math.erf belongs to another scaling of the bell: its density is exp(-t²). Which t is a z of cut?",
)
def erf_unscaled(std, cut):
    sigma = std / math.sqrt(cut_variance(cut, root=1.0))
    return sigma, cut * sigma, math.erf(cut)


@before_the_cut.mistake(
    "the share is that below the upper limit",
    "sigma and the limit are right. Your share is everything below the upper limit, the lower tail included.",
)
def share_below(std, cut):
    sigma, limit, kept = _before_the_cut(std, cut)
    return sigma, limit, (1 + kept) / 2


# --- sizes_by_depth ----------------------------------------------------------------------------------------------


def sizes(widths, stds, slope, start, half=None, first=False, fan=0, back_fan=1, own=False, power=2):
    """The two lists of mean squares; the optional arguments are where students differ."""
    half = (1 + slope**2) / 2 if half is None else half(slope)
    depth = len(stds)
    strengths = widths[fan : fan + depth] * stds**power
    forward = start * np.cumprod(strengths) * half ** np.arange(first, depth + first)
    back = widths[back_fan : back_fan + depth] * stds**power * half
    steps = back[:-1] if own else back[1:]
    return forward, np.cumprod(np.append(1.0, steps[::-1]))[::-1]


sizes_by_depth = Key(lambda widths, stds, slope, start: sizes(widths, stds, slope, start))


@sizes_by_depth.mistake(
    "the input goes through an activation function",
    "Your signals are too small by one factor, in all layers alike. What has the input of the first layer gone through?",
)
def half_at_once(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, first=True)


@sizes_by_depth.mistake(
    "the slope left of 0 is not squared",
    "A mean square, so everything that multiplies a signal counts with its square. What does the left half of the numbers contribute?",
)
def slope_unsquared(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, half=lambda c: (1 + c) / 2)


@sizes_by_depth.mistake(
    "the variance of the outputs is used",
    "The next layer's sum has the terms w times a. Their variance is Var(w) times E[a²], not times Var(a): a rectifier's outputs have a mean, and that counts.",
)
def variance_of_outputs(widths, stds, slope, start):
    forward, _ = sizes(widths, stds, slope, start, half=lambda c: (1 + c**2) / 2 - (1 - c) ** 2 / (2 * math.pi))
    return forward, sizes(widths, stds, slope, start)[1]


@sizes_by_depth.mistake(
    "nothing is lost in the activation functions",
    "That is a linear network. What does a leaky unit leave of a mean square, and of a gradient's?",
)
def as_if_linear(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, half=lambda c: 1.0)


@sizes_by_depth.mistake(
    "the two halves are added in full",
    "Your factor counts every number twice, right of 0 and left of it. Which share of the numbers lies on either side?",
)
def halves_added(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, half=lambda c: 1 + c**2)


@sizes_by_depth.mistake(
    "the slope is forgotten",
    "That is a ReLU network. The left half lets something through, too.",
)
def as_if_relu(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, half=lambda c: 0.5)


@sizes_by_depth.mistake(
    "the signal is summed over the outputs",
    "Your gradients are right. Over how many terms does one unit sum: over those that enter it or over the units of its layer?",
)
def forward_by_outputs(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, fan=1)


@sizes_by_depth.mistake(
    "the gradient is summed over the inputs",
    "Your signals are right. On the way back a unit collects gradients from all that it sends to: how many are those?",
)
def backward_by_inputs(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, back_fan=0)


@sizes_by_depth.mistake(
    "the gradient goes through the wrong weights",
    "Your signals are right. Between z of layer l and z of layer l + 1 lie the weights of layer l + 1; yours are one layer off.",
)
def weights_one_off(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, own=True)


@sizes_by_depth.mistake(
    "spreads are taken for variances",
    "Sums have a variance, and it contains the square of what stds gives.",
)
def stds_unsquared(widths, stds, slope, start):
    return sizes(widths, stds, slope, start, power=1)


@sizes_by_depth.mistake(
    "roots are returned",
    "Your numbers are the roots of what is asked: mean squares.",
)
def rooted(widths, stds, slope, start):
    return tuple(np.sqrt(a) for a in sizes(widths, stds, slope, start))


@sizes_by_depth.mistake(
    "the gradients are listed from the last layer",
    "Your signals are right. The gradients are, too, in the other order: the first entry belongs to the first layer, the last one is 1.",
)
def backward_reversed(widths, stds, slope, start):
    forward, back = sizes(widths, stds, slope, start)
    return forward, back[::-1] if len(back) > 1 else back


# --- calibrated --------------------------------------------------------------------------------------------------


def fitted(w, h, per_unit=False, power=0.5, middle=True, about_zero=False, together=False):
    """One layer with mean 0 and variance 1 over the examples, its output; the optional arguments are where students differ."""
    z = h @ w.T
    mean = z.mean(axis=0) if middle else z.mean() + 0 * z[0]
    centre = 0 if about_zero else z.mean() if together else z.mean(axis=0)
    spread = ((z - centre) ** 2).mean(axis=0 if per_unit else None)
    w = w / (spread[:, None] if per_unit else spread) ** power
    b = -mean / spread**power
    return w, b, h @ w.T + b


def both(w1, w2, x, **changes):
    """Both layers, each fitted to what the one before it lets through."""
    w1, b1, z = fitted(w1, x, **changes)
    w2, b2, _ = fitted(w2, np.tanh(z), **changes)
    return w1, b1, w2, b2


calibrated = Key(lambda w1, w2, x: both(w1, w2, x))


@calibrated.mistake(
    "the second layer is fitted to the old signal",
    "The first layer is right. The second is fitted to what the first layer let through *before* you changed it.",
)
def old_signal(w1, w2, x):
    new1, b1, _ = fitted(w1, x)
    new2, b2, _ = fitted(w2, np.tanh(x @ w1.T))
    return new1, b1, new2, b2


@calibrated.mistake(
    "the second layer does not see the activation function",
    "The first layer is right. Between the two layers stands a tanh.",
)
def without_tanh(w1, w2, x):
    w1, b1, z = fitted(w1, x)
    w2, b2, _ = fitted(w2, z)
    return w1, b1, w2, b2


@calibrated.mistake(
    "the second layer does not see the first one's biases",
    "The first layer is right. What enters the second has gone through the new weights, but not through the new biases.",
)
def without_bias(w1, w2, x):
    w1, b1, _ = fitted(w1, x)
    w2, b2, _ = fitted(w2, np.tanh(x @ w1.T))
    return w1, b1, w2, b2


@calibrated.mistake(
    "every unit has its own scale",
    "You make the variance of *each unit* 1. Then rows of W are changed against each other: here one number is asked for, for the whole layer.",
)
def unit_by_unit(w1, w2, x):
    return both(w1, w2, x, per_unit=True)


@calibrated.mistake(
    "the variance is taken for the spread",
    "Divide the weights by the variance of the sums, and what variance do the new sums have?",
)
def divided_by_variance(w1, w2, x):
    return both(w1, w2, x, power=1.0)


@calibrated.mistake(
    "the scale contains the means",
    "You divide by the root of the mean square. The means will be taken out by the biases: what is left to be scaled?",
)
def with_means(w1, w2, x):
    return both(w1, w2, x, about_zero=True)


@calibrated.mistake(
    "all entries of a layer are taken together",
    "Your scale contains how far the means of the entries lie apart. Each entry varies around its own mean: average those variances.",
)
def entries_together(w1, w2, x):
    return both(w1, w2, x, together=True)


@calibrated.mistake(
    "a layer has one bias for all",
    "Your first weights are right. But every entry is to have the mean 0, and their means differ.",
)
def one_bias(w1, w2, x):
    return both(w1, w2, x, middle=False)


@calibrated.mistake(
    "the biases are those of the old weights",
    "Your weights are right, but the biases take out the means that the sums had before the weights were scaled.",
)
def old_means(w1, w2, x):
    new1, b1, z = fitted(w1, x)
    new2, b2, _ = fitted(w2, np.tanh(z))
    return new1, -(x @ w1.T).mean(axis=0), new2, -(np.tanh(z) @ w2.T).mean(axis=0)


@calibrated.mistake(
    "the biases have the wrong sign",
    "Your weights are right. The biases double the means instead of taking them out.",
)
def biases_added(w1, w2, x):
    new1, b1, z = fitted(w1, x)
    new2, b2, _ = fitted(w2, np.tanh(z))
    return new1, -b1, new2, -b2


@calibrated.mistake(
    "the variance divides by one less",
    "All is nearly right: your variance divides by the number of examples less one. Here it is the mean of the squares of what lies before you.",
)
def unbiased(w1, w2, x):
    n = len(x)

    def layer(w, h):
        z = h @ w.T
        spread = (((z - z.mean(axis=0)) ** 2).sum(axis=0) / (n - 1)).mean() ** 0.5
        return w / spread, -z.mean(axis=0) / spread, (z - z.mean(axis=0)) / spread

    w1, b1, z = layer(w1, x)
    w2, b2, _ = layer(w2, np.tanh(z))
    return w1, b1, w2, b2


# --- clip_examples -----------------------------------------------------------------------------------------------


def lengths(gw, gb):
    """The length of each example's gradient, over both arrays."""
    return np.sqrt((gw**2).sum(axis=(1, 2)) + (gb**2).sum(axis=1))


def averaged(gw, gb, factors, norms):
    """The mean of all examples, each times its own factor in each array, and the norms."""
    fw, fb = factors if isinstance(factors, tuple) else (factors, factors)
    return (gw * fw[:, None, None]).mean(axis=0), (gb * fb[:, None]).mean(axis=0), norms


def _clip_examples(gw, gb, c):
    norms = lengths(gw, gb)
    return averaged(gw, gb, c / np.maximum(norms, c), norms)


clip_examples = Key(_clip_examples)


@clip_examples.mistake(
    "the mean is clipped",
    "Your norms are right. But you clip the mean, when one large example has long outvoted the others. First clip, then average.",
)
def mean_clipped(gw, gb, c):
    mw, mb = gw.mean(axis=0), gb.mean(axis=0)
    factor = c / max(np.sqrt((mw**2).sum() + (mb**2).sum()), c)
    return mw * factor, mb * factor, lengths(gw, gb)


@clip_examples.mistake(
    "each array is clipped by itself",
    "Your norms are right, but weights and biases have factors of their own. One example is one direction: it needs one factor for both.",
)
def array_by_array(gw, gb, c):
    nw, nb = np.sqrt((gw**2).sum(axis=(1, 2))), np.sqrt((gb**2).sum(axis=1))
    return averaged(gw, gb, (c / np.maximum(nw, c), c / np.maximum(nb, c)), lengths(gw, gb))


@clip_examples.mistake(
    "short gradients are made longer",
    "You give every example the length c. Clipping leaves alone what is short enough.",
)
def all_scaled(gw, gb, c):
    norms = lengths(gw, gb)
    return averaged(gw, gb, c / np.maximum(norms, 1e-12), norms)


@clip_examples.mistake(
    "entries are clipped",
    "Your norms are right. But you clip entry by entry, which bends the direction: what is limited is the length.",
)
def entry_by_entry(gw, gb, c):
    return np.clip(gw, -c, c).mean(axis=0), np.clip(gb, -c, c).mean(axis=0), lengths(gw, gb)


@clip_examples.mistake(
    "one norm for the whole batch",
    "You have one length, of all examples together. Each example has its own.",
)
def one_norm(gw, gb, c):
    norm = np.sqrt((gw**2).sum() + (gb**2).sum()) + np.zeros(len(gw), dtype=gw.dtype)
    return averaged(gw, gb, c / np.maximum(norm, c), norm)


@clip_examples.mistake(
    "lengths are added",
    "The length of two arrays together is not the sum of their lengths. Think of 3 and 4.",
)
def lengths_added(gw, gb, c):
    norms = np.sqrt((gw**2).sum(axis=(1, 2))) + np.sqrt((gb**2).sum(axis=1))
    return averaged(gw, gb, c / np.maximum(norms, c), norms)


@clip_examples.mistake(
    "the root is missing",
    "You compare the square of the length with c.",
)
def squares(gw, gb, c):
    norms = lengths(gw, gb) ** 2
    return averaged(gw, gb, c / np.maximum(norms, c), norms)


@clip_examples.mistake(
    "the examples are added up",
    "Your gradients are as many times too large as there are examples. The loss is a mean.",
)
def summed(gw, gb, c):
    mean_w, mean_b, norms = _clip_examples(gw, gb, c)
    return mean_w * len(gw), mean_b * len(gw), norms


@clip_examples.mistake(
    "the norms are those after clipping",
    "The gradients are right. The norms that are asked for are the ones that you found, before anything was clipped: they tell how often it happens.",
)
def norms_after(gw, gb, c):
    mean_w, mean_b, norms = _clip_examples(gw, gb, c)
    return mean_w, mean_b, np.minimum(norms, c)


@clip_examples.mistake(
    "a zero gradient becomes NaN",
    "All is right but for an example whose gradient is 0. What is c / 0 times 0?",
)
def zero_over_zero(gw, gb, c):
    norms = lengths(gw, gb)
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.where(norms > 0, np.minimum(1, c / norms), np.nan).astype(gw.dtype)
    return averaged(gw, gb, factors, norms)


# --- thousandth: sigmoid units, four times Glorot's weights ----------------------------------------------------------

thousandth = Key(15.4)  # see the tests: 15.0 by the wide limit, 15 or 16 in networks of 100 units

thousandth.mistake(
    "Glorot's own weights",
    "That fits weights without the factor 4.",
)(5)
thousandth.mistake(
    "mean squares are compared, or a variance is taken for a spread",
    "Two slips lead here. Is it the root of the mean square that you compare? And N(0, 16/100) names a variance: which spread do your weights have?",
)(7.5)
thousandth.mistake(
    "ReLU units",
    "That is a ReLU network with LeCun's weights, which loses a factor of the root of 2 in each layer.",
)(20)
thousandth.mistake(
    "a millionth",
    "That looks like a millionth. Did you compare the root of the mean square with a thousandth's *square*?",
)(30)
thousandth.mistake(
    "nothing is lost in 60 layers",
    "So it would be if every unit were at 0, where the factor 4 makes up for the slope. Look at the slopes that the units really have, and at the spread of your weights.",
)(60)
thousandth.mistake(
    "the layer is counted from the input",
    "That is the number of the layer. How many layers below the last one is it?",
)(44.6)

KEYS = {
    "initialization.layer_fans": layer_fans,
    "initialization.weights_from": weights_from,
    "initialization.before_the_cut": before_the_cut,
    "initialization.sizes_by_depth": sizes_by_depth,
    "initialization.calibrated": calibrated,
    "initialization.clip_examples": clip_examples,
    "initialization.thousandth": thousandth,
}
