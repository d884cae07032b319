"""The user's configuration: named profiles, each with the address of a service, where its token is, and defaults.

The file is `lorry/config.ini` in $XDG_CONFIG_HOME (by default ~/.config; on Windows in %APPDATA%), or $LORRY_CONFIG.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lorry.errors import ConfigInvalid

DEFAULT = "default"

SETTINGS = {
    "api": "base URL of the service (its ApiUrl)",
    "token-file": "file with a bearer token, sent to that service only",
    "jobs": "number of files to download at a time",
    "retries": "number of times to retry a failed request",
}
NUMBERS = {"jobs": 1, "retries": 0}
"""The settings that are numbers, with the smallest value of each."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Profile:
    """The settings of one profile; `explicit` if the caller named it, which gives it precedence over variables."""

    name: str = DEFAULT
    settings: Mapping[str, str] = field(default_factory=dict)
    explicit: bool = False

    def get(self, setting: str) -> str | None:
        """A setting, None when the profile does not have it."""
        return self.settings.get(setting)

    def number(self, setting: str) -> int | None:
        """A setting that is a number, None when the profile does not have it. Raises ConfigInvalid."""
        text = self.get(setting)
        return None if text is None else _number(setting, text)


class Config:
    """The configuration file. Raises ConfigInvalid for a file that cannot be read or understood."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._parser = configparser.RawConfigParser(default_section="", strict=True)
        try:
            self._parser.read_string(path.read_text(encoding="utf-8") if path.exists() else "", source=str(path))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise ConfigInvalid(f"cannot read {path}: {error}") from error

    @classmethod
    def of_user(cls, environment: Mapping[str, str]) -> Config:
        """The configuration of the user whose environment this is."""
        return cls(config_path(environment))

    @property
    def profiles(self) -> list[str]:
        """The names of all profiles."""
        return self._parser.sections()

    def profile(self, name: str | None, *, environment: Mapping[str, str]) -> Profile:
        """The profile `name`, else that of LORRY_PROFILE, else `default`. Raises ConfigInvalid when it is unknown."""
        wanted = name or environment.get("LORRY_PROFILE") or DEFAULT
        if wanted == DEFAULT and not self._parser.has_section(DEFAULT):
            return Profile(explicit=name is not None)
        if not self._parser.has_section(wanted):
            known = ", ".join(self.profiles) or "none"
            raise ConfigInvalid(f"there is no profile {wanted!r} in {self.path} (there is: {known})")
        return Profile(wanted, dict(self._parser.items(wanted)), explicit=name is not None)

    def set(self, profile: str, setting: str, *, value: str | None) -> None:
        """Changes a setting, or removes it (None). Raises ConfigInvalid for an unknown setting or a line break."""
        if setting not in SETTINGS:
            raise ConfigInvalid(f"there is no setting {setting!r}; there are: {', '.join(SETTINGS)}")
        if not _NAME.fullmatch(profile):
            raise ConfigInvalid(f"{profile!r} is not a profile name: use letters, digits, '.', '_' and '-'")
        if value is not None and not value.isprintable():
            raise ConfigInvalid(f"the value of {setting} has characters that are not printable")
        if value is not None and setting in NUMBERS:
            _number(setting, value)
        if not self._parser.has_section(profile):
            self._parser.add_section(profile)
        if value is None:
            self._parser.remove_option(profile, setting)
        else:
            self._parser.set(profile, setting, value)

    def save(self) -> None:
        """Writes the file, readable by the user only. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".new")
        with open(draft, "w", encoding="utf-8", opener=_open_private) as file:
            self._parser.write(file)
        os.replace(draft, self.path)


def config_path(environment: Mapping[str, str]) -> Path:
    """Where the configuration of the user is."""
    given = environment.get("LORRY_CONFIG")
    if given:
        return Path(given)
    if sys.platform == "win32":
        home = environment.get("APPDATA") or str(Path.home())
    else:
        home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "lorry" / "config.ini"


def _number(setting: str, text: str) -> int:
    if not text.isdecimal() or int(text) < NUMBERS[setting]:
        raise ConfigInvalid(f"the setting {setting} is {text!r}: it must be a number, {NUMBERS[setting]} or more")
    return int(text)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
