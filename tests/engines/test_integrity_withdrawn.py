"""Who turned a finding of the own into nothing is named, beside what the others did."""

from tidewaiter.engines.integrity.withdrawn import OwnFinding, withdrawn_findings


def found(number: int, officer: str, *, withdrawn: bool = False, declarant: str = "DEC1") -> OwnFinding:
    return OwnFinding(
        act_id=f"A{number}",
        declaration_id=f"D{number}",
        office="PORT",
        officer=officer,
        declarant=declarant,
        withdrawn=withdrawn,
    )


def test_an_officer_who_withdrew_findings_is_named_with_share_and_what_the_others_withdrew() -> None:
    held = [found(1, "ann", withdrawn=True), found(2, "ann"), found(3, "bob"), found(4, "bob", withdrawn=True)]
    held += [found(5, "cid"), found(6, "cid")]
    screening = withdrawn_findings(held)
    assert screening.tested == 6
    assert [(one.officer, one.party, one.office, one.evidence) for one in screening.findings] == [
        ("ann", "DEC1", "PORT", ("A1", "D1")),
        ("bob", "DEC1", "PORT", ("A4", "D4")),
    ]
    (figure,) = screening.findings[0].figures
    assert (figure.rate.numerator, figure.rate.denominator, figure.expected) == (1, 2, 0.5)


def test_findings_of_several_declarants_name_none() -> None:
    (one,) = withdrawn_findings([found(n, "ann", withdrawn=True, declarant=f"DEC{n}") for n in (1, 2)]).findings
    assert (one.party, one.figures[0].expected) == (None, None)
    assert "2 of 2 findings of the own into nothing, of 2 declarants" in one.sentence


def test_where_nothing_was_withdrawn_nothing_is_found() -> None:
    assert withdrawn_findings([found(1, "ann")]).findings == ()
    assert withdrawn_findings([]).tested == 0
