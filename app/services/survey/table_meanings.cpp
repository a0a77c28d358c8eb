#include "app/services/survey/table_meanings.h"

#include <array>

namespace conclave::services {
namespace {

using Use = MeasureWord::Use;

constexpr auto kNames = std::to_array<MeasureName>({
    {"price", Measure::Price},      {"cost", Measure::Price},        {"fee", Measure::Price},
    {"rent", Measure::Price},       {"preis", Measure::Price},       {"prix", Measure::Price},
    {"价", Measure::Price},         {"费用", Measure::Price},        {"salary", Measure::Pay},
    {"pay", Measure::Pay},          {"wage", Measure::Pay},          {"wages", Measure::Pay},
    {"income", Measure::Pay},       {"earnings", Measure::Pay},      {"gehalt", Measure::Pay},
    {"lohn", Measure::Pay},         {"salaire", Measure::Pay},       {"工资", Measure::Pay},
    {"薪", Measure::Pay},           {"length", Measure::Length},     {"länge", Measure::Length},
    {"长度", Measure::Length},      {"height", Measure::Height},     {"höhe", Measure::Height},
    {"elevation", Measure::Height}, {"高度", Measure::Height},       {"身高", Measure::Height},
    {"width", Measure::Width},      {"breite", Measure::Width},      {"宽度", Measure::Width},
    {"depth", Measure::Depth},      {"tiefe", Measure::Depth},       {"深度", Measure::Depth},
    {"weight", Measure::Weight},    {"mass", Measure::Weight},       {"gewicht", Measure::Weight},
    {"poids", Measure::Weight},     {"重量", Measure::Weight},       {"体重", Measure::Weight},
    {"age", Measure::Age},          {"alter", Measure::Age},         {"年龄", Measure::Age},
    {"built", Measure::Year},       {"founded", Measure::Year},      {"established", Measure::Year},
    {"born", Measure::Year},        {"published", Measure::Year},    {"baujahr", Measure::Year},
    {"建造年份", Measure::Year},    {"出版年份", Measure::Year},     {"speed", Measure::Speed},
    {"速度", Measure::Speed},       {"distance", Measure::Distance}, {"距离", Measure::Distance},
});

constexpr auto kWords = std::to_array<MeasureWord>({
    {"most expensive", Measure::Price, Use::Greatest},
    {"least expensive", Measure::Price, Use::Least},
    {"priciest", Measure::Price, Use::Greatest},
    {"dearest", Measure::Price, Use::Greatest},
    {"cheapest", Measure::Price, Use::Least},
    {"最贵", Measure::Price, Use::Greatest},
    {"最便宜", Measure::Price, Use::Least},
    {"more expensive", Measure::Price, Use::Above},
    {"cheaper", Measure::Price, Use::Below},
    {"best paid", Measure::Pay, Use::Greatest},
    {"worst paid", Measure::Pay, Use::Least},
    {"earn", Measure::Pay, Use::Has},
    {"earns", Measure::Pay, Use::Has},
    {"earned", Measure::Pay, Use::Has},
    {"longest", Measure::Length, Use::Greatest},
    {"shortest", Measure::Length, Use::Least},
    {"最长", Measure::Length, Use::Greatest},
    {"最短", Measure::Length, Use::Least},
    {"longer", Measure::Length, Use::Above},
    {"shorter", Measure::Length, Use::Below},
    {"tallest", Measure::Height, Use::Greatest},
    {"highest", Measure::Height, Use::Greatest},
    {"shortest", Measure::Height, Use::Least},
    {"最高", Measure::Height, Use::Greatest},
    {"最矮", Measure::Height, Use::Least},
    {"taller", Measure::Height, Use::Above},
    {"higher", Measure::Height, Use::Above},
    {"lower", Measure::Height, Use::Below},
    {"widest", Measure::Width, Use::Greatest},
    {"narrowest", Measure::Width, Use::Least},
    {"wider", Measure::Width, Use::Above},
    {"narrower", Measure::Width, Use::Below},
    {"deepest", Measure::Depth, Use::Greatest},
    {"deeper", Measure::Depth, Use::Above},
    {"最深", Measure::Depth, Use::Greatest},
    {"heaviest", Measure::Weight, Use::Greatest},
    {"lightest", Measure::Weight, Use::Least},
    {"最重", Measure::Weight, Use::Greatest},
    {"最轻", Measure::Weight, Use::Least},
    {"heavier", Measure::Weight, Use::Above},
    {"lighter", Measure::Weight, Use::Below},
    {"weigh", Measure::Weight, Use::Has},
    {"weighs", Measure::Weight, Use::Has},
    {"oldest", Measure::Age, Use::Greatest},
    {"youngest", Measure::Age, Use::Least},
    {"最老", Measure::Age, Use::Greatest},
    {"年龄最大", Measure::Age, Use::Greatest},
    {"最年轻", Measure::Age, Use::Least},
    {"older", Measure::Age, Use::Above},
    {"younger", Measure::Age, Use::Below},
    {"oldest", Measure::Year, Use::Least},
    {"newest", Measure::Year, Use::Greatest},
    {"youngest", Measure::Year, Use::Greatest},
    {"fastest", Measure::Speed, Use::Greatest},
    {"slowest", Measure::Speed, Use::Least},
    {"最快", Measure::Speed, Use::Greatest},
    {"最慢", Measure::Speed, Use::Least},
    {"faster", Measure::Speed, Use::Above},
    {"slower", Measure::Speed, Use::Below},
    {"farthest", Measure::Distance, Use::Greatest},
    {"furthest", Measure::Distance, Use::Greatest},
    {"nearest", Measure::Distance, Use::Least},
    {"最远", Measure::Distance, Use::Greatest},
    {"最近", Measure::Distance, Use::Least},
});

constexpr auto kStock = std::to_array<StockPhrase>({{"out of stock", false},
                                                    {"sold out", false},
                                                    {"not in stock", false},
                                                    {"no stock", false},
                                                    {"in stock", true},
                                                    {"没有库存", false},
                                                    {"无库存", false},
                                                    {"缺货", false},
                                                    {"售罄", false},
                                                    {"有库存", true},
                                                    {"有货", true}});

}  // namespace

std::span<const MeasureName> measureNames() { return kNames; }
std::span<const MeasureWord> measureWords() { return kWords; }
std::span<const StockPhrase> stockPhrases() { return kStock; }

}  // namespace conclave::services
