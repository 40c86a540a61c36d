"""What the setup form holds as a setup, and a setup as what the form holds. Pure, but for what is asked of `prefer`."""

from collections.abc import Callable

from apehost_core.chat.preferences import checked, combined, values_of
from apehost_core.compare.checks import checked_check
from apehost_core.compare.comparison import Contender, Judge, Power, Prompt, Setup
from apehost_core.compare.prompts import fields_of, from_template, from_text
from apehost_core.errors import Fault, InputRefused
from apehost_core.model import Preferences
from apehost_ui.components.preference_fields import in_words
from apehost_ui.page_state import CheckDraft, ContenderDraft, Picked, SetupDraft

Prefer = Callable[[Picked, Preferences], Preferences]
"""Returns what a model's answers use, given what the form sets for it."""

_LONGEST_VARIANT = 60


def setup_of(draft: SetupDraft, prefer: Prefer) -> Setup:
    """Return what the form describes.

    Raises:
        InputRefused: A part of it cannot be read; the fault says which.
    """
    benchmark = draft.mode == "benchmark"
    servers = {line.model.server for line in draft.contenders}
    return Setup(
        mode=draft.mode,
        prompts=prompts_of(draft),
        contenders=tuple(_contender(line, draft.shared, prefer) for line in draft.contenders),
        repeats=draft.repeats if benchmark else 1,
        cache=draft.cache if benchmark else "leave",
        warm_ups=draft.warm_ups if benchmark else 0,
        together=draft.together and not benchmark,
        same_machine=draft.same_machine,
        checks=tuple(checked_check(check.kind, check.value) for check in draft.checks if check.value.strip()),
        judge=None if draft.judge is None else _judge(draft.judge),
        power=tuple(Power(name, watts) for name, watts in draft.watts.items() if watts and name in servers),
        price_kwh=draft.price_kwh,
    )


def prompts_of(draft: SetupDraft) -> tuple[Prompt, ...]:
    """Return what is asked.

    Raises:
        InputRefused: There is nothing, or it cannot be read.
    """
    found = (Prompt(draft.prompt),) if draft.mode == "side_by_side" else tuple(_of_source(draft))
    if not any(prompt.text.strip() for prompt in found):
        raise InputRefused(Fault(kind="bad_request", title="There is no prompt yet", advice=_ADVICE[_place(draft)]))
    topic = draft.topic.strip()
    return tuple(_with_topic(prompt, topic) for prompt in found) if topic else found


def new_draft(old: SetupDraft) -> SetupDraft:
    """Return an empty form in place of the old one; its fields begin anew, too."""
    return SetupDraft(version=old.version + 1)


def draft_of(setup: Setup, title: str, old: SetupDraft) -> SetupDraft:
    """Return a form that describes a setup, in place of the old one.

    Args:
        setup: What shall be compared again, with changes.
        title: What its comparison is called.
        old: The form that is there now.
    """
    draft = new_draft(old)
    draft.mode, draft.together, draft.same_machine = setup.mode, setup.together, setup.same_machine
    draft.shared = _common(setup)
    for contender in setup.contenders:
        model = Picked(contender.server, contender.model, contender.quantisation)
        own = _beside(contender.preferences, draft.shared)
        draft.contenders.append(ContenderDraft(draft.next_number(), model, own))
    if setup.mode == "side_by_side":
        draft.prompt = setup.prompts[0].text
        draft.topic = setup.prompts[0].topic
    else:
        draft.source, draft.file, draft.file_prompts = "file", f"“{title}”", setup.prompts
        draft.repeats, draft.cache, draft.warm_ups = setup.repeats, setup.cache, setup.warm_ups
    draft.checks = [CheckDraft(draft.next_number(), check.kind, check.value) for check in setup.checks]
    judge = setup.judge
    draft.judge = None if judge is None else Picked(judge.server, judge.model, judge.quantisation)
    draft.watts = {power.server: power.watts for power in setup.power}
    draft.price_kwh = setup.price_kwh
    return draft


_ADVICE = {
    "prompt": "Write what all models shall be asked.",
    "typed": "Write one a line, or longer ones with lines of --- between them.",
    "template": "Write a text, with {{fields}} where values differ.",
    "file": "Choose a file.",
    "history": "Press Find, or loosen the filters.",
}


def _place(draft: SetupDraft) -> str:
    return "prompt" if draft.mode == "side_by_side" else draft.source


def _of_source(draft: SetupDraft) -> list[Prompt]:
    match draft.source:
        case "typed":
            return from_text(draft.typed, "The box") if draft.typed.strip() else []
        case "template":
            names = fields_of(draft.template)
            grid = {name: _values(draft.grid.get(name, "")) for name in names}
            return from_template(draft.template, grid) if draft.template.strip() else []
        case "file":
            return list(draft.file_prompts)
        case "history":
            found = draft.past or ()
            chosen = [found[place] for place in draft.past_chosen if place < len(found)]
            return chosen or list(found)


def _values(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _with_topic(prompt: Prompt, topic: str) -> Prompt:
    if prompt.topic:
        return prompt
    return Prompt(prompt.text, topic, prompt.origin, prompt.variables, prompt.checks)


def _contender(line: ContenderDraft, shared: Preferences, prefer: Prefer) -> Contender:
    words = in_words(line.own)
    return Contender(
        server=line.model.server or "",
        model=line.model.model,
        quantisation=line.model.quantisation,
        preferences=prefer(line.model, combined(line.own, shared)),
        variant=words if len(words) <= _LONGEST_VARIANT else f"{words[: _LONGEST_VARIANT - 1]}…",
    )


def _common(setup: Setup) -> Preferences:
    """Return what all contenders set to the same."""
    first, *others = (values_of(contender.preferences) for contender in setup.contenders)
    return checked({name: value for name, value in first.items() if all(other.get(name) == value for other in others)})


def _beside(own: Preferences, shared: Preferences) -> Preferences:
    common = values_of(shared)
    return checked({name: value for name, value in values_of(own).items() if name not in common})


def _judge(picked: Picked) -> Judge:
    return Judge(picked.server or "", picked.model, picked.quantisation)
