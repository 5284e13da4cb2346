"""PDFs that are broken, locked, bombs, floods, mazes, or full of what would act if somebody opened them."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from portfolio.uploads.limits import SlotLimits

from .cases import PLANTED, Case, Maker, Neutralised, Refused, bytes_of, cut

MIB = 1024 * 1024
BROKEN = "is a broken or incomplete PDF"
BOMB = "unpacks to far more"
FLOOD = "larger than any scan"
BEYOND = "needs more memory or time to open"
_WORD = PLANTED.decode()
_TEXT = b"BT /F1 24 Tf 20 150 Td (Words on a page.) Tj ET"

Change = Callable[[Pdf], None]


def pdf(
    change: Change | None = None, *, pages: int = 1, encryption: pikepdf.Encryption | None = None
) -> bytes:
    """A PDF of a few words a page, after `change`."""
    out = io.BytesIO()
    with pikepdf.new() as made:
        font = made.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
        for _ in range(pages):
            made.add_blank_page(page_size=(300, 200))
            made.pages[-1].Resources = Dictionary(Font=Dictionary(F1=font))
            made.pages[-1].Contents = made.make_stream(_TEXT)
        if change:
            change(made)
        made.save(out, encryption=encryption or False)
    return out.getvalue()


def raw(*objects: bytes, root: bytes = b"1 0 R", size: int | None = None) -> bytes:
    """A PDF of these objects, numbered from 1, with a table of where they are."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        size or len(objects) + 1,
        root,
        at,
    )
    return bytes(out)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] >>"


def of(change: Change, *, pages: int = 1) -> Maker:
    return bytes_of(lambda: pdf(change, pages=pages))


def _locked(**how: object) -> Maker:
    return bytes_of(lambda: pdf(encryption=pikepdf.Encryption(owner="a", user="b", **how)))  # type: ignore[arg-type]


def _picture(
    width: int, height: int, content: bytes = b"", filter_: Name = Name.FlateDecode, *, page: int = 0
) -> Change:
    def change(made: Pdf) -> None:
        picture = made.make_stream(content or zlib.compress(bytes(100)))
        picture.update(
            Dictionary(
                Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height,
                ColorSpace=Name.DeviceRGB, BitsPerComponent=8, Filter=filter_,
            )
        )  # fmt: skip
        made.pages[page].Resources.XObject = Dictionary(Im=picture)
        made.pages[page].Contents = made.make_stream(b"300 0 0 200 0 0 cm /Im Do")

    return change


@functools.cache
def _jpeg_claiming(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@functools.cache
def _jpx_claiming(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "JPEG2000")
    data = bytearray(out.getvalue())
    header = data.index(b"ihdr")
    data[header + 4 : header + 12] = struct.pack(">II", height, width)
    size = data.index(b"\xff\x51")
    data[size + 6 : size + 14] = struct.pack(">II", width, height)
    data[size + 22 : size + 30] = struct.pack(">II", width, height)
    return bytes(data)


@functools.cache
def _deflated(mib: int, layers: int = 1) -> bytes:
    packer = zlib.compressobj(9)
    out = b"".join(packer.compress(b" " * MIB) for _ in range(mib)) + packer.flush()
    for _ in range(layers - 1):
        out = zlib.compress(out, 9)
    return out


def _bomb(layers: int = 1, *, page: int = 0, mib: int = 70) -> Change:
    def change(made: Pdf) -> None:
        stream = made.make_stream(_deflated(mib, layers))
        stream.Filter = Array([Name.FlateDecode] * layers) if layers > 1 else Name.FlateDecode
        made.pages[page].Contents = stream

    return change


def _bomb_behind_nonsense(made: Pdf) -> None:
    """A stream that makes no sense first, which must not keep a reader from the ones behind it."""
    _picture(9, 9)(made)
    made.pages[0].Resources.XObject.Im.Width = Name.Wide
    _bomb(page=2)(made)


def _many_filters(made: Pdf) -> None:
    stream = made.make_stream(b"x")
    stream.Filter = Array([Name.ASCIIHexDecode] * 200)
    made.pages[0].Contents = stream


def _laughing_forms(made: Pdf) -> None:
    """Each form draws the next one ten times: a hundred million words from a dozen lines."""
    form = made.make_stream(_TEXT)
    form.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200])))
    form.Resources = made.pages[0].Resources
    for _ in range(9):
        outer = made.make_stream(b"/X Do " * 10)
        outer.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200])))
        outer.Resources = Dictionary(XObject=Dictionary(X=form))
        form = outer
    made.pages[0].Resources.XObject = Dictionary(X=form)
    made.pages[0].Contents = made.make_stream(b"/X Do")


def _endless_wallpaper(made: Pdf) -> None:
    """A pattern so fine that the page takes a billion of its tiles: cheap to read, and never drawn."""
    tile = made.make_stream(b"0 0 1 rg 0 0 1 1 re f 1 0 0 rg 0.2 0.2 0.5 0.5 re f")
    tile.update(
        Dictionary(
            Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=Array([0, 0, 1, 1]),
            XStep=0.005, YStep=0.005, Resources=Dictionary(),
        )
    )  # fmt: skip
    made.pages[0].Resources.Pattern = Dictionary(P=tile)
    made.pages[0].Contents = made.make_stream(b"/Pattern cs /P scn 0 0 300 200 re f")


def _form_in_itself(made: Pdf) -> None:
    form = made.make_stream(b"/X Do")
    form.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200])))
    form.Resources = Dictionary(XObject=Dictionary(X=form))
    made.pages[0].Resources.XObject = Dictionary(X=form)
    made.pages[0].Contents = made.make_stream(_TEXT + b" /X Do")


def _sized(width: float, height: float) -> Change:
    def change(made: Pdf) -> None:
        made.pages[-1].MediaBox = Array([0, 0, width, height])

    return change


def _tree(levels: int, *, twice: bool) -> bytes:
    """A tree of pages so deep, in which each branch may hang twice: two to the power of `levels` pages."""
    objects = [CATALOG]
    for level in range(levels):
        child = b"%d 0 R" % (level + 3)
        kids = child + b" " + child if twice else child
        count = 2 ** (levels - level) if twice else 1
        parent = b"" if level == 0 else b"/Parent %d 0 R" % (level + 1)
        objects.append(b"<< /Type /Pages %s /Kids [%s] /Count %d >>" % (parent, kids, count))
    objects.append(b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 300 200] >>" % (levels + 1))
    return raw(*objects)


def _object_stream_bomb() -> bytes:
    packed = _deflated(70)
    return raw(
        CATALOG,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        PAGE,
        b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
        % (len(packed), packed),
    )


def _endless_table() -> bytes:
    """A table of objects packed in a stream that unpacks to more than a thousand documents."""
    packed = _deflated(70)
    body = b"%PDF-1.7\n1 0 obj\n" + CATALOG + b"\nendobj\n"
    table = (
        b"2 0 obj\n<< /Type /XRef /Size 40000000 /W [1 4 2] /Root 1 0 R /Filter /FlateDecode /Length %d >>\n"
        b"stream\n%s\nendstream\nendobj\n" % (len(packed), packed)
    )
    return body + table + b"startxref\n%d\n%%%%EOF\n" % len(body)


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("run.js", "alert(1)")
    return out.getvalue()


def _with(**catalog: object) -> Change:
    def change(made: Pdf) -> None:
        for key, value in catalog.items():
            made.Root[f"/{key}"] = value

    return change


def _annotation(subtype: str, **more: Any) -> Change:
    def change(made: Pdf) -> None:
        note = Dictionary(Type=Name.Annot, Subtype=Name(f"/{subtype}"), Rect=Array([10, 10, 60, 60]), **more)
        made.pages[0].Annots = Array([made.make_indirect(note)])

    return change


def _action(kind: str, **more: Any) -> Dictionary:
    return Dictionary(S=Name(f"/{kind}"), **more)


def _script() -> Dictionary:
    return _action("JavaScript", JS=f"app.launchURL('http://{_WORD}.example')")


def _attached(name: str, content: bytes) -> Change:
    def change(made: Pdf) -> None:
        made.attachments[name] = content

    return change


def _hidden_layer(made: Pdf) -> None:
    group = made.make_indirect(Dictionary(Type=Name.OCG, Name=_WORD))
    made.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(OFF=Array([group])))


def _page_action(made: Pdf) -> None:
    made.pages[0].AA = Dictionary(O=_script(), C=_action("Launch", F=_WORD + ".exe"))


def _named_scripts(made: Pdf) -> None:
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([_WORD, _script()])))


def _scripted_form(made: Pdf) -> None:
    field = made.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=_WORD, Rect=Array([10, 10, 60, 60]),
            AA=Dictionary(K=_script(), C=_script()),
        )
    )  # fmt: skip
    made.pages[0].Annots = Array([field])
    made.Root.AcroForm = Dictionary(Fields=Array([field]), XFA=made.make_stream(b"<xdp>" + PLANTED))


def _elsewhere(made: Pdf) -> None:
    """A page whose content is said to lie in a file of the server's."""
    stream = made.make_stream(b"")
    stream.F = Dictionary(Type=Name.Filespec, F="/etc/passwd")
    made.pages[0].Contents = Array([made.make_stream(_TEXT), stream])


def _info(made: Pdf) -> None:
    made.docinfo["/Title"] = f"\u202e<script>{_WORD}</script>"
    made.docinfo["/Author"] = _WORD


def _entities_in_xmp(made: Pdf) -> None:
    made.Root.Metadata = made.make_stream(
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x:xmpmeta>&a;PLANTED</x:xmpmeta>'
    )


def _sealed_form(made: Pdf) -> None:
    made.Root.AcroForm = Dictionary(Fields=Array([]), XFA=made.make_stream(b"<xdp/>"))
    made.Root.NeedsRendering = True


_PAGES = SlotLimits(title="Written pieces", kind="document", max_pages=15, max_bytes=1000)

REFUSED = [
    ("a mere header", bytes_of(b"%PDF-1.7\n"), BROKEN),
    ("noise behind a header", bytes_of(b"%PDF-1.7\n" + b"\x99" * 999 + b"startxref"), BROKEN),
    *((f"cut after {share:.0%}", cut(pdf, share), BROKEN) for share in (0.1, 0.3, 0.5, 0.7, 0.9)),
    ("without a catalog", bytes_of(raw(b"<< >>")), BROKEN),
    ("a catalog that is elsewhere", bytes_of(raw(CATALOG, root=b"9 0 R")), BROKEN),
    ("no pages at all", bytes_of(raw(CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>")), "has no pages"),
    (
        "fewer pages than none",
        bytes_of(raw(CATALOG, b"<< /Type /Pages /Kids [] /Count -5 >>")),
        "has no pages",
    ),
    (
        "a tree of pages in a circle",
        bytes_of(raw(CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 3 >>")),
        BROKEN,
    ),
    ("a tree with 2^40 leaves", bytes_of(_tree(40, twice=True)), BROKEN),
    ("a tree 20,000 levels deep", bytes_of(lambda: _tree(20_000, twice=False)), BROKEN),
    ("lists 200,000 levels deep", bytes_of(lambda: raw(CATALOG, b"[" * 200_000 + b"]" * 200_000)), BROKEN),
    ("a password", _locked(R=6), "protected with a password"),
    ("a password of 2001", _locked(R=4), "protected with a password"),
    ("a password of 1999", _locked(R=3, aes=False, metadata=False), "protected with a password"),
    ("a password of 1994", _locked(R=2, aes=False, metadata=False), "protected with a password"),
    ("1,001 pages", bytes_of(lambda: pdf(pages=1001)), "has 1,001 pages"),
    ("a sheet as large as a field", of(_sized(200_000, 200_000)), "which no paper is"),
    ("a later sheet thin as a hair", of(_sized(0.001, 1000), pages=2), "Page 2 of"),
    ("a flood of pixels", of(_picture(100_000, 100_000)), FLOOD),
    ("a flood on the third page", of(_picture(50_000, 50_000, page=2), pages=3), FLOOD),
    ("a flood of grey", of(_picture(400_000, 4_000)), FLOOD),
    ("a flood in a JPEG", of(_picture(9, 9, _jpeg_claiming(65_000, 65_000), Name.DCTDecode)), FLOOD),
    ("a flood in a JPEG 2000", of(_picture(9, 9, _jpx_claiming(90_000, 90_000), Name.JPXDecode)), FLOOD),
    ("a flood of a fax", of(_picture(60_000, 60_000, b"\0", Name.CCITTFaxDecode)), FLOOD),
    ("a flood in JBIG2", of(_picture(60_000, 60_000, b"\0", Name.JBIG2Decode)), FLOOD),
    ("a bomb", of(_bomb()), BOMB),
    ("a bomb on the third page", of(_bomb(page=2), pages=3), BOMB),
    ("a bomb in a bomb", of(_bomb(2)), BOMB),
    ("a bomb in a bomb in a bomb", of(_bomb(3)), BOMB),
    ("a bomb behind nonsense", of(_bomb_behind_nonsense, pages=3), BOMB),
    ("two hundred filters", of(_many_filters), BOMB),
    ("a bomb of objects", bytes_of(_object_stream_bomb), BOMB),
    ("forms that multiply", of(_laughing_forms), BEYOND),
    ("a wallpaper of a billion tiles", of(_endless_wallpaper), BEYOND),
    ("a form only one program shows", of(_sealed_form), "only Adobe's own program can show"),
    ("a portfolio of files", of(_with(Collection=Dictionary(View=Name.D))), "a PDF portfolio"),
    ("a picture in front", bytes_of(lambda: _jpeg_claiming(16, 16)[:600] + pdf()), "two kinds of file"),
    (
        "a web page in front",
        bytes_of(lambda: b"<html><script>1</script>" + pdf()),
        "two kinds of file in one",
    ),
    ("a script in front", bytes_of(lambda: b"#!/bin/sh\nexit\n" + pdf()), "two kinds of file in one"),
    ("a program in front", bytes_of(lambda: b"MZ" + bytes(60) + pdf()), "two kinds of file in one"),
    ("an archive behind", bytes_of(lambda: pdf() + _archive()), "two kinds of file in one"),
    ("an archive in front", bytes_of(lambda: _archive() + pdf()), "two kinds of file in one"),
]
# What two readers understand differently is shown as one of them does: here, as an empty page.
NEUTRALISED: list[tuple[str, Maker]] = [
    ("dictionaries 50,000 levels deep", bytes_of(lambda: raw(b"<< /Pages " * 50_000 + b">>" * 50_000))),
    ("a table that unpacks to 70 MB", bytes_of(_endless_table)),
    ("a script on opening", of(_with(OpenAction=_script()))),
    ("named scripts", of(_named_scripts)),
    ("a program to launch", of(_with(OpenAction=_action("Launch", F=_WORD + ".exe")))),
    ("an address on opening", of(_with(OpenAction=_action("URI", URI=f"http://{_WORD}.example")))),
    ("a form to send off", of(_with(OpenAction=_action("SubmitForm", F=f"http://{_WORD}.example")))),
    ("data to bring in", of(_with(OpenAction=_action("ImportData", F=_WORD)))),
    ("another file to go to", of(_with(OpenAction=_action("GoToR", F=_WORD, D=0)))),
    ("an attachment to go to", of(_with(OpenAction=_action("GoToE", T=Dictionary(N=_WORD))))),
    ("scripts when pages turn", of(_page_action)),
    ("scripts at closing", of(_with(AA=Dictionary(WC=_script(), WP=_script())))),
    ("a form with scripts", of(_scripted_form)),
    ("a link with a script", of(_annotation("Link", A=_script()))),
    ("a link to a script", of(_annotation("Link", A=_action("URI", URI=f"javascript:{_WORD}")))),
    ("a film inside", of(_annotation("Movie", Movie=Dictionary(F=_WORD)))),
    ("a sound inside", of(_annotation("Sound", Contents=_WORD))),
    ("a Flash inside", of(_annotation("RichMedia", Contents=_WORD))),
    ("a solid inside", of(_annotation("3D", Contents=_WORD))),
    ("a screen", of(_annotation("Screen", A=_action("Rendition", JS=_WORD)))),
    ("a file pinned to a page", of(_annotation("FileAttachment", FS=Dictionary(F=_WORD)))),
    ("a program attached", of(_attached("run.exe", b"MZ" + PLANTED))),
    ("a web page attached", of(_attached("a.html", b"<script>PLANTED</script>"))),
    ("a PDF attached", bytes_of(lambda: pdf(_attached("a.pdf", pdf(_attached("b.js", PLANTED)))))),
    ("a hidden layer", of(_hidden_layer)),
    ("content in a file of the server's", of(_elsewhere)),
    ("properties that turn and script", of(_info)),
    ("entities in its properties", of(_entities_in_xmp)),
    ("a form that draws itself", of(_form_in_itself)),
    ("a web page behind", bytes_of(lambda: pdf() + b"<html><script>PLANTED</script></html>")),
    ("a script in a remark", bytes_of(lambda: pdf().replace(b"\n", b"\n%<script>PLANTED</script>\n", 1))),
    ("a printer's commands in front", bytes_of(lambda: b"\x1b%-12345X@PJL PLANTED\r\n" + pdf())),
]

CASES: list[Case] = [
    *(Refused(f"a PDF: {label}", "essay.pdf", make, says) for label, make, says in REFUSED),
    *(Neutralised(f"a PDF: {label}", "essay.pdf", make) for label, make in NEUTRALISED),
    Refused("a PDF too long", "a.pdf", bytes_of(lambda: pdf(pages=16)), "yours has 16, 1 too many", _PAGES),
    Refused("a PDF too large", "a.pdf", bytes_of(lambda: pdf(pages=9)), "too large. Export it", _PAGES),
    Refused("a PDF called a Word document", "a.docx", bytes_of(pdf), "is really a PDF file"),
    Refused("a PDF called a program", "a.exe", bytes_of(pdf), "is really a PDF file"),
    Refused("a PDF called a video", "a.mp4", bytes_of(pdf), "is really a PDF file"),
    Refused(
        "a PDF in a video's slot",
        "a.pdf",
        bytes_of(pdf),
        "takes a video; yours is a document",
        SlotLimits(title="Identify conversation", kind="video"),
    ),
    Refused(
        "a PDF called a video in a video's slot",
        "a.mp4",
        bytes_of(pdf),
        "“a.mp4” is really a PDF file, not what its ending .mp4 says. Upload an MP4 or MOV video.",
        SlotLimits(title="Identify conversation", kind="video", formats=("mp4", "mov")),
    ),
    Refused(
        "a broken PDF in a video's slot",
        "a.pdf",
        bytes_of(b"%PDF-1.7\nnothing"),
        "takes a video; yours is a document",
        SlotLimits(title="Identify conversation", kind="video"),
    ),
]
