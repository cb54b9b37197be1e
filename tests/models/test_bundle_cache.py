"""The models folder: a copy of what the store says is live, whole at every instant, and never taken on trust."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from tests.companies.models_folder import Source, fill_folder
from tests.companies.versions import version_of


@pytest.fixture
def first() -> Bundle:
    return version_of(1)


@pytest.fixture
def cache(tmp_path: Path) -> BundleCache:
    return BundleCache(tmp_path / "models")


@pytest.fixture
def source() -> Source:
    """Versions 1, 2 and 3 went live."""
    source = Source()
    for number in (1, 2, 3):
        source.deploy(version_of(number), str(number), provenance={"number": number})
    return source


def version(cache: BundleCache) -> str:
    champion = cache.champion()
    assert champion is not None
    return champion.version


def path_of(cache: BundleCache, bundle: Bundle) -> Path:
    return cache.folder / "bundles" / f"{bundle.sha256}.bundle"


def test_in_a_folder_that_is_not_there_nothing_is_live_and_a_look_makes_nothing(cache: BundleCache) -> None:
    assert cache.champion() is None
    assert cache.history() == ()
    assert not cache.folder.exists()


def test_where_nothing_was_live_there_is_nothing_to_follow(cache: BundleCache) -> None:
    cache.follow(Source())
    assert cache.champion() is None
    assert not (cache.folder / "live.json").exists()


def test_the_champion_is_what_was_deployed_last(cache: BundleCache, source: Source) -> None:
    cache.follow(source)
    champion = cache.champion()
    assert champion is not None
    assert (champion.version, champion.bundle.sha256, champion.provenance) == ("3", version_of(3).sha256, {"number": 3})
    assert champion.live_from == "2026-11-23T06:02:00.000+00:00"
    assert cache.history() == source.history()


def test_the_bundles_of_the_champion_and_of_the_version_before_it_are_fetched(
    cache: BundleCache, source: Source
) -> None:
    cache.follow(source)
    assert [path_of(cache, version_of(number)).exists() for number in (1, 2, 3)] == [False, True, True]
    source.deploy(version_of(2), "2", provenance={}, rollback=True)
    cache.follow(source)
    assert version(cache) == "2"
    assert path_of(cache, version_of(1)).exists()  # a rollback goes there now


def test_a_folder_can_serve_what_it_has_though_the_bundle_before_is_nowhere(cache: BundleCache, source: Source) -> None:
    del source.bundles[version_of(2).sha256]
    cache.follow(source)
    assert version(cache) == "3"
    assert cache.bundle(source.deployments[1]) is None


def test_a_damaged_bundle_is_fetched_again(cache: BundleCache, source: Source) -> None:
    cache.follow(source)
    path = path_of(cache, version_of(3))
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    cache.follow(source)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("folder", ["/proc/nope", "file/models"])
def test_a_folder_that_cannot_be_written_is_reported_with_a_remedy(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PromotionError, match=r"cannot be written .*models\.folder"):
        BundleCache(tmp_path / folder).follow(Source())


def test_a_full_disk_is_reported_and_leaves_the_champion(
    cache: BundleCache, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.follow(source)
    source.deploy(version_of(4), "4", provenance={})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("churn_mlops.models.bundle_cache.write_atomic", full)
    with pytest.raises(PromotionError, match=r"No space left on device.*models\.folder"):
        cache.follow(source)
    assert version(cache) == "3"


def test_what_a_killed_writer_left_is_cleared_away(cache: BundleCache, source: Source) -> None:
    cache.follow(source)
    left_behind = [cache.folder / ".live.json.abc.tmp", cache.folder / "bundles" / ".x.bundle.abc.tmp"]
    for path in left_behind:
        path.write_text("half")
    cache.follow(source)
    assert not any(path.exists() for path in left_behind)


@pytest.mark.parametrize("text", ["", "{", "{}", '""', "null", "[1]", '[{"version": "1"}]', "\xff"])
def test_a_broken_record_of_what_is_live_is_named_not_taken_for_nothing(
    cache: BundleCache, source: Source, text: str
) -> None:
    cache.follow(source)
    (cache.folder / "live.json").write_text(text, encoding="latin-1")
    with pytest.raises(PromotionError, match=r"live\.json does not say which model is live"):
        cache.champion()
    cache.follow(source)  # the source knows better
    assert version(cache) == "3"


def test_a_time_without_a_time_zone_is_refused(cache: BundleCache, first: Bundle) -> None:
    fill_folder(cache.folder, first)
    path = cache.folder / "live.json"
    path.write_text(path.read_text().replace("+00:00", ""))
    with pytest.raises(PromotionError, match=r"live\.json does not say which model is live"):
        cache.history()


def swap(path: Path) -> None:
    version_of(2).save(path)


def alter(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"threshold":0.5', b'"threshold":0.1'))


@pytest.mark.parametrize(
    ("harm", "message"),
    [(swap, "holds another model"), (alter, "was altered"), (Path.unlink, "cannot be read")],
)
def test_a_champion_not_to_be_trusted_is_refused(
    cache: BundleCache, first: Bundle, harm: Callable[[Path], None], message: str
) -> None:
    fill_folder(cache.folder, first)
    harm(path_of(cache, first))
    with pytest.raises(BundleError, match=message) as caught:
        cache.champion()
    assert first.sha256 in str(caught.value)
    assert cache.bundle(cache.history()[0]) is None


@pytest.mark.parametrize("text", [None, "", "[]", "{"])
def test_a_champion_lives_without_its_provenance(cache: BundleCache, first: Bundle, text: str | None) -> None:
    fill_folder(cache.folder, first, provenance={"number": 1})
    path = cache.folder / "bundles" / f"{first.sha256}.provenance.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    champion = cache.champion()
    assert champion is not None
    assert champion.provenance == {}


def test_an_entry_written_before_rollbacks_were_marked_is_read(cache: BundleCache, first: Bundle) -> None:
    fill_folder(cache.folder, first)
    path = cache.folder / "live.json"
    (entry,) = json.loads(path.read_text())
    del entry["rollback"]
    path.write_text(json.dumps([entry]))
    assert cache.history() == (replace(cache.history()[0], rollback=False),)
    assert version(cache) == "1"
