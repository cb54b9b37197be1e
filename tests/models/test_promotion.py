"""The gate, and the folder that says what is live: whole at every instant, whoever writes and whoever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models import Bundle, ChurnModel
from churn_mlops.models.comparison import Comparison, compare
from churn_mlops.models.deployment_periods import LivePeriod, merged, standing
from churn_mlops.models.promotion import ChampionChangedError, LiveModels
from tests.companies.customers import CONTRACT, customers, left


@pytest.fixture(scope="module")
def first() -> Bundle:
    frame = customers(400)
    return ChurnModel("logistic_regression", contract=CONTRACT).fit(frame, left(frame)).bundle_


@pytest.fixture(scope="module")
def second(first: Bundle) -> Bundle:
    return replace(first, threshold=0.4)


@pytest.fixture(scope="module")
def third(first: Bundle) -> Bundle:
    return replace(first, threshold=0.3)


@pytest.fixture
def live(tmp_path: Path) -> LiveModels:
    start = datetime(2026, 11, 23, 6, tzinfo=UTC)
    minutes = iter(range(1000))
    return LiveModels(tmp_path / "models", clock=lambda: start + timedelta(minutes=next(minutes)))


def publish(live: LiveModels, *bundles: Bundle) -> None:
    for number, bundle in enumerate(bundles, 1):
        live.publish(bundle, version=str(number), provenance={"number": number}, reason=f"reason {number}")


def version(live: LiveModels) -> str:
    champion = live.champion()
    assert champion is not None
    return champion.version


# The comparison


def test_the_better_scores_gain_and_the_worse_lose_as_much() -> None:
    draw = np.random.default_rng(1)
    good = draw.uniform(0.02, 0.6, 2000)
    y = (draw.random(2000) < good).astype(float)
    bad = np.full(2000, y.mean())
    better, worse = compare(y, good, bad), compare(y, bad, good)
    assert better.gain > 0
    assert better.beyond_noise
    assert not worse.beyond_noise
    assert worse.gain == pytest.approx(-better.gain)
    assert better.customers == 2000


def test_the_gain_is_the_mean_difference_of_log_loss_with_its_standard_error() -> None:
    y = np.array([1.0, 0.0, 0.0, 1.0])
    challenger, rival = np.array([0.8, 0.1, 0.3, 0.5]), np.array([0.5, 0.5, 0.5, 0.5])
    gains = np.log([0.8 / 0.5, 0.9 / 0.5, 0.7 / 0.5, 1.0])
    found = compare(y, challenger, rival)
    assert found.gain == pytest.approx(gains.mean())
    assert found.error == pytest.approx(gains.std(ddof=1) / 2)


def test_noise_seldom_passes_the_gate() -> None:
    passed = []
    for seed in range(300):
        draw = np.random.default_rng(seed)
        p = draw.uniform(0.05, 0.5, 400)
        y = (draw.random(400) < p).astype(float)
        one, other = (1 / (1 + np.exp(-np.log(p / (1 - p)) - draw.normal(0, 0.3, 400))) for _ in range(2))
        passed.append(compare(y, one, other).beyond_noise)
    assert np.mean(passed) < 0.06


def test_the_same_scores_do_not_pass_and_certain_scores_do_not_break_it() -> None:
    y = np.array([1.0, 0.0, 1.0])
    assert not compare(y, np.array([0.5, 0.2, 0.7]), np.array([0.5, 0.2, 0.7])).beyond_noise
    assert np.isfinite(compare(y, np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.5])).gain)


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (0.00027, "log loss 0.00027 better, standard error 0.00100"),
        (-0.00027, "log loss 0.00027 worse, standard error 0.00100"),
        (-0.000001, "the same log loss to 5 decimals, standard error 0.00100"),
    ],
)
def test_a_comparison_is_worded_right_both_ways(gain: float, said: str) -> None:
    assert Comparison(gain, 0.001, 100).figures == said


# The folder


def test_a_model_compared_with_a_champion_that_is_live_no_more_does_not_go_live(
    live: LiveModels, first: Bundle, second: Bundle, third: Bundle
) -> None:
    live.publish(first, version="1", provenance={}, reason="first", instead_of=None)
    with pytest.raises(ChampionChangedError, match="live no more"):
        live.publish(second, version="2", provenance={}, reason="first too", instead_of=None)
    live.publish(second, version="2", provenance={}, reason="better", instead_of=first.sha256)
    with pytest.raises(ChampionChangedError, match="live no more"):
        live.publish(third, version="3", provenance={}, reason="better too", instead_of=first.sha256)
    assert version(live) == "2"
    live.publish(third, version="3", provenance={}, reason="by hand")
    assert version(live) == "3"


@pytest.mark.parametrize("folder", ["/proc/nope", "file/models"])
def test_a_folder_that_cannot_be_written_is_said_with_the_way_out(tmp_path: Path, first: Bundle, folder: str) -> None:
    (tmp_path / "file").write_text("in the way")
    live = LiveModels(tmp_path / folder)
    with pytest.raises(PromotionError, match=r"cannot be written .*models\.folder"):
        live.probe()


def test_a_full_disk_is_said_and_leaves_the_champion(
    live: LiveModels, first: Bundle, second: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(live, first)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("churn_mlops.models.promotion.write_atomic", full)
    with pytest.raises(PromotionError, match=r"No space left on device.*models\.folder"):
        live.publish(second, version="2", provenance={}, reason="x")
    assert version(live) == "1"


def test_what_a_killed_writer_left_is_cleared_away(live: LiveModels, first: Bundle) -> None:
    publish(live, first)
    left_behind = [live.folder / ".live.json.abc.tmp", live.folder / "bundles" / ".x.bundle.abc.tmp"]
    for path in left_behind:
        path.write_text("half")
    publish(live, first)
    assert not any(path.exists() for path in left_behind)


def test_where_nothing_was_published_nothing_is_live_and_nothing_is_made(live: LiveModels) -> None:
    assert live.champion() is None
    assert live.history() == ()
    assert not live.folder.exists()


def test_the_champion_is_what_was_published_last(live: LiveModels, first: Bundle, second: Bundle) -> None:
    publish(live, first, second)
    champion = live.champion()
    assert champion is not None
    assert (champion.version, champion.bundle.sha256, champion.provenance) == ("2", second.sha256, {"number": 2})
    assert champion.live_from == "2026-11-23T06:01:00.000+00:00"


def test_history_has_no_gap_and_one_champion(live: LiveModels, first: Bundle, second: Bundle, third: Bundle) -> None:
    publish(live, first, second, third)
    periods = live.history()
    assert [period.reason for period in periods] == ["reason 1", "reason 2", "reason 3"]
    assert [period.to for period in periods] == [periods[1].since, periods[2].since, None]


def test_rolling_back_twice_goes_back_two_versions(
    live: LiveModels, first: Bundle, second: Bundle, third: Bundle
) -> None:
    publish(live, first, second, third)
    assert live.rollback("bad").version == "2"
    assert live.rollback("still bad").version == "1"
    assert version(live) == "1"
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        live.rollback("enough")
    assert [period.version for period in live.history()] == ["1", "2", "3", "2", "1"]


def test_two_who_want_rid_of_one_champion_go_back_one_step(
    live: LiveModels, first: Bundle, second: Bundle, third: Bundle
) -> None:
    publish(live, first, second, third)
    live.rollback("bad", instead_of=third.sha256)
    with pytest.raises(ChampionChangedError, match="another model went live meanwhile"):
        live.rollback("bad", instead_of=third.sha256)
    assert version(live) == "2"


def test_what_two_machines_rolled_back_each_for_itself_was_rolled_back_once() -> None:
    def period(sha256: str, minute: int, *, rollback: bool = False) -> LivePeriod:
        return LivePeriod(sha256, sha256, "boosting", f"2026-11-23T06:{minute:02}:00+00:00", None, "", rollback)

    before = [period("a", 1), period("b", 2), period("c", 3)]
    one, other = period("b", 4, rollback=True), period("b", 5, rollback=True)
    assert [one.version for one in standing(merged([*before, one], [*before, other]))] == ["a", "b"]
    both = merged([*before, one, period("a", 6, rollback=True)], [*before, other, period("a", 7, rollback=True)])
    assert [one.version for one in standing(both)] == ["a"]
    unknown = merged([*before, period("d", 4)], [*before, other])  # went back past what the other had made live
    assert [one.version for one in standing(unknown)] == ["a", "b"]


def test_after_a_rollback_a_new_version_can_be_rolled_back_too(
    live: LiveModels, first: Bundle, second: Bundle, third: Bundle
) -> None:
    publish(live, first, second)
    live.rollback("bad")
    live.publish(third, version="3", provenance={}, reason="better")
    assert live.rollback("bad too").version == "1"


def test_publishing_the_champion_again_is_not_a_version_to_go_back_to(live: LiveModels, first: Bundle) -> None:
    publish(live, first, first)
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        live.rollback("x")
    assert len(live.history()) == 2


def test_nothing_to_roll_back_to_is_said(live: LiveModels, first: Bundle) -> None:
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        live.rollback("x")
    publish(live, first)
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        live.rollback("x")


def test_a_rollback_to_a_bundle_that_is_gone_leaves_the_champion(
    live: LiveModels, first: Bundle, second: Bundle
) -> None:
    publish(live, first, second)
    (live.folder / "bundles" / f"{first.sha256}.bundle").unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        live.rollback("x")
    assert version(live) == "2"


def test_a_bundle_that_does_not_give_its_recorded_scores_is_not_published(live: LiveModels, first: Bundle) -> None:
    check = {**first.checks[0], "score": first.checks[0]["score"] + 0.01}
    with pytest.raises(BundleError, match="do not use it"):
        publish(live, replace(first, checks=(check,)))
    assert live.champion() is None


@pytest.mark.parametrize("text", ["", "{", "{}", '""', "null", "[1]", '[{"version": "1"}]', "\xff"])
def test_a_broken_record_of_what_is_live_is_named_not_taken_for_nothing(
    live: LiveModels, first: Bundle, text: str
) -> None:
    publish(live, first)
    (live.folder / "live.json").write_text(text, encoding="latin-1")
    for act in (live.champion, lambda: publish(live, first)):
        with pytest.raises(PromotionError, match=r"live\.json does not tell which model is live"):
            act()
    assert (live.folder / "live.json").read_text(encoding="latin-1") == text


def swap(live: LiveModels, first: Bundle, second: Bundle) -> None:
    second.save(live.folder / "bundles" / f"{first.sha256}.bundle")


def alter(live: LiveModels, first: Bundle, second: Bundle) -> None:
    path = live.folder / "bundles" / f"{first.sha256}.bundle"
    path.write_bytes(path.read_bytes().replace(b'"threshold":0.5', b'"threshold":0.1'))


def remove(live: LiveModels, first: Bundle, second: Bundle) -> None:
    (live.folder / "bundles" / f"{first.sha256}.bundle").unlink()


@pytest.mark.parametrize(
    ("harm", "message"),
    [(swap, "holds another model"), (alter, "was altered"), (remove, "cannot be read")],
)
def test_a_champion_not_to_be_trusted_is_refused(
    live: LiveModels,
    first: Bundle,
    second: Bundle,
    harm: Callable[[LiveModels, Bundle, Bundle], None],
    message: str,
) -> None:
    publish(live, first)
    harm(live, first, second)
    with pytest.raises(BundleError, match=message) as caught:
        live.champion()
    assert first.sha256 in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "[]", "{"])
def test_a_champion_lives_without_its_provenance(live: LiveModels, first: Bundle, text: str | None) -> None:
    publish(live, first)
    path = live.folder / "bundles" / f"{first.sha256}.provenance.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    champion = live.champion()
    assert champion is not None
    assert champion.provenance == {}


# Several processes, and death

PUBLISH = """
import sys
from pathlib import Path
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.promotion import LiveModels

live, bundle = LiveModels(Path(sys.argv[1])), Bundle.load(sys.argv[2])
print("ready", flush=True)
sys.stdin.read(1)
for turn in range(int(sys.argv[3])):
    live.publish(bundle, version=sys.argv[4], provenance={}, reason=str(turn))
"""

DIE = """
import os, signal
from pathlib import Path

replace, renames = Path.replace, []
def dying(self, target):
    renames.append(target)
    if len(renames) == DEATH and AFTER:
        replace(self, target)
    if len(renames) == DEATH:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = dying
"""


def publisher(live: LiveModels, bundle: Path, turns: int, version: str, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", before + PUBLISH, str(live.folder), str(bundle), str(turns), version],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_publish_at_once_lose_nothing(
    live: LiveModels, tmp_path: Path, first: Bundle, second: Bundle
) -> None:
    processes = []
    for number, bundle in enumerate((first, second), 1):
        bundle.save(tmp_path / str(number))
        processes.append(publisher(live, tmp_path / str(number), 15, str(number)))
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    while any(process.poll() is None for process in processes):
        live.champion()  # a reader never meets a half-written folder
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    periods = live.history()
    assert sorted(period.version for period in periods) == ["1"] * 15 + ["2"] * 15
    assert [period.to for period in periods[:-1]] == [period.since for period in periods[1:]]
    assert version(live) == periods[-1].version


@pytest.mark.parametrize(
    ("rename", "after", "champion"),
    [(1, False, "1"), (1, True, "1"), (2, True, "1"), (3, False, "1"), (3, True, "2")],
    ids=["before the bundle", "after the bundle", "after its provenance", "before going live", "after going live"],
)
def test_killed_while_publishing_it_leaves_the_old_champion_or_the_new_one(
    live: LiveModels, tmp_path: Path, first: Bundle, second: Bundle, rename: int, after: bool, champion: str
) -> None:
    publish(live, first)
    second.save(tmp_path / "second")
    dying = DIE.replace("DEATH", str(rename)).replace("AFTER", str(after))
    process = publisher(live, tmp_path / "second", 1, "2", before=dying)
    process.communicate("x")
    assert process.returncode == -signal.SIGKILL
    assert version(live) == champion
    live.publish(second, version="3", provenance={}, reason="again")  # the lock died with its holder
    assert version(live) == "3"
    assert json.loads((live.folder / "live.json").read_text())[0]["version"] == "1"
