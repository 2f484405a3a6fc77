"""A process of its own that fetches; its one argument is a JSON object."""

import json
import sys
from pathlib import Path

import yfinance
from curl_cffi import requests

from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.yahoo import fetch


def main() -> None:
    """Fetch the symbols named from the server named."""
    told = json.loads(sys.argv[1])
    folder = Path(told["store"])
    if "caches" in told:  # as if that were the user's cache folder
        yfinance.set_tz_cache_location(told["caches"])
    with requests.Session(impersonate="chrome") as session:
        session.verify = told["authority"]
        session.proxies = {"https": told["proxy"]}
        yahoo = Yahoo(session=session, now=lambda: float(told["now"]))
        fetch(told["symbols"], store=folder, yahoo=yahoo)


if __name__ == "__main__":
    main()
