"""Follow every link of a site as one signed-in person, and search everything that came back.

What came back is the address, every header, the body's bytes, and what a reader of its format makes of
them: the text of a page, the metadata of a picture or a video.
"""

from __future__ import annotations

import re
import tempfile
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from django.http import HttpResponseBase
from django.test import Client

from portfolio.blinding.cleaning import leaks_in
from portfolio.blinding.identifiers import Term

_LINKED = re.compile(
    r"""(?:href|src|srcset|action|formaction|poster|data|content|hx-[a-z]+|data-[a-z-]+)\s*=\s*["']([^"']+)["']""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Seen:
    """One answer, whole."""

    url: str
    status: int
    headers: str
    body: bytes

    @property
    def is_page(self) -> bool:
        return "content-type: text/html" in self.headers.lower()


@dataclass
class Crawl:
    """Everything one person was shown."""

    answers: dict[str, Seen] = field(default_factory=dict)

    def add(self, url: str, response: HttpResponseBase) -> Seen:
        body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
        headers = "\n".join(f"{name}: {value}" for name, value in response.items())
        cookies = response.cookies.output()
        seen = Seen(url, response.status_code, f"{headers}\n{cookies}", body)
        self.answers[url] = seen
        return seen

    def bodies(self, part_of_url: str) -> list[bytes]:
        """The bodies of all answers whose address holds `part_of_url`."""
        return [seen.body for url, seen in self.answers.items() if part_of_url in url]


def crawl(client: Client, starts: Iterable[str], *, within: Sequence[str]) -> Crawl:
    """Everything reachable from `starts` by following what the pages name, in folders `within`."""
    done = Crawl()
    waiting = deque(starts)
    while waiting:
        url = waiting.popleft()
        if url in done.answers:
            continue
        seen = done.add(url, client.get(url))
        if seen.is_page or 300 <= seen.status < 400:
            waiting += [found for found in _links(seen) if found.startswith(tuple(within))]
    return done


def leaks(seen: Iterable[Seen], canaries: Collection[str], terms: Sequence[Term] = ()) -> list[str]:
    """One sentence for each answer that holds a canary; an empty list when none does."""
    found = []
    for one in seen:
        said = "\n".join((one.url, unquote(one.url), one.headers, _text(one.body))).casefold()
        found += [f"{one.url} holds {canary!r}" for canary in canaries if canary.casefold() in said]
        if terms:
            found += [f"{one.url}: {leak}" for leak in _decoded_leaks(one, terms)]
    return found


def _text(body: bytes) -> str:
    """The body in every way a name may be written into bytes, HTML's references resolved."""
    plain = body.decode("utf-8", "replace")
    spellings = (plain, unescape(plain), body.decode("latin-1"), body.decode("utf-16-le", "replace"))
    return "\n".join((*spellings, body[1:].decode("utf-16-le", "replace")))


def _decoded_leaks(one: Seen, terms: Sequence[Term]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer"
        path.write_bytes(one.body)
        return leaks_in([path], terms)


def _links(seen: Seen) -> list[str]:
    named = _LINKED.findall(seen.body.decode("utf-8", "replace")) if seen.is_page else []
    named += re.findall(r"(?im)^location: (\S+)", seen.headers)
    found = []
    for link in named:
        target = urlsplit(urljoin(seen.url, unescape(link)))
        if not target.netloc or target.netloc == "testserver":
            found.append(target.path + (f"?{target.query}" if target.query else ""))
    return found
