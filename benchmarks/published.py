"""Published tables, reproduced by one command; the exit code is 1 where a digit differs.

``python benchmarks/published.py [--json]``. Cover's market NYSE(O), 36 stocks over 5,651 days: the
final wealth of online portfolio selection as printed by Li and Hoi (2014), "Online portfolio
selection: a survey", table 2, and the papers of its methods; the same rows after 10 basis points on
all that is traded. The price relatives are read from the installed package universal-portfolios
(``pip install universal-portfolios``); nothing of them ships with tradewind.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.errors import OutsideError, TradewindError
from tradewind.engine.records import Floats
from tradewind.strategies import online_weights as online
from tradewind.strategies.pairing import ornstein_uhlenbeck

COST_BPS = 10.0
DAYS, STOCKS = 5_651, 36


class Figure(NamedTuple):
    """What is printed, and to how many digits behind the point."""

    name: str
    printed: float
    digits: int


PRINTED = {
    "buy_and_hold": Figure("uniform buy and hold", 14.497, 3),
    "best": Figure("best stock", 54.140, 3),
    "ucrp": Figure("UCRP", 27.075, 3),
    "bcrp": Figure("BCRP, in hindsight", 250.597, 3),
    "eg": Figure("EG(0.05)", 27.095, 3),
    "pamr": Figure("PAMR(0.5)", 5.138e15, -12),
}


def relatives() -> Floats:
    """Price relatives of NYSE(O), shape (5651, 36); OutsideError where they are not there."""
    spec = find_spec("universal")
    if spec is None or not spec.submodule_search_locations:
        raise OutsideError(
            "published: the price relatives of NYSE(O) come with the package "
            "universal-portfolios, which is not installed; pip install universal-portfolios"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / "data" / "nyse_o.csv"
    if not path.is_file():
        raise OutsideError(f"published: {path}: no such file; install universal-portfolios anew")
    prices = np.loadtxt(path, delimiter=",", skiprows=1)
    found = np.asarray(prices / np.vstack((np.ones(prices.shape[1]), prices[:-1])))
    if found.shape != (DAYS, STOCKS):
        raise OutsideError(
            f"published: {path}: {found.shape[0]} days of {found.shape[1]} stocks; wanted "
            f"{DAYS} of {STOCKS}"
        )
    return found


def rows() -> Iterator[dict[str, Any]]:
    """Each figure beside ours, without costs and with."""
    market = relatives()
    best = int(market.prod(axis=0).argmax())
    alone = np.zeros(STOCKS)
    alone[best] = 1.0
    weights = {
        "best": online.constant_rebalanced(market, alone),
        "bcrp": online.constant_rebalanced(market, online.best_constant(market)),
    }
    for key, figure in PRINTED.items():
        held = weights[key] if key in weights else online.RULES[key](market)
        found = float(online.wealth(market, held)[-1])
        after = float(online.wealth(market, held, cost_bps=COST_BPS)[-1])
        yield {
            "name": figure.name, "printed": figure.printed, "found": found,
            "equal": round(found, figure.digits) == figure.printed, "after_costs": after,
        }  # fmt: skip


def bertram() -> Iterator[dict[str, Any]]:
    """Optimal thresholds of an Ornstein-Uhlenbeck process: Bertram (2010), section 5."""
    process = ornstein_uhlenbeck.Process(np.zeros(1), np.array([180.967]), np.array([0.1538]))
    found = ornstein_uhlenbeck.thresholds(process, 0.001)
    for figure, value in (
        (Figure("Bertram: entry threshold, alpha 180.967, eta 0.1538, c 0.001", -0.0047, 4),
         -float(found.reach[0])),
        (Figure("Bertram: return per unit of time", 0.4924, 4), float(found.rate[0])),
    ):  # fmt: skip
        yield {
            "name": figure.name, "printed": figure.printed, "found": value,
            "equal": round(value, figure.digits) == figure.printed, "after_costs": None,
        }  # fmt: skip


def shown(value: float) -> str:
    """As it is printed."""
    if abs(value) > 1e6 or abs(value) < 1e-3:
        return f"{value:.3e}"
    return f"{value:.4f}" if abs(value) < 1.0 else f"{value:.3f}"


def after(row: dict[str, Any]) -> str:
    """Wealth after costs, where there is any."""
    return "" if row["after_costs"] is None else shown(row["after_costs"])


def table(found: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| | printed | tradewind | | after 10 bps |",
        "|---|--:|--:|---|--:|",
    ]
    lines += [
        f"| {row['name']} | {shown(row['printed'])} | {shown(row['found'])} "
        f"| {'equal' if row['equal'] else '**differs**'} | {after(row)} |"
        for row in found
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument(
        "--quick", action="store_true", help="nothing is left out: it takes a second"
    )
    given = parser.parse_args()
    try:
        found = [*rows(), *bertram()]
    except TradewindError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(map(json.dumps, found)) if given.json else table(found))
    return 0 if all(row["equal"] for row in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
