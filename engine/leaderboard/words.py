"""What a leaderboard says, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradewind.engine.scoring.statistics import normal_quantile

SIGNIFICANT = 0.05


def verdict(board: Mapping[str, Any]) -> str:
    """Who has the smallest mean absolute error, and whether that can be chance; one sentence.

    Parameters
    ----------
    board : mapping
        From :func:`tradewind.engine.leaderboard.table.compare`.
    """
    rows, names = board["rows"], with_errors(board)
    if not rows or not board["n"]:
        return "No forecast has a known outcome, so nobody is ahead."
    if not names:
        return _best_score(board)
    best = names[0]
    if len(rows) == 1:
        return f"{best} is the only one with forecasts, so there is nothing to compare."
    if len(names) == 1:
        return f"{best} is the only one that forecasts returns, so nobody's errors are compared."
    lead = 1 - rows[best]["mae"] / rows[names[1]]["mae"] if rows[names[1]]["mae"] else 0.0
    head = f"{best} has the smallest mean absolute error, {percent(lead)} below {names[1]}'s"
    inside = members(board, "mae")
    if not inside:
        return f"{head}; whether that is chance was not tested."
    size = f"{100 * (1 - board['confidence_set_size']):.0f} % model confidence set"
    if inside == [best]:
        return f"{head}, and no other is in the {size}: that is hardly chance."
    others = f"{len(inside) - 1} of the other {len(names) - 1}"
    return f"{head}; the {size} holds {others} as well, so the lead can be chance."


def with_errors(board: Mapping[str, Any]) -> list[str]:
    """Names of those whose mean is a return, so that their errors can be compared; in order."""
    return [name for name, row in board["rows"].items() if row.get("mean_is_return", True)]


def _best_score(board: Mapping[str, Any]) -> str:
    """Who is ahead where nobody forecasts returns."""
    best, row = next(iter(board["rows"].items()))
    head = "Nobody forecasts returns, so no errors are compared"
    if board["scores_by"] == "rank_ic":
        found = row["rank_ic"]
        t = "" if found["t"] is None else f" (t = {found['t']:.1f})"
        return f"{head}; {best} has the highest rank correlation, {found['value']:.3f}{t}."
    found = row["direction"]
    if found["by_chance"] is None:
        return f"{head}; no sign of theirs could be compared either."
    return (
        f"{head}; {best}'s sign is right in {percent(found['value'])} of cases, where "
        f"{percent(found['by_chance'])} would be by chance."
    )


def members(board: Mapping[str, Any], loss: str) -> list[str]:
    """Names inside the model confidence set of a loss; empty where there is none."""
    return [
        name
        for name, row in board["rows"].items()
        if ((row["confidence_set"] or {}).get(loss) or {}).get("inside")
    ]


def sentences(board: Mapping[str, Any], trained: Sequence[str]) -> list[str]:
    """Further sentences: against the reference, signs, ranks, and what is left after costs.

    Parameters
    ----------
    board : mapping
        With ``strategy`` in its rows, where they were traded.
    trained : sequence of str
        Names of the networks among them.
    """
    said = [
        _scores(board),
        _against_reference(board),
        _networks(board, trained),
        _largest_t(board),
        after_costs(board),
    ]
    return [sentence for sentence in said if sentence]


def _scores(board: Mapping[str, Any]) -> str:
    """Who is judged by ranks and signs alone, and why."""
    names = [name for name in board["rows"] if name not in with_errors(board)]
    if not names:
        return ""
    one = len(names) == 1
    by = "rank correlation" if board["scores_by"] == "rank_ic" else "share of right signs"
    return (
        f"{listed(names)} give{'s' if one else ''} a score and no return, so absolute errors and "
        f"the confidence set do not judge {'it' if one else 'them'}: "
        f"{'it stands' if one else 'they stand'} apart, ordered by {by}."
    )


def _against_reference(board: Mapping[str, Any]) -> str:
    reference = board["reference"]
    tested = {n: r["against"] for n, r in board["rows"].items() if r["against"]}
    if not tested:
        return ""
    better = [n for n, a in tested.items() if (a["p"] or 1.0) < SIGNIFICANT and a["gain"] > 0]
    worse = [n for n, a in tested.items() if (a["p"] or 1.0) < SIGNIFICANT and a["gain"] < 0]
    parts = [
        f"{listed(better)} beat{'s' if len(better) == 1 else ''} {reference}" if better else "",
        f"{listed(worse)} {'is' if len(worse) == 1 else 'are'} beaten by it" if worse else "",
    ]
    told = " and ".join(part for part in parts if part)
    alone = " (Diebold-Mariano, each test by itself, 5 %)"
    if not told:
        return f"None of {len(tested)} differs significantly from {reference}{alone}."
    if not better:
        told = told.replace("beaten by it", f"beaten by {reference}")
        return f"Nobody beats {reference}; {told}{alone}."
    rest = len(tested) - len(better) - len(worse)
    return f"{told}{alone}{f'; for {rest} more it can be chance' if rest else ''}."


def _networks(board: Mapping[str, Any], trained: Sequence[str]) -> str:
    names = with_errors(board)
    networks = [name for name in names if name in trained]
    simple = [name for name in names if name not in trained]
    if not networks or not simple:
        return ""
    ours, theirs = board["rows"][networks[0]]["mae"], board["rows"][simple[0]]["mae"]
    gap = abs(ours / theirs - 1) if theirs else 0.0
    if ours > theirs:
        return (
            f"No network beats {simple[0]}: the best of them, {networks[0]}, is {percent(gap)} "
            "behind in mean absolute error."
        )
    return (
        f"The best network, {networks[0]}, is {percent(gap)} ahead of {simple[0]}, the best of the "
        "rest, in mean absolute error."
    )


def _largest_t(board: Mapping[str, Any]) -> str:
    known = {
        name: row["rank_ic"]
        for name, row in board["rows"].items()
        if row["rank_ic"].get("t") is not None
    }
    if not known:
        return ""
    name = max(known, key=lambda n: abs(known[n]["t"]))
    found = known[name]
    chance = normal_quantile(1 - SIGNIFICANT / 2 / len(known))
    side = "beyond" if abs(found["t"]) > chance else "within"
    return (
        f"The largest rank correlation by its t is {name}'s, {found['value']:.3f} "
        f"(t = {found['t']:.1f}): {side} what the largest of {len(known)} without skill reaches in "
        f"19 of 20 cases ({chance:.1f})."
    )


def after_costs(board: Mapping[str, Any]) -> str:
    """Who has the highest Sharpe ratio after costs; empty where nobody was traded."""
    traded = {
        name: row["strategy"]
        for name, row in board["rows"].items()
        if (row.get("strategy") or {}).get("sharpe") is not None
    }
    if not traded:
        return ""
    name = max(traded, key=lambda n: traded[n]["sharpe"])
    best = traded[name]
    told = f"After costs {name} has the highest Sharpe ratio, {best['sharpe']:.2f}"
    if best["sharpe_se"] is None:
        return f"{told}."
    clear = abs(best["sharpe"]) > 2 * best["sharpe_se"]
    told = (
        f"{told} ± {best['sharpe_se']:.2f}, which is {'more' if clear else 'less'} than two "
        f"standard errors from zero, and the best of {len(traded)}"
    )
    market = board.get("benchmark") or {}
    if market.get("sharpe") is None:
        return f"{told}."
    name = str(market["name"]).replace("_", " ")
    return f"{told}; the benchmark, {name}, has {market['sharpe']:.2f} without costs."


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def percent(share: float) -> str:
    """Two decimals."""
    return f"{100 * share:.2f} %"
