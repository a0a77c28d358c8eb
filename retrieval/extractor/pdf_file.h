// pdf_file.h: the objects, streams and pages of a PDF whose structure leaves no doubt.
//
// pdfium gives text but not what a page does to show it. This reads that from the file itself, only
// where every reader must see the same: no repairs, no encryption, each object defined once and
// where the cross-reference says. Of all other files it says nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/extractor/pdf_syntax.h"

namespace conclave::retrieval::extractor {

/// What a zlib stream at the start of `packed` unpacks to; none if it is damaged, cut short or
/// gives more than `most` bytes.
[[nodiscard]] std::optional<std::string> inflated(std::string_view packed, std::size_t most);

class PdfFile {
public:
    /// A page with what it inherits. Values are resolved, Null where there is none.
    struct Page {
        PdfValue dictionary;
        PdfValue resources;
        PdfValue mediaBox;
        PdfValue cropBox;
        PdfValue rotate;
    };

    /// `bytes` outlives it. None if the structure is not certain.
    [[nodiscard]] static std::optional<PdfFile> open(std::string_view bytes);

    [[nodiscard]] std::size_t nPages() const { return m_pages.size(); }
    /// None if it is not certain.
    [[nodiscard]] std::optional<Page> page(std::size_t index);

    /// What a reference points to; another value itself. Null value if there is no such object;
    /// none if it is not certain.
    [[nodiscard]] std::optional<PdfValue> resolve(const PdfValue& value);
    /// The value of a key, resolved; a Null value if there is none.
    [[nodiscard]] std::optional<PdfValue> get(const PdfValue& dictionary, std::string_view key);
    /// The dictionary of the stream object that `reference` points to, and its unpacked bytes.
    struct Stream {
        PdfValue dictionary;
        std::string bytes;
    };
    [[nodiscard]] std::optional<Stream> stream(const PdfValue& reference);

private:
    struct Place {
        std::size_t offset = 0;       ///< in the file, or in the object stream's bytes
        std::uint32_t container = 0;  ///< number of the object stream; 0: none
    };
    struct Object {
        PdfValue value;
        std::size_t streamAt = 0;  ///< of the bytes of a stream; 0: none
    };

    explicit PdfFile(std::string_view bytes) : m_bytes(bytes) {}

    [[nodiscard]] bool readCrossReferences();
    [[nodiscard]] bool readSection(std::size_t offset, PdfValue& trailer);
    [[nodiscard]] bool readTable(PdfLexer& lexer, PdfValue& trailer);
    [[nodiscard]] bool readCrossReferenceStream(std::size_t offset, PdfValue& trailer);
    [[nodiscard]] bool isEachObjectWhereItIsSaid() const;
    [[nodiscard]] bool readObjectStream(std::uint32_t number);
    [[nodiscard]] bool readPageTree(const PdfValue& node, Page inherited, int depth,
                                    std::size_t& nLeaves);

    [[nodiscard]] std::optional<Object> objectAt(std::size_t offset, std::uint32_t number);
    [[nodiscard]] std::optional<Object> object(std::uint32_t number);
    [[nodiscard]] std::optional<std::string> streamBytes(const Object& object);

    struct PageNode {
        PdfValue dictionary;
        Page inherited;
    };
    std::string_view m_bytes;
    std::map<std::uint32_t, Place> m_places;
    std::map<std::size_t, std::uint32_t> m_sections;  ///< cross-reference streams, by offset
    std::size_t m_nTables = 0;
    PdfValue m_root;
    std::map<std::uint32_t, std::string> m_containers;
    std::size_t m_unpackedBytes = 0;  ///< of the containers
    std::size_t m_nNodes = 0;
    std::vector<PageNode> m_pages;
};

}  // namespace conclave::retrieval::extractor
