#include "retrieval/languages.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

struct Entry {
    LanguageName name;
    /// The most frequent ones, case-folded. None of a single ASCII letter, which formulas have.
    std::string_view functionWords;
};

constexpr std::array<Entry, kLanguages> kEntries = {{
    {{"en", "english"}, ""},  // see stop_words.cpp
    {{"fr", "french"},
     "le la les de des du un une et est en dans que qui quel quelle quels quelles pour par sur "
     "pas ne sont avec au aux ce cette ces il elle ils nous vous ou où mais se sa son ses leur "
     "leurs être été comme qu combien quand comment"},
    {{"de", "german"},
     "der die das den dem des und ist sind ein eine einer eines einem einen in im zu zum zur "
     "von vom mit auf für nicht sich als auch an am es wird werden wurde bei nach aus oder "
     "aber wie was wer wann wo welche welcher welches dass durch über unter wenn sie er ich "
     "kann hat haben"},
    {{"es", "spanish"},
     "el la los las de del un una unos unas en que qué quién cuál cuáles cuándo cómo dónde "
     "cuántos cuántas es son se no por para con al lo su sus como más pero este esta estos "
     "estas ha han fue ser está están sobre entre"},
    {{"it", "italian"},
     "il lo la gli le di del della dei delle dell dello degli un una uno è in che chi quale "
     "quali per con non si da dal dalla al alla ai alle nel nella sono come più ma questo "
     "questa quando dove quanto quanti su sul sulla anche ha"},
    {{"pt", "portuguese"},
     "os as de do da dos das um uma é em no na nos nas que quem qual quais para por com não se "
     "ao à mais como mas seu sua seus suas são foi ser está pelo pela este esta quando onde"},
    {{"nl", "dutch"},
     "de het een en van in is dat die te op voor met niet zijn aan er om ook als door bij "
     "wordt worden naar uit maar dit deze wat wie welke wanneer hoe waar hij zij kan heeft of "
     "ze"},
    {{"sv", "swedish"},
     "och att det som en ett på är av för med till den de inte om har var från eller kan ska "
     "när vad vem vilka vilken hur där han hon detta denna dessa"},
    {{"da", "danish"},
     "og at det som en et på er af for med til den de ikke om har var fra eller kan skal når "
     "hvad hvem hvilke hvilken hvordan hvor han hun dette denne disse blev bliver"},
    {{"no", "norwegian"},
     "og at det som en et på er av for med til den de ikke om har var fra eller kan skal når "
     "hva hvem hvilke hvilken hvordan hvor han hun dette denne disse ble blir"},
    {{"fi", "finnish"},
     "ja on ei se että joka jotka oli ovat kun tai mutta myös niin kuin sen hän mitä mikä kuka "
     "missä milloin miten ole tämä tämän sekä voi jos"},
    {{"hu", "hungarian"},
     "az és hogy nem is egy ez volt meg csak van mint de vagy aki ami amely mi ki hol mikor "
     "hogyan mennyi melyik lehet kell ha ezt azt"},
    {{"ro", "romanian"},
     "și şi în de la al ale cu nu este sunt pe un să că care din pentru mai prin sau ce cine "
     "când cum unde lui acest această fost fi se"},
    {{"tr", "turkish"},
     "ve bir bu da de için ile olarak olan ne kim hangi nasıl nerede kaç en daha çok gibi var "
     "değil mi mı ama veya her kadar sonra tarafından"},
}};

std::unordered_map<std::string_view, LanguageSet> readFunctionWords() {
    std::unordered_map<std::string_view, LanguageSet> found;
    for (std::size_t i = 0; i < kEntries.size(); ++i) {
        std::string_view rest = kEntries[i].functionWords;
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(' '), rest.size());
            found[rest.substr(0, end)] |= LanguageSet{1} << i;
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return found;
}

}  // namespace

LanguageName nameOf(Language language) { return kEntries[static_cast<std::size_t>(language)].name; }

LanguageSet languagesOfFunctionWord(std::string_view word) {
    static const auto known = readFunctionWords();
    const auto found = known.find(word);
    return (found != known.end() ? found->second : 0) | (isStopWord(word) ? 1u : 0u);
}

Language LanguageGuess::best() const {
    constexpr std::uint32_t kFewest = 2;
    constexpr std::uint32_t kShare = 6;
    const auto most = std::max_element(m_counts.begin(), m_counts.end());
    if (*most < kFewest || *most * kShare < m_nWords) return Language::English;
    return static_cast<Language>(most - m_counts.begin());  // the first of equals: English
}

}  // namespace conclave::retrieval
