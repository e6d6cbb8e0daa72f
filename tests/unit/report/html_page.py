#!/usr/bin/python3
"""html_page.py FILE: a page that stands alone: well-formed, without scripts, events or anything
from elsewhere; its pictures can be read; its tables are as wide as their heads say."""
import base64
import io
import sys
from xml.etree import ElementTree

from PIL import Image

KNOWN = set("html head meta title style body div b p h1 h2 h3 span br section ul li figure img "
            "figcaption picture source table tr th td code".split())
VOID = set("meta br img source".split())


def check_picture(uri):
    kind, data = uri.split(";base64,", 1)
    content = base64.b64decode(data, validate=True)
    if kind == "data:image/png":
        Image.open(io.BytesIO(content)).verify()
    else:
        assert kind == "data:image/svg+xml", kind
        drawing = ElementTree.fromstring(content)
        assert drawing.tag.endswith("}svg") and not list(drawing.iter("script"))


def check_element(element):
    assert element.tag in KNOWN, element.tag
    assert (element.tag not in VOID) or (len(element) == 0 and not element.text), element.tag
    for name, value in element.attrib.items():
        assert not name.startswith("on") and name != "href", name
        if name in ("src", "srcset"):
            check_picture(value)
    if element.tag == "img":
        assert element.get("alt"), "a picture without words"


def check_table(table):
    rows = [len(row) for row in table]
    assert len(set(rows)) <= 1, f"rows of {set(rows)} cells"


def check_page(text):
    """The page's words, as a browser shows them."""
    assert text.startswith("<!DOCTYPE html>\n")
    page = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    assert page.tag == "html" and page.get("lang") == "en"
    assert [child.tag for child in page] == ["head", "body"]
    assert page.find("head/meta").get("charset") == "utf-8" and page.find("head/title").text
    for element in page.iter():
        check_element(element)
    for table in page.iter("table"):
        check_table(table)
    assert "url(" not in page.find("head/style").text and "@import" not in page.find("head/style").text
    return " ".join(" ".join(page.find("body").itertext()).split())


if __name__ == "__main__":
    words = check_page(open(sys.argv[1], encoding="utf-8").read())
    for wanted in ("NOT FOR CLINICAL USE", "<script>alert('1')</script>", "Risk group: <i>high</i>",
                   "not established: <b>no</b>", "95 % interval", "4C",
                   "frame 2 of 3", "tumour_signature", "<sr>.dcm", "LEFT"):
        assert wanted in words, f"{wanted} is missing in: {words}"
