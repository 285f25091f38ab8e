"""Who turned findings into nothing is named with who had entered them, beside what became of the others."""

from tidewaiter.engines.integrity.withdrawn import EnteredFinding, withdrawn_findings


def found(number: int, officer: str, *by: str, declarant: str = "DEC1") -> EnteredFinding:
    return EnteredFinding(
        record_id=f"A{number}",
        declaration_id=f"D{number}",
        office="PORT",
        officer=officer,
        declarant=declarant,
        withdrawn_by=by,
    )


def test_an_officer_who_withdrew_findings_is_named_with_share_and_what_became_of_the_others() -> None:
    held = [found(1, "ann", "ann"), found(2, "ann"), found(3, "bob"), found(4, "bob", "bob")]
    held += [found(5, "cid"), found(6, "cid")]
    screening = withdrawn_findings(held)
    assert screening.tested == 6
    assert [(one.officer, one.party, one.office, one.evidence) for one in screening.findings] == [
        ("ann", "DEC1", "PORT", ("A1", "D1")),
        ("bob", "DEC1", "PORT", ("A4", "D4")),
    ]
    (figure,) = screening.findings[0].figures
    assert (figure.rate.numerator, figure.rate.denominator, figure.expected) == (1, 2, 0.5)


def test_a_manager_who_withdrew_what_others_found_is_named_once_with_all_of_them() -> None:
    held = [found(1, "ann", "boss"), found(2, "ann", "boss", "ann"), found(3, "bob", "boss"), found(4, "cid")]
    ann, boss = withdrawn_findings(held).findings
    assert (ann.officer, boss.officer, boss.evidence) == ("ann", "boss", ("A1", "D1", "A2", "D2", "A3", "D3"))
    assert "boss turned 3 of 3 findings into nothing, entered by ann (2), bob (1)" in boss.sentence
    assert boss.figures[0].expected == 0.0


def test_findings_of_several_declarants_name_none() -> None:
    (one,) = withdrawn_findings([found(n, "ann", "ann", declarant=f"DEC{n}") for n in (1, 2)]).findings
    assert (one.party, one.figures[0].expected) == (None, None)
    assert "2 of 2 findings into nothing, entered by ann (2), of 2 declarants" in one.sentence


def test_one_finding_of_one_declarant_is_told_in_the_singular() -> None:
    (one,) = withdrawn_findings([found(1, "ann", "boss")]).findings
    assert one.sentence == "Officer boss turned 1 of 1 finding into nothing, entered by ann (1), of 1 declarant."


def test_where_nothing_was_withdrawn_nothing_is_found() -> None:
    assert withdrawn_findings([found(1, "ann")]).findings == ()
    assert withdrawn_findings([]).tested == 0
