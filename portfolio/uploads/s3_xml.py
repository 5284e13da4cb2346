"""The few words of S3's XML that an upload in parts needs, read and written."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from lxml import etree

from .rules import BadPart, Part

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def initiated(key: str, upload_id: str) -> str:
    return _result("InitiateMultipartUploadResult", Key=key, UploadId=upload_id)


def listed(key: str, upload_id: str, parts: Iterable[Part]) -> str:
    rows = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{escape(part.etag)}&quot;</ETag>"
        f"<Size>{part.bytes}</Size></Part>"
        for part in parts
    )
    return _result("ListPartsResult", rows, Key=key, UploadId=upload_id, IsTruncated="false")


def completed(key: str, location: str, etag: str) -> str:
    return _result("CompleteMultipartUploadResult", Location=location, Key=key, ETag=f'"{etag}"')


def error(code: str, message: str) -> str:
    return f"{_HEAD}<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"


def claimed_parts(body: bytes) -> list[tuple[int, str]]:
    """The numbers and etags a `CompleteMultipartUpload` names, in its order, with or without namespace.

    Raises:
        BadPart: it is no such document.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
        return [
            (int(part.findtext("{*}PartNumber")), part.findtext("{*}ETag").strip().strip('"'))
            for part in root.iterfind("{*}Part")
        ]
    except (etree.XMLSyntaxError, AttributeError, TypeError, ValueError):
        raise BadPart("MalformedXML", "The list of parts could not be read.") from None


def _result(name: str, rows: str = "", /, **fields: str) -> str:
    inner = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in fields.items())
    return f'{_HEAD}<{name} xmlns="{_NAMESPACE}">{inner}{rows}</{name}>'
