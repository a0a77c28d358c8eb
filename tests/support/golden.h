// golden.h: reads the expected outputs in tests/golden.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace conclave::test {

/// One JSON value, its keys in their order, per line of tests/golden/NAME; empty if there is no
/// such file.
[[nodiscard]] inline std::vector<nlohmann::ordered_json> readGoldenLines(const std::string& name) {
    std::ifstream file(std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests" / "golden" / name);
    std::vector<nlohmann::ordered_json> lines;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) lines.push_back(nlohmann::ordered_json::parse(line));
    }
    return lines;
}

[[nodiscard]] inline std::filesystem::path bundledChatModel() {
    return std::filesystem::path(CONCLAVE_TEST_SOURCE) / "resources" / "models" /
           "conclave-tiny-20M-Q8_0.gguf";
}

[[nodiscard]] inline std::filesystem::path bundledEmbedder() {
    return std::filesystem::path(CONCLAVE_TEST_SOURCE) / "resources" / "models" /
           "conclave-embed-static-256-q8_0.gguf";
}

/// The maintainers' folder beside the repository, which a user's clone lacks.
[[nodiscard]] inline std::filesystem::path sharedFolder() {
    return std::filesystem::path(CONCLAVE_TEST_SOURCE).parent_path() / "shared";
}

}  // namespace conclave::test
