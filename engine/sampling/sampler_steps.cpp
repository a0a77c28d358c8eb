// sampler_steps.cpp: the sampler's steps by llama.cpp's names.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/engine.h"

namespace conclave::engine {
namespace {

using NamedStep = std::pair<std::string_view, SamplerStep>;

/// The first name of a step is the one that is written.
constexpr NamedStep kStepNames[] = {
    {"penalties", SamplerStep::Penalties},
    {"dry", SamplerStep::Dry},
    {"top_n_sigma", SamplerStep::TopNSigma},
    {"top_k", SamplerStep::TopK},
    {"typ_p", SamplerStep::TypicalP},
    {"top_p", SamplerStep::TopP},
    {"min_p", SamplerStep::MinP},
    {"xtc", SamplerStep::Xtc},
    {"temperature", SamplerStep::Temperature},
    {"infill", SamplerStep::Infill},
    {"adaptive_p", SamplerStep::AdaptiveP},
    {"top-n-sigma", SamplerStep::TopNSigma},
    {"top-k", SamplerStep::TopK},
    {"typical", SamplerStep::TypicalP},
    {"typical-p", SamplerStep::TypicalP},
    {"typical_p", SamplerStep::TypicalP},
    {"typ-p", SamplerStep::TypicalP},
    {"typ", SamplerStep::TypicalP},
    {"top-p", SamplerStep::TopP},
    {"nucleus", SamplerStep::TopP},
    {"min-p", SamplerStep::MinP},
    {"temp", SamplerStep::Temperature},
    {"adaptive-p", SamplerStep::AdaptiveP},
};

bool isSameWord(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

std::string allStepNames() {
    std::string names;
    for (int step = 0; step <= static_cast<int>(SamplerStep::AdaptiveP); ++step) {
        names.append(names.empty() ? "" : ", ");
        names.append(samplerStepName(static_cast<SamplerStep>(step)));
    }
    return names;
}

}  // namespace

std::string_view samplerStepName(SamplerStep step) {
    return std::find_if(std::begin(kStepNames), std::end(kStepNames),
                        [&](const NamedStep& each) { return each.second == step; })
        ->first;
}

std::vector<SamplerStep> usualSamplerSteps() {
    return {SamplerStep::Penalties, SamplerStep::Dry,      SamplerStep::TopNSigma,
            SamplerStep::TopK,      SamplerStep::TypicalP, SamplerStep::TopP,
            SamplerStep::MinP,      SamplerStep::Xtc,      SamplerStep::Temperature};
}

Result<std::vector<SamplerStep>> parseSamplerSteps(std::string_view names) {
    std::vector<SamplerStep> steps;
    for (std::size_t begin = 0; begin <= names.size();) {
        const std::size_t end = std::min(names.find(';', begin), names.size());
        const std::string_view name = names.substr(begin, end - begin);
        begin = end + 1;
        if (name.empty()) continue;
        const auto known =
            std::find_if(std::begin(kStepNames), std::end(kStepNames),
                         [&](const NamedStep& each) { return isSameWord(each.first, name); });
        if (known == std::end(kStepNames)) {
            return fail(ErrorCode::InvalidArgument, "there is no sampler \"" + std::string(name) +
                                                        "\"; there are " + allStepNames());
        }
        if (std::find(steps.begin(), steps.end(), known->second) != steps.end()) {
            return fail(ErrorCode::InvalidArgument,
                        "the sampler " + std::string(name) + " is named twice");
        }
        steps.push_back(known->second);
    }
    if (steps.empty()) {
        return fail(ErrorCode::InvalidArgument, "no sampler is named; there are " + allStepNames());
    }
    return steps;
}

}  // namespace conclave::engine
