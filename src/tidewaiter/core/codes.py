"""Code lists and check digits. A code that is not known is kept; that it is unknown becomes a fact."""

import re
from collections.abc import Callable, Mapping

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ
    UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
USER_ASSIGNED = frozenset({"XK", "XT"})
"""Codes ISO 3166-1 leaves to its users that we know: XK Kosovo, XT Tessaria (the fictional country of `generate`)."""

COUNTRIES = frozenset(_COUNTRIES.split()) | USER_ASSIGNED
"""ISO 3166-1 alpha-2, officially assigned, and those of USER_ASSIGNED."""

_CURRENCIES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
    CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX
    YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CURRENCIES.split())
"""ISO 4217 alphabetic codes in force."""

INCOTERMS = frozenset(("EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP", "DAT", "DAF"))
"""Incoterms 2020, and the two of 2010 and 2000 that declarations still carry (DAT, DAF)."""

HS_EDITIONS = (1988, 1992, 1996, 2002, 2007, 2012, 2017, 2022, 2028)
"""Years in which an edition of the Harmonized System came, or comes, into force."""

_HS = re.compile(r"(?:\d{2}|\d{4}|\d{6,12})", re.ASCII)
_LOCATION = re.compile(r"([A-Z]{2})[A-Z2-9]{3}", re.ASCII)
_CONTAINER = re.compile(r"[A-Z]{3}[UJZ]\d{7}", re.ASCII)
_LETTER_VALUES = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (n for n in range(10, 39) if n % 11), strict=True))


def is_hs_code(code: str) -> bool:
    """Tell whether the text is built as a commodity code: 2, 4 or 6 to 12 digits in chapters 01 to 97 without 77.

    Chapters 98 and 99 are left to national use by the Harmonized System and count as well.
    """
    return _HS.fullmatch(code) is not None and code[:2] not in ("00", "77")


def is_hs_edition(year: int) -> bool:
    """Tell whether an edition of the Harmonized System bears that year."""
    return year in HS_EDITIONS


def is_location(code: str) -> bool:
    """Tell whether the text is built as a UN/LOCODE: a country and three letters or digits 2 to 9."""
    match = _LOCATION.fullmatch(code)
    return match is not None and (match[1] in COUNTRIES or match[1] in ("XZ", "XK"))


def container_check_digit(number: str) -> int:
    """Return the check digit of the first ten characters of a container number (ISO 6346, annex A).

    Raises ValueError where these are not four letters and six digits.
    """
    head = number[:10]
    if re.fullmatch(r"[A-Z]{4}\d{6}", head, re.ASCII) is None:
        raise ValueError(f"{number!r} does not begin with four letters and six digits")
    total = sum(_LETTER_VALUES.get(c, 0) << i if c.isalpha() else int(c) << i for i, c in enumerate(head))
    return total % 11 % 10


def is_container(number: str) -> bool:
    """Tell whether the text is a container number of ISO 6346 with the right check digit."""
    return _CONTAINER.fullmatch(number) is not None and container_check_digit(number) == int(number[10])


KNOWN: Mapping[str, Callable[[str], bool]] = {
    "countries": COUNTRIES.__contains__,
    "currencies": CURRENCIES.__contains__,
    "locations": is_location,
    "hs": is_hs_code,
}
"""The code lists a field may name (`Field.codes`), each telling whether a code is known."""
