#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "retrieval/analyzer.h"
#include "retrieval/characters.h"
#include "retrieval/posting_segment.h"
#include "retrieval/retrieval.h"
#include "retrieval/stemmer.h"

namespace conclave::retrieval {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::vector<std::string> terms(std::string_view text) {
    std::vector<std::string> found;
    analyze(text,
            [&](std::string_view term, std::size_t, std::size_t) { found.emplace_back(term); });
    return found;
}

/// "term=covered text" of each term.
std::vector<std::string> spans(std::string_view text) {
    std::vector<std::string> found;
    analyze(text, [&](std::string_view term, std::size_t start, std::size_t end) {
        found.push_back(std::string(term) + "=" + std::string(text.substr(start, end - start)));
    });
    return found;
}

TEST(Analyzer, StemsEnglishWords) {
    EXPECT_THAT(terms("Running nights, Approvals!"), ElementsAre("run", "night", "approv"));
    EXPECT_THAT(terms("Anna's don't"), ElementsAre("anna", "don't"));
}

TEST(Analyzer, ChineseGivesCharactersAndPairs) {
    EXPECT_THAT(terms("住宿费"), ElementsAre("住", "住宿", "宿", "宿费", "费"));
    EXPECT_THAT(terms("用iPhone手机"), Contains("iphon"));
    EXPECT_THAT(terms("用iPhone手机"), Contains("手机"));
    EXPECT_THAT(terms("用iPhone手机"), Not(Contains("用手")));
    EXPECT_THAT(terms("你，好"), Not(Contains("你好"))) << "punctuation separates";
}

TEST(Analyzer, StemsByScript) {
    EXPECT_EQ(terms("книги"), terms("книгами"));
    EXPECT_EQ(terms("Договоров"), terms("договор"));
    EXPECT_EQ(terms("βιβλία"), terms("βιβλίων"));
    EXPECT_THAT(terms("книжкові шапка"), ElementsAre("книжкові", "шапк")) << "Ukrainian, Russian";
    EXPECT_THAT(terms("کتابها"), ElementsAre("کتابها")) << "Persian is not Arabic";
}

TEST(Analyzer, WordsAreTheSameWithAndWithoutTheirAccents) {
    for (const auto& [with, without] :
         std::vector<std::pair<const char*, const char*>>{{"Müller", "Muller"},
                                                          {"café", "cafe"},
                                                          {"naïve", "naive"},
                                                          {"résumés", "resumes"},
                                                          {"Łódź", "Lodz"},
                                                          {"Søren", "Soren"},
                                                          {"cafe\u0301", "CAFÉ"},
                                                          {"Brontë's", "Bronte's"}}) {
        EXPECT_EQ(terms(with), terms(without)) << with;
    }
    EXPECT_NE(terms("йод"), terms("иод")) << "Russian";
    EXPECT_NE(terms("ガ"), terms("カ"));
}

TEST(Stemmer, KeepsLettersOfALanguagesOwnAlphabet) {
    const auto stem = [](Language language, std::string_view word) {
        return std::string(Stemmer(language).stem(word));
    };
    EXPECT_EQ(stem(Language::German, "müller"), stem(Language::German, "muller"));
    EXPECT_EQ(stem(Language::French, "café"), stem(Language::French, "cafe"));
    EXPECT_EQ(stem(Language::French, "élève"), stem(Language::French, "eleve"));
    EXPECT_EQ(stem(Language::Spanish, "acción"), stem(Language::Spanish, "accion"));
    EXPECT_EQ(stem(Language::Portuguese, "você"), stem(Language::Portuguese, "voce"));
    EXPECT_EQ(stem(Language::Swedish, "idé"), stem(Language::Swedish, "ide"));
    EXPECT_NE(stem(Language::Swedish, "får"), stem(Language::Swedish, "far"));
    EXPECT_NE(stem(Language::Spanish, "año"), stem(Language::Spanish, "ano"));
    EXPECT_NE(stem(Language::Danish, "køre"), stem(Language::Danish, "kore"));
}

TEST(Analyzer, NeverCutsALetterInTwo) {
    for (const char* word : {"住宿s", "élections", "Straßen", "книги", "الكتاب", "किताबों"}) {
        for (const std::string& term : terms(word)) EXPECT_TRUE(isValidUtf8(term)) << word;
    }
    EXPECT_THAT(terms("Straßen"), ElementsAre("strassen"));
    EXPECT_EQ(Stemmer::ofThisThread().stem("住宿"), "住宿");
}

TEST(Analyzer, OffsetsCoverTheSource) {
    EXPECT_THAT(spans("Ｆｕｌｌ－ｗｉｄｔｈ １２"),
                ElementsAre("full=Ｆｕｌｌ", "width=ｗｉｄｔｈ", "12=１２"));
    EXPECT_THAT(spans("ｶﾞｽ"), ElementsAre("ガ=ｶﾞ", "ガス=ｶﾞｽ", "ス=ｽ"));
    EXPECT_THAT(spans("か\u3099く"), ElementsAre("が=か\u3099", "がく=か\u3099く", "く=く"));
    EXPECT_THAT(spans("한국"), ElementsAre("한=한", "한국=한국", "국=국"));
}

TEST(Analyzer, DecomposedAndComposedAreOne) {
    EXPECT_EQ(terms("cafe\u0301"), terms("café"));
    EXPECT_EQ(terms("\u1112\u1161\u11AB"), terms("한"));
    EXPECT_EQ(terms("soft\u00ADhyphen"), terms("softhyphen"));
}

TEST(Analyzer, SplitsIdentifiers) {
    EXPECT_THAT(terms("parseHTTPHeader"), ElementsAre("parsehttphead", "pars", "http", "header"));
    EXPECT_THAT(terms("max_open_files"), ElementsAre("max", "open", "file"));
    EXPECT_THAT(terms("USA"), ElementsAre("usa"));
}

TEST(Analyzer, KeepsNumbersWhole) {
    EXPECT_THAT(terms("3.14 1,000,000 2024-11-02 v1.2.3."),
                ElementsAre("3.14", "1000000", "2024", "11", "02", "v1.2.3"));
}

TEST(Analyzer, FindsThaiWordsByDictionary) {
    EXPECT_THAT(terms("ภาษาไทย"), ElementsAre("ภาษา", "ไทย"));
}

TEST(Analyzer, LongWordsAreCutAndInvalidBytesSurvive) {
    const std::string longWord(100'000, 'x');
    EXPECT_THAT(terms(longWord), ElementsAre(std::string(64, 'x')));
    EXPECT_THAT(terms("ab\xFF\xFE"
                      "cd\xE4"),
                ElementsAre("ab", "cd"));
}

TEST(ChunkTerms, AreTheKeysOfAllTerms) {
    const std::string texts[] = {
        "The HTTPServer's flies flied 3.14 times; parseURL2x and snake_case don't, x2y, 1,000.",
        "Ärzte straßen ﬁnd Ⅷ ㎏ ａｂｃ４２ x² O\u0308l running RUNNING runs",
        "量子計算的原理，ｶﾅ と かな 가나다 Debian是什么 々〇 \u9FFF\u4E00 ภาษาไทย",
        std::string(300, 'q') + " a\xFFz \xE4 running"};
    for (const std::string& text : texts) {
        for (int run = 0; run < 2; ++run) {  // the second one knows its words
            std::vector<TermKey> wanted;
            for (const std::string& term : terms(text)) wanted.push_back(termKey(term));
            EXPECT_EQ(chunkTerms("", text).keys, wanted) << text;
        }
    }
}

TEST(Languages, AreToldByFunctionWords) {
    EXPECT_EQ(languageOf({"The tenant pays the rent on the third day of each month."}),
              Language::English);
    EXPECT_EQ(languageOf({"Le locataire paie le loyer le troisième jour du mois."}),
              Language::French);
    EXPECT_EQ(languageOf({"Der Mieter zahlt die Miete am dritten Tag des Monats."}),
              Language::German);
    EXPECT_EQ(languageOf({"El inquilino paga el alquiler el tercer día de cada mes."}),
              Language::Spanish);
    EXPECT_EQ(languageOf({"L'inquilino paga il canone di affitto il terzo giorno del mese."}),
              Language::Italian);
    EXPECT_EQ(languageOf({"O inquilino paga a renda no terceiro dia de cada mês e não depois."}),
              Language::Portuguese);
    EXPECT_EQ(languageOf({"De huurder betaalt de huur op de derde dag van de maand."}),
              Language::Dutch);
    EXPECT_EQ(languageOf({"Hyresgästen betalar hyran på den tredje dagen och inte senare."}),
              Language::Swedish);
    EXPECT_EQ(languageOf({"Vuokralainen ei ole maksanut vuokraa, joka on myöhässä."}),
              Language::Finnish);
    EXPECT_EQ(languageOf({"Kiracı bu kira için her ay bir ödeme yapar ve daha sonra öder."}),
              Language::Turkish);
}

TEST(Languages, AreEnglishInDoubt) {
    EXPECT_EQ(languageOf({""}), Language::English);
    EXPECT_EQ(languageOf({"del x; del y; return f(a, b)"}), Language::English);
    EXPECT_EQ(languageOf({"He sings “La vie en rose” in the bar of the hotel on the hill."}),
              Language::English);
    EXPECT_EQ(languageOf({"Kaltmiete 850 EUR, Nebenkosten 120 EUR"}), Language::English);
    EXPECT_EQ(languageOf({"房租每月三号付，不得迟延"}), Language::English);
}

TEST(QueryTerms, LeaveOutFunctionWordsOfTheQuestionsLanguage) {
    EXPECT_THAT(queryTerms("Quelles sont les obligations du locataire ?"),
                ElementsAre("oblig", "locatair"));
    EXPECT_THAT(queryTerms("Was kostet die Wohnung?"), Not(Contains("die")));
}

TEST(Characters, MostOfChineseIsKnownWithoutTheTable) {
    for (char32_t c = 0x4D00; c < 0xA100; ++c) {
        const CharacterClass quick = classify(c);
        const CharacterClass known = classifyByTable(c);
        ASSERT_TRUE(quick.kind == known.kind && quick.isFolded == known.isFolded &&
                    quick.isUpper == known.isUpper && quick.isLower == known.isLower &&
                    quick.isDigit == known.isDigit)
            << static_cast<unsigned>(c);
    }
}

TEST(QueryTerms, DropsStopWordsUnlessNothingIsLeft) {
    EXPECT_THAT(queryTerms("How many nights may I book?"),
                ElementsAre("mani", "night", "may", "book"));
    EXPECT_THAT(queryTerms("who are you"), ElementsAre("who", "are", "you"));
    EXPECT_THAT(queryTerms("住宿的费用"), Not(Contains("的")));
    EXPECT_THAT(queryTerms("住宿的费用"), Contains("住宿"));
    EXPECT_THAT(queryTerms("time flies like time"), ElementsAre("time", "fli", "like", "time"));
}

}  // namespace
}  // namespace conclave::retrieval
