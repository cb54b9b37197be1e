"""The roles that may call each route: one table. A route that is not in it is for admins alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from churn_mlops.serving.access.principal import Role


@dataclass(frozen=True)
class Rule:
    """The roles that may call a route.

    Args:
        roles: that may; no key is asked for where ``open``.
        open: whether it may be called without a key.
        event: recorded in the audit log for each answer that is no refusal, None for none.
        form: whether it takes a form of a page: the CSRF token is then in the form, and the page checks it.
    """

    roles: frozenset[Role] = frozenset()
    open: bool = False
    event: str | None = None
    form: bool = False


EVERY_ROLE: tuple[Role, ...] = ("agent", "analyst", "service", "admin")
OPEN = Rule(open=True)
ADMIN_ONLY = Rule(frozenset({"admin"}))
EVERY_PRINCIPAL = Rule(frozenset(EVERY_ROLE))


def _rule(*roles: Role, event: str | None = None, form: bool = False) -> Rule:
    """Admins may call everything."""
    return Rule(frozenset(roles) | {"admin"}, event=event, form=form)


# The pages of the console, and what they need; /openapi.json does not describe them.
PAGES: dict[tuple[str, str], Rule] = {
    ("GET", "/"): _rule("agent", event="customers.searched"),
    ("GET", "/find"): _rule("agent", event="customers.searched"),
    ("GET", "/customers"): _rule("agent", event="customer.read"),
    ("GET", "/customers/{}"): _rule("agent", event="customer.read"),
    ("POST", "/contact"): _rule("agent", event="contact.recorded", form=True),
    ("POST", "/work"): _rule("agent", event="work.changed", form=True),
    ("POST", "/note"): _rule("agent", event="note.added", form=True),
    ("GET", "/list"): _rule("agent", "analyst", event="predictions.read"),
    ("GET", "/list.csv"): _rule("analyst", event="predictions.exported"),
    ("GET", "/list.xlsx"): _rule("analyst", event="predictions.exported"),
    # Each change is recorded along with its audit events.
    ("POST", "/list/work"): _rule("agent", "analyst", form=True),
    ("GET", "/campaigns"): _rule("agent", "analyst"),
    ("GET", "/campaigns/new"): _rule("analyst"),
    ("POST", "/campaigns"): _rule("analyst", form=True),
    ("GET", "/campaigns/{}"): _rule("analyst", event="campaign.read"),
    ("POST", "/campaigns/{}/end"): _rule("analyst", form=True),
    ("GET", "/dashboard"): _rule("analyst"),
    ("GET", "/dashboard/rows"): _rule("analyst", event="predictions.read"),
    ("GET", "/models"): _rule("agent", "analyst"),
    ("GET", "/models/compare"): _rule("agent", "analyst"),
    ("GET", "/models/rollback"): ADMIN_ONLY,
    ("POST", "/models/rollback"): _rule(form=True),
    ("GET", "/models/{}/promote"): ADMIN_ONLY,
    ("POST", "/models/{}/promote"): _rule(form=True),
    ("GET", "/status"): ADMIN_ONLY,
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): Rule(open=True, form=True),
    ("GET", "/sign-in/oidc"): OPEN,
    ("GET", "/sign-in/oidc/back"): OPEN,
    ("POST", "/sign-out"): _rule("agent", "analyst", form=True),
    ("GET", "/account"): EVERY_PRINCIPAL,
    ("POST", "/account/password"): _rule("agent", "analyst", form=True),
    ("POST", "/account/sessions"): _rule("agent", "analyst", form=True),
    ("POST", "/theme"): _rule("agent", "analyst", form=True),
    # The store records changes of users and keys, by whatever way.
    ("GET", "/users"): _rule(),
    ("POST", "/users"): _rule(form=True),
    ("GET", "/users/{}"): _rule(),
    ("POST", "/users/{}"): _rule(form=True),
    ("GET", "/keys"): _rule(),
    ("POST", "/keys"): _rule(form=True),
    ("POST", "/keys/revoke"): _rule(form=True),
    ("GET", "/static/{}"): OPEN,
}
# By method and path, the names of parameters left out. docs/security.md shows it, and a test holds the two together.
TABLE: dict[tuple[str, str], Rule] = {
    ("GET", "/health"): OPEN,
    ("HEAD", "/health"): OPEN,
    ("GET", "/ready"): OPEN,
    ("HEAD", "/ready"): OPEN,
    ("POST", "/session"): OPEN,
    ("GET", "/session"): EVERY_PRINCIPAL,
    ("DELETE", "/session"): EVERY_PRINCIPAL,
    ("POST", "/predict"): EVERY_PRINCIPAL,
    ("POST", "/predict/batch"): _rule("analyst", "service"),
    ("GET", "/model"): EVERY_PRINCIPAL,
    ("GET", "/customers/{}/risk"): _rule("agent", "service", event="customer.read"),
    ("GET", "/predictions"): _rule("analyst", "service", event="predictions.read"),
    ("GET", "/predictions/{}"): _rule("agent", "analyst", "service", event="prediction.read"),
    ("GET", "/contacts"): _rule("agent", "analyst", "service", event="contacts.read"),
    ("GET", "/contacts/{}"): _rule("agent", "analyst", "service", event="contacts.read"),
    ("POST", "/contacts"): _rule("agent", "service", event="contact.recorded"),
    ("POST", "/api/contacts/import"): _rule("analyst", "service", event="contacts.imported"),
    ("GET", "/customers/{}/timeline"): _rule("agent", "analyst", event="timeline.read"),
    ("POST", "/customers/{}/notes"): _rule("agent", "analyst", event="note.added"),
    ("POST", "/customers/{}/do-not-contact"): _rule("agent", "analyst", "service", event="do_not_contact.changed"),
    ("GET", "/api/list"): _rule("agent", "analyst", event="list.read"),
    ("POST", "/api/list/{}/take"): _rule("agent", event="work.changed"),
    ("POST", "/api/list/{}/hand-on"): _rule("agent", "analyst", event="work.changed"),
    ("POST", "/api/list/{}/snooze"): _rule("agent", "analyst", event="work.changed"),
    ("POST", "/api/list/{}/done"): _rule("agent", "analyst", event="work.changed"),
    # The store records who made and who ended a campaign, by whatever way.
    ("GET", "/api/campaigns"): EVERY_PRINCIPAL,
    ("POST", "/api/campaigns"): _rule("analyst"),
    ("GET", "/api/campaigns/{}"): _rule("analyst", event="campaign.read"),
    ("POST", "/api/campaigns/{}/end"): _rule("analyst"),
    ("GET", "/api/dashboard"): _rule("analyst", "service"),
    ("GET", "/api/dashboard/rows"): _rule("analyst", event="predictions.read"),
    # The store records who changed what is live, by whatever way.
    ("GET", "/api/models"): ADMIN_ONLY,
    ("POST", "/api/models/rollback"): ADMIN_ONLY,
    ("POST", "/api/models/{}/promote"): ADMIN_ONLY,
    ("GET", "/api/status"): ADMIN_ONLY,
    ("GET", "/audit"): _rule(event="audit.read"),
    ("GET", "/metrics"): _rule("service"),
    ("GET", "/docs"): EVERY_PRINCIPAL,
    ("GET", "/docs/swagger-ui-bundle.js"): EVERY_PRINCIPAL,
    ("GET", "/docs/swagger-ui.css"): EVERY_PRINCIPAL,
    ("GET", "/docs/favicon-32x32.png"): EVERY_PRINCIPAL,
    ("GET", "/openapi.json"): EVERY_PRINCIPAL,
    ("HEAD", "/openapi.json"): EVERY_PRINCIPAL,
    **PAGES,
}


def rule_of(method: str, path: str) -> Rule:
    """The rule of a route, by its method and its path with parameters in braces."""
    return TABLE.get((method, pattern_of(path)), ADMIN_ONLY)


def pattern_of(path: str) -> str:
    """``path`` without the names of its parameters: ``/customers/{id}/risk`` is ``/customers/{}/risk``."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def is_documentation(path: str) -> bool:
    """Whether ``path`` belongs to ``/docs``."""
    return path in ("/docs", "/openapi.json") or path.startswith("/docs/")
