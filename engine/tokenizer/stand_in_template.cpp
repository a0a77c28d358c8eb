#include "engine/tokenizer/stand_in_template.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "engine/tokenizer/chat_template.h"

namespace conclave::engine {
namespace {

struct TurnFamily {
    std::string_view name;
    std::array<std::string_view, 4> marks;  ///< all of them are tokens
    std::string_view source;
};

// The first whose marks are all there counts, so that those with more marks come first. Formats as
// llama.cpp has them (llama-chat.cpp) and the models' own templates write them.
constexpr TurnFamily kTurnFamilies[] = {
    {"Phi-4",
     {"<|im_start|>", "<|im_sep|>", "<|im_end|>"},
     "{%- for message in messages -%}"
     "{{- '<|im_start|>' + message.role + '<|im_sep|>' + message.content + '<|im_end|>' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant<|im_sep|>' -}}{%- endif -%}"},
    {"Kimi-K2",
     {"<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>"},
     "{%- for message in messages -%}"
     "{{- '<|im_' + (message.role if message.role in ['user', 'assistant'] else 'system') + '|>' + "
     "message.role + '<|im_middle|>' + message.content + '<|im_end|>' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}"
     "{{- '<|im_assistant|>assistant<|im_middle|>' -}}"
     "{%- endif -%}"},
    {"ChatML", {"<|im_start|>", "<|im_end|>"}, {}},
    {"Llama 3",
     {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
     "{{- bos_token -}}"
     "{%- for message in messages -%}"
     "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + message.content | "
     "trim + "
     "'<|eot_id|>' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}"
     "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}"
     "{%- endif -%}"},
    {"Llama 4",
     {"<|header_start|>", "<|header_end|>", "<|eot|>"},
     "{{- bos_token -}}"
     "{%- for message in messages -%}"
     "{{- '<|header_start|>' + message.role + '<|header_end|>\\n\\n' + message.content | trim + "
     "'<|eot|>' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}"
     "{{- '<|header_start|>assistant<|header_end|>\\n\\n' -}}"
     "{%- endif -%}"},
    {"gpt-oss",
     {"<|start|>", "<|channel|>", "<|message|>", "<|return|>"},
     "{%- for message in messages -%}"
     "{%- if message.role == 'assistant' -%}"
     "{{- '<|start|>assistant<|channel|>final<|message|>' + message.content + '<|end|>' -}}"
     "{%- else -%}"
     "{{- '<|start|>' + message.role + '<|message|>' + message.content + '<|end|>' -}}"
     "{%- endif -%}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}{{- '<|start|>assistant' -}}{%- endif -%}"},
    {"Gemma",
     {"<start_of_turn>", "<end_of_turn>"},
     "{{- bos_token -}}"
     "{%- set before = namespace(text='') -%}"
     "{%- for message in messages -%}"
     "{%- if message.role == 'system' -%}"
     "{%- set before.text = before.text + message.content | trim + '\\n\\n' -%}"
     "{%- else -%}"
     "{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' "
     "-}}"
     "{%- if message.role != 'assistant' -%}"
     "{{- before.text -}}{%- set before.text = '' -%}"
     "{%- endif -%}"
     "{{- message.content | trim + '<end_of_turn>\\n' -}}"
     "{%- endif -%}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}"},
    {"Granite",
     {"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"},
     "{%- for message in messages -%}"
     "{{- '<|start_of_role|>' + message.role + '<|end_of_role|>' + message.content + "
     "'<|end_of_text|>\\n' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}"
     "{{- '<|start_of_role|>assistant<|end_of_role|>' -}}"
     "{%- endif -%}"},
    {"Command R",
     {"<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"},
     "{{- bos_token -}}"
     "{%- set marks = {'system': 'SYSTEM', 'user': 'USER', 'assistant': 'CHATBOT'} -%}"
     "{%- for message in messages -%}"
     "{{- '<|START_OF_TURN_TOKEN|><|' + marks.get(message.role, 'SYSTEM') + '_TOKEN|>' + "
     "message.content | trim + '<|END_OF_TURN_TOKEN|>' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}"
     "{{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' -}}"
     "{%- endif -%}"},
    {"DeepSeek-V3",
     {"<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"},
     "{{- bos_token -}}"
     "{%- for message in messages -%}"
     "{%- if message.role == 'user' -%}"
     "{{- '<｜User｜>' + message.content -}}"
     "{%- elif message.role == 'assistant' -%}"
     "{{- '<｜Assistant｜>' + message.content + '<｜end▁of▁sentence｜>' -}}"
     "{%- else -%}"
     "{{- message.content + '\\n\\n' -}}"
     "{%- endif -%}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}{{- '<｜Assistant｜>' -}}{%- endif -%}"},
    {"GLM-4",
     {"[gMASK]", "<sop>", "<|user|>", "<|assistant|>"},
     "{{- '[gMASK]<sop>' -}}"
     "{%- for message in messages -%}"
     "{{- '<|' + message.role + '|>\\n' + message.content -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}"},
    {"Phi-3",
     {"<|user|>", "<|assistant|>", "<|end|>", "<0x0A>"},  // Phi-4-mini has no bytes, nor line ends
     "{%- for message in messages -%}"
     "{{- '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' -}}"
     "{%- endfor -%}"
     "{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}"},
};

/// Mistral's marks are the same from v3 on; spaces stand around contents only where SentencePiece
/// cuts, and v7 knows a system's turn.
constexpr std::string_view kMistralTurns =
    "{{- bos_token -}}"
    "{%- set before = namespace(text='') -%}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'system' -%}"
    "{%- set before.text = before.text + message.content + '\\n\\n' -%}"
    "{%- elif message.role == 'assistant' -%}"
    "{{- ' ' + message.content | trim + eos_token -}}"
    "{%- else -%}"
    "{{- '[INST] ' + before.text + message.content + '[/INST]' -}}{%- set before.text = '' -%}"
    "{%- endif -%}"
    "{%- endfor -%}";
constexpr std::string_view kTekkenTurns =
    "{{- bos_token -}}"
    "{%- set before = namespace(text='') -%}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'system' -%}"
    "{%- set before.text = before.text + message.content + '\\n\\n' -%}"
    "{%- elif message.role == 'assistant' -%}"
    "{{- message.content + eos_token -}}"
    "{%- else -%}"
    "{{- '[INST]' + before.text + message.content + '[/INST]' -}}{%- set before.text = '' -%}"
    "{%- endif -%}"
    "{%- endfor -%}";
constexpr std::string_view kTekkenTurnsWithSystem =
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'system' -%}"
    "{{- '[SYSTEM_PROMPT]' + message.content + '[/SYSTEM_PROMPT]' -}}"
    "{%- elif message.role == 'assistant' -%}"
    "{{- message.content + eos_token -}}"
    "{%- else -%}"
    "{{- '[INST]' + message.content + '[/INST]' -}}"
    "{%- endif -%}"
    "{%- endfor -%}";

/// One of nothing but blanks would drop every message.
std::optional<std::string_view> templateUnder(const GgufFile& file, std::string_view key) {
    const auto text = file.string(key);
    const bool isEmpty = !text || text->find_first_not_of(" \t\r\n") == std::string_view::npos;
    return isEmpty ? std::nullopt : text;
}

}  // namespace

StandInTemplate standInTemplate(const GgufFile& file) {
    const auto tokens = file.strings("tokenizer.ggml.tokens");
    // Of a vocabulary only what looks like a mark matters.
    std::set<std::string_view> marks;
    if (tokens) {
        std::copy_if(tokens->begin(), tokens->end(), std::inserter(marks, marks.end()),
                     [](std::string_view token) {
                         return token.starts_with('<') || token.starts_with('[');
                     });
    }
    for (const TurnFamily& family : kTurnFamilies) {
        const bool hasAll = std::all_of(
            family.marks.begin(), family.marks.end(),
            [&](std::string_view mark) { return mark.empty() || marks.contains(mark); });
        if (!hasAll) continue;
        return {family.name, family.source.empty() ? defaultChatTemplate() : family.source};
    }
    if (marks.contains("[INST]") && marks.contains("[/INST]")) {
        if (file.string("tokenizer.ggml.model") != "gpt2") return {"Mistral", kMistralTurns};
        return {"Mistral",
                marks.contains("[SYSTEM_PROMPT]") ? kTekkenTurnsWithSystem : kTekkenTurns};
    }
    return {{}, defaultChatTemplate()};
}

std::optional<std::string_view> toolChatTemplate(const GgufFile& file) {
    return templateUnder(file, "tokenizer.chat_template.tool_use");
}

std::optional<std::string_view> ownChatTemplate(const GgufFile& file) {
    const auto own = templateUnder(file, "tokenizer.chat_template");
    if (own && *own != "chatml") return own;
    if (const auto forTools = toolChatTemplate(file)) return forTools;
    return own ? std::optional(defaultChatTemplate()) : std::nullopt;
}

std::string_view chatTemplateOf(const GgufFile& file) {
    const auto own = ownChatTemplate(file);
    return own ? *own : standInTemplate(file).source;
}

}  // namespace conclave::engine
