"""Takeuchi and Lee's experiment on the data at hand, written up as ``docs/rbm-momentum.md``.

``python benchmarks/rbm_momentum.py [--data FOLDER] [--out docs/rbm-momentum.md] [--only embedded]
[--set key=value ...] [--workers N]``. Compares the selectors of the preset ``rbm-momentum`` on the
embedded data, and those of ``rbm-momentum-long`` on a folder with the long panel, the factors and
the published deciles. Fits are kept in the cache: a second call writes the page at once. What
``--set`` changes is stated on the page.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from rbm_momentum_page import page

from tradewind.engine.config.file import override, read_document
from tradewind.engine.errors import TradewindError
from tradewind.engine.leaderboard.run import compute
from tradewind.engine.report.leaderboard_board import Board

HERE = Path(__file__).resolve().parent
PANEL = "us_stocks_daily_1962_2017.parquet"
FACTORS = "fama_french_daily_1926_2017.csv.gz"
DECILES = "momentum_deciles_vw_monthly_1927_2017.csv"


def files(folder: Path) -> list[str]:
    """Assignments that name the files of a folder."""
    where = {"data.path": PANEL, "factors.path": FACTORS, "reference": DECILES}
    missing = [name for name in where.values() if not (folder / name).is_file()]
    if missing:
        raise SystemExit(f"{folder}: lacks {', '.join(missing)}; name the folder that holds them")
    return [f"{key}={folder.resolve() / name}" for key, name in where.items()]


def compared(preset: str, assignments: list[str], workers: int | None) -> Board:
    """Board of a preset; fits come from the cache where they are in it."""
    document = override(read_document(preset), assignments)
    board, interrupted = compute(document, workers=workers)
    if interrupted:
        raise KeyboardInterrupt
    return board


def main() -> int:
    """Run the comparisons and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the long panel and the files beside")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "rbm-momentum.md")
    parser.add_argument("--only", choices=("embedded", "long"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes")
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    boards: dict[str, Any] = {}
    try:
        if given.only != "long":
            boards["embedded"] = compared("rbm-momentum", given.changes, given.workers)
        if given.only != "embedded" and given.data is not None:
            changes = [*files(given.data), *given.changes]
            boards["long"] = compared("rbm-momentum-long", changes, given.workers)
    except TradewindError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    given.out.write_text(page(boards, given.changes), "utf-8")
    print(f"wrote {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
