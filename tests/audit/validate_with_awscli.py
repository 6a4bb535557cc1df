#!/usr/bin/env python3
"""AWS's validator of CloudTrail's logs reads a journal of poolgate.

The validator is the one of `aws cloudtrail validate-logs`, over stub clients that read
the journal's folder as a bucket and hand out its public key. It finds the journal valid,
and on journals that were tampered with it says the same as `poolgate audit verify`.
Prints `N mutations, N agreed`, or where the two differ, and then ends with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

from awscli.customizations.cloudtrail import validation
from botocore.exceptions import ClientError

BUCKET = "poolgate"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
TRAIL = "audit"
START = datetime(2000, 1, 1)
END = datetime(2100, 1, 1)


class Bucket:
    """An S3 client that reads a folder.

    A closed file that is not compressed yet is there in both forms: the validator asks
    for the compressed one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        """The bytes of a file; for a digest, its signature as metadata."""
        path = self.folder / Key
        if Bucket != BUCKET or not path.is_file():
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        metadata = {}
        signature = path.with_name(path.name + ".sig")
        if signature.is_file():
            text = signature.read_text(encoding="latin-1").removesuffix("\n")
            metadata = {"signature": text, "signature-algorithm": "SHA256withRSA"}
        return {"Body": io.BytesIO(path.read_bytes()), "Metadata": metadata}


class Stubs:
    """What the validator asks AWS for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bucket = Bucket(folder)

    def get_client(self, bucket: str) -> Bucket:
        """The client of a bucket."""
        return self.bucket

    def list_public_keys(self, **_: object) -> dict[str, Any]:
        """The one key."""
        key = json.loads((self.folder / "public-key.json").read_text())
        return {"PublicKeyList": [{"Fingerprint": key["fingerprint"], "Value": key["value"]}]}


class Digests(validation.DigestProvider):  # type: ignore[misc]
    """Finds digests under our names, which are not CloudTrail's."""

    def load_all_digest_keys_in_range(
        self, bucket: str, prefix: str | None, start_date: datetime, end_date: datetime
    ) -> tuple[list[str], list[str]]:
        """All digests of the folder, in their order."""
        return self.load_digest_keys_in_range(bucket, prefix, start_date, end_date), []

    def load_digest_keys_in_range(
        self,
        bucket: str,
        prefix: str | None,
        start_date: datetime,
        end_date: datetime,
        is_backfill: bool = False,
    ) -> list[str]:
        """All digests of the folder, in their order."""
        folder = self._client_provider.get_client(bucket).folder
        if is_backfill:
            return []
        return sorted(f"digests/{path.name}" for path in (folder / "digests").glob("*.json.gz"))


def aws_complaints(folder: Path) -> tuple[int, int, list[str]]:
    """How many digests and log files AWS's validator finds valid, and its complaints."""
    stubs = Stubs(folder)
    complaints: list[str] = []

    def complain(kind: str) -> Any:
        def called(**about: Any) -> None:
            complaints.append(f"{kind}: {about.get('message') or about.get('last_key')}")

        return called

    traverser = validation.DigestTraverser(
        digest_provider=Digests(stubs, ACCOUNT, TRAIL, REGION),
        starting_bucket=BUCKET,
        starting_prefix=None,
        public_key_provider=validation.PublicKeyProvider(stubs),
        on_invalid=complain("invalid"),
        on_gap=complain("gap"),
        on_missing=complain("missing"),
    )
    command = validation.CloudTrailValidateLogs.__new__(validation.CloudTrailValidateLogs)
    command.s3_client_provider = stubs
    command.is_verbose = False
    command._valid_logs = command._invalid_logs = 0
    command._is_last_status_double_space = False
    valid = 0
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        for digest in traverser.traverse_digests(START, END):
            valid += 1
            for log in digest["logFiles"]:
                command._download_log(log)
    complaints += [line for line in said.getvalue().splitlines() if line]
    return valid, command._valid_logs, complaints


def poolgate_says(binary: Path, folder: Path) -> tuple[int, dict[str, Any]]:
    """What `poolgate audit verify` says."""
    done = subprocess.run(
        [
            *(str(binary), "audit", "verify", "--json"),
            *("--key", str(folder / "public-key.pem"), str(folder / "audit.jsonl")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def content(path: Path) -> bytes | None:
    """What a compressed file holds."""
    try:
        return zlib.decompress(path.read_bytes(), zlib.MAX_WBITS | 16)
    except zlib.error:
        return None


def mutate(folder: Path, chance: random.Random) -> str:
    """Tampers with a log file, a digest or a signature; says how."""
    logs = sorted(folder.glob("audit-*.gz"))
    # Of the last digest, nothing but itself and what it lists shows that it was there.
    digests = sorted((folder / "digests").glob("*.json.gz"))[:-2]
    path = chance.choice([*logs, *digests])
    signature = path.with_name(path.name + ".sig")
    kind = chance.choice(["content", "bit", "delete", "truncate", "swap", "signature"])
    if kind == "content":
        text = bytearray(gzip.decompress(path.read_bytes()))
        text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)
        path.write_bytes(gzip.compress(bytes(text)))
    elif kind == "bit":
        before, data = content(path), bytearray(path.read_bytes())
        while content(path) == before:
            at = chance.randrange(len(data))
            data[at] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
    elif kind == "delete":
        if path in logs[:1]:
            path = logs[1]
        path.unlink()
    elif kind == "truncate":
        whole = path.read_bytes()
        path.write_bytes(whole[: chance.randrange(1, len(whole) - 1)])
    elif kind == "swap":
        same = logs if path in logs else digests
        other = chance.choice([one for one in same if one != path])
        first, second = path.read_bytes(), other.read_bytes()
        path.write_bytes(second)
        other.write_bytes(first)
    else:
        path = chance.choice(digests)
        signature = path.with_name(path.name + ".sig")
        digits = list(signature.read_text().strip())
        at = chance.randrange(len(digits))
        digits[at] = chance.choice([digit for digit in "0123456789abcdef" if digit != digits[at]])
        signature.write_text("".join(digits) + "\n")
    return f"{kind} of {path.name}"


def main() -> int:
    """Checks the folder as it is, and mutations of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the journal, and public-key.json and .pem")
    parser.add_argument("--poolgate", type=Path, default=Path("target/debug/poolgate"))
    parser.add_argument("--mutations", type=int, default=300)
    options = parser.parse_args()

    digests = len(list((options.folder / "digests").glob("*.json.gz")))
    logs = len(list(options.folder.glob("audit-*.gz")))
    valid = aws_complaints(options.folder)
    ours = poolgate_says(options.poolgate, options.folder)
    if digests == 0 or valid != (digests, logs, []) or ours[0] != 0:
        print(f"{digests} digests, {logs} log files; AWS: {valid}; poolgate: {ours}")
        return 1
    print(f"{digests} digests and {logs} log files are valid to AWS's validator")

    agreed = 0
    for seed in range(options.mutations):
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "journal"
            shutil.copytree(options.folder, copy)
            done = mutate(copy, random.Random(seed))
            _, _, complaints = aws_complaints(copy)
            code, report = poolgate_says(options.poolgate, copy)
            if complaints and code == 1:
                agreed += 1
            else:
                print(f"{seed}: {done}: AWS: {complaints}; poolgate: {code} {report}")
    print(f"{options.mutations} mutations, {agreed} agreed")
    return 0 if agreed == options.mutations else 1


if __name__ == "__main__":
    sys.exit(main())
