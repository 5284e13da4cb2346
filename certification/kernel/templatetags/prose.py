"""Drawing staff's texts: `{% prose_blocks blocks %}` and `{{ line|spans }}`, escaped throughout."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from certification.kernel.prose import Block, Line, Span

register = template.Library()


@register.inclusion_tag("ui/prose_blocks.html")
def prose_blocks(blocks: Sequence[Block]) -> dict[str, Sequence[Block]]:
    """Paragraphs, lists and tables, one after another."""
    return {"blocks": blocks}


@register.filter
def spans(line: Line) -> SafeString:
    """A line with its strong words and its links."""
    return format_html_join("", "{}", ((_drawn(span),) for span in line))


def _drawn(span: Span) -> str:
    if span.href:
        return format_html('<a href="{}">{}</a>', span.href, span.text)
    return format_html("<strong>{}</strong>", span.text) if span.strong else span.text
