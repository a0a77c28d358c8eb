#include "app/services/passage_list.h"

#include <algorithm>
#include <utility>

namespace conclave::services {

PassageList listPassages(std::string_view question, std::string preface,
                         std::vector<StoredPassage> passages) {
    constexpr std::size_t kShown = 5;
    constexpr std::size_t kCharacters = 400;  // of each
    if (passages.size() > kShown) passages.resize(kShown);
    // What scores far below the best only shares a word with the question.
    std::erase_if(passages, [best = passages.empty() ? 0.0 : passages.front().score](
                                const auto& passage) { return passage.score < best / 2; });
    PassageList list;
    list.text = std::move(preface);
    if (!passages.empty()) list.text += "\n";
    int number = 0;
    for (StoredPassage& passage : passages) {
        passage.number = ++number;
        const retrieval::TextSpan shown =
            retrieval::excerptFor(question, passage.text, kCharacters);
        const std::string quote =
            passage.text.substr(shown.startByte, shown.endByte - shown.startByte);
        list.text += "\n- " + readableLine(quote, passage.path) + " ";
        const std::string mark = std::string("[").append(std::to_string(number)).append("]");
        list.citations.push_back({.answerStart = list.text.size(),
                                  .answerEnd = list.text.size() + mark.size(),
                                  .passage = number,
                                  .quoteStart = passage.startByte + shown.startByte,
                                  .quoteEnd = passage.startByte + shown.endByte,
                                  .quote = quote,
                                  .supported = true});
        list.text += mark;
    }
    list.passages = std::move(passages);
    return list;
}

}  // namespace conclave::services
