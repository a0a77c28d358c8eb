// answer_check.h: whether what a model wrote, or a passage that it cites, is about what is asked.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// The passage has the names and numbers of the question, numbers beside their nouns
/// (asked_document.h), and the thing that "which" asks for, so that a sentence of it can be an
/// answer at all. Of Chinese only what is numbered is known as a name.
[[nodiscard]] bool isAboutTheSame(std::string_view question, const StoredPassage& passage);

/// The text says a number, a time, a duration or money where the question asks for one, and one of
/// two where it offers both ("June or July"); true of other questions, whose answers have no form.
[[nodiscard]] bool isOfKindAskedFor(std::string_view question, std::string_view text);

/// The sentences of the passage around a quote (bytes of its text) are about the thing that the
/// question names by its number and say, with its heading and title, six in ten of the question's
/// words; of three or fewer all but what is asked for; of "What is the invoice number?" the
/// invoice, too. "The total" and "the highest" are said by the sentence itself. Where it is asked
/// how to do something, all: "To make a backup" tells nobody how to make a cake.
[[nodiscard]] bool saysEnoughOf(std::string_view question, const StoredPassage& passage,
                                retrieval::TextSpan quote);

/// The text is no more than a title or heading of the passages, or than words of the question: it
/// says nothing about what it names.
[[nodiscard]] bool isHeadingAlone(std::string_view question, std::string_view text,
                                  std::span<const StoredPassage> passages);

/// Takes back the support of citations whose passage is about another thing than the question
/// names by its number: what contract 11 says answers nothing about contract 10, however true.
void unsupportOthers(std::string_view question, std::span<const StoredPassage> passages,
                     std::vector<StoredCitation>& citations);

/// The same for citations of what is an order to an assistant (document_orders.h): it may name a
/// rent, but tells none.
void unsupportOrders(std::span<const StoredPassage> passages,
                     std::vector<StoredCitation>& citations);

}  // namespace conclave::services
