"""XMP: the packet of metadata in which JPEG and WebP files carry the workflow that made them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .png import KEY

NAMESPACE = "urn:x-nodegraph#"
_NOTE = "http://ns.adobe.com/xmp/note/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# What XML cannot hold. In JSON it stands inside a text, where its escape means the same. Compiled
# at its first use: that takes as long as all the rest of this module.
_FORBIDDEN = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def packet(texts: Mapping[str, str]) -> bytes:
    """A packet that holds JSON texts, each as a property of ours, by the keyword PNG files use."""
    properties = (
        f"<nodegraph:{_name(keyword)}>{_escaped(text)}</nodegraph:{_name(keyword)}>"
        for keyword, text in texts.items()
    )
    return _described(f' xmlns:nodegraph="{NAMESPACE}">{"".join(properties)}')


def pointer(guid: str) -> bytes:
    """A packet that says: the rest is in the extension of this name."""
    return _described(f' xmlns:xmpNote="{_NOTE}" xmpNote:HasExtendedXMP="{guid}">')


def text_in(data: bytes, keyword: str = KEY) -> str | None:
    """The text that a packet holds under a keyword; None where it holds other things.

    Raises:
        ValueError: It names us, but cannot be read.
    """
    return _property(data, NAMESPACE, _name(keyword))


def extension_of(data: bytes) -> str | None:
    """The name of the extension that a packet points to; None where it is all there is.

    Raises:
        ValueError: It cannot be read.
    """
    return _property(data, _NOTE, "HasExtendedXMP")


def _name(keyword: str) -> str:
    return "workflow" if keyword == KEY else keyword.removeprefix(f"{KEY}:")


def _escaped(text: str) -> str:
    safe = re.sub(_FORBIDDEN, lambda match: f"\\u{ord(match[0]):04x}", text)
    # A reader of XML takes a bare carriage return for the end of a line.
    return (
        safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    )


def _described(inner: str) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about=""{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    ).encode()


def _property(data: bytes, namespace: str, name: str) -> str | None:
    """The text of a property, which other programs may have turned into an attribute or back."""
    if namespace.encode() not in data:
        return None
    from xml.etree import ElementTree  # only here: most commands meet no packet

    text = data.decode().strip("\ufeff\0 \t\r\n")
    if "<!DOCTYPE" in text:  # it could define entities that fill the memory
        raise ValueError("not XMP")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError("not XML") from error
    full = f"{{{namespace}}}{name}"
    for element in root.iter():
        if element.tag == full:
            return element.text or ""
        if full in element.attrib:
            return element.attrib[full]
    return None
