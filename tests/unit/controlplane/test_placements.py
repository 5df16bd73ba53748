"""How the placements are, by what data planes say."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.placements import MAX_PLACEMENTS, Placement, read_placements, summed


class PlacementsTests(SynchronousTestCase):
    """Adding up."""

    def test_what_data_planes_of_today_say_is_added_up(self) -> None:
        said: dict[str, object] = {"tier1": {"url": "http://a", "in_flight": 2, "requests": 5}}
        found = summed([read_placements(said)] * 3)
        self.assertEqual(found["tier1"], Placement(data_planes=3, in_flight=6, told_in_flight=3))

    def test_health_and_circuits_are_counted_where_they_are_said(self) -> None:
        found = summed(
            read_placements({"tier2": said})
            for said in (
                {"healthy": True, "circuit": "closed"},
                {"healthy": False, "circuit": "half_open"},
                {"healthy": True, "circuit": "closed"},
                {},
            )
        )
        placement = found["tier2"]
        self.assertEqual((placement.data_planes, placement.checked, placement.healthy), (4, 3, 2))
        self.assertEqual(placement.circuits, {"closed": 2, "half_open": 1})
        self.assertEqual(placement.told_in_flight, 0)

    def test_nonsense_is_left_out(self) -> None:
        said: dict[str, Any] = {
            "a": {"healthy": 1, "circuit": "Closed\n", "in_flight": True, "requests": -1},
            "b": {"healthy": "yes", "circuit": "x" * 21, "in_flight": 2**60, "requests": 1.5},
            "c": "up",
            "d" * 201: {"healthy": True},
        }
        seen = read_placements(said)
        self.assertEqual(list(seen), ["a", "b"])
        for each in seen.values():
            self.assertEqual((each.healthy, each.circuit, each.in_flight, each.requests), (None,) * 4)

    def test_only_so_many_of_a_data_plane_count_and_of_the_fleet_those_that_most_have(self) -> None:
        def named(prefix: str) -> dict[str, object]:
            return {f"{prefix}-{number:03}": {} for number in range(MAX_PLACEMENTS + 50)}

        seen = read_placements(named("a"))
        self.assertEqual(len(seen), MAX_PLACEMENTS)
        found = summed([read_placements(named("z")), read_placements(named("z")), seen])
        self.assertEqual(len(found), MAX_PLACEMENTS)
        self.assertEqual({name[0] for name in found}, {"z"})
