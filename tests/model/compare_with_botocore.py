#!/usr/bin/env python3
"""Compares the proto and the Rust table of inputs with botocore's model.

For all operations of `cognito-identity`, every member of every input and output:
that it is there, its type, the values of enums, whether it is required, its bounds
and its pattern. Prints `N members compared, 0 missing, 0 different`, or what is
missing or different, and then ends with 1.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore
import grpc_tools
import rust_table
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "cognito.identity.v1"
SERVICE = f"{PACKAGE}.CognitoIdentityService"
NO_SIDE_EFFECTS = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS

# Operations that create or hand out something although their names begin as those
# of reads do.
ISSUE = {
    "GetCredentialsForIdentity",
    "GetId",
    "GetOpenIdToken",
    "GetOpenIdTokenForDeveloperIdentity",
}
# AWS's pool is one message here: in these requests and responses it is a field.
POOL_IN = {"UpdateIdentityPool"}
POOL_OUT = {"CreateIdentityPool", "DescribeIdentityPool", "UpdateIdentityPool"}
# Plain, with zero for absent, as AWS's own lists have it.
PAGING = {"MaxResults", "NextToken"}
# The service lists these in another order in its error texts than in its model.
OTHER_ORDER = {"MappingRuleMatchType"}
# Not marked sensitive in the model, but values of some providers hold a secret.
ALSO_SECRET = {"IdentityProviderId"}

SCALARS = {
    "string": FieldDescriptor.TYPE_STRING,
    "boolean": FieldDescriptor.TYPE_BOOL,
    "integer": FieldDescriptor.TYPE_INT32,
    "long": FieldDescriptor.TYPE_INT64,
}

Model = dict[str, Any]


@dataclass
class Report:
    """What was compared and what was found."""

    compared: int = 0
    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    def equal(self, where: str, ours: object, aws: object) -> None:
        """Notes a difference."""
        if ours != aws:
            self.different.append(f"{where}: {ours!r}, AWS has {aws!r}")

    def same_names(self, where: str, ours: list[str], aws: list[str]) -> None:
        """Notes names that only one side has."""
        self.missing += [f"{where}.{name}" for name in aws if name not in ours]
        self.different += [f"{where}.{name}: AWS has none" for name in ours if name not in aws]


def main() -> int:
    """Compares, or tests the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--self-test", action="store_true", help="test the comparison itself")
    arguments = parser.parse_args()

    aws = load_model()
    protos = compile_protos()
    shapes = (ROOT / "src/model/shapes.rs").read_text()
    if arguments.self_test:
        return self_test(aws, protos, shapes)
    report = compare(aws, protos, shapes)
    for text in report.missing:
        print(f"missing: {text}")
    for text in report.different:
        print(f"different: {text}")
    print(
        f"{report.compared} members compared, "
        f"{len(report.missing)} missing, {len(report.different)} different"
    )
    return 1 if report.missing or report.different else 0


def load_model() -> Model:
    """botocore's model of the service, as it is written."""
    folder = Path(botocore.__file__).parent / "data/cognito-identity/2014-06-30"
    model: Model = json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes()))
    return model


def compile_protos() -> descriptor_pb2.FileDescriptorSet:
    """The protos with comments, and what they import."""
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(path.relative_to(ROOT / "proto")) for path in ROOT.glob("proto/**/*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        code = protoc.main(
            [
                "protoc",
                f"-I{ROOT / 'proto'}",
                f"-I{well_known}",
                "--include_imports",
                "--include_source_info",
                f"--descriptor_set_out={out.name}",
                *files,
            ]
        )
        if code != 0:
            raise SystemExit("the protos do not compile")
        return descriptor_pb2.FileDescriptorSet.FromString(Path(out.name).read_bytes())


def compare(aws: Model, protos: descriptor_pb2.FileDescriptorSet, shapes: str) -> Report:
    """Both comparisons."""
    report = Report()
    Protos(aws, protos, report).compare()
    patterns = (ROOT / "src/model/pattern.rs").read_text()
    inputs = rust_table.read(shapes, patterns)
    report.same_names("src/model/shapes.rs", sorted(inputs), sorted(aws["operations"]))
    for operation in aws["operations"]:
        if operation in inputs:
            name = aws["operations"][operation]["input"]["shape"]
            compare_rust(aws, name, inputs[operation], f"shapes.rs {operation}", report)
    return report


def snake(name: str) -> str:
    """`OpenIdConnectProviderARNs` is `open_id_connect_provider_arns`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.replace("ARN", "Arn")).lower()


class Protos:
    """The proto held against the model."""

    def __init__(
        self, aws: Model, protos: descriptor_pb2.FileDescriptorSet, report: Report
    ) -> None:
        self.aws = aws
        self.report = report
        self.comments: dict[str, str] = {}
        self.pool = descriptor_pool.DescriptorPool()
        for file in protos.file:
            self.pool.Add(file)
            if file.package == PACKAGE:
                self.read_comments(file)

    def read_comments(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        """The comment above each field, in one line."""
        for location in file.source_code_info.location:
            # Field 4 of a file is a message, field 2 of a message is a field.
            if len(location.path) == 4 and (location.path[0], location.path[2]) == (4, 2):
                message = file.message_type[location.path[1]]
                if location.path[3] < len(message.field):
                    name = message.field[location.path[3]].name
                    comment = " ".join(location.leading_comments.split())
                    self.comments[f"{PACKAGE}.{message.name}.{name}"] = comment

    def compare(self) -> None:
        """All operations."""
        service = self.pool.FindServiceByName(SERVICE)
        self.report.same_names(
            SERVICE, [method.name for method in service.methods], list(self.aws["operations"])
        )
        for method in service.methods:
            operation = self.aws["operations"].get(method.name)
            if operation is None:
                continue
            is_read = method.name not in ISSUE and bool(
                re.match("Describe|Get|List|Lookup", method.name)
            )
            level = method.GetOptions().idempotency_level
            self.report.equal(f"{method.name} idempotency_level", level == NO_SIDE_EFFECTS, is_read)
            self.report.equal(
                f"{method.name} messages",
                (method.input_type.name, method.output_type.name),
                (f"{method.name}Request", f"{method.name}Response"),
            )
            given = self.part(method.input_type, method.name in POOL_IN, {"update_mask"})
            self.structure(operation["input"]["shape"], given, True)
            returned = self.part(method.output_type, method.name in POOL_OUT, set())
            if "output" in operation:
                self.structure(operation["output"]["shape"], returned, False)
            else:
                self.report.same_names(returned.full_name, list(returned.fields_by_name), [])

    def part(self, message: Descriptor, has_pool: bool, beside: set[str]) -> Descriptor:
        """The message, or that of its pool."""
        if not has_pool:
            return message
        names = {"identity_pool"} | beside
        self.report.equal(f"{message.name} layout", set(message.fields_by_name), names)
        pool = message.fields_by_name.get("identity_pool")
        return (pool.message_type if pool is not None else None) or message

    def structure(self, shape: str, message: Descriptor, is_input: bool) -> None:
        """A structure and all its members."""
        definition = self.aws["shapes"][shape]
        members = definition.get("members", {})
        self.report.same_names(
            message.full_name, list(message.fields_by_name), [snake(name) for name in members]
        )
        for name, member in members.items():
            found = message.fields_by_name.get(snake(name))
            if found is None:
                continue
            self.report.compared += 1
            self.value(member["shape"], found, is_input)
            required = name in definition.get("required", [])
            self.presence(member["shape"], name, required, found, is_input)

    def value(self, name: str, found: FieldDescriptor, is_input: bool) -> None:
        """The type of a field, as deep as it goes."""
        shape = self.aws["shapes"][name]
        where = found.full_name
        if shape["type"] == "map":
            entry = found.message_type
            if entry is None or not entry.GetOptions().map_entry:
                self.report.different.append(f"{where}: no map")
            else:
                self.element(shape["key"]["shape"], entry.fields_by_name["key"], is_input)
                self.element(shape["value"]["shape"], entry.fields_by_name["value"], is_input)
            self.redacted(shape["value"]["shape"], found)
            return
        self.report.equal(f"{where} is a list", found.is_repeated, shape["type"] == "list")
        if shape["type"] == "list":
            name = shape["member"]["shape"]
        self.redacted(name, found)
        self.element(name, found, is_input)
        if is_input:
            self.documented(name, found)

    def element(self, name: str, found: FieldDescriptor, is_input: bool) -> None:
        """A type that is neither a list nor a map."""
        shape = self.aws["shapes"][name]
        where = found.full_name
        if shape["type"] == "structure":
            message = found.message_type
            self.report.equal(where, message.name if message else found.type, name)
            if message is not None:
                self.structure(name, message, is_input)
        elif shape["type"] == "timestamp":
            message = found.message_type
            self.report.equal(where, message and message.full_name, "google.protobuf.Timestamp")
        elif "enum" in shape:
            self.enum(name, shape["enum"], found.enum_type, where)
        else:
            self.report.equal(f"{where} type", found.type, SCALARS[shape["type"]])

    def enum(self, name: str, aws: list[str], ours: EnumDescriptor | None, where: str) -> None:
        """All values of an enum, with the one that stands for absent."""
        if ours is None:
            self.report.different.append(f"{where}: no enum")
            return
        prefix = snake(name).upper()
        wanted = [f"{prefix}_UNSPECIFIED"] + [f"{prefix}_{snake(value).upper()}" for value in aws]
        self.report.same_names(where, [value.name for value in ours.values], wanted)

    def presence(
        self, shape: str, name: str, required: bool, found: FieldDescriptor, is_input: bool
    ) -> None:
        """Absent and zero are told apart wherever AWS does."""
        type_ = self.aws["shapes"][shape]["type"]
        if type_ == "boolean" or (
            is_input
            and type_ in SCALARS
            and "enum" not in self.aws["shapes"][shape]
            and not required
            and name not in PAGING
        ):
            self.report.equal(f"{found.full_name} has presence", found.has_presence, True)

    def redacted(self, name: str, found: FieldDescriptor) -> None:
        """What AWS marks sensitive is kept out of debug output."""
        if self.aws["shapes"][name].get("sensitive") or name in ALSO_SECRET:
            options = found.GetOptions()
            self.report.equal(f"{found.full_name} debug_redact", options.debug_redact, True)

    def documented(self, name: str, found: FieldDescriptor) -> None:
        """The comment of an input states bounds and pattern."""
        shape = self.aws["shapes"][name]
        if shape["type"] != "string" or "enum" in shape:
            return
        comment = self.comments.get(found.full_name, "")
        wanted = [f"{shape[bound]}" for bound in ("min", "max") if shape.get(bound)]
        if shape.get("pattern") and shape["pattern"] not in (r"[\S]+", r"\d+"):
            wanted.append(f"`{shape['pattern']}`")
        for text in wanted:
            if text not in comment:
                self.report.different.append(f"{found.full_name}: its comment lacks {text}")


def compare_rust(aws: Model, name: str, ours: rust_table.Shape, where: str, report: Report) -> None:
    """A shape of the Rust table, as deep as it goes."""
    shape = aws["shapes"][name]
    type_ = {"long": "integer"}.get(shape["type"], shape["type"])
    report.equal(f"{where} type", ours.type, type_)
    if ours.type != type_:
        return
    if "enum" in shape:
        order = sorted if name in OTHER_ORDER else list
        report.equal(f"{where} values", order(ours.enum), order(shape["enum"]))
        return
    least = shape.get("min", 0 if type_ in ("string", "list") else None)
    if type_ != "map" or least != 0:
        report.equal(f"{where} min", ours.min, least)
    report.equal(f"{where} max", ours.max, shape.get("max"))
    report.equal(f"{where} pattern", ours.pattern, shape.get("pattern"))
    if type_ == "string":
        secret = bool(shape.get("sensitive")) or name in ALSO_SECRET
        report.equal(f"{where} secret", ours.secret, secret)
    if type_ == "list":
        compare_rust(aws, shape["member"]["shape"], ours.parts[0], f"{where}[]", report)
    if type_ == "map":
        compare_rust(aws, shape["key"]["shape"], ours.parts[0], f"{where} key", report)
        compare_rust(aws, shape["value"]["shape"], ours.parts[1], f"{where} value", report)
    if type_ == "structure":
        names = [member.name for member in ours.members]
        report.same_names(where, names, list(shape["members"]))
        if sorted(names) == sorted(shape["members"]):
            report.equal(f"{where} order", names, list(shape["members"]))
        for member in ours.members:
            if member.name in shape["members"]:
                report.compared += 1
                inner = f"{where}.{member.name}"
                required = member.name in shape.get("required", [])
                report.equal(f"{inner} required", member.required, required)
                inside = shape["members"][member.name]["shape"]
                compare_rust(aws, inside, member.shape, inner, report)


def self_test(aws: Model, protos: descriptor_pb2.FileDescriptorSet, shapes: str) -> int:
    """Breaks one thing after the other and wants each to be noticed."""

    def messages(protos: descriptor_pb2.FileDescriptorSet) -> dict[str, Any]:
        return {message.name: message for file in protos.file for message in file.message_type}

    def proto_without(message: str, name: str) -> Callable[[], Report]:
        def run() -> Report:
            broken = copy.deepcopy(protos)
            fields = messages(broken)[message].field
            fields.remove(next(one for one in fields if one.name == name))
            for file in broken.file:
                file.ClearField("source_code_info")
            return compare(aws, broken, shapes)

        return run

    def proto_with(message: str, field_name: str, **changed: Any) -> Callable[[], Report]:
        def run() -> Report:
            broken = copy.deepcopy(protos)
            one = next(one for one in messages(broken)[message].field if one.name == field_name)
            for key, value in changed.items():
                setattr(one, key, value)
            return compare(aws, broken, shapes)

        return run

    def rust(old: str, new: str) -> Callable[[], Report]:
        def run() -> Report:
            assert old in shapes, old
            return compare(aws, protos, shapes.replace(old, new, 1))

        return run

    def enum_grown() -> Report:
        grown = copy.deepcopy(aws)
        grown["shapes"]["ErrorCode"]["enum"].append("Throttled")
        return compare(grown, protos, shapes)

    def operation_grown() -> Report:
        grown = copy.deepcopy(aws)
        grown["operations"]["CountIdentities"] = grown["operations"]["ListIdentities"]
        return compare(grown, protos, shapes)

    cases: list[tuple[str, Callable[[], Report], str]] = [
        ("a member removed from the proto", proto_without("IdentityPool", "saml_provider_arns"),
         f"{PACKAGE}.IdentityPool.saml_provider_arns"),
        ("a member of an output removed", proto_without("Credentials", "session_token"),
         f"{PACKAGE}.Credentials.session_token"),
        ("a member with another type", proto_with("ListIdentitiesRequest", "max_results", type=3),
         f"{PACKAGE}.ListIdentitiesRequest.max_results type"),
        ("a member with another name", proto_with("GetIdResponse", "identity_id", name="id"),
         f"{PACKAGE}.GetIdResponse.identity_id"),
        ("a value that AWS added to an enum", enum_grown, "ERROR_CODE_THROTTLED"),
        ("an operation that AWS added", operation_grown, "CountIdentities"),
        ("a member removed from the table",
         rust('    optional("HideDisabled", &Shape::Flag),\n', ""),
         "shapes.rs ListIdentities.HideDisabled"),
        ("a required member that is optional", rust('required("Claim"', 'optional("Claim"'),
         ".Claim required"),
        ("another bound", rust("text(20, 2048)", "text(20, 2047)"), " max"),
        ("another pattern", rust("&pattern::CLAIM)", "&pattern::ID)"), ".Claim pattern"),
        ("another value of a choice", rust('"Rules"]', '"Rule"]'), ".Type values"),
        ("another order", rust('"Token", "Rules"', '"Rules", "Token"'), ".Type values"),
    ]  # fmt: skip
    failed = 0
    for why, run, says in cases:
        report = run()
        if not any(says in text for text in report.missing + report.different):
            print(f"not noticed: {why}: {report.missing + report.different}")
            failed += 1
    print(f"{len(cases)} planted faults, {len(cases) - failed} noticed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
