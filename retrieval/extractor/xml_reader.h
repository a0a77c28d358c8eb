// xml_reader.h: XML of an archive's part as events, through libxml2.
//
// No DTD is read, no entity is expanded beyond the five of XML, nothing is fetched; names are
// local names without their prefix. Depth is bounded by libxml2 (256).
#pragma once

#include <string>
#include <string_view>

#include "retrieval/extractor/archive.h"

namespace conclave::retrieval::extractor {

/// Attributes of one element; valid during the call that hands them out.
class XmlAttributes {
public:
    /// As libxml2's SAX2 gives them: local name, prefix, URI, begin and end of the value.
    XmlAttributes(const unsigned char** values, int count) : m_values(values), m_count(count) {}
    /// Empty if there is none of this local name.
    [[nodiscard]] std::string_view get(std::string_view localName) const;
    /// The one with a prefix, where two have the same local name, as id and r:id.
    [[nodiscard]] std::string_view getPrefixed(std::string_view localName) const;
    /// As get(), for words: libxml2 leaves an ampersand as the reference &#38; in get().
    [[nodiscard]] std::string words(std::string_view localName) const;
    [[nodiscard]] bool has(std::string_view localName) const;

private:
    [[nodiscard]] std::string_view find(std::string_view localName, bool hasPrefix) const;

    const unsigned char** m_values;
    int m_count;
};

class XmlHandler {
public:
    XmlHandler() = default;
    XmlHandler(const XmlHandler&) = delete;
    XmlHandler& operator=(const XmlHandler&) = delete;
    virtual ~XmlHandler() = default;
    virtual void start(std::string_view name, const XmlAttributes& attributes) = 0;
    virtual void end(std::string_view name) = 0;
    virtual void text(std::string_view text) = 0;
    /// Asked between pieces of input; true ends the reading with LimitExceeded.
    [[nodiscard]] virtual bool isTooLarge() const { return false; }
};

/// Streams one part of an archive through a handler. Errors: those of Archive::read; Corrupt for
/// XML that is not well-formed; LimitExceeded.
[[nodiscard]] Result<void> readXml(const Archive& archive, const std::string& part,
                                   XmlHandler& handler);

}  // namespace conclave::retrieval::extractor
