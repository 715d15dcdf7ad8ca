"""Link the first use of each term on a page to the glossary, with its definition as a tooltip."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

LINK = re.compile(r'\[([^\]]+)\]\(glossary\.md#[\w-]+ "[^"]*"\)')
# Where no link may stand: code, formulas, links, tags, headings, the line of times in italics.
SHUT = re.compile(
    r"```.*?```|`[^`\n]*`|\$[^$\n]+\$|!?\[[^\]]*\]\([^)]*\)|https?://\S+"
    r"|<summary>.*?</summary>|<[^>]+>|^#+ [^\n]*|^\*[^*\n]+·[^*\n]+\*$|^\*\*References\.\*\*.*",
    re.DOTALL | re.MULTILINE,
)


def read_terms(path: Path) -> dict[str, str]:
    """Return the terms of the glossary with the first sentence of each definition."""
    if not path.exists():
        return {}
    entries = re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    split = (entry.partition("\n") for entry in entries)
    return {term.strip(): _first_sentence(text) for term, _, text in split}


def _first_sentence(text: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`$]", r"\1", " ".join(text.split()))
    return re.split(r"(?<=[.;]) ", plain, maxsplit=1)[0].replace('"', "'")


def anchor(term: str) -> str:
    """Return the name that a heading has on GitHub."""
    return re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-")


def link(nb: nbformat.NotebookNode, terms: dict[str, str]) -> None:
    """Make the first use of each term in the prose of a notebook a link."""
    left = dict(terms)
    for cell in nb.cells:
        if cell.cell_type == "markdown" and left:
            cell.source = _link(cell.source, left)


def _link(text: str, left: dict[str, str]) -> str:
    """Link in one text; terms that were found are taken out of `left`."""
    known = {term.lower(): term for term in left}
    longest = sorted(map(re.escape, known), key=len, reverse=True)
    word = re.compile(rf"(?<![\w-])({'|'.join(longest)})(e?s)?(?![\w-])", re.IGNORECASE)

    def put(found: re.Match) -> str:
        term = known[found[1].lower()]
        acronym = term != term.lower() and found[1] != term  # "crnn" is a name in code
        if term not in left or acronym:
            return found[0]
        return f'[{found[0]}](glossary.md#{anchor(term)} "{left.pop(term)}")'

    parts, at = [], 0
    for shut in SHUT.finditer(text):
        parts += [word.sub(put, text[at : shut.start()]), shut[0]]
        at = shut.end()
    return "".join([*parts, word.sub(put, text[at:])])


def unlink(text: str) -> str:
    """Take the links away again."""
    return LINK.sub(r"\1", text)


def as_abbreviations(page: str) -> str:
    """On a web page that stands alone, keep the definition and drop the link."""
    links = re.compile(r'<a [^>]*href="glossary\.md#[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
    title = re.compile(r'title="[^"]*"')

    def put(found: re.Match) -> str:
        told = title.search(found[0])
        return f"<abbr {told[0]}>{found[1]}</abbr>" if told else found[1]

    return links.sub(put, page)
