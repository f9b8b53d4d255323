"""Matplotlib's SVG made fit for a page: its colours become the page's variables, its ids the figure's own."""

import base64
import hashlib
import io
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from PIL import Image

PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#1a1d21", "#e9e6df"),
    "muted": ("#595f69", "#a8aeb8"),
    "grid": ("#dcdad4", "#33383f"),
    "paper": ("#fdfcfa", "#14171b"),
    "series-1": ("#0b5cad", "#6cb2f5"),
    "series-2": ("#c2410c", "#ff9b6a"),
    "series-3": ("#00735a", "#4fd1a5"),
    "series-4": ("#86419a", "#d6a3ea"),
    "series-5": ("#8a5d00", "#e3b341"),
    "series-6": ("#5a6b7d", "#9fb3c8"),
}
"""Colour of each role in the light and in the dark theme. Draw with the light one: it becomes a variable later."""

HALO = "halo"
"""A text with this gid is set off from the data behind it."""

TINT = "tint-"
"""A picture with this gid and a role behind it, as in `tint-series-1`, is painted in that role's colour."""

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_ROLE_OF = {light: role for role, (light, _) in PALETTE.items()}
_HALO_STYLE = f"paint-order: stroke; stroke: {PALETTE['paper'][0]}; stroke-width: 2.4; stroke-linejoin: round"


def role_of(colour: str) -> str:
    """Role of a colour of the light theme."""
    return _ROLE_OF[colour]


def themed(svg: str, label: str) -> str:
    """Return an `<svg>` element that takes its colours and its font from the page it is put in.

    Parameters
    ----------
    svg : str
        What matplotlib wrote, with `svg.fonttype` none.
    label : str
        Accessible name.

    Returns
    -------
    str
        Alone it is drawn in the light theme. Its ids carry a hash of the content, so that figures on one page do
        not clip, mask or mark each other.
    """
    root = ElementTree.fromstring(svg)
    _strip(root)
    _shorten(root)
    _tint_pictures(root)
    _set_off_texts(root)
    _isolate_ids(root, f"f{hashlib.sha256((svg + label).encode()).hexdigest()[:8]}-")
    _theme(root)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    root.set("font-family", "'DejaVu Sans', Verdana, sans-serif")
    root.set("stroke-linejoin", "round")
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return ElementTree.tostring(root, encoding="unicode")


def _strip(root: ElementTree.Element) -> None:
    """Remove what the page does not need; matplotlib's style sheet would even apply to all of the page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)


def _shorten(root: ElementTree.Element) -> None:
    """Write coordinates to a hundredth of a point; transforms keep their digits, as they scale."""
    for element in root.iter():
        for name in ("d", "x", "y"):
            value = element.get(name)
            if value is not None:
                element.set(name, re.sub(r"(\.\d\d)\d+", r"\1", value.replace("\n", "")))


def _set_off_texts(root: ElementTree.Element) -> None:
    for group in root.iterfind(f".//{_SVG}g[@id='{HALO}']"):
        for text in group.iter(f"{_SVG}text"):
            text.set("style", f"{text.get('style', '')}; {_HALO_STYLE}")


def _tint_pictures(root: ElementTree.Element) -> None:
    """Turn each picture into a mask over an area in its role's colour, so that it follows the theme."""
    for parent in list(root.iter()):
        for position, image in enumerate(list(parent)):
            if image.tag != f"{_SVG}image" or not image.get("id", "").startswith(TINT):
                continue
            role = image.attrib.pop("id").removeprefix(TINT)
            image.attrib.pop("style", None)
            png = base64.b64decode(image.attrib.pop(_XLINK_HREF).partition(",")[2])
            digest = hashlib.sha256(png).hexdigest()[:8]
            image.set("href", _opacity_as_png(png))
            size = {"width": image.attrib["width"], "height": image.attrib["height"]}
            group = ElementTree.Element(f"{_SVG}g", {"transform": image.attrib.pop("transform")})
            mask = ElementTree.SubElement(group, f"{_SVG}mask", {"id": f"mask{digest}"})
            mask.append(image)
            area = {**size, "style": f"fill: {PALETTE[role][0]}", "mask": f"url(#mask{digest})"}
            ElementTree.SubElement(group, f"{_SVG}rect", area)
            parent[position] = group


def _opacity_as_png(png: bytes) -> str:
    with Image.open(io.BytesIO(png)) as picture:
        opacity = picture.getchannel("A")
    # Steps of 1/32 cannot be told apart here, and compress to half the size.
    levels = opacity.point([min(255, 8 * round(v / 8)) for v in range(256)])
    buffer = io.BytesIO()
    levels.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _isolate_ids(root: ElementTree.Element, prefix: str) -> None:
    """Keep only the ids that something refers to, and make them the figure's own."""
    used = set()
    for element in root.iter():
        if _XLINK_HREF in element.attrib:
            element.set("href", element.attrib.pop(_XLINK_HREF))
        link = element.get("href", "")
        if link.startswith("#"):
            used.add(link[1:])
            element.set("href", f"#{prefix}{link[1:]}")
        for name in ("clip-path", "mask"):
            value = element.get(name, "")
            if value.startswith("url(#"):
                used.add(value[5:-1])
                element.set(name, f"url(#{prefix}{value[5:-1]})")
    for element in root.iter():
        identifier = element.get("id")
        if identifier in used:
            element.set("id", f"{prefix}{identifier}")
        elif identifier is not None:
            del element.attrib["id"]


def _theme(root: ElementTree.Element) -> None:
    """Replace the palette's colours by the page's variables, and fonts by the page's font."""
    for element in root.iter():
        style = element.get("style")
        if style is None:
            continue
        style = re.sub(r"font-family: [^;]+;? ?", "", style)
        style = re.sub(r"#[0-9a-f]{6}\b", _variable, style)
        element.set("style", style)


def _variable(match: re.Match[str]) -> str:
    role = _ROLE_OF.get(match[0])
    return match[0] if role is None else f"var(--{role}, {match[0]})"
