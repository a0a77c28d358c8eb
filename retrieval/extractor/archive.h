// archive.h: the ZIP container of DOCX, XLSX, OpenDocument and EPUB, through libzip, with limits
// against bombs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct zip;

namespace conclave::retrieval::extractor {

/// An archive in memory. The bytes must outlive it.
class Archive {
public:
    /// Errors: Corrupt; LimitExceeded for more than 10,000 entries, more than 512 MiB unpacked, or
    /// more than 200 times its packed size beyond the first 10 MiB; all by what the directory says.
    [[nodiscard]] static Result<Archive> open(std::string_view bytes);

    [[nodiscard]] bool has(const std::string& name) const;
    [[nodiscard]] const std::vector<std::string>& names() const { return m_names; }

    /// Hands out the entry's content piece by piece, until `sink` returns false.
    /// Errors: NotFound; PasswordRequired; Corrupt; LimitExceeded as in open(), by what really
    /// comes out, since a directory can lie.
    [[nodiscard]] Result<void> read(const std::string& name,
                                    const std::function<bool(std::string_view)>& sink) const;
    /// All of it at once. Errors: as read(); LimitExceeded above 64 MiB.
    [[nodiscard]] Result<std::string> readAll(const std::string& name) const;

private:
    struct Closer {
        void operator()(zip* archive) const;
    };
    std::unique_ptr<zip, Closer> m_zip;
    std::vector<std::string> m_names;
    std::size_t m_packedBytes = 0;
};

}  // namespace conclave::retrieval::extractor
