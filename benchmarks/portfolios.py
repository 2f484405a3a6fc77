"""How fast portfolios are weighed: 500 names, monthly for 25 years, beside skfolio's own loop.

``python benchmarks/portfolios.py [--quick] [--json]``. Both get the same windows of returns, two
years of days that begin anew each month, from a seeded market of ten factors; each estimates the
sample covariance shrunk as Ledoit and Wolf do and finds equal risk contributions, or least
variance with at most 5 % in a name. Ours solves all 300 months. skfolio is given every tenth of
them, and rates are compared per portfolio, in turn. Weights must agree: those of least variance
are compared as they come, within the tolerance that skfolio's solver is given.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from tradewind.engine.records import Floats
from tradewind.strategies.weighting.covariance import ledoit_wolf
from tradewind.strategies.weighting.limits import Estimates, Limits
from tradewind.strategies.weighting.methods import METHODS

NAMES, MONTHS, DAYS, WINDOW, EVERY = 500, 300, 21, 504, 10
CAP, GOAL, CLOSE = 0.05, 10.0, 1e-5
Row = dict[str, Any]


def market(n: int) -> Floats:
    """Daily returns of names that share ten factors, in percent."""
    draw = np.random.default_rng(0)
    n_days = WINDOW + DAYS * MONTHS
    factors = draw.normal(0, 1, (n_days, 10)) @ draw.normal(0.15, 0.35, (10, n))
    return np.asarray(factors + draw.normal(0, 1, (n_days, n)) * draw.uniform(0.8, 2.5, n))


def ours(method: str) -> Callable[[Floats], Floats]:
    """Covariance and weights of one window."""

    def weigh(x: Floats) -> Floats:
        n = x.shape[1]
        cap = 1.0 if method == "risk_parity" else CAP
        limits = Limits(np.zeros(n), np.full(n, cap), np.full(n, -1), float("inf"), 1.0, 1.0)
        nothing = np.zeros(n)
        return METHODS[method](Estimates(x, ledoit_wolf(x), nothing, nothing), limits)

    return weigh


def theirs(method: str) -> Callable[[Floats], Floats]:
    """Skfolio's estimator with the same prior."""
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import MeanRisk, RiskBudgeting
    from skfolio.prior import EmpiricalPrior

    prior = EmpiricalPrior(covariance_estimator=LedoitWolf())
    exact = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10}

    def weigh(x: Floats) -> Floats:
        made = (
            RiskBudgeting(prior_estimator=prior, solver_params=exact)
            if method == "risk_parity"
            else MeanRisk(prior_estimator=prior, max_weights=CAP, solver_params=exact)
        )
        return np.asarray(made.fit(x).weights_)

    return weigh


def rows(quick: bool) -> list[Row]:
    """Rates of both, and how far their weights are apart."""
    returns = market(60 if quick else NAMES)
    starts = range(0, DAYS * (30 if quick else MONTHS), DAYS)
    windows = [returns[start : start + WINDOW] for start in starts]
    found = []
    for method in ("risk_parity", "minimum_variance"):
        mine, other = ours(method), theirs(method)
        mine(windows[0])  # compiled before the clock runs
        took: dict[str, list[float]] = {"tradewind": [], "skfolio": []}
        apart = 0.0
        for number, window in enumerate(windows):
            begun = perf_counter()
            weights = mine(window)
            took["tradewind"].append(perf_counter() - begun)
            if number % EVERY == 0:
                begun = perf_counter()
                reference = other(window)
                took["skfolio"].append(perf_counter() - begun)
                apart = max(apart, float(np.abs(weights - reference).max()))
        seconds = {name: median(times) for name, times in took.items()}
        ratio = seconds["skfolio"] / seconds["tradewind"]
        row: Row = {
            "method": method, "names": returns.shape[1], "months": len(windows),
            "seconds": sum(took["tradewind"]), "ms": 1e3 * seconds["tradewind"],
            "peer_ms": 1e3 * seconds["skfolio"], "peer_solved": len(took["skfolio"]),
            "ratio": ratio, "apart": apart,
        }  # fmt: skip
        if not quick:
            row |= {"goal": GOAL, "met": ratio >= GOAL and apart <= CLOSE}
        found.append(row)
    return found


def main() -> int:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of skfolio's dependencies
    for row in rows(given.quick):
        print(json.dumps(row) if given.json else text(row), flush=True)
    return 0


def text(row: Row) -> str:
    """One line."""
    return (
        f"{row['method']:18} {row['names']} names: {row['ms']:.1f} ms, skfolio "
        f"{row['peer_ms']:.0f} ms: {row['ratio']:.1f}x; weights within {row['apart']:.1e}"
    )


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(name) != "1":
            os.environ |= {name: "1"}
            os.execv(sys.executable, [sys.executable, *sys.argv])  # read when libraries load
    raise SystemExit(main())
