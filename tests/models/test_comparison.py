"""The comparison of a challenger with the champion: the gain is exact, and noise seldom passes for one."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.models.comparison import Comparison, compare


def test_the_better_scores_gain_and_the_worse_lose_as_much() -> None:
    draw = np.random.default_rng(1)
    good = draw.uniform(0.02, 0.6, 2000)
    y = (draw.random(2000) < good).astype(float)
    bad = np.full(2000, y.mean())
    better, worse = compare(y, good, bad), compare(y, bad, good)
    assert better.gain > 0
    assert better.beyond_noise
    assert not worse.beyond_noise
    assert worse.gain == pytest.approx(-better.gain)
    assert better.customers == 2000


def test_the_gain_is_the_mean_difference_of_log_loss_with_its_standard_error() -> None:
    y = np.array([1.0, 0.0, 0.0, 1.0])
    challenger, rival = np.array([0.8, 0.1, 0.3, 0.5]), np.array([0.5, 0.5, 0.5, 0.5])
    gains = np.log([0.8 / 0.5, 0.9 / 0.5, 0.7 / 0.5, 1.0])
    found = compare(y, challenger, rival)
    assert found.gain == pytest.approx(gains.mean())
    assert found.error == pytest.approx(gains.std(ddof=1) / 2)


def test_noise_seldom_passes_the_gate() -> None:
    passed = []
    for seed in range(300):
        draw = np.random.default_rng(seed)
        p = draw.uniform(0.05, 0.5, 400)
        y = (draw.random(400) < p).astype(float)
        one, other = (1 / (1 + np.exp(-np.log(p / (1 - p)) - draw.normal(0, 0.3, 400))) for _ in range(2))
        passed.append(compare(y, one, other).beyond_noise)
    assert np.mean(passed) < 0.06


def test_the_same_scores_do_not_pass_and_certain_scores_do_not_break_it() -> None:
    y = np.array([1.0, 0.0, 1.0])
    assert not compare(y, np.array([0.5, 0.2, 0.7]), np.array([0.5, 0.2, 0.7])).beyond_noise
    assert np.isfinite(compare(y, np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.5])).gain)


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (0.00027, "log loss 0.00027 better, standard error 0.00100"),
        (-0.00027, "log loss 0.00027 worse, standard error 0.00100"),
        (-0.000001, "the same log loss to 5 decimals, standard error 0.00100"),
    ],
)
def test_a_comparison_is_worded_right_both_ways(gain: float, said: str) -> None:
    assert Comparison(gain, 0.001, 100).figures == said
