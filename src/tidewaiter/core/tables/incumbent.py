"""What the system in use decided, so that ours can be compared with it."""

from tidewaiter.core.channel import Channel
from tidewaiter.core.tables.field import Table, code, flag, instant, ratio, text, word

CHANNELS = tuple(channel.value for channel in Channel)

INCUMBENT = Table(
    name="incumbent",
    meaning="Decisions of the system in use: channel, criterion, re-routes and examiner.",
    key=("declaration_id",),
    day="decided_at",
    fields=(
        text("declaration_id", "Declaration decided", required=True),
        instant("decided_at", "When it was decided", required=True),
        word("channel", "Channel given", CHANNELS, required=True),
        code("criterion", "Criterion that selected; absent when none did, as where the random sample alone did"),
        word("rerouted_to", "Channel after a re-route by a person", CHANNELS),
        text("reroute_reason", "Reason of the re-route"),
        code("examiner", "Examiner assigned"),
        ratio("selection_probability", "Logged probability of selection, 0 to 1"),
        flag("in_random_sample", "Drawn for the random sample, whatever else selected it"),
    ),
)
