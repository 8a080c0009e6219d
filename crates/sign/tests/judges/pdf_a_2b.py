"""What of ISO 19005-2 level B a signature could break, asked of whole PDF files by pyHanko's reader: structure, identifiers, permissions, limits,
output intents, fonts, annotations, forms, actions, metadata. One JSON object a file: the clauses that are broken, the identifiers, and digests
of the metadata and the output profile. Usage: pdf_a_2b.py FILE…

It is no whole validator: colours, glyph widths and pictures are left to PDFBox preflight, whose rules (PDF/A-1b) are stricter there."""

import hashlib
import json
import re
import sys

from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

ANNOTATIONS = {
    "/Text", "/Link", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline", "/Squiggly",
    "/StrikeOut", "/Stamp", "/Caret", "/Ink", "/Popup", "/FileAttachment", "/Widget", "/PrinterMark", "/TrapNet", "/Watermark", "/Redact",
}
FORBIDDEN_ACTIONS = {
    "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView", "/JavaScript",
}
NAMED_ACTIONS = {"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"}


def plain(value):
    return value.get_object() if isinstance(value, generic.IndirectObject) else value


def entry(dictionary, key, default=None):
    return dictionary[key] if key in dictionary else default


def reached(reader):
    """Every object that the trailer leads to."""
    seen, waiting = set(), [reader.trailer.raw_get(key) for key in reader.trailer if key != "/Encrypt"]
    while waiting:
        value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            if (value.idnum, value.generation) in seen:
                continue
            seen.add((value.idnum, value.generation))
            value = value.get_object()
        yield value
        if isinstance(value, generic.DictionaryObject):
            # What a form keeps for fields that are filled later shows nothing yet.
            waiting.extend(value.raw_get(key) for key in value if key != "/DR")
        elif isinstance(value, generic.ArrayObject):
            waiting.extend(value.raw_get(at) for at in range(len(value)))


def signature(value):
    """6.4.3: one signer, and at least its certificate; 6.1.12: no digests beside a transformation."""
    if value["/SubFilter"] != "/ETSI.RFC3161":
        content = cms.ContentInfo.load(bytes(value.raw_get("/Contents")))["content"]
        if len(content["signer_infos"]) != 1 or not len(content["certificates"] or []):
            yield "6.4.3"
    for reference in entry(value, "/Reference", []):
        if any(key in plain(reference) for key in ("/DigestLocation", "/DigestMethod", "/DigestValue")):
            yield "6.1.12"


def annotation(value):
    kind = entry(value, "/Subtype")
    if kind not in ANNOTATIONS:
        yield "6.3.1"
    if kind != "/Popup":
        flags = entry(value, "/F")
        if flags is None or not flags & 4 or flags & (1 | 2 | 32 | 256):
            yield "6.3.2"
        left, bottom, right, top = (float(plain(edge)) for edge in value["/Rect"])
        looks = entry(value, "/AP")
        if looks is None:
            if kind != "/Link" and (left, bottom) != (right, top):
                yield "6.3.3"
        elif set(looks) != {"/N"}:
            yield "6.3.3"
        else:
            is_button = kind == "/Widget" and entry(value, "/FT", entry(plain(entry(value, "/Parent", {})), "/FT")) == "/Btn"
            if is_button == isinstance(looks["/N"], generic.StreamObject):
                yield "6.3.3"
    if kind == "/Widget" and ("/A" in value or "/AA" in value):
        yield "6.4.1"


def dictionary(value):
    kind = entry(value, "/Type")
    if isinstance(value, generic.StreamObject) and any(key in value for key in ("/F", "/FFilter", "/FDecodeParms")):
        yield "6.1.7.1"
    if "/BaseFont" in value and entry(value, "/Subtype") in ("/Type1", "/MMType1", "/TrueType", "/CIDFontType0", "/CIDFontType2"):
        described = plain(entry(value, "/FontDescriptor", {}))
        if not any(key in described for key in ("/FontFile", "/FontFile2", "/FontFile3")):
            yield "6.2.11.4.1"
    if kind == "/Annot" or ("/Subtype" in value and "/Rect" in value):
        yield from annotation(value)
    if kind in ("/Sig", "/DocTimeStamp") and "/ByteRange" in value:
        yield from signature(value)
    if entry(value, "/S") in FORBIDDEN_ACTIONS and (kind in (None, "/Action")) and "/P" not in value:
        yield "6.5.1"
    if entry(value, "/S") == "/Named" and entry(value, "/N") not in NAMED_ACTIONS:
        yield "6.5.1"
    if kind in ("/Catalog", "/Page") and "/AA" in value:
        yield "6.5.2"
    if "/FT" in value and "/AA" in value:
        yield "6.4.1"


def limits(value):
    """6.1.13, of single objects."""
    if isinstance(value, (generic.TextStringObject, generic.ByteStringObject)):
        length = len(value.original_bytes) if isinstance(value, generic.TextStringObject) else len(value)
        return length > 32767
    if isinstance(value, generic.NameObject):
        return len(value.encode()) > 128
    if isinstance(value, generic.NumberObject) and not isinstance(value, generic.BooleanObject):
        return abs(int(value)) > 2**31
    return False


def catalog(root):
    permissions = plain(entry(root, "/Perms", {}))
    if not set(permissions) <= {"/DocMDP", "/UR3"}:
        yield "6.1.12"
    form = plain(entry(root, "/AcroForm", {}))
    if entry(form, "/NeedAppearances"):
        yield "6.4.1"
    if "/XFA" in form or entry(root, "/NeedsRendering"):
        yield "6.4.2"
    metadata = entry(root, "/Metadata")
    if metadata is None:
        yield "6.6.2.1"
    else:
        text = metadata.data.decode("utf-8", "replace")
        part, level = (re.search(rf"""pdfaid:{name}\s*(?:=\s*["']|>)\s*(\w+)""", text) for name in ("part", "conformance"))
        if "http://www.aiim.org/pdfa/ns/id/" not in text or not part or part[1] != "2" or not level or level[1] not in "ABU":
            yield "6.6.4"
    profiles = [plain(intent).raw_get("/DestOutputProfile") for intent in entry(root, "/OutputIntents", []) if "/DestOutputProfile" in plain(intent)]
    if len({(profile.idnum, profile.generation) for profile in profiles if isinstance(profile, generic.IndirectObject)}) > 1:
        yield "6.2.3"
    for profile in profiles:
        data = plain(profile).data
        if data[12:16] not in (b"mntr", b"prtr") or data[36:40] != b"acsp" or data[8] > 4:
            yield "6.2.3"


def digest_of(stream):
    return hashlib.sha256(stream.data).hexdigest() if stream is not None else None


def judged(name):
    with open(name, "rb") as file:
        whole = file.read()
        broken = set()
        if not re.match(rb"%PDF-1\.[0-7][\r\n]+%[\x80-\xff]{4}", whole):
            broken.add("6.1.2")
        if not re.search(rb"%%EOF(\r\n|\n|\r)?$", whole):
            broken.add("6.1.3")
        reader = PdfFileReader(file, strict=False)
        ids = reader.trailer["/ID"] if "/ID" in reader.trailer else None
        if "/Encrypt" in reader.trailer or ids is None or len(ids) != 2:
            broken.add("6.1.3")
        if "/Encrypt" not in reader.trailer:
            for value in reached(reader):
                if limits(value):
                    broken.add("6.1.13")
                if isinstance(value, generic.DictionaryObject):
                    broken.update(dictionary(value))
                    if any(limits(generic.NameObject(key)) for key in value):
                        broken.add("6.1.13")
            broken.update(catalog(reader.root))
        intents = entry(reader.root, "/OutputIntents", []) if "/Encrypt" not in reader.trailer else []
        return {
            "broken": sorted(broken),
            "ids": [bytes(plain(one)).hex() if not isinstance(plain(one), str) else plain(one) for one in ids or []],
            "metadata": digest_of(entry(reader.root, "/Metadata")) if "/Encrypt" not in reader.trailer else None,
            "profiles": [digest_of(entry(plain(intent), "/DestOutputProfile")) for intent in intents],
        }


for name in sys.argv[1:]:
    try:
        told = judged(name)
    except Exception as error:  # what cannot be read is no PDF/A
        told = {"broken": ["unreadable"], "why": f"{type(error).__name__}: {error}"}
    print(json.dumps(told), flush=True)
