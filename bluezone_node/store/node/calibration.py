"""How far each adapter reads from the truth. Nothing about people: never sealed, kept past
retention, erased with all the rest."""

from bluezone_node.intervals import from_unix
from bluezone_node.proximity.calibration import Calibration, Level
from bluezone_node.store.node.tables import Tables, to_seconds


class Calibrations(Tables):
    def calibrations(self) -> list[Calibration]:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM calibration ORDER BY made DESC, radio")  # noqa: S608
        return [_calibration(*row) for row in rows]

    def put_calibration(self, calibration: Calibration) -> None:
        near, far = calibration.near, calibration.far
        with self._database.writing() as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO calibration ({_COLUMNS})"  # noqa: S608
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    calibration.radio,
                    to_seconds(calibration.made),
                    calibration.peer_tx_power,
                    *(near.packets, near.mean, near.spread),
                    *(far.packets, far.mean, far.spread),
                    calibration.offset,
                    calibration.standard_error,
                ),
            )

    def forget_calibrations(self) -> int:
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM calibration").rowcount


_COLUMNS = (
    "radio, made, peer_tx_power, near_packets, near_mean, near_spread, far_packets, far_mean,"
    " far_spread, decibels, standard_error"
)


def _calibration(
    radio: str,
    made: int,
    peer_tx_power: float,
    near_packets: int,
    near_mean: float,
    near_spread: float,
    far_packets: int,
    far_mean: float,
    far_spread: float,
    decibels: float,
    standard_error: float,
) -> Calibration:
    return Calibration(
        radio=radio,
        made=from_unix(made),
        peer_tx_power=peer_tx_power,
        near=Level(near_packets, near_mean, near_spread),
        far=Level(far_packets, far_mean, far_spread),
        offset=decibels,
        standard_error=standard_error,
    )
