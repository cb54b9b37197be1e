"""How the model types do on data of many kinds, against LightGBM: ``make study``.

On each kind, out of fold (3 folds): ``auto``, every type, LightGBM with its defaults, and bags of 8 and of 31 leaves.
Settings are the same for all. Prints a line of JSON for each kind, and writes it to its place in ``bench/study.json``.

    python -m bench.study [KIND ...]
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from bench.simulated import KINDS, Simulated
from churn_mlops.data.proposal.flat_proposal import propose_for_frame
from churn_mlops.features import FeatureEngineer
from churn_mlops.models import MODEL_TYPES, ChurnModel
from churn_mlops.models.calibration import fit_calibration, sigmoid
from churn_mlops.models.fitting.inputs import log_losses, stratified_folds

Floats = npt.NDArray[np.float64]
FOLDS = 3
DRAWS = {"300 rows": 10, "weak signal": 10, "half a percent": 4}
"""Where one file tells little: at 10,000 rows of weak signal, a calibration slope has a standard error of 0.12."""
RESULTS = Path("bench/study.json")
PLAIN = {"objective": "binary", "verbose": -1, "num_threads": 2}


def study(kind: str) -> dict[str, Any]:
    """The figures of one kind, out of fold, and whether ``auto`` keeps its bars; small files are drawn often."""
    draws = DRAWS.get(kind, 1)
    files = [KINDS[kind](np.random.default_rng(seed)) for seed in range(1, draws + 1)]
    found = [_fitted(data, seed) for seed, data in enumerate(files, start=1)]
    y = np.concatenate([data.left.astype(np.float64) for data in files])
    truth = np.concatenate([data.truth for data in files])
    scores = {name: np.concatenate([one.scores[name] for one in found]) for name in found[0].scores}
    seconds = {name: round(float(np.mean([one.seconds[name] for one in found])), 1) for name in found[0].seconds}
    about = {"kind": kind, "draws": draws, "rows": len(files[0].left), "columns": files[0].customers.shape[1]}
    return (
        about
        | {"left": round(y.mean(), 4), "chosen": Counter(name for one in found for name in one.chosen)}
        | {"seconds_a_fit": seconds}
        | _judged(scores, y)
        | {"log_loss_of_the_truth": round(float(log_losses(_logit(truth), y).mean()), 5)}
    )


@dataclass(frozen=True)
class _Fitted:
    scores: dict[str, Floats]
    seconds: dict[str, float]
    chosen: list[str]


def _fitted(data: Simulated, seed: int) -> _Fitted:
    """Every model's scores out of fold."""
    y = data.left.astype(np.float64)
    scores: dict[str, Floats] = defaultdict(lambda: np.empty(len(y)))
    seconds: dict[str, float] = defaultdict(float)
    chosen = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(data.customers, y):
        for name in MODEL_TYPES:
            start = time.perf_counter()
            model = ChurnModel(name, seed=seed).fit(data.customers.iloc[train], y[train])
            seconds[name] += (time.perf_counter() - start) / FOLDS
            scores[name][test] = model.predict_proba(data.customers.iloc[test])[:, 1]
            if name == "auto":
                chosen.append(model.bundle_.model_type)
        for name, found in _rivals(data, train, test, seed).items():
            scores[name][test] = found
    return _Fitted(dict(scores), dict(seconds), chosen)


def _rivals(data: Simulated, train: Any, test: Any, seed: int) -> dict[str, Floats]:
    contract = propose_for_frame(data.customers.iloc[train]).contract
    engineer = FeatureEngineer(contract).fit(data.customers.iloc[train])
    inputs, held_out = (engineer.transform(data.customers.iloc[rows]) for rows in (train, test))
    y = data.left[train].astype(np.float64)
    categories = [place for place, name in enumerate(contract.features) if name in engineer.levels_]

    def binned(rows: Any) -> lightgbm.Dataset:
        return lightgbm.Dataset(inputs[rows], y[rows], categorical_feature=categories)

    everything = np.arange(len(y))
    found = {"LightGBM defaults": np.asarray(lightgbm.train(PLAIN, binned(everything)).predict(held_out))}
    for leaves in (8, 31):
        raw, out_of_fold = np.zeros(len(held_out)), np.empty(len(y))
        for fit, stop in stratified_folds(y, 5, seed):
            bag = lightgbm.train(
                PLAIN | {"num_leaves": leaves, "learning_rate": 0.05, "seed": seed},
                binned(fit),
                5000,
                valid_sets=[binned(stop)],
                callbacks=[lightgbm.early_stopping(50, verbose=False)],
            )
            out_of_fold[stop] = bag.predict(inputs[stop], raw_score=True)
            raw += np.asarray(bag.predict(held_out, raw_score=True)) / 5
        calibration = fit_calibration(out_of_fold, y)
        found[f"bags of {leaves} leaves"] = sigmoid(calibration.intercept + calibration.slope * raw)
    return found


def _judged(scores: dict[str, Floats], y: Floats) -> dict[str, Any]:
    losses = {name: log_losses(_logit(p), y) for name, p in scores.items()}
    means = {name: float(loss.mean()) for name, loss in losses.items()}
    aucs = {name: float(roc_auc_score(y, p)) for name, p in scores.items()}
    rivals = [name for name in means if name not in MODEL_TYPES]
    best = min(rivals, key=lambda name: means[name])
    excess = losses["auto"] - losses[best]
    error = float(excess.std(ddof=1) / np.sqrt(len(y)))
    behind = max(aucs[name] for name in rivals) - aucs["auto"]
    return {
        "log_loss": {name: round(value, 5) for name, value in means.items()},
        "auc": {name: round(value, 4) for name, value in aucs.items()},
        "excess": round(float(excess.mean()), 5),
        "standard_error": round(error, 5),
        "auc_behind": round(behind, 4),
        "bars": {
            "log_loss": bool(excess.mean() <= max(0.01 * means[best], error)),
            "auc": bool(behind <= 0.002),
        },
        "calibration": {name: _calibration(scores[name], y) for name in MODEL_TYPES},
    }


def _calibration(scores: Floats, y: Floats) -> list[float]:
    """Slope, observed over expected, observed over expected in the top decile, and the slope's standard error."""
    top = np.argsort(-scores)[: len(y) // 10]
    calibration = fit_calibration(_logit(scores), y, prior=False)
    error = calibration.slope / np.sqrt(calibration.information(_logit(scores)))
    found = calibration.slope, y.sum() / scores.sum(), y[top].sum() / scores[top].sum(), error
    return [round(float(value), 3) for value in found]


def _logit(p: Floats) -> Floats:
    return np.asarray(np.log(p / (1 - p)))


def main(kinds: list[str]) -> None:
    """Study ``kinds``, or all."""
    found = {one["kind"]: one for one in json.loads(RESULTS.read_text(encoding="utf-8"))}
    for kind in kinds or KINDS:
        found[kind] = study(kind)
        print(json.dumps(found[kind]), flush=True)
        RESULTS.write_text(json.dumps([found[kind] for kind in KINDS], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
