"""The judge of the air log: what it lets pass, and what it finds."""

import json

import pytest

from tests.vm.judge import (
    AirLog,
    Sent,
    back_for_good,
    first_after,
    gaps,
    grows,
    pairs,
    read_air,
    scanning_share,
    silence,
)


def sent(t: float, address: str = "a", data: bytes = b"1", **heard: int) -> Sent:
    return Sent(t, "node", "ADV_NONCONN_IND", address, "non-resolvable", data, heard)


def test_a_log_is_read_up_to_its_last_whole_line() -> None:
    """What the radio is just writing is left for the next look; events are kept apart."""
    lines = [
        json.dumps({"t": 1.0, "ev": "scan_start", "node": "n"}),
        json.dumps(
            {
                "t": 2.0,
                "ev": "pdu",
                "node": "n",
                "pdu": "ADV_IND",
                "addr": "x",
                "kind": "public",
                "data": "0102",
                "heard": {"m": -60},
            }
        ),
        '{"t": 3.0, "ev": "pd',
    ]
    log = read_air(lines)

    assert log.of("n") == (Sent(2.0, "n", "ADV_IND", "x", "public", b"\x01\x02", {"m": -60}),)
    assert [event["ev"] for event in log.noted("scan_start", "n")] == ["scan_start"]
    assert read_air(lines, since=1.5).events == ()


def test_a_clean_rotation_is_not_mixed() -> None:
    """Each address with its own payload, however often."""
    found = pairs([sent(0), sent(1), sent(2, "b", b"2"), sent(3, "b", b"2")])

    assert (found.addresses, found.payloads, found.mixed) == (2, 2, ())


@pytest.mark.parametrize(
    "second",
    [sent(5, "a", b"2"), sent(5, "b", b"1")],
    ids=["new payload, old address", "old payload, new address"],
)
def test_either_way_of_mixing_is_found(second: Sent) -> None:
    """A rotation that changes only one of the two, even for one packet."""
    found = pairs([sent(0), second, sent(6, "c", b"3")])

    assert len(found.mixed) == 1
    assert "5.000 s" in found.mixed[0]


def test_gaps_are_measured_in_milliseconds() -> None:
    """Of one advertisement there is none."""
    measured = gaps([sent(0), sent(0.1), sent(0.35), sent(0.45)])

    assert measured is not None
    assert (measured.count, measured.shortest, measured.median, measured.longest) == (
        3,
        100,
        100,
        250,
    )
    assert gaps([sent(0)]) is None


def test_silence_counts_from_the_beginning_and_to_the_end() -> None:
    """A node that never comes back is silent for the rest."""
    assert silence([sent(1), sent(2)], 0, 7) == 5
    assert silence([], 0, 7) == 7


def test_back_for_good_is_after_the_last_long_pause() -> None:
    """A short sign of life between two pauses does not count."""
    seen = [sent(10.2), sent(25), sent(26), sent(27)]

    assert back_for_good(seen, 10, 28, pause=5) == 15
    assert back_for_good(seen, 10, 40, pause=5) is None
    assert back_for_good([sent(11), sent(12)], 10, 13, pause=5) == 1
    assert back_for_good([], 10, 28, pause=5) is None


def test_who_heard_can_be_asked_for() -> None:
    """The first advertisement, or the first that reached a certain receiver."""
    seen = [sent(1), sent(3), sent(4, m=-70)]

    assert first_after(seen, 2) == 1
    assert first_after(seen, 2, by="m") == 2
    assert first_after(seen, 5) is None


def test_the_share_of_scanning_is_cut_to_the_time_asked_for() -> None:
    """A scan that began before, one in the middle and one that goes on."""
    log = AirLog(
        (),
        tuple(
            {"t": t, "ev": event, "node": "n"}
            for t, event in [
                (0, "scan_start"),
                (2, "scan_stop"),
                (4, "scan_start"),
                (5, "scan_stop"),
                (8, "scan_start"),
            ]
        ),
    )

    assert scanning_share(log, "n", 1, 11) == pytest.approx(0.5)
    assert scanning_share(log, "other", 1, 11) == 0


def test_growth_is_a_trend_and_not_a_peak() -> None:
    """Warming up and one high reading are none; a steady leak is."""
    steady = [50.0, 80.0, 100.0, 100.0, 100.0, 400.0, 100.0, 100.0]
    leak = [float(100 + 10 * step) for step in range(16)]

    assert grows(steady, 1) is None
    assert grows(leak, 50) == 80
    assert grows(leak, 100) is None
    with pytest.raises(ValueError, match="too few"):
        grows([1.0], 1)
