"""A back-test as JSON: the keys other programs rely on, in a stable order.

Counts and shares are numbers; money and hours are decimal strings, for these are exact. What was not tried is null.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from tidewaiter.core.rate import Rate
from tidewaiter.engines.backtest.report import (
    Advice,
    AgainstIncumbent,
    Count,
    Estimate,
    Example,
    Pair,
    Period,
    ProfileFigures,
    RandomSample,
    Report,
    Results,
    Spread,
    Weighted,
)

DIGITS = 6

type Json = dict[str, object]


def report_json(report: Report) -> Json:
    """Return the report as values that `json.dumps` takes."""
    return {
        **_part(report),
        "currency": report.currency,
        "tuned_until": _day(report.tuned_until),
        "parts": [_part(part) for part in report.parts],
    }


def _part(report: Report) -> Json:
    return {
        "period": _period(report.period),
        "items": report.items,
        "declarations": report.declarations,
        "results": _results(report.everything),
        "random_sample": _random(report.base),
        "immature_from": _day(report.immature_from),
        "offices": _counts(report.offices),
        "united": _profile(report.united),
        "profiles": [{"code": figures.code, **_profile(figures)} for figures in report.profiles],
        "overlap": [_overlap(pair) for pair in report.overlap],
        "advice": [_advice(given) for given in report.advice],
    }


def _profile(figures: ProfileFigures) -> Json:
    days = len(figures.by_day)
    return {
        "matches": figures.matches,
        "declarations": figures.declarations,
        "matches_per_day": round(figures.matches / days, DIGITS),
        "declarations_per_day": round(figures.declarations / days, DIGITS),
        **_results(figures.results),
        "labelled_share": _rate(figures.labelled_share),
        "caught": _rate(figures.caught),
        "missed": figures.missed,
        "marginal_matches": figures.marginal.items,
        "marginal_declarations": figures.marginal.declarations,
        "marginal_in_force_matches": figures.marginal_in_force.items,
        "marginal_in_force_declarations": figures.marginal_in_force.declarations,
        "immature_declarations": figures.immature,
        "last_match_on": _day(figures.last_match_on),
        "random_sample": _random(figures.random),
        "weighted": _weighted(figures.weighted),
        "incumbent": _against(figures.against),
        "by_month": _counts(figures.by_month),
        "by_office": _counts(figures.by_office),
        "by_day": [[count.items, count.declarations] for count in figures.by_day],
        "examples": [_example(example) for example in figures.examples],
    }


def _results(results: Results) -> Json:
    return {
        "labelled": results.labelled,
        "labelled_items": results.labelled_items,
        "offences": results.offences,
        "offences_items": results.offences_items,
        "immaterial": results.immaterial,
        "pending": results.pending,
        "not_inspected": results.not_inspected,
        "hit_rate": _rate(results.hit_rate),
        "hit_rate_kind": "naive",
        "hit_rate_items": _rate(results.hit_rate_items),
        "recovered": _exact(results.recovered),
        "officer_hours": _exact(results.officer_hours),
        "value_per_officer_hour": _exact(results.value_per_officer_hour),
        "trader_hours": _exact(results.trader_hours),
        "false_positive_officer_hours": _exact(results.false_positive_officer_hours),
        "false_positive_trader_hours": _exact(results.false_positive_trader_hours),
    }


def _rate(share: Rate | None) -> Json | None:
    if share is None:
        return None
    return {
        "numerator": share.numerator,
        "denominator": share.denominator,
        "low": round(share.low, DIGITS),
        "high": round(share.high, DIGITS),
    }


def _random(sample: RandomSample | None) -> Json | None:
    if sample is None:
        return None
    return {
        "labelled": sample.labelled,
        "hit_rate": _rate(sample.hit_rate),
        "base_rate": _rate(sample.base_rate),
        "lift": _share(sample.lift),
        "recall": _rate(sample.recall),
    }


def _weighted(estimates: Weighted | None) -> Json | None:
    if estimates is None:
        return None
    return {
        "hit_rate": _estimate(estimates.hit_rate),
        "recall": _estimate(estimates.recall),
        "refused": estimates.refused,
    }


def _estimate(estimate: Estimate | None) -> Json | None:
    if estimate is None:
        return None
    return {
        "value": _share(estimate.value),
        "low": _share(estimate.low),
        "high": _share(estimate.high),
        "cases": estimate.cases,
        "effective_cases": round(estimate.effective, 1),
        "worst": _share(estimate.worst),
        "best": _share(estimate.best),
    }


def _against(compared: AgainstIncumbent | None) -> Json | None:
    if compared is None:
        return None
    return {
        "examinations": compared.examinations,
        "offences": _spread(compared.ours),
        "incumbent_offences": _spread(compared.theirs),
        "labelled_of_both": compared.both,
        "labelled_share": _rate(compared.our_labelled_share),
        "incumbent_labelled_share": _rate(compared.their_labelled_share),
        "bounds": _bounds(compared.our_bounds),
        "incumbent_bounds": _bounds(compared.their_bounds),
    }


def _spread(spread: Spread) -> Json:
    return {"mean": _share(spread.mean), "low": _share(spread.low), "high": _share(spread.high)}


def _bounds(bounds: tuple[float, float] | None) -> Json | None:
    return None if bounds is None else {"low": _share(bounds[0]), "high": _share(bounds[1])}


def _example(example: Example) -> Json:
    return {
        "kind": example.kind,
        "declaration_id": example.declaration_id,
        "items": list(example.items),
        "lodged_on": _day(example.lodged_on),
        "office": example.office,
        "categories": list(example.categories),
        "facts": {name: _fact(value) for name, value in example.facts.items()},
    }


def _overlap(pair: Pair) -> Json:
    return {
        "a": pair.a,
        "b": pair.b,
        "matches_both": pair.both,
        "matches_a": pair.of_a,
        "matches_b": pair.of_b,
        "jaccard": _share(pair.jaccard),
    }


def _advice(given: Advice) -> Json:
    return {"action": given.action, "profiles": list(given.codes), "reason": given.reason}


def _counts(counts: Mapping[str, Count]) -> Json:
    return {name: {"items": count.items, "declarations": count.declarations} for name, count in counts.items()}


def _period(period: Period) -> Json:
    return {"from": _day(period.start), "to": _day(period.end), "days": period.days}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _exact(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _fact(value: object) -> object:
    match value:
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return value
