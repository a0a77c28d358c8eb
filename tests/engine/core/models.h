// models.h: where the tests' models and golden files are. A new version of them changes this alone.
#pragma once

#include <filesystem>
#include <string>

namespace conclave::engine::test {

inline std::filesystem::path source() { return CONCLAVE_TEST_SOURCE; }

/// "F16" or "Q8_0": the first lies beside the repository, if at all.
inline std::filesystem::path chatModel(const std::string& type) {
    const std::string name = "conclave-tiny-20M-" + type + ".gguf";
    return type == "Q8_0" ? source() / "resources/models" / name
                          : source() / "../shared/models" / name;
}

/// `kind` is logprobs or transcripts.
inline std::filesystem::path golden(const std::string& kind, const std::string& type) {
    return type == "Q8_0"
               ? source() / "tests/golden/engine" / (kind + "-" + type + ".jsonl")
               : source() / "../shared/models" / ("golden-" + kind + "-" + type + ".jsonl");
}

inline std::filesystem::path nearTies() { return source() / "tests/golden/engine/near_ties.json"; }

/// Tiny random models with reference logits; see make_parity.py there.
inline std::filesystem::path parity(const std::string& file) {
    return source() / "tests/parity" / file;
}

}  // namespace conclave::engine::test
