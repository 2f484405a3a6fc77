"""Bars are drawn for a person, counted for everybody, and gone when the command ends."""

import io
import sys

import pytest

from tradewind.engine.cli.failures import Interrupted
from tradewind.engine.cli.progress import Bars, is_watched, watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def looked_at(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stderr; not a fixture, because pytest swaps stderr later."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return screen


def test_nothing_is_drawn_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with watched("train") as bars:
        bars.start("fit", 3)
        bars.advance("fit", 2, note="loss 0.1")
    assert bars.done == {"train": (0, None), "fit": (2, 3)}
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_a_terminal_shows_task_steps_and_note(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = looked_at(monkeypatch)
    with watched("train") as bars:
        bars.start("fit [red]", 3)
        bars.advance("fit [red]", 2, note="loss [0.1]")
        bars._display.refresh()
        shown = terminal.getvalue()
    assert "fit [red]" in shown, "a task's name is no markup"
    assert "2/3" in shown
    assert "loss [0.1]" in shown
    assert "\x1b[?25h" in terminal.getvalue(), "the cursor comes back"


def test_a_dumb_terminal_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at(monkeypatch)
    assert is_watched()
    monkeypatch.setenv("TERM", "dumb")
    assert not is_watched()


def test_a_task_may_be_finished_begun_again_and_never_announced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at(monkeypatch)
    with watched("train") as bars:
        bars.start("a", 2)
        bars.finish("a")
        bars.start("a", 2)
        bars.start("a", 4)
        bars.advance("a", 1)
        bars.advance("unannounced")
        bars.finish("never begun")
        assert bars.left_open() == {
            "train": (0, None),
            "a": (1, 4),
            "unannounced": (1, None),
        }


def test_ctrl_c_says_what_was_left_open_even_where_the_work_closed_its_task() -> None:
    with pytest.raises(Interrupted) as caught, watched("train", "fits are kept") as bars:
        bars.start("reading", None)
        bars.finish("reading")
        bars.start("done", 2)
        bars.advance("done", 2)
        bars.finish("done")
        bars.start("fit", 3)
        bars.advance("fit")
        try:
            raise KeyboardInterrupt
        finally:
            bars.finish("fit")
    assert caught.value.done == {"fit": (1, 3)}
    assert caught.value.kept == "fits are kept"


def test_another_error_passes_through_and_gives_the_terminal_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at(monkeypatch)
    with pytest.raises(ZeroDivisionError), watched("train") as bars:
        bars.start("fit", 3)
        raise ZeroDivisionError
    assert bars._display is None
    bars.advance("fit")
    assert bars.done["fit"] == (1, 3), "late reports are counted, not drawn"


def test_many_threads_may_report_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    bars = Bars(drawn=False)
    bars.start("fit", 400)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bars.advance("fit"), range(400)))
    assert bars.done == {"fit": (400, 400)}
