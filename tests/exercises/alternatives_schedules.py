"""Right answers to the assignment on schedules, written in other ways than the reference."""

import math

import numpy as np


def cosine_by_linspace(steps, lr, end):
    return end + (lr - end) * np.cos(np.linspace(0, np.pi / 2, steps)) ** 2


def cosine_step_by_step(steps, lr, end):
    rates = []
    for t in range(steps):
        u = t / (steps - 1) if steps > 1 else 0
        rates.append((lr + end) / 2 + (lr - end) / 2 * math.cos(math.pi * u))
    return rates


def stairs_by_ceil(t, n, batch, lr, every, gamma):
    updates = math.ceil(n / batch) * every
    return lr * np.power(gamma, np.floor(t / updates))


def stairs_counted_out(t, n, batch, lr, every, gamma):
    rates, lr_now, epoch = [], lr, 0
    while len(rates) <= np.max(t):
        if epoch and epoch % every == 0:
            lr_now *= gamma
        rates += [lr_now] * len(range(0, n, batch))
        epoch += 1
    return np.array(rates)[t]


def place_counted_out(t, first, growth):
    cycles, shares = [], []
    for step in np.asarray(t).tolist():
        begin, length, k = 0, first, 0
        while step >= begin + length:
            begin, length, k = begin + length, length * growth, k + 1
        cycles.append(k)
        shares.append((step - begin) / length)
    return np.array(cycles), np.array(shares)


def place_by_borders(t, first, growth):
    begins = [0]
    while begins[-1] <= np.max(t):
        begins.append(begins[-1] * growth + first)
    begins = np.array(begins)
    k = (t[:, None] >= begins).sum(axis=1) - 1
    return k.astype(float), (t - begins[k]) / np.diff(begins)[k]


def warm_up_one_by_one(t, plan, steps, start):
    rates = []
    for step in t:
        if step < steps:
            share = step / steps
            rates.append((1 - share) * start + share * plan(steps))
        else:
            rates.append(plan(step))
    return np.array(rates)


def warm_up_by_interpolation(t, plan, steps, start):
    return np.where(t < steps, np.interp(t, [0, steps], [start, plan(steps)]), plan(t)) if steps else plan(t)


def left_over_by_recursion(rates, h, sigma, start):
    of_start, of_noise = start**2, np.zeros(len(rates))
    for k, lr in enumerate(rates):
        of_start *= (1 - lr * h) ** 2
        of_noise *= (1 - lr * h) ** 2
        of_noise[k] = lr**2 * sigma**2
    return of_start, of_noise


def left_over_by_products(rates, h, sigma, start):
    return np.prod(1 - rates * h) ** 2 * start**2, [
        (lr * sigma * np.prod(1 - rates[k + 1 :] * h)) ** 2 for k, lr in enumerate(rates)
    ]


def trial_with_windows(rates, losses):
    padded = np.array(losses, dtype=float)
    smooth = padded.copy()
    for i in range(1, len(padded) - 1):
        r = 2 if 2 <= i < len(padded) - 2 else 1
        smooth[i] = sum(padded[i - r : i + r + 1]) / (2 * r + 1)
    slopes = (smooth[1:] - smooth[:-1]) / np.log(rates[1:] / rates[:-1])
    k = int(slopes.argmin())
    return smooth, math.exp((math.log(rates[k]) + math.log(rates[k + 1])) / 2), 0.1 * rates[smooth.argmin()]


def trial_in_decades(rates, losses):
    n, smooth = len(losses), []
    for i in range(n):
        r = min(2, i, n - 1 - i)
        smooth.append(np.average(losses[i - r : i + r + 1]))
    decades = np.log10(rates)
    steepest = min(range(n - 1), key=lambda i: (smooth[i + 1] - smooth[i]) / (decades[i + 1] - decades[i]))
    return smooth, 10 ** ((decades[steepest] + decades[steepest + 1]) / 2), rates[int(np.argmin(smooth))] / 10


ALTERNATIVES = {
    "schedules.cosine": [cosine_by_linspace, cosine_step_by_step],
    "schedules.stairs": [stairs_by_ceil, stairs_counted_out],
    "schedules.place": [place_counted_out, place_by_borders],
    "schedules.warm_up": [warm_up_one_by_one, warm_up_by_interpolation],
    "schedules.left_over": [left_over_by_recursion, left_over_by_products],
    "schedules.read_trial": [trial_with_windows, trial_in_decades],
}
