"""Renders templates with Python's Jinja2, the language's own implementation, set up as Hugging Face's
transformers does. The same lines in and out as text_runner render."""
import datetime
import json
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment, SecurityError


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment(kind):
    made = kind(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return made


def main():
    usual = environment(ImmutableSandboxedEnvironment)
    # Kimi-K2's template appends to a list, which the usual sandbox refuses to everybody.
    mutable = environment(SandboxedEnvironment)
    parsed = {}
    for line in sys.stdin:
        request = json.loads(line)
        source = request["template"]

        def render(kind):
            if (kind, source) not in parsed:
                parsed[kind, source] = kind.from_string(source)
            return parsed[kind, source].render(
                bos_token=request["bos"], eos_token=request["eos"], **request["variables"])

        try:
            try:
                reply = {"text": render(usual)}
            except SecurityError:
                reply = {"text": render(mutable)}
        except Exception as error:  # any failure of a template counts as a refusal
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply))


main()
