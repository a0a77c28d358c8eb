#include "engine/tokenizer/vocabulary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace conclave::engine {
namespace {

/// Ends of turn by name, for files that name only one in their metadata: llama.cpp's list and more.
constexpr std::string_view kEndOfTurnNames[] = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<turn|>",
    "<｜end▁of▁sentence｜>",
    "<|end_of_text|>",
    "<EOT>",
    "<|return|>",
    "<|call|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|end_of_turn|>",
    "<|eot|>",
    "[EOS]",
    "[EOT]",
    "_<EOT>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_utterance>",
    "<eos>",
    "</s>",
    "<|tool_response>",
    "[e~[",
};

/// Marks that follow a text which was filled into the middle of another: a model that writes one
/// has said what it had to say. The metadata's token counts, else the first of these names.
struct FillInMark {
    std::string_view key;
    std::array<std::string_view, 5> names;
};
constexpr FillInMark kFillInMarks[] = {
    {"tokenizer.ggml.fim_pad_token_id",
     {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
    {"tokenizer.ggml.fim_rep_token_id",
     {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
    {"tokenizer.ggml.fim_sep_token_id", {"<|file_sep|>"}},
};

bool startsAndEnds(std::string_view text, std::string_view start, std::string_view end) {
    return text.size() > start.size() + end.size() && text.starts_with(start) &&
           text.ends_with(end);
}

/// Spellings by which models mark turns. Some files list them as user-defined, not as control.
bool looksLikeTurnMark(std::string_view text) {
    constexpr std::string_view kNames[] = {
        "<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]",         "<<SYS>>",
        "<</SYS>>",        "<s>",           "</s>",   "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"};
    return startsAndEnds(text, "<|", "|>") || startsAndEnds(text, "<｜", "｜>") ||
           std::find(std::begin(kNames), std::end(kNames), text) != std::end(kNames);
}

/// The byte that "<0x0A>" spells, or -1.
int spelledByte(std::string_view text) {
    constexpr std::size_t kLength = 6;
    if (text.size() != kLength || !startsAndEnds(text, "<0x", ">")) return -1;
    int byte = -1;
    const char* end = text.data() + kLength - 1;
    const auto [stop, error] = std::from_chars(text.data() + 3, end, byte, 16);
    return error == std::errc() && stop == end ? byte : -1;
}

}  // namespace

Result<std::shared_ptr<const Vocabulary>> Vocabulary::load(const GgufFile& file, bool defaultAddBos,
                                                           bool defaultAddSpacePrefix) {
    auto vocabulary = std::make_shared<Vocabulary>();
    if (auto done = vocabulary->readTokens(file); !done) return tl::unexpected(done.error());
    if (auto done = vocabulary->readSpecialIds(file); !done) return tl::unexpected(done.error());
    vocabulary->readSuppressed(file);
    vocabulary->addsBos = file.boolean("tokenizer.ggml.add_bos_token").value_or(defaultAddBos) &&
                          vocabulary->bos >= 0;
    // Gemma 4's files say that it does not, which is wrong; llama.cpp passes over it as well.
    const auto pre = file.string("tokenizer.ggml.pre");
    const bool isGemma4 = file.string("tokenizer.ggml.model") == "gemma4" || pre == "gemma4" ||
                          pre == "granite-embed-multi-311m";
    if (isGemma4) vocabulary->addsBos = vocabulary->bos >= 0;
    vocabulary->addsSpacePrefix =
        file.boolean("tokenizer.ggml.add_space_prefix").value_or(defaultAddSpacePrefix);
    std::string name(file.string("general.name").value_or(""));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    vocabulary->trimsAfterMarkers =
        name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
    vocabulary->indexTokens();
    return vocabulary;
}

Result<void> Vocabulary::readTokens(const GgufFile& file) {
    const auto tokens = file.strings("tokenizer.ggml.tokens");
    if (!tokens || tokens->empty()) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.tokens is missing or empty");
    }
    constexpr std::size_t kMost = std::size_t{1} << 24u;
    if (tokens->size() > kMost) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.tokens has more than 2^24 tokens");
    }
    std::size_t nBytes = 0;
    for (const std::string_view token : *tokens) nBytes += token.size();
    m_bytes.reserve(nBytes);  // views into it stay valid: it never grows past this
    m_texts.reserve(tokens->size());
    for (const std::string_view token : *tokens) {
        m_bytes.append(token);
        m_texts.emplace_back(m_bytes.data() + m_bytes.size() - token.size(), token.size());
    }

    m_scores.assign(m_texts.size(), 0.0f);
    if (auto scores = file.numbers("tokenizer.ggml.scores")) {
        if (scores->size() != m_texts.size()) {
            return fail(ErrorCode::Corrupt,
                        "tokenizer.ggml.scores has " + std::to_string(scores->size()) +
                            " values, but there are " + std::to_string(m_texts.size()) + " tokens");
        }
        if (std::any_of(scores->begin(), scores->end(),
                        [](float s) { return !std::isfinite(s); })) {
            return fail(ErrorCode::Corrupt, "tokenizer.ggml.scores has a value that is no number");
        }
        m_scores = std::move(*scores);
        m_hasScores = true;
    }

    m_types.assign(m_texts.size(), TokenType::Normal);
    if (const auto types = file.integers("tokenizer.ggml.token_type")) {
        if (types->size() != m_texts.size()) {
            return fail(ErrorCode::Corrupt,
                        "tokenizer.ggml.token_type has " + std::to_string(types->size()) +
                            " values, but there are " + std::to_string(m_texts.size()) + " tokens");
        }
        for (std::size_t i = 0; i < types->size(); ++i) {
            const std::int64_t type = (*types)[i];
            if (type < 0 || type > 6) {
                return fail(ErrorCode::Corrupt, "tokenizer.ggml.token_type has the unknown type " +
                                                    std::to_string(type) + " for token " +
                                                    std::to_string(i));
            }
            // 0 is "undefined", which old converters wrote.
            m_types[i] = type == 0 ? TokenType::Normal : static_cast<TokenType>(type);
        }
    }
    return {};
}

Result<void> Vocabulary::readSpecialIds(const GgufFile& file) {
    const auto read = [&](std::string_view key, TokenId& id) -> Result<void> {
        const auto value = file.integer(key);
        // Some converters write "none" as -1, signed or not.
        if (!value || *value == -1 || *value == std::numeric_limits<std::uint32_t>::max())
            return {};
        if (*value < 0 || *value >= size()) {
            return fail(ErrorCode::Corrupt, std::string(key) + " is " + std::to_string(*value) +
                                                ", but there are " + std::to_string(size()) +
                                                " tokens");
        }
        id = static_cast<TokenId>(*value);
        return {};
    };
    const bool isWordPiece = file.string("tokenizer.ggml.model") == "bert";
    if (isWordPiece && size() > 103) {
        // BERT's own, on which old files rely.
        unknown = 100;
        bos = 101;
        separator = 102;
    }
    if (file.string("tokenizer.ggml.model") == "llama") {
        // SentencePiece's own defaults, on which old files rely.
        if (size() > 2) {
            unknown = 0;
            bos = 1;
            eos = 2;
        }
    }
    TokenId eom = -1;
    const std::pair<std::string_view, TokenId*> keys[] = {
        {"tokenizer.ggml.bos_token_id", &bos},
        {"tokenizer.ggml.eos_token_id", &eos},
        {"tokenizer.ggml.eot_token_id", &endOfTurn},
        {"tokenizer.ggml.eom_token_id", &eom},
        {"tokenizer.ggml.unknown_token_id", &unknown},
        {"tokenizer.ggml.seperator_token_id", &separator},  // spelt so by the converters
        {"tokenizer.ggml.separator_token_id", &separator},
    };
    for (const auto& [key, id] : keys) {
        if (auto done = read(key, *id); !done) return done;
    }
    if (isWordPiece) {
        if (auto done = read("tokenizer.ggml.cls_token_id", bos); !done) return done;
        textEnd = separator;
    } else {
        const bool isUnigram = file.string("tokenizer.ggml.model") == "t5";
        const bool adds = file.boolean("tokenizer.ggml.add_eos_token").value_or(isUnigram);
        textEnd = adds ? eos : -1;
    }
    for (std::size_t i = 0; i < std::size(kFillInMarks); ++i) {
        if (auto done = read(kFillInMarks[i].key, m_fillInMarks[i]); !done) return done;
    }
    for (const TokenId id : {eos, endOfTurn, eom}) {
        if (id >= 0) m_endOfTurn.push_back(id);
    }
    return {};
}

/// As llama.cpp: ids that are no tokens are passed over.
void Vocabulary::readSuppressed(const GgufFile& file) {
    const auto ids = file.integers("tokenizer.ggml.suppress_tokens");
    if (!ids) return;
    for (const std::int64_t id : *ids) {
        if (id >= 0 && id < size()) suppressed.push_back(static_cast<TokenId>(id));
    }
}

void Vocabulary::findEndOfTurnTokens() {
    for (const std::string_view name : kEndOfTurnNames) {
        const TokenId token = find(name);
        if (token < 0) continue;
        // In the harmony format, and Solar-Open's, <|end|> only ends one of several messages of a
        // turn.
        const bool hasCall = find("<|call|>") >= 0 || find("<|calls|>") >= 0;
        const bool isHarmony = hasCall && (find("<|return|>") >= 0 || find("<|flush|>") >= 0);
        if (name == "<|end|>" && isHarmony) continue;
        // Gemma 4 has it in its vocabulary, but ends its turns otherwise.
        if (name == "</s>" && find("<|tool_response>") >= 0) continue;
        m_endOfTurn.push_back(token);
    }
    for (std::size_t i = 0; i < std::size(kFillInMarks); ++i) {
        TokenId mark = m_fillInMarks[i];
        for (const std::string_view name : kFillInMarks[i].names) {
            if (mark < 0 && !name.empty()) mark = find(name);
        }
        if (mark >= 0) m_endOfTurn.push_back(mark);
    }
    std::sort(m_endOfTurn.begin(), m_endOfTurn.end());
    m_endOfTurn.erase(std::unique(m_endOfTurn.begin(), m_endOfTurn.end()), m_endOfTurn.end());
}

void Vocabulary::indexTokens() {
    m_byteTokens.fill(-1);
    m_index.reserve(m_texts.size());
    m_reserved.assign(m_texts.size(), false);
    std::vector<ByteTrie::Entry> markers;
    for (TokenId token = 0; token < size(); ++token) {
        m_index[text(token)] = token;
        if (type(token) == TokenType::Byte) {
            const int byte = spelledByte(text(token));
            if (byte >= 0) m_byteTokens[static_cast<std::size_t>(byte)] = token;
        }
        const bool isControl =
            type(token) == TokenType::Control || type(token) == TokenType::Unknown;
        if (isControl || type(token) == TokenType::UserDefined) {
            markers.emplace_back(text(token), token);
            m_reserved[at(token)] = isControl || looksLikeTurnMark(text(token));
            m_hasPlainMarkers = m_hasPlainMarkers || !m_reserved[at(token)];
        }
    }
    m_markers = ByteTrie::build(std::move(markers));
    findEndOfTurnTokens();
}

bool Vocabulary::isEndOfTurn(TokenId token) const {
    return std::binary_search(m_endOfTurn.begin(), m_endOfTurn.end(), token);
}

TokenId Vocabulary::find(std::string_view text) const {
    const auto found = m_index.find(text);
    return found == m_index.end() ? -1 : found->second;
}

unsigned char Vocabulary::byteOf(TokenId token) const {
    return static_cast<unsigned char>(std::max(spelledByte(text(token)), 0));
}

}  // namespace conclave::engine
