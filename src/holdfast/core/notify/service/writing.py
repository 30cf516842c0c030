"""What an organisation may write into a text of a message: words, what the message is told, conditions, few filters.

Nothing in it repeats, calls or reaches into anything, so that whoever may edit texts can neither read what is not
theirs nor keep the sender busy.
"""

from collections.abc import Iterator, Mapping

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from holdfast.core.notify.service.texts import HTML, LONGEST_SUBJECT, PLAIN, Wording, names_of, render
from holdfast.kernel.errors import Invalid
from holdfast.kernel.plugins import Message

LONGEST_TEXT = 20_000
DEEPEST = 8
FILTERS = frozenset({"capitalize", "default", "lower", "title", "trim", "truncate", "upper"})
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.If,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Const,
    nodes.Filter,
    nodes.Keyword,
)
_SAID: Mapping[type[nodes.Node], str] = {
    nodes.For: "has a loop",
    nodes.Call: "calls something",
    nodes.Getattr: "reaches into a value",
    nodes.Getitem: "reaches into a value",
    nodes.Include: "includes something",
    nodes.Import: "imports something",
    nodes.Macro: "has a macro",
}


def check(message: Message, wording: Wording) -> None:
    """Raise Invalid naming the field and what is wrong in it, for a text that is not rendered."""
    if "\n" in wording.subject or len(wording.subject) > LONGEST_SUBJECT:
        raise Invalid.field("body.subject", "too_long", f"must be one line of at most {LONGEST_SUBJECT} characters")
    for field, source in (("subject", wording.subject), ("text", wording.text), ("html", wording.html or "")):
        if len(source) > LONGEST_TEXT:
            raise Invalid.field(f"body.{field}", "too_long", f"must be at most {LONGEST_TEXT:,} characters")
        fault = _fault(source, names_of(message), as_html=field == "html")
        if fault:
            raise Invalid.field(f"body.{field}", "not_allowed", fault)
    if not render(wording, "", dict.fromkeys(names_of(message), "…")).subject:
        raise Invalid.field("body.subject", "empty", "must hold something")


def _fault(source: str, names: frozenset[str], *, as_html: bool) -> str | None:
    environment = HTML if as_html else PLAIN
    try:
        for node, depth in _walk(environment.parse(source), 0):
            said = _said(node, names)
            if said or depth > DEEPEST:
                return said or "is nested too deeply"
        environment.from_string(source).render(dict.fromkeys(names, "…"))
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    except (TemplateError, TypeError, ValueError) as error:
        return f"cannot be rendered: {error}"
    except RecursionError:
        return "is nested too deeply"
    return None


def _said(node: nodes.Node, names: frozenset[str]) -> str | None:
    where = f"line {node.lineno}: "
    if isinstance(node, nodes.Name) and (node.ctx != "load" or node.name not in names):
        return f"{where}{node.name} is not among {', '.join(sorted(names))}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"{where}the filter {node.name} is not among {', '.join(sorted(FILTERS))}"
    if not isinstance(node, _ALLOWED):
        kind = type(node)
        return where + _SAID.get(kind, f"has what texts cannot have ({kind.__name__.lower()})")
    return None


def _walk(node: nodes.Node, depth: int) -> Iterator[tuple[nodes.Node, int]]:
    """Yield a node and all below it, each with how many conditions and expressions it stands in."""
    waiting = [(node, depth)]
    while waiting:
        found, level = waiting.pop()
        yield found, level
        deeper = level + isinstance(found, nodes.If | nodes.Expr)
        waiting += [(child, deeper) for child in found.iter_child_nodes()]
