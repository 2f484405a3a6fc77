"""One process that fetches, for the test of two at once; its one argument is a JSON object."""

import json
import sys
from pathlib import Path

from curl_cffi import requests

from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.yahoo import fetch


def main() -> None:
    """Fetch the symbols named from the server named."""
    told = json.loads(sys.argv[1])
    folder = Path(told["store"])
    with requests.Session(impersonate="chrome") as session:
        session.verify = told["authority"]
        session.proxies = {"https": told["proxy"]}
        yahoo = Yahoo(folder / "yfinance", session=session, now=lambda: float(told["now"]))
        fetch(told["symbols"], store=folder, yahoo=yahoo)


if __name__ == "__main__":
    main()
