#!/usr/bin/env bash
# The effect of an offer is measured by an anytime-valid sequence: nine customers in ten get the offer, one is held out.
# Guess: wide at first. It says nothing where nobody has left yet, and excludes the truth in at most 5 % of looks.
# Instead: after 300 customers of whom nobody left it is [0, 0], a certain nothing. And where offers do nothing at all
# and 5 % leave, it excludes zero at some look in about a quarter of 200 campaigns. With even arms it keeps its promise.
# The validity is asymptotic, which its documentation says; min_samples counts both arms, and the small one's
# variance is too low exactly while few of it have left.
# Seen with ville 0.1.0; its project has no issue that was found.
# Met: comparing intervals for savings measured against a small held-out arm.
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
nobody = AsymptoticABTest(propensity=SHARE).fit(np.zeros(300), np.arange(300) % 10 != 0).interval()
print(f"300 customers, nobody left: the interval is [{float(nobody[0])}, {float(nobody[1])}]")
rng = np.random.default_rng(1)


def false_claims(share: float) -> float:
    """Share of 200 campaigns of 1,000 customers whose interval excluded zero once; the offer does nothing."""
    claimed = 0
    for _ in range(200):
        treated = (rng.random(1000) < share).astype(int)
        lost = np.where(rng.random(1000) < 0.05, -500.0, 0.0)
        claimed += AsymptoticABTest(propensity=share).fit(lost, treated).stopping_time() is not None
    return claimed / 200


small, even = false_claims(SHARE), false_claims(0.5)
print(f"false claims of an effect, 5 % promised: one in ten held out {small:.1%}, one in two {even:.1%}")
changed = (float(nobody[0]), float(nobody[1])) != (0.0, 0.0) or small < 0.15 or even > 0.08
raise SystemExit("the behaviour has changed" if changed else 0)
EOF
