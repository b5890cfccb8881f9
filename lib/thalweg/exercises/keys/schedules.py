"""The assignment on schedules, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg import numpy as tn

from ..judge import Key

# --- cosine: steps rates, the first is lr and the last is end ------------------------------------------------------

cosine = Key(lambda steps, lr, end: tn.CosineDecay(lr, max(steps - 1, 1), end).rate(np.arange(steps)))


def _waves(steps, lr, end, shape):
    """From lr to end by a shape that goes from 1 to 0 while its argument goes from 0 to 1."""
    return end + (lr - end) * shape(np.arange(steps) / max(steps - 1, 1))


@cosine.mistake(
    "the end comes one step after the last",
    "Your rates reach the end one step after the last, which nobody takes: the last step's own rate is still above it. Between how many steps are there how many gaps?",
)
def end_too_late(steps, lr, end):
    return end + (lr - end) * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2


@cosine.mistake(
    "the first step is on its way down",
    "The end is right, but your first step has left lr already. Step 0 is to have lr itself, and so there is one gap less than there are steps.",
)
def first_too_late(steps, lr, end):
    return end + (lr - end) * (1 + np.cos(np.pi * np.arange(1, steps + 1) / steps)) / 2


@cosine.mistake(
    "there is one rate too many",
    "Your curve is right, but it has one rate more than there are steps.",
)
def one_too_many(steps, lr, end):
    return end + (lr - end) * (1 + np.cos(np.pi * np.arange(steps + 1) / steps)) / 2


@cosine.mistake(
    "it is a whole wave",
    "Your rate comes up again to where it began: a whole wave of the cosine. Half of one goes from the top to the bottom.",
)
def whole_wave(steps, lr, end):
    return _waves(steps, lr, end, lambda u: (1 + np.cos(2 * np.pi * u)) / 2)


@cosine.mistake(
    "it is a quarter of a wave",
    "Your rate plunges into its end: a quarter of a wave. A landing has to be soft, as the take-off is.",
)
def quarter_wave(steps, lr, end):
    return _waves(steps, lr, end, lambda u: np.cos(np.pi / 2 * u))


@cosine.mistake(
    "it is a straight line",
    "The ends are right, but between them your rate falls in a straight line.",
)
def straight(steps, lr, end):
    return _waves(steps, lr, end, lambda u: 1 - u)


@cosine.mistake(
    "the one half is missing",
    "At the first step 1 + cos is 2. Your rate begins too high.",
)
def without_half(steps, lr, end):
    return _waves(steps, lr, end, lambda u: 1 + np.cos(np.pi * u))


@cosine.mistake(
    "the end is added on top",
    "You add the end to a cosine that already has its full height, so that the rate begins above lr. How high is the part that is to fall?",
)
def end_on_top(steps, lr, end):
    return end + _waves(steps, lr, 0.0, lambda u: (1 + np.cos(np.pi * u)) / 2)


@cosine.mistake(
    "it falls to 0, not to the end",
    "Your rate falls to 0. It is to land on the end that was given.",
)
def falls_to_zero(steps, lr, end):
    return _waves(steps, lr, 0.0, lambda u: (1 + np.cos(np.pi * u)) / 2)


@cosine.mistake(
    "it falls to 0 and is cut off at the end",
    "You let the rate fall to 0 and cut it off, so that it lies still for the last steps. The whole half wave belongs between lr and the end.",
)
def cut_off(steps, lr, end):
    to_zero = _waves(steps, lr, 0.0, lambda u: (1 + np.cos(np.pi * u)) / 2)
    return np.maximum(end, to_zero) if end < lr else to_zero


@cosine.mistake(
    "the two ends are exchanged",
    "Your rate goes from the end to lr. At the first step the cosine is 1: which of the two has to be left over there?",
)
def ends_exchanged(steps, lr, end):
    return _waves(steps, end, lr, lambda u: (1 + np.cos(np.pi * u)) / 2)


@cosine.mistake(
    "a single step is no number",
    "For several steps you are right. A single step has no gap between a first and a last one, and yours divides by 0 there.",
)
def no_gap(steps, lr, end):
    with np.errstate(all="ignore"):
        return end + (lr - end) * (1 + np.cos(np.pi * np.arange(steps) / np.array(steps - 1.0))) / 2


# --- stairs: how many epochs are over, and how many stairs ---------------------------------------------------------


def _stairs(t, n, batch, lr, every, gamma):
    epochs_over = t // -(-n // batch)
    return tn.StepDecay(lr, every, gamma).rate(epochs_over)


stairs = Key(_stairs)


def _falling(t, updates, lr, every, gamma, shift=0):
    """Stairs whose epochs have this many updates."""
    return lr * gamma ** ((t // updates + shift) // every)


@stairs.mistake(
    "the last short batch is not counted",
    "Your stairs come earlier with every epoch. The batch that is left over is an update, too: how many does an epoch have?",
)
def rounded_down(t, n, batch, lr, every, gamma):
    return _falling(t, max(n // batch, 1), lr, every, gamma)


@stairs.mistake(
    "an epoch has a broken number of updates",
    "You divide n by the batch and do not round, so that your epochs end in the middle of an update. The last batch of an epoch is shorter, but it is a whole update.",
)
def not_rounded(t, n, batch, lr, every, gamma):
    return _falling(t, n / batch, lr, every, gamma)


@stairs.mistake(
    "updates are taken for epochs",
    "Your rate falls after so many updates. The stairs are counted in epochs, and t in mini-batches.",
)
def updates_as_epochs(t, n, batch, lr, every, gamma):
    return _falling(t, 1, lr, every, gamma)


@stairs.mistake(
    "examples are taken for updates",
    "Your epoch has as many updates as there are examples. Each update takes a whole batch of them.",
)
def examples_as_updates(t, n, batch, lr, every, gamma):
    return _falling(t, n, lr, every, gamma)


@stairs.mistake(
    "epochs are counted from 1",
    "Your stairs come one epoch early. How many epochs are over while the first one is running?",
)
def epochs_from_one(t, n, batch, lr, every, gamma):
    return _falling(t, -(-n // batch), lr, every, gamma, shift=1)


@stairs.mistake(
    "the stairs come one update late",
    "The first update of a new stair still has the old rate. Update t comes after t others: is its epoch really not over by then?",
)
def one_update_late(t, n, batch, lr, every, gamma):
    return _falling(t - 1, -(-n // batch), lr, every, gamma)


@stairs.mistake(
    "the stairs come one update early",
    "The last update of a stair has the next one's rate already. Is t counted from 0 or from 1?",
)
def one_update_early(t, n, batch, lr, every, gamma):
    return _falling(t + 1, -(-n // batch), lr, every, gamma)


@stairs.mistake(
    "the rate slides instead of standing",
    "Your rate falls from epoch to epoch. On a stair it stays the same: round down before you raise to the power.",
)
def slides(t, n, batch, lr, every, gamma):
    return lr * gamma ** ((t // -(-n // batch)) / every)


@stairs.mistake(
    "every epoch has a stair of its own",
    "Your rate falls after each epoch. A stair is as many epochs long as every says.",
)
def stair_an_epoch(t, n, batch, lr, every, gamma):
    return _falling(t, -(-n // batch), lr, 1, gamma)


@stairs.mistake(
    "the rate falls once and never again",
    "Your first stair is right. The rate is to fall again after as many epochs, and so on.",
)
def first_stair_only(t, n, batch, lr, every, gamma):
    return lr * gamma ** np.minimum(t // -(-n // batch) // every, 1)


@stairs.mistake(
    "the rate grows",
    "Your rate grows from stair to stair. gamma is what a stair is multiplied by.",
)
def grows(t, n, batch, lr, every, gamma):
    return _falling(t, -(-n // batch), lr, every, 1 / gamma)


# --- place: which cycle, and how much of it has passed --------------------------------------------------------------


def _counted(t, lengths, side="right"):
    """Cycle and share for cycles of these lengths, one after the other."""
    ends = np.cumsum(lengths)
    k = np.searchsorted(ends, t, side=side)
    return k, (t - (ends - lengths)[k]) / np.asarray(lengths)[k]


def _lengths(t, first, growth):
    lengths = [first]
    while sum(lengths) <= np.max(t):
        lengths.append(lengths[-1] * growth)
    return np.array(lengths)


place = Key(lambda t, first, growth: tn.WarmRestarts(1.0, first, growth).cycle(t))


@place.mistake(
    "a logarithm misses a border",
    "Nearly everything is right. But at some borders the logarithm comes out a hair below a whole number, and rounding down then gives the cycle before. Can you count instead, or allow for the hair?",
)
def by_logarithm(t, first, growth):
    if growth == 1:
        return t // first, t % first / first
    k = np.floor(np.log(t * (growth - 1) / first + 1) / np.log(growth) - 1e-13)
    begin = first * (float(growth) ** k - 1) / (growth - 1)
    return k, (t - begin) / (first * float(growth) ** k)


@place.mistake(
    "a logarithm misses a few borders",
    "Nearly everything is right. But at a few borders the logarithm comes out a hair below a whole number, and rounding down then gives the cycle before. Can you count instead, or allow for the hair?",
)
def by_bare_logarithm(t, first, growth):
    if growth == 1:
        return t // first, t % first / first
    k = np.floor(np.log(t * (growth - 1) / first + 1) / np.log(growth))
    begin = first * (float(growth) ** k - 1) / (growth - 1)
    return k, (t - begin) / (first * float(growth) ** k)


@place.mistake(
    "cycles that do not grow are no numbers",
    "For cycles that grow you are right. With a growth of 1 your formula divides 0 by 0.",
)
def needs_growth(t, first, growth):
    if growth == 1:
        return np.full(np.shape(t), np.nan), np.full(np.shape(t), np.nan)
    return _counted(t, _lengths(t, first, growth))


@place.mistake(
    "cycles are counted from 1",
    "Your shares are right. The cycles are counted from 0.",
)
def from_one(t, first, growth):
    k, passed = _counted(t, _lengths(t, first, growth))
    return k + 1, passed


@place.mistake(
    "a border belongs to the old cycle",
    "At a border you say that all of the old cycle has passed. The step with which a cycle begins is its own first one: none of it has passed.",
)
def old_cycle(t, first, growth):
    return _counted(t, np.append(_lengths(t, first, growth), 1), side="left")


@place.mistake(
    "the share is of the first cycle's length",
    "Your cycles are right. But you divide by the length of the first cycle, whichever it is, and so the shares exceed 1.",
)
def of_the_first(t, first, growth):
    lengths = _lengths(t, first, growth)
    k, passed = _counted(t, lengths)
    return k, passed * lengths[k] / first


@place.mistake(
    "steps instead of a share",
    "You count the steps since the cycle began. Asked is the share of the cycle, from 0 to 1.",
)
def steps_since(t, first, growth):
    lengths = _lengths(t, first, growth)
    k, passed = _counted(t, lengths)
    return k, passed * lengths[k]


@place.mistake(
    "the cycles do not grow",
    "All your cycles are as long as the first.",
)
def all_alike(t, first, growth):
    return t // first, t % first / first


@place.mistake(
    "the cycles grow by the same number of steps",
    "Your cycles get longer by the same number of steps each time. They are to be multiplied.",
)
def arithmetic(t, first, growth):
    count = 1
    while first * (count + (growth - 1) * count * (count - 1) // 2) <= np.max(t):
        count += 1
    return _counted(t, first * (1 + (growth - 1) * np.arange(count)))


@place.mistake(
    "the step is counted as done",
    "Your cycles are right, but of each cycle one step too many has passed: at its first step you say that one is over. Step t comes after t others.",
)
def one_done(t, first, growth):
    lengths = _lengths(t, first, growth)
    k, passed = _counted(t, lengths)
    return k, passed + 1 / lengths[k]


# --- warm_up: a line to where the plan will be ----------------------------------------------------------------------


def _warm_up(t, plan, steps, start):
    if steps == 0:
        return plan(t)
    return tn.Ramp(start, plan(steps), steps).then(tn.Constant(0.0), steps).rate(t) + np.where(t < steps, 0, plan(t))


warm_up = Key(_warm_up)


def _line(t, start, top, steps):
    return start + (top - start) * t / max(steps, 1)


@warm_up.mistake(
    "the line goes to where the plan begins, and then it jumps",
    "Your line rises to the plan's first rate, but when the warm-up is over the plan has moved on, and the rate jumps down. Where is the plan at the step at which they meet?",
)
def jumps(t, plan, steps, start):
    return np.where(t < steps, _line(t, start, plan(0), steps), plan(t))


@warm_up.mistake(
    "the plan is put off",
    "There is no jump in yours, because you let the plan begin only when the warm-up is over. Then it also ends later. Here its clock is to run from the start.",
)
def put_off(t, plan, steps, start):
    return np.where(t < steps, _line(t, start, plan(0), steps), plan(np.maximum(t - steps, 0)))


@warm_up.mistake(
    "the plan is multiplied by the line",
    "You multiply the plan with a rising share. There is no jump, but what rises is no straight line, and it knows of no start.",
)
def multiplied(t, plan, steps, start):
    return plan(t) * np.minimum(t / max(steps, 1), 1) if steps else plan(t)


@warm_up.mistake(
    "the line goes to a moving goal",
    "At every step you aim at where the plan is at that step, so that your rise is bent. A straight line has one end.",
)
def moving_goal(t, plan, steps, start):
    return np.where(t < steps, _line(t, start, plan(t), steps), plan(t))


@warm_up.mistake(
    "it begins at 0",
    "Your line begins at 0 whatever the start is.",
)
def from_zero(t, plan, steps, start):
    return np.where(t < steps, _line(t, 0.0, plan(steps), steps), plan(t))


@warm_up.mistake(
    "the line arrives one step early",
    "Your line arrives at the last step of the warm-up, and the plan's rate there is already the goal's. They meet at the step with the number steps.",
)
def one_early(t, plan, steps, start):
    return np.where(t < steps, _line(np.minimum(t, max(steps - 1, 0)), start, plan(steps), max(steps - 1, 1)), plan(t))


@warm_up.mistake(
    "the first step is already one up",
    "Step 0 should have the rate start. Yours is one step further up the line.",
)
def one_up(t, plan, steps, start):
    return np.where(t < steps, _line(t + 1, start, plan(steps), steps), plan(t))


@warm_up.mistake(
    "no warm-up is no number",
    "For a warm-up that takes steps you are right. Without one yours divides by 0 before anything can be chosen.",
)
def divides_by_none(t, plan, steps, start):
    if steps == 0:
        return np.full(np.shape(t), np.nan)
    return np.where(t < steps, _line(t, start, plan(steps), steps), plan(t))


# --- left_over: a product over the later steps ----------------------------------------------------------------------


def _left_over(rates, h, sigma, start):
    kept = np.append(np.cumprod(((1 - rates * h) ** 2)[::-1])[::-1], 1)
    return kept[0] * start**2, (rates * sigma) ** 2 * kept[1:]


left_over = Key(_left_over)


def _gathered(rates, factors, sigma, start):
    """The same for other factors a step."""
    kept = np.append(np.cumprod(factors[::-1])[::-1], 1)
    return kept[0] * start**2, (rates * sigma) ** 2 * kept[1:]


@left_over.mistake(
    "a step shrinks its own noise",
    "Your share of the start is right. But the noise of a step is shrunk by the later steps only, not by the step that brings it.",
)
def own_step(rates, h, sigma, start):
    kept = np.cumprod(((1 - rates * h) ** 2)[::-1])[::-1]
    return kept[0] * start**2, (rates * sigma) ** 2 * kept


@left_over.mistake(
    "the earlier steps shrink it",
    "You multiply the noise of a step by what the steps before it did. They cannot shrink what was not there yet.",
)
def earlier_steps(rates, h, sigma, start):
    kept = np.cumprod((1 - rates * h) ** 2)
    return kept[-1] * start**2, (rates * sigma) ** 2 * np.append(1, kept[:-1])


@left_over.mistake(
    "the factors are not squared",
    "A step multiplies the distance by 1 - rate * h. Here it is the squared distance that is followed.",
)
def not_squared(rates, h, sigma, start):
    return _gathered(rates, 1 - rates * h, sigma, start)


@left_over.mistake(
    "the noise is not shrunk at all",
    "You have what each step brings in. Some of it is gone by the end.",
)
def brought_in(rates, h, sigma, start):
    return _left_over(rates, h, sigma, start)[0], (rates * sigma) ** 2


@left_over.mistake(
    "the rate of the noise is not squared",
    "The noise of a step is multiplied by the rate once. Its square, the variance, is what is asked.",
)
def rate_once(rates, h, sigma, start):
    of_start, of_noise = _left_over(rates, h, sigma, start)
    return of_start, np.divide(of_noise, rates, out=np.zeros_like(of_noise), where=rates > 0)


@left_over.mistake(
    "sigma is not squared",
    "sigma is a standard deviation. What is added up are variances.",
)
def deviation(rates, h, sigma, start):
    of_start, of_noise = _left_over(rates, h, sigma, start)
    return of_start, of_noise / sigma


@left_over.mistake(
    "the start is not squared",
    "Your noise is right. start is a distance, and its square is what is left in part.",
)
def start_once(rates, h, sigma, start):
    of_start, of_noise = _left_over(rates, h, sigma, start)
    return of_start / start, of_noise


@left_over.mistake(
    "newest first",
    "Your numbers are right, but in the wrong order: the first of them belongs to the first step.",
)
def newest_first(rates, h, sigma, start):
    of_start, of_noise = _left_over(rates, h, sigma, start)
    return of_start, of_noise[::-1]


@left_over.mistake(
    "a step that forgets all is no number",
    "Mostly you are right. But you divide one product by another, and one of their factors can be 0. Multiply from the end instead.",
)
def by_division(rates, h, sigma, start):
    with np.errstate(all="ignore"):
        done = np.cumprod((1 - rates * h) ** 2)
        return done[-1] * start**2, (rates * sigma) ** 2 * done[-1] / done


# --- read_trial: smooth, then the slope on the logarithmic scale -----------------------------------------------------


def _smooth(losses, width=2):
    n = len(losses)
    reach = [min(width, i, n - 1 - i) for i in range(n)]
    return np.array([np.mean(losses[i - r : i + r + 1]) for i, r in enumerate(reach)])


def _read(rates, smooth, slopes=None):
    """Of losses that are smoothed already; slopes: of the gaps, by default on the logarithmic scale."""
    slopes = np.diff(smooth) / np.diff(np.log(rates)) if slopes is None else slopes
    k = np.argmin(slopes)
    return smooth, np.sqrt(rates[k] * rates[k + 1]), rates[np.argmin(smooth)] / 10


read_trial = Key(lambda rates, losses: _read(rates, tn.RangeTrial(rates, losses).smoothed(2)))


@read_trial.mistake(
    "the losses are not smoothed",
    "You read the losses as they are, and so a lucky batch decides. Smooth them first.",
)
def raw(rates, losses):
    return _read(rates, losses)


@read_trial.mistake(
    "the mean looks back only",
    "Your mean is one of the past. It lags behind, and so you read too large a rate. Look as far ahead as back.",
)
def looks_back(rates, losses):
    return _read(rates, np.array([np.mean(losses[max(i - 4, 0) : i + 1]) for i in range(len(losses))]))


@read_trial.mistake(
    "at the ends the window is cut on one side",
    "In the middle you are right. Near an end your window is cut on one side and not on the other, and the mean of a slope is then pulled inwards. Take as many on both sides.",
)
def lopsided(rates, losses):
    smooth = np.array([np.mean(losses[max(i - 2, 0) : i + 3]) for i in range(len(losses))])
    right = _read(rates, _smooth(losses))
    return smooth, right[1], right[2]


@read_trial.mistake(
    "beyond the ends the losses count as 0",
    "In the middle you are right. Near an end your mean counts losses that are not there as if they were 0, so that the curve falls off at its end. Take a narrower window there.",
)
def zeros_beyond(rates, losses):
    return _read(rates, np.convolve(losses, np.ones(5) / 5)[2:-2])


@read_trial.mistake(
    "the two rates are read off the losses themselves",
    "You have smoothed the losses, and then you read both rates off the noisy ones, where a lucky batch decides.",
)
def read_off_raw(rates, losses):
    return _smooth(losses), *_read(rates, losses)[1:]


@read_trial.mistake(
    "the slope is taken from one rate to the next",
    "The rates are not equally far apart. You look for the largest fall between neighbours, and a wide gap has a large fall even where it is not steep.",
)
def by_the_gap(rates, losses):
    smooth = _smooth(losses)
    return _read(rates, smooth, np.diff(smooth))


@read_trial.mistake(
    "the slope is taken on the ordinary scale",
    "You divide by the differences of the rates. Small rates lie close together there, and even a slight fall looks steep. Rates act by their ratios.",
)
def ordinary_scale(rates, losses):
    smooth = _smooth(losses)
    return _read(rates, smooth, np.diff(smooth) / np.diff(rates))


@read_trial.mistake(
    "the steepest rise instead of the steepest fall",
    "Your rate is where the loss explodes: the largest slope. It is to be where the loss falls.",
)
def steepest_rise(rates, losses):
    smooth = _smooth(losses)
    return _read(rates, smooth, -np.diff(smooth) / np.diff(np.log(rates)))


@read_trial.mistake(
    "the ordinary mean of the two rates",
    "You have the right two rates. Their middle on the logarithmic scale is their geometric mean.",
)
def ordinary_mean(rates, losses):
    smooth, _, cautious = _read(rates, _smooth(losses))
    k = np.argmin(np.diff(smooth) / np.diff(np.log(rates)))
    return smooth, (rates[k] + rates[k + 1]) / 2, cautious


@read_trial.mistake(
    "the left one of the two rates",
    "You have the right gap, and return the rate with which it begins. Asked is its middle.",
)
def left_of_the_gap(rates, losses):
    smooth, _, cautious = _read(rates, _smooth(losses))
    return smooth, rates[np.argmin(np.diff(smooth) / np.diff(np.log(rates)))], cautious


@read_trial.mistake(
    "the lowest point itself",
    "That is the rate of the lowest loss, where training is about to explode. The cautious reading is a tenth of it.",
)
def lowest_itself(rates, losses):
    smooth, steepest, cautious = _read(rates, _smooth(losses))
    return smooth, steepest, 10 * cautious


@read_trial.mistake(
    "a tenth of the steepest",
    "The cautious reading is a tenth of the rate where the smoothed loss is lowest, not of the steepest one.",
)
def tenth_of_steepest(rates, losses):
    smooth, steepest, _ = _read(rates, _smooth(losses))
    return smooth, steepest, steepest / 10


# --- best_drop: measured, not guessed -------------------------------------------------------------------------------


def measure_best_drop(high=0.8, low=0.08, steps=400, noise=0.001):
    """The step at which the rate should drop, on 40 curvatures from 0.002 to 1, distances of 1 at the start."""
    h = np.geomspace(0.002, 1, 40)

    def final(k):
        squares = np.ones(40)
        for lr in tn.PiecewiseConstant(high, (k,), low / high).rate(np.arange(steps)):
            squares = (1 - lr * h) ** 2 * squares + lr**2 * noise
        return h @ squares / 2

    return int(np.argmin([final(k) for k in range(steps + 1)]))


best_drop = Key(306)  # measure_best_drop(): the tests run it again

best_drop.mistake(
    "at the first plateau",
    "There the loss looks flat, but it is still falling: the flat directions are on their way. Try later drops, too.",
)(100)
best_drop.mistake(
    "the loss instead of the step",
    "If that is the loss that is left: asked is the k with which it is reached. If it is a step: to drop at once leaves seven times as much loss as need be.",
)(0.00639398)
best_drop.mistake(
    "half way",
    "Half way is a guess. Compute what is left for every step at which the rate can drop.",
)(200)
best_drop.mistake(
    "the factors are not squared",
    "Your factor 1 - rate * h is that of a distance. The formula follows its square.",
)(316)
best_drop.mistake(
    "the rate of the noise is not squared",
    "The noise is multiplied by the rate, so that its variance is multiplied by the square of it.",
)(377)
best_drop.mistake(
    "no drop at all",
    "Without noise, or if all directions counted alike, it would be best never to drop. Is the noise in your formula, and is the loss weighted with the curvatures?",
)(400)
best_drop.mistake(
    "the noise is its own root",
    "0.001 is the variance already. You use its root in its place, 0.032: with a noise as large as that it is best to drop nearly at once.",
)(11)

KEYS = {
    "schedules.cosine": cosine,
    "schedules.stairs": stairs,
    "schedules.place": place,
    "schedules.warm_up": warm_up,
    "schedules.left_over": left_over,
    "schedules.read_trial": read_trial,
    "schedules.best_drop": best_drop,
}
