"""Where the service is, for those who did not say: the environment, or what `make up` wrote down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lorry.errors import ServiceAddressUnknown

OUTPUTS = "outputs.json"
HOW_TO_SAY = "name the service with --api URL, LORRY_API_URL, or run where .lorry/outputs.json is"


def find_service(given: str | None, *, environment: Mapping[str, str], folder: Path) -> str:
    """The base URL of the service: `given`, else LORRY_API_URL, else the ApiUrl of an outputs.json.

    outputs.json is looked for in $LORRY_HOME when that is set, else in `folder`/.lorry.
    Raises ServiceAddressUnknown when there is none, or when it is no http(s) URL.
    """
    url = given or environment.get("LORRY_API_URL") or _from_outputs(environment, folder)
    if not url.startswith(("http://", "https://")):
        raise ServiceAddressUnknown(f"{url!r} is not an http:// or https:// URL; {HOW_TO_SAY}")
    return url


def _from_outputs(environment: Mapping[str, str], folder: Path) -> str:
    home = environment.get("LORRY_HOME")
    path = (Path(home) if home else folder / ".lorry") / OUTPUTS
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["ApiUrl"])
    except FileNotFoundError:
        raise ServiceAddressUnknown(f"no service is known ({path} does not exist); {HOW_TO_SAY}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceAddressUnknown(f"{path} holds no ApiUrl ({error!r}); {HOW_TO_SAY}") from error
