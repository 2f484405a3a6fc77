"""How a journal lies in its SQLite file.

``prior`` is the number of the event of the same kind before this one: whoever reads one kind so
notices a missing event. ``crc`` stands before the long columns, as the next row's check needs it.
"""

FORMAT, APPLICATION = 1, 0x74776A31
PAGE = 32768  # bytes; a bar of 500 symbols fits in one, and comes back with one read
KEPT = 2  # snapshots
SCHEMA = """
CREATE TABLE about (id INTEGER PRIMARY KEY CHECK (id = 1), facts TEXT NOT NULL, seal TEXT NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, prior INTEGER NOT NULL, crc INTEGER NOT NULL, at INTEGER NOT NULL,
    kind TEXT NOT NULL, facts TEXT NOT NULL, blob BLOB NOT NULL
);
CREATE INDEX by_kind ON events (kind);
CREATE TABLE snapshots (
    seq INTEGER PRIMARY KEY, crc INTEGER NOT NULL, packed INTEGER NOT NULL, seal TEXT NOT NULL,
    blob BLOB NOT NULL
);
CREATE TRIGGER about_stays BEFORE UPDATE ON about BEGIN
    SELECT RAISE(ABORT, 'what a journal is about is written once');
END;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'a journal only grows');
END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'a journal only grows');
END;
"""
INSERT = "INSERT INTO events (seq, prior, crc, at, kind, facts, blob) VALUES (?, ?, ?, ?, ?, ?, ?)"
COLUMNS = "seq, prior, crc, at, kind, facts, blob"
RANGE = f"SELECT {COLUMNS} FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
OF_KIND = (
    f"SELECT {COLUMNS}, ifnull((SELECT crc FROM events AS e WHERE e.seq = events.seq - 1), 0) "
    "FROM events WHERE kind = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
)
LAST_OF_KIND = "SELECT ifnull(max(seq), 0) FROM events WHERE kind = ? AND seq <= ?"
CRC_OF = "SELECT crc FROM events WHERE seq = ?"
COUNT_OF_KIND = "SELECT count(*) FROM events WHERE kind = ?"
COUNT = "SELECT ifnull(max(seq), 0) FROM events"
BEYOND = "SELECT kind, count(*) FROM events INDEXED BY by_kind WHERE seq > ? GROUP BY kind"
LAST_BAR = "SELECT at FROM events WHERE kind = 'bar' AND seq > ? ORDER BY seq DESC LIMIT 1"
