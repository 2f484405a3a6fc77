"""What can stand in a journal: a closed list."""

STARTED = "started"  # the run began: symbols, clock, cash
RESUMED = "resumed"  # a process took the run over
STOPPED = "stopped"  # it let go of it, and why
COMMAND = "command"  # a person, a page or a signal asked for something
FEED = "feed"  # a feed changed its state
DROP = "drop"  # messages that were not used, counted by reason
SKIPPED = "skipped"  # bars that were not taken, because nobody knows them whole
BAR = "bar"  # one bar of every symbol
FORECAST = "forecast"  # what was said at its close
DECISION = "decision"  # what else was known at its close
ORDER = "order"  # an order as it stands now; the last one of a number counts
FILL = "fill"
REFUSED = "refused"  # by the gate
CANCELLED = "cancelled"
HAPPENING = "happening"  # carry, corporate actions, margin calls
EQUITY = "equity"
SUBMIT = "submit"  # sent to a broker outside
RECALL = "recall"  # called back from there, to be sent in another shape
ACK = "ack"  # it said that it has it
REPORT = "report"  # it said something else
RISK = "risk"  # a loss stop tripped
ERROR = "error"
NOTE = "note"
DAILY = "daily"
STANDING = "standing"  # what is held and what works, for whoever only asks that
KINDS = frozenset(
    {
        STARTED, RESUMED, STOPPED, COMMAND, FEED, DROP, SKIPPED, BAR, FORECAST, DECISION, ORDER,
        FILL, REFUSED, CANCELLED, HAPPENING, EQUITY, SUBMIT, RECALL, ACK, REPORT, RISK, ERROR, NOTE,
        DAILY, STANDING,
    }
)  # fmt: skip
