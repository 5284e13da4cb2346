"""Word and OpenDocument texts that are broken, locked, bombs, mazes, or full of what acts in an editor."""

from __future__ import annotations

import functools
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import docx
from PIL import Image

from portfolio.uploads import office
from portfolio.uploads.limits import SlotLimits

from .cases import PLANTED, Case, Maker, Neutralised, Refused, bytes_of, cut

MIB = 1024 * 1024
WORD, ODT = "essay.docx", "essay.odt"
BROKEN_WORD, BROKEN_ODT = "is a broken Word document", "is a broken OpenDocument text"
BOMB, LOCKED, MACROS, TWO = "unpacks to far more", "protected with a password", "holds macros", "two kinds of"
_WORD = PLANTED.decode()
_BODY = "word/document.xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ODF = "application/vnd.oasis.opendocument.text"
_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in (
        ("office", "office"), ("text", "text"), ("draw", "drawing"), ("script", "script"), ("meta", "meta"),
        ("table", "table"), ("style", "style"), ("svg", "svg-compatible"), ("manifest", "manifest"),
    )
)  # fmt: skip
_NAMES += ' xmlns:xlink="http://www.w3.org/1999/xlink"'

Parts = Mapping[str, bytes | str]
_NONE: Parts = {}


def zipped(parts: Parts, how: int = zipfile.ZIP_DEFLATED, *, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as package:
        for name, content in parts.items():
            # Stored and first, as the standard wants the type of an OpenDocument.
            package.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
        package.comment = comment
    return out.getvalue()


@functools.cache
def _plain_word() -> dict[str, bytes]:
    out = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("Words on a page.")
    document.save(out)
    with zipfile.ZipFile(out) as package:
        return {name: package.read(name) for name in package.namelist()}


def word(body: str = "", *, links: str = "", parts: Parts = _NONE) -> bytes:
    """A Word document with this XML behind its first words, these relationships, and these parts."""
    made: dict[str, bytes | str] = dict(_plain_word())
    made[_BODY] = _plain_word()[_BODY].replace(b"<w:sectPr", body.encode() + b"<w:sectPr", 1)
    rels = "word/_rels/document.xml.rels"
    made[rels] = _plain_word()[rels].replace(b"</Relationships>", links.encode() + b"</Relationships>")
    return zipped({**made, **parts})


def odt(body: str = "", *, parts: Parts = _NONE) -> bytes:
    """An OpenDocument text with this XML behind its first words, and these parts."""
    content = (
        f'<?xml version="1.0"?><office:document-content {_NAMES}><office:body><office:text>'
        f"<text:p>Words on a page.</text:p>{body}</office:text></office:body></office:document-content>"
    )
    manifest = (
        f'<?xml version="1.0"?><manifest:manifest {_NAMES}>'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODF}"/></manifest:manifest>'
    )
    made = {"mimetype": _ODF, "content.xml": content, "META-INF/manifest.xml": manifest}
    return zipped({**made, **parts})


def _external(kind: str, target: str) -> str:
    return f'<Relationship Id="x1" Type="{_OFFICE}/{kind}" Target="{target}" TargetMode="External"/>'


def _inside(kind: str, target: str) -> str:
    return f'<Relationship Id="x1" Type="{_OFFICE}/{kind}" Target="{target}"/>'


def _field(instruction: str) -> str:
    return (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve">{instruction}</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )


def _drawn(reference: str) -> str:
    """A picture in the text."""
    main, drawing = "http://schemas.openxmlformats.org/drawingml/2006", "wordprocessingDrawing"
    return (
        f'<w:p xmlns:a="{main}/main" xmlns:p="{main}/picture" xmlns:d="{main}/{drawing}" xmlns:q="{_OFFICE}">'
        '<w:r><w:drawing><d:inline><d:docPr id="1" name="x"/><a:graphic><a:graphicData><p:pic><p:blipFill>'
        f"<a:blip {reference}/></p:blipFill></p:pic></a:graphicData></a:graphic></d:inline></w:drawing>"
        "</w:r></w:p>"
    )


def _flood() -> bytes:
    """A picture of 30,000 x 30,000 pixels in a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def _photo() -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGB", (16, 16))
    properties = Image.Exif()
    properties[0x010E] = _WORD
    picture.save(out, "JPEG", exif=properties)
    return out.getvalue() + b"<script>PLANTED</script>"


def _locked_parts() -> bytes:
    data = bytearray(word())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(signature, bytes(data)):
            data[found.start() + offset] |= 1
    return bytes(data)


def _damaged(*, at: bytes) -> bytes:
    data = bytearray(word())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as package:
        place = package.getinfo(at.decode()).header_offset + 30 + len(at) + 20
    data[place : place + 60] = bytes(60)
    return bytes(data)


def _renamed_in_directory() -> bytes:
    """One name in the list of parts, another one at the part itself."""
    data = word()
    at = data.rindex(_BODY.encode())
    return data[:at] + b"word/document.xmI" + data[at + len(_BODY) :]


def _overlapping() -> bytes:
    """A list of parts that all begin at the same place: a few bytes that unpack a thousand times."""
    data = word(parts={f"word/a{number:04d}.bin": bytes(20_000) for number in range(500)})
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        first = package.getinfo("word/a0000.bin").header_offset
        directory = package.start_dir
    out = bytearray(data)
    at = directory
    while out[at : at + 4] == b"PK\1\2":
        name, extra, remark = struct.unpack_from("<3H", out, at + 28)
        if out[at + 46 : at + 46 + name].startswith(b"word/a"):
            struct.pack_into("<I", out, at + 42, first)
        at += 46 + name + extra + remark
    return bytes(out)


def _twice() -> bytes:
    """A part that is listed twice: one reader shows the first, another the second."""
    out = io.BytesIO(word())
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("word/Document.xml", "<w:document/>")
    return out.getvalue()


def _named(name: str) -> Maker:
    return bytes_of(lambda: word(parts={name: b"x"}))


def _body(content: bytes | str) -> Maker:
    return bytes_of(lambda: zipped({**_plain_word(), _BODY: content}))


def _types(find: bytes, replacement: bytes) -> Maker:
    types = "[Content_Types].xml"
    return bytes_of(lambda: zipped({**_plain_word(), types: _plain_word()[types].replace(find, replacement)}))


def _compressed(how: int) -> Maker:
    return bytes_of(lambda: zipped(_plain_word(), how))


def _nested(depth: int) -> str:
    return "<w:document xmlns:w='w'>" + "<w:p>" * depth + "</w:p>" * depth + "</w:document>"


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><w:document>&b;</w:document>'
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document>&a;</w:document>'
)
PARAMETER = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY % a SYSTEM "http://10.0.0.1/a.dtd"> %a;]><w:document/>'
)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SHORT = SlotLimits(title="Reflection", kind="document", max_pages=3)
_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_WITH_MACROS = b"application/vnd.ms-word.document.macroEnabled.main+xml"
_TEMPLATE = b"application/vnd.ms-word.template.macroEnabledTemplate.main+xml"


def _pages(count: int) -> Maker:
    return bytes_of(
        lambda: word(parts={"docProps/app.xml": f"<Properties><Pages>{count}</Pages></Properties>"})
    )


def _open_pages(count: int) -> str:
    statistics = f'<office:meta><meta:document-statistic meta:page-count="{count}"/></office:meta>'
    return f"<office:document-meta {_NAMES}>{statistics}</office:document-meta>"


_REFUSED_WORD: list[tuple[str, Maker, str]] = [
    *((f"cut after {share:.0%}", cut(word, share), BROKEN_WORD) for share in (0.2, 0.5, 0.8, 0.99)),
    ("a damaged body", bytes_of(lambda: _damaged(at=b"word/document.xml")), BROKEN_WORD),
    ("damaged styles", bytes_of(lambda: _damaged(at=b"word/styles.xml")), BROKEN_WORD),
    ("without a body", bytes_of(lambda: zipped({**_plain_word(), _BODY: b""})), BROKEN_WORD),
    ("a body that is no XML", _body("<w:document><w:body></w:document>"), BROKEN_WORD),
    ("a body in two halves", _body("<a/><b/>"), BROKEN_WORD),
    ("entities that multiply", _body(LAUGHS), BROKEN_WORD),
    ("entities in UTF-16", _body(LAUGHS.encode("utf-16")), BROKEN_WORD),
    ("entities in UTF-16, the other way", _body(LAUGHS.encode("utf-16-be")), BROKEN_WORD),
    ("a file of the server's", _body(OUTSIDE), BROKEN_WORD),
    ("an address in a definition", _body(PARAMETER), BROKEN_WORD),
    ("entities in styles", bytes_of(lambda: word(parts={"word/styles.xml": LAUGHS})), BROKEN_WORD),
    ("entities in relationships", bytes_of(lambda: word(parts={"_rels/.rels": LAUGHS})), BROKEN_WORD),
    ("entities in properties", bytes_of(lambda: word(parts={"docProps/custom.xml": OUTSIDE})), BROKEN_WORD),
    ("nested 1,000 levels deep", _body(_nested(1_000)), BROKEN_WORD),
    ("nested 200,000 levels deep", _body(_nested(200_000)), BROKEN_WORD),
    ("a dense bomb", bytes_of(lambda: word(parts={"word/media/a.bin": bytes(24 * MIB)})), BOMB),
    ("an endless body", _body("<w:document>" + " " * 33 * MIB), BOMB),
    ("too many parts", bytes_of(lambda: word(parts={f"word/{n}.bin": b"" for n in range(5001)})), BOMB),
    ("parts that share their bytes", bytes_of(_overlapping), BOMB),
    ("a part twice", bytes_of(_twice), BROKEN_WORD),
    ("a part under two names", bytes_of(_renamed_in_directory), BROKEN_WORD),
    ("a part above its folder", _named("../../../etc/cron.d/x"), BROKEN_WORD),
    ("a part of the root", _named("/etc/cron.d/x"), BROKEN_WORD),
    ("a part of a drive", _named("C:/Windows/x.dll"), BROKEN_WORD),
    ("a part above, the Windows way", _named("word\\..\\..\\x.dll"), BROKEN_WORD),
    ("a part with a line break", _named("word/a\nb.bin"), BROKEN_WORD),
    ("an exotic compression", _compressed(zipfile.ZIP_LZMA), BROKEN_WORD),
    ("another exotic compression", _compressed(zipfile.ZIP_BZIP2), BROKEN_WORD),
    ("parts with a password", bytes_of(_locked_parts), LOCKED),
    ("a password", bytes_of(office.OLE + bytes(600) + _ENCRYPTED), LOCKED),
    ("a password at its end", bytes_of(lambda: office.OLE + bytes(3 * MIB) + _ENCRYPTED), LOCKED),
    ("of before 2007", bytes_of(office.OLE + bytes(600)), "old Office format"),
    ("macros", bytes_of(lambda: word(parts={"word/vbaProject.bin": b"x"})), MACROS),
    ("macros in capitals", bytes_of(lambda: word(parts={"word/VBAPROJECT.BIN": b"x"})), MACROS),
    ("macros elsewhere", bytes_of(lambda: word(parts={"customs/vbaProject.bin": b"x"})), MACROS),
    ("macros' data", bytes_of(lambda: word(parts={"word/vbaData.xml": "<a/>"})), MACROS),
    ("a type with macros", _types(_MAIN, _WITH_MACROS), MACROS),
    ("a template with macros", _types(_MAIN, _TEMPLATE), MACROS),
    ("a table with macros inside", bytes_of(lambda: word(parts={"word/embeddings/a.xlsm": b"x"})), MACROS),
    ("a text with macros inside", bytes_of(lambda: word(parts={"word/embeddings/a.docm": b"x"})), MACROS),
    ("a picture in front", bytes_of(lambda: _photo() + word()), "is a JPEG picture"),
    ("a program in front", bytes_of(lambda: b"MZ" + bytes(60) + word()), "is a Windows program"),
    ("an archive in front", bytes_of(lambda: zipped({"a": "x"}) + word()), TWO),
    ("a PDF behind", bytes_of(lambda: word() + b"%PDF-1.7\n%%EOF"), TWO),
    ("an OpenDocument as well", bytes_of(lambda: word(parts={"mimetype": _ODF, "content.xml": "<a/>"})), TWO),
    ("1,001 pages", _pages(1_001), "has 1,001 pages"),
    ("999,999 pages", _pages(999_999), "has 999,999 pages"),
]
_REFUSED_ODT: list[tuple[str, Maker, str]] = [
    *((f"cut after {share:.0%}", cut(odt, share), BROKEN_ODT) for share in (0.5, 0.9)),
    ("without a body", bytes_of(lambda: zipped({"mimetype": _ODF, "a.xml": "<a/>"})), BROKEN_ODT),
    ("a body that is no XML", bytes_of(lambda: odt(parts={"content.xml": "<a><b></a>"})), BROKEN_ODT),
    ("entities", bytes_of(lambda: odt(parts={"content.xml": LAUGHS})), BROKEN_ODT),
    ("a file of the server's", bytes_of(lambda: odt(parts={"styles.xml": OUTSIDE})), BROKEN_ODT),
    ("nested 2,000 levels deep", bytes_of(lambda: odt("<text:p>" * 2000 + "</text:p>" * 2000)), BROKEN_ODT),
    ("a bomb", bytes_of(lambda: odt(parts={"Pictures/a.bin": bytes(24 * MIB)})), BOMB),
    ("a part above its folder", bytes_of(lambda: odt(parts={"../x": "x"})), BROKEN_ODT),
    (
        "a password",
        bytes_of(lambda: odt(parts={"META-INF/manifest.xml": "<a><manifest:encryption-data/></a>"})),
        LOCKED,
    ),
    ("a password of 2023", bytes_of(lambda: odt(parts={"encrypted-package": "x"})), LOCKED),
    ("macros in Basic", bytes_of(lambda: odt(parts={"Basic/Standard/Module1.xml": "<a/>"})), MACROS),
    ("macros in Python", bytes_of(lambda: odt(parts={"Scripts/python/run.py": "import os"})), MACROS),
    ("macros in JavaScript", bytes_of(lambda: odt(parts={"Scripts/javascript/a/run.js": "1"})), MACROS),
    ("a dialog", bytes_of(lambda: odt(parts={"Dialogs/Standard/Dialog1.xml": "<a/>"})), MACROS),
    ("5,000 pages", bytes_of(lambda: odt(parts={"meta.xml": _open_pages(5_000)})), "has 5,000 pages"),
]
_LINK = f"http://127.0.0.1:9/{_WORD}"
_NEUTRALISED_WORD: list[tuple[str, Callable[[], bytes]]] = [
    ("a picture elsewhere", lambda: word(_drawn('q:link="x1"'), links=_external("image", _LINK))),
    (
        "a picture on a share",
        lambda: word(_drawn('q:link="x1"'), links=_external("image", f"\\\\{_WORD}\\a")),
    ),
    (
        "a picture of the server's",
        lambda: word(_drawn('q:link="x1"'), links=_external("image", "file:///etc")),
    ),
    ("a template elsewhere", lambda: word(links=_external("attachedTemplate", _LINK))),
    ("a text elsewhere", lambda: word(links=_external("subDocument", _LINK))),
    ("a frame elsewhere", lambda: word(links=_external("frame", _LINK))),
    ("a mail merge elsewhere", lambda: word(links=_external("mailMergeSource", _LINK))),
    ("an object elsewhere", lambda: word(links=_external("oleObject", f"mhtml:{_LINK}!x-usc:{_LINK}"))),
    (
        "an embedded object",
        lambda: word(
            links=_inside("oleObject", "embeddings/a.bin"), parts={"word/embeddings/a.bin": PLANTED}
        ),
    ),
    (
        "an embedded program",
        lambda: word(
            links=_inside("package", "embeddings/a.exe"), parts={"word/embeddings/a.exe": b"MZ" + PLANTED}
        ),
    ),
    (
        "a control",
        lambda: word(
            links=_inside("control", "activeX/a.xml"),
            parts={"word/activeX/a.xml": f"<a>{_WORD}</a>", "word/activeX/a.bin": PLANTED},
        ),
    ),
    ("a command in a field", lambda: word(_field(f"DDEAUTO c:\\\\windows\\\\cmd.exe {_WORD}"))),
    ("another command in a field", lambda: word(_field(f'DDE "{_WORD}" "x"'))),
    ("a text in a field", lambda: word(_field(f'INCLUDETEXT "{_LINK}"'))),
    ("a picture in a field", lambda: word(_field(f'INCLUDEPICTURE "{_LINK}"'))),
    ("a link in a field", lambda: word(_field(f'HYPERLINK "javascript:{_WORD}"'))),
    (
        "a web page inside",
        lambda: word(
            f'<w:altChunk xmlns:q="{_OFFICE}" q:id="x1"/>',
            links=_inside("aFChunk", "a.html"),
            parts={"word/a.html": b"<script>PLANTED</script>"},
        ),
    ),
    (
        "a link to a script",
        lambda: word(
            f'<w:p><w:hyperlink xmlns:q="{_OFFICE}" q:id="x1"><w:r><w:t>here</w:t></w:r></w:hyperlink></w:p>',
            links=_external("hyperlink", f"javascript:{_WORD}"),
        ),
    ),
    (
        "a drawing with a script",
        lambda: word(
            _drawn('q:embed="x1"'),
            links=_inside("image", "media/a.svg"),
            parts={"word/media/a.svg": b"<svg onload='PLANTED'/>"},
        ),
    ),
    (
        "a flood of pixels",
        lambda: word(
            _drawn('q:embed="x1"'),
            links=_inside("image", "media/a.png"),
            parts={"word/media/a.png": _flood()},
        ),
    ),
    (
        "a photo that is more",
        lambda: word(
            _drawn('q:embed="x1"'),
            links=_inside("image", "media/a.jpeg"),
            parts={"word/media/a.jpeg": _photo()},
        ),
    ),
    ("a PDF inside", lambda: word(parts={"word/embeddings/a.pdf": b"%PDF-1.7 PLANTED"})),
    ("an archive inside", lambda: word(parts={"word/embeddings/a.zip": zipped({"b.zip": PLANTED}, 0)})),
    ("a printer's settings", lambda: word(parts={"word/printerSettings/a.bin": PLANTED})),
    ("properties with a script", lambda: word(parts={"docProps/custom.xml": f"<a><b>{_WORD}</b></a>"})),
    ("a remark of the archive", lambda: zipped(_plain_word(), comment=b"<script>PLANTED</script>")),
    ("a style for another converter", lambda: word(parts={"mammoth/style-map": f"p => script:fresh{_WORD}"})),
    ("a ribbon of its own", lambda: word(parts={"customUI/customUI.xml": f'<a onLoad="{_WORD}"/>'})),
    ("words turned about", lambda: word("<w:p><w:r><w:t>\u202etxet\u202c</w:t></w:r></w:p>")),
]
_NEUTRALISED_ODT: list[tuple[str, Callable[[], bytes]]] = [
    (
        "a listener",
        lambda: odt(
            "<office:scripts><script:event-listener script:language='ooo:script' "
            f"xlink:href='vnd.sun.star.script:{_WORD}?location=share'/></office:scripts>"
        ),
    ),
    ("a script", lambda: odt(f"<text:script script:language='JavaScript'>{_WORD}</text:script>")),
    ("a picture elsewhere", lambda: odt(f"<draw:frame><draw:image xlink:href='{_LINK}'/></draw:frame>")),
    (
        "a picture of the server's",
        lambda: odt("<draw:frame><draw:image xlink:href='/etc/passwd'/></draw:frame>"),
    ),
    (
        "a floating frame",
        lambda: odt(f"<draw:frame><draw:floating-frame xlink:href='{_LINK}'/></draw:frame>"),
    ),
    ("a plug-in", lambda: odt(f"<draw:frame><draw:plugin xlink:href='{_LINK}'/></draw:frame>")),
    ("an object", lambda: odt("<draw:object-ole xlink:href='./Object'/>", parts={"Object": PLANTED})),
    (
        "a section elsewhere",
        lambda: odt(f"<text:section><text:section-source xlink:href='{_LINK}'/></text:section>"),
    ),
    (
        "a link to a script",
        lambda: odt(f"<text:p><text:a xlink:href='javascript:{_WORD}'>x</text:a></text:p>"),
    ),
    ("a preview", lambda: odt(parts={"Thumbnails/thumbnail.png": PLANTED})),
    (
        "a flood of pixels",
        lambda: odt(
            "<text:p><draw:frame><draw:image xlink:href='Pictures/a.png'/></draw:frame></text:p>",
            parts={"Pictures/a.png": _flood()},
        ),
    ),
]

CASES: list[Case] = [
    *(Refused(f"a Word document: {label}", WORD, make, says) for label, make, says in _REFUSED_WORD),
    *(Refused(f"an OpenDocument: {label}", ODT, make, says) for label, make, says in _REFUSED_ODT),
    *(Neutralised(f"a Word document: {label}", WORD, bytes_of(make)) for label, make in _NEUTRALISED_WORD),
    *(Neutralised(f"an OpenDocument: {label}", ODT, bytes_of(make)) for label, make in _NEUTRALISED_ODT),
    Refused(
        "macros under their own ending",
        "a.docm",
        bytes_of(lambda: word(parts={"word/vbaProject.bin": b"x"})),
        MACROS,
    ),
    Refused("a Word document called a PDF", "a.pdf", bytes_of(word), "is really a DOCX file"),
    Refused("a Word document called an OpenDocument", "a.odt", bytes_of(word), "is really a DOCX file"),
    Refused("an OpenDocument called a Word document", "a.docx", bytes_of(odt), "is really an ODT file"),
    Refused("a Word document too long", WORD, _pages(5), "yours has 5, 2 too many", _SHORT),
    Refused(
        "an OpenDocument too long",
        ODT,
        bytes_of(lambda: odt("<text:soft-page-break/>" * 4)),
        "yours has 5, 2 too many",
        _SHORT,
    ),
]
