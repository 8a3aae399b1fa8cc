"""The labelled mails, and a mail as the text that a judge is shown."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

MAILS = Path(__file__).parent / "data" / "mails.jsonl"


class Mail(NamedTuple):
    id: str
    label: str
    subject: str
    body: str


@lru_cache
def read_mails(split: Literal["train", "held_out"]) -> tuple[Mail, ...]:
    """In the order of the file: ham and spam in turn."""
    rows = [json.loads(line) for line in MAILS.read_text(encoding="utf-8").splitlines()]
    return tuple(Mail(row["id"], row["label"], row["subject"], row["body"]) for row in rows if row["split"] == split)


def email_text(subject: str, body: str, body_chars: int) -> str:
    return f"Subject: {subject}\n\n{body[:body_chars]}".strip()
