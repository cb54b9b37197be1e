#!/usr/bin/env bash
# LightGBM grows a random forest (boosting "rf", objective "binary") for a label that few customers have.
# Guess: a leaf answers with the churn rate of its training rows, as in any random forest.
# Instead: a leaf holds one Newton step from the base rate. The step is linear in the churn rate but stands on the scale
# of log-odds, and the forest averages such steps. At a base rate of 6 %, a group with 50 % churn gets 99.4 %, and a
# group with 2 % churn gets 3.1 %. One split is all there is to find, so this is no overfitting.
# Seen with lightgbm 4.7.0. A user asked about it in github.com/lightgbm-org/LightGBM/issues/4118.
# Met: building the model type `random_forest`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet lightgbm==4.7.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import lightgbm
import numpy as np

print("lightgbm", lightgbm.__version__)
# 1,000 customers with 50 % churn and 11,000 with 2 %.
group = np.repeat([1.0, 0.0], [1000, 11_000])
left = np.concatenate([np.arange(1000) % 2 == 0, np.arange(11_000) % 50 == 0]).astype(float)
settings = {
    "boosting": "rf",
    "objective": "binary",
    "num_leaves": 2,
    "bagging_freq": 1,
    "bagging_fraction": 0.8,
    "num_threads": 1,
    "seed": 1,
    "verbosity": -1,
}
forest = lightgbm.train(settings, lightgbm.Dataset(group[:, None], left), num_boost_round=50)
found = {}
print(f"base rate {left.mean():.1%}")
for one in (1.0, 0.0):
    share, found[one] = left[group == one].mean(), float(forest.predict([[one]])[0])
    print(f"churn rate of the group {share:.1%}; the forest says {found[one]:.1%}")
raise SystemExit(0 if found[1.0] > 0.98 and found[0.0] > 0.025 else "the behaviour has changed")
EOF
