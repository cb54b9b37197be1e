"""Last phase: make the candidate champion, or keep the one that is live."""

from __future__ import annotations

from datetime import datetime

import structlog

from churn_mlops.config import Settings
from churn_mlops.deployment import ANY, ChampionChangedError
from churn_mlops.errors import BundleError, PromotionError, StoreError
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.registry import CHALLENGER
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.pipelines.deployment.deploy import champion as live_champion
from churn_mlops.pipelines.deployment.mlflow_aliases import align_champion, name_version
from churn_mlops.pipelines.training.context import TrainingContext
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import decide_promotion
from churn_mlops.pipelines.training.record import RecordedRun, amend_decision
from churn_mlops.store import open_store
from churn_mlops.store.trials import start_trial

log = structlog.get_logger("churn_mlops.pipelines")


class ChampionSlot:
    """The champion as a training run sees it: everything that training asks of the room ``deployment``.

    Args:
        settings: where models are deployed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deployer = Deployer(settings)

    def champion(self) -> LiveModel | None:
        """The live model, None where there is none.

        Raises:
            BundleError: it is broken, so that nothing can be compared with it.
        """
        try:
            return live_champion(self._settings)
        except BundleError as error:
            raise BundleError(
                f"{error}; the champion is needed for comparison, so make a registered version live again first: "
                "`churn models promote VERSION --reason REASON`"
            ) from None

    def check_writable(self) -> None:
        """Make sure that a champion can be written, before hours of work depend on it.

        Raises:
            PromotionError: the store cannot be used, or the models folder cannot be written.
        """
        self._deployer.sync()

    def sync(self) -> LiveModel | None:
        """The live model after store, folder and MLflow's alias are brought into line; None where there is none.

        Raises:
            BundleError: as :meth:`champion`.
            PromotionError: the store cannot be used, or the models folder cannot be written.
        """
        self._deployer.sync()
        champion = self.champion()
        align_champion(self._settings)
        return champion

    def publish(self, candidate: Candidate, run: RecordedRun, force: str | None) -> None:
        """Make ``candidate`` the champion.

        Raises:
            ChampionChangedError: the champion is no longer the one that the decision took into account.
            PromotionError: the store cannot be used.
        """
        self._deployer.deploy(
            candidate.bundle,
            version=str(run.version),
            provenance=run.provenance.to_dict(),
            reason=force or run.decision.sentence,
            expected_champion=ANY if force is not None else run.decision.champion,
        )

    def register(self, candidate: Candidate, run: RecordedRun) -> None:
        """Keep the version in the store; where that fails, say so and go on, since the registry has it."""
        version = str(run.version)
        try:
            self._deployer.register(candidate.bundle, version=version, provenance=run.provenance.to_dict())
        except PromotionError as error:
            consequence = f"the page cannot promote it; `churn models promote {version} --reason REASON` can"
            log.warning("version_not_registered", model_version=version, consequence=consequence, error=str(error))

    def start_trial(self, candidate: Candidate, run: RecordedRun) -> None:
        """Let the version score in the shadow of the champion.

        Raises:
            PromotionError: the store cannot be used.
        """
        try:
            with open_store(self._settings.store.url) as store:
                start_trial(store, str(run.version), candidate.bundle.sha256, str(run.decision.champion))
        except StoreError as error:
            raise PromotionError(f"the trial of version {run.version} cannot start: {error}; train again") from None

    def align_aliases(self, challenger: int | None) -> None:
        """Point MLflow's alias at the live version, and the one of the challenger at version ``challenger``."""
        align_champion(self._settings)
        if challenger is not None:
            name_version(self._settings, CHALLENGER, challenger)


def promote_or_keep(
    slot: ChampionSlot,
    context: TrainingContext,
    candidate: Candidate,
    run: RecordedRun,
    now: datetime,
    force: str | None,
) -> RecordedRun:
    """Promote ``candidate`` where its decision says so; a champion that changed in the meantime is compared with first.

    Args:
        slot: the champion.
        context: where the run is recorded, and what a new version has to show.
        candidate: the new model.
        run: its record, with the decision.
        now: the present, with a time zone.
        force: the reason to promote in any case, None to let the comparison decide.

    Returns:
        the record with the final decision.

    Raises:
        BundleError: a champion that came in between is broken.
        PromotionError: the folder of models cannot be written.
        TrackingError: another decision cannot be recorded.
    """
    slot.register(candidate, run)
    while run.decision.promote:
        try:
            slot.publish(candidate, run, force)
            break
        except ChampionChangedError:  # another run was quicker: its model is the one to beat
            decision = decide_promotion(candidate, slot.champion(), context.promotion, now, force)
            run = amend_decision(context.tracking, run, decision)
            slot.register(candidate, run)
    if run.decision.on_trial:
        slot.start_trial(candidate, run)
    lost = run.decision.signal and not run.decision.promote
    slot.align_aliases(challenger=run.version if lost else None)
    return run
