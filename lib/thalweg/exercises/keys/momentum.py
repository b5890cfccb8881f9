"""The momentum assignment, as it is judged: the references and the mistakes that students make.

Each mistake is a complete answer in plain NumPy, so that it can be pasted into a notebook and graded like one.
"""

import numpy as np

from thalweg.minimize import minimize
from thalweg.numpy import Momentum, Nesterov, contraction
from thalweg.surfaces import bowl

from ..judge import OVERWRITTEN, OVERWRITTEN_HINT, Key

# --- heavy_ball: v' = rho v + g, theta' = theta - lr v' ---------------------------------------------------------

heavy_ball = Key(lambda theta, grad, v, lr, rho: Momentum(lr, rho).step(theta, grad, v))


@heavy_ball.mistake(
    "the step goes uphill",
    "The gradient points in the direction in which the loss grows fastest. Which way should the ball roll?",
)
def uphill(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta + lr * v, v


@heavy_ball.mistake(
    "the step uses the old velocity",
    "The new gradient has to count in this very step. With which of the two velocities do you move?",
)
def old_velocity(theta, grad, v, lr, rho):
    return theta - lr * v, rho * v + grad


@heavy_ball.mistake(
    "the velocity is a running mean",
    "You weigh the new gradient with 1 - rho. That is an average; this velocity is a sum, which is why it can grow to "
    "1/(1 - rho) times the gradient.",
)
def running_mean(theta, grad, v, lr, rho):
    v = rho * v + (1 - rho) * grad
    return theta - lr * v, v


@heavy_ball.mistake(
    "the velocity is computed but the step ignores it",
    "Your velocity is right, but theta moves along the bare gradient: that is gradient descent. What should carry the ball?",
)
def ignores_velocity(theta, grad, v, lr, rho):
    return theta - lr * grad, rho * v + grad


@heavy_ball.mistake(
    "the rate is inside the velocity",
    "This is the other convention: your velocity is lr times the one asked for. The path is the same while lr is "
    "constant, but here the rate belongs in the step, not in the velocity.",
)
def rate_inside(theta, grad, v, lr, rho):
    v = rho * v + lr * grad
    return theta - v, v


@heavy_ball.mistake(
    "the rate is applied twice",
    "The rate scales the gradient on its way into the velocity and then the step once more. Once is enough: where?",
)
def rate_twice(theta, grad, v, lr, rho):
    v = rho * v + lr * grad
    return theta - lr * v, v


@heavy_ball.mistake(
    "the velocity is forgotten between steps",
    "Each step starts again from rest: the old velocity has no influence on yours. What is v good for?",
)
def forgets(theta, grad, v, lr, rho):
    v = grad
    return theta - lr * v, v


@heavy_ball.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def in_place(theta, grad, v, lr, rho):
    v *= rho
    v += grad
    theta -= lr * v
    return theta, v


@heavy_ball.mistake(
    "the velocity points downhill",
    "Your velocity is minus lr times the one asked for: it gathers steps, and theta adds it. The path is the same, but here v gathers "
    "gradients, and both the sign and the rate belong in the step.",
)
def heavy_ball_downhill(theta, grad, v, lr, rho):
    v = rho * v - lr * grad
    return theta + v, v


@heavy_ball.mistake(
    "it is Nesterov's step",
    "Your step is the gradient and rho times the new velocity: that is Nesterov's method. The heavy ball moves by the velocity itself.",
)
def heavy_ball_nesterov(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * (grad + rho * v), v


# --- velocity: the weight of g_k is the product of the rhos after it ----------------------------------------------


def _weights(rhos):
    """The product of rhos[k + 1:] for each k: all that friction has left of a gradient."""
    return np.append(np.cumprod(rhos[:0:-1])[::-1], 1.0)


def _velocity(grads, rhos):
    weights = _weights(rhos)
    return weights, (weights @ grads).astype(grads.dtype)


velocity = Key(_velocity)


@velocity.mistake(
    "every weight has one factor too many",
    "Even the newest gradient is damped in your sum. How often has it been multiplied by a momentum at the moment it arrives?",
)
def one_factor_too_many(grads, rhos):
    weights = np.cumprod(rhos[::-1])[::-1]
    return weights, weights @ grads


@velocity.mistake(
    "a gradient is damped by what came before it",
    "Your weights multiply the momenta up to each gradient, so the oldest one counts most. A gradient is damped by the steps that follow it.",
)
def damped_by_the_past(grads, rhos):
    weights = np.cumprod(np.append(1.0, rhos[1:]))
    return weights, weights @ grads


@velocity.mistake(
    "the momenta are shifted by one step",
    "The newest gradient has the weight 1, as it should, but the others are damped by their own step's momentum, and not by that of the step after. "
    "Which step is the first that damps g_0?",
)
def shifted(grads, rhos):
    weights = np.append(np.cumprod(rhos[:-1][::-1])[::-1], 1.0)
    return weights, weights @ grads


@velocity.mistake(
    "one momentum is used for all steps",
    "Your weights are powers of the last momentum, as for a constant one. Each step has its own: which of them has a gradient lived through?",
)
def powers_of_the_last(grads, rhos):
    weights = rhos[-1] ** np.arange(len(rhos))[::-1]
    return weights, weights @ grads


@velocity.mistake(
    "only the next step damps a gradient",
    "Each of your weights is a single momentum. A gradient is damped again by every step that follows it.",
)
def only_the_next(grads, rhos):
    weights = np.append(rhos[1:], 1.0)
    return weights, weights @ grads


@velocity.mistake(
    "the weights are made to add up to 1",
    "You divided by the sum of the weights, which makes a mean. The velocity is a sum, and its weights may well add up to 10.",
)
def normalised(grads, rhos):
    weights = _weights(rhos)
    weights = weights / weights.sum()
    return weights, weights @ grads


@velocity.mistake(
    "the velocity is a running mean",
    "Each of your gradients enters with 1 minus the momentum of its step. Here it enters in full.",
)
def running_means(grads, rhos):
    weights = _weights(rhos) * (1 - rhos)
    return weights, weights @ grads


@velocity.mistake(
    "the newest gradient comes first",
    "Your weights are in the order of age, the newest first, while the rows of grads are oldest first.",
)
def newest_first(grads, rhos):
    weights = _weights(rhos)[::-1]
    return weights, weights @ grads


@velocity.mistake(
    "a momentum of 0 gives no number",
    "For ordinary momenta you are right. But you divide by a product of momenta, and after a momentum of 0, or after very many, that is 0/0. Multiply from "
    "the newest gradient backwards, and there is nothing to divide.",
)
def divides(grads, rhos):
    products = np.cumprod(rhos)
    weights = products[-1] / products
    return weights, weights @ grads


# --- look_ahead: v' = rho v + grad(theta - lr rho v), theta' = theta - lr v' ------------------------------------


def _look_ahead(theta, grad, v, lr, rho):
    v = rho * v + grad(theta - lr * rho * v)
    return theta - lr * v, v


look_ahead = Key(_look_ahead)


@look_ahead.mistake(
    "there is no look-ahead",
    "You take the gradient where you stand, which is the heavy ball. Nesterov first asks where the velocity will carry it.",
)
def no_look_ahead(theta, grad, v, lr, rho):
    v = rho * v + grad(theta)
    return theta - lr * v, v


@look_ahead.mistake(
    "it looks back",
    "The ball moves against the velocity, so what you add lies behind you. Where is ahead?",
)
def looks_back(theta, grad, v, lr, rho):
    v = rho * v + grad(theta + lr * rho * v)
    return theta - lr * v, v


@look_ahead.mistake(
    "it looks too far ahead",
    "You look ahead by the whole velocity. Before the next gradient arrives, friction leaves only a part of it.",
)
def looks_too_far(theta, grad, v, lr, rho):
    v = rho * v + grad(theta - lr * v)
    return theta - lr * v, v


@look_ahead.mistake(
    "the old velocity is dropped from the update",
    "You use the velocity to look ahead and then forget it: the new velocity is a bare gradient. What does the ball remember?",
)
def drops_velocity(theta, grad, v, lr, rho):
    v = grad(theta - lr * rho * v)
    return theta - lr * v, v


@look_ahead.mistake(
    "it starts the step from the look-ahead point",
    "The look-ahead point is only visited to measure the gradient. The step itself starts from theta, or the old velocity "
    "counts twice.",
)
def starts_ahead(theta, grad, v, lr, rho):
    ahead = theta - lr * rho * v
    v = rho * v + grad(ahead)
    return ahead - lr * v, v


@look_ahead.mistake(
    "the rate is still inside the velocity",
    "This is the form that coasts on: its velocity was built with the rates of the steps before. Let the velocity gather bare gradients, as in exercise 1, and "
    "see where the rate has to go then.",
)
def rate_still_inside(theta, grad, v, lr, rho):
    v = rho * v + lr * grad(theta - rho * v)
    return theta - v, v


@look_ahead.mistake(
    "the step goes uphill",
    "The velocity gathers gradients, and gradients point uphill. Which way should theta move?",
)
def look_ahead_uphill(theta, grad, v, lr, rho):
    v = rho * v + grad(theta - lr * rho * v)
    return theta + lr * v, v


@look_ahead.mistake(
    "the velocity points downhill",
    "This is another convention: your velocity is the negative of the one asked for. The path is the same, but here the "
    "velocity gathers gradients and is subtracted.",
)
def downhill_velocity(theta, grad, v, lr, rho):
    v = rho * v - grad(theta + lr * rho * v)
    return theta + lr * v, v


@look_ahead.mistake(
    "the look-ahead forgets the rate",
    "The rate is out of the velocity now, and the step has it. But the velocity is no displacement any more, and you still look ahead by it as if it were: "
    "how far does it carry the ball in a step?",
)
def look_ahead_without_rate(theta, grad, v, lr, rho):
    v = rho * v + grad(theta - rho * v)
    return theta - lr * v, v


@look_ahead.mistake(
    "friction acts twice on the way ahead",
    "You damp the velocity first and then look ahead by rho times the damped one. The look-ahead point lies rho times the old velocity ahead, not rho squared.",
)
def damped_twice(theta, grad, v, lr, rho):
    v = rho * v
    v = v + grad(theta - lr * rho * v)
    return theta - lr * v, v


# --- nesterov: v' = rho v + g, theta' = theta - lr (g + rho v') -------------------------------------------------


def _nesterov(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * (grad + rho * v), v


nesterov = Key(
    lambda theta, grad, v, lr, rho: (Nesterov(lr, rho).step if rho else Momentum(lr, rho).step)(theta, grad, v)
)


@nesterov.mistake(
    "it is the heavy ball",
    "Your step is lr times the new velocity. That is the heavy ball; Nesterov's step corrects it. (Adding rho times the old "
    "velocity to the gradient gives the heavy ball too: look at which velocity you use.)",
)
def just_heavy_ball(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * v, v


@nesterov.mistake(
    "the look-ahead is not damped",
    "You add the whole new velocity to the gradient. Before the next gradient comes, friction leaves only a part of it.",
)
def undamped(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * (grad + v), v


@nesterov.mistake(
    "the gradient is missing from the step",
    "You step along rho times the new velocity. The new gradient has to count in full beside it.",
)
def gradient_missing(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * rho * v, v


@nesterov.mistake(
    "the velocity takes the place of the gradient",
    "You add the velocity and rho times the velocity, so the past counts twice. Which of the two should be the bare gradient?",
)
def velocity_twice(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta - lr * (v + rho * v), v


@nesterov.mistake(
    "the corrected direction is stored as the velocity",
    "Your step is right, but what you return as v is the step's direction. The velocity itself stays the plain sum, or the "
    "correction is applied again at every step.",
)
def stores_direction(theta, grad, v, lr, rho):
    v = rho * v + grad
    v = grad + rho * v
    return theta - lr * v, v


@nesterov.mistake(
    "the step goes uphill",
    "Gradient and velocity both point uphill. Which way should theta move?",
)
def nesterov_uphill(theta, grad, v, lr, rho):
    v = rho * v + grad
    return theta + lr * (grad + rho * v), v


@nesterov.mistake(OVERWRITTEN, OVERWRITTEN_HINT)
def nesterov_in_place(theta, grad, v, lr, rho):
    v *= rho
    v += grad
    theta -= lr * (grad + rho * v)
    return theta, v


@nesterov.mistake(
    "the rate is inside the velocity",
    "This is the other convention: your velocity is lr times the one asked for. Here the rate belongs in the step, where it "
    "scales gradient and velocity alike.",
)
def nesterov_rate_inside(theta, grad, v, lr, rho):
    v = rho * v + lr * grad
    return theta - (lr * grad + rho * v), v


@nesterov.mistake(
    "the velocity points downhill",
    "Your velocity is minus lr times the one asked for: it gathers steps, and theta adds it. The path is the same, but here v gathers "
    "gradients, and both the sign and the rate belong in the step.",
)
def nesterov_downhill(theta, grad, v, lr, rho):
    v = rho * v - lr * grad
    return theta + rho * v - lr * grad, v


@nesterov.mistake(
    "the velocity has no part in the step",
    "Your point moves along the bare gradient. That is how far the derivation comes with theta' itself; but what is asked for is the next look-ahead point, "
    "which lies a part of the new velocity ahead of it.",
)
def nesterov_comes_back(theta, grad, v, lr, rho):
    new = rho * v + grad
    return theta + lr * rho * v - lr * new, new


@nesterov.mistake(
    "it is the heavy ball in the other convention",
    "Two things at once: your velocity is minus lr times the one asked for, and theta moves by it, which is the heavy ball. Nesterov's "
    "step is made of the gradient and of rho times the new velocity.",
)
def nesterov_downhill_ball(theta, grad, v, lr, rho):
    v = rho * v - lr * grad
    return theta + v, v


# --- convergence_factor: the largest |root| of zeta^2 - (1 + rho - lr h) zeta + rho over all curvatures h -------------

convergence_factor = Key(lambda lr, rho, curvatures: np.max(contraction(lr, rho, curvatures)))


@convergence_factor.mistake(
    "it is gradient descent's factor",
    "|1 - lr h| is the factor without momentum: rho does not appear in it. Start from the two-by-two matrix.",
)
def gradient_descent_factor(lr, rho, curvatures):
    return np.max(abs(1 - lr * curvatures))


@convergence_factor.mistake(
    "the ball is assumed to oscillate everywhere",
    "sqrt(rho) is the factor where the roots are complex. Along flat directions they are real, and the larger one decides.",
)
def always_complex(lr, rho, curvatures):
    return np.sqrt(rho)


@convergence_factor.mistake(
    "the imaginary part is dropped",
    "Where the roots are complex, their size is the absolute value of a complex number, not of its real part.",
)
def real_part_only(lr, rho, curvatures):
    trace = 1 + rho - lr * curvatures
    root = np.sqrt(trace * trace - 4 * rho + 0j)
    return max(np.max(abs((trace + root).real)), np.max(abs((trace - root).real))) / 2


@convergence_factor.mistake(
    "only one of the two roots is used",
    "Each curvature has two roots. When the trace, 1 + rho - lr h, is negative, the one with the minus sign is larger, and then the steepest "
    "curvature may be the slowest. Do you look at both roots, and at every curvature?",
)
def plus_root_only(lr, rho, curvatures):
    trace = 1 + rho - lr * curvatures
    return np.max(abs(trace + np.sqrt(trace * trace - 4 * rho + 0j))) / 2


@convergence_factor.mistake(
    "the fastest direction decides",
    "You report the direction that converges fastest. The error is gone only when the slowest direction is.",
)
def fastest_direction(lr, rho, curvatures):
    trace = 1 + rho - lr * curvatures
    root = np.sqrt(trace * trace - 4 * rho + 0j)
    return np.min(np.maximum(abs(trace + root), abs(trace - root))) / 2


@convergence_factor.mistake(
    "only the steepest direction is looked at",
    "The largest curvature limits the rate, but the flattest direction is usually the slowest one. Look at all of them.",
)
def steepest_only(lr, rho, curvatures):
    trace = 1 + rho - lr * np.max(curvatures)
    root = np.sqrt(trace * trace - 4 * rho + 0j)
    return max(abs(trace + root), abs(trace - root)) / 2


@convergence_factor.mistake(
    "the roots are not halved",
    "Check the quadratic formula: its denominator is missing, so all your factors are twice as large as they should be.",
)
def not_halved(lr, rho, curvatures):
    trace = 1 + rho - lr * curvatures
    root = np.sqrt(trace * trace - 4 * rho + 0j)
    return np.max(np.maximum(abs(trace + root), abs(trace - root)))


@convergence_factor.mistake(
    "the root of a negative number is not a number",
    "Where the ball oscillates, b^2 - 4 rho is negative and np.sqrt gives nan. The roots are complex there: give np.sqrt a "
    "complex number.",
)
def not_a_number(lr, rho, curvatures):
    trace = 1 + rho - lr * curvatures
    root = np.sqrt(trace * trace - 4 * rho)
    return np.max(np.maximum(abs(trace + root), abs(trace - root))) / 2


# --- best_rho: measured, not guessed ----------------------------------------------------------------------------


def measure_best_rho(kappa=100.0, drop=1e-8):
    """The rho of 0.00, 0.01, ..., 0.99 that needs the fewest steps on the bowl at the rate 1/kappa."""
    surface, start = bowl(kappa), np.ones(2)
    target = drop * surface.value(start)
    rhos = np.arange(100) / 100
    steps = [minimize(Momentum(1 / kappa, rho), surface, start, 2500).steps_to(target) for rho in rhos]
    return rhos[int(np.argmin(steps))]


best_rho = Key(0.82)  # measure_best_rho(): the tests run it again

best_rho.mistake(
    "the usual value, not a measured one",
    "0.9 is a good habit, but here it oscillates for longer than it must. Let the loop over rho decide.",
)(0.9)
best_rho.mistake(
    "the prediction, not the measurement",
    "That is critical damping along the flat axis, by the formula; counting until the loss stays below the target gives it too. "
    "Count until the loss is at or below it for the first time: the fewest steps are needed at a slightly different rho.",
)(0.81)
best_rho.mistake(
    "the best momentum for another rate",
    "((sqrt(kappa) - 1)/(sqrt(kappa) + 1))^2 goes with the best rate. Here the rate is fixed at 1/kappa, which is smaller.",
)(0.67)
best_rho.mistake(
    "the largest momentum",
    "More momentum is not always faster: at 0.99 the ball swings through the minimum for hundreds of steps. Plot steps "
    "against rho.",
)(0.99)
best_rho.mistake(
    "a number of steps, not a momentum",
    "That looks like how many steps were needed. The question asks for the rho at which they were fewest.",
)(78)

KEYS = {
    "momentum.heavy_ball": heavy_ball,
    "momentum.velocity": velocity,
    "momentum.look_ahead": look_ahead,
    "momentum.nesterov": nesterov,
    "momentum.convergence_factor": convergence_factor,
    "momentum.best_rho": best_rho,
}
