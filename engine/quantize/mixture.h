// mixture.h: which type each tensor gets in a file of a given type, as llama.cpp's quantizer
// chooses.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine::quantize {

/// llama.cpp's numbers of file types, stored as general.file_type.
enum class FileType : std::uint32_t {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q8_0 = 7,
    Q5_0 = 8,
    Q5_1 = 9,
    Q2_K = 10,
    Q3_K_S = 11,
    Q3_K_M = 12,
    Q3_K_L = 13,
    Q4_K_S = 14,
    Q4_K_M = 15,
    Q5_K_S = 16,
    Q5_K_M = 17,
    Q6_K = 18,
    IQ4_NL = 25,
    IQ4_XS = 30,
    BF16 = 32,
    TQ1_0 = 36,
    TQ2_0 = 37,
    MXFP4_MOE = 38,
};

/// By name, capital or small; Q3_K, Q4_K and Q5_K mean the M mixtures, MXFP4 means MXFP4_MOE.
/// Errors: InvalidArgument (lists the names).
[[nodiscard]] Result<FileType> fileTypeNamed(std::string_view name);

/// What the choice depends on besides names and shapes.
struct ModelFacts {
    std::string architecture;
    int nLayers = 0;
    int nExperts = 0;
    int nHeads = 0;
    int nKvHeads = 0;
    bool hasImportances = false;

    /// What is not in the file counts as 0. Errors: Corrupt (no architecture).
    [[nodiscard]] static Result<ModelFacts> read(const GgufFile& file);
};

struct Plan {
    const TensorInfo* tensor = nullptr;
    TensorType type = TensorType::F32;
    bool isFallback = false;  ///< rows do not divide into blocks of the wanted type
};

/// Types of all tensors, which come back in the order of layers and names that llama.cpp writes.
[[nodiscard]] std::vector<Plan> planTypes(const GgufFile& file, FileType fileType,
                                          const ModelFacts& facts);

}  // namespace conclave::engine::quantize
