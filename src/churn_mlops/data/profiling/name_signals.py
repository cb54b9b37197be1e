"""The signals in a column's name: its words, its title, the names nearest to it, and whether it speaks of leaving."""

from __future__ import annotations

import itertools
import re

from churn_mlops.suggestions import WORD_PATTERN, words

# German, French, Spanish, Portuguese, Italian and Dutch, with and without the signs above letters.
_ABROAD = (
    r"(ge)?k(ü|ue|u)ndig\w*|abgewandert|abwanderung|ausgetreten|austritt|storn(o|iert)|r[ée]sili(é|e|ée|ation)s?"
    r"|d[ée]sabonn\w*|bajas?|abandono|fuga|deserci[óo]n|evas[ãa]o|evadido|desligad[oa]|cancelou|disdett[ao]|abbandono"
    r"|cessat[oa]|recesso|opgezegd|opzegging|vertrokken|be[ëe]indigd"
)
_GLUED_ABROAD = re.compile(
    r"(k(ü|ue|u)ndigungs|austritts|storno|opzeg)(grund|datum|tag|termin|art|eingang|reden)"  # a word and its detail
)
_NOTICE = re.compile(r"k(ü|ue|u)ndigungs(frist|schutz)\w*")  # how long before the end one has to ask for it
_LEAVING = re.compile(
    r"cancel\w*|exit(s|ed|ing)?|terminat\w*|departure|departed|quit|unsubscri\w*|deactivat\w*|disconnect\w*|offboard\w*"
    rf"|leave|leaving|leaver|defect(ed|ion)|attrit\w*|resign\w*|(?!{_NOTICE.pattern})(?:{_ABROAD})"
)
_PERHAPS_LEAVING = frozenset(
    "left end ended close closed closing closure lost lapse lapsed expired status state active inactive reason winback "
    "refund refunded retention retained final outcome stayed lifecycle "
    "statut estado stato estatus situação situacao situación situacion situation zustand toestand".split()
)
_BEFORE_LEAVING = ("request", "survey", "offer", "attempt", "prevent", "save", "feedback", "polic", "order")
# A flag of one of these, and of nothing else, is 1 for who left: "left", but not "left_a_review".
_LEFT_FLAG = re.compile(
    r"cancel\w*|exit(s|ed)?|terminated|departed|quit|unsubscri\w*|deactivated|disconnected|offboarded|left|leave[rs]?"
    rf"|lost|lapsed?|defect(ed|or)|resigned|inactive|gone|dropout|(?!{_NOTICE.pattern})(?:{_ABROAD})"
)
_BESIDE_LEFT = frozenset(
    "is has was customer client user subscriber member account flag label target value in the next within days day "
    "months month weeks week year d m bank company service "
    "ist hat wurde kunde mitglied est client abonné es ha cliente socio foi klant lid".split()
)
_TURNS = re.compile(
    r"no|not|non|never|without|free|anti|un|prior|before|prevent\w*|avoid\w*|surviv\w*|sav(ed?|ing)|stay\w*|retain\w*"
    r"|retention|renew\w*|active|loyal|kept|existing|offers?|accept\w*|winback|won|back|return\w*|reactivat\w*|target(ed|ing)"
)
_TREATMENT = re.compile(
    r"offers?|promos?|promotions?|coupons?|vouchers?|campaigns?|incentives?|rebates?|goodwill|concessions?|outreach"
    r"|treatments?|treated|experiments?|holdout|uplift|winback|retention|saved?|saves|rescued?|dissuaded?"
)
_TEST = frozenset("test control ab treatment experiment".split())
_TEST_PART = frozenset("group groups arm cell variant bucket cohort test flag".split())
_DETAIL = frozenset(
    "reason reasons score date day days dt time timestamp datetime at on cause category comment comments feedback "
    "survey probability prob risk month since grund datum motif motivo fecha data causa reden".split()
)
_IDENTIFYING = frozenset(
    {
        "id",
        "uuid",
        "guid",
        "key",
        "no",
        "number",
        "nr",
        "num",
        "index",
        "row",
        "msisdn",
        "phone",
        "imsi",
        "imei",
        "iban",
    }
)
_NUMBER_OF = frozenset("n no nº nr num número numero numéro code codigo código codice réf ref référence".split())
_OF_ONE = 3  # "Código de cliente", but not a number of customers, which is a plural
_LINE_OR_PLACE = frozenset(
    "phone telephone tel fax telefax zip zipcode postcode postalcode postal plz pincode eircode".split()
)
_CONTACT = frozenset("call calls contact talk conversation chat visit session".split())
_LENGTH = frozenset("duration length seconds secs".split())
_TOTAL = frozenset("total subtotal sum line extended".split())
_KINDS = frozenset("id code status type method category barcode upc ean gtin isbn sku".split())
_GLUED_KINDS = re.compile(r".*(id|code|type|status|method|category)")
_PERSONAL = frozenset(
    {"surname", "lastname", "firstname", "fullname", "forename", "email", "mail", "address", "street"}
)
_CUSTOMERS = frozenset(
    "customer client account user subscriber member consumer buyer player company organisation organization tenant "
    "household patient student guest shopper donor cust acct "
    # The same in other languages; an s at the end is left out before.
    "kunde kunden kundin klient klienci klant klanten kund kunder asiakas asiakkaat mitglied mitglieder nutzer "
    "benutzer gebruiker abonnent abonnenten abonenci abonne abonné abonado assinante suscriptor suscriptore cliente "
    "adhérent adherent teilnehmer iscritto abbonato "
    "clienti utente utenti usuario usuário utilisateur miembro membre socio müşteri musteri zakaznik zákazník "
    "顧客 会員 客户 клиент клиенты".split()
)
_HELD = frozenset(
    "subscription contract plan membership policy license licence agreement price tariff attribute history".split()
)
_GLUED = re.compile(
    r".*id|.*nummer|(customer|client|cust|user|account|acct|member|subscriber|row|order|person|contract|policy|card|phone|serial)"
    r"(no|num|nr|nbr|number|code|key|index)"
)
_NO_ID = ("paid", "bid", "grid", "hybrid", "valid", "void", "solid", "fluid", "liquid", "rapid", "covid", "mid", "aid")


def title(name: str, unit: str | None = None) -> str:
    """``MonthlyCharges`` -> "monthly charges"; abbreviations keep their capitals, a ``unit`` at the end is left out."""
    found = WORD_PATTERN.findall(name)
    if unit and len(found) > 1 and found[-1].lower().removesuffix("s") == unit.lower().removesuffix("s"):
        found = found[:-1]  # "tenure_months" is written as "tenure 7 months"
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in found) or name


def names_leaving(name: str) -> bool:
    """Whether ``name`` plainly speaks of leaving: churn, or a reason, score or date of an exit."""
    if "churn" in name.lower() or "attrition" in name.lower():
        return True
    found = words(name)
    if any(map(_GLUED_ABROAD.fullmatch, found)):
        return True
    return any(_LEAVING.fullmatch(word) for word in found) and any(word in _DETAIL for word in found)


def table_names_leaving(name: str) -> bool:
    """Whether ``name`` is that of a table of leavings, such as "cancellations"; requests and surveys are none."""
    found = words(name)
    leaving = names_leaving(name) or any(_LEAVING.fullmatch(word) for word in found)
    return leaving and not any(word.startswith(_BEFORE_LEAVING) for word in found)


def may_name_leaving(name: str) -> bool:
    """Whether ``name`` could speak of leaving (a status, an end, a refund), so that the values must decide."""
    return any(_LEAVING.fullmatch(word) or word in _PERHAPS_LEAVING for word in words(name))


def affirms_leaving(name: str) -> bool:
    """Whether a "yes" or a 1 under ``name`` means that the customer left: it speaks of leaving alone."""
    found = words(name)
    if any(_TURNS.fullmatch(word) for word in found):
        return False
    if "churn" in name.lower() or "attrition" in name.lower():
        return "unchurn" not in name.lower()
    return any(map(_LEFT_FLAG.fullmatch, found)) and all(
        _LEFT_FLAG.fullmatch(word) or word in _BESIDE_LEFT or word.isdigit() for word in found
    )


def is_left_abroad(word: str) -> bool:
    """Whether ``word``, in lower case, says in another language that a customer left, such as "gekündigt"."""
    return re.fullmatch(_ABROAD, word) is not None


def names_treatment(name: str) -> bool:
    """Whether ``name`` speaks of an attempt to keep the customer (an offer, a retention call), or of a test's group."""
    found = words(name)
    tested = any(one in _TEST and other in _TEST_PART for one, other in itertools.pairwise(found))
    won_back = ["win", "back"] in [found[place : place + 2] for place in range(len(found))]
    return tested or won_back or any(map(_TREATMENT.fullmatch, found))


def names_identifier(name: str) -> bool:
    """Whether ``name`` ends in a word such as "id", or begins with one, as "N° client" does."""
    found = words(name)
    if not found:
        return False
    if found[0] in _NUMBER_OF and found[-1] in _CUSTOMERS and len(found) <= _OF_ONE:
        return True
    glued = _GLUED.fullmatch(found[-1]) is not None and not found[-1].endswith(_NO_ID)
    return found[-1] in _IDENTIFYING or found[0] in {"id", "index", "row", "numero", "número", "numéro"} or glued


def names_line_or_place(name: str) -> bool:
    """Whether ``name`` is that of a telephone number or a post code, whose digits count nothing."""
    found = words(name)
    return bool({*found[-1:], "".join(found[-2:])} & _LINE_OR_PLACE)


def names_kind(name: str) -> bool:
    """Whether numbers under ``name`` stand for kinds of things, such as post codes, IDs of methods, a status."""
    found = words(name)
    return bool(found) and (
        found[-1] in _KINDS
        or names_line_or_place(name)
        or (_GLUED_KINDS.fullmatch(found[-1]) is not None and not found[-1].endswith(_NO_ID))
    )


def names_person(name: str) -> bool:
    """Whether ``name`` is that of a person's name or contact details."""
    found = words(name)
    return bool(set(found) & _PERSONAL) or found[-2:] in (["first", "name"], ["last", "name"], ["full", "name"])


def names_contact_length(name: str) -> bool:
    """Whether ``name`` may be that of the length of one contact, such as "duration" or "call_seconds"."""
    found = words(name)
    return found == ["duration"] or bool(set(found) & _CONTACT and set(found) & _LENGTH)


def names_total_price(name: str) -> bool:
    """Whether ``name`` is that of the price of a whole row, such as "Total Price": it is summed as it stands."""
    found = set(words(name))
    return "price" in found and bool(found & _TOTAL)


def names_date(name: str) -> bool:
    """Whether ``name`` holds a word such as "date"."""
    return any(
        word in {"date", "dt", "day", "timestamp", "datetime", "time", "at", "on", "dob"} for word in words(name)
    )


def speaks_of_customer(column: str) -> bool:
    """Whether ``column`` is called like what names a customer."""
    found = [_singular(word) for word in words(column)]
    plain = "".join(found)
    return bool(set(found) & _CUSTOMERS) or any(plain.startswith(word) and len(word) > 3 for word in _CUSTOMERS)


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def is_word_for_customer(column: str) -> bool:
    """Whether ``column`` is called by a word for a customer and nothing more, as "user" and "Customers" are."""
    found = words(column)
    return len(found) == 1 and _singular(found[0]) in _CUSTOMERS


def names_held_thing(name: str) -> bool:
    """Whether ``name`` is that of a thing which a customer holds for a time: a subscription, a contract."""
    found = words(name)
    ones = {word.removesuffix("s") for word in found} | {f"{word[:-3]}y" for word in found if word.endswith("ies")}
    return bool(ones & _HELD)
