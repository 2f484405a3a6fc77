"""Telling people who are not there, through apprise: mail, chat, phone.

Addresses are secrets and are only ever named. Sending happens in a thread of its own, from a queue
that forgets rather than grows; at most so many messages leave in an hour, the rest become one.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tradewind.engine.config.paper import NotifyConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.secret import redacted, secret
from tradewind.engine.streams.optional import client

WANTED_BY = "paper.notify.urls_from"
HOUR_S, WAITING = 3600.0, 100
ENDING_S = 10.0  # that the last messages may take


class Notifier:
    """Sends what people asked to be told.

    Parameters
    ----------
    config : NotifyConfig
    run : str
        Its name stands in every title.
    failed : callable
        Told, for the log, what could not be sent.
    clock : callable
        Seconds that only grow.

    Raises
    ------
    ConfigError
        If a secret is missing, or holds nothing that apprise can send to.
    """

    def __init__(
        self,
        config: NotifyConfig,
        run: str,
        *,
        failed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config, self.run, self._failed, self._clock = config, run, failed, clock
        self._sender = sender_of(config)
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue(WAITING)
        self._sent: deque[float] = deque()
        self.held_back = 0
        self._thread: threading.Thread | None = None
        if self._sender is None:
            return
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def tell(self, event: str, text: str) -> None:
        """Have people told, if they asked for events of this kind; never waits."""
        if self._sender is None or event not in self.config.events:
            return
        now = self._clock()
        while self._sent and now - self._sent[0] >= HOUR_S:
            self._sent.popleft()
        if len(self._sent) >= self.config.most_per_hour:
            self.held_back += 1
            return
        more = f" ({self.held_back} more messages were held back)" if self.held_back else ""
        self.held_back = 0
        try:
            self._queue.put_nowait((f"{self.run}: {event}", redacted(text) + more))
        except queue.Full:
            self.held_back += 1
            return
        self._sent.append(now)

    def _work(self) -> None:
        while True:
            message = self._queue.get()
            if message is None:
                return
            title, body = message
            try:
                if not self._sender.notify(title=title, body=body):
                    self._failed(f"'{title}' could not be sent to everybody")
            except Exception as error:  # every service of apprise has errors of its own
                self._failed(redacted(f"'{title}' could not be sent: {error}"))

    def close(self) -> None:
        """Send what waits, for a while, and end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(ENDING_S)


def sender_of(config: NotifyConfig) -> Any:
    """Apprise with every address that the config names; None where it names none.

    Raises
    ------
    ConfigError
        If a secret is missing, or holds nothing that apprise can send to.
    """
    if not config.urls_from:
        return None
    sender = client("apprise", wanted_by=WANTED_BY).Apprise()
    for name in config.urls_from:
        if not sender.add(secret(name, wanted_by=WANTED_BY)):
            raise ConfigError(
                f"{WANTED_BY}: the secret {name} holds no address that apprise can send to; "
                "wanted for example ntfy://topic or mailto://user:password@host"
            )
    return sender
