"""The printed report: what stands on the page, and that it needs nothing but itself."""

import re
from datetime import date
from html.parser import HTMLParser

import pytest
from tests.backtest_world import DAY_ONE, clean, codes, fact_rows, hs, offence, outcome, outcome_table

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Decision, ItemDecision, Reason, ReasonKind
from tidewaiter.engines.backtest.report import Count, Period, Report
from tidewaiter.engines.backtest.run import backtest
from tidewaiter.faces.report import render_report
from tidewaiter.faces.report.charts import rounded_up, sign, weekly

PERIOD = Period(DAY_ONE, date(2024, 3, 31))
VOID = {"meta", "line", "rect", "circle", "path", "br"}


class Page(HTMLParser):
    """Reads a page: its words, its attributes, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        """Return all words, one space between them."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def small_report() -> Report:
    facts = fact_rows(
        [
            ("D1", 1, DAY_ONE, "NORTH", "640399", "1.00"),
            ("D2", 1, DAY_ONE, "NORTH", "640399", "1.00"),
            ("D3", 1, DAY_ONE, "SOUTH", "870323", "1.00"),
        ]
    )
    known = outcome_table([offence("D1"), clean("D2"), outcome("D3")])
    conditions = {"SHOES": hs("64"), "CARS": codes("870323"), "<IDLE>": codes("000000")}
    return backtest([facts], known, conditions, period=PERIOD, tuned_until=date(2024, 3, 15), currency="EUR")


def decision(number: str, channel: Channel, *, random: bool = False) -> Decision:
    reason = Reason(
        kind=ReasonKind.PROFILE,
        code="SHOES",
        version=1,
        probability=1.0,
        outcomes={channel: 1.0},
        fired=channel is not Channel.GREEN,
        channel=channel,
        items=(1,),
    )
    return Decision(
        declaration_id=number,
        version=1,
        channel=channel,
        treatments=(),
        selection_probability=1.0,
        channel_probabilities={},
        random_probability=0.02,
        in_random_sample=random,
        draw_identity=number,
        reasons=(reason,),
        items=(ItemDecision(item_number=1, reasons=(reason,), instructions=("Open <three> packages",)),),
    )


def page(**changes: object) -> Page:
    given = {"backtests": [small_report()], "title": "Back-test"} | changes
    return Page(render_report(**given))  # type: ignore[arg-type]


def test_the_page_closes_every_element_it_opens() -> None:
    assert page(decisions=[decision("D1", Channel.RED)]).open == []


def test_the_page_fetches_and_runs_nothing() -> None:
    html = render_report([small_report()], title="Back-test", decisions=[decision("D1", Channel.RED)])
    assert "<script" not in html
    assert not re.search(r"(?:https?:)?//[a-z]", html)
    assert all(value.startswith("#") for _, name, value in Page(html).attributes if name in {"href", "src"})


def test_every_rate_stands_beside_its_counts() -> None:
    assert "1 of 2" in page().text


def test_profiles_that_matched_nothing_are_named_once() -> None:
    assert "Matched nothing: <IDLE>." in page().text


def test_what_was_never_examined_is_not_tried() -> None:
    assert "not tried" in page().text


def test_the_page_says_what_its_figures_do_not_say() -> None:
    assert "they do not say what a profile would find among the rest" in page().text


def test_words_of_profiles_and_instructions_are_never_read_as_markup() -> None:
    html = render_report([small_report()], title="A & B", decisions=[decision("D1", Channel.RED)])
    assert "<IDLE>" not in html
    assert "&lt;IDLE&gt;" in html
    assert "Open &lt;three&gt; packages" in html
    assert "<title>A &amp; B</title>" in html


def test_profiles_carry_their_titles_and_the_page_its_sources() -> None:
    text = page(titles={"SHOES": "Cheap shoes"}, sources={"Catalogue": "7"}).text
    assert "Cheap shoes" in text
    assert "Catalogue 7" in text


def test_tuned_days_stand_beside_untouched_ones() -> None:
    text = page().text
    assert "Before and after 2024-03-15" in text
    assert "later, untouched" in text


@pytest.mark.parametrize("channel", Channel)
def test_a_channel_is_a_colour_a_shape_and_a_word(channel: Channel) -> None:
    drawn = sign(channel)
    assert f'class="sign {channel.value}"' in drawn
    assert f"<span>{channel.value}</span>" in drawn


def test_no_two_channels_share_a_shape() -> None:
    shapes = {re.sub(r".*?</?svg[^>]*>(.*?)</svg>.*", r"\1", sign(channel)) for channel in Channel}
    assert len(shapes) == len(Channel)


def test_decisions_are_listed_strictest_first_and_green_only_counted() -> None:
    given = [decision("D1", Channel.GREEN), decision("D2", Channel.YELLOW), decision("D3", Channel.RED, random=True)]
    text = page(decisions=given, decided_on=date(2024, 4, 1)).text
    assert "A day of decisions, 2024-04-01" in text
    assert text.index("D3 version 1") < text.index("D2 version 1")
    assert "D1 version 1" not in text
    assert "1 of 3 declarations are in the random sample" in text


def test_a_long_day_says_how_much_of_it_is_shown() -> None:
    text = page(decisions=[decision(f"D{number:04}", Channel.RED) for number in range(250)]).text
    assert "200 of 250 shown" in text


def test_a_day_without_declarations_can_be_printed() -> None:
    assert "Every declaration is green." in page(decisions=[]).text


def test_an_empty_back_test_can_be_printed() -> None:
    empty = backtest([], outcome_table([]), {"P": hs("64")}, period=PERIOD)
    assert "No profile matched anything." in Page(render_report([empty], title="Nothing")).text


def test_a_week_begins_on_monday_or_with_the_period() -> None:
    days = [Count(1, 1)] * 10
    assert weekly(days, date(2024, 3, 1)) == [(date(2024, 3, 1), 3), (date(2024, 3, 4), 7)]


def test_the_scale_of_rates_ends_at_a_round_share_that_holds_them_all() -> None:
    assert [rounded_up([share]) for share in (0.0, 0.02, 0.021, 0.4, 0.76)] == [0.02, 0.02, 0.05, 0.5, 1.0]
