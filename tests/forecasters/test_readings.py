"""Readings: from a network's last numbers to mean, deviation and quantiles."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from tradewind.engine.errors import ConfigError
from tradewind.forecasters.readings import (
    Direction,
    Gaussian,
    HeadConfig,
    Position,
    Quantile,
    StudentT,
    Volatility,
    reading_of,
)

SCALE = np.array([0.01, 0.1])


def test_a_gaussian_is_read_in_units_of_the_scale() -> None:
    said = Gaussian().said(np.array([[0.5, 0.0], [-1.0, math.log(2)]]), SCALE)
    np.testing.assert_allclose(said.mean, [0.005, -0.1])
    np.testing.assert_allclose(said.std, [0.01, 0.2])


def test_a_t_distribution_is_read_with_its_own_deviation_and_quantiles() -> None:
    reading = StudentT(levels=(0.05, 0.5, 0.9))
    said = reading.said(np.array([[0.5, 0.0, 4.0], [-1.0, math.log(2), 10.0]]), SCALE)
    laws = [stats.t(4, 0.005, 0.01), stats.t(10, -0.1, 0.2)]
    np.testing.assert_allclose(said.mean, [law.mean() for law in laws])
    np.testing.assert_allclose(said.std, [law.std() for law in laws])
    np.testing.assert_allclose(said.quantiles, [law.ppf([0.05, 0.5, 0.9]) for law in laws])


def test_quantiles_of_a_normal_distribution_give_back_its_mean_and_deviation() -> None:
    reading = Quantile(levels=(0.02, 0.3, 0.6, 0.9))
    output = np.stack([stats.norm.ppf(reading.levels, m, s) for m, s in [(0.3, 1.5), (-1, 0.2)]])
    said = reading.said(output, SCALE)
    np.testing.assert_allclose(said.mean, [0.003, -0.1])
    np.testing.assert_allclose(said.std, [0.015, 0.02])
    np.testing.assert_allclose(said.quantiles, output * SCALE[:, None])


def test_quantiles_that_coincide_still_have_a_deviation() -> None:
    said = Quantile(levels=(0.1, 0.9)).said(np.full((2, 2), 0.4), SCALE)
    assert (said.std > 0).all()


def test_a_direction_is_a_score_whose_normal_probability_is_that_of_up() -> None:
    said = Direction().said(np.array([[stats.norm.ppf(0.7)], [stats.norm.ppf(0.2)]]), SCALE)
    np.testing.assert_allclose(stats.norm.cdf(said.mean / said.std), [0.7, 0.2])
    np.testing.assert_array_equal(said.std, SCALE)


def test_a_volatility_says_nothing_about_direction() -> None:
    said = Volatility().said(np.array([[math.log(2)], [0.0]]), SCALE)
    assert said.mean.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(said.std, [0.02, 0.1])


def test_a_position_is_mean_over_deviation() -> None:
    said = Position().said(np.array([[0.25], [-1.0]]), SCALE)
    np.testing.assert_allclose(said.mean / said.std, [0.25, -1.0])


def test_a_head_is_a_name_or_a_name_with_parameters() -> None:
    assert reading_of("gaussian", "Lstm") == Gaussian()
    assert reading_of({"kind": "quantile", "levels": [0.1, 0.9]}, "Lstm") == Quantile(
        levels=(0.1, 0.9)
    )
    assert reading_of({"kind": "position", "cost_bps": 5, "run": 64}, "Lstm") == Position(
        cost_bps=5.0, run=64
    )


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("gausian", r"Lstm: unknown head 'gausian' \(did you mean 'gaussian'\?\)"),
        ({"levels": [0.1]}, "head has no 'kind'"),
        ({"kind": 3}, "head has no 'kind'"),
        ({"kind": "quantile", "level": [0.1]}, r"Lstm: head.level: .*did you mean 'levels'"),
        ({"kind": "quantile", "levels": "all"}, r"Lstm: head.levels: wanted a list"),
        ({"kind": "quantile", "levels": [0.5]}, "wanted two or more probabilities"),
        ({"kind": "quantile", "levels": [0.9, 0.1]}, "between 0 and 1, increasing"),
        ({"kind": "student_t", "levels": [0.0, 0.5]}, "between 0 and 1, increasing"),
        ({"kind": "position", "cost_bps": -1}, r"head.cost_bps: .*at least 0"),
        ({"kind": "position", "run": 1}, r"head.run: .*at least 2"),
        ({"kind": "position", "objective": "sortino"}, r"head.objective"),
        ({"kind": "gaussian", "levels": [0.1]}, r"head.levels: unknown key"),
    ],
)
def test_what_is_no_head_is_refused_with_what_to_write(head: HeadConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        reading_of(head, "Lstm")


def test_reading_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np; from tradewind.forecasters.readings import reading_of; "
        "reading_of('student_t', 'x').said(np.ones((1, 3)) * 3, np.ones(1)); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
