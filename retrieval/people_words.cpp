#include "retrieval/people_words.h"

#include <algorithm>
#include <vector>

namespace conclave::retrieval {
namespace {

// Common given names of the languages that write them in Latin letters, those left out that are
// first of all other words or places (May, Rose, Will, Mark, Paris).
constexpr std::string_view kGivenNames =
    "aaron abigail adam adrian agnes agnieszka ahmed aisha alan albert alberto alejandro aleksandr "
    "alex alexander alexandra alfred ali alice alicia alison allison amanda amelia amina amit amy "
    "ana anastasia anders andrea andreas andrei andrew andrzej andré andy angela angelika anil "
    "anita anja ann anna anne annette annika anthony antoine anton antonio anya arjun arne arnold "
    "arthur arun astrid audrey ayesha barbara bart beatrice beatriz ben benjamin bernard bernd "
    "bernhard beth betty bianca bill birgit bjorn björn bob boris brenda brian bridget britta "
    "bruce "
    "bruno camille carl carla carlos carmen carol carolina caroline caroline catalina catherine "
    "cathy cecilia chiara chloe chloé chris christian christina christine christoph christopher "
    "claire clara claude claudia claus colin connie cristina cynthia cyril dagmar daniel daniela "
    "danielle dave david deborah deepak denise dennis derek diana diego dieter dietmar dimitri "
    "dirk dmitri dmitry dominik dominique donald donna dora dorothea dorothy doug douglas duncan "
    "edgar edith edmund eduardo edward edwin eileen elaine eleanor elena eli elias elif elin "
    "elisabeth elise elizabeth ella ellen elsa emil emilia emilie emily emma emmanuel enrico "
    "enrique eric erica erich erik erika erin ernst esther ethan eugene eva evelyn fabian fatima "
    "federica federico felix ferdinand fernando fiona florian françois françoise frances francesca "
    "francesco francis francisco franz fred frederick freya frieda friedrich fritz gabriel "
    "gabriela "
    "gareth gary geoffrey george georges georgia gerald gerard gerd gerhard gertrud gianni gilbert "
    "gina giorgio giovanni gisela giulia giuseppe gloria gordon graham greg gregor gregory greta "
    "gudrun guido guillaume gunnar gunther gustav günter günther hannah hannes hanna hans harald "
    "harold harriet harry hasan hassan heather hector heidi heike heinrich heinz helen helena "
    "helga "
    "helmut hendrik henri henrik henry herbert hermann hilda hiroshi holger horst howard hubert "
    "hugh hugo hussein ian ibrahim ida igor ignacio ilse imran ines inés inga inge ingeborg ingrid "
    "irene irina iris isaac isabel isabella isabelle ivan ivana jack jackie jacob jacqueline "
    "jacques jaime jake jakob james jan jane janet janine jan jason javier jay jean jeanne jeff "
    "jeffrey jennifer jenny jens jeremy jerome jerry jesper jessica jesús jill jim joachim joan "
    "joanna joanne jochen joe joel johan johann johanna johannes john johnny jon jonas jonathan "
    "jorge josef josefa joseph josephine joshua josé joyce joão juan juana judith judy julia "
    "julian "
    "juliana julie julien juliet julio julius jutta jörg jürgen kai karen karin karl karla karsten "
    "kasper katarina katarzyna kate katharina katherine kathleen kathryn kathy katja katrin kay "
    "keiko keith kelly ken kenji kenneth kerstin kevin kim kirsten kirsty klara klaus knut konrad "
    "kristian kristin kristina kurt kumar lars laura lauren laurent lauri lea leah leila lena leo "
    "leon leonard leonardo leonie leonor leslie lidia liam lilian lillian linda lindsay lisa liv "
    "lorenzo lorraine lothar lotte louis louisa louise luca lucas lucia lucie lucien lucy ludwig "
    "luigi luis luisa lukas luke lydia lynn léa madeleine magda magdalena magnus malcolm malin "
    "manfred manuel manuela marc marcel marcella marcin marco marcos marcus margaret margarita "
    "margot margrit maria mariam marian mariana marianne marie marija marina mario marion marit "
    "marjorie markus marlene marta marten martha martin martina mary maría massimo mateo mateusz "
    "mathias mathieu mathilde mats matt matteo matthew matthias matti maureen maurice mauro max "
    "maxim maximilian maya megan mehmet melanie melissa mette michael michaela michal michel "
    "michelle michał miguel mihai mikael mike mikhail mila milan milena mirjam miriam mohamed "
    "mohammad mohammed moira monica monika monique morten muhammad murat mustafa nadia nadine "
    "nancy naomi natalia natalie natasha nathan neha neil nele nicholas nick nicola nicolas nicole "
    "niels nigel niklas nikolai nikolaus nils nina noah noor nora norbert norman nuno olaf ole "
    "oleg olga oliver olivia olivier omar oscar oskar osman otto owen pablo pamela paola paolo "
    "pascal patricia patrick patrik paul paula pauline paulo pavel pedro peggy petar peter "
    "petra philip philipp philippe phyllis pierre pieter pilar piotr prakash priya rachel rafael "
    "rahul rainer raj rajesh ralf ralph ramon ramón raphael rashid raul ravi raymond raúl rebecca "
    "regina reinhard renata renate rené renée ricardo riccardo richard rita robert roberta roberto "
    "robin rodrigo roger roland rolf roman ronald rosa rosemary roy rudolf rupert russell ruth "
    "ryan sabine sabrina sally salma samantha samir samuel sandra sanjay sara sarah saskia "
    "sebastian sergei sergey sergio sharon sheila shirley sigrid silke silvia simon simone "
    "siobhan sofia sofie sonja sophia sophie stefan stefania stefano stella stephan stephanie "
    "stephen steve steven stuart sunil suresh susan susanna susanne suzanne svein sven svetlana "
    "sylvia sylvie søren tamara tanja tara tatiana teresa terry thea theo theodor theodore theresa "
    "therese thierry thomas thorsten tilda tim timo timothy tina tobias tom tomas tomasz tommy "
    "tomás tony torsten tracy trevor ulrich ulrike ursula uta uwe valentina valerie vanessa vera "
    "veronica veronika victor vijay viktor vincent vincenzo virginia vivian vladimir volker "
    "waldemar walter wanda wendy werner wilhelm willem william wolfgang xavier yasmin yolanda "
    "yuki yuri yusuf yvonne yves zahra zofia zoe zoë ángel åsa émile éric øyvind";

constexpr std::string_view kPinyinSurnames =
    "cai cao chen cheng cui deng ding dong fan fang feng fu gao gong gu guo han hao he hou hu "
    "huang "
    "jia jiang jin kong lai li liang liao lin liu long lu luo ma mao meng pan peng qian qin qiu "
    "ren shao shen shi song su sun tan tang tao tian wan wang wei wen wu xia xiang xiao xie xiong "
    "xu xue yan yang yao ye yin yu yuan zeng zhang zhao zheng zhong zhou zhu zou tanaka suzuki "
    "sato "
    "takahashi watanabe yamamoto nakamura kobayashi kato nguyen tran";

constexpr std::string_view kTitles =
    "mr mrs ms miss mister dr doctor prof professor sir dame madam madame monsieur mme herr frau "
    "señor señora signor signora capt captain sgt sergeant lieutenant colonel judge justice rev "
    "reverend senator minister chancellor councillor dear sister brother uncle aunt";

constexpr std::string_view kRoles =
    "accountant actor administrator adviser advisor agent analyst architect artist assistant "
    "attorney auditor author baker biologist boss builder buyer caretaker carpenter cashier ceo "
    "cfo "
    "chair chairman chairperson chairwoman chef chemist cleaner clerk coach colleague composer "
    "consultant contractor cook coordinator counsel cto curator customer dentist deputy designer "
    "developer director driver economist editor electrician employee engineer farmer father "
    "founder "
    "foreman friend gardener guest head headmaster historian husband inspector instructor intern "
    "inventor investigator janitor journalist landlady landlord lawyer leader lecturer librarian "
    "manager mayor mechanic member mother musician neighbour neighbor notary nurse officer owner "
    "painter partner patient pharmacist philosopher photographer physicist physician pilot plumber "
    "poet president principal programmer proprietor psychologist receptionist renter reporter "
    "representative researcher scientist secretary seller shareholder singer smith solicitor "
    "specialist spokesman spokesperson spokeswoman student supervisor surgeon surveyor tailor "
    "teacher technician tenant trainer translator treasurer trustee veterinarian vet volunteer "
    "waiter welder widow wife witness writer";

constexpr std::string_view kDoings =
    "said says wrote writes signed signs told tells asked asks replied replies answered explained "
    "explains argued argues joined joins worked works lived lives died married met meets resigned "
    "retired studied studies taught teaches graduated believes thinks thought felt knew knows "
    "remembers remembered agreed suggested suggests proposed invited thanked apologised apologized "
    "complained called phoned emailed visited travelled traveled moved attended chaired chairs led "
    "leads manages managed supervised supervises drove drives wants wanted promised smiled laughed "
    "born spoke speaks discovered invented painted composed repaired repairs checks checked "
    "approved approves objected abstained presented presents reported reports arrived left has had "
    "noted notes recalled admitted borrowed paid pays bought sold rents rented keeps kept took "
    "takes chose voted sent received wore hired interviewed";

/// Nobody has them in a name.
constexpr std::string_view kCompanyForms =
    "ltd limited inc incorporated corp corporation llc llp plc gmbh kg ag ug bv nv sarl srl oy ab "
    "aps co company university institute";

constexpr std::string_view kOfCompanies =
    "companies group holding holdings bank insurance partners "
    "associates "
    "brothers sons industries systems solutions services technologies technology software "
    "consulting logistics trust fund foundation stiftung verein association society "
    "institution college school academy hospital clinic centre center museum gallery "
    "library church cathedral chapel abbey theatre theater hotel restaurant café cafe bar inn "
    "press publishing publications journal times post news gazette magazine radio studio studios "
    "agency ministry department office council committee commission board court authority "
    "federation union party league club team project programme program agreement act treaty "
    "convention policy report contract manual guide plan award prize street straße strasse road "
    "avenue lane boulevard square platz plaza place drive way court park garden gardens forest "
    "wood woods bridge station airport harbour harbor port tower building house hall castle palace "
    "river lake sea ocean bay gulf island islands isle mountain mountains mount hill hills valley "
    "desert beach cape coast north south east west northern southern eastern western central new "
    "san santa saint st los las el fort united states kingdom republic city town county district "
    "province state region village airlines railway railways motors electric energy foods pharma "
    "labs laboratory laboratories research day week festival christmas easter summer winter war "
    "battle bible windows linux english german french spanish italian chinese japanese american "
    "british european european international national federal royal public general annual first "
    "second great big old free open";

constexpr std::string_view kOfNames =
    "van von der den de del della di da dos du la le ter ten bin ibn al el zu";

class Words {
public:
    explicit Words(std::string_view list) {
        while (!list.empty()) {
            const std::size_t end = std::min(list.find(' '), list.size());
            if (end > 0) m_words.push_back(list.substr(0, end));
            list.remove_prefix(std::min(end + 1, list.size()));
        }
        std::sort(m_words.begin(), m_words.end());
    }
    [[nodiscard]] bool has(std::string_view word) const {
        return std::binary_search(m_words.begin(), m_words.end(), word);
    }

private:
    std::vector<std::string_view> m_words;
};

}  // namespace

bool isGivenName(std::string_view word) {
    static const Words words(kGivenNames);
    return words.has(word);
}
bool isPinyinSurname(std::string_view word) {
    static const Words words(kPinyinSurnames);
    return words.has(word);
}
bool isTitle(std::string_view word) {
    static const Words words(kTitles);
    return words.has(word);
}
bool isRole(std::string_view word) {
    static const Words words(kRoles);
    return words.has(word);
}
bool isWhatPeopleDo(std::string_view word) {
    static const Words words(kDoings);
    return words.has(word);
}
bool isOfCompany(std::string_view word) {
    static const Words words(kOfCompanies);
    return words.has(word);
}
bool isCompanyForm(std::string_view word) {
    static const Words words(kCompanyForms);
    return words.has(word);
}
bool isOfName(std::string_view word) {
    static const Words words(kOfNames);
    return words.has(word);
}

}  // namespace conclave::retrieval
