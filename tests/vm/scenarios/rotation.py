"""A thousand rotations while scanning: never an old address with a new identifier, or the reverse.

Played on a legacy chip that goes by the letter and on an extended one, each in a machine of its
own, so that they run side by side.
"""

import json
from collections.abc import Mapping

from tests.vm.judge import first_after, gaps, pairs, scanning_share, silence
from tests.vm.lab import Lab, now

CHECKS: Mapping[str, str] = {
    "all on the air": "every identifier was on the air, under an address of its own",
    "no mixed pair": "no address carried two identifiers, no identifier had two addresses",
    "scanned meanwhile": "many rotations cut a scan short, and the neighbours were heard",
    "no long silence": "a rotation is not longer than a few advertisements are apart",
    "nothing refused": "no rotation was refused by the chip",
}

DWELL = {"legacy": 0.06, "extended": 0.02}
"""Seconds on average: short enough for a thousand in a minute or two, long enough to scan between.
On the extended chip every rotation cuts a scan short, because there is no pause between scans."""
CUT_SHORT = 0.05
"""At least this share of the rotations must have come in the middle of a scan."""
LONGEST_SILENCE = 3.0
"""Seconds. The advertisements of an extended chip are 1.28 s apart, and a rotation may come just
before one; but one of each identifier comes at once."""


def play(lab: Lab, kind: str, count: str) -> None:
    rotations = int(count)
    lab.radio(f"node:vhci:{kind}")
    lab.bluetoothd(experimental=kind == "extended")
    lab.desk("crowd", name="neighbours", size=3, logged=False)
    began = now()
    driver = lab.python(
        "drive", "tests.vm.guest.drive", f"bluez:{lab.reached['node']}",
        *("--rotations", count, "--dwell", str(DWELL[kind])),
    )  # fmt: skip
    status = driver.ended(rotations * 0.5 + 60)
    told = json.loads(driver.words().strip().splitlines()[-1])
    log = lab.air(began)
    sent = log.of("node")
    found = pairs(sent)
    lab.check(
        "all on the air",
        status == 0 and found.payloads == found.addresses == rotations,
        payloads=found.payloads,
        addresses=found.addresses,
        sent=len(sent),
    )
    lab.check("no mixed pair", not found.mixed, mixed=found.mixed[:10])
    start, end = sent[0].t, sent[-1].t
    cut = len(log.noted("scan_stop", "node"))
    lab.check(
        "scanned meanwhile",
        cut >= rotations * CUT_SHORT and told["heard"] > 0,
        scans=cut,
        share=round(scanning_share(log, "node", start, end), 3),
        heard=told["heard"],
    )
    quiet = silence(sent, start, end)
    lab.check("no long silence", quiet < LONGEST_SILENCE, longest_s=round(quiet, 3))
    refused = log.noted("address_refused", "node")
    lab.check("nothing refused", not refused and not told["faults"], refused=len(refused))
    lab.note(
        "rotations",
        kind=kind,
        first_after_s=first_after(sent, began),
        gaps=str(gaps(sent)),
        changed_on_air=len(log.noted("data_changed_on_air", "node")),
        **told,
    )
