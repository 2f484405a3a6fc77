"""The gate in front of orders: how long it takes over 500 of them.

``python benchmarks/risk.py [--quick] [--json]``. All limits are set; half of the rows have 500
orders that work already, and one has nothing but refusals, which cost their sentences.
"""

import argparse
import json
from collections.abc import Iterator
from math import nan
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.risk.facts import Asked, Situation
from tradewind.engine.risk.gate import Gate
from tradewind.engine.types import OrderType

Row = dict[str, Any]
N, NOW = 500, 1_700_000_000_000_000_000
WIDE = RiskConfig(
    max_weight=0.5, max_gross=20.0, max_order_notional=1e6, max_orders_per_minute=10_000,
    price_collar=0.1, stale_s=60.0, max_daily_loss=0.1, max_drawdown=0.2, duplicate_s=1.0,
)  # fmt: skip
NARROW = WIDE.model_copy(update={"max_order_notional": 1.0})


def orders(first: int, kind: OrderType, seed: int) -> list[Asked]:
    side = np.random.default_rng(seed).choice([-2.0, 2.0], N)
    limit = 49.0 if kind is OrderType.LIMIT else nan
    return [
        Asked(first + k, k, float(side[k]), kind, limit, nan, False, -1, f"r-{first + k}")
        for k in range(N)
    ]


def row(case: str, config: RiskConfig, n_working: int, rounds: int) -> Row:
    """Median of many checks, each by a gate that has seen nothing."""
    held = np.round(np.random.default_rng(1).normal(0.0, 3.0, N))
    working = orders(0, OrderType.LIMIT, 2)[:n_working]
    seen = Situation(NOW, 1, 1e6, held, np.full(N, 50.0), np.full(N, NOW), working)
    asked = orders(N, OrderType.MARKET, 3)
    symbols = [f"S{k}" for k in range(N)]
    took, refused = [], 0
    for _ in range(rounds):
        gate = Gate(config, symbols)
        begun = perf_counter()
        refused = len(gate.check(asked, seen))
        took.append(perf_counter() - begun)
    return {
        "case": case, "orders": N, "working": n_working, "refused": refused,
        "seconds": median(took), "fastest_seconds": min(took),
        "us_per_order": median(took) / N * 1e6,
    }  # fmt: skip


def rows(quick: bool) -> Iterator[Row]:
    rounds = 50 if quick else 500
    yield row("all pass", WIDE, 0, rounds)
    yield row("all pass, 500 work", WIDE, N, rounds)
    yield row("weights alone", RiskConfig(max_weight=0.5, max_gross=20.0), 0, rounds)
    yield row("what adds is refused", NARROW, 0, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for found in rows(args.quick):
        if args.json:
            print(json.dumps(found))
        else:
            print(
                f"{found['case']:22} {found['seconds'] * 1e3:6.2f} ms, fastest "
                f"{found['fastest_seconds'] * 1e3:5.2f} ms, {found['us_per_order']:.1f} us an "
                f"order, {found['refused']} refused"
            )


if __name__ == "__main__":
    main()
