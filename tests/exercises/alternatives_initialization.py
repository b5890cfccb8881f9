"""Right answers to the initialization assignment, written in other ways than the reference."""

import math

import numpy as np


def fans_by_sizes(w, groups, stride, gain):
    window = w[0, 0].size
    return w[0].size, w.shape[0] * window / (groups * stride ** len(w.shape[2:])), gain * w[0].size ** -0.5


def fans_looped(w, groups, stride, gain):
    d_in, d_out = w.shape[1], w.shape[0] / groups
    for k in w.shape[2:]:
        d_in, d_out = d_in * k, d_out * k / stride
    return [d_in, d_out, np.sqrt(gain**2 / d_in)]


def weights_by_bounds(raw, gain, share, uniform):
    d_in, d_out = raw[0].size, raw[:, 0].size
    variance = gain**2 / (d_in + share * (d_out - d_in))
    if not uniform:
        return raw * math.sqrt(variance)
    bound = math.sqrt(3 * variance)
    return -bound + 2 * bound * raw


def weights_by_interpolation(raw, gain, share, uniform):
    fan = np.interp(share, [0, 1], [raw[0].size, raw[:, 0].size]).item()
    z = raw if not uniform else (raw - 0.5) * 12**0.5
    return z * gain / fan**0.5


def cut_by_integration(std, cut):
    z = np.linspace(-min(cut, 12), min(cut, 12), 200_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    step = z[1] - z[0]

    def simpson(f):
        return step / 3 * (f[0] + f[-1] + 4 * f[1:-1:2].sum() + 2 * f[2:-1:2].sum())

    kept = simpson(density)
    sigma = std / np.sqrt(simpson(z**2 * density) / kept)
    return sigma, cut * sigma, kept


def cut_with_numpy(std, cut):
    kept = 2 * (0.5 * (1 + math.erf(cut / np.sqrt(2))) - 0.5)
    left = (kept - cut * np.sqrt(2 / np.pi) * np.exp(-cut * cut / 2)) / kept
    sigma = std * left**-0.5
    return [sigma, sigma * cut, kept]


def sizes_looped(widths, stds, slope, start):
    forward, back = [], [1.0]
    mean_square = start
    for d, s in zip(widths, stds, strict=False):
        z = d * s * s * mean_square
        forward.append(z)
        mean_square = z / 2 + slope * slope * z / 2
    for k in range(len(stds) - 1, 0, -1):
        back.insert(0, back[0] * widths[k + 1] * stds[k] ** 2 * (1 + slope**2) / 2)
    return np.array(forward), np.array(back)


def sizes_by_logs(widths, stds, slope, start):
    half = math.log((1 + slope**2) / 2)
    strength = np.log(widths[:-1]) + 2 * np.log(stds)
    forward = math.log(start) + np.cumsum(strength) + half * np.arange(len(stds))
    down = np.log(widths[2:]) + 2 * np.log(stds[1:]) + half
    back = np.append(np.cumsum(down[::-1])[::-1], 0.0)
    return [np.exp(forward), np.exp(back)]


def calibrated_by_var(w1, w2, x):
    z1 = x @ w1.T
    s1 = np.sqrt(z1.var(axis=0).mean())
    h = np.tanh((z1 - z1.mean(axis=0)) / s1)
    z2 = h @ w2.T
    s2 = np.sqrt(z2.var(axis=0).mean())
    return w1 / s1, -z1.mean(axis=0) / s1, w2 / s2, -z2.mean(axis=0) / s2


def calibrated_looped(w1, w2, x):
    out, h = [], x
    for w in (w1, w2):
        mean = w @ h.mean(axis=0)
        centred = h @ w.T - mean
        scale = 1 / np.sqrt(np.mean(centred * centred))
        out += [scale * w, -scale * mean]
        h = np.tanh(scale * centred)
    return out


def clip_looped(gw, gb, c):
    total_w, total_b, norms = np.zeros_like(gw[0]), np.zeros_like(gb[0]), []
    for a, b in zip(gw, gb, strict=True):
        norm = np.linalg.norm(np.append(a.ravel(), b))
        factor = c / norm if norm > c else 1.0
        total_w, total_b = total_w + factor * a, total_b + factor * b
        norms.append(norm)
    return total_w / len(gw), total_b / len(gw), np.array(norms)


def clip_by_einsum(gw, gb, c):
    flat = np.concatenate([gw.reshape(len(gw), -1), gb], axis=1)
    norms = np.linalg.norm(flat, axis=1)
    factors = np.ones_like(norms)
    factors[norms > c] = c / norms[norms > c]
    mean = factors @ flat / len(flat)
    return [mean[: gw[0].size].reshape(gw[0].shape), mean[gw[0].size :], norms]


ALTERNATIVES = {
    "initialization.layer_fans": [fans_by_sizes, fans_looped],
    "initialization.weights_from": [weights_by_bounds, weights_by_interpolation],
    "initialization.before_the_cut": [cut_by_integration, cut_with_numpy],
    "initialization.sizes_by_depth": [sizes_looped, sizes_by_logs],
    "initialization.calibrated": [calibrated_by_var, calibrated_looped],
    "initialization.clip_examples": [clip_looped, clip_by_einsum],
}
