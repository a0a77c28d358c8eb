#include "engine/tokenizer/pre_tokenizer.h"

#include <array>
#include <string>

#include "engine/tokenizer/script_patterns.h"
#include "engine/tokenizer/word_patterns.h"

namespace conclave::engine {
namespace patterns {
namespace {

using Matcher = PreTokenizer::Matcher;

constexpr std::size_t kMostStages = 6;

struct Scheme {
    std::string_view names;  ///< of tokenizer.ggml.pre, each between spaces
    std::array<Matcher, kMostStages> stages{};
    bool takesWholeWords = false;
    bool composes = false;
    bool addsBos = false;
};

constexpr Gpt4Style kThreeDigits{};
constexpr Gpt4Style kThreeDigitsHalvedSpaces{.halvesLongSpaces = true};
constexpr Gpt4Style kOneDigit{.nDigits = 1};
constexpr Gpt4Style kOneDigitWithMarks{.nDigits = 1, .marksAreLetters = true};
constexpr Gpt4Style kOneDigitPlainMarks{.nDigits = 1, .lineEndsFollow = false};
constexpr Gpt4Style kOneDigitNoContraction{.nDigits = 1, .cutsContractions = false};

/// Names and patterns as in llama.cpp (src/llama-vocab.cpp), from the models' tokenizer.json.
constexpr Scheme kSchemes[] = {
    {" default ", {punctuationRun<false>, gpt2Word, classRun<kNumber, kAnyLength>, threeDigits}},
    {" gpt-2 phi-2 mpt olmo jais jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code "
     "roberta-bpe gigachat a.x-4.0 mellum modern-bert exaone4 trillion granite-docling ",
     {gpt2Word}},
    {.names = " llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral lfm2 midm-2.0 jina-v5-nano ",
     .stages = {gpt4Word<kThreeDigits>},
     .takesWholeWords = true,
     .addsBos = true},
    {" minicpm5 ", {classRun<kNumber, 3>, gpt4Word<kThreeDigits>}, true},
    {" jais-2 ", {gpt4Word<kThreeDigitsHalvedSpaces>}},
    {" dbrx smaug-bpe chatglm-bpe glm4 ", {gpt4Word<kThreeDigits>}},
    {" qwen2 ", {gpt4Word<kOneDigit>}, false, true},
    {" deepseek-r1-qwen stablelm2 megrez kormo f2llmv2 hunyuan solar-open grok-2 bailingmoe "
     "bailingmoe2 llada-moe ",
     {gpt4Word<kOneDigit>}},
    {" laguna ", {lineOrLineEnds, gpt4Word<kOneDigit>}},
    {" seed-coder ", {gpt4Word<kOneDigitPlainMarks>}},
    {" ufakzeka ", {gpt4Word<kOneDigitNoContraction>}},
    {" exaone-moe ", {joinedWords}},
    {" qwen35 ", {gpt4Word<kOneDigitWithMarks>}},
    {" refact starcoder command-r smollm codeshell exaone minerva-7b mellum2 ",
     {classRun<kNumber, 1>, gpt2Word}},
    {" falcon ", {punctuationRun<true>, gpt2Word, threeDigits}},
    {" bloom poro-chat gpt3-finnish ", {bloomWord}},
    {" viking ", {bloomWord, classRun<kNumber, 1>}},
    {" deepseek-llm ",
     {classRun<kNewline, 1>, deepseekLlmLetters, deepseekLlmPunctuation, trailingSpaces,
      deepseekCjk, classRun<kNumber, kAnyLength>}},
    {" deepseek-coder ",
     {classRun<kNewline, 1>, deepseekCoderLetters, deepseekCoderPunctuation, deepseekCjk,
      classRun<kNumber, 1>}},
    {" deepseek-v3 hunyuan-dense joyai-llm hy_v4 ",
     {classRun<kNumber, 3>, deepseekV3Cjk, deepseekV3Word<false>}},
    {" spark2_5 ",
     {classRun<kNumber, 3>, deepseekV3Cjk, deepseekV3Word<true>, classRun<kNumber, 1>}},
    {" afmoe ", {digitGroup, asianRun, deepseekV3Word<false>}},
    {.names = " tekken ",
     .stages = {o200kWord<1, false>},
     .takesWholeWords = true,
     .addsBos = true},
    {" gpt-4o llama4 kanana2 talkie minimax-m2 ", {o200kWord<3, true>}},
    {" granite-embed-multi-97m ", {o200kWord<3, true>}, true},
    {" tiny_aya cohere2moe ", {digitGroup, o200kWord<3, true>}},
    {" youtu ", {youtuScript, o200kWord<1, true>}, true},
    {" kimi-k2 ", {kimiWord}},
    {" superbpe ", {classRun<kNumber, kAnyLength>, toDigitGroup}},
    {.names = " chameleon ",
     .stages = {sentinel, imageMark, indent, classRun<kNumber, 1>, oneMark, gpt2Word},
     .addsBos = true},
};

}  // namespace
}  // namespace patterns

Result<PreTokenizer> PreTokenizer::find(std::string_view name) {
    const bool isOneWord = !name.empty() && name.find(' ') == std::string_view::npos;
    const std::string wanted = std::string(1, ' ').append(name).append(1, ' ');
    for (const patterns::Scheme& scheme : patterns::kSchemes) {
        if (!isOneWord || scheme.names.find(wanted) == std::string_view::npos) continue;
        PreTokenizer found;
        for (const Matcher stage : scheme.stages) {
            if (stage != nullptr) found.m_stages.push_back(stage);
        }
        found.m_takesWholeWords = scheme.takesWholeWords;
        found.m_composes = scheme.composes;
        found.m_addsBos = scheme.addsBos;
        return found;
    }
    return fail(ErrorCode::Unsupported, "tokenizer.ggml.pre \"" + std::string(name) +
                                            "\" is not a pre-tokenizer that this version knows");
}

std::vector<std::size_t> PreTokenizer::wordEnds(std::string_view text) const {
    const CharSequence chars(text);
    std::vector<std::size_t> ends = {chars.codePoints.size()};  // of the words so far
    std::vector<std::size_t> finer;
    for (const Matcher match : m_stages) {
        finer.clear();
        std::size_t position = 0;
        for (const std::size_t end : ends) {
            std::size_t gap = position;  // start of what no match has covered
            while (position < end) {
                const std::size_t length = match(chars, position, end);
                if (length == 0) {
                    ++position;
                    continue;
                }
                if (position > gap) finer.push_back(position);
                position += length;
                finer.push_back(position);
                gap = position;
            }
            if (position > gap) finer.push_back(position);
        }
        ends.swap(finer);
    }
    for (std::size_t& end : ends) end = chars.offsets[end];
    return ends;
}

}  // namespace conclave::engine
