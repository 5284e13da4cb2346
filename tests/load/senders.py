"""Candidates who send large files the way the browser does, over lines and to sites that fail them.

A sender begins, asks which parts arrived, sends the others, completes, and waits for the verdict; after
every failure it asks again.  What the site acknowledged is written into a book, and never asked for again
unless the site lost it, which the book counts.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from .line import Answer, Broken, Fault, Sending, put
from .people import Visitor

_PART = re.compile(r"<PartNumber>(\d+)</PartNumber><ETag>&quot;(\w+)&quot;</ETag>")
_PAUSE_SECONDS = (0.05, 0.4)
_VERDICT_PAUSE_SECONDS = 0.3


class End(StrEnum):
    """What the candidate means to do with the upload."""

    COMPLETE = "complete"
    CANCEL = "cancelled_by_candidate"
    ABANDON = "abandoned_by_candidate"


class GaveUp(Exception):
    """The site did not take a file within the patience of the run."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of one candidate, to be cut into parts of `part_bytes`."""

    name: str
    content: bytes
    sha256: str

    def pieces(self, part_bytes: int) -> list[bytes]:
        return [self.content[start : start + part_bytes] for start in range(0, len(self.content), part_bytes)]


@dataclass(slots=True)
class Book:
    """What was acknowledged, what went wrong on purpose, and what must not have happened.

    Attributes:
        faults: how often each kind happened.
        lost: acknowledged parts that an open upload did not list afterwards.
        refused: whole files that were not accepted, with the reason.
        problems: anything else that a candidate should never see.
        answers: what parts were answered, by status.
    """

    faults: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    acknowledged: int = 0
    acknowledged_bytes: int = 0
    after_each: Callable[[int], None] = lambda done: None
    _acknowledged: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _tried: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def happened(self, kind: str) -> None:
        with self._lock:
            self.faults[kind] += 1

    def answered(self, status: int) -> None:
        with self._lock:
            self.answers[status] += 1

    def tries(self, key: str, number: int, etag: str) -> None:
        """Bytes of this digest are about to be sent, whatever becomes of them."""
        with self._lock:
            self._tried[key, number].add(etag)

    def acknowledge(self, key: str, number: int, length: int) -> None:
        with self._lock:
            self._acknowledged[key].add(number)
            self.acknowledged += 1
            self.acknowledged_bytes += length
            done = self.acknowledged
        self.after_each(done)

    def of(self, key: str) -> set[int]:
        """The acknowledged parts of an upload so far."""
        with self._lock:
            return set(self._acknowledged[key])

    def was_sent(self, key: str, number: int, etag: str) -> bool:
        with self._lock:
            return etag in self._tried[key, number]

    def note(self, where: list[str], sentence: str) -> None:
        with self._lock:
            where.append(sentence)


@dataclass(slots=True)
class Sender:
    """One tab of a candidate's browser that sends one file into one slot."""

    visitor: Visitor
    sign_path: str
    file: Sent
    book: Book
    chance: random.Random
    faults: list[Fault]
    shuffled: bool = False
    end: End = End.COMPLETE
    patience_seconds: float = 240
    _key: str = ""
    _part_bytes: int = 0
    _state_path: str = ""
    _until: float = 0
    _known_digests: dict[int, str] = field(default_factory=dict)

    def run(self) -> str:
        """Send the file; returns the upload's key and leaves the rest to the book."""
        self._until = time.monotonic() + self.patience_seconds
        self._create()
        while not self._step():
            self._pause()
        return self._key

    def _step(self) -> bool:
        """Go on once; whether there is nothing left to do."""
        try:
            known = self.book.of(self._key)
            there = self._list()
            state = self._state()
            if state != "open":
                return self._is_over(state)
            self._require_kept(known, there)
            missing = [number for number, digest in self._digests().items() if there.get(number) != digest]
            if there and self.end is not End.COMPLETE:
                return self._leave()
            if missing:
                self._send(missing)
                return False
            self._complete()
        except Broken:
            return False
        return False

    def _require_kept(self, known: set[int], there: dict[int, str]) -> None:
        """What was acknowledged is still there, unless somebody sent other bytes in its place."""
        for number in known:
            if number not in there or not self.book.was_sent(self._key, number, there[number]):
                self.book.note(self.book.lost, f"part {number} of {self.file.name} ({self._key})")

    def _is_over(self, state: str) -> bool:
        if state == "completing":
            time.sleep(_VERDICT_PAUSE_SECONDS)
            return False
        if state == "refused":
            problem = self._get_state()["problem"]
            self.book.note(self.book.refused, f"{self.file.name}: {problem}")
        elif self.end is End.CANCEL and state == "aborted":  # and the answer to it was lost
            self.book.happened(str(self.end))
        elif state != "taken":
            self.book.note(self.book.problems, f"{self.file.name} is {state}")
        return True

    def _leave(self) -> bool:
        if self.end is End.CANCEL:
            signed = self._sign(operation="abort", key=self._key)
            status, _ = self._ask("DELETE", signed["url"])
            if status not in (204, 409, 404):
                raise Broken
        self.book.happened(str(self.end))
        return True

    # ---- parts ----

    def _send(self, missing: Sequence[int]) -> None:
        order = list(missing)
        if self.shuffled and len(order) > 1:
            self.chance.shuffle(order)
            if order != list(missing):
                self.book.happened("parts_reordered")
        for number in order:
            self._send_part(number)
            if self.end is not End.COMPLETE:
                return

    def _send_part(self, number: int) -> None:
        fault = self.faults.pop() if self.faults else None
        if fault is not None:
            self.book.happened(str(fault))
        if fault is Fault.TWICE_AT_ONCE:
            self._at_once(number)
            return
        self._put(number, fault)
        if fault is Fault.DOUBLED:
            self._put(number, None)

    def _at_once(self, number: int) -> None:
        """The same part on two connections; the second may also say other bytes than the first."""

        def other() -> None:
            try:
                self._put(number, other_fault, chance=random.Random(seed))
            except Broken:
                return

        other_fault = self.chance.choice((None, None, Fault.FLIPPED_UNSEEN))
        seed = self.chance.random()
        second = threading.Thread(target=other)
        second.start()
        try:
            self._put(number, None)
        finally:
            second.join()

    def _put(self, number: int, fault: Fault | None, *, chance: random.Random | None = None) -> None:
        chance = chance or self.chance
        address = self._sign(operation="part", key=self._key, partNumber=number)["url"]
        sending = Sending.of(self._piece(number), fault, chance)
        self.book.tries(self._key, number, _etag(sending.wire))
        answer = put(urlsplit(self.visitor.address).netloc, address, sending, chance)
        self.book.answered(answer.status)
        if answer.status != 200:
            self._judge(answer, fault)
            raise Broken
        self.book.acknowledge(self._key, number, len(sending.wire))
        if answer.etag != _etag(sending.wire) or fault is Fault.FLIPPED:
            self.book.note(self.book.problems, f"a flipped bit in {self.file.name} went unnoticed")

    def _judge(self, answer: Answer, fault: Fault | None) -> None:
        """A refusal must have its reason in the fault, in another tab, or in a site that is just dying."""
        expected = {Fault.TRUNCATED: b"IncompleteBody", Fault.FLIPPED: b"BadDigest"}
        if answer.status == 400 and fault in expected and expected[fault] in answer.body:
            return
        if answer.status >= 500 or b"OperationAborted" in answer.body or b"NoSuchUpload" in answer.body:
            return
        if answer.status == 409:  # the other tab completed it
            return
        self.book.note(
            self.book.problems,
            f"{self.file.name}: {fault} was answered {answer.status} {answer.body[:200]!r}",
        )

    def _piece(self, number: int) -> bytes:
        start = (number - 1) * self._part_bytes
        return self.file.content[start : start + self._part_bytes]

    def _digests(self) -> dict[int, str]:
        """What the site has to call each part of the file."""
        if not self._known_digests:
            pieces = self.file.pieces(self._part_bytes)
            self._known_digests = {number: _etag(piece) for number, piece in enumerate(pieces, 1)}
        return self._known_digests

    # ---- what the browser asks of the site ----

    def _create(self) -> None:
        while True:
            try:
                made = self._sign(operation="create", name=self.file.name, size=len(self.file.content))
            except Broken:
                self._pause()
            else:
                self._key, self._part_bytes, self._state_path = (
                    made["key"],
                    made["partSize"],
                    made["stateUrl"],
                )
                return

    def _list(self) -> dict[int, str]:
        status, body = self._ask("GET", self._sign(operation="list", key=self._key)["url"])
        if status != 200:
            raise Broken
        return {int(number): etag for number, etag in _PART.findall(body.decode())}

    def _complete(self) -> None:
        rows = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{etag}"</ETag></Part>'
            for number, etag in self._digests().items()
        )
        signed = self._sign(operation="complete", key=self._key)
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        status, said = self._ask("POST", signed["url"], body)
        # Not the part that arrived: another tab sent it anew, so the parts are looked at once more.
        if status not in (200, 409) and not (status == 400 and b"InvalidPart" in said):
            raise Broken

    def _state(self) -> str:
        return str(self._get_state()["state"])

    def _get_state(self) -> dict[str, Any]:
        status, body = self._ask("GET", self._state_path)
        if status != 200:
            raise Broken
        return dict(json.loads(body))

    def _sign(self, **asked: Any) -> dict[str, Any]:
        body = json.dumps(asked).encode()
        status, said = self._ask("POST", self.sign_path, body, type_="application/json")
        if status == 409 and b"There is no room for" in said:
            self.book.happened("refused_for_want_of_room")
            raise Broken
        if status in (404, 409, 422):
            if asked["operation"] == "part" and status == 409:  # the other tab completed it
                raise Broken
            self.book.note(self.book.problems, f"{asked['operation']} of {self.file.name}: {said[:300]!r}")
        if status != 200:
            raise Broken
        return dict(json.loads(said))

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, type_: str = "application/xml"
    ) -> tuple[int, bytes]:
        """One request on a connection of its own, for the site dies under kept ones."""
        headers = {"Cookie": self.visitor.cookies, "X-CSRFToken": self.visitor.token, "Content-Type": type_}
        line = http.client.HTTPConnection(urlsplit(self.visitor.address).netloc, timeout=30)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as lost:
            raise Broken from lost
        finally:
            line.close()

    def _pause(self) -> None:
        if time.monotonic() > self._until:
            raise GaveUp(f"{self.file.name} ({self._key}) after {self.patience_seconds:.0f} s")
        time.sleep(self.chance.uniform(*_PAUSE_SECONDS))


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
