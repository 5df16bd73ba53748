"""The bars that are drawn."""

from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.plot import BARS_WIDTH, Bar, Chart, charts, svg

FOUND = {
    "benchmarks": {
        "compare": {
            "proxies": [
                {"proxy": "nginx", "cost": 20.0, "ratio": 1.0},
                {"proxy": "cellrouter", "cost": 140.0, "ratio": 7.0},
            ]
        },
        "stream": {"proxies": []},
        "memory": {"proxies": [{"proxy": "nginx", "kib_each": 0.5}]},
    }
}


class ChartsTests(SynchronousTestCase):
    """What is drawn."""

    def test_what_was_measured_has_a_chart_with_a_bar_for_each_proxy(self) -> None:
        compare, memory = charts(FOUND)
        self.assertEqual(
            compare.bars, [Bar("nginx", 20.0, "20.0 (1.00)"), Bar("cellrouter", 140.0, "140 (7.00)")]
        )
        self.assertEqual(memory.bars, [Bar("nginx", 0.5, "0.5")])


class SvgTests(SynchronousTestCase):
    """How it is drawn."""

    def setUp(self) -> None:
        self.drawn = svg([Chart("a <b>", [Bar("nginx", 1.0, "1"), Bar("cellrouter", 4.0, "4")])], "R&D")
        self.root = ElementTree.fromstring(self.drawn)

    def rectangles(self, kind: str) -> list[float]:
        return [
            float(each.attrib["width"])
            for each in self.root.iter("{http://www.w3.org/2000/svg}rect")
            if each.attrib["class"] == kind
        ]

    def test_bars_are_as_long_as_their_values_say_and_our_own_stands_out(self) -> None:
        self.assertEqual(self.rectangles("bar"), [BARS_WIDTH / 4])
        self.assertEqual(self.rectangles("own"), [BARS_WIDTH])

    def test_texts_are_what_they_are(self) -> None:
        texts = [each.text for each in self.root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(texts, ["a <b>", "nginx", "1", "cellrouter", "4", "R&D"])

    def test_it_has_a_page_of_its_own_in_light_and_in_dark(self) -> None:
        self.assertEqual(len(self.rectangles("page")), 1)
        self.assertEqual(self.drawn.count(".page { fill:"), 2)
        self.assertIn("prefers-color-scheme: dark", self.drawn)

    def test_a_value_of_nothing_is_drawn(self) -> None:
        ElementTree.fromstring(svg([Chart("a", [Bar("nginx", 0.0, "0")])], ""))
