"""The book of the models: reads and changes what is live, for the API and for the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from churn_mlops.deployment import (
    ANY,
    ChampionChangedError,
    Deployment,
    ModelVersion,
    StoredBundle,
    active_history,
)
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.promotion import made_by_hand, promote, roll_back
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import NEWEST, ModelVersions
from churn_mlops.store.shadow import InShadow, in_shadow
from churn_mlops.store.trials import Trial, trials

TRIALS = 5
"""Trials that are shown."""
SECONDS = 9.0
"""Longest time to read a bundle, to try it out and to make it live: within that of a request."""


@dataclass(frozen=True)
class Decision:
    """A person's decision, with the models that they looked at when they took it.

    Args:
        reason: why.
        by: the principal.
        champion: hash of the bundle that was live then, ``none`` where none was; None accepts any.
        bundle: hash of the bundle of the version that is to go live; None accepts any.
    """

    reason: str
    by: str
    champion: str | None = None
    bundle: str | None = None


@dataclass(frozen=True)
class ModelFacts:
    """The versions that can be made live, and what was live when.

    Args:
        versions: the newest first.
        history: every deployment, the oldest first.
        live: the version of the champion, with the bundle that is live; None where none ever was.
        shadow: the version that scores beside the champion, None where none does.
        trials: of challengers, the newest first.
    """

    versions: Sequence[ModelVersion]
    history: Sequence[Deployment]
    live: ModelVersion | None
    shadow: InShadow | None = None
    trials: Sequence[Trial] = ()

    @property
    def champion(self) -> Deployment | None:
        """The deployment that lasts, None where none ever was."""
        return self.history[-1] if self.history else None

    @property
    def latest(self) -> Sequence[Deployment]:
        """The newest deployments, the oldest of them first."""
        return self.history[-NEWEST:]

    @property
    def before(self) -> Deployment | None:
        """The deployment that a rollback goes back to, None where there is none."""
        active = active_history(self.history)
        return active[-2] if len(active) > 1 else None


class ChampionMovedError(RequestError):
    """409: another model went live since the caller looked.

    Args:
        champion: the deployment that lasts now.
    """

    def __init__(self, champion: Deployment | None) -> None:
        now = "none is live" if champion is None else f"version {champion.version} is"
        by = f", made live by {champion.deployed_by}" if champion is not None and champion.deployed_by else ""
        problem = ("expected_champion", "is not live any more")
        super().__init__(409, f"another model went live in the meantime: {now}{by}; nothing was changed", [problem])
        self.champion = champion


@dataclass(frozen=True)
class ModelBook:
    """Reads and changes what is live.

    Args:
        store: says what is live, to all servers.
        clock: gives the time.
    """

    store: StoreClient
    clock: Clock = utc_now

    async def all(self) -> ModelFacts:
        """The newest versions, and what was live when.

        Raises:
            RequestError: 503, the store is unavailable.
        """
        return await self.store.ask(_facts)

    async def versions(self, *numbers: str) -> list[ModelVersion]:
        """The versions of these numbers, in their order.

        Raises:
            RequestError: 404, the store does not hold one of them; 503, it is unavailable.
        """
        found = await self.store.ask(lambda opened: [ModelVersions(opened).one(number) for number in numbers])
        return [_known(one) for one in found]

    async def deployed(self, deployment: Deployment) -> ModelVersion:
        """The version of a deployment, with the bundle that it had then.

        Raises:
            RequestError: 503, the store is unavailable.
        """
        return await self.store.ask(lambda opened: ModelVersions(opened).deployed(deployment))

    async def promote(self, version: str, decision: Decision) -> Deployment:
        """Make a version live, after its bundle gave its own recorded scores.

        Raises:
            RequestError: 404, the store does not hold it; 409, it is live, it has another bundle by now, or its bundle
                cannot be trusted; 503, the store is unavailable.
            ChampionMovedError: another model is live than the caller expects.
        """
        return await self._change(lambda opened: self._promote(opened, version, decision))

    async def rollback(self, decision: Decision) -> Deployment:
        """Make the version live again that was live before the champion.

        Raises:
            RequestError: 409, there is none, or its bundle cannot be trusted; 503, the store is unavailable.
            ChampionMovedError: another model is live than the caller expects.
        """
        return await self._change(lambda opened: self._rollback(Deployments(opened), decision))

    def _rollback(self, deployments: Deployments, decision: Decision) -> Deployment:
        expected = _expected(decision.champion, deployments.current())
        before = active_history(deployments.history())[-2:-1]
        if decision.bundle is not None and [one.sha256 for one in before] != [decision.bundle]:
            raise ChampionChangedError  # the champion is the same, but another one is before it by now
        return roll_back(deployments, reason=decision.reason, expected_champion=expected, by=decision.by)

    def _promote(self, store: Store, version: str, decision: Decision) -> Deployment:
        one, deployments = _known(ModelVersions(store).one(version)), Deployments(store)
        if decision.bundle not in (None, one.sha256):
            problem = ("expected_bundle", "is not the version's")
            raise RequestError(409, f"version {version} was registered again, with another bundle", [problem])
        champion = deployments.current()
        expected = _expected(decision.champion, champion)
        if champion is not None and champion.is_of(one):
            raise RequestError(409, f"version {version} is live already", [("version", "is live")])
        made = made_by_hand(one.provenance, decision.reason, self.clock())
        stored = StoredBundle(one.sha256, deployments.bundle(one.sha256).content, made)
        return promote(
            deployments, stored, version=version, reason=decision.reason, expected_champion=expected, by=decision.by
        )

    async def _change(self, do: Callable[[Store], Deployment]) -> Deployment:
        try:
            return await self.store.ask(do, SECONDS)
        except ChampionChangedError:
            raise ChampionMovedError(await self.store.ask(lambda opened: Deployments(opened).current())) from None
        except BundleError as error:
            raise RequestError(409, f"it does not go live: {error}", [("version", "has a broken bundle")]) from None
        except PromotionError as error:
            raise RequestError(409, str(error)) from None


def _facts(store: Store) -> ModelFacts:
    versions, history = ModelVersions(store), Deployments(store).history()
    live = versions.deployed(history[-1]) if history else None
    return ModelFacts(versions.newest(), history, live, in_shadow(store), trials(store, TRIALS))


def _expected(given: str | None, champion: Deployment | None) -> str | None:
    """The champion that the caller expects, as the store takes it.

    Raises:
        ChampionChangedError: it is not live.
    """
    if given is None:
        return ANY
    live = "none" if champion is None else champion.sha256
    if given != live:
        raise ChampionChangedError
    return None if champion is None else champion.sha256


def _known(one: ModelVersion | None) -> ModelVersion:
    if one is None:
        problem = ("version", "is not in the store")
        raise RequestError(404, "the store holds no such version: `churn models list` shows all", [problem])
    return one
