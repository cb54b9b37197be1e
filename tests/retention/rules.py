"""Rules and scores that Hypothesis draws."""

from __future__ import annotations

from hypothesis import strategies as st

from churn_mlops.retention import DecisionRule, Economics

_money = st.floats(0, 1e6)
_shares = st.floats(0, 1)
economics = st.builds(
    Economics,
    value=_money,
    offer_cost=st.floats(0, 1e3),
    contact_cost=st.floats(0, 100),
    kept_share=st.floats(0, 0.5),
    taken_and_left_share=st.floats(0, 0.5),
    taken_by_stayers_share=_shares,
)
_bands = st.tuples(_shares, _shares).map(sorted)
rules = st.builds(
    lambda economics, threshold, bands, capacity: DecisionRule(economics, threshold, *bands, capacity),
    economics,
    _shares,
    _bands,
    st.none() | st.integers(0, 300),
)
# A few values come often, so that customers share a score.
scores = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=1, max_size=200)
