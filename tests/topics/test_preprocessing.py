"""Preprocessing against scikit-learn and numpy.cov, batch by batch and far from 0, in both rooms; what the chapter derives; bad input."""

import copy
import io

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

import thalweg.numpy as tn
import thalweg.torch as tt
from thalweg import data

CLOSE = {"rtol": 0, "atol": 1e-10}
TWINS = [
    *[("Standardize", {"per": per}) for per in ("feature", "channel", "all")],
    *[("Standardize", {"centre": centre, "scale": not centre}) for centre in (True, False)],
    *[("Whiten", {"kind": kind}) for kind in ("decorrelate", "PCA", "ZCA")],
    *[("Whiten", {"kind": kind, "eps": 0.1, "directions": 2}) for kind in ("decorrelate", "PCA", "ZCA")],
]
twins = pytest.mark.parametrize("name, options", TWINS, ids=str)


def cloud(n=200, d=5, seed=0, offset=3.0, dtype=float):
    """Correlated features of unequal spread, whose mean is not 0."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return (offset + rng.normal(size=(n, d)) * np.geomspace(5, 0.1, d) @ turn).astype(dtype)


def images(n=6, dtype=float, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, size=(n, 3, 4, 5)).astype(dtype)


# --- scikit-learn and numpy ------------------------------------------------------------------------------------------


def test_standardize_is_scikit_learns():
    x, new = cloud(), cloud(seed=1)
    ours, theirs = tn.Standardize().fit(x), StandardScaler().fit(x)
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), **CLOSE)
    np.testing.assert_allclose(ours.inverse(new), theirs.inverse_transform(new), **CLOSE)
    np.testing.assert_allclose(ours.std**2, theirs.var_, **CLOSE)


@pytest.mark.parametrize("sizes", [[1] * 20, [1, 7, 12], [19, 1]], ids=str)
def test_batch_by_batch_is_scikit_learns_partial_fit(sizes):
    x, ours, theirs = cloud(n=20), tn.Standardize(), StandardScaler()
    for batch in np.split(x, np.cumsum(sizes)[:-1]):
        ours, theirs = ours.updated(batch), theirs.partial_fit(batch)
    np.testing.assert_allclose(ours.mean, theirs.mean_, **CLOSE)
    np.testing.assert_allclose(ours.std**2, theirs.var_, **CLOSE)
    np.testing.assert_allclose(ours.transform(x), tn.Standardize().fit(x).transform(x), **CLOSE)


def test_whitening_is_scikit_learns_but_for_signs_and_n():
    x, new = cloud(), cloud(seed=1)
    for directions in (None, 2):
        theirs = PCA(directions, whiten=True).fit(x)
        ours = tn.Whiten(directions=directions).fit(x)
        of_n = np.sqrt(199 / 200)  # scikit-learn divides the variance by n - 1
        np.testing.assert_allclose(abs(ours.transform(new)) * of_n, abs(theirs.transform(new)), **CLOSE)
        back = ours.inverse(ours.transform(new))
        np.testing.assert_allclose(back, theirs.inverse_transform(theirs.transform(new)), **CLOSE)
        turned = tn.Whiten("decorrelate", directions=directions).fit(x).transform(new)
        np.testing.assert_allclose(abs(turned), abs(PCA(directions).fit(x).transform(new)), **CLOSE)


def test_its_covariance_is_numpys():
    x = cloud(offset=1e6)
    once, batches = tn.Whiten().fit(x), tn.Whiten()
    for batch in np.split(x, [1, 30, 31, 180]):
        batches = batches.updated(batch)
    for fitted in (once, batches):
        np.testing.assert_allclose(fitted.scatter / fitted.n, np.cov(x.T, bias=True), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize("offset", [1e8, -1e8])
def test_a_large_offset_does_no_harm(room, offset):
    """The mean of squares less the square of the mean would have lost every digit at 1e8, as squares have 16 of them there."""
    x = np.random.default_rng(0).normal(size=(1000, 3))
    far = x + offset
    naive = (far**2).mean(axis=0) - far.mean(axis=0) ** 2
    assert (abs(naive - x.var(axis=0)) > 0.1).any()
    fitted = room.Standardize()
    for batch in np.split(far, 50):
        fitted = fitted.updated(batch) if room is tn else fitted.update(torch.tensor(batch))
    np.testing.assert_allclose(np.asarray(fitted.std), x.std(axis=0), rtol=1e-6)


# --- what is promised ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PCA", "ZCA"])
def test_what_is_white_has_the_identity_for_its_covariance(kind):
    x = cloud()
    y = tn.Whiten(kind).fit(x).transform(x)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.eye(5), **CLOSE)
    np.testing.assert_allclose(y.mean(axis=0), 0, **CLOSE)


def test_zca_is_the_symmetric_one_and_the_nearest_to_its_input():
    """Of all white versions R y of x, R a rotation, ZCA's is the one with the smallest mean square distance (Kessy and others)."""
    x = cloud()
    fitted = tn.Whiten("ZCA").fit(x)
    np.testing.assert_allclose(fitted.matrices[0], fitted.matrices[0].T, **CLOSE)
    off, white = x - fitted.mean, fitted.transform(x)
    nearest = ((white - off) ** 2).sum()
    rng = np.random.default_rng(0)
    for _ in range(50):
        turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
        assert ((white @ turn.T - off) ** 2).sum() > nearest


def test_it_is_the_whitening_of_the_natural_gradient():
    x = cloud()
    for eps in (0.0, 0.3):
        U, mean = tn.whiten(x, eps)
        ours = tn.Whiten(eps=eps).fit(x)
        np.testing.assert_allclose(abs(ours.matrices[0]), abs(U[::-1]), **CLOSE)
        np.testing.assert_allclose(ours.mean, mean, **CLOSE)


def test_decorrelated_inputs_keep_their_lengths_and_lose_their_correlation():
    x = cloud()
    fitted = tn.Whiten("decorrelate").fit(x)
    y = fitted.transform(x)
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), np.linalg.norm(x - x.mean(axis=0), axis=1), **CLOSE)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.diag(fitted.principal[0]), **CLOSE)


@pytest.mark.parametrize("per, shape", [("feature", (3, 4, 5)), ("channel", (3, 1, 1)), ("all", (1, 1, 1))])
def test_what_shares_a_mean(per, shape):
    x = images()
    fitted = tn.Standardize(per).fit(x)
    axes = {"feature": 0, "channel": (0, 2, 3), "all": None}[per]
    assert fitted.mean.shape == fitted.std.shape == shape
    np.testing.assert_allclose(fitted.mean, x.mean(axis=axes, keepdims=True)[0], **CLOSE)
    np.testing.assert_allclose(fitted.std, x.std(axis=axes, keepdims=True)[0], **CLOSE)
    in_batches = tn.Standardize(per).updated(x[:1]).updated(x[1:])
    np.testing.assert_allclose(in_batches.transform(x), fitted.transform(x), **CLOSE)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3, -1e-12])
def test_a_constant_feature_becomes_zero(value, dtype):
    x = np.column_stack([cloud(n=1000)[:, 0], np.full(1000, value)]).astype(dtype)
    for room, given in ((tn, x), (tt, torch.tensor(x))):
        for per in ("feature", "channel"):
            fitted = room.Standardize(per).fit(given)
            y = np.asarray(fitted.transform(given) if room is tn else fitted(given))
            np.testing.assert_allclose(y[:, 1], 0, atol=1e-9)
    halves = tn.Standardize().updated(x[:3]).updated(x[3:])
    np.testing.assert_allclose(halves.transform(x)[:, 1], 0, atol=1e-9)
    other = halves.transform(np.array([[0.0, value + 5]], dtype=dtype))[0, 1]
    assert other == pytest.approx(5, rel=1e-5 if dtype == np.float64 else 0.01)  # it is divided by 1, not by nothing


def test_dependent_inputs_are_refused_or_dropped():
    x = cloud(d=3)
    x = np.column_stack([x, x @ [1.0, -2.0, 0.5]])
    with pytest.raises(ValueError, match=r"directions at most 3, as the inputs vary in no more, got 0\.0"):
        tn.Whiten().fit(x).transform(x)
    np.testing.assert_allclose(np.cov(tn.Whiten(directions=3).fit(x).transform(x).T, bias=True), np.eye(3), **CLOSE)
    assert np.isfinite(tn.Whiten(eps=1e-3).fit(x).transform(x)).all()
    np.testing.assert_allclose(
        tn.Whiten(directions=3).fit(x).inverse(tn.Whiten(directions=3).fit(x).transform(x)), x, atol=1e-9
    )


@twins
def test_the_way_back(name, options):
    x = cloud()
    fitted = getattr(tn, name)(**options).fit(x)
    y = fitted.transform(x)
    back = fitted.inverse(y)
    np.testing.assert_allclose(fitted.transform(back), y, **CLOSE)
    if "directions" not in options:
        np.testing.assert_allclose(back, x, **CLOSE)


# --- the twin --------------------------------------------------------------------------------------------------------


@twins
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_torch_agrees(name, options, dtype):
    x, new = cloud(dtype=dtype), cloud(seed=1, dtype=dtype)
    ours, module = getattr(tn, name)(**options), getattr(tt, name)(**options)
    for batch in (x[:1], x[1:50], x[50:]):
        ours = ours.updated(batch)
        assert module.update(torch.tensor(batch)) is module
    close = CLOSE if dtype == np.float64 else {"rtol": 1e-5, "atol": 1e-5}
    y = module(torch.tensor(new))
    assert y.numpy().dtype == ours.transform(new).dtype == dtype
    np.testing.assert_allclose(y.numpy(), ours.transform(new), **close)
    np.testing.assert_allclose(module.inverse(y).numpy(), ours.inverse(ours.transform(new)), **close)
    again = getattr(tt, name)(**options).update(torch.tensor(new)).fit(torch.tensor(x))  # what was seen before is gone
    np.testing.assert_allclose(again(torch.tensor(new)).numpy(), y.numpy(), **close)


@twins
def test_a_module_is_saved_loaded_and_copied(name, options):
    x = torch.tensor(cloud())
    module = torch.nn.Sequential(getattr(tt, name)(**options)).eval()
    module[0].fit(x)
    wanted = module(x)
    stream = io.BytesIO()
    torch.save(module.state_dict(), stream)
    stream.seek(0)
    other = torch.nn.Sequential(getattr(tt, name)(**options))
    other[0].fit(torch.tensor(cloud(d=3)))  # something else, of another size
    other.load_state_dict(torch.load(stream))
    torch.testing.assert_close(other(x), wanted, rtol=0, atol=0)
    torch.testing.assert_close(copy.deepcopy(module)(x), wanted, rtol=0, atol=0)
    assert not list(module.parameters())
    assert module.float()(x.float()).dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@twins
def test_it_stays_on_the_device(name, options):
    x = torch.tensor(cloud())
    there = getattr(tt, name)(**options).fit(x.cuda())
    moved = getattr(tt, name)(**options).fit(x).cuda()
    wanted = getattr(tt, name)(**options).fit(x)(x)
    for module in (there, moved):
        y = module(x.cuda())
        assert y.device.type == module.inverse(y).device.type == "cuda"
        torch.testing.assert_close(y.cpu(), wanted, rtol=0, atol=1e-9)
        assert module.update(x.cuda())(x.cuda()).device.type == "cuda"


@twins
def test_gradients_go_through(name, options):
    x = torch.tensor(cloud(n=4), requires_grad=True)
    module = getattr(tt, name)(**options).fit(torch.tensor(cloud()))
    assert torch.autograd.gradcheck(module, x)
    assert not any(buffer.requires_grad for buffer in module.fit(x).buffers())


def test_photographs_of_whole_numbers():
    x = images(dtype=np.uint8)
    y = tn.Standardize("channel").fit(x).transform(x)
    assert y.dtype == float
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, **CLOSE)
    in_torch = tt.Standardize("channel").fit(torch.tensor(x))(torch.tensor(x))
    assert in_torch.dtype == torch.float32
    np.testing.assert_allclose(in_torch.numpy(), y, rtol=1e-6, atol=1e-6)


@twins
def test_nothing_that_is_handed_in_is_changed(name, options):
    x = cloud()
    kept, before = x.copy(), getattr(tn, name)(**options).fit(x)
    seen = before.transform(x)
    before.updated(x + 1)
    before.inverse(seen)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(before.transform(x), seen)


# --- what the chapter derives ----------------------------------------------------------------------------------------


def moments(x):
    """The Hessian of least squares on ``x`` with a bias: second moments of the inputs and a 1."""
    x = np.column_stack([x, np.ones(len(x))])
    return x.T @ x / len(x)


def test_the_condition_number_falls_with_each_step_for_these_inputs_and_ends_at_1():
    x = cloud()
    scaled = tn.Standardize().fit(x).transform(x)
    kappas = [np.linalg.cond(moments(y)) for y in (x, x - x.mean(axis=0), scaled, tn.Whiten().fit(x).transform(x))]
    assert kappas[0] > kappas[1] > kappas[2] > kappas[3] == pytest.approx(1)


def test_gradients_of_one_sign():
    """A unit's weights have gradients of one sign for every example, wherever its inputs are positive."""
    split = data.digits()
    slope = np.random.default_rng(0).normal(size=20)
    rows = slope[:, None] * split.x_train[:20]
    assert ((rows.min(axis=1) >= 0) | (rows.max(axis=1) <= 0)).all()
    centred = slope[:, None] * (split.x_train[:20] - split.x_train.mean(axis=0))
    assert ((centred.min(axis=1) < 0) & (centred.max(axis=1) > 0)).all()


def test_centring_moves_the_bias_and_nothing_else():
    """The least squares fit is the same function before and after every step that can be undone."""
    x, rng = cloud(), np.random.default_rng(0)
    y = rng.normal(size=200)

    def predictions(inputs):
        inputs = np.column_stack([inputs, np.ones(200)])
        return inputs @ np.linalg.lstsq(inputs, y, rcond=None)[0]

    for step in (tn.Standardize(), tn.Whiten("decorrelate"), tn.Whiten(), tn.Whiten("ZCA")):
        np.testing.assert_allclose(predictions(step.fit(x).transform(x)), predictions(x), **CLOSE)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    "name, options, message",
    [
        ("Standardize", {"per": "pixel"}, "per must be one of feature, channel, all, got 'pixel'"),
        ("Whiten", {"kind": "pca"}, "kind must be one of decorrelate, PCA, ZCA, got 'pca'"),
        ("Whiten", {"eps": -1.0}, "eps must be a finite number of at least 0, got -1.0"),
        ("Whiten", {"eps": float("nan")}, "eps must be a finite number"),
        ("Whiten", {"directions": 0}, "directions must be a whole number of at least 1, got 0"),
    ],
)
def test_a_bad_argument_is_named(room, name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(room, name)(**options)


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", ["Standardize", "Whiten"])
def test_bad_data_are_named(room, name):
    made, as_given = getattr(room, name)(), np.asarray if room is tn else torch.tensor
    for use in (made.transform if room is tn else made, made.inverse):
        with pytest.raises(ValueError, match="n must be above 0: fit it first, got 0"):
            use(as_given(cloud()))
    for shape in ((5,), (0, 3), (3, 0)):
        with pytest.raises(ValueError, match="the shape of x must be"):
            made.fit(as_given(np.zeros(shape)))
    if name == "Whiten":
        with pytest.raises(ValueError, match="directions must be at most 5, got 6"):
            getattr(room, name)(directions=6).fit(as_given(cloud()))


@pytest.mark.parametrize("room", [tn, tt], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    "name, per, shape, others",
    [
        ("Standardize", "feature", (6, 3), [(4, 1), (4, 4), (3,)]),
        ("Standardize", "feature", (6, 1), [(4, 3)]),
        ("Standardize", "channel", (6, 3, 2, 2), [(4, 1, 2, 2), (4, 2, 2, 2), (4, 3)]),
        ("Standardize", "all", (6, 1, 2, 2), [(4, 3)]),
        ("Whiten", None, (6, 3), [(4, 1), (4, 4), (3,)]),
    ],
)
def test_data_of_another_shape_are_not_stretched(room, name, per, shape, others):
    as_given, draw = np.asarray if room is tn else torch.tensor, np.random.default_rng(0)
    fitted = getattr(room, name)(**({"per": per} if per else {})).fit(as_given(draw.normal(size=shape)))
    for other in others:
        x = as_given(draw.normal(size=other))
        uses = (fitted.transform, fitted.updated) if room is tn else (fitted, fitted.update)
        for use in uses if name == "Whiten" else (*uses, fitted.inverse):
            with pytest.raises(ValueError, match="the shape of x must be"):
                use(x)


def test_how_many_directions_hold_95_per_cent_of_the_digits():
    """The experiment's number, and those of its known slips."""
    split = data.digits(seed=0)
    x, everything = split.x_train, np.concatenate([split.x_train, split.x_test])

    def needed(h):
        h = np.sort(h)[::-1]
        return int(np.argmax(np.cumsum(h) >= 0.95 * h.sum())) + 1

    h = tn.Whiten().fit(x).principal[0]
    standardized = tn.Standardize().fit(x).transform(x)
    numbers = [h, tn.Whiten().fit(everything).principal[0], np.sqrt(h), np.linalg.eigvalsh(x.T @ x)]
    numbers += [tn.Whiten().fit(standardized).principal[0], x.var(axis=0)]
    assert [needed(each) for each in numbers] == [28, 29, 43, 16, 39, 41]
