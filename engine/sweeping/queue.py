"""The trials of a study that several workers share: asked for, told, and re-queued where one died.

Works over every storage alike. Each worker writes a number into the study that grows; who sees one
stand still for longer than the grace takes the worker for dead, puts its trials back into the queue
with the same parameters, and ends the old ones. Whether a number stands still is measured by the
watch of whoever looks, so that clocks need not agree.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np

from tradewind.engine.errors import OutsideError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.storage import is_outage
from tradewind.engine.sweeping.study import quiet

WORKER, OUTCOME, CONTENT, RETRY, SURPLUS = "worker", "outcome", "content", "retry_of", "surplus"
PULSE = "pulse:"  # before the name of a worker, in the attributes of the study
PULSE_SECONDS = 2.0
GRACE_SECONDS = 20.0
PATIENCE_SECONDS = 300.0  # that a storage may be away


@dataclass(slots=True)
class Patience:
    """Calls a storage until it answers again; raises OutsideError where it stays away."""

    seconds: float = PATIENCE_SECONDS
    told: Callable[[str], None] = lambda text: None

    def __call__(self, work: Callable[[], Any]) -> Any:
        """Return what ``work`` gives; it may be called again."""
        begun, wait = time.monotonic(), 0.2
        while True:
            try:
                with quiet():
                    return work()
            except Exception as error:
                if not is_outage(error):
                    raise
                away = time.monotonic() - begun
                if away > self.seconds:
                    raise OutsideError(
                        f"the storage has been away for {away:.0f} s: {type(error).__name__}; "
                        "what was told before is kept: run the same command again"
                    ) from error
                self.told(f"waiting for the storage, {away:.0f} s")
                time.sleep(wait)
                wait = min(wait * 1.6, 5.0)


class Pulse:
    """Tells in the study that this worker lives, from a thread of its own."""

    def __init__(self, study: Any, name: str, patience: Patience) -> None:
        self._study, self._name, self._patience = study, name, patience
        self._stop = threading.Event()
        self._beats = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Pulse":
        """Begin."""
        self._beat()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """End; the number then stands still, which nobody minds of a worker without trials."""
        self._stop.set()
        self._thread.join(PULSE_SECONDS + 1.0)

    def _beat(self) -> None:
        self._beats += 1
        self._study.set_user_attr(PULSE + self._name, self._beats)

    def _run(self) -> None:
        while not self._stop.wait(PULSE_SECONDS):
            try:
                with quiet():
                    self._beat()
            except Exception as error:  # the worker's own calls say that the storage is away
                if not is_outage(error):
                    raise


@dataclass(slots=True)
class Taken:
    """A trial that this worker has."""

    trial: Any
    values: dict[str, Any]
    content: str


@dataclass(slots=True)
class Queue:
    """The trials of one study, as one worker sees them.

    Attributes
    ----------
    study : optuna.Study
    space : Space
    content_of : callable
        Values -> hash of config, data, code and setting: two trials that agree in it are one.
    budget : int
        Trials in all.
    """

    study: Any
    space: Any
    content_of: Callable[[Mapping[str, Any]], str]
    budget: int
    patience: Patience
    grace: float = GRACE_SECONDS
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:"
                      f"{uuid4().hex[:6]}")  # fmt: skip
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def pulse(self) -> Pulse:
        """Sign of life of this worker, for the length of its work."""
        return Pulse(self.study, self.name, self.patience)

    def ask(self, n: int) -> list[Taken]:
        """Take up to ``n`` trials; those that others have tried are told at once and left out."""
        return list(self.patience(lambda: self._ask(n)))

    def _ask(self, n: int) -> list[Taken]:
        self.reap()
        trials = self._trials()
        room = self.budget - self._counted(trials)
        waiting = sum(one.state.name == "WAITING" for one in trials)
        known = {
            one.user_attrs[CONTENT]: one.user_attrs[OUTCOME]
            for one in trials
            if one.state.is_finished() and CONTENT in one.user_attrs and OUTCOME in one.user_attrs
        }
        taken: list[Taken] = []
        for _ in range(min(n, room + waiting)):
            trial = self.study.ask()
            trial.set_user_attr(WORKER, self.name)
            values = self.space.asked(trial)
            content = self.content_of(values)
            trial.set_user_attr(CONTENT, content)
            if content in known:
                self._finish(trial, known[content])
            else:
                taken.append(Taken(trial, values, content))
        return taken

    def tell(self, taken: Sequence[Taken], outcomes: Sequence[Outcome]) -> None:
        """Report what became of trials; one that was taken for dead meanwhile is left alone."""
        for one, outcome in zip(taken, outcomes, strict=True):
            self.patience(partial(self._finish, one.trial, json.dumps(as_json(outcome))))

    def _finish(self, trial: Any, text: str) -> None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        found = json.loads(text)
        try:
            trial.set_user_attr(OUTCOME, text)
            if found["state"] == "complete":
                self.study.tell(trial, found["scores"], skip_if_finished=True)
            elif found["state"] == "undefined":
                self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            else:
                self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        except UpdateFinishedTrialError:
            pass  # another worker has re-queued it

    def _trials(self) -> list[Any]:
        return list(self.study.get_trials(deepcopy=False))

    def _counted(self, trials: Sequence[Any]) -> int:
        """Trials that count: not those that died, which another one repeats."""
        return sum(one.state.name != "FAIL" or OUTCOME in one.user_attrs for one in trials)

    def reap(self) -> int:
        """Put back trials of workers that died; returns how many."""
        from optuna.trial import TrialState, create_trial

        trials = self._trials()
        running = [one for one in trials if one.state == TrialState.RUNNING]
        dead = self._dead({str(one.user_attrs.get(WORKER, "")) for one in running})
        again = {one.user_attrs.get(RETRY) for one in trials}
        n = 0
        for one in running:
            if one.user_attrs.get(WORKER, "") not in dead:
                continue
            if one.params and one.number not in again:
                # first the copy, then the end of the old one: nothing is lost in between, and a
                # copy too many is told apart by its content
                self.study.add_trial(
                    create_trial(
                        state=TrialState.WAITING, params=one.params,
                        distributions=one.distributions,
                        user_attrs={RETRY: one.number},
                        system_attrs={"fixed_params": one.params},
                    )
                )  # fmt: skip
            self.study.tell(one.number, state=TrialState.FAIL, skip_if_finished=True)
            n += 1
        return n

    def _dead(self, names: set[str]) -> set[str]:
        """Workers whose number has stood still for longer than the grace."""
        now, attributes = time.monotonic(), self.study.user_attrs
        dead = set()
        for name in names - {self.name}:
            beats = int(attributes.get(PULSE + name, 0))
            before = self._seen.get(name)
            if before is None or before[0] != beats:
                self._seen[name] = (beats, now)
            elif now - before[1] > self.grace:
                dead.add(name)
        return dead

    def left(self) -> tuple[int, int]:
        """(trials that are done, trials that others still have)."""
        trials = self.patience(self._trials)
        done = sum(OUTCOME in one.user_attrs and one.state.is_finished() for one in trials)
        others = sum(one.state.name in ("RUNNING", "WAITING") for one in trials)
        return done, others

    def outcomes(self) -> list[Outcome]:
        """Every setting that was tried, once, in the order they were asked for."""
        found: dict[str, Outcome] = {}
        for one in self.patience(self._trials):
            if one.state.is_finished() and OUTCOME in one.user_attrs:
                content = str(one.user_attrs.get(CONTENT, one.number))
                found.setdefault(content, from_json(one.user_attrs[OUTCOME]))
        return list(found.values())


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Outcome as plain values; its returns are made again from its values where they are needed."""
    return {
        "values": jsonable(dict(outcome.values)), "state": outcome.state,
        "scores": jsonable(outcome.scores), "folds": jsonable(outcome.folds.tolist()),
        "whole": jsonable(outcome.whole), "excess": jsonable(outcome.excess),
        "seconds": outcome.seconds, "error": outcome.error,
    }  # fmt: skip


def from_json(text: str) -> Outcome:
    """Outcome from what :func:`as_json` made; what was no number is NaN again."""
    found = json.loads(text)
    folds = np.array(_numbers(found["folds"]), np.float64)
    return Outcome(
        found["values"], found["state"], _numbers(found["scores"]),
        folds if folds.size else np.empty((0, 0)), _numbers(found["whole"]),
        _numbers(found["excess"]), None, found["seconds"], found["error"],
    )  # fmt: skip


def _numbers(values: Any) -> Any:
    if isinstance(values, list):
        return [_numbers(one) for one in values]
    return float("nan") if values is None else values
