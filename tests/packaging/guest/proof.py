"""Runs in a Debian with systemd as its first program and the packages installed.

Each proof writes a line into /run/out/results.jsonl; the test on the host judges them.
Only the standard library is there.
"""

import json
import os
import signal
import subprocess
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from pathlib import Path

NODE, RECOVER = "bluezone-node.service", "bluezone-node-recover.service"
AUTHORITY = "bluezone-authority.service"
PROOF = Path("/proof")
RESULTS = Path("/run/out/results.jsonl")
DROP_IN = Path("/etc/systemd/system/bluezone-node.service.d/quicker.conf")
PATIENCE = 120.0
"""Seconds for whatever has to happen, on a machine that shares two cores with three others."""
START_LIMIT = 90.0
"""systemd's own, DefaultTimeoutStartSec."""

AIR = """\
start = 2026-03-02T01:00:00Z
pace = 10
[[devices]]
name = "an"
path = [{ at = "0m", x = 0, y = 0 }]
"""

# The air, at whose pace the node looks, is ten times as fast as in earnest, and the watchdog six
# times: a node that has to wait for its turn on a machine with other work is not hung.
QUICKER = """\
[Service]
RestartSec=1s
WatchdogSec=10s
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def show(unit: str, name: str) -> str:
    return run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> float:
    """Wait for *condition*; return how many seconds it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience:
            raise TimeoutError(f"not within {patience:.0f} s: {what}")
        time.sleep(0.1)
    return round(time.monotonic() - began, 2)


def node_status() -> dict[str, object]:
    done = run(
        "setpriv",
        "--reuid=bluezone",
        "--regid=bluezone",
        "--init-groups",
        "--",
        "bluezone-node",
        "status",
        "--json",
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def configure(radio: str) -> None:
    Path("/etc/bluezone-node/config.toml").write_text(
        f'[node]\nstate_dir = "/var/lib/bluezone-node"\nradio = "{radio}"\n'
    )


def start_air() -> None:
    run("systemctl", "reset-failed", "air")
    run(
        "systemd-run",
        "--unit=air",
        "-p",
        "User=bluezone",
        "-p",
        "RuntimeDirectory=air",
        "bluezone-node",
        "air",
        "serve",
        "/run/air.toml",
        "--listen",
        "/run/air/a.sock",
    )
    until(Path("/run/air/a.sock").exists, "the air serves")


def main_started(unit: str) -> float:
    """Return when systemd started its program, in seconds."""
    return int(show(unit, "ExecMainStartTimestampMonotonic")) / 1e6


def main_exited(unit: str) -> float:
    return int(show(unit, "ExecMainExitTimestampMonotonic")) / 1e6


def active(unit: str = NODE) -> bool:
    return show(unit, "ActiveState") == "active"


def restarts() -> int:
    return int(show(NODE, "NRestarts"))


# Proofs, in order: each leaves a running node behind.


def starts() -> dict[str, object]:
    Path("/run/air.toml").write_text(AIR)
    start_air()
    configure("air:/run/air/a.sock#an")
    began = time.monotonic()
    started = run("systemctl", "enable", "--now", NODE)
    return {
        "ok": started.returncode == 0 and active() and restarts() == 0,
        "seconds": round(time.monotonic() - began, 1),
        "said": started.stderr,
    }


def probe(expected: dict[str, object]) -> dict[str, object]:
    """Run the probe under the very unit of the node, but for what tells it from a daemon."""
    unit = Path("/usr/lib/systemd/system", NODE).read_text()
    unit = unit.replace("Type=notify\n", "Type=oneshot\n").replace("Restart=on-failure\n", "")
    unit = unit.replace(f"OnFailure={RECOVER}\n", "").replace("WatchdogSec=60s\n", "")
    unit = unit.replace("/usr/bin/bluezone-node run", "/usr/bin/python3.11 -I /proof/probe.py")
    unit += "[Service]\nStandardOutput=truncate:/run/probe.json\n"
    Path("/run/systemd/system/probe.service").write_text(unit)
    run("systemctl", "daemon-reload")
    done = run("systemctl", "start", "probe.service")
    found = json.loads(Path("/run/probe.json").read_text())
    wrong = {name: found[name] for name in expected if found[name] != expected[name]}
    return {"ok": done.returncode == 0 and not wrong, "wrong": wrong, "found": found}


def hardened() -> dict[str, object]:
    found = probe(
        {
            "capabilities": 0,
            "seccomp": "2",
            "read_clock": "yes",
            "adjust_clock": "EPERM",
            "set_clock": "EPERM",
            "ask_bus": "yes",
            "packet_socket": "EAFNOSUPPORT",
            "write_etc": "EROFS",
            "write_state": "yes",
            "root_home": "EACCES",
            "credential": "",
        }
    )
    rated = run("systemd-analyze", "security", "--threshold=20", "--no-pager", NODE)
    return {**found, "ok": found["ok"] and rated.returncode == 0}


def sealed_credential() -> dict[str, object]:
    """From here on the node's data are encrypted under a key that is sealed."""
    store = Path("/etc/credstore.encrypted")
    store.mkdir(mode=0o700, exist_ok=True)
    key = "six words drawn by dice would do"
    sealed = subprocess.run(
        ["systemd-creds", "encrypt", "--name=bluezone-node.key", "-", store / "bluezone-node.key"],
        input=key,
        capture_output=True,
        text=True,
        check=False,
    )
    found = probe({"credential": key})
    run("systemctl", "restart", NODE)
    rest = node_status()["at_rest"]
    assert isinstance(rest, dict)
    encrypted = rest["encrypted"] and rest["key_source"] == "systemd_credential"
    return {
        "ok": found["ok"] and encrypted,
        "wrong": found["wrong"],
        "rest": rest,
        "said": sealed.stderr,
    }


def restarts_by_hand() -> dict[str, object]:
    before = show(NODE, "MainPID")
    done = run("systemctl", "restart", NODE)
    status = node_status()
    return {
        "ok": done.returncode == 0 and show(NODE, "MainPID") != before and bool(status["running"]),
        "restarts": restarts(),
    }


def killed() -> dict[str, object]:
    before = restarts()
    os.kill(int(show(NODE, "MainPID")), signal.SIGKILL)
    seconds = until(lambda: restarts() == before + 1 and active(), "started again")
    return {"ok": True, "seconds": seconds}


def hung() -> dict[str, object]:
    before = restarts()
    os.kill(int(show(NODE, "MainPID")), signal.SIGSTOP)
    seconds = until(lambda: restarts() == before + 1 and active(), "started again")
    said = run("journalctl", "-u", NODE, "-b", "--no-pager").stdout
    return {"ok": "Watchdog timeout" in said, "seconds": seconds}


def fed() -> dict[str, object]:
    """Twice the watchdog's time passes over a node that works: it looks each second here."""
    before = restarts()
    time.sleep(21)
    return {"ok": active() and restarts() == before}


def lost_radio() -> dict[str, object]:
    """The air stands for a radio that cannot be mended from within; bluetoothd is real."""
    run("modprobe", "-a", "bluetooth", "hci_vhci")
    run("systemctl", "start", "bluetooth.service")
    until(lambda: active("bluetooth.service"), "bluetoothd runs")
    bluetoothd, node = show("bluetooth.service", "MainPID"), show(NODE, "MainPID")
    run("systemctl", "stop", "air")
    until(lambda: show(NODE, "ExecMainStatus") == "69" or show(NODE, "MainPID") != node, "ended")
    start_air()
    seconds = until(active, "started again")
    return {
        "ok": show("bluetooth.service", "MainPID") not in {bluetoothd, "0"},
        "seconds": seconds,
        "said": run("journalctl", "-u", RECOVER, "-b", "--no-pager", "-o", "cat").stdout,
    }


def lost_again() -> dict[str, object]:
    """Within ten minutes Bluetooth is left alone, and the node tried again in half a minute."""
    bluetoothd = show("bluetooth.service", "MainPID")
    run("systemctl", "stop", "air")
    until(lambda: show(RECOVER, "ActiveState") == "activating", "waits")
    start_air()
    until(lambda: active() and show(RECOVER, "ActiveState") == "inactive", "started again")
    waited = main_exited(RECOVER) - main_started(RECOVER)
    return {
        "ok": show("bluetooth.service", "MainPID") == bluetoothd and waited >= 30,
        "seconds": waited,
    }


def stopped_while_lost() -> dict[str, object]:
    """Who stops the node in that time is not overruled."""
    run("systemctl", "stop", "air")
    until(lambda: show(RECOVER, "ActiveState") == "activating", "waits")
    run("systemctl", "stop", NODE)
    recover = show(RECOVER, "ActiveState")
    start_air()
    run("systemctl", "start", NODE)
    return {"ok": recover != "activating" and active(), "recover": recover}


def maintain(package: str, script: str, *arguments: str) -> bool:
    """Run a maintainer script as dpkg does.

    What dpkg does with the files is tried without this machine, where that takes a tenth of the
    time; here it is about systemd.
    """
    return run(f"/var/lib/dpkg/info/{package}.{script}", *arguments).returncode == 0


def upgraded() -> dict[str, object]:
    """The old program must not run among the new files; the new one has the old data."""
    keys = node_status()["own_keys"]
    stopped = maintain("bluezone-node", "prerm", "upgrade", "9.9") and not active()
    started = maintain("bluezone-node", "postinst", "configure", "0.0") and active()
    kept = started and node_status()["own_keys"] == keys
    return {"ok": stopped and started and kept, "found": [stopped, started, kept]}


def fetch() -> int:
    """Return the status of an answer; 0 where the connection was made and then cut.

    A visitor waits as long as systemd lets a program take to start, which here is half a minute
    where all else starts as well.
    """
    try:
        with urllib.request.urlopen("http://127.0.0.1:8600/healthz", timeout=START_LIMIT) as got:
            status: int = got.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except (ConnectionResetError, RemoteDisconnected):
        return 0


def authority_answers() -> dict[str, object]:
    """The socket wakes it; while it restarts nobody is refused.

    A connection that the old server took in its very last moment may be cut: one of them here,
    as the visitors come one after the other.
    """
    home = "/var/lib/bluezone-authority"
    refused = run("systemctl", "start", AUTHORITY)
    early = show(AUTHORITY, "ActiveState")
    made = run(
        "setpriv",
        "--reuid=bluezone-authority",
        "--regid=bluezone-authority",
        "--clear-groups",
        "--",
        "bluezone-node",
        "authority",
        "init",
        home,
    )
    run("systemctl", "start", "bluezone-authority.socket")
    asleep = show(AUTHORITY, "ActiveState")
    first = fetch()
    restart = subprocess.Popen(["systemctl", "restart", AUTHORITY])
    answers = []
    while restart.poll() is None:
        answers.append(fetch())
    rated = run("systemd-analyze", "security", "--threshold=20", "--no-pager", AUTHORITY)
    return {
        "ok": made.returncode == 0
        and (early, asleep) == ("inactive", "inactive")
        and (first, answers[-1]) == (200, 200)
        and sum(answer != 200 for answer in answers) <= answers.count(0) <= 1
        and active(AUTHORITY)
        and rated.returncode == 0,
        "found": [early, asleep, first, answers, refused.stderr, made.stderr],
    }


def bluez() -> dict[str, object]:
    """Two adapters, one bluetoothd: the service on the one, another node on the other."""
    DROP_IN.unlink()  # There is no hurrying a real radio.
    run("systemctl", "daemon-reload")
    # As systemd-timesyncd says it: the machine has neither network nor clock, and nodes that
    # nothing vouches for the time to only listen.
    synchronised = Path("/run/systemd/timesync/synchronized")
    synchronised.parent.mkdir(parents=True, exist_ok=True)
    synchronised.touch()
    with Path("/run/out/radio.log").open("w") as log:
        controllers = subprocess.Popen(
            [
                *("/usr/bin/python3.11", "-m", "tests.vm.radio"),
                *("--node", "an:vhci:legacy", "--node", "binh:vhci:legacy"),
                *("--log", "/run/out/air.jsonl", "--desk", "/run/desk.sock"),
            ],
            cwd=PROOF,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert controllers.stdout is not None
        adapters = json.loads(controllers.stdout.readline())
        run("systemctl", "restart", "bluetooth.service")
        configure(f"bluez:{adapters['an']}")
        began = time.monotonic()
        started = run("systemctl", "restart", NODE)
        seconds = round(time.monotonic() - began, 1)
        other = ("--config", "/dev/null", "--radio", f"bluez:{adapters['binh']}")
        run(
            *("systemd-run", "--unit=binh", "-p", "User=bluezone", "-p", "StateDirectory=binh"),
            *("bluezone-node", "run", *other),
        )
        until(lambda: active() and radio()["heard"], "the other is heard")
        return {"ok": started.returncode == 0 and active(), "seconds": seconds, "radio": radio()}
    finally:
        run("systemctl", "stop", "binh")
        controllers.kill()


def radio() -> dict[str, object]:
    node = node_status()["node"]
    assert isinstance(node, dict)
    found: dict[str, object] = node["radio"]
    return found


def purged() -> dict[str, object]:
    run("systemctl", "stop", "air")
    done = [
        maintain(package, script, argument)
        for package in ("bluezone-authority", "bluezone-node")
        for script, argument in (("prerm", "remove"), ("postrm", "remove"), ("postrm", "purge"))
    ]
    left = [
        str(path)
        for path in (
            *(Path("/var/lib/bluezone-node"), Path("/var/lib/bluezone-authority")),
            *(Path("/etc/bluezone-node"), DROP_IN.parent),
            Path("/etc/credstore.encrypted/bluezone-node.key"),
            Path("/etc/systemd/system/multi-user.target.wants", NODE),
        )
        if path.exists() or path.is_symlink()
    ]
    users = run("getent", "passwd", "bluezone", "bluezone-authority").stdout
    stopped = [show(unit, "ActiveState") for unit in (NODE, AUTHORITY, "bluezone-authority.socket")]
    return {
        "ok": all(done) and not left and not users and set(stopped) == {"inactive"},
        "found": [done, left, users, stopped],
    }


PROOFS = (
    (starts,),
    (hardened,),
    (sealed_credential,),
    (restarts_by_hand,),
    (killed,),
    (hung,),
    (fed,),
    (lost_radio,),
    # The first of these waits for half a minute.
    (lost_again, authority_answers),
    (stopped_while_lost,),
    (upgraded,),
    (bluez,),
    (purged,),
)


def prove(proof: Callable[[], dict[str, object]]) -> None:
    began = time.monotonic()
    try:
        result = proof()
    except Exception:
        journal = run("journalctl", "-b", "-n", "60", "--no-pager").stdout
        result = {"ok": False, "trace": traceback.format_exc(), "journal": journal}
    took = round(time.monotonic() - began, 1)
    with RESULTS.open("a") as results:
        results.write(json.dumps({"proof": proof.__name__, **result, "took": took}) + "\n")


def main() -> None:
    DROP_IN.parent.mkdir(parents=True)
    DROP_IN.write_text(QUICKER)
    run("systemctl", "daemon-reload")
    for proofs in PROOFS:
        with ThreadPoolExecutor() as together:
            list(together.map(prove, proofs))


main()
