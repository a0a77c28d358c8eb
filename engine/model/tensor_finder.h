// tensor_finder.h: the tensors of a file by name, checked for shape and type.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/model/weights.h"

namespace conclave::engine {

/// Finds tensors and remembers the first error, so that a layer's list of tensors reads as a list.
class TensorFinder {
public:
    TensorFinder(const GgufFile& file, const KernelTable& kernels)
        : m_file(file), m_kernels(kernels) {}

    void enterLayer(int layer) { m_prefix = "blk." + std::to_string(layer) + "."; }
    void leaveLayers() { m_prefix.clear(); }

    [[nodiscard]] bool has(const std::string& name) const {
        return m_file.tensor(m_prefix + name) != nullptr;
    }

    /// Values of a small tensor, as fp32.
    [[nodiscard]] std::vector<float> vector(const std::string& name, int n);
    [[nodiscard]] std::vector<float> optionalVector(const std::string& name, int n) {
        return has(name) ? vector(name, n) : std::vector<float>();
    }
    [[nodiscard]] std::vector<float> vectorIf(bool required, const std::string& name, int n) {
        return required ? vector(name, n) : optionalVector(name, n);
    }

    /// Likewise; some writers store each value as a row of its own.
    [[nodiscard]] std::vector<float> column(const std::string& name, int n);

    /// `n` small vectors stored as one matrix; none if that is wrong.
    [[nodiscard]] std::vector<std::vector<float>> vectors(const std::string& name, int n, int dim);

    [[nodiscard]] Matrix matrix(const std::string& name, int nRows, int nColumns);
    /// Likewise, of values that are all numbers, as those of vectors are: what comes of others is
    /// rounded away, so that nobody would notice.
    [[nodiscard]] Matrix soundMatrix(const std::string& name, int nRows, int nColumns);
    /// `n` matrices stored as one tensor.
    [[nodiscard]] std::vector<Matrix> matrices(const std::string& name, int n, int nRows,
                                               int nColumns);

    /// Corrupt or Unsupported; names the tensor.
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    /// Names of the file's tensors that were not asked for, in the file's order.
    [[nodiscard]] std::vector<std::string> unread() const;
    [[nodiscard]] bool needsInt8() const { return m_needsInt8; }
    [[nodiscard]] std::uint64_t sizeBytes() const { return m_sizeBytes; }

private:
    using Shape = std::vector<std::uint64_t>;

    const TensorInfo* find(const std::string& shortName, Shape shape);
    [[nodiscard]] Matrix slice(const TensorInfo& tensor, int nRows, int nColumns, int index) const;
    void checkNumbers(const std::string& name, const std::vector<float>& values);
    std::nullptr_t remember(ErrorCode code, const std::string& what);

    const GgufFile& m_file;
    const KernelTable& m_kernels;
    std::string m_prefix;
    std::optional<Error> m_error;
    std::set<const TensorInfo*> m_found;
    bool m_needsInt8 = false;
    std::uint64_t m_sizeBytes = 0;
};

}  // namespace conclave::engine
