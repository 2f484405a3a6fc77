"""What a front says, in sentences."""

from collections.abc import Mapping
from typing import Any

RISKS = {
    "volatility": "volatility",
    "max_drawdown": "deepest drawdown",
    "cvar": "mean loss on the worst bars",
    "turnover": "turnover a year",
    "annual_return": "return a year",
}


def verdict(table: Mapping[str, Any], picked: Mapping[str, Any]) -> str:
    """What the knee promised in sample and kept out of sample; one sentence."""
    train, test = picked["knee"]["train"], picked["knee"]["test"]
    return (
        f"The knee of the front made {_percent(train['annual_return'])} a year after costs at a "
        f"volatility of {_percent(train['volatility'])} on the bars it was chosen on, and "
        f"{_percent(test['annual_return'])} at {_percent(test['volatility'])} on those that came "
        f"after."
    )


def sentences(table: Mapping[str, Any], n: int) -> list[str]:
    """How many were tried, how much was optimism, and what equal weight did."""
    mean, reference = table["optimism"]["mean"], table["reference"]
    said = [
        f"The front is the best of {table['evaluated']:,} portfolios held on the same bars, so "
        "its in-sample numbers are those of winners.",
        f"Optimism, in sample less out of sample, averages {_percent(mean['annual_return'])} a "
        f"year in return and {mean['sharpe']:.2f} in Sharpe ratio over the {n} of the front."
        if mean["annual_return"] is not None and mean["sharpe"] is not None
        else "",
        f"All {table['n_symbols']} names at equal weight made "
        f"{_percent(reference['train']['annual_return'])} a year in sample and "
        f"{_percent(reference['test']['annual_return'])} out of sample; out of sample "
        f"{table['beat_reference']} of the {n} have a higher Sharpe ratio than they.",
        _ranks(table),
        _checked(table),
    ]
    return [sentence for sentence in said if sentence]


def _ranks(table: Mapping[str, Any]) -> str:
    found = table["optimism"]["rank_correlation"]
    told = [
        f"{found[name]:.2f} for {what}"
        for name, what in (("annual_return", "return"), ("volatility", "volatility"))
        if found[name] is not None
    ]
    if not told:
        return ""
    return (
        "Rank correlation across the front between the two spans: " + " and ".join(told) + "; 1 "
        "would mean that who was ahead stayed ahead."
    )


def _checked(table: Mapping[str, Any]) -> str:
    found = table["checked"]
    gap = max(one["largest_gap"] for one in found.values())
    n = sum(one["portfolios"] for one in found.values())
    return (
        f"Each was held once more by itself, its books folded fill by fill: {n} runs, largest "
        f"difference in equity on any bar {gap:.2g}."
    )


def _percent(share: float | None) -> str:
    return "no number" if share is None else f"{100 * share:.1f} %"
