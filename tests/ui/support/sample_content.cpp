#include "tests/ui/support/sample_content.h"

namespace conclave::ui::test {

using namespace services;

namespace {

const std::string kPolicy =
    "Travel policy\n\n1. Before the trip\n\nEvery trip needs the approval of the head of the "
    "department. "
    "Ask at least ten working days before you leave.\n\n2. Accommodation\n\nEmployees may book up "
    "to 4 "
    "nights without a further approval. A night may cost no more than 140 euros in Europe and 190 "
    "euros "
    "elsewhere. Breakfast is paid if it is on the hotel's bill.\n\n3. Trains and flights\n\nTake "
    "the train "
    "for journeys under six hours. Flights are booked in economy class.\n";

AnswerDetails sampleDetails(DocumentId document) {
    const std::string quote = "Employees may book up to 4 nights without a further approval.";
    const std::string passage =
        quote + " A night may cost no more than 140 euros in Europe and 190 euros elsewhere.";
    const std::size_t start = kPolicy.find(quote);
    AnswerDetails details;
    details.model = "Conclave Tiny 20M";
    details.usage = {{"decode_tps", 61.3}, {"completion_tokens", 58}};
    details.passages = {
        {1, document, "/home/ada/Documents/Policies/travel-policy.pdf", "Travel policy",
         "Accommodation", 3, start, start + passage.size(), passage, 0.92},
        {2, std::nullopt, "/home/ada/Documents/Policies/expenses.md", "Expenses",
         "Receipts > Hotels", 1, 0, 74,
         "Hand in the hotel's bill within thirty days. Minibar and laundry are private.", 0.61},
        {3, std::nullopt, "/home/ada/Documents/Policies/faq.html", "Questions and answers",
         "Approval", 1, 0, 60, "Longer stays are possible; your manager signs form T-7 first.",
         0.48}};
    details.citations = {{0, 0, 1, start, start + quote.size(), quote, true},
                         {0, 0, 1, 0, 0, {}, true},
                         {0, 0, 3, 0, 0, {}, false}};
    return details;
}

constexpr auto kTravelAnswer =
    "You may book **up to 4 nights** without a further approval [1]. A night may cost no more than "
    "140 euros in Europe and 190 euros elsewhere [1].\n\nFor longer stays the board of directors "
    "has to "
    "agree [3].";

}  // namespace

std::string sampleMarkdown() {
    return R"(# Reading a file line by line

A short answer first: use `std::getline`, and check the **stream**, not the *end of file*. The old way with `~~eof()~~` is ~~good~~ wrong; see [the reference](https://en.cppreference.com/w/cpp/string/basic_string/getline) or https://example.org/a/long/address.

## Steps

1. Open the file.
2. Read lines until the stream says no:
   - blank lines count too
   - the last line may lack its line end
     - and may be very long
3. Close it; the destructor does.

```cpp
#include <fstream>
#include <string>

/* Counts the lines of a file. */
int countLines(const std::string& path) {
    std::ifstream file(path);  // closed by its destructor
    int lines = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.empty()) continue;
        lines += 1;
    }
    return lines;
}
```

The same in Python, which is shorter:

```python
def count_lines(path: str) -> int:
    """Counts the lines that are not empty."""
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in file if line.strip())  # a generator, so memory stays small whatever the size of the file
```

> A file is a sequence of bytes; lines are an agreement among programs.
>
> > Nested quotes work as well.

| Way | Speed | Memory |
| :-- | ----: | :----: |
| `getline` | 1.2 GB/s | one line |
| `mmap` | **3.4 GB/s** | the page cache |
| read all | 2.1 GB/s | the whole file |

### Still to do

- [x] count lines
- [ ] count words
- [ ] measure on a slow disk

---

```json
{"name": "conclave", "version": 1, "private": true, "tags": ["chat", "offline"], "ratio": 0.8}
```

```sh
# build and run
cmake --preset release && cmake --build build --target conclave-desktop
echo "done in $SECONDS s"
```

Last paragraph with an image ![a diagram](images/diagram.png) that is not loaded.)";
}

Script sampleScript() {
    Script script;
    script.answer = kTravelAnswer;
    script.perStep = std::chrono::milliseconds(40);
    script.bytesPerStep = 6;
    script.passages = sampleDetails(0).passages;
    return script;
}

IndexProgress sampleProgress(const SampleChats& chats) {
    return {chats.policies,
            "Policies",
            IndexProgress::State::Reading,
            37,
            112,
            "handbook/chapter-4-safety-at-work.pdf",
            {}};
}

IndexProgress samplePause(const SampleChats& chats) {
    IndexProgress progress = sampleProgress(chats);
    progress.state = IndexProgress::State::Paused;
    progress.filesTotal = 75;
    return progress;
}

DocumentFilter sampleFilter() {
    return {.files = {"*差旅政策与住宿标准及报销流程说明（修订稿）*",
                      "Archive of the northern office/"},
            .types = {"pdf", "docx"},
            .since = "2026-01-01",
            .until = {}};
}

ChatId addAnswersFromEverything(ScriptedServices& services) {
    const ChatId chat = services.addChat("Which documents mention receipts?", 2);
    services.addMessage(chat, Role::User, "Which documents mention receipts?");
    AnswerDetails details;
    details.finishReason = kSurveyReason;
    details.usage["survey"] = {{"documents", 12},      {"documents_all", 38},  {"passages", 300},
                               {"passages_all", 1240}, {"skipped", {"a.pdf"}}, {"complete", false}};
    const MessageId stopped = services.addMessage(
        chat, Role::Assistant,
        "3 documents so far:\n\n- Travel policy: “Hand in the receipts within thirty days.”");
    services.setDetails(stopped, details);
    services.setState(stopped, MessageState::Stopped, {});
    services.addMessage(chat, Role::User, "Who signs form T-7?");
    AnswerDetails nothing;
    nothing.finishReason = kNothingFoundReason;
    nothing.usage["filter"] = sampleFilter().toJson();
    services.setDetails(
        services.addMessage(chat, Role::Assistant,
                            "Only some documents were searched, as the filter says (type pdf). I "
                            "could not find that in your documents."),
        nothing);
    return chat;
}

SampleChats fillWithSamples(ScriptedServices& services) {
    SampleChats chats;
    services.addChat("What is in the contract with the printer's maker?", 40);
    services.addChat("Holiday ideas", 12);
    services.addChat("Notes of the meeting on 14 October, decisions and who does what", 5);
    chats.failed = services.addChat("Summary of the annual report", 3);
    chats.chinese = services.addChat("差旅政策：住宿标准", 1);
    chats.markdown = services.addChat("Reading a file in C++", 0);
    chats.travel = services.addChat("How many nights may I book?", 0);
    services.addChat("Household: warranties and manuals", 20, true);

    services.addCollection("Conclave Guide", 14, 212, 0);
    chats.policies = services.addCollection("Policies", 38, 1240, 2);
    services.addDocument(chats.policies, "/home/ada/Documents/Policies/scan-2019.pdf", {},
                         DocumentState::NeedsOcr);
    services.addDocument(chats.policies, "/home/ada/Documents/Policies/salaries.docx", {},
                         DocumentState::Failed,
                         "The document is protected by a password. Save a copy without one.");
    const DocumentId policy = services.addDocument(
        chats.policies, "/home/ada/Documents/Policies/travel-policy.pdf",
        {"Title page\n\nThe company's travel policy, valid from 1 January.", "Contents", kPolicy});
    services.addCollection("会议记录", 6, 88, 0);

    services.addMessage(chats.travel, Role::User,
                        "How many nights may I book, and what may they cost?");
    chats.answer = services.addMessage(chats.travel, Role::Assistant, kTravelAnswer);
    const AnswerDetails details = sampleDetails(policy);
    services.setDetails(chats.answer, details);
    services.addMessage(chats.travel, Role::User, "And who pays for breakfast?");
    const MessageId breakfast = services.addMessage(
        chats.travel, Role::Assistant, "Breakfast is paid if it is on the hotel's bill [1].");
    AnswerDetails second = details;
    second.citations = {{0, 0, 1, 0, 0, {}, true}};
    second.usage["searched_for"] =
        "And who pays for breakfast? How many nights may I book, and "
        "what may they cost?";
    services.setDetails(breakfast, second);

    services.addMessage(chats.markdown, Role::User,
                        "How do I read a file line by line in C++? Please compare it with Python, "
                        "and show the speed of the usual ways in a table.");
    services.setDetails(services.addMessage(chats.markdown, Role::Assistant, sampleMarkdown()),
                        {"DeepSeek-V2-Lite Chat",
                         "",
                         0,
                         {},
                         {{"decode_tps", 7.4}, {"completion_tokens", 512}},
                         "stop",
                         {},
                         {}});

    services.addMessage(chats.chinese, Role::User,
                        "出差住宿一晚最多可以报销多少钱？需要提前审批吗？");
    const MessageId chinese =
        services.addMessage(chats.chinese, Role::Assistant,
                            "根据差旅政策，**欧洲地区每晚不超过 140 欧元**，其他地区每晚不超过 190 "
                            "欧元 [1]。\n\n- 连续住宿不超过 4 晚：无需额外审批 [1]\n"
                            "- 超过 4 晚：须由部门负责人提前签字 "
                            "[3]\n\n日本語の文も正しく表示されます。한국어도 됩니다.");
    services.setDetails(chinese, details);

    services.addMessage(chats.failed, Role::User,
                        "Summarise the annual report in three sentences.");
    const MessageId failed = services.addMessage(chats.failed, Role::Assistant, "");
    services.setState(failed, MessageState::Failed,
                      "The model “DeepSeek-V2-Lite” needs 10.4 GB and 6.1 GB are free. Close other "
                      "programs or choose a smaller model.");
    return chats;
}

}  // namespace conclave::ui::test
