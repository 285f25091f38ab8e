"""The names a condition may use, and what to say about one that it may not."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from tidewaiter.core.facts import Catalogue, Fact, FactType
from tidewaiter.core.profile import Match, NamedList
from tidewaiter.language.literals import Refused
from tidewaiter.language.syntax import RESERVED, Token

FUNCTIONS = ("starts_with", "has_word", "in_list", "at_least", "points")
_COMPUTED = "computed values are facts; see `tidewaiter facts`"
_INSTEAD = {
    "contains": "use has_word(fact, 'phrase')",
    "regexp_matches": "use has_word or starts_with",
    "startswith": "use starts_with(fact, 'a', 'b')",
    "substr": "use starts_with, or a fact such as hs4; see `tidewaiter facts`",
    "substring": "use starts_with, or a fact such as hs4; see `tidewaiter facts`",
    "left": "use starts_with, or a fact such as hs4; see `tidewaiter facts`",
    "lower": "codes are upper-cased when loaded, and has_word takes no notice of case",
    "upper": "codes are upper-cased when loaded, and has_word takes no notice of case",
    "coalesce": "write fact IS NULL OR ...",
    "count": "use at_least(n, a, b, ...)",
}


class Names:
    """The facts, indicators and lists a condition may use."""

    def __init__(
        self, catalogue: Catalogue, indicators: Collection[str], lists: Mapping[str, NamedList] | Collection[str]
    ) -> None:
        """Take the catalogue and the names; lists may come with their content, which is then checked against facts."""
        self.catalogue = catalogue
        self.indicators = frozenset(indicators)
        self.lists = lists
        self._nearest: dict[str, str | None] = {}

    def fact(self, name: Token, problems: list[Refused]) -> Fact | None:
        """Return the fact of that name; None, with the problem noted, when there is none."""
        if name.written in self.catalogue:
            return self.catalogue[name.written]
        problems.append(self.unknown(name))
        return None

    def unknown(self, name: Token, *, value: bool = True) -> Refused:
        """Return what to say about an unknown name; `value` tells that it stands where a text might."""
        if name.written in self.indicators:
            return Refused(f"'{name.written}' is an indicator and has no value", name.start, "use it alone")
        near = self._near(name.written) or self._near(name.text)
        kind = "fact or indicator" if self.indicators else "fact"
        otherwise = f"text is written in single quotes: '{name.written}'" if value else "see `tidewaiter facts`"
        advice = f"did you mean '{near}'?" if near else otherwise
        return Refused(f"'{name.written}' is not a {kind}", name.start, advice)

    def _near(self, name: str) -> str | None:
        """Return the fact or indicator whose name looks most like this one; looked for once a name."""
        if name not in self._nearest:
            candidates = [*self.catalogue.facts, *sorted(self.indicators)]
            self._nearest[name] = next(iter(get_close_matches(name, candidates, n=1)), None)
        return self._nearest[name]

    def unknown_function(self, name: Token) -> Refused:
        """Return what to say about a function outside the language."""
        near = get_close_matches(name.text, FUNCTIONS, n=1, cutoff=0.75)
        advice = _INSTEAD.get(name.text) or (f"did you mean '{near[0]}'?" if near else _COMPUTED)
        return Refused(f"'{name.written}' is not a function of the language", name.start, advice)

    def list_problem(self, name: str, fact: Fact, offset: int) -> Refused | None:
        """Return what is wrong with asking whether the fact is in that list; None when nothing is."""
        if name not in self.lists:
            near = get_close_matches(name, sorted(self.lists), n=1)
            known = ", ".join(f"'{known}'" for known in sorted(self.lists)[:5])
            advice = f"did you mean '{near[0]}'?" if near else f"known: {known}" if known else "write a file for it"
            return Refused(f"there is no list '{name}'", offset, advice)
        if not isinstance(self.lists, Mapping):
            return None
        match = self.lists[name].match
        if fact.type is FactType.TEXT and match is Match.WORDS:
            return Refused(f"list '{name}' is matched by words and '{fact.name}' is text", offset, "ask a words fact")
        if fact.type is FactType.WORDS and match is Match.PREFIX:
            advice = "give the list match: words, and its entries a final *"
            return Refused(f"list '{name}' is matched by prefix and '{fact.name}' is searched by words", offset, advice)
        return None

    def words_facts(self) -> list[str]:
        """Return the names of the facts that are searched by words."""
        return [fact.name for fact in self.catalogue if fact.type is FactType.WORDS]


def is_name(token: Token) -> bool:
    """Tell whether the token may be the name of a fact or indicator."""
    return token.kind == "word" and token.text not in RESERVED
