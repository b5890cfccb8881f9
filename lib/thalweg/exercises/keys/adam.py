"""The adam assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.numpy import Adam, AdaMax, AdamW, Moments

from ..judge import Key

# --- corrected_average: (1 - beta) sum over k of beta^(T-1-k) x_k, divided by 1 - beta^T --------------------------


def _corrected_average(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** len(values))


corrected_average = Key(_corrected_average)


@corrected_average.mistake(
    "the bias is not corrected",
    "Your average still contains the zero that it started from. After one value it should be that value: is it?",
)
def uncorrected(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average


@corrected_average.mistake(
    "the correction is one step late",
    "You divide as if one more value had been seen. How many factors beta does the zero at the start carry after T values?",
)
def one_late(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** (len(values) + 1))


@corrected_average.mistake(
    "beta and 1 - beta have changed places in the correction",
    "The weights in your sum belong to beta, but the correction you divide by is made from 1 - beta. (One of the lectures "
    "misprints it so.) What do your weights add up to?",
)
def misprinted(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average / (1 - (1 - beta) ** len(values))


@corrected_average.mistake(
    "the average starts at the first value, uncorrected",
    "Your average begins with the first value, so that one counts for all that came before it. Here it begins at zero, and the zero "
    "is made up for at the end.",
)
def starts_at_first_uncorrected(values, beta):
    average = values[0]
    for value in values[1:]:
        average = beta * average + (1 - beta) * value
    return average


@corrected_average.mistake(
    "the correction is multiplied",
    "The uncorrected average is too small. Your correction makes it smaller still.",
)
def multiplied(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = beta * average + (1 - beta) * value
    return average * (1 - beta ** len(values))


@corrected_average.mistake(
    "the weights are in the wrong order",
    "Your oldest value counts most. A running average is meant to follow the newest ones.",
)
def reversed_weights(values, beta):
    weights = beta ** np.arange(len(values))
    return weights @ values / weights.sum()


@corrected_average.mistake(
    "all values count alike",
    "That is the plain mean. A running average forgets: each value counts beta times less than the one after it.",
)
def plain_mean(values, beta):
    return values.mean(axis=0)


@corrected_average.mistake(
    "it is a sum, not an average",
    "Your weights add up to more than 1, as in the velocity of momentum. Either the weight 1 - beta of a new value is missing, or you divide "
    "by it at the end: that undoes it. Where all values are equal, an average returns that value.",
)
def velocity(values, beta):
    return beta ** np.arange(len(values))[::-1] @ values


@corrected_average.mistake(
    "the correction is applied at every value",
    "You correct inside the loop, so the next value is averaged with a number that was corrected already. Once, at the end, is "
    "enough.",
)
def corrected_in_the_loop(values, beta):
    average = np.zeros_like(values[0])
    for t, value in enumerate(values, start=1):
        average = (beta * average + (1 - beta) * value) / (1 - beta**t)
    return average


@corrected_average.mistake(
    "the average starts at the first value",
    "You start from the first value and correct for a start at zero. One or the other: here the start is zero.",
)
def starts_at_first(values, beta):
    average = values[0]
    for value in values[1:]:
        average = beta * average + (1 - beta) * value
    return average / (1 - beta ** len(values))


@corrected_average.mistake(
    "beta weighs the new value",
    "In your average beta belongs to the new value and 1 - beta to the old average. It is the other way round: beta says how much "
    "is kept.",
)
def beta_for_new(values, beta):
    average = np.zeros_like(values[0])
    for value in values:
        average = (1 - beta) * average + beta * value
    return average / (1 - beta ** len(values))


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


# --- too_long: (1 - beta1^t) / sqrt(1 - beta2^t) ------------------------------------------------------------------

too_long = Key(lambda t, beta1, beta2: (1 - beta1**t) / np.sqrt(1 - beta2**t))


@too_long.mistake(
    "the ratio is upside down",
    "You computed right length over uncorrected length. Which of the two is too long?",
)
def upside_down(t, beta1, beta2):
    return np.sqrt(1 - beta2**t) / (1 - beta1**t)


@too_long.mistake(
    "the root is missing",
    "The average of squares enters the step through its root, and so does its bias.",
)
def bias_without_root(t, beta1, beta2):
    return (1 - beta1**t) / (1 - beta2**t)


@too_long.mistake(
    "the root is over both",
    "Only one of the two averages stands under a root in the step.",
)
def root_over_both(t, beta1, beta2):
    return np.sqrt((1 - beta1**t) / (1 - beta2**t))


@too_long.mistake(
    "the two decays have changed places",
    "beta1 belongs to the average of the gradients, above the line; beta2 to that of their squares, below it.",
)
def decays_swapped(t, beta1, beta2):
    return (1 - beta2**t) / np.sqrt(1 - beta1**t)


@too_long.mistake(
    "only the average of squares is biased",
    "You left out the bias of the first average. It starts at zero too, and shortens the step.",
)
def first_forgotten(t, beta1, beta2):
    return 1 / np.sqrt(1 - beta2**t) + 0 * beta1


@too_long.mistake(
    "beta and 1 - beta have changed places",
    "Your biases are made from the weights of the new value. How much of the zero at the start is left after t steps?",
)
def weights_for_decays(t, beta1, beta2):
    return (1 - (1 - beta1) ** t) / np.sqrt(1 - (1 - beta2) ** t)


@too_long.mistake(
    "one is subtracted",
    "That is by which part the steps are too long. The question asks how many times as long they are.",
)
def by_which_part(t, beta1, beta2):
    return (1 - beta1**t) / np.sqrt(1 - beta2**t) - 1


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


# --- adamax_step -------------------------------------------------------------------------------------------------


def _adamax_step(theta, grad, m, s, t, lr, beta1, beta2):
    theta, state = AdaMax(lr, beta1, beta2, eps=0.0).step(theta, grad, Moments(m, s, t - 1))
    return theta, state.m, state.s


adamax_step = Key(_adamax_step)


@adamax_step.mistake(
    "the maximum is corrected too",
    "A maximum does not average in the zero that it starts from, so it has no bias. Which of the two needs the correction?",
)
def corrects_both(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = np.maximum(beta2 * s, np.abs(grad))
    return theta - lr * m / (1 - beta1**t) / (s / (1 - beta2**t)), m, s


@adamax_step.mistake(
    "nothing is corrected",
    "The average of the gradients still starts at zero. AdaMax spares one of Adam's two corrections, not both.",
)
def corrects_nothing(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = np.maximum(beta2 * s, np.abs(grad))
    return theta - lr * m / s, m, s


@adamax_step.mistake(
    "the sign of the gradient is kept in the maximum",
    "A large negative gradient leaves no trace in your maximum. It measures sizes.",
)
def keeps_sign(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = np.maximum(beta2 * s, grad)
    return theta - lr * m / (1 - beta1**t) / s, m, s


@adamax_step.mistake(
    "the maximum never fades",
    "One large gradient would slow this coordinate down for ever. What does beta2 do to the old maximum?",
)
def never_fades(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = np.maximum(s, np.abs(grad))
    return theta - lr * m / (1 - beta1**t) / s, m, s


@adamax_step.mistake(
    "the new gradient is weighed down",
    "In your maximum the new gradient counts only 1 - beta2 times, as in an average. In a maximum it counts in full.",
)
def weighs_down(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = np.maximum(beta2 * s, (1 - beta2) * np.abs(grad))
    return theta - lr * m / (1 - beta1**t) / s, m, s


@adamax_step.mistake(
    "it is still an average",
    "You average the sizes of the gradients. AdaMax takes the larger one of the faded old value and the new size.",
)
def still_average(theta, grad, m, s, t, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * grad
    s = beta2 * s + (1 - beta2) * np.abs(grad)
    return theta - lr * m / (1 - beta1**t) / s, m, s


@adamax_step.mistake(
    "the corrected average is handed on",
    "The step is right, but you return the corrected m. The next step would correct it once more: keep the raw one.",
)
def hands_on_m_hat(theta, grad, m, s, t, lr, beta1, beta2):
    m = (beta1 * m + (1 - beta1) * grad) / (1 - beta1**t)
    s = np.maximum(beta2 * s, np.abs(grad))
    return theta - lr * m / s, m, s


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
    "adam.too_long": too_long,
    "adam.adamw_step": adamw_step,
    "adam.adamax_step": adamax_step,
    "adam.turned": turned,
}
