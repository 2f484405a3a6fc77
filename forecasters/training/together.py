"""Fits many forecasters at once: their networks in groups of one shape."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch

from tradewind.forecasters.training.fitted import Fitted
from tradewind.forecasters.training.grouped import Curve, train_grouped
from tradewind.forecasters.training.hardware import refuse_slow_bf16
from tradewind.forecasters.training.jobs import Job
from tradewind.forecasters.training.loop import Epoch, Examples, one_thread
from tradewind.forecasters.training.next_fit import Fit
from tradewind.forecasters.training.progress import Following

if TYPE_CHECKING:
    from tradewind.engine.records import Panel

BY_FIT = "{name}: on {device} progress is kept by fit, not by epoch"
ALONE = "{name}: trained by itself on the CPU: a state that is carried on cannot be grouped"


class Joining(Protocol):
    """A forecaster whose fit can be laid out, done elsewhere, and handed back."""

    @property
    def precision(self) -> str:
        """Of the arithmetic."""
        ...

    def begin_fit(self, past: "Panel") -> Fit:
        """Lay a fit out."""
        ...

    def end_fit(self, fit: Fit, fitted: dict[str, Fitted]) -> None:
        """Take the trained networks over."""
        ...


class _Member(NamedTuple):
    """One network among many."""

    fit: Fit
    name: str
    job: Job
    following: Following


def fit_together(
    forecasters: "Sequence[Joining]",
    pasts: "Sequence[Panel]",
    device: torch.device,
    *,
    at_once: int | None = None,
) -> None:
    """Fit each forecaster on its own past, networks of one shape as one group.

    Parameters
    ----------
    forecasters, pasts : sequence
        One past each.
    device : torch.device
    at_once : int or None
        Networks per group; None: as many as the device's memory holds.

    Raises
    ------
    ForecastError
        As :meth:`.guided.Guided.fit`; a forecaster keeps an earlier fit then.
    """
    for one in forecasters:
        refuse_slow_bf16(one.precision, device.type, type(one).__name__)
    with one_thread():
        fits = [one.begin_fit(past) for one, past in zip(forecasters, pasts, strict=True)]
        members = [_member(fit, name, job, device) for fit in fits for name, job in fit.jobs]
        curves = _curves(members, device, at_once)
    for one, fit in zip(forecasters, fits, strict=True):
        own = {
            member.name: member.job.done(curve)
            for member, curve in zip(members, curves, strict=True)
            if member.fit is fit
        }
        one.end_fit(fit, own)


def _member(fit: Fit, name: str, job: Job, device: torch.device) -> _Member:
    following = Following(name, job.schedule.epochs, report=fit.how.report)
    if fit.how.folder is not None:
        fit.notes.append(BY_FIT.format(name=name, device=device.type))
    return _Member(fit, name, job, following)


def _curves(members: Sequence[_Member], device: torch.device, at_once: int | None) -> list[Curve]:
    """Learning curve of each member; members of one shape are trained as one group."""
    groups: dict[Any, list[int]] = {}
    curves: dict[int, Curve] = {}
    for number, member in enumerate(members):
        if type(member.job.fitting) is Examples:
            groups.setdefault(_shape(member), []).append(number)
        else:
            member.fit.notes.append(ALONE.format(name=member.name))
            curves[number] = member.job.train(member.following).curve
    for numbers in groups.values():

        def tell(place: int, epoch: int, point: Epoch, numbers: list[int] = numbers) -> None:
            members[numbers[place]].following.tell(epoch, point)

        jobs = [members[number].job for number in numbers]
        made = train_grouped(jobs, device, tell, at_once=at_once)
        curves |= dict(zip(numbers, made, strict=True))
    return [curves[number] for number in range(len(members))]


def _shape(member: _Member) -> Any:
    """What networks of one group have in common: all parameters but the seed, and all shapes."""
    job = member.job
    params = {name: value for name, value in member.fit.params.items() if name != "seed"}
    weights = {name: tuple(value.shape) for name, value in job.network.state_dict().items()}
    return (
        member.fit.kind,
        repr(sorted(params.items())),
        tuple(weights.items()),
        replace(job.schedule, learning_rate=0.0),
    )
