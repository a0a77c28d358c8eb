// arguments.h: command-line arguments checked against what a command takes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::terminal {

struct Option {
    enum class Kind {
        Flag,
        Text,
        Integer,
        Number,
        Each,    ///< text; may be given again
        Choice,  ///< one of the words that valueName lists, as "f16|q8_0|q4_0"
        Size,    ///< of memory, as parseSize reads it
        List,    ///< takes all arguments up to the next option; may be given again
    };
    std::string_view name;       ///< as "--model" or "-k"
    std::string_view valueName;  ///< as "FILE"; empty for a flag
    std::string_view help;
    Kind kind = Kind::Text;
    double least = -1e18;  ///< of numbers
    double most = 1e18;
};

struct Signature {
    std::string_view command;
    std::size_t nLeast = 0;  ///< arguments that are no options
    std::size_t nMost = 0;
    std::vector<Option> options;
};

/// What was given. Options asked for must be in the signature.
class Arguments {
public:
    /// Errors: InvalidArgument with one sentence; for an unknown option it names the nearest one.
    [[nodiscard]] static Result<Arguments> parse(const Signature& signature,
                                                 const std::vector<std::string>& given);

    [[nodiscard]] bool has(std::string_view option) const;
    [[nodiscard]] std::string text(std::string_view option, std::string_view otherwise = {}) const;
    [[nodiscard]] std::optional<double> number(std::string_view option) const;
    [[nodiscard]] int integer(std::string_view option, int otherwise) const;
    /// Bytes; 0 if it was not given.
    [[nodiscard]] std::uint64_t size(std::string_view option) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view option) const;
    [[nodiscard]] const std::vector<std::string>& plain() const { return m_plain; }

private:
    std::map<std::string, std::vector<std::string>, std::less<>> m_values;
    std::vector<std::string> m_plain;
};

/// The candidate that `word` was most likely meant to be; empty if none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

/// Bytes from "1500M", "12G", "2.5GiB" or "900000000"; K, M, G and T are powers of 1024.
[[nodiscard]] std::optional<std::uint64_t> parseSize(std::string_view text);

/// The number that all of `text` says. Integers may be negative.
[[nodiscard]] std::optional<double> parseNumber(std::string_view text, bool isInteger);

}  // namespace conclave::terminal
