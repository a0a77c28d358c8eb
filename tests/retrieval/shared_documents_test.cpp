// Runs the extractor over ../shared/data/docs and scores it by that folder's check.py.
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

namespace fs = std::filesystem;

const char* statusOf(ErrorCode code) {
    switch (code) {
        case ErrorCode::PasswordRequired: return "password";
        case ErrorCode::LimitExceeded:
        case ErrorCode::Timeout: return "limit";
        case ErrorCode::NeedsOcr: return "needs_ocr";
        default: return "corrupt";
    }
}

std::string runCommand(const std::string& command) {
    std::string output;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return output;
    std::array<char, 1024> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
    ::pclose(pipe);
    return output;
}

TEST(SharedDocuments, AreReadAsExpected) {
    const fs::path folder = fs::path(CONCLAVE_TEST_SOURCE) / "../shared/data/docs";
    if (!fs::exists(folder / "manifest.jsonl")) GTEST_SKIP() << "needs ../shared/data/docs";
    if (!fs::exists(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract-pdf")) {
        GTEST_SKIP() << "this build has no PDF reader (CONCLAVE_DESKTOP is off)";
    }
    const fs::path output = fs::path(testing::TempDir()) / "conclave_shared_documents";
    fs::remove_all(output);
    fs::create_directories(output);
    const Extractor extractor(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract");
    std::ifstream manifest(folder / "manifest.jsonl");
    int nFiles = 0;
    for (std::string line; std::getline(manifest, line);) {
        const auto entry = nlohmann::json::parse(line);
        const std::string name = entry.at("name");
        ExtractOptions options;
        options.password = entry.value("password", "");
        const auto start = std::chrono::steady_clock::now();
        const auto document = extractor.extract(folder / name, options);
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
        if (entry.at("expect") == "limit") {
            EXPECT_LT(time.count(), 1.0) << name;
        }
        std::ofstream(output / (name + ".status"))
            << (document ? "ok" : statusOf(document.error().code));
        if (document) {
            std::ofstream text(output / (name + ".txt"));
            for (const ExtractedPage& page : document->pages) text << page.text << '\n';
        }
        if (entry.at("expect") == "password") {
            EXPECT_EQ(extractor.extract(folder / name, {}).error().code,
                      ErrorCode::PasswordRequired)
                << name << " without its password";
        }
        ++nFiles;
    }
    const std::string report = runCommand("python3 '" + (folder / "check.py").string() + "' '" +
                                          folder.string() + "' '" + output.string() + "'");
    const std::string all = std::to_string(nFiles) + " of " + std::to_string(nFiles);
    EXPECT_NE(report.find(all + " files as expected"), std::string::npos) << report;
    std::cout << report;
    fs::remove_all(output);
}

}  // namespace
}  // namespace conclave::retrieval
