#include "retrieval/extractor/xml_reader.h"

#include <memory>

#include <libxml/parser.h>

namespace conclave::retrieval::extractor {
namespace {

constexpr int kValuesPerAttribute = 5;

std::string_view xmlView(const xmlChar* text) {
    return text != nullptr ? std::string_view(reinterpret_cast<const char*>(text))
                           : std::string_view();
}

XmlHandler& xmlHandlerOf(void* data) { return *static_cast<XmlHandler*>(data); }

void onXmlStart(void* data, const xmlChar* name, const xmlChar*, const xmlChar*, int,
                const xmlChar**, int nAttributes, int, const xmlChar** attributes) {
    xmlHandlerOf(data).start(xmlView(name), XmlAttributes(attributes, nAttributes));
}
void onXmlEnd(void* data, const xmlChar* name, const xmlChar*, const xmlChar*) {
    xmlHandlerOf(data).end(xmlView(name));
}
void onXmlText(void* data, const xmlChar* text, int length) {
    xmlHandlerOf(data).text(
        {reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)});
}
void ignoreXmlProblem(void*, const char*, ...) {}

struct XmlContextDeleter {
    void operator()(xmlParserCtxt* context) const {
        if (context->myDoc != nullptr) xmlFreeDoc(context->myDoc);
        context->myDoc = nullptr;
        xmlFreeParserCtxt(context);
    }
};

}  // namespace

bool XmlAttributes::has(std::string_view localName) const {
    for (int i = 0; i < m_count; ++i) {
        if (xmlView(m_values[i * kValuesPerAttribute]) == localName) return true;
    }
    return false;
}

std::string_view XmlAttributes::get(std::string_view localName) const {
    return find(localName, false);
}

std::string_view XmlAttributes::getPrefixed(std::string_view localName) const {
    return find(localName, true);
}

std::string_view XmlAttributes::find(std::string_view localName, bool hasPrefix) const {
    for (int i = 0; i < m_count; ++i) {
        const unsigned char** attribute = m_values + i * kValuesPerAttribute;
        if (xmlView(attribute[0]) != localName || (hasPrefix && attribute[1] == nullptr)) continue;
        return {reinterpret_cast<const char*>(attribute[3]),
                static_cast<std::size_t>(attribute[4] - attribute[3])};
    }
    return {};
}

std::string XmlAttributes::words(std::string_view localName) const {
    constexpr std::string_view kAmpersand = "&#38;";
    std::string value(get(localName));
    for (std::size_t at = value.find(kAmpersand); at != std::string::npos;
         at = value.find(kAmpersand, at + 1)) {
        value.erase(at + 1, kAmpersand.size() - 1);
    }
    return value;
}

Result<void> readXml(const Archive& archive, const std::string& part, XmlHandler& handler) {
    xmlSAXHandler events{};
    events.initialized = XML_SAX2_MAGIC;
    events.startElementNs = onXmlStart;
    events.endElementNs = onXmlEnd;
    events.characters = onXmlText;
    events.ignorableWhitespace = onXmlText;
    events.cdataBlock = onXmlText;
    events.error = ignoreXmlProblem;
    events.fatalError = ignoreXmlProblem;
    events.warning = ignoreXmlProblem;
    const std::unique_ptr<xmlParserCtxt, XmlContextDeleter> context(
        xmlCreatePushParserCtxt(&events, &handler, nullptr, 0, nullptr));
    if (!context) return fail(ErrorCode::OutOfMemory, "no memory for the XML parser");
    xmlCtxtUseOptions(context.get(), XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const auto read = archive.read(part, [&](std::string_view piece) {
        xmlParseChunk(context.get(), piece.data(), static_cast<int>(piece.size()), 0);
        return context->wellFormed != 0 && !handler.isTooLarge();
    });
    if (!read) return read;
    if (handler.isTooLarge()) {
        return fail(ErrorCode::LimitExceeded, "the document holds more than 64 MiB of text");
    }
    if (context->wellFormed != 0) xmlParseChunk(context.get(), "", 0, 1);
    if (context->wellFormed == 0) {
        return fail(ErrorCode::Corrupt, "the part " + part + " of the document is damaged");
    }
    return {};
}

}  // namespace conclave::retrieval::extractor
