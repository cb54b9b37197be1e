"""What systems of many makers and languages call the same columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.companies.known_truth.lives import Array

Identifiers = Callable[[np.random.Generator, int], Array]
_LETTERS = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"))


@dataclass(frozen=True)
class Names:
    """What one system calls its tables and columns.

    Attributes:
        customers: table of the customers, and its columns ``key``, ``start``, ``end``, ``asked`` and ``level``.
        acts: table of what customers do, and its columns ``link`` (to the customer), ``act_key``, ``at``, ``amount``.
        ends: table of ends, with ``link`` and ``ended``.
        terms: table of subscriptions, with ``link``, ``term_key``, ``term_start`` and ``term_end``.
        identifiers: how its keys look.
    """

    customers: str
    key: str
    start: str
    end: str
    asked: str
    level: str
    acts: str
    link: str
    act_key: str
    at: str
    amount: str
    ends: str
    ended: str
    terms: str
    term_key: str
    term_start: str
    term_end: str
    identifiers: Identifiers


def numbers(rng: np.random.Generator, count: int) -> Array:
    """Whole numbers."""
    return 400 + rng.permutation(3 * count)[:count]


def padded(rng: np.random.Generator, count: int) -> Array:
    """Digits with zeros in front."""
    return np.array([f"{number:010}" for number in numbers(rng, count)], dtype=object)


def twins(rng: np.random.Generator, count: int) -> Array:
    """Digits, of which some differ from others in the zeros in front alone: two customers all the same."""
    found = padded(rng, count)
    found[1:41:2] = [text.lstrip("0") for text in found[0:40:2]]
    return found


def prefixed(rng: np.random.Generator, count: int) -> Array:
    """As Stripe writes them."""
    return np.array([f"cus_{''.join(rng.choice(_LETTERS, 14))}" for _ in range(count)], dtype=object)


def fifteen(rng: np.random.Generator, count: int) -> Array:
    """As Salesforce writes them: fifteen characters, of which the case counts."""
    return np.array([f"001{''.join(rng.choice(_LETTERS, 12))}" for _ in range(count)], dtype=object)


def uuids(rng: np.random.Generator, count: int) -> Array:
    """With dashes."""
    raw = [rng.bytes(16).hex() for _ in range(count)]
    return np.array([f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in raw], dtype=object)


STYLES: dict[str, Names] = {
    "plain": Names(
        "customers", "customer_id", "signup_date", "cancelled_at", "cancel_requested_at", "segment",
        "orders", "customer_id", "order_id", "ordered_at", "amount",
        "cancellations", "cancelled_on", "subscriptions", "subscription_id", "started_on", "ended_on", numbers),
    "stripe": Names(
        "customers", "id", "created", "ended_at", "canceled_at", "currency",
        "charges", "customer", "id", "created", "amount",
        "subscription_cancellations", "ended_at", "subscriptions", "id", "start_date", "ended_at", prefixed),
    "salesforce": Names(
        "Account", "Id", "CreatedDate", "Lost_Date__c", "Cancel_Request_Date__c", "Industry",
        "Orders", "AccountId", "OrderId", "EffectiveDate", "TotalAmount",
        "Churned_Account__c", "Churn_Date__c", "Contract", "ContractId", "StartDate", "EndDate", fifteen),
    "kkbox": Names(
        "members", "msno", "registration_init_time", "discontinued_at", "cancel_request_date", "city",
        "transactions", "msno", "transaction_id", "transaction_date", "actual_amount_paid",
        "cancels", "discontinued_at", "memberships", "membership_id", "membership_start", "membership_stop", uuids),
    "insurance": Names(
        "policies", "policy_no", "signed_on", "cancelled_on", "notice_received_on", "line",
        "premiums", "policy_no", "premium_id", "paid_on", "premium",
        "lapses", "lapsed_on", "coverages", "coverage_id", "inception_date", "termination_date", padded),
    "shop": Names(
        "users", "user_id", "created_at", "inactive_since", "close_requested_at", "country",
        "purchases", "user_id", "purchase_id", "purchased_at", "total",
        "closed_users", "closed_at", "plans", "plan_id", "since", "until", numbers),
    "german": Names(
        "kunden", "kundennummer", "angelegt_am", "gekuendigt_zum", "kuendigung_eingang", "kundengruppe",
        "zahlungen", "kundennummer", "zahlung_id", "gezahlt_am", "betrag",
        "kuendigungen", "gekuendigt_zum", "vertraege", "vertragsnummer", "vertragsbeginn", "vertragsende", padded),
    "french": Names(
        "clients", "client_id", "date_inscription", "date_resiliation", "date_demande_resiliation", "segment",
        "paiements", "client_id", "paiement_id", "date_paiement", "montant",
        "resiliations", "date_resiliation", "abonnements", "abonnement_id", "date_debut", "date_fin", numbers),
    "spanish": Names(
        "clientes", "id_cliente", "fecha_alta", "fecha_baja", "fecha_solicitud_baja", "segmento",
        "pagos", "id_cliente", "id_pago", "fecha_pago", "importe",
        "bajas", "fecha_baja", "contratos", "id_contrato", "fecha_inicio", "fecha_fin", numbers),
    "portuguese": Names(
        "assinantes", "id_assinante", "data_adesao", "data_cancelamento", "data_pedido_cancelamento", "regiao",
        "faturas", "id_assinante", "id_fatura", "data_pagamento", "valor",
        "cancelamentos", "data_cancelamento", "assinaturas", "id_assinatura", "data_inicio", "data_termino", uuids),
    "dutch": Names(
        "klanten", "klant_id", "aanmelddatum", "opzegdatum", "opzegging_ontvangen", "regio",
        "betalingen", "klant_id", "betaling_id", "betaaldatum", "bedrag",
        "opzeggingen", "opzegdatum", "contracten", "contract_id", "ingangsdatum", "einddatum", numbers),
    "camel": Names(
        "Accounts", "accountId", "activationDate", "deactivationDate", "deactivationRequestedOn", "tier",
        "Sessions", "accountId", "sessionId", "sessionTime", "minutes",
        "Deactivations", "deactivationDate", "Licenses", "licenseId", "licenseFrom", "licenseThru", uuids),
    "italian": Names(
        "clienti", "codice_cliente", "data_iscrizione", "data_disdetta", "data_richiesta_disdetta", "fascia",
        "incassi", "codice_cliente", "id_incasso", "data_incasso", "importo",
        "disdette", "data_disdetta", "polizze", "id_polizza", "data_decorrenza", "data_scadenza", padded),
    "polish": Names(
        "abonenci", "id_abonenta", "data_rejestracji", "data_rezygnacji", "data_wypowiedzenia", "grupa",
        "wplaty", "id_abonenta", "id_wplaty", "data_wplaty", "kwota",
        "rezygnacje", "data_rezygnacji", "umowy", "id_umowy", "data_od", "data_do", numbers),
    "japanese": Names(
        "顧客", "顧客id", "登録日", "解約日", "解約申込日", "区分",
        "注文", "顧客id", "注文id", "注文日時", "金額",
        "解約", "解約日", "契約", "契約id", "契約開始日", "契約終了日", numbers),
    "spreadsheet": Names(
        "Customer List", "Customer No", "Start Date", "Exit Date", "Notice Given", "Customer Group",
        "Payments 2023-25", "Customer No", "Payment No", "Payment Date", "Amount (EUR)",
        "Exits", "Exit Date", "Contract List", "Contract No", "Contract Start", "Contract Stop", padded),
    "phone company": Names(
        "subscribers", "account_no", "activation_date", "disconnect_date", "port_out_request", "price_plan",
        "recharges", "account_no", "recharge_id", "recharged_at", "recharge_amount",
        "disconnections", "disconnect_date", "lines", "line_id", "active_from", "inactive_from", twins),
    "opaque": Names(
        "t01", "c01_id", "d01", "d02", "d03", "k01",
        "t02", "c01_id", "t02_id", "d11", "n11",
        "t03", "d21", "t04", "t04_id", "d31", "d32", uuids),
    "ledger": Names(
        "party_acct", "acct_key", "eff_dt", "thru_date", "close_rqst_dt", "acct_typ",
        "txn", "acct_key", "txn_key", "txn_dt", "txn_amt",
        "acct_close", "close_dt", "agrmt", "agrmt_key", "agrmt_strt_dt", "agrmt_thru_dt", padded),
}  # fmt: skip
