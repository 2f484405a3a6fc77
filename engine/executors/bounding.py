"""A run once more with every ambiguous bar gone one way: what the bounds of the report are made of.

On the kernel whoever traded first, because all executors agree.
"""

from tradewind.engine.ambiguity import Again
from tradewind.engine.executors import reference
from tradewind.engine.executors.multiples import Task
from tradewind.engine.executors.terms import bound_of
from tradewind.engine.records import Simulation


def at_bounds(task: Task, intrabar: str) -> Again:
    """Make the function that trades a task again.

    Parameters
    ----------
    task : Task
        As the run was traded.
    intrabar : str
        How the run itself looked into its bars.
    """

    def again(best: bool) -> Simulation:
        execution = task.terms.execution._replace(intrabar=bound_of(intrabar, best=best))
        terms = task.terms._replace(execution=execution)
        return reference.simulate(
            task.strategy, task.inputs, task.panel, terms, start=task.start, market=task.market
        )

    return again
