#include "retrieval/extractor/json_tree.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace conclave::retrieval::extractor {
namespace {

constexpr std::size_t kDeepestJson = 100;
constexpr std::size_t kMostNodes = 2'000'000;

/// nlohmann's events; false ends the parsing.
class TreeBuilder : public nlohmann::json::json_sax_t {
public:
    [[nodiscard]] bool isTooLarge() const { return m_isTooLarge; }
    [[nodiscard]] JsonNode take() { return std::move(m_root); }

    bool null() override { return add({}); }
    bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
    bool number_integer(number_integer_t value) override { return scalar(std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override { return scalar(std::to_string(value)); }
    bool number_float(number_float_t, const string_t& text) override { return scalar(text); }
    bool string(string_t& value) override { return scalar(std::move(value)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(JsonNode::Kind::Object); }
    bool start_array(std::size_t) override { return open(JsonNode::Kind::Array); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& value) override {
        m_key = std::move(value);
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

private:
    bool scalar(std::string text) {
        return add({.kind = JsonNode::Kind::Scalar, .text = std::move(text)});
    }

    bool add(JsonNode node) {
        m_isTooLarge = m_isTooLarge || ++m_nNodes > kMostNodes;
        if (m_isTooLarge) return false;
        if (m_open.empty()) {
            m_root = std::move(node);
        } else {
            m_open.back()->children.emplace_back(std::exchange(m_key, {}), std::move(node));
        }
        return true;
    }

    bool open(JsonNode::Kind kind) {
        m_isTooLarge = m_isTooLarge || m_open.size() >= kDeepestJson;
        if (m_isTooLarge || !add({.kind = kind, .text = {}})) return false;
        // A parent's list does not grow while a child is open, so that the pointer stays good.
        m_open.push_back(m_open.empty() ? &m_root : &m_open.back()->children.back().second);
        return true;
    }

    bool close() {
        m_open.pop_back();
        return true;
    }

    JsonNode m_root;
    std::vector<JsonNode*> m_open;
    std::string m_key;
    std::size_t m_nNodes = 0;
    bool m_isTooLarge = false;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
    const auto found = std::find_if(children.begin(), children.end(),
                                    [key](const auto& child) { return child.first == key; });
    return found != children.end() ? &found->second : nullptr;
}

Result<JsonNode> parseJsonTree(std::string_view text) {
    TreeBuilder builder;
    const bool isWhole = nlohmann::json::sax_parse(
        text.begin(), text.end(), &builder, nlohmann::json::input_format_t::json, true, true);
    if (builder.isTooLarge()) {
        return fail(ErrorCode::LimitExceeded,
                    "the JSON is nested too deeply or has too many values");
    }
    if (!isWhole) return fail(ErrorCode::Corrupt, "the file is no JSON");
    return builder.take();
}

}  // namespace conclave::retrieval::extractor
