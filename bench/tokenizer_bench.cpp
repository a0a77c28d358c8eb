// tokenizer_bench.cpp: how fast a vocabulary cuts a text, on one thread.
//
//   build/release/bin/tokenizer_bench FILE.gguf TEXT.txt [REPEATS]
//
// Prints one JSON line: bytes, tokens, and the processor seconds of each repeat. Every repeat is
// given the text as documents of 16 KiB, as indexing does. bench/compare_tokenizers sets it beside
// the JavaScript tokenizers.
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"

namespace {

double processorSeconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: tokenizer_bench FILE.gguf TEXT.txt [REPEATS]\n";
        return 2;
    }
    const auto file = conclave::engine::GgufFile::open(argv[1]);
    if (!file) {
        std::cerr << "error: " << file.error().detail << '\n';
        return 1;
    }
    const auto tokenizer = conclave::engine::Tokenizer::load(*file);
    if (!tokenizer) {
        std::cerr << "error: " << tokenizer.error().detail << '\n';
        return 1;
    }
    std::ifstream input(argv[2], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(input), {}};
    const int nRepeats = argc > 3 ? std::atoi(argv[3]) : 5;
    std::cout << "{\"bytes\":" << text.size() << ",\"seconds\":[";
    std::size_t nTokens = 0;
    for (int repeat = 0; repeat < nRepeats; ++repeat) {
        constexpr std::size_t kDocument = std::size_t{16} << 10;
        const double begin = processorSeconds();
        nTokens = 0;
        for (std::size_t at = 0; at < text.size(); at += kDocument) {
            const auto document = std::string_view(text).substr(at, kDocument);
            nTokens += (*tokenizer)->encode(document, {.addBos = false}).size();
        }
        std::cout << (repeat > 0 ? "," : "") << processorSeconds() - begin;
    }
    std::cout << "],\"tokens\":" << nTokens << "}\n";
    return 0;
}
