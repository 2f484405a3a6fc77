"""What was asked of the next fit of a network, and only of that one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tradewind.engine.errors import ForecastError
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.training.fitted import Fitted
from tradewind.forecasters.training.jobs import Job
from tradewind.forecasters.training.progress import Following, Report, identity_of

SAME = ("features", "head", "embedding", "pooled")  # parameters that say what weights mean


class Beginner(Protocol):
    """A forecaster whose next fit can begin from the networks of an earlier one."""

    @property
    def fitted(self) -> Mapping[str, Fitted] | None:
        """Trained networks by name."""
        ...

    def untrained(self, names: int) -> Network:
        """Network for ``names`` symbols."""
        ...


@dataclass(slots=True)
class NextFit:
    """Where it starts, who watches it and where its progress is kept.

    Attributes
    ----------
    earlier : mapping of str to Fitted
        Networks to start from, by name.
    folder : Path or None
    report : callable or None
    """

    earlier: Mapping[str, Fitted] = field(default_factory=dict)
    folder: Path | None = None
    report: Report | None = None

    def begin_from(self, new: Beginner, earlier: object) -> None:
        """Take the networks of ``earlier`` as a start for those of ``new``.

        Raises
        ------
        ForecastError
            If there are none, or they are of another kind or shape.
        """
        who = type(new).__name__
        if not isinstance(earlier, type(new)):
            raise ForecastError(
                f"{who}: cannot begin from {type(earlier).__name__}; give a fitted {who}"
            )
        if earlier.fitted is None:
            raise ForecastError(f"{who}: cannot begin from one that is not fitted; fit it first")
        for name in SAME:
            have, want = getattr(earlier, name), getattr(new, name)
            if have != want:
                raise ForecastError(
                    f"{who}: cannot begin from a fit with {name} = {have!r}, this one has "
                    f"{want!r}; use its parameters or fit from scratch"
                )
        for name, one in earlier.fitted.items():
            _check_shapes(who, name, new, one)
        self.earlier = dict(earlier.fitted)

    def following(
        self, name: str, job: Job, kind: str, params: Mapping[str, Any], notes: list[str]
    ) -> Following:
        """Follower of one network's training."""
        identity = "" if self.folder is None else identity_of(job, kind, params)
        return Following(name, job.schedule.epochs, self.folder, identity, self.report, notes)


@dataclass(frozen=True, slots=True)
class Fit:
    """One fit under way.

    Attributes
    ----------
    kind : str
        Class of the forecaster.
    params : mapping
        Its parameters.
    how : NextFit
        What was asked of it.
    jobs : iterator of (str, Job)
        Networks to train, by name, each laid out when its turn comes.
    notes : list of str
        What a reader must know; complete once ``jobs`` is used up.
    """

    kind: str
    params: Mapping[str, Any]
    how: NextFit
    jobs: Iterator[tuple[str, Job]]
    notes: list[str]

    def following(self, name: str, job: Job) -> Following:
        """Who follows the training of one network."""
        return self.how.following(name, job, self.kind, self.params, self.notes)


def _check_shapes(who: str, name: str, new: Beginner, one: Fitted) -> None:
    have = one.network.state_dict()
    want = new.untrained(len(one.names)).state_dict()
    for key in sorted(have.keys() | want.keys()):
        shapes = [list(state[key].shape) if key in state else "absent" for state in (have, want)]
        if shapes[0] != shapes[1]:
            raise ForecastError(
                f"{who}: cannot begin from the network of {name}: {key} is {shapes[0]} there and "
                f"{shapes[1]} here; use its parameters or fit from scratch"
            )
