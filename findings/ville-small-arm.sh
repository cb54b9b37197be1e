#!/usr/bin/env bash
# An anytime-valid sequence measures the effect of an offer. Nine customers in ten get the offer, one is in the control
# group.
# Guess: it is wide at first, says nothing until someone has left, and excludes the truth in at most 5 % of campaigns.
# Instead: after 300 customers without churn it is [0, 0], as if zero were certain. With an offer that does nothing and
# 5 % churn, it excludes zero at some time in about a quarter of 200 campaigns. With two equal arms it keeps its
# promise. Its documentation says that it is valid asymptotically. min_samples counts both arms together, and the
# variance of the small arm is too low exactly while few of its customers have left.
# Seen with ville 0.1.0. No issue was found.
# Met: comparing intervals for savings that are measured against a small control group.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet ville==0.1.0 numpy==2.4.6 scipy==1.17.1
venv/bin/python - <<'EOF'
from importlib.metadata import version

import numpy as np
from ville import AsymptoticABTest

print("ville", version("ville"))
SHARE = 0.9
no_churn = AsymptoticABTest(propensity=SHARE).fit(np.zeros(300), np.arange(300) % 10 != 0).interval()
print(f"300 customers, none left: the interval is [{float(no_churn[0])}, {float(no_churn[1])}]")
rng = np.random.default_rng(1)


def false_claims(share: float) -> float:
    """The share of 200 campaigns, 1,000 customers each and no effect, whose interval excluded zero at some time."""
    claimed = 0
    for _ in range(200):
        treated = (rng.random(1000) < share).astype(int)
        lost = np.where(rng.random(1000) < 0.05, -500.0, 0.0)
        claimed += AsymptoticABTest(propensity=share).fit(lost, treated).stopping_time() is not None
    return claimed / 200


small, even = false_claims(SHARE), false_claims(0.5)
print(f"false claims of an effect, 5 % promised: control group of 10 % {small:.1%}, of 50 % {even:.1%}")
changed = (float(no_churn[0]), float(no_churn[1])) != (0.0, 0.0) or small < 0.15 or even > 0.08
raise SystemExit("the behaviour has changed" if changed else 0)
EOF
