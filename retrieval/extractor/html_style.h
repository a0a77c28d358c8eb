// html_style.h: do an element's style attribute and the page's style sheet hide it?
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace conclave::retrieval::extractor {

/// How an element's text is drawn, as far as is said; elements inside it inherit it.
struct Look {
    std::string text;  ///< colours; empty: unknown
    std::string background;
    bool isInvisible = false;  ///< by `visibility`
    bool isTiny = false;       ///< by `font-size`
};

/// True if `style` (CSS declarations) hides the element and all in it; updates `look`, and is true
/// as well if its colours are known and equal. Of one property the last declaration counts.
[[nodiscard]] bool isHiddenByStyle(std::string_view style, Look& look);

/// Rules of a page's <style> elements whose selector is a class, an identifier or an element's
/// name, or these of one element together ("p.note"). Others, and those for other media, are passed
/// over.
class StyleSheet {
public:
    /// Of all <style> elements in `html`.
    static StyleSheet of(std::string_view html);
    [[nodiscard]] bool isEmpty() const { return m_rules.empty(); }
    /// Declarations for an element, as for isHiddenByStyle().
    [[nodiscard]] std::string declarationsFor(std::string_view element, std::string_view id,
                                              std::string_view classes) const;

private:
    struct Rule {
        std::string element;
        std::string id;
        std::vector<std::string> classes;
        std::string declarations;
    };
    void read(std::string css);
    void add(std::string_view selector, std::string_view declarations);

    std::vector<Rule> m_rules;
    /// By one thing that an element must have: "#id", ".class" or its name.
    std::unordered_map<std::string, std::vector<std::size_t>> m_byKey;
};

/// "White", "#FFF" and "rgb(255,255,255)" alike as "#ffffff"; other names in lower case.
[[nodiscard]] std::string normalColour(std::string_view colour);

}  // namespace conclave::retrieval::extractor
