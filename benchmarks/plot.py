"""The figures as bars, in an SVG file that reads well on a light page and on a dark one."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from attrs import frozen

from benchmarks.result import Document

WIDTH, NAMES_WIDTH, BARS_WIDTH = 720, 150, 460
ROW_HEIGHT, BAR_HEIGHT, TITLE_HEIGHT, MARGIN = 22, 14, 34, 16
HIGHLIGHTED = "cellrouter"
# It has a background of its own, so what it lies on does not matter; which one, the reader's system says.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .name { text-anchor: end }
.page { fill: #ffffff } .bar { fill: #9aa4b2 } .own { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .page { fill: #0d1117 } .bar { fill: #6e7681 } .own { fill: #4493f8 }
}
"""


@frozen
class Bar:
    """One bar.

    :param name: what stands before it.
    :param value: how long it is.
    :param label: what stands behind it.
    """

    name: str
    value: float
    label: str


@frozen
class Chart:
    """Bars to one scale.

    :param title: what they show.
    :param bars: from top to bottom.
    """

    title: str
    bars: Sequence[Bar]


CHARTS = (
    ("compare", "CPU time for a request, µs (times nginx's)", "cost"),
    ("stream", "CPU time for a GiB in answers of 10 MiB, ms (times nginx's)", "cost"),
    (
        "latency",
        "p99 latency at 70% of its own capacity, µs (times nginx's at that rate)",
        "p99_us",
    ),
    ("memory", "Memory of an idle connection, KiB", "kib_each"),
)
"""For each chart the benchmark, the title, and the figure."""


def charts(whole: Document) -> list[Chart]:
    """Take out of the benchmarks' document what is drawn; what was not measured is left out."""
    found = []
    for benchmark, title, figure in CHARTS:
        proxies = whole["benchmarks"].get(benchmark, {}).get("proxies", ())
        if proxies:
            found.append(Chart(title, [_bar(row, figure) for row in proxies]))
    return found


def _bar(row: Document, figure: str) -> Bar:
    value, ratio = row[figure], row.get("ratio")
    label = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return Bar(row["proxy"], value, label if ratio is None else f"{label} ({ratio:.2f})")


def svg(drawn: Sequence[Chart], caption: str) -> str:
    """Draw charts, one below the other.

    :param drawn: the charts.
    :param caption: what stands below them.
    """
    parts, top = [], MARGIN
    for chart in drawn:
        parts.append(_text("title", MARGIN, top + 13, chart.title))
        top += TITLE_HEIGHT - 8
        longest = max(bar.value for bar in chart.bars) or 1.0
        for bar in chart.bars:
            parts += _row(bar, top, max(1.0, bar.value / longest * BARS_WIDTH))
            top += ROW_HEIGHT
        top += MARGIN
    parts.append(_text("caption", MARGIN, top + 13, caption))
    height = top + 13 + MARGIN
    size = f'width="{WIDTH}" height="{height}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<style>{STYLE}</style>",
            f'<rect class="page" {size}/>',
            *parts,
            "</svg>\n",
        )
    )


def _row(bar: Bar, top: int, length: float) -> tuple[str, str, str]:
    kind = "own" if bar.name == HIGHLIGHTED else "bar"
    left = NAMES_WIDTH + 8
    return (
        _text("name", NAMES_WIDTH, top + 12, bar.name),
        f'<rect class="{kind}" x="{left}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT}" rx="2"/>',
        _text("label", left + length + 6, top + 12, bar.label),
    )


def _text(kind: str, left: float, baseline: int, content: str) -> str:
    return f'<text class="{kind}" x="{left:.1f}" y="{baseline}">{escape(content)}</text>'
