"""The encryption of backups: files of age (https://age-encryption.org/v1), which its own tools open too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from churn_mlops.errors import BackupError, ConfigError
from churn_mlops.pipelines.backup.archive import ROOM

_PRIVATE = "AGE-SECRET-KEY-"


def new_key() -> tuple[str, str]:
    """A new private key, and the public key that belongs to it."""
    identity = _pyrage().x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def encrypt(plain: Path, encrypted: Path, recipients: Sequence[str]) -> None:
    """Write ``plain`` to ``encrypted``, which the private key of each of ``recipients`` opens.

    Raises:
        ConfigError: one of them is no public key.
        BackupError: it cannot be written.
    """
    age = _pyrage()
    keys = []
    for number, recipient in enumerate(recipients, start=1):
        try:
            keys.append(age.x25519.Recipient.from_str(recipient))
        except age.RecipientError:  # not shown: it may be the private key, by a slip
            raise ConfigError(
                f"backup.recipients: key {number} of {len(recipients)} is no public key of age (age1...): "
                "`churn backup --new-key FILE` makes a pair"
            ) from None
    try:
        age.encrypt_file(str(plain), str(encrypted), keys)
    except (OSError, age.EncryptError) as error:  # the second where a file is there, and its disk is full
        raise BackupError(f"the backup cannot be written to {encrypted} ({error}): make room there") from None


def decrypt(encrypted: Path, plain: Path, key_file: Path) -> None:
    """Write what ``encrypted`` holds to ``plain``.

    Args:
        encrypted: a file of age.
        plain: not there yet.
        key_file: with the private key, as ``churn backup --new-key`` writes it.

    Raises:
        BackupError: the key file or the backup cannot be read, or another key opens it, or it was altered.
    """
    age = _pyrage()
    try:
        age.decrypt_file(str(encrypted), str(plain), [age.x25519.Identity.from_str(_private_key(key_file))])
    except age.IdentityError:
        raise BackupError(f"{key_file} holds no private key of age: a line that begins with {_PRIVATE}1") from None
    except age.DecryptError as error:
        raise BackupError(
            f"the key in {key_file} does not open {encrypted}, or the file was cut or altered ({error}): take the key "
            "that belongs to backup.recipients of its time, or an earlier backup"
        ) from None
    except OSError as error:
        raise BackupError(
            f"the backup {encrypted} cannot be read, or there is no room for it in {plain.parent} ({error}): {ROOM}"
        ) from None


def _private_key(key_file: Path) -> str:
    try:
        lines = key_file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no plain text"
        raise BackupError(f"the private key {key_file} cannot be read ({why})") from None
    return next((line for line in lines if line.startswith(_PRIVATE)), "")


def _pyrage() -> Any:
    # Imported here: servers have no use for it, and do not install it.
    import pyrage

    return pyrage
