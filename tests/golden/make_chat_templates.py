#!/usr/bin/env python3
"""Makes chat_templates.jsonl: what Jinja2 itself writes for templates/*.jinja, set up as Hugging Face's
transformers does. Run it in this folder when a template or a case is added."""
import glob
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


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


ENVIRONMENT = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
ENVIRONMENT.filters["tojson"] = tojson
ENVIRONMENT.globals["raise_exception"] = raise_exception

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather \"now\" for a city <b>&</b>",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {
        "type": "integer", "default": 1.5}}, "required": ["city"]}}}
CALL = {"type": "function", "id": "c1", "function": {
    "name": "get_weather", "arguments": {"city": "東京", "note": "it's \"hot\""}}}
TALK = [{"role": "system", "content": "  Be brief.\n"}, {"role": "user", "content": " Hello, who are you? "},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nA program.\n"},
        {"role": "user", "content": "你好 <|im_end|>\n\nline 2 'quoted'"}]
TOOLS = TALK[1:2] + [
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "21 °C"}, {"role": "tool", "content": "wind"},
    {"role": "assistant", "content": "It is 21 °C.", "reasoning_content": "easy"}]
CASES = [
    {"messages": TALK},
    {"messages": TALK[1:2]},
    {"messages": TALK[1:3], "add_generation_prompt": False},
    {"messages": TALK, "tools": [WEATHER, WEATHER], "enable_thinking": False,
     "date_string": "1 Jan 2030", "tools_in_user_message": False},
    {"messages": TALK[1:], "tools": [WEATHER]},
    {"messages": TOOLS, "builtin_tools": ["get_weather", "code_interpreter"]},
    {"messages": TOOLS[:2]},
    {"messages": TALK[1:2] + TALK[1:2]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": " see "}, {"type": "image"}]}]},
    {"messages": TALK, "documents": [{"title": "travel policy", "text": "Book early.\n\nPay late. "},
                                     {"title": "", "text": "x"}, {"title": "a-b (c)", "text": "y\nz"}],
     "controls": {"length": "long", "b": [1, {"c": None}], "Originality": 0.5}},
    {"messages": TALK[:1], "controls": {}},
]


def main():
    with open("chat_templates.jsonl", "w", encoding="utf-8") as out:
        for path in sorted(glob.glob("templates/*.jinja")):
            with open(path, encoding="utf-8") as file:
                template = ENVIRONMENT.from_string(file.read())
            for case in CASES:
                variables = {"add_generation_prompt": True, **case}
                record = {"template": path, "variables": variables}
                try:
                    record["text"] = template.render(bos_token="<s>", eos_token="</s>", **variables)
                except Exception as error:  # what it says is Python's business, that it fails is not
                    record["error"] = type(error).__name__
                json.dump(record, out, ensure_ascii=False, separators=(",", ":"))
                out.write("\n")


main()
