"""Sends what schemathesis makes of the API's own description and holds every answer to it.

Reads `{"server", "token", "model", "known", "files", "requests", "seed"}` from stdin; the last line on stdout is the report.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import HypothesisException
from known_values import KnownValues
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core import NOT_SET, NotSet
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

CHECK_NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
TURNS = 4
"""Each operation has so many turns at least, with values that are right and with wrong ones."""
MOST_PER_TURN = 20
TIMEOUT_S = 40
LONGEST_EXAMPLE = 400
OTHER_METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class Fuzz:
    def __init__(self, config: dict[str, Any]) -> None:
        self.server: str = config["server"]
        self.most: int = config["requests"]
        self.seed: int = config["seed"]
        self.headers = {"Authorization": f"Bearer {config['token']}"}
        self.known = KnownValues(config["known"], config["files"], config["model"], self.seed)
        self.session = requests.Session()
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.met: dict[str, set[int]] = {}
        self.findings: dict[tuple[str, str], dict[str, Any]] = {}
        load_all_checks()
        self.checks = [check for check in CHECKS.get_all() if check.__name__ in CHECK_NAMES]

    def run(self) -> dict[str, Any]:
        schema = schemathesis.openapi.from_url(f"{self.server}/v1/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]
        self.met = {operation.label: set() for operation in operations}
        for operation in {operation.path: operation for operation in operations}.values():
            self.probe_method(operation)
        for operation in operations:
            self.probe_token(operation)
        strategies = [
            (operation, operation.as_strategy(generation_mode=mode))
            for operation in operations
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ]
        per_turn = max(1, min(MOST_PER_TURN, self.most // (TURNS * len(strategies))))
        barren: set[int] = set()
        turn = 0
        while self.sent < self.most and len(barren) < len(strategies):
            for index, (_, strategy) in enumerate(strategies):
                if index in barren or self.sent >= self.most:
                    continue
                before = self.sent
                self.draw(strategy, per_turn, turn)
                if self.sent == before:
                    barren.add(index)
            turn += 1
            print(f"{self.sent} requests, {len(self.findings)} findings", file=sys.stderr)
        return self.report()

    def draw(self, strategy: Any, most: int, turn: int) -> None:
        @hypothesis.seed(self.seed * 1_000_003 + turn)
        @hypothesis.settings(
            max_examples=most,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=strategy)
        def sends(case: schemathesis.Case) -> None:
            if self.sent < self.most:
                self.send(case)

        try:
            sends()
        except HypothesisException:
            # Nothing can be made of it, such as a wrong value where there is no value.
            return

    def send(self, case: schemathesis.Case) -> None:
        answer = self.ask(case.operation.label, self.call_of(case))
        if answer is None:
            return
        try:
            case.validate_response(answer, checks=self.checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.find(case.operation.label, f"{failure.title}: {failure.message}", answer)
        if answer.status_code == 201:
            self.known.note(case.path, answer.json())

    def call_of(self, case: schemathesis.Case) -> dict[str, Any]:
        case.path_parameters = self.known.in_path(case.path, case.path_parameters)
        case.query = self.known.in_query(case.query)
        file, media_type = None, str(case.media_type)
        if not isinstance(case.body, NotSet):
            if media_type == "application/json":
                case.body = self.known.in_body(case.body)
            else:
                file, case.body = self.known.as_file(case.body), NOT_SET
        call = case.as_transport_kwargs()
        if file is not None:
            call["data"] = file
            call["headers"]["Content-Type"] = media_type
        # Else what was made of the scheme of the token, which is never the token.
        if not self.known.is_rare():
            call["headers"].update(self.headers)
        return call

    def ask(self, label: str, call: dict[str, Any]) -> requests.Response | None:
        self.sent += 1
        try:
            with self.session.request(**call, timeout=TIMEOUT_S, stream=True) as answer:
                read_body(answer)
        except requests.RequestException as error:
            self.note(label, type(error).__name__, {"what": f"no answer: {error}", "example": str(call["url"])})
            return None
        self.statuses[str(answer.status_code)] += 1
        self.met[label].add(answer.status_code)
        return answer

    def probe_method(self, operation: Any) -> None:
        """A method that nothing is described for is refused as such."""
        method = self.known.one_of(OTHER_METHODS)
        url = f"{self.server}{operation.path.replace('{', '').replace('}', '')}"
        answer = self.ask(operation.label, {"method": method, "url": url, "headers": self.headers})
        if answer is not None and (answer.status_code != 405 or "allow" not in answer.headers):
            self.find(operation.label, f"{method} is answered with {answer.status_code}, not with 405", answer)

    def probe_token(self, operation: Any) -> None:
        """Without a token nothing is done that asks for one."""
        if operation.definition.raw.get("security") == []:
            return
        url = f"{self.server}{operation.path.replace('{', '').replace('}', '')}"
        answer = self.ask(operation.label, {"method": operation.method.upper(), "url": url})
        if answer is not None and answer.status_code != 401:
            self.find(operation.label, f"without a token it is answered with {answer.status_code}", answer)

    def find(self, label: str, what: str, answer: requests.Response) -> None:
        what = " ".join(what.split())[:LONGEST_EXAMPLE]
        request = answer.request
        body = request.body if isinstance(request.body, str) else (request.body or b"")[:LONGEST_EXAMPLE].decode("latin-1")
        details = {
            "what": what,
            "example": f"{request.method} {request.url} {body}",
            "answer": answer.content.decode("utf-8", "replace"),
        }
        self.note(label, f"{answer.status_code} {what[:80]}", details)

    def note(self, label: str, kind: str, details: dict[str, str]) -> None:
        """One of each kind."""
        if (label, kind) in self.findings:
            return
        finding = {"operation": label, **{key: text[:LONGEST_EXAMPLE] for key, text in details.items()}}
        self.findings[label, kind] = finding
        print("✗", json.dumps(finding, ensure_ascii=False), file=sys.stderr)

    def report(self) -> dict[str, Any]:
        reached = [label for label, statuses in self.met.items() if any(status < 300 for status in statuses)]
        return {
            "requests": self.sent,
            "seed": self.seed,
            "operations": len(self.met),
            "operations_covered": len(reached),
            "never_succeeded": sorted(set(self.met) - set(reached)),
            "statuses": dict(sorted(self.statuses.items())),
            "findings": list(self.findings.values()),
        }


def read_body(answer: requests.Response) -> None:
    """Reads it whole; of a stream, which may never end, what comes first."""
    pieces: Iterator[bytes] = answer.iter_content(65_536)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        content = next(pieces, b"")
    else:
        content = b"".join(pieces)
    # As `requests` itself does when it reads.
    answer._content = content  # noqa: SLF001
    answer._content_consumed = True  # noqa: SLF001


if __name__ == "__main__":
    print(json.dumps(Fuzz(json.load(sys.stdin)).run()))
