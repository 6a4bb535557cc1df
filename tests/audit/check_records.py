#!/usr/bin/env python3
"""Journals are as their schema says, and answer queries that were written for CloudTrail.

Reads every `*.jsonl` in a folder: each line is an object that `record.schema.json` allows.
The lines of `counted.jsonl` go into a table of SQLite as queries over CloudTrail's records
see them, and what they count is compared with `counts.json`, which those who made the calls
wrote. Prints what was read, or what is wrong, and then ends with 1.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).with_name("record.schema.json")
MOST_FAULTS = 20

# As Athena's documentation of CloudTrail's records has them.
TABLE = """
CREATE TABLE records (record TEXT NOT NULL);
CREATE VIEW cloudtrail_logs AS
SELECT
  json_extract(record, '$.eventName') AS eventname,
  json_extract(record, '$.eventSource') AS eventsource,
  json_extract(record, '$.userIdentity.principalId') AS principalid,
  json_extract(record, '$.errorCode') AS errorcode
FROM records;
"""
CALLS = "eventsource = 'cognito-identity.amazonaws.com'"
QUERIES = {
    "eventName": f"SELECT eventname, count(*) FROM cloudtrail_logs WHERE {CALLS} GROUP BY 1",
    "userIdentity.principalId": "SELECT principalid, count(*) FROM cloudtrail_logs "
    f"WHERE {CALLS} AND principalid IS NOT NULL GROUP BY 1",
    "errorCode": "SELECT errorcode, count(*) FROM cloudtrail_logs "
    f"WHERE {CALLS} AND errorcode IS NOT NULL GROUP BY 1",
}


def lines(journal: Path) -> list[str]:
    """The lines of a journal. A line ends with a newline and with nothing else."""
    text = journal.read_bytes().decode()
    return text.removesuffix("\n").split("\n")


def faults(journal: Path, validator: Draft202012Validator) -> Iterator[str]:
    """What is wrong with the lines of a journal, each with its place."""
    for number, line in enumerate(lines(journal), 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            yield f"{journal.name}, line {number}: {error}"
            continue
        for fault in validator.iter_errors(record):
            yield f"{journal.name}, line {number}, {fault.json_path}: {fault.message[:300]}"


def differences(folder: Path) -> Iterator[str]:
    """Where queries count otherwise than those who made the calls."""
    counts: dict[str, Any] = json.loads((folder / "counts.json").read_text())
    with sqlite3.connect(":memory:") as database:
        database.executescript(TABLE)
        rows = ((line,) for line in lines(folder / "counted.jsonl"))
        database.executemany("INSERT INTO records VALUES (?)", rows)
        for name, query in QUERIES.items():
            counted = dict(database.execute(query))
            if counted != counts[name]:
                yield f"{name}: the journal has {counted}, and there were {counts[name]}"
        (calls,) = database.execute(
            f"SELECT count(*) FROM cloudtrail_logs WHERE {CALLS}"
        ).fetchone()
        if calls != counts["calls"] or calls < 1000:
            yield f"the journal has {calls} calls, and there were {counts['calls']}"


def main() -> int:
    """Checks the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the journals lie")
    folder: Path = parser.parse_args().folder
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    journals = sorted(folder.glob("*.jsonl"))
    if not journals:
        print(f"there is no journal in {folder}")
        return 1
    found = [fault for journal in journals for fault in faults(journal, validator)]
    found.extend(differences(folder))
    for fault in found[:MOST_FAULTS]:
        print(fault)
    count = sum(len(lines(journal)) for journal in journals)
    print(f"{len(journals)} journals, {count} records, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
