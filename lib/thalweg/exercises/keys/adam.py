"""The adam assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.numpy import Adam, AdamW, Moments

from ..judge import Key

# --- corrected_average: each column by itself, over what was seen of it ------------------------------------------


def _corrected_average(values, beta):
    average, result = np.zeros_like(values[0]), np.full_like(values[0], np.nan)
    for column in range(values.shape[1]):
        seen = values[~np.isnan(values[:, column]), column]
        for value in seen:
            average[column] = beta * average[column] + (1 - beta) * value
        if len(seen):
            result[column] = average[column] / (1 - beta ** len(seen))
    return result


corrected_average = Key(_corrected_average)


@corrected_average.mistake(
    "the exponent counts missing values too",
    "Your average leaves the missing values out, but the correction counts all rows. A column of which one value was seen should give that "
    "value: does it?",
)
def counts_rows(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average / (1 - beta ** len(values))


@corrected_average.mistake(
    "a missing value counts as 0",
    "Where something is missing your average takes in a 0, and counts it. Not seen is not the same as seen to be zero.",
)
def missing_as_zero(values, beta):
    average = np.zeros_like(values[0])
    for value in np.nan_to_num(values):
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** len(values))


@corrected_average.mistake(
    "the average fades where nothing is seen",
    "Your correction counts what was seen, but the average itself is multiplied by beta in every row. What should happen to it in a row in which its value is missing?",
)
def fades_in_gaps(values, beta):
    average = np.zeros_like(values[0])
    for value in np.nan_to_num(values):
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** (~np.isnan(values)).sum(axis=0))


@corrected_average.mistake(
    "time passes in gaps",
    "You weigh each value by how many rows ago it was. That average is free of bias, but it forgets in rows in which nothing was seen; the one that is asked counts only what was seen.",
)
def ages_in_gaps(values, beta):
    there = ~np.isnan(values)
    weights = there * beta ** np.arange(len(values))[::-1, None]
    return (weights * np.nan_to_num(values)).sum(axis=0) / weights.sum(axis=0)


@corrected_average.mistake(
    "rows with a gap are left out altogether",
    "One missing entry costs you the whole row. Each column has an average of its own: what is missing in one was perhaps seen in another.",
)
def drops_rows(values, beta):
    average = np.zeros_like(values[0])
    whole = values[~np.isnan(values).any(axis=1)]
    for value in whole:
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** len(whole))


@corrected_average.mistake(
    "the last value fills the gaps",
    "Where something is missing you take in the value before it once more, which so counts twice. A missing value should not count at all.",
)
def filled_forward(values, beta):
    average, last = np.zeros_like(values[0]), np.full_like(values[0], np.nan)
    count = np.zeros(values.shape[1])
    for value in values:
        last = np.where(np.isnan(value), last, value)
        known = ~np.isnan(last)
        average = np.where(known, beta * average + (1 - beta) * last, average)
        count += known
    return average / (1 - beta**count)


@corrected_average.mistake(
    "one missing value spoils the column",
    "A sum with nan is nan, and stays it from then on. Find out where something was seen (np.isnan) before you add.",
)
def spreads(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** len(values))


@corrected_average.mistake(
    "the bias is not corrected",
    "Your average still contains the zero that it started from. After one value it should be that value: is it?",
)
def uncorrected(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average


@corrected_average.mistake(
    "the correction is one step late",
    "You divide as if one more value had been seen. How many factors beta does the zero at the start carry after n values?",
)
def one_late(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average / (1 - beta ** (1 + (~np.isnan(values)).sum(axis=0)))


@corrected_average.mistake(
    "beta and 1 - beta have changed places in the correction",
    "The weights in your sum belong to beta, but the correction you divide by is made from 1 - beta. (One of the lectures "
    "misprints it so.) What do your weights add up to?",
)
def misprinted(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average / (1 - (1 - beta) ** (~np.isnan(values)).sum(axis=0))


@corrected_average.mistake(
    "the correction is multiplied",
    "The uncorrected average is too small. Your correction makes it smaller still.",
)
def multiplied(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average * (1 - beta ** (~np.isnan(values)).sum(axis=0))


@corrected_average.mistake(
    "the oldest value counts most",
    "Your weights are in the wrong order. A running average is meant to follow the newest values.",
)
def reversed_weights(values, beta):
    average = np.zeros_like(values[0])
    for value in values[::-1]:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average / (1 - beta ** (~np.isnan(values)).sum(axis=0))


@corrected_average.mistake(
    "all values count alike",
    "That is the plain mean of what was seen. A running average forgets: each value counts beta times less than the one after it.",
)
def plain_mean(values, beta):
    return np.nanmean(values, axis=0)


@corrected_average.mistake(
    "the average starts at the first value, uncorrected",
    "Your average begins with the first value, so that one counts for all that came before it. Here it begins at zero, and the zero "
    "is made up for at the end.",
)
def starts_at_first(values, beta):
    average = np.full_like(values[0], np.nan)
    for value in values:
        new = np.where(np.isnan(average), value, beta * average + (1 - beta) * value)
        average = np.where(np.isnan(value), average, new)
    return average


@corrected_average.mistake(
    "the correction is applied at every value",
    "You correct inside the loop, so the next value is averaged with a number that was corrected already. Once, at the end, is "
    "enough.",
)
def corrected_in_the_loop(values, beta):
    average, count = np.zeros_like(values[0]), np.zeros(values.shape[1])
    for value in values:
        count += ~np.isnan(value)
        new = (beta * average + (1 - beta) * value) / (1 - beta**count)
        average = np.where(np.isnan(value), average, new)
    return average


@corrected_average.mistake(
    "beta weighs the new value",
    "In your average beta belongs to the new value and 1 - beta to the old average. It is the other way round: beta says how much "
    "is kept.",
)
def beta_for_new(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, (1 - beta) * average + beta * value)
    return average / (1 - beta ** (~np.isnan(values)).sum(axis=0))


@corrected_average.mistake(
    "the exponent counts what was seen in all columns",
    "You count the values of the whole array, and correct every column by that number. What is missing in one column says nothing about another: how many values has each one seen?",
)
def counts_everything(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = np.where(np.isnan(value), average, beta * average + (1 - beta) * value)
    return average / (1 - beta ** (~np.isnan(values)).sum())


# --- adam_step ---------------------------------------------------------------------------------------------------


def _adam_step(theta, grad, m, s, t, lr, beta1, beta2, eps):
    theta, state = Adam(lr, beta1, beta2, eps).step(theta, grad, Moments(m, s, t - 1))
    return theta, state.m, state.s


adam_step = Key(_adam_step)


@adam_step.mistake(
    "the bias is not corrected",
    "Both averages start at zero and are too small at first. What makes up for that? It is a different factor for each.",
)
def no_correction(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (np.sqrt(s) + eps), m, s


@adam_step.mistake(
    "epsilon is inside the root",
    "You add epsilon to the average of squares before the root is taken. There it means something else: the smallest "
    "denominator is its root.",
)
def eps_inside(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + eps), m, s


@adam_step.mistake(
    "epsilon is added before the correction",
    "Your epsilon is corrected together with the root, as in the fast form of the paper. Here it is added last.",
)
def eps_hat(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) * np.sqrt(1 - beta2**t) / (np.sqrt(s) + eps), m, s


@adam_step.mistake(
    "the corrected averages are handed on",
    "The step is right, but you return the corrected averages. The next step would correct them once more: keep the raw ones.",
)
def hands_on_corrected(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = (beta1 * m + (1 - beta1) * grad) / (1 - beta1**t)
    s = (beta2 * s + (1 - beta2) * grad**2) / (1 - beta2**t)
    return theta - lr * m / (np.sqrt(s) + eps), m, s


@adam_step.mistake(
    "the count of the steps is off by one",
    "Your correction is that of the step after this one. t counts the gradients that the averages have seen, this one included.",
)
def off_by_one(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    m_hat, s_hat = m / (1 - beta1 ** (t + 1)), s / (1 - beta2 ** (t + 1))
    return theta - lr * m_hat / (np.sqrt(s_hat) + eps), m, s


@adam_step.mistake(
    "the root is missing",
    "You divide by an average of squares. Then doubling all gradients halves the step; with the right denominator it changes "
    "nothing. What brings squares back to the size of gradients?",
)
def no_root(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) / (s / (1 - beta2**t) + eps), m, s


@adam_step.mistake(
    "the two decays have changed places",
    "beta1 belongs to the average of the gradients, beta2 to the average of their squares.",
)
def swapped_betas(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta2 * m + (1 - beta2) * grad
    s = beta1 * s + (1 - beta1) * grad**2
    return theta - lr * m / (1 - beta2**t) / (np.sqrt(s / (1 - beta1**t)) + eps), m, s


@adam_step.mistake(
    "the raw gradient is divided",
    "The step uses the newest gradient over the root: that is RMSProp with a correction. Which average belongs above the line?",
)
def raw_gradient(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * grad / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "only the first average is corrected",
    "You corrected m and left s as it is. Both start at zero.",
)
def corrects_m_only(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(s) + eps), m, s


@adam_step.mistake(
    "only the average of squares is corrected",
    "You corrected s and left m as it is. Both start at zero.",
)
def corrects_s_only(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "the step goes uphill",
    "Your step adds what should be subtracted: m points the way in which the loss grows.",
)
def adam_uphill(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta + lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "the averages come back in the wrong order",
    "The numbers are right, but m and s have changed places in what you return.",
)
def swapped_results(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), s, m


@adam_step.mistake(
    "s is a variance",
    "You squared the gradient's distance from its average. s averages the squares of the gradients themselves: the mean is not "
    "subtracted.",
)
def variance(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * (grad - m) ** 2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "epsilon is added to the quotient",
    "Without brackets around the whole denominator, epsilon is added after the division and moves every parameter.",
)
def missing_brackets(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return theta - lr * (m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "the gradient is not squared",
    "Your s averages the gradients themselves, so it can be negative. Of which numbers is it the average?",
)
def not_squared(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "epsilon stands outside the bracket",
    "A division comes before an addition: without brackets around the root and epsilon, only the root divides.",
)
def eps_after_division(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - (lr * m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adam_step.mistake(
    "the corrections have no power",
    "You divide by 1 - beta1 and 1 - beta2 whatever the number of the step. That is right for the first step only.",
)
def corrections_without_power(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1) / (np.sqrt(s / (1 - beta2)) + eps), m, s


@adam_step.mistake(
    "beta and 1 - beta have changed places in the corrections",
    "Your corrections are made from the powers of 1 - beta. (One of the lectures misprints it so.) What is the weight of the zero at the "
    "start after t steps?",
)
def misprinted_corrections(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - (1 - beta1) ** t) / (np.sqrt(s / (1 - (1 - beta2) ** t)) + eps), m, s


@adam_step.mistake(
    "theta is returned last",
    "The numbers are right, but theta comes first, then m, then s.",
)
def theta_last(theta, grad, m, s, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return m, s, theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)


# --- after_restart: what the weights of each average add up to, over what it is divided by ------------------------


def _after_restart(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j))
    second = (1 - beta2**j) / (1 - beta2 ** (k + j))
    return first / np.sqrt(second), np.sqrt(second) / first


after_restart = Key(_after_restart)


@after_restart.mistake(
    "the two cases have changed places",
    "What you return for the lost averages is right for the lost count, and the other way round. In which of the two are the averages too small for what they are divided by?",
)
def cases_swapped(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j))
    second = (1 - beta2**j) / (1 - beta2 ** (k + j))
    return np.sqrt(second) / first, first / np.sqrt(second)


@after_restart.mistake(
    "the root is missing",
    "The average of squares enters the step through its root, and so does what is wrong with it.",
)
def restart_without_root(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j))
    second = (1 - beta2**j) / (1 - beta2 ** (k + j))
    return first / second, second / first


@after_restart.mistake(
    "the root is over both",
    "Only one of the two averages stands under a root in the step.",
)
def restart_root_over_both(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j))
    second = (1 - beta2**j) / (1 - beta2 ** (k + j))
    return np.sqrt(first / second), np.sqrt(second / first)


@after_restart.mistake(
    "the other end counts as settled",
    "Your factors do not depend on k. That is right only if the run was so long that its corrections divide by 1 (and its averages have forgotten their start). "
    "How much of the zero is left after k + j steps?",
)
def settled(j, k, beta1, beta2):
    factor = (1 - beta1**j) / np.sqrt(1 - beta2**j) + 0 * k
    return factor, 1 / factor


@after_restart.mistake(
    "what goes on is taken as it was at the restart",
    "You use step k where the run has come to step k + j: what was not lost goes on with every step, the count in one case, the averages in the other.",
)
def stands_still(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1**k)
    second = (1 - beta2**j) / (1 - beta2**k)
    return first / np.sqrt(second), np.sqrt(second) / first


@after_restart.mistake(
    "the count is one step ahead",
    "You count one gradient too many: in step j after the restart, j gradients have been seen since it, the newest included.",
)
def one_ahead(j, k, beta1, beta2):
    first = (1 - beta1 ** (j + 1)) / (1 - beta1 ** (k + j + 1))
    second = (1 - beta2 ** (j + 1)) / (1 - beta2 ** (k + j + 1))
    return first / np.sqrt(second), np.sqrt(second) / first


@after_restart.mistake(
    "the two decays have changed places",
    "beta1 belongs to the average of the gradients, above the line; beta2 to that of their squares, below it.",
)
def restart_decays_swapped(j, k, beta1, beta2):
    first = (1 - beta2**j) / (1 - beta2 ** (k + j))
    second = (1 - beta1**j) / (1 - beta1 ** (k + j))
    return first / np.sqrt(second), np.sqrt(second) / first


@after_restart.mistake(
    "only the average of squares is wrong",
    "You left out what happens to the average of the gradients. It is lost, or corrected by the wrong count, just as the other one.",
)
def second_alone(j, k, beta1, beta2):
    second = (1 - beta2**j) / (1 - beta2 ** (k + j)) + 0 * beta1
    return 1 / np.sqrt(second), np.sqrt(second)


@after_restart.mistake(
    "only the average of gradients is wrong",
    "You left out what happens to the average of squares. It is lost, or corrected by the wrong count, just as the other one, and it stands below the line.",
)
def first_alone(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j)) + 0 * beta2
    return first, 1 / first


@after_restart.mistake(
    "the lost averages are not corrected",
    "The lost count is right. With the averages lost you say how long a step is without any correction; but the count goes on, so something is still divided by. By what?",
)
def lost_uncorrected(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j))
    second = (1 - beta2**j) / (1 - beta2 ** (k + j))
    return (1 - beta1**j) / np.sqrt(1 - beta2**j), np.sqrt(second) / first


@after_restart.mistake(
    "the averages' own weights are forgotten",
    "You compare two corrections with each other, as if the averages were right in both cases. What do the weights of the averages add up to?",
)
def corrections_alone(j, k, beta1, beta2):
    kept = np.sqrt(1 - beta2 ** (k + j)) / (1 - beta1 ** (k + j))
    lost = np.sqrt(1 - beta2**j) / (1 - beta1**j)
    return kept, lost


@after_restart.mistake(
    "one is subtracted",
    "That is by which part the steps are too long. The question asks how many times as long they are.",
)
def restart_by_which_part(j, k, beta1, beta2):
    first = (1 - beta1**j) / (1 - beta1 ** (k + j))
    second = (1 - beta2**j) / (1 - beta2 ** (k + j))
    return first / np.sqrt(second) - 1, np.sqrt(second) / first - 1


# --- adamw_step --------------------------------------------------------------------------------------------------


def _adamw_step(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    theta, state = AdamW(lr, beta1, beta2, eps, weight_decay).step(theta, grad, Moments(m, s, t - 1))
    return theta, state.m, state.s


adamw_step = Key(_adamw_step)


def _with_decay(adam):
    """AdamW made of someone's step of Adam."""

    def step(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
        new, m, s = adam(theta, grad, m, s, t, lr, beta1, beta2, eps)
        return new - lr * weight_decay * theta, m, s

    return step


adamw_step.build_on("adam.adam_step", adam_step, _with_decay)


@adamw_step.mistake(
    "all three faults are still there",
    "It behaves as your friend's does. Take one step by hand, from averages at zero, and compare line by line: s first.",
)
def all_three(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * m**2
    root = np.sqrt(s) / (1 - beta2**t)
    return theta - lr * (m / (1 - beta1**t) + weight_decay * theta) / (root + eps), m, s


@adamw_step.mistake(
    "s averages the squares of an average",
    "One fault is left, in what is averaged. Let the gradients alternate between 1 and -1: how large have they been, and how large does your s say they were?",
)
def squares_of_m(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * m**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return (1 - lr * weight_decay) * theta - step, m, s


@adamw_step.mistake(
    "the correction of s stands outside the root",
    "One fault is left, in a correction. By what does the bias of s reach the denominator? With a constant gradient and without epsilon, every step should be as long as the rate.",
)
def corrected_outside(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s) / (1 - beta2**t) + eps)
    return (1 - lr * weight_decay) * theta - step, m, s


@adamw_step.mistake(
    "two faults are left: what s averages, and a correction",
    "The decay is mended. Both faults that are left have to do with s: what goes into it, and how its start is made up for.",
)
def without_scaled_decay(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * m**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s) / (1 - beta2**t) + eps)
    return (1 - lr * weight_decay) * theta - step, m, s


@adamw_step.mistake(
    "two faults are left: what s averages, and the decay",
    "The corrections are mended. Look at what goes into s, and at what the decay is divided by.",
)
def without_correction_fault(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * m**2
    above = m / (1 - beta1**t) + weight_decay * theta
    return theta - lr * above / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adamw_step.mistake(
    "two faults are left: a correction, and the decay",
    "The averages are mended. Look at how the start of s is made up for, and at what the decay is divided by.",
)
def without_average_fault(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    root = np.sqrt(s) / (1 - beta2**t)
    return theta - lr * (m / (1 - beta1**t) + weight_decay * theta) / (root + eps), m, s


@adamw_step.mistake(
    "the decay goes through the averages",
    "You added the decay to the gradient. That is an L2 penalty: it is averaged and divided by the root like everything else. "
    "In AdamW it goes around both.",
)
def penalty(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    grad = grad + weight_decay * theta
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adamw_step.mistake(
    "the decay is divided by the root",
    "The averages are right, but the decay stands in the numerator with the gradient's average and is scaled with it. Then a "
    "weight with large gradients hardly decays.",
)
def scaled_decay(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    above = m / (1 - beta1**t) + weight_decay * theta
    return theta - lr * above / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adamw_step.mistake(
    "the decay ignores the rate",
    "Your weights lose the fraction weight_decay each step, whatever the rate. Here the rate multiplies the decay as well.",
)
def rateless_decay(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return (1 - weight_decay) * theta - step, m, s


@adamw_step.mistake(
    "the new parameters decay instead of the old ones",
    "You take the step first and shrink the result, step included. What decays is theta before the step.",
)
def decays_afterwards(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return (1 - lr * weight_decay) * (theta - step), m, s


@adamw_step.mistake(
    "the weights grow",
    "The sign of your decay is wrong: it pushes the parameters away from zero.",
)
def grows(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return (1 + lr * weight_decay) * theta - step, m, s


@adamw_step.mistake(
    "there is no decay",
    "weight_decay plays no part in your step: this is Adam.",
)
def no_decay(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


@adamw_step.mistake(
    "weight_decay is taken for the factor that remains",
    "You multiply theta by weight_decay. It says how much goes, not how much stays. (One of the lectures uses one letter for both.)",
)
def factor_for_decay(theta, grad, m, s, t, lr, beta1, beta2, eps, weight_decay):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * grad**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return weight_decay * theta - step, m, s


# --- size_after: the q-th root of the average of q-th powers, the largest term taken out --------------------------


def _size_after(s, grad, beta2, q):
    kept, new = beta2 * s, np.abs(grad)
    largest = np.maximum(kept, new)
    scale = np.where(largest > 0, largest, 1)
    return scale * ((kept / scale) ** q + (1 - beta2**q) * (new / scale) ** q) ** (1 / q)


size_after = Key(_size_after)


@size_after.mistake(
    "the powers leave the range of numbers",
    "The formula is right, and works while its powers are numbers: they overflow, or become 0, long before the result does. The result grows in step with the sizes; what could you divide by first, and multiply with at the end?",
)
def naive(s, grad, beta2, q):
    return (beta2**q * s**q + (1 - beta2**q) * np.abs(grad) ** q) ** (1 / q)


@size_after.mistake(
    "the largest size is not the largest term",
    "You divide by the larger of s and |grad|. But the old size is faded: for a large q its power of beta2 becomes 0 by itself, although the old size is what remains. Which of the two terms is the larger one?",
)
def scaled_by_size(s, grad, beta2, q):
    scale = np.maximum(s, np.abs(grad))
    scale = np.where(scale > 0, scale, 1)
    return scale * (beta2**q * (s / scale) ** q + (1 - beta2**q) * (np.abs(grad) / scale) ** q) ** (1 / q)


@size_after.mistake(
    "the old size is divided by, always",
    "You divide by the old size. That helps while the old term is the larger one; where the new gradient is, its power still overflows. Which of the two terms is to become 1?",
)
def scaled_by_old(s, grad, beta2, q):
    scale = np.where(s > 0, s, 1)
    return scale * (beta2**q * (s / scale) ** q + (1 - beta2**q) * (np.abs(grad) / scale) ** q) ** (1 / q)


@size_after.mistake(
    "zero is divided by zero",
    "Where there has been no gradient yet, the largest term is 0, and you divide by it.",
)
def zero_by_zero(s, grad, beta2, q):
    kept, new = beta2 * s, np.abs(grad)
    scale = np.maximum(kept, new)
    return scale * ((kept / scale) ** q + (1 - beta2**q) * (new / scale) ** q) ** (1 / q)


@size_after.mistake(
    "the powers fade by beta2",
    "Your powers fade by beta2 a step, so that their root fades by less and less as q grows, and in the limit never. By what must a power fade for its root to fade by beta2?",
)
def fades_by_beta2(s, grad, beta2, q):
    kept, new = s, np.abs(grad)
    scale = np.maximum(np.maximum(kept, new), 1e-300)
    return scale * (beta2 * (kept / scale) ** q + (1 - beta2) * (new / scale) ** q) ** (1 / q)


@size_after.mistake(
    "the new power has the weight 1 - beta2",
    "Your two weights do not add up to 1: where the size stays the same, the average should stay the same. What is left beside beta2 to the power q?",
)
def unbalanced(s, grad, beta2, q):
    kept, new = beta2 * s, np.abs(grad)
    scale = np.maximum(np.maximum(kept, new), 1e-300)
    return scale * ((kept / scale) ** q + (1 - beta2) * (new / scale) ** q) ** (1 / q)


@size_after.mistake(
    "the new power has the weight 1",
    "You add the new power in full. Where the size stays the same, the average should stay the same: do your weights add up to 1?",
)
def sum_of_powers(s, grad, beta2, q):
    kept, new = beta2 * s, np.abs(grad)
    scale = np.maximum(np.maximum(kept, new), 1e-300)
    return scale * ((kept / scale) ** q + (new / scale) ** q) ** (1 / q)


@size_after.mistake(
    "the q-th root is missing",
    "You return an average of powers. A size has the unit of a gradient: double all gradients, and it doubles.",
)
def no_qth_root(s, grad, beta2, q):
    return beta2**q * s**q + (1 - beta2**q) * np.abs(grad) ** q


@size_after.mistake(
    "the square root is taken",
    "You take a square root of powers that are not squares. It is right for q = 2 alone.",
)
def square_root(s, grad, beta2, q):
    return np.sqrt(beta2**q * s**q + (1 - beta2**q) * np.abs(grad) ** q)


@size_after.mistake(
    "s is taken for an average of powers",
    "You use s as if it were the average of powers. It is its root: what went in as a size has to be made a power again.",
)
def not_a_power(s, grad, beta2, q):
    return (beta2**q * s + (1 - beta2**q) * np.abs(grad) ** q) ** (1 / q)


@size_after.mistake(
    "the sign of the gradient is kept",
    "For an odd q your powers keep the sign of the gradient, and for a q between whole numbers there is no power at all. What is measured is a size.",
)
def signed_powers(s, grad, beta2, q):
    return (beta2**q * s**q + (1 - beta2**q) * grad**q) ** (1 / q)


@size_after.mistake(
    "it is the maximum for every q",
    "You return the limit, as AdaMax has it. For q = 2 it should be the root of an average of squares.",
)
def the_limit(s, grad, beta2, q):
    return np.maximum(beta2 * s, np.abs(grad)) + 0 * q


@size_after.mistake(
    "sizes are averaged, not powers",
    "Your result does not depend on q: you average the sizes themselves.",
)
def average_of_sizes(s, grad, beta2, q):
    return beta2 * s + (1 - beta2) * np.abs(grad) + 0 * q


@size_after.mistake(
    "the two weights have changed places",
    "The new power has beta2 to the power q in your average, the old one the rest. beta2 says what is kept.",
)
def weights_swapped(s, grad, beta2, q):
    return ((1 - beta2**q) * s**q + beta2**q * np.abs(grad) ** q) ** (1 / q)


# --- turned: steps in the valley that lies at 45 degrees, over steps in the one along the axes --------------------


def steps_needed(optimizer, angle: float, most: int = 20_000) -> int:
    """Steps until the loss in a valley with condition number 100, turned by ``angle`` (radians), is a millionth of the first."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    hessian, theta = turn @ np.diag([1.0, 100.0]) @ turn.T, turn @ np.ones(2)
    state = optimizer.init(theta)
    target = 1e-6 * theta @ hessian @ theta
    for t in range(1, most + 1):
        theta, state = optimizer.step(theta, hessian @ theta, state)
        if theta @ hessian @ theta <= target:
            return t
    raise ValueError(f"more than {most} steps")


def ratio(optimizer, angle: float = np.pi / 4) -> float:
    """How many times as many steps it takes in the turned valley."""
    return steps_needed(optimizer, angle) / steps_needed(optimizer, 0.0)


turned = Key(10.48)  # ratio(Adam(0.01)); the tests measure it again, and the mistakes' numbers too

turned.mistake(
    "the ratio is upside down",
    "You divided the other way round: steps in the turned valley over steps in the one along the axes.",
)(0.095)
turned.mistake(
    "both valleys take the same number of steps",
    "One is what gradient descent gives, and also Adam when the start was not turned along with the valley. Turn both, and "
    "measure with your adam_step.",
)(1.0)
turned.mistake(
    "the averages were not corrected",
    "This is what Adam without its bias correction gives. Does your loop count t from 1 and hand it on?",
)(19.69)
turned.mistake(
    "the angle was in degrees",
    "np.cos and np.sin want radians.",
)(9.64)
turned.mistake(
    "a number of steps, not a ratio",
    "That looks like how many steps the turned valley takes. Divide by the steps in the valley along the axes.",
)(2818)

KEYS = {
    "adam.corrected_average": corrected_average,
    "adam.adam_step": adam_step,
    "adam.after_restart": after_restart,
    "adam.adamw_step": adamw_step,
    "adam.size_after": size_after,
    "adam.turned": turned,
}
