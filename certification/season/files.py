"""Evidence as candidates really send it: their name in the text, in the metadata and in the file name.

The season and the tests plant these, so that whatever the cleaning misses comes to light.
Every maker writes a real, decodable file, the same one for the same seed.
"""

from __future__ import annotations

import io
import math
import random
import unicodedata
from array import array
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import av
import docx
import docx.document
import pikepdf
from av.bitstream import BitStreamFilterContext
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image, ImageDraw

from portfolio.blinding.identifiers import Identity

WRITTEN_AT = datetime(2027, 4, 12, 9, 30, tzinfo=UTC)
SOUND_RATE = 16_000
FRAME_RATE = 10
WIDTH, HEIGHT = 160, 120
CAMERA_ID = UUID("6f1d2a60-2f64-4c0e-9d9e-0a5a6b1c7e21")

_SENTENCES = (
    "We watched the recording separately and met on Thursday to compare what we had seen.",
    "The teacher chose a goal for engagement: nine of ten students on task, measured twice a week.",
    "The first checklist was too long, so together we cut it to five steps and practised it.",
    "By the fourth visit the data showed fewer interruptions, but the goal was not met yet.",
    "I asked what she would like to keep, and waited longer than is comfortable for me.",
    "We changed one thing only, because two at once would have told us nothing.",
    "The students' work from both weeks lay on the table between us during the talk.",
    "Looking back, I spoke too early in the second meeting and wrote that down.",
)


def named(folder: Path, *, identity: Identity, label: str, extension: str) -> Path:
    """A path in `folder` whose file name holds the candidate's name."""
    return folder / f"{_name(identity).replace(' ', '_')}_{label}.{extension}"


def make_pdf(path: Path, *, identity: Identity, pages: int = 2, seed: int = 0) -> Path:
    """A PDF naming the candidate on each page, in Info, XMP, a comment, a bookmark and an attachment."""
    name, organisation = _name(identity), _organisation(identity)
    prose = random.Random(seed)
    with pikepdf.new() as pdf:
        fonts = pikepdf.Dictionary(F1=_font(pdf, "/Helvetica"), F2=_font(pdf, "/Times-Roman"))
        for number in range(1, pages + 1):
            pdf.add_blank_page(page_size=(612, 792))
            page = pdf.pages[-1]
            page.Resources = pikepdf.Dictionary(Font=fonts)
            page.Contents = pdf.make_stream(_page_text(name, organisation, identity, number, prose))
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[500, 740, 520, 760],
            T=pikepdf.String(name), Contents=pikepdf.String(f"Checked by {name}"),
        )  # fmt: skip
        pdf.pages[0].Annots = pdf.make_indirect(pikepdf.Array([pdf.make_indirect(note)]))
        note_file = pikepdf.AttachedFileSpec(
            pdf, f"Notes of {name}".encode(), filename=f"{name}.txt",
            description="", mime_type="text/plain", creation_date="", mod_date="",
        )  # fmt: skip
        pdf.attachments["notes.txt"] = note_file
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem(f"{name}: reflection", 0))
        pdf.docinfo["/Author"] = name
        pdf.docinfo["/Title"] = f"Reflection by {name}"
        pdf.docinfo["/Company"] = organisation
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
            xmp["dc:creator"] = [name]
            xmp["dc:description"] = f"{name}, {organisation}"
        pdf.save(path, deterministic_id=True)
    return path


def make_docx(path: Path, *, identity: Identity, pages: int = 2, seed: int = 0) -> Path:
    """A Word document naming the candidate in its text, header, comment, revisions, properties and photo."""
    name, organisation = _name(identity), _organisation(identity)
    prose = random.Random(seed)
    document = _empty_document()
    document.sections[0].header.paragraphs[0].text = f"{name} - {organisation}"
    document.sections[0].footer.paragraphs[0].text = " ".join(identity.emails) or name
    document.add_heading("Reflection on one cycle", level=1)
    for number in range(1, pages + 1):
        first = document.add_paragraph(f"My name is {name} and I coach at {organisation}.")
        for _ in range(4):
            document.add_paragraph(" ".join(prose.sample(_SENTENCES, 3)))
        if number < pages:
            document.add_page_break()
    comment = document.add_comment(
        first.runs, text=f"{name}: shorten this", author=name, initials=_initials(name)
    )
    comment._comment_elm.date = WRITTEN_AT
    first._p.append(parse_xml(_revision("ins", "t", name, 901, f" Written by {name}.")))
    first._p.append(parse_xml(_revision("del", "delText", name, 902, f" Draft of {name}.")))
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Coach", name
    document.add_picture(io.BytesIO(_photo(name)), width=docx.shared.Inches(1.5))
    properties = document.core_properties
    properties.author = properties.last_modified_by = name
    properties.title, properties.comments = f"Reflection by {name}", f"For {organisation}"
    properties.created = properties.modified = WRITTEN_AT.replace(tzinfo=None)
    package = io.BytesIO()
    document.save(package)
    _save_without_clock(package, path)
    return path


def make_mp4(path: Path, *, identity: Identity, seconds: int = 2, seed: int = 0) -> Path:
    """H.264 and AAC naming the candidate in tags, in track names, and inside the H.264 stream.

    The picture and the sound name nobody: what a video shows or says is for people to find.
    """
    name, organisation = _name(identity), _organisation(identity)
    shade = 40 + seed * 37 % 160
    with av.open(str(path), "w", format="mp4", options={"movflags": "+use_metadata_tags"}) as container:
        container.metadata.update(
            title=f"Conversation with {name}", artist=name, comment=f"{name}, {organisation}",
            location="+41.2565-095.9345/", creation_time=WRITTEN_AT.isoformat(), make=f"{name}'s phone",
        )  # fmt: skip
        picture = container.add_stream("libx264", rate=FRAME_RATE)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        picture.options = {"preset": "ultrafast", "threads": "1"}
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        picture.metadata["handler_name"] = sound.metadata["handler_name"] = f"{name} camera"
        container.start_encoding()
        planted = f"sei_user_data={CAMERA_ID.hex}+{_plain(name)}"
        signed = BitStreamFilterContext(f"h264_metadata={planted}", picture)
        for number in range(seconds * FRAME_RATE):
            for packet in picture.encode(_frame(number, shade)):
                _mux(container, signed.filter(packet), picture)
        for packet in picture.encode(None):
            _mux(container, signed.filter(packet), picture)
        _mux(container, signed.filter(None), picture)
        for packet in _sine(sound, seconds, pitch=220 + seed % 220):
            container.mux(packet)
    return path


def _page_text(name: str, organisation: str, identity: Identity, number: int, prose: random.Random) -> bytes:
    lines = [f"Reflection, page {number}", f"Coach: {name}", f"School: {organisation}", *identity.emails, ""]
    lines += [prose.choice(_SENTENCES) for _ in range(12)]
    shown = [b"BT /F1 12 Tf 24 TL 72 708 Td"]
    for line in lines:
        encoded = _plain(line).encode("cp1252", "replace")
        escaped = encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        shown.append(b"(" + escaped + b") Tj T*")
    return b"\n".join([*shown, b"ET"])


def _font(pdf: pikepdf.Pdf, name: str) -> pikepdf.Object:
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1,
        BaseFont=pikepdf.Name(name), Encoding=pikepdf.Name.WinAnsiEncoding,
    )  # fmt: skip
    return pdf.make_indirect(font)


def _revision(kind: str, text_tag: str, author: str, number: int, text: str) -> str:
    stamp = WRITTEN_AT.strftime("%Y-%m-%dT%H:%M:%SZ")
    safe_author = author.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    safe_text = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<w:{kind} {nsdecls("w")} w:id="{number}" w:author="{safe_author}" w:date="{stamp}">'
        f'<w:r><w:{text_tag} xml:space="preserve">{safe_text}</w:{text_tag}></w:r></w:{kind}>'
    )


def _empty_document() -> docx.document.Document:
    """A document without the hundreds of table styles of the library's own template.

    Nobody uses them, and reading them is most of what cleaning such a document takes.
    """
    document = docx.Document()
    default = document.styles.default(WD_STYLE_TYPE.TABLE)
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style != default:
            style.delete()
    for key, relation in list(document.part.rels.items()):
        if relation.reltype.endswith("/stylesWithEffects"):
            del document.part.rels[key]
    return document


def _save_without_clock(package: io.BytesIO, path: Path) -> None:
    """The same document with every part dated alike, so that a seed gives the same bytes on any day."""
    with ZipFile(package) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        for part in source.namelist():
            target.writestr(ZipInfo(part, WRITTEN_AT.timetuple()[:6]), source.read(part), ZIP_DEFLATED)


def _photo(name: str) -> bytes:
    """A small JPEG with the name as EXIF artist and a place as GPS."""
    photo = Image.new("RGB", (120, 90), (90, 130, 160))
    exif = Image.Exif()
    exif[0x013B] = name
    exif[0x8298] = f"(c) {name}"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 15.0, 23.0), 3: "W", 4: (95.0, 56.0, 4.0)})
    out = io.BytesIO()
    photo.save(out, "JPEG", exif=exif)
    return out.getvalue()


def _frame(number: int, shade: int) -> av.VideoFrame:
    image = Image.new("RGB", (WIDTH, HEIGHT), (shade, (shade + number * 3) % 256, 120))
    ImageDraw.Draw(image).text((6, 50), f"Coaching conversation {number}", fill=(255, 255, 255))
    frame = av.VideoFrame.from_image(image).reformat(format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
    return frame


def _mux(container: av.container.OutputContainer, packets: list[av.Packet], stream: av.VideoStream) -> None:
    for packet in packets:
        packet.stream = stream
        container.mux(packet)


def _sine(sound: av.AudioStream, seconds: int, *, pitch: int) -> list[av.Packet]:
    packets: list[av.Packet] = []
    step = 1024
    for start in range(0, seconds * SOUND_RATE, step):
        wave = (8000 * math.sin(2 * math.pi * pitch * at / SOUND_RATE) for at in range(start, start + step))
        frame = av.AudioFrame(format="s16", layout="mono", samples=step)
        frame.planes[0].update(array("h", map(int, wave)).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        packets += sound.encode(frame)
    return packets + sound.encode(None)


def _name(identity: Identity) -> str:
    return identity.names[0] if identity.names else "Nameless Candidate"


def _organisation(identity: Identity) -> str:
    return identity.organisations[0] if identity.organisations else "a school"


def _initials(name: str) -> str:
    return "".join(part[0] for part in name.split())


def _plain(text: str) -> str:
    """`text` in the letters the built-in PDF fonts have: accents they lack are dropped, not the letter."""
    kept = []
    for letter in text:
        try:
            letter.encode("cp1252")
            kept.append(letter)
        except UnicodeEncodeError:
            kept.append(unicodedata.normalize("NFKD", letter)[0])
    return "".join(kept)
