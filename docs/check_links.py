"""Check a built site: ``python docs/check_links.py FOLDER``.

Every link and every source on every page must lead to a file that is there, and to a place on the
page if it names one; and nothing may be fetched from elsewhere. Links to other sites, which a
reader follows, are not tried. The exit status is 1 if something is wrong.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself, by element. An address in <link rel="canonical"> it does not.
FETCHED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src"}
LINKS_FETCHED = ("stylesheet", "icon", "preload", "manifest", "shortcut")
# Theme and search make these places while they run.
MADE_BY_SCRIPTS = ("", "top")
STYLE = re.compile(r"@import\s+[\"']?([^\"';)]+)|url\(\s*[\"']?([^\"')]+)")


class Page(HTMLParser):
    """A page's addresses: its places, its links, and what it fetches.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.in_style = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element names."""
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.places.add(given["id"])
        if tag == "a":
            if "name" in given:
                self.places.add(given["name"])
            if "href" in given:
                self.links.append(given["href"])
        elif tag == "link":
            if any(word in LINKS_FETCHED for word in given.get("rel", "").split()):
                self.fetched.append(given.get("href", ""))
        elif tag in FETCHED and FETCHED[tag] in given:
            self.fetched.append(given[FETCHED[tag]])
        self.in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        """Note what a style sheet within the page fetches."""
        if self.in_style:
            self.fetched += styles(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet."""
        self.in_style = False


def styles(text: str) -> list[str]:
    """Return the addresses that a style sheet fetches."""
    return [one or other for one, other in STYLE.findall(text)]


def check(folder: Path) -> list[str]:
    """Return what is wrong with a site, a line each."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    wrong = []

    def inspect(path: Path, address: str, fetched: bool) -> None:
        parts = urlsplit(address)
        name = path.relative_to(folder)
        if parts.scheme == "data" or address.startswith("#svg-"):
            return
        if parts.scheme or parts.netloc:
            if fetched:
                wrong.append(f"{name} fetches {address} from elsewhere")
            return
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            wrong.append(f"{name} leads to {address}, which is not there")
        elif parts.fragment and target in pages:
            place = unquote(parts.fragment)
            if place not in pages[target].places and place not in MADE_BY_SCRIPTS:
                wrong.append(f"{name} leads to {address}, but the page has no such place")

    for path, page in pages.items():
        for address in page.links:
            inspect(path, address, fetched=False)
        for address in page.fetched:
            inspect(path, address, fetched=True)
    for path in sorted(folder.rglob("*.css")):
        for address in styles(path.read_text(encoding="utf-8")):
            inspect(path, address, fetched=True)
    return wrong


def main() -> int:
    """Check the folder that is named, and say what is wrong."""
    folder = Path(sys.argv[1] if len(sys.argv) == 2 else "site").resolve()
    if not (folder / "index.html").is_file():
        print(f"{folder} holds no site", file=sys.stderr)
        return 2
    wrong = check(folder)
    print("\n".join(wrong) or "all links lead somewhere, and nothing is fetched from elsewhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
