"""The schema, and how it came to be: each step is applied once, in order, in a transaction.

Instants are whole Unix seconds, days are ISO dates.  No random bytes are ever indexed: an index
on them would write a page here and there for every row, which is what kills SD cards, and
the pages it splits would keep copies of bytes that were deleted.  For the same reason every table
that grows is ordered by its rowid, and its rowid by time: SQLite then only appends.
"""

import json

from sqlite_utils import Database, Migrations

node = Migrations("node")


@node()
def keys_encounters_exports_alerts_and_reports(db: Database) -> None:
    """Lay down the first schema."""
    for statement in _FIRST:
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")


@node()
def cells_that_can_be_sealed(db: Database) -> None:
    """Give what is private one column a table, of any length, and the data key a place."""
    db.execute(_SEALING)
    for table, (create, copy) in _SECOND.items():
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
        db.execute(create)
        if copy:
            db.execute(copy)
    for row, started, published, secret, *texts in db.execute(
        "SELECT id, started, published, hmac_secret, token, report_type, onset, certificate,"
        " revision_token FROM old_report"
    ).fetchall():
        details = json.dumps([secret.hex(), *texts]).encode()
        db.execute("INSERT INTO report VALUES (?, ?, ?, ?)", (row, started, published, details))
    for row, *entry in db.execute("SELECT * FROM old_alert").fetchall():
        day = entry[1]
        db.execute("INSERT INTO alert VALUES (?, ?, ?)", (row, day, json.dumps(entry).encode()))
    for table in _SECOND:
        # Emptied first: dropping frees the pages, deleting zeroes them.
        db.execute(f"DELETE FROM old_{table}")  # noqa: S608
        db.execute(f"DROP TABLE old_{table}")
    db.execute("PRAGMA user_version = 2")


@node()
def calibrations_of_receivers(db: Database) -> None:
    """Give each adapter a place for how far it reads from the truth."""
    db.execute(_CALIBRATION)
    db.execute("PRAGMA user_version = 3")


@node()
def places_that_visitors_check_in_at(db: Database) -> None:
    """Give visits and notices their tables; and a kiosk its ledger, its register, its proposals."""
    for statement in (*_PLACES, *_KIOSK):
        db.execute(statement)
    db.execute("PRAGMA user_version = 4")


_FIRST = (
    """
CREATE TABLE own_key (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL CHECK (length(key) = 16),  -- Temporary Exposure Key of this device: a secret
  rolling_start INTEGER NOT NULL,   -- first ENIntervalNumber (10 min) of its validity
  rolling_period INTEGER NOT NULL   -- intervals it is valid for, 1..144
) STRICT
""",
    """
CREATE TABLE encounter (
  id INTEGER PRIMARY KEY,           -- grows with time: rows are only appended
  protocol TEXT NOT NULL,           -- 'gaen' or 'bluezone'
  identifier BLOB NOT NULL,         -- rolling identifier as heard, 16 (gaen) or 12 (bluezone) bytes
  metadata BLOB,                    -- 4 encrypted bytes; NULL where the frame carried none
  first_heard INTEGER NOT NULL      -- its scans lie within half an hour from here
) STRICT
""",
    """
CREATE TABLE minute (
  start INTEGER PRIMARY KEY,        -- the UTC minute
  seconds INTEGER NOT NULL DEFAULT 0,    -- how long its scan stands for, at most 300; 0: no scan
  listened REAL NOT NULL DEFAULT 0,      -- seconds of it in which the receiver was on
  sightings INTEGER NOT NULL DEFAULT 0,  -- frames of ours heard
  others INTEGER NOT NULL DEFAULT 0,     -- frames of anyone else: proof that the receiver works
  heard BLOB                        -- deflated columns: encounter.id, second of the minute,
                                    -- seconds, histogram of levels (heard.py); NULL: nobody
) STRICT
""",
    """
CREATE TABLE source (
  name TEXT PRIMARY KEY,            -- where exports come from, as named in the configuration
  last_success INTEGER,             -- when all was well last
  last_attempt INTEGER,             -- when it was tried last
  problem TEXT NOT NULL             -- machine name of what is wrong now; '' when nothing is
) STRICT
""",
    """
CREATE TABLE export (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,             -- source.name
  name TEXT NOT NULL,               -- name of the file at the source
  state TEXT NOT NULL,              -- 'matched' or 'failed'
  reached INTEGER NOT NULL,         -- when it came into this state
  keys INTEGER NOT NULL,            -- keys in it
  revised_keys INTEGER NOT NULL,    -- revised keys in it
  matched_keys INTEGER NOT NULL,    -- keys of it that were heard
  end_timestamp INTEGER NOT NULL,   -- end of its window; 0 where it was never verified
  reason TEXT NOT NULL,             -- machine name of the failure; '' where it was matched
  attempts INTEGER NOT NULL,        -- times it was tried
  UNIQUE (source, name)
) STRICT
""",
    """
CREATE TABLE matched_key (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL CHECK (length(key) = 16),  -- published key whose identifiers were heard
  rolling_start INTEGER NOT NULL,   -- first ENIntervalNumber of its validity
  rolling_period INTEGER NOT NULL,  -- intervals it is valid for
  report_type INTEGER NOT NULL,     -- GAEN's ReportType, as revised
  transmission_risk INTEGER NOT NULL,  -- 0..8, deprecated by GAEN v2
  days_since_onset INTEGER,         -- of this key's day, as revised; NULL where not told
  source TEXT NOT NULL,             -- source.name it came from first
  export TEXT NOT NULL              -- export.name it came from first
) STRICT
""",
    """
CREATE TABLE alert (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,               -- 'proximity'
  day TEXT NOT NULL,                -- UTC day of the exposure
  starts INTEGER NOT NULL,          -- the exposure lies in [starts, ends)
  ends INTEGER NOT NULL,            -- see starts
  level INTEGER NOT NULL,           -- 1 low, 2 high
  score REAL NOT NULL,              -- in the unit of the rules
  minutes_near REAL NOT NULL,       -- by the attenuation thresholds of the rules
  minutes_middle REAL NOT NULL,     -- likewise
  minutes_far REAL NOT NULL,        -- likewise
  confidence TEXT NOT NULL,         -- 'low', 'medium' or 'high'
  packets INTEGER NOT NULL,         -- packets the judgement rests on
  rules TEXT NOT NULL,              -- preset that decided
  report_type TEXT NOT NULL,        -- most serious diagnosis behind it
  raised INTEGER NOT NULL,          -- when this evidence was first judged
  told INTEGER,                     -- when the owner was told of it at this level
  acknowledged INTEGER,             -- when a person read it
  UNIQUE (kind, day, rules)
) STRICT
""",
    """
CREATE TABLE report (
  id INTEGER PRIMARY KEY,
  started INTEGER NOT NULL,         -- when it was begun; once claimed, when the code was claimed
  token TEXT NOT NULL,              -- of the registrar: a secret; '' until the code is claimed
  report_type TEXT NOT NULL,        -- 'confirmed', 'likely' or 'negative'; '' until claimed
  onset TEXT,                       -- day of first symptoms
  hmac_secret BLOB NOT NULL,        -- binds certificate to keys, makes the nonce: a secret
  certificate TEXT NOT NULL,        -- '' until certified
  published INTEGER,                -- when the publisher accepted the keys
  revision_token TEXT NOT NULL      -- of the publisher: needed to publish again; '' until given
) STRICT
""",
    """
CREATE TABLE report_key (
  id INTEGER PRIMARY KEY,           -- in the order in which the certificate was asked for
  report_id INTEGER NOT NULL,       -- report.id
  key BLOB NOT NULL CHECK (length(key) = 16),  -- own key that the report publishes
  rolling_start INTEGER NOT NULL,   -- first ENIntervalNumber of its validity
  rolling_period INTEGER NOT NULL   -- intervals it is valid for
) STRICT
""",
)

_SEALING = """
CREATE TABLE sealing (
  id INTEGER PRIMARY KEY CHECK (id = 1),  -- one row where the database is sealed, else none
  key_id BLOB NOT NULL,             -- name of the data key: tells whether it is still the same
  cost INTEGER NOT NULL,            -- of scrypt, by which the secret is stretched; 0: HKDF
  salt BLOB NOT NULL,               -- of either
  wrapped BLOB NOT NULL,            -- the data key, encrypted: nonce, ciphertext, tag
  wiped INTEGER NOT NULL            -- 0: files may hold what was readable before it was sealed
) STRICT
"""

_CALIBRATION = """
CREATE TABLE calibration (
  radio TEXT PRIMARY KEY,           -- the adapter that received, such as 'bluez:hci0'
  made INTEGER NOT NULL,            -- when
  peer_tx_power REAL NOT NULL,      -- what the peer told of its power, dBm
  near_packets INTEGER NOT NULL,    -- heard of it at 1 m
  near_mean REAL NOT NULL,          -- of their levels, dBm
  near_spread REAL NOT NULL,        -- standard deviation from packet to packet, dB
  far_packets INTEGER NOT NULL,     -- the same at 2 m
  far_mean REAL NOT NULL,           -- likewise
  far_spread REAL NOT NULL,         -- likewise
  decibels REAL NOT NULL,           -- offset: added to every level that this adapter reads
  standard_error REAL NOT NULL      -- of the offset, dB
) STRICT
"""

_PLACES = (
    """
CREATE TABLE visit (
  id INTEGER PRIMARY KEY,
  day TEXT NOT NULL,                -- UTC day on which it began
  entry BLOB NOT NULL               -- sealed: JSON of the visit (visits.py)
) STRICT
""",
    """
CREATE TABLE bundle (               -- what is looked up often stands before the megabytes
  id INTEGER PRIMARY KEY,           -- its number in the chain
  province TEXT NOT NULL,           -- whose authority made it
  created INTEGER NOT NULL,         -- when
  digest BLOB NOT NULL,             -- SHA-256 of the file
  signer BLOB NOT NULL,             -- name of the key that signed it, 8 bytes
  breaker INTEGER NOT NULL,         -- 1: nobody is to be told of anything
  revoked BLOB NOT NULL,            -- of all cards that are withdrawn: 8 bytes of each location id
  opened BLOB NOT NULL,             -- marks of rows of registers that were opened, 8 bytes each
  content BLOB NOT NULL             -- the file as it was published, signature and all
) STRICT
""",
    """
CREATE TABLE place_file (
  name TEXT PRIMARY KEY,            -- 'trust.cose' or 'days.cose'
  content BLOB NOT NULL             -- the newest that was believed, as it was published
) STRICT
""",
    """
CREATE TABLE shown_pass (
  id INTEGER PRIMARY KEY,
  day TEXT NOT NULL,                -- UTC day on which it was shown
  entry BLOB NOT NULL               -- sealed: its nonce, by which an opened row is recognised
) STRICT
""",
)

_KIOSK = (
    """
CREATE TABLE checkin (
  id INTEGER PRIMARY KEY,           -- grows with time: rows are only appended
  came INTEGER NOT NULL,            -- when
  left INTEGER,                     -- when, or when it is taken that they did; NULL: inside
  entry BLOB NOT NULL               -- sealed: JSON array of way, party, doubts, ending, seen last,
                                    -- digest under the key of the day (checkins.py)
) STRICT
""",
    """
CREATE TABLE kiosk_day (
  day INTEGER PRIMARY KEY,          -- days since 1970, Vietnam's time
  key BLOB NOT NULL                 -- sealed: 32 bytes; destroyed when the day is over
) STRICT
""",
    """
CREATE TABLE proposal (
  id INTEGER PRIMARY KEY,           -- in the order in which they were made
  ends INTEGER NOT NULL,            -- end of the time that is proposed
  sent INTEGER,                     -- when the authority took it; NULL: not yet
  entry BLOB NOT NULL               -- sealed: JSON array of name, start, minutes near, packets,
                                    -- keys, packets expected, when it was made (proposals.py)
) STRICT
""",
    """
CREATE TABLE contact (
  id INTEGER PRIMARY KEY,           -- grows with time: rows are only appended
  slot INTEGER NOT NULL,            -- quarter of an hour since 1970 in which they came
  entry BLOB NOT NULL               -- sealed: CBOR array of row id, location id, id of the day's
                                    -- key, contact sealed twice (venues/register.py)
) STRICT
""",
    """
CREATE TABLE opening (
  id INTEGER PRIMARY KEY,           -- without gaps
  at INTEGER NOT NULL,              -- when
  entry BLOB NOT NULL               -- sealed: CBOR array of the warrant as it came, rows
                                    -- released, SHA-256 over all this and the entry before, and
                                    -- that entry's
) STRICT
""",
)

_SECOND = {
    "own_key": (
        """
CREATE TABLE own_key (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL,                -- sealed: Temporary Exposure Key of this device, a secret
  rolling_start INTEGER NOT NULL,   -- first ENIntervalNumber (10 min) of its validity
  rolling_period INTEGER NOT NULL   -- intervals it is valid for, 1..144
) STRICT
""",
        "INSERT INTO own_key SELECT * FROM old_own_key",
    ),
    "encounter": (
        """
CREATE TABLE encounter (
  id INTEGER PRIMARY KEY,           -- grows with time: rows are only appended
  protocol TEXT NOT NULL,           -- 'gaen' or 'bluezone'
  whose BLOB NOT NULL,              -- sealed: length of the identifier in one byte, the identifier
                                    -- as heard, 4 encrypted bytes of metadata where there were any
  first_heard INTEGER NOT NULL      -- its scans lie within half an hour from here
) STRICT
""",
        """
INSERT INTO encounter
SELECT id, protocol,
  CAST(CASE length(identifier) WHEN 16 THEN x'10' ELSE x'0c' END
       || identifier || coalesce(metadata, x'') AS BLOB),
  first_heard
FROM old_encounter
""",
    ),
    "matched_key": (
        """
CREATE TABLE matched_key (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL,                -- sealed: published key whose identifiers were heard
  rolling_start INTEGER NOT NULL,   -- first ENIntervalNumber of its validity
  rolling_period INTEGER NOT NULL,  -- intervals it is valid for
  report_type INTEGER NOT NULL,     -- GAEN's ReportType, as revised
  transmission_risk INTEGER NOT NULL,  -- 0..8, deprecated by GAEN v2
  days_since_onset INTEGER,         -- of this key's day, as revised; NULL where not told
  source TEXT NOT NULL,             -- source.name it came from first
  export TEXT NOT NULL              -- export.name it came from first
) STRICT
""",
        "INSERT INTO matched_key SELECT * FROM old_matched_key",
    ),
    "alert": (
        """
CREATE TABLE alert (
  id INTEGER PRIMARY KEY,
  day TEXT NOT NULL,                -- UTC day of the exposure
  entry BLOB NOT NULL               -- sealed: JSON array of kind, day, starts, ends, level, score,
                                    -- minutes near, middle and far, confidence, packets, rules,
                                    -- report type, nearness, raised, told, acknowledged (alerts.py)
) STRICT
""",
        "",
    ),
    "report": (
        """
CREATE TABLE report (
  id INTEGER PRIMARY KEY,
  started INTEGER NOT NULL,         -- when it was begun; once claimed, when the code was claimed
  published INTEGER,                -- when the publisher accepted the keys
  details BLOB NOT NULL             -- sealed: JSON array of HMAC secret, token, kind of test,
                                    -- onset, certificate, revision token (reports.py)
) STRICT
""",
        "",
    ),
    "report_key": (
        """
CREATE TABLE report_key (
  id INTEGER PRIMARY KEY,           -- in the order in which the certificate was asked for
  report_id INTEGER NOT NULL,       -- report.id
  key BLOB NOT NULL,                -- sealed: own key that the report publishes
  rolling_start INTEGER NOT NULL,   -- first ENIntervalNumber of its validity
  rolling_period INTEGER NOT NULL   -- intervals it is valid for
) STRICT
""",
        "INSERT INTO report_key SELECT * FROM old_report_key",
    ),
}
"""By table: how it is laid out, and how its rows come from the first layout. 'Sealed' columns
hold what seal.py makes of it where the database is sealed, and the thing itself where not."""
