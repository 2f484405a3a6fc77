"""Why a message or a tick is not used: a closed list, counted by these names everywhere."""

MALFORMED = "malformed"  # no JSON, no protobuf, not the fields that were agreed
UNKNOWN_SYMBOL = "unknown_symbol"
NOT_A_NUMBER = "not_a_number"  # no price at all, or something infinite
NOT_POSITIVE = "not_positive"  # a price of zero or less where prices are positive; a negative size
SPIKE = "spike"  # too far from the prices around it to be believed
CROSSED = "crossed"  # a bid above its ask
DUPLICATE = "duplicate"
LATE = "late"  # behind the watermark: its bar has closed
CONFIRMED_LATE = "confirmed_late"  # doubted as a jump, believed only when its bar had closed
FUTURE = "future"  # stamped later than our clock allows
STALE = "stale"  # stamped so long ago that it says nothing about now
OFF_SESSION = "off_session"
OVERFLOW = "overflow"  # the consumer was too slow; the newest quote of a symbol was kept
REASONS = (
    MALFORMED, UNKNOWN_SYMBOL, NOT_A_NUMBER, NOT_POSITIVE, SPIKE, CROSSED, DUPLICATE, LATE,
    CONFIRMED_LATE, FUTURE, STALE, OFF_SESSION, OVERFLOW,
)  # fmt: skip
