"""Repositories of the Hugging Face hub, read and added to through the package `huggingface_hub`.

The hub's address, cache and token are that package's own (``HF_ENDPOINT``, ``HF_HOME``, ``hf auth
login``). What is fetched is listed first: only files that are asked for by name, of a size that is
taken, come here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from spotfw.errors import SpotError, WrongUse

#: What a repository's name begins with where a folder could stand too.
SCHEME = "hf://"

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(rf"({_PART}/{_PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{{0,199}}))?")

#: Seconds until the first answer.
_TIMEOUT = 15.0

_log = logging.getLogger(__name__)


class Unreachable(SpotError):
    """The hub does not answer, or must not be asked."""


@attrs.frozen
class HubPlace:
    """A repository.

    Attributes:
      repo: ``user/name``.
      revision: a branch, tag or commit; None for the main branch.
    """

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.short}"

    @property
    def short(self) -> str:
        """``user/name``, with the revision where one is named."""
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"


def is_hub_name(name: str) -> bool:
    """Whether a name is written as a repository's, ``hf://...``."""
    return name.startswith(SCHEME)


def hub_place(name: str) -> HubPlace:
    """The repository of ``user/name`` or ``user/name@revision``, with or without ``hf://``.

    Raises:
      WrongUse: it is not written so.
    """
    matched = _NAME.fullmatch(name.removeprefix(SCHEME))
    if matched is None or ".." in name:
        raise WrongUse(
            f"{name!r:.120} names no repository of the Hugging Face hub. Write {SCHEME}USER/NAME, "
            f"or {SCHEME}USER/NAME@REVISION."
        )
    return HubPlace(matched[1], matched[2])


def listing(place: HubPlace) -> dict[str, int | None]:
    """Names of a repository's files and their sizes in bytes, where the hub says them.

    Raises:
      Unreachable: the hub does not answer.
      SpotError: there is no such repository, or it may not be read.
    """
    with _explained("read", place):
        info = _api().model_info(
            place.repo, revision=place.revision, files_metadata=True, timeout=_TIMEOUT
        )
        return {file.rfilename: file.size for file in info.siblings or ()}


def fetch(place: HubPlace, names: Collection[str]) -> str:
    """Brings files of a repository into the hub's cache; those that are there are not fetched.

    Args:
      place: the repository.
      names: of the files, as `listing` gives them.

    Returns:
      the folder that holds them.

    Raises:
      SpotError: as `listing`.
    """
    patterns = [re.sub(r"([*?\[])", r"[\1]", name) for name in names]
    with _explained("read", place):
        folder = _api().snapshot_download(
            place.repo, revision=place.revision, allow_patterns=patterns, etag_timeout=_TIMEOUT
        )
        return str(folder)


def cached(place: HubPlace, patterns: Collection[str], reason: Unreachable) -> str:
    """The folder of what was fetched before, where the hub cannot be reached.

    Raises:
      Unreachable: nothing was: `reason`.
    """
    _package()
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(
            place.repo,
            revision=place.revision,
            allow_patterns=list(patterns),
            local_files_only=True,
        )
    except Exception:
        raise reason from None
    _log.warning("%s: the hub is not reachable; what was fetched before is used.", place)
    return str(folder)


def commit(
    place: HubPlace, content: Mapping[str, bytes], message: str, private: bool | None = None
) -> str:
    """Adds files to a repository in one commit; the repository is made if needed.

    Args:
      place: the repository.
      content: bytes by name.
      message: of the commit.
      private: whether a new repository is private; None leaves it to the hub.

    Returns:
      the repository's page.

    Raises:
      Unreachable: the hub does not answer.
      SpotError: the repository may not be written.
    """
    page = f"{_endpoint()}/{place.repo}"
    if not content:
        return page
    with _explained("write", place):
        from huggingface_hub import CommitOperationAdd

        api = _api()
        api.create_repo(place.repo, private=private, exist_ok=True)
        operations = [CommitOperationAdd(name, data) for name, data in sorted(content.items())]
        api.create_commit(place.repo, operations, commit_message=message, revision=place.revision)
        return page


def exists(place: HubPlace) -> bool:
    """Whether there is such a repository that may be read."""
    with _explained("read", place):
        return bool(_api().repo_exists(place.repo))


def _endpoint() -> str:
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def _api() -> Any:
    import huggingface_hub

    return huggingface_hub.HfApi(endpoint=_endpoint(), library_name="spotfw")


def _package() -> None:
    """Raises a `SpotError` where the package is not installed."""
    try:
        import huggingface_hub  # noqa: F401 - whether it is there
    except ImportError as error:
        raise SpotError(
            "What lies on the Hugging Face hub is read by the package huggingface_hub, which is "
            f"not installed ({error}): `pip install 'spotfw[hub]'`."
        ) from error


@contextlib.contextmanager
def _explained(verb: str, place: HubPlace) -> Iterator[None]:
    """Raises what the package raises as a `SpotError` of one paragraph."""
    _package()
    from huggingface_hub import errors

    try:
        yield
    except SpotError:
        raise
    except errors.RepositoryNotFoundError as error:
        raise SpotError(
            f"There is no repository {place.repo} on {_endpoint()}, or it is private or gated and "
            "you may not see it. Check the name; for one that is yours, log in with `hf auth "
            "login`, or set HF_TOKEN."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise SpotError(
            f"The repository {place.repo} has no revision {place.revision!r}. Leave out "
            f"@{place.revision}, or name a branch, tag or commit that it has."
        ) from error
    except Exception as error:
        raise _refusal(verb, place, error) from error


def _refusal(verb: str, place: HubPlace, error: Exception) -> SpotError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    why = " ".join(str(error).split())[:200] or type(error).__name__
    if status in (401, 403):
        return SpotError(
            f"The hub {_endpoint()} does not let you {verb} {place.repo} ({status}). Log in with "
            "`hf auth login`, or set HF_TOKEN to a token that may."
        )
    if status is None:
        return Unreachable(
            f"The hub {_endpoint()} cannot be reached for {place}: {why.rstrip('.')}."
        )
    return SpotError(
        f"The hub {_endpoint()} could not {verb} {place.repo}: {why.rstrip('.')}. Try again later; "
        "nothing was changed here."
    )
