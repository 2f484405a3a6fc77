"""What a comparison of selectors says, in sentences."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.leaderboard.words import SIGNIFICANT, after_costs, listed, percent
from tradewind.engine.scoring.statistics import normal_quantile


def verdict(board: Mapping[str, Any]) -> str:
    """Who has the largest difference of top and bottom, and whether that can be chance.

    Parameters
    ----------
    board : mapping
        From :func:`tradewind.engine.leaderboard.ranking.compare`.
    """
    known = _spreads(board)
    if not known:
        return "No ranking has a known outcome in two groups, so nobody is ahead."
    best = next(iter(known))
    found = known[best]
    head = (
        f"{best} has the largest difference of top and bottom group, {_signed(found)} per "
        f"formation over {board['n_dates']}"
    )
    if len(known) == 1:
        return f"{head}, and it is the only one that tells groups apart."
    if found["t"] is None:
        return f"{head}; whether that is chance was not tested."
    chance = chance_t(len(known))
    if found["value"] > 0 and found["t"] > chance:
        return (
            f"{head} (t = {found['t']:.1f}): more than the best of {len(known)} without skill "
            f"shows in 19 of 20 cases ({chance:.1f})."
        )
    return (
        f"{head} (t = {found['t']:.1f}): no more than the best of {len(known)} without skill may "
        f"show ({chance:.1f} in one case of 20)."
    )


def chance_t(n: int) -> float:
    """Largest |t| that ``n`` independent selectors without skill stay below in 19 of 20 cases.

    References
    ----------
    Sidak (1967); dependent selectors stay below it more often, so it errs on the safe side.
    """
    return normal_quantile((1.0 + (1.0 - SIGNIFICANT) ** (1.0 / n)) / 2.0)


def sentences(board: Mapping[str, Any]) -> list[str]:
    """Further sentences: against the base, ranks, what costs leave, and how many were tried."""
    said = [
        _too_few(board),
        _against_base(board),
        _ranks(board),
        _net(board),
        after_costs(board),
        _trials(board),
    ]
    return [sentence for sentence in said if sentence]


def _too_few(board: Mapping[str, Any]) -> str:
    if not board["n_too_few"]:
        return ""
    return (
        f"At {board['n_too_few']} of {board['n_dates']} formations fewer than "
        f"{board['n_groups']} symbols are ranked by all: they have no groups."
    )


def _spreads(board: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: row["spread"] for name, row in board["rows"].items()}
    return {name: one for name, one in found.items() if one and one["value"] is not None}


def _against_base(board: Mapping[str, Any]) -> str:
    tested = {
        name: row["against"]
        for name, row in board["rows"].items()
        if row["against"] and row["against"]["p"] is not None
    }
    if not tested:
        return ""
    base, alone = board["base"], " (paired by formation, each test by itself, 5 %)"
    sure = {name: one for name, one in tested.items() if one["p"] < SIGNIFICANT}
    better = [name for name, one in sure.items() if one["value"] > 0]
    worse = [name for name, one in sure.items() if one["value"] < 0]
    if not sure:
        return f"None of {len(tested)} differs significantly from {base}{alone}."
    parts = [
        f"{listed(better)} beat{'s' if len(better) == 1 else ''} {base}" if better else "",
        f"{listed(worse)} fall{'s' if len(worse) == 1 else ''} behind {base}" if worse else "",
    ]
    return f"{' and '.join(part for part in parts if part)}{alone}."


def _ranks(board: Mapping[str, Any]) -> str:
    known = {
        name: row["rank_ic"]
        for name, row in board["rows"].items()
        if row["rank_ic"] and row["rank_ic"]["t"] is not None
    }
    if not known:
        return ""
    name = max(known, key=lambda n: abs(known[n]["t"]))
    found, chance = known[name], chance_t(len(known))
    side = "beyond" if abs(found["t"]) > chance else "within"
    return (
        f"The largest rank correlation by its t is {name}'s, {found['value']:.3f} "
        f"(t = {found['t']:.1f}): {side} what the largest of {len(known)} without skill reaches in "
        f"19 of 20 cases ({chance:.1f})."
    )


def _net(board: Mapping[str, Any]) -> str:
    known = {
        name: row["net"]
        for name, row in board["rows"].items()
        if row["net"] and row["net"]["value"] is not None
    }
    if not known:
        return ""
    left = [name for name, one in known.items() if one["value"] > 0]
    if not left:
        return f"After the costs of both sides no difference of the {len(known)} is above zero."
    limit = normal_quantile(1 - SIGNIFICANT / 2)
    sure = [name for name in left if (known[name]["t"] or 0.0) > limit]
    told = f"{listed(sure)} beyond chance" if sure else "none of them beyond chance"
    return (
        f"After the costs of both sides {len(left)} of {len(known)} differences are above zero, "
        f"{told} (each by itself, 5 %)."
    )


def _trials(board: Mapping[str, Any]) -> str:
    n = len(board["rows"])
    return (
        f"The best of {n} was chosen after the fact: its figures are too good by that choice, and "
        "whatever else was tried before, in other configs, comes on top."
    )


def _signed(found: Mapping[str, Any]) -> str:
    return ("+" if found["value"] > 0 else "") + percent(found["value"])
