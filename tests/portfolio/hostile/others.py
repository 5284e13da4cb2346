"""Files that are neither document nor video, whatever they are called."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

from PIL import Image

from portfolio.uploads.limits import SlotLimits
from portfolio.uploads.office import OLE

from .cases import Case, Refused, bytes_of

READ = "not a document or video we can read"


def _picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("essay.pdf"))
    return out.getvalue()


def _package(mimetype: str = "", **parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        if mimetype:
            package.writestr("mimetype", mimetype)
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def _office(kind: str) -> bytes:
    return _package(
        **{
            "[Content_Types].xml": "<Types><Override ContentType="
            f'"application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>'
        }
    )


def _iso(brand: bytes) -> bytes:
    return struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 0, brand) + struct.pack(">I4s", 8, b"mdat")


_LIKE = [
    ("a JPEG", _picture("JPEG"), "is a JPEG picture"),
    ("a PNG", _picture("PNG"), "is a PNG picture"),
    ("a GIF", _picture("GIF"), "is a GIF picture"),
    ("a BMP", _picture("BMP"), "is a BMP picture"),
    ("a TIFF", _picture("TIFF"), "is a TIFF picture"),
    ("a big-endian TIFF", b"MM\0*" + bytes(50), "is a TIFF picture"),
    ("a WebP", _picture("WEBP"), "is a WebP picture"),
    ("a JPEG 2000", _picture("JPEG2000"), "is a JPEG 2000 picture"),
    ("a Photoshop file", b"8BPS\0\1" + bytes(50), "is a Photoshop picture"),
    ("an SVG with a script", b"<svg onload='alert(1)'/>", "is an SVG picture"),
    ("a HEIC photo", _iso(b"heic"), "is a HEIC picture"),
    ("a burst of HEIC photos", _iso(b"hevc"), "is a HEIC picture"),
    ("a HEIF photo", _iso(b"mif1"), "is a HEIF picture"),
    ("an AVIF photo", _iso(b"avif"), "is an AVIF picture"),
    ("a Canon raw photo", _iso(b"crx "), "is a Canon raw picture"),
    ("a song from a store", _iso(b"M4A "), "is a sound file"),
    ("an audio book", _iso(b"M4B "), "is a sound file"),
    ("an MP3 with tags", b"ID3\4" + bytes(50), "is an MP3 sound file"),
    ("an MP3 without tags", b"\xff\xfb\x90" + bytes(50), "is an MP3 sound file"),
    ("a WAV", b"RIFF\x24\0\0\0WAVEfmt " + bytes(50), "is a WAV sound file"),
    ("an Ogg file", b"OggS" + bytes(50), "is an Ogg file"),
    ("a FLAC", b"fLaC" + bytes(50), "is a FLAC sound file"),
    ("a Flash video", b"FLV\1\5\0\0\0\x09" + bytes(50), "is a Flash video"),
    ("rich text", b"{\\rtf1\\ansi hello}", "rich text (RTF)"),
    ("PostScript", b"%!PS-Adobe-3.0\nshowpage", "is a PostScript file"),
    ("a Windows program", b"MZ\x90\0" + bytes(500), "is a Windows program"),
    ("a Linux program", b"\x7fELF\2\1\1" + bytes(50), "is a program"),
    ("a Mac program", b"\xca\xfe\xba\xbe" + bytes(50), "is a program"),
    ("a shell script", b"#!/bin/sh\nrm -rf ~\n", "is a script"),
    ("a RAR", b"Rar!\x1a\7\1\0" + bytes(50), "is a RAR archive"),
    ("a 7-Zip", b"7z\xbc\xaf\x27\x1c" + bytes(50), "is a 7-Zip archive"),
    ("a gzip", gzip.compress(b"x"), "is a gzip archive"),
    ("a bzip2", b"BZh91AY&SY" + bytes(50), "is a bzip2 archive"),
    ("an xz", b"\xfd7zXZ\0" + bytes(50), "is an xz archive"),
    ("a Debian package", b"!<arch>\ndebian-binary" + bytes(50), "is an archive"),
    ("a web page", b"<!DOCTYPE html><script>1</script>", "is a web page"),
    ("a bare web page", b"<html><script>1</script></html>", "is a web page"),
    ("a flat OpenDocument", b'<?xml version="1.0"?><office:document/>', "is an XML file"),
    ("a Word document as one XML file", b'<?xml version="1.0"?><pkg:package/>', "is an XML file"),
    ("a streaming manifest", b'<?xml version="1.0"?><MPD/>', "is an XML file"),
    ("a playlist of an address", b"#EXTM3U\n#EXTINF:10,\nhttp://10.0.0.1/a.ts\n", "is a playlist"),
    ("a playlist of a file", b"#EXTM3U\nfile:///etc/passwd\n", "is a playlist"),
    ("a WinAmp playlist", b"[playlist]\nFile1=/etc/passwd\n", "is a playlist"),
    ("an instruction to join files", b"ffconcat version 1.0\nfile /etc/passwd", READ),
    ("a session description", b"v=0\no=- 0 0 IN IP4 10.0.0.1\nm=video 9 RTP/AVP 96\n", READ),
    ("a Windows media playlist", b'<asx version="3.0"><entry><ref href="x"/></entry></asx>', READ),
    ("a reference for QuickTime", b"RTSPtext\nrtsp://10.0.0.1/a.mov", READ),
    ("plain text", b"Dear reader, this is my reflection.", READ),
    ("text in UTF-16", "My reflection.".encode("utf-16"), READ),
    ("a table", b"name,score\nA,1\n", READ),
    ("JSON", b'{"pages": 3}', READ),
    ("JavaScript", b"require('child_process').exec('id')", READ),
    ("PHP", b"<?php system($_GET['c']); ?>", READ),
    ("a mail", b"From: a@example.org\nSubject: hi\n\nhello", READ),
    ("a web archive", b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n", READ),
    ("a database", b"SQLite format 3\0" + bytes(50), READ),
    ("a shortcut", b"L\0\0\0\1\x14\2\0" + bytes(50), READ),
    ("an internet shortcut", b"[InternetShortcut]\nURL=file:///c:/windows\n", READ),
    ("WebAssembly", b"\0asm\1\0\0\0", READ),
    ("a tape archive", _tar(), READ),
    ("a cabinet", b"MSCF\0\0\0\0" + bytes(50), READ),
    ("a Shockwave film", b"CWS\x0a" + bytes(50), READ),
    ("one byte", b"%", READ),
    ("three bytes", b"PK\3", READ),
    ("nothing but zeros", bytes(5000), READ),
    ("noise", bytes(range(255, 0, -1)) * 9, READ),
    ("a header far from the beginning", b" " * 2000 + b"%PDF-1.7", READ),
]
_PACKAGES = [
    ("a ZIP of pages", "a.docx", _package(**{"essay.pdf": "x"}), "is a ZIP archive, not a document"),
    ("an Android app", "a.odt", _package(**{"AndroidManifest.xml": "x"}), "is a ZIP archive"),
    ("an Apple Pages document", "a.pages", _package(**{"Index/Document.iwa": "x"}), "is a ZIP archive"),
    ("an e-book", "a.odt", _package("application/epub+zip", a="x"), "is a ZIP archive"),
    ("a spreadsheet", "a.docx", _office("spreadsheetml.sheet"), "no Word document"),
    ("a presentation", "a.docx", _office("presentationml.presentation"), "no Word document"),
    (
        "an OpenDocument table",
        "a.odt",
        _package("application/vnd.oasis.opendocument.spreadsheet", **{"content.xml": "<a/>"}),
        "no text document",
    ),
    (
        "an OpenDocument presentation",
        "a.odp",
        _package("application/vnd.oasis.opendocument.presentation", **{"content.xml": "<a/>"}),
        "no text document",
    ),
    (
        "an OpenDocument template",
        "a.ott",
        _package("application/vnd.oasis.opendocument.text-template", **{"content.xml": "<a/>"}),
        "no text document",
    ),
]
_DOCUMENTS = SlotLimits(title="Reflection", kind="document")
_ONE_PAGE = SlotLimits(title="Reflection", kind="document", formats=("pdf", "docx"))
_VIDEOS = SlotLimits(title="Clip", kind="video", formats=("mp4", "mov", "webm"))
_VIDEO = "Upload an MP4, MOV or WebM video."
# What a slot does not take, no refusal in it advises.
_IN_SLOTS = [
    (
        "text in a document's slot",
        "text.txt",
        b"Dear reader,",
        f"“text.txt” is {READ}. Upload a PDF, Word (.docx) or OpenDocument (.odt) document.",
        _DOCUMENTS,
    ),
    (
        "a program in a document's slot",
        "exe.pdf",
        b"MZ\x90\0" + bytes(500),
        "“exe.pdf” is a Windows program. Upload a PDF or Word (.docx) document.",
        _ONE_PAGE,
    ),
    (
        "a photo in a document's slot",
        "a.heic",
        _iso(b"heic"),
        "“a.heic” is a HEIC picture. Upload a PDF or Word (.docx) document.",
        _ONE_PAGE,
    ),
    (
        "a table in a document's slot",
        "a.docx",
        _office("spreadsheetml.sheet"),
        "“a.docx” is an Office file, but no Word document. Upload a PDF or Word (.docx) document.",
        _ONE_PAGE,
    ),
    ("text in a video's slot", "text.txt", b"Dear reader,", f"“text.txt” is {READ}. {_VIDEO}", _VIDEOS),
    (
        "a song in a video's slot",
        "a.mp4",
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(50),
        f"“a.mp4” is a WAV sound file. {_VIDEO}",
        _VIDEOS,
    ),
    (
        "a ZIP of pages in a video's slot",
        "a.docx",
        _package(**{"essay.pdf": "x"}),
        f"“a.docx” is an Office file or an archive, not a video. {_VIDEO}",
        _VIDEOS,
    ),
    (
        "an old Office file in a video's slot",
        "a.doc",
        OLE + bytes(600),
        f"“a.doc” is an Office file or an archive, not a video. {_VIDEO}",
        _VIDEOS,
    ),
]
_ENDINGS = ("pdf", "mp4", "docx", "mov", "odt", "mkv")

CASES: list[Case] = [
    Refused("zero bytes", "a.pdf", bytes_of(b""), "is empty (0 bytes)"),
    Refused("zero bytes of video", "a.mp4", bytes_of(b""), "is empty (0 bytes)"),
    *(
        Refused(f"{label} called {ending}", f"a.{ending}", bytes_of(content), says)
        for number, (label, content, says) in enumerate(_LIKE)
        for ending in [_ENDINGS[number % len(_ENDINGS)]]
    ),
    *(Refused(label, name, bytes_of(content), says) for label, name, content, says in _PACKAGES),
    *(Refused(label, name, bytes_of(content), says, slot) for label, name, content, says, slot in _IN_SLOTS),
]
