"""Who is better on the same pairs, and what the board says about it."""

from typing import Any

import numpy as np
import pytest

from tradewind.engine.errors import ForecastError
from tradewind.engine.leaderboard import words
from tradewind.engine.leaderboard.confidence_set import confidence_set
from tradewind.engine.leaderboard.table import (
    common,
    compare,
    loss_by_date,
    pinball_of_deciles,
)
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import DAY_NS, Floats, Panel

N_BARS, N_SYMBOLS = 400, 6


@pytest.fixture(scope="module")
def panel() -> Panel:
    returns = np.random.default_rng(0).normal(0.0, 0.02, (N_BARS, N_SYMBOLS))
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    ts = (np.arange(N_BARS, dtype=np.int64) + 1) * DAY_NS
    names = tuple("ABCDEF")
    return Panel(names, ts, close, close, close, close, np.ones_like(close))


def next_return(panel: Panel) -> Floats:
    out = np.full(panel.shape, np.nan)
    out[:-1] = np.diff(np.log(panel.close), axis=0)
    return out


def said(mean: Floats, std: float = 0.02, horizon: int = 1) -> Forecasts:
    return Forecasts(mean, np.where(np.isnan(mean), np.nan, std), horizon)


@pytest.fixture(scope="module")
def three(panel: Panel) -> dict[str, Forecasts]:
    """One that says nothing, one that knows a tenth of the outcome, one that makes noise."""
    noise = np.random.default_rng(1).normal(0.0, 0.02, panel.shape)
    truth = np.nan_to_num(next_return(panel))
    return {
        "naive": said(np.zeros(panel.shape)),
        "noise": said(noise),
        "knows": said(0.5 * truth),
    }


@pytest.fixture(scope="module")
def board(panel: Panel, three: dict[str, Forecasts]) -> dict[str, Any]:
    given, left_out = common(three, 100)
    assert not left_out
    return compare(three, panel, given, reference="naive", seed=1)


def test_rows_stand_in_the_order_of_their_error(board: dict[str, Any]) -> None:
    assert list(board["rows"]) == ["knows", "naive", "noise"]
    assert board["n"] == 299 * N_SYMBOLS
    assert board["n_dates"] == 299
    assert board["n_unknown"] == N_SYMBOLS


def test_errors_are_those_of_the_common_pairs(board: dict[str, Any], panel: Panel) -> None:
    truth = next_return(panel)[100:-1]
    assert board["rows"]["naive"]["mae"] == pytest.approx(np.abs(truth).mean())
    assert board["rows"]["knows"]["mae"] == pytest.approx(0.5 * np.abs(truth).mean())
    assert board["rows"]["knows"]["against"]["gain"] == pytest.approx(0.5)
    assert board["rows"]["naive"]["against"] is None
    assert board["rows"]["noise"]["against"]["high"] < 0.0


def test_the_confidence_set_holds_the_one_that_knows_alone(board: dict[str, Any]) -> None:
    assert words.members(board, "mae") == words.members(board, "crps") == ["knows"]


def test_forecasters_without_skill_are_all_in_the_set(panel: Panel) -> None:
    draw = np.random.default_rng(3)
    alike = {name: said(draw.normal(0.0, 1e-3, panel.shape)) for name in "abcd"}
    given, _ = common(alike, 100)
    found = compare(alike, panel, given, reference=None)
    assert len(words.members(found, "mae")) >= 3
    assert found["rows"]["a"]["against"] is None


def test_equal_forecasts_share_one_chance(panel: Panel, three: dict[str, Forecasts]) -> None:
    losses = {
        name: loss_by_date(one, next_return(panel), np.isfinite(next_return(panel)), "mae")
        for name, one in {**three, "twin": three["naive"]}.items()
    }
    chances = confidence_set(losses, horizon=1, seed=0)
    assert chances is not None
    assert chances["twin"] == chances["naive"] < 0.1 < chances["knows"]
    assert confidence_set({"a": losses["naive"], "b": losses["twin"]}, horizon=1, seed=0) == {
        "a": 1.0,
        "b": 1.0,
    }


def test_the_same_seed_gives_the_same_set(panel: Panel, three: dict[str, Forecasts]) -> None:
    given, _ = common(three, 100)
    again = [compare(three, panel, given, reference="naive", seed=5) for _ in range(2)]
    assert again[0] == again[1]


def test_mean_losses_of_dates_are_the_mean_over_pairs(panel: Panel) -> None:
    mean = np.zeros(panel.shape)
    mean[200:, 3:] = np.nan  # fewer pairs on later dates
    one = said(mean)
    truth = next_return(panel)
    scored = np.isfinite(mean) & np.isfinite(truth)
    for loss, wanted in (("mae", np.abs(truth[scored]).mean()), ("crps", None)):
        mean_of_dates = loss_by_date(one, truth, scored, loss).mean()
        if wanted is not None:
            assert mean_of_dates == pytest.approx(wanted)
        assert mean_of_dates > 0


def test_pinball_of_the_true_normal_distribution_is_its_expectation() -> None:
    truth = np.random.default_rng(2).normal(0.0, 1.0, (200_000, 1))
    found = pinball_of_deciles(said(np.zeros_like(truth), 1.0), truth, np.ones(truth.shape, bool))
    # E[pinball at tau] of a standard normal is its density at its own quantile.
    from scipy.stats import norm

    wanted = np.mean([norm.pdf(norm.ppf(k / 10)) for k in range(1, 10)])
    assert found.mean() == pytest.approx(wanted, rel=0.01)


def test_a_forecasters_own_quantiles_count_where_it_gives_them() -> None:
    truth = np.array([[1.0]])
    levels = tuple(k / 10 for k in range(1, 10))
    exact = Forecasts(np.zeros((1, 1)), np.ones((1, 1)), 1, levels, np.ones((1, 1, 9)))
    assert pinball_of_deciles(exact, truth, np.ones((1, 1), bool)).tolist() == [0.0]


def test_one_who_gives_too_few_forecasts_is_left_out_with_both_numbers(panel: Panel) -> None:
    few = np.full(panel.shape, np.nan)
    few[:150] = 0.0
    found, left_out = common({"all": said(np.zeros(panel.shape)), "few": said(few)}, 100)
    assert list(left_out) == ["few"]
    assert "gave 300 forecasts where others gave 1,800" in left_out["few"]
    assert found[100:].all()
    assert not found[:100].any()


def test_other_horizons_are_not_compared(panel: Panel) -> None:
    mean = np.zeros(panel.shape)
    with pytest.raises(ForecastError, match=r"b: horizon 2 .* to be compared with horizon 1"):
        common({"a": said(mean), "b": said(mean, horizon=2)}, 0)


def test_without_the_package_the_board_says_what_to_install(
    panel: Panel, three: dict[str, Forecasts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tradewind.engine.leaderboard.confidence_set.confidence_set", lambda *_, **__: None
    )
    given, _ = common(three, 100)
    found = compare(three, panel, given, reference="naive")
    assert "pip install 'tradewind[ml]'" in found["confidence_set_note"]
    assert found["rows"]["knows"]["confidence_set"] is None
    assert "was not tested" in words.verdict(found)


def test_the_verdict_says_whether_the_lead_can_be_chance(board: dict[str, Any]) -> None:
    assert words.verdict(board) == (
        "knows has the smallest mean absolute error, 50.00 % below naive's, and no other is in the "
        "90 % model confidence set: that is hardly chance."
    )
    unsure = {**board, "rows": {k: dict(v) for k, v in board["rows"].items()}}
    unsure["rows"]["naive"]["confidence_set"] = {"mae": {"p": 0.4, "inside": True}}
    assert words.verdict(unsure).endswith(
        "; the 90 % model confidence set holds 1 of the other 2 as well, so the lead can be chance."
    )


def test_sentences_name_who_beats_whom_and_whether_networks_are_worth_it(
    board: dict[str, Any],
) -> None:
    traded = {**board, "rows": {k: dict(v) for k, v in board["rows"].items()}}
    for name, ratio in (("knows", 3.0), ("naive", None), ("noise", -0.4)):
        traded["rows"][name]["strategy"] = {"sharpe": ratio, "sharpe_se": 0.5}
    traded["rows"]["knows"]["rank_ic"] = {"value": 0.2, "t": 5.0}
    told = "\n".join(words.sentences(traded, ["noise"]))
    assert "knows beats naive and noise is beaten by it" in told
    assert "No network beats knows: the best of them, noise, is" in told
    assert "The largest rank correlation by its t is knows's, 0.200 (t = 5.0): beyond" in told
    assert "After costs knows has the highest Sharpe ratio, 3.00 ± 0.50, which is more" in told
    assert "The best network, knows, is 50.00 % ahead of naive" in "\n".join(
        words.sentences(traded, ["knows"])
    )


@pytest.fixture(scope="module")
def with_scores(panel: Panel, three: dict[str, Forecasts]) -> dict[str, Any]:
    """Beside the three, two scores: a tiny one that knows, and a huge one that guesses."""
    truth = np.nan_to_num(next_return(panel))
    guess = np.random.default_rng(9).normal(0.0, 1.0, panel.shape)
    scored = {**three, "huge": said(50.0 * guess), "tiny": said(1e-6 * truth)}
    given, _ = common(scored, 100)
    return compare(scored, panel, given, reference="naive", scores=["huge", "tiny"], seed=1)


def test_scores_stand_apart_in_the_order_of_their_ranks(
    with_scores: dict[str, Any], board: dict[str, Any]
) -> None:
    assert list(with_scores["rows"]) == ["knows", "naive", "noise", "tiny", "huge"]
    assert with_scores["scores_by"] == "rank_ic"
    tiny = with_scores["rows"]["tiny"]
    assert tiny["rank_ic"]["value"] == pytest.approx(1.0)
    assert not tiny["mean_is_return"]
    for name in ("mae", "rmse", "crps", "pinball", "coverage_80", "against", "confidence_set"):
        assert tiny[name] is None, name
    for name, row in board["rows"].items():  # they change nothing for the others
        assert with_scores["rows"][name] == row


def test_scores_of_too_few_symbols_are_ordered_by_their_signs(panel: Panel) -> None:
    two = panel.select(("A", "B"))
    truth = np.nan_to_num(next_return(two))
    both = {"wrong": said(-truth), "right": said(truth), "naive": said(np.zeros(two.shape))}
    given, _ = common(both, 100)
    found = compare(both, two, given, reference="naive", scores=["wrong", "right"])
    assert list(found["rows"]) == ["naive", "right", "wrong"]
    assert found["scores_by"] == "direction"
    assert words.verdict(found).startswith("naive is the only one that forecasts returns")


def test_sentences_say_who_is_judged_by_ranks_alone(
    with_scores: dict[str, Any], panel: Panel
) -> None:
    assert words.verdict(with_scores).startswith("knows has the smallest mean absolute error, 50.0")
    told = words.sentences(with_scores, ["tiny", "noise"])
    assert told[0] == (
        "tiny and huge give a score and no return, so absolute errors and the confidence set do "
        "not judge them: they stand apart, ordered by rank correlation."
    )
    assert any(one.startswith("No network beats knows: the best of them, noise") for one in told)


def test_where_all_are_scores_the_verdict_speaks_of_ranks(panel: Panel) -> None:
    both = {"a": said(-next_return(panel)), "b": said(next_return(panel))}
    given, _ = common(both, 100)
    found = compare(both, panel, given, reference=None, scores=["a", "b"])
    assert words.verdict(found).startswith(
        "Nobody forecasts returns, so no errors are compared; b has the highest rank correlation, 1"
    )
