// Weight types against llama.cpp's ggml, bit for bit: tests/golden/make_weight_types.py.
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "bare_model.h"
#include "engine/quantize/row_quantizer.h"
#include "golden_values.h"

namespace conclave::engine {
namespace {

std::vector<nlohmann::json> goldenCases(const std::string& kind) {
    std::ifstream file(CONCLAVE_TEST_SOURCE "/tests/golden/weight_types.jsonl");
    std::vector<nlohmann::json> cases;
    for (std::string line; std::getline(file, line);) {
        auto json = nlohmann::json::parse(line);
        if (json["case"] == kind) cases.push_back(std::move(json));
    }
    return cases;
}

TensorType typeNamed(const std::string& name) {
    for (std::uint32_t number = 0; number < 64; ++number) {
        const TypeTraits* traits = typeTraits(static_cast<TensorType>(number));
        if (traits != nullptr && traits->name == name) return static_cast<TensorType>(number);
    }
    ADD_FAILURE() << name;
    return TensorType::F32;
}

class WeightTypes : public testing::TestWithParam<const KernelTable*> {};

TEST_P(WeightTypes, DequantizeAnyBitsAsGgmlDoes) {
    const auto cases = goldenCases("dequantize");
    EXPECT_EQ(cases.size(), 24U);
    for (const nlohmann::json& json : cases) {
        const std::string name = json["type"];
        const TensorType type = typeNamed(name);
        const TypeTraits& traits = *typeTraits(type);
        const auto nBlocks = json["blocks"].get<std::size_t>();
        const auto bytes = test::goldenBytes(json["seed"], nBlocks * traits.blockBytes);
        std::vector<float> values(nBlocks * traits.blockValues);
        const WeightKernels* kernels = GetParam()->find(type);
        ASSERT_NE(kernels, nullptr) << name;
        kernels->dequantize(bytes.data(), static_cast<int>(values.size()), values.data());
        EXPECT_EQ(test::goldenHash(std::span<const float>(values)), json["hash"])
            << name << ", begins " << test::hex(std::as_bytes(std::span(values)).first(32))
            << " instead of " << json["first"];
    }
}

TEST(RowQuantizer, WritesTheBytesThatGgmlWrites) {
    const auto cases = goldenCases("quantize");
    EXPECT_EQ(cases.size(), 17U * 16U);
    for (const nlohmann::json& json : cases) {
        const std::string name = json["type"];
        const TensorType type = typeNamed(name);
        const int nRows = json["rows"];
        const int nColumns = json["columns"];
        const auto seed = json["seed"].get<std::uint64_t>();
        const auto values =
            test::goldenRows(json["kind"].get<std::string>(), seed, nRows, nColumns);
        std::vector<float> importances;
        if (json["importances"]) importances = test::goldenImportances(seed + 50, nColumns);
        const quantize::QuantizeRow quantizeRow = quantize::rowQuantizer(type);
        ASSERT_NE(quantizeRow, nullptr) << name;
        const TypeTraits& traits = *typeTraits(type);
        const std::size_t rowBytes =
            static_cast<std::size_t>(nColumns) / traits.blockValues * traits.blockBytes;
        std::vector<std::byte> blocks(rowBytes * static_cast<std::size_t>(nRows));
        for (int row = 0; row < nRows; ++row) {
            quantizeRow(std::span(values).subspan(static_cast<std::size_t>(row * nColumns),
                                                  static_cast<std::size_t>(nColumns)),
                        importances, blocks.data() + rowBytes * static_cast<std::size_t>(row));
        }
        EXPECT_EQ(test::goldenHash(std::span<const std::byte>(blocks)), json["hash"])
            << name << " " << json["kind"] << (importances.empty() ? "" : " with importances")
            << ", begins " << test::hex(std::span<const std::byte>(blocks).first(24))
            << " instead of " << json["first"];
    }
}

INSTANTIATE_TEST_SUITE_P(Sets, WeightTypes, testing::ValuesIn(test::runnableKernelSets()),
                         [](const auto& instance) { return test::nameOf(*instance.param); });

}  // namespace
}  // namespace conclave::engine
