"""Runs the tests of each fault that poolgate is to bear, and shows what came of them.

    python tests/faults/matrix.py            all but the long ones
    python tests/faults/matrix.py --long     all of them, an hour and more
    python tests/faults/matrix.py R5 R26     these rows only
    python tests/faults/matrix.py --check    none; are all tests there that rows name?

A row passes when every test that it names is there and passes. It ends with 1 when one does
not.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """A fault, and what shows that it is borne."""

    name: str
    fault: str
    tests: tuple[str, ...] = ()
    # With --long in this environment, which makes tests take longer.
    long: dict[str, str] = field(default_factory=dict)
    # Why not all of it is tried, or none.
    reason: str = ""


ROWS = (
    Row(
        "R1",
        "a caller cancels a read",
        (
            "deadlines::a_thousand_reads_that_are_given_up_leave_nothing_upstream",
            "quotas::a_call_counts_as_in_flight_until_it_is_answered_or_given_up",
        ),
    ),
    Row(
        "R2",
        "a caller cancels a write",
        (
            "deadlines::a_write_goes_on_when_its_caller_has_gone_and_says_that_its_outcome_is_unknown",
            "partial_update::a_write_whose_caller_has_gone_still_keeps_others_out",
            "quotas::a_change_counts_as_in_flight_until_it_ends_also_when_its_caller_has_gone",
            "audit::answers::a_change_that_was_tried_twice_is_recorded_as_it_ended_also_without_its_caller",
        ),
    ),
    Row(
        "R3",
        "deadlines pass",
        (
            "deadlines::a_read_ends_with_its_callers_deadline",
            "deadlines::too_little_time_is_not_started",
            "order::the_deadline_covers_the_reading_of_the_message",
        ),
    ),
    Row(
        "R4",
        "a deadline passes on a create",
        ("create_once::a_create_is_on_the_wire_once_under_every_fault",),
    ),
    Row(
        "R5",
        "killed while it writes",
        (
            "audit::killed::every_pool_that_is_there_after_a_kill_was_intended_in_the_journal",
            "audit::digests::whenever_the_process_is_killed_the_next_one_goes_on",
            "killed::a_process_that_is_killed_while_it_writes_loses_nothing_it_acknowledged",
        ),
        long={"POOLGATE_TEST_AUDIT_KILLS": "200"},
    ),
    Row(
        "R6",
        "the power is cut between write and sync",
        ("audit::disk_faults::what_a_power_cut_leaves_of_the_journal_knows_of_every_pool",),
    ),
    Row(
        "R7",
        "the disk of the journal is full or fails",
        (
            "audit::disk_faults::a_disk_on_which_no_file_can_be_begun_keeps_the_one_that_is_there",
            "audit::disk_faults::a_process_that_dies_on_a_full_disk_is_followed_by_one_that_goes_on",
            "audit::disk_faults::whatever_a_disk_does_nothing_is_made_without_an_intent_on_it",
            "audit::disk_faults::a_pipe_that_nobody_reads_lets_nobody_wait_and_nothing_be_made",
        ),
    ),
    Row(
        "R8",
        "the journal is closed, moved, removed under load",
        (
            "audit::disk_faults::a_file_that_is_deleted_under_load_takes_only_what_was_in_it",
            "audit::complete::every_call_has_one_record_however_it_ends",
        ),
        long={"POOLGATE_TEST_AUDIT_CALLS": "100000"},
    ),
    Row(
        "R9",
        "AWS answers with errors and pages",
        (
            "create_once::a_read_is_tried_again_and_a_throttled_create_is_not",
            "quotas::overload::what_fails_again_and_again_is_not_tried_for_a_while_and_then_a_little",
        ),
    ),
    Row(
        "R10",
        "AWS throttles",
        (
            "quotas::account::*",
            "quotas::overload::throttles_and_what_callers_do_wrong_open_nothing",
        ),
    ),
    Row(
        "R11",
        "AWS accepts and hangs",
        (
            "quotas::overload::what_hangs_is_not_tried_either_also_where_callers_are_impatient",
            "upstream::an_operation_ends_with_its_own_time_out",
        ),
    ),
    Row(
        "R12",
        "a connection to AWS dies unnoticed",
        ("create_once::a_read_goes_on_over_another_connection_when_the_first_has_died_unnoticed",),
    ),
    Row(
        "R13",
        "an answer is slow, cut or without an end",
        (
            "create_once::an_answer_that_comes_a_byte_at_a_time_is_not_waited_for",
            "create_once::an_answer_without_an_end_is_read_no_further_than_any_answer_goes",
            "upstream::an_answer_that_lacks_what_aws_always_returns_is_no_success",
        ),
    ),
    Row(
        "R14",
        "no name server, no credentials",
        (
            "create_once::an_upstream_that_is_not_there_is_unavailable",
            "upstream::unsigned_operations_carry_no_credentials_and_all_others_are_signed",
        ),
        reason="credentials of the machine are read and refreshed by the AWS SDK",
    ),
    Row(
        "R15",
        "AWS becomes twenty times slower",
        (
            "quotas::overload::when_aws_becomes_slow_fewer_calls_are_under_way_and_those_are_not_held_up",
            "quotas::overload::a_caller_whose_calls_hang_leaves_places_to_others",
        ),
    ),
    Row(
        "R16",
        "ten times more calls than can be answered",
        (
            "quotas::overload::no_more_calls_are_under_way_than_may_be",
            "quotas::account::a_caller_without_measure_does_not_slow_down_those_with_measure",
        ),
        reason="who makes the calls needs a machine of its own for more",
    ),
    Row(
        "R17",
        "a signal while writes are under way",
        (
            "server::drain::tests::a_write_upstream_is_waited_for_and_counted_when_it_does_not_end",
            "server::drain::tests::silent_half_open_and_idle_peers_cannot_hold_the_process",
            "server::drain::tests::calls_are_still_taken_during_the_notice",
            "drained::*",
        ),
    ),
    Row(
        "R18",
        "a second signal",
        ("server::drain::tests::a_second_signal_ends_at_once_and_counts_what_is_cut",),
    ),
    Row(
        "R19",
        "memory is short",
        ("million::*", "hostile::memory::*"),
        long={"POOLGATE_TEST_MEMORY": "60"},
        reason="the kernel kills above 256 MiB where the test may have it do so",
    ),
    Row(
        "R20",
        "many connections at once",
        (
            "tls::hygiene::many_clients_that_stall_keep_no_good_one_out",
            "server::listen::tests::a_connection_over_the_limit_is_closed_and_counted",
            "hostile::connections::*",
        ),
        reason="fewer than ten thousand where a process may have fewer descriptors",
    ),
    Row(
        "R21",
        "the clock jumps",
        ("clock::tests::*", "quota::tests::model::*"),
        reason="by a clock that is passed in: no limit goes by the time of day",
    ),
    Row("R22", "Redis fails", ("shared_quotas::faults::*",)),
    Row(
        "R23",
        "what is known of pools, while AWS fails",
        ("known::*",),
    ),
    Row(
        "R24",
        "two change one pool",
        (
            "partial_update::a_change_that_meets_another_is_tried_again_up_to_three_times",
            "partial_update::no_other_change_of_the_pool_comes_between_reading_and_writing",
        ),
    ),
    Row(
        "R25",
        "garbage in files that are read again",
        ("reloads::*", "server::reload::tests::*", "tls::reload::*", "tls::revoked::*"),
    ),
    Row(
        "R26",
        "hours of mixed calls",
        ("soak::mixed_calls_with_faults_leave_nothing_behind",),
        long={"POOLGATE_TEST_SOAK": "3600"},
    ),
    Row(
        "R27",
        "telemetry is down",
        (
            "traces::a_collector_that_never_answers_delays_no_call_and_no_end",
            "audit::forwarding::targets_that_hang_delay_neither_calls_nor_the_end",
        ),
    ),
)


def built() -> list[Path]:
    """The binaries that hold the tests, built anew."""
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json"]
    command += ["--lib", "--test", "it"]
    run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = (json.loads(line) for line in run.stdout.splitlines())
    return [
        Path(message["executable"])
        for message in messages
        if message.get("executable") and message["profile"]["test"]
    ]


def tests_in(binary: Path) -> list[str]:
    """The names of its tests."""
    listed = subprocess.run([binary, "--list"], check=True, stdout=subprocess.PIPE, text=True)
    lines = listed.stdout.splitlines()
    return [line.removesuffix(": test") for line in lines if line.endswith(": test")]


def chosen(wanted: str, tests: list[str]) -> list[str]:
    """Those of the name, or all below it that ends with `*`."""
    if wanted.endswith("*"):
        return [test for test in tests if test.startswith(wanted[:-1])]
    return [wanted] if wanted in tests else []


def missing(row: Row, binaries: dict[Path, list[str]]) -> list[str]:
    """What it names and nobody has."""
    return [
        wanted
        for wanted in row.tests
        if not any(chosen(wanted, tests) for tests in binaries.values())
    ]


def run_row(row: Row, binaries: dict[Path, list[str]], *, long: bool) -> tuple[bool, str]:
    """Whether it passed, and what there is to say."""
    if nowhere := missing(row, binaries):
        return False, f"no such test: {', '.join(nowhere)}"
    environment = os.environ | (row.long if long else {})
    passed = 0
    for binary, tests in binaries.items():
        names = sorted({name for wanted in row.tests for name in chosen(wanted, tests)})
        if not names:
            continue
        # The folder that cargo runs them in.
        ran = subprocess.run(
            [binary, "--exact", *names],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        counted = re.search(r"(\d+) passed; (\d+) failed", ran.stdout)
        if ran.returncode != 0 or not counted or int(counted[1]) != len(names):
            print(ran.stdout, file=sys.stderr)
            failed = re.findall(r"^test (\S+) \.\.\. FAILED", ran.stdout, re.MULTILINE)
            return False, ", ".join(failed) or "the tests ended early"
        passed += len(names)
    tests_word = "test" if passed == 1 else "tests"
    return True, f"{passed} {tests_word}" + (f"; {row.reason}" if row.reason else "")


def main() -> int:
    """Shows the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--long", action="store_true", help="as long as it takes")
    parser.add_argument("--check", action="store_true", help="only whether all tests are there")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="R1 to R27; otherwise all")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    rows = [row for row in ROWS if not arguments.rows or row.name in arguments.rows]
    binaries = {binary: tests_in(binary) for binary in built()}
    if arguments.check:
        nowhere = [name for row in rows for name in missing(row, binaries)]
        print("\n".join(f"no such test: {name}" for name in nowhere) or "All tests are there.")
        return 1 if nowhere else 0
    all_passed = True
    print(f"{'row':<4} {'fault':<50} {'result':<7} {'seconds':>7}  what was run")
    for row in rows:
        began = time.monotonic()
        passed, said = run_row(row, binaries, long=arguments.long)
        took = time.monotonic() - began
        result = "passed" if passed else "FAILED"
        print(f"{row.name:<4} {row.fault:<50} {result:<7} {took:>7.1f}  {said}", flush=True)
        all_passed = all_passed and passed
    return 0 if all_passed else 1


if __name__ == "__main__":
    sys.exit(main())
