"""Which of Microsoft's clouds is meant, by whom, and what is said when others name another."""

from __future__ import annotations

import pytest

from provision.connect import Wishes, choose_cloud

CHINA = {"ARM_ENVIRONMENT": "china"}
US = {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"}


@pytest.mark.parametrize(
    ("option", "manifest", "environ", "chosen", "told"),
    [
        (None, None, {}, "public", []),
        (None, None, CHINA, "china", []),
        (None, None, US, "usgov", []),
        (None, "usgov-dod", US, "usgov-dod", []),
        (None, "usgov", CHINA, "usgov", ["the manifest", "ARM_ENVIRONMENT names china"]),
        ("public", "usgov", {}, "public", ["--cloud", "the manifest names usgov"]),
        (None, None, US | CHINA, "usgov", ["AZURE_AUTHORITY_HOST", "ARM_ENVIRONMENT names china"]),
    ],
)
def test_the_nearest_word_names_the_cloud_and_the_others_are_said(
    option: str | None,
    manifest: str | None,
    environ: dict[str, str],
    chosen: str,
    told: list[str],
) -> None:
    lines: list[str] = []

    found = choose_cloud(Wishes(environ=environ, cloud=option), manifest, lines.append)

    assert found == chosen
    assert all(word in " ".join(lines) for word in told)
    assert len(lines) == (1 if told else 0)
