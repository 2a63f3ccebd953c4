"""``bluezone-node diagnosis report CODE``: warn the people one was near."""

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.errors import BadInput
from bluezone_node.node.diagnosis import Diagnosis, Preview, code_in

OLDEST_ONSET = timedelta(days=28)
"""The publisher honours no earlier onset (reference: MAX_VALID_SYMPTOM_ONSET_REPORT_DAYS)."""


@click.group()
def diagnosis() -> None:
    """A positive test."""


@diagnosis.command()
@click.argument("code")
@click.option("--onset", type=click.DateTime(["%Y-%m-%d"]), help="Day of the first symptoms.")
@click.option("--yes", is_flag=True, help="Do not ask: the owner has agreed.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@config_option
@json_option
def report(
    code: str,
    onset: datetime | None,
    yes: bool,
    dry_run: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Publish this device's day keys with a health worker's CODE.

    CODE: the digits that you were told, or the link of the message, in quotation marks.
    Nothing else leaves the device: no name, no place, none of the encounters.
    """
    from bluezone_node.wiring.errands import open_diagnosis

    code = code_in(code)
    settings = settings_file.load(config)

    async def work() -> None:
        async with open_diagnosis(settings) as (service, clock):
            first_day = _checked(onset, clock.now().date())
            preview = await service.preview(first_day)
            if dry_run:
                _show(preview, as_json)
                return
            if not yes:
                _ask(preview)
            await _send(service, code, first_day, as_json)

    asyncio.run(work())


def _checked(onset: datetime | None, today: date) -> date | None:
    if onset is None:
        return None
    # One day of grace: the owner's day may be ahead of the UTC day.
    if not today - OLDEST_ONSET <= onset.date() <= today + timedelta(days=1):
        raise BadInput(
            f"the onset must lie within the last {OLDEST_ONSET.days} days, and not in the future",
            reason="onset_out_of_range",
            hint="--onset YYYY-MM-DD is the day of the first symptoms",
        )
    return onset.date()


def _ask(preview: Preview) -> None:
    note(
        f"Sẽ gửi đi {preview.keys} khóa ngày, từ {preview.first_day:%d/%m/%Y} "
        f"đến {preview.last_day:%d/%m/%Y}. Không gửi tên, nơi chốn hay danh sách người đã gặp.\n"
        f"{preview.keys} day keys, from {preview.first_day} to {preview.last_day}, would be "
        "published. No name, no place, and nobody you met."
    )
    if preview.resumes:
        note(f"This takes up the report begun on {preview.resumes.astimezone():%Y-%m-%d %H:%M}.")
    click.confirm("Đồng ý gửi? / Publish them?", abort=True, err=True)


def _show(preview: Preview, as_json: bool) -> None:
    if as_json:
        print_json(preview)
        return
    click.echo(f"{preview.keys} day keys, {preview.first_day} to {preview.last_day}, would be sent")


async def _send(service: Diagnosis, code: str, onset: date | None, as_json: bool) -> None:
    report, receipt = await service.report(code, onset)
    if as_json:
        print_json(
            {
                "sent": len(report.keys),
                "published": receipt.inserted,
                "report_type": report.report_type,
                "warnings": receipt.warnings,
            }
        )
        return
    click.echo(
        f"Đã công bố {receipt.inserted} khóa ngày. Cảm ơn bạn đã bảo vệ người khác.\n"
        f"{receipt.inserted} day keys are published. Thank you for protecting others."
    )
    for warning in receipt.warnings:
        note(f"The authority says: {warning}")
