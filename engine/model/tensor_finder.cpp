#include "engine/model/tensor_finder.h"

#include <algorithm>
#include <cmath>

namespace conclave::engine {
namespace {

std::uint64_t extent(int n) { return static_cast<std::uint64_t>(n); }

std::string shapeText(const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t each : shape) {
        text += (text.empty() ? "" : " x ") + std::to_string(each);
    }
    return text;
}

}  // namespace

std::vector<float> TensorFinder::vector(const std::string& name, int n) {
    const TensorInfo* tensor = find(name, {extent(n)});
    if (tensor == nullptr) return {};
    std::vector<float> values(extent(n));
    m_kernels.find(tensor->type)->dequantize(tensor->data.data(), n, values.data());
    checkNumbers(name, values);
    return values;
}

std::vector<float> TensorFinder::column(const std::string& name, int n) {
    const TensorInfo* tensor = m_file.tensor(m_prefix + name);
    const bool isColumn = tensor != nullptr && tensor->shape.size() == 2 && tensor->shape[0] == 1;
    if (!isColumn) return vector(name, n);
    std::vector<float> values;
    for (const std::vector<float>& row : vectors(name, n, 1)) values.push_back(row.front());
    return values;
}

std::vector<std::vector<float>> TensorFinder::vectors(const std::string& name, int n, int dim) {
    const Matrix all = matrix(name, n, dim);
    std::vector<std::vector<float>> rows(all.data != nullptr ? extent(n) : 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].resize(extent(dim));
        all.kernels->dequantize(all.row(static_cast<int>(i)), dim, rows[i].data());
    }
    return rows;
}

Matrix TensorFinder::matrix(const std::string& name, int nRows, int nColumns) {
    const TensorInfo* tensor = find(name, {extent(nColumns), extent(nRows)});
    return tensor != nullptr ? slice(*tensor, nRows, nColumns, 0) : Matrix();
}

Matrix TensorFinder::soundMatrix(const std::string& name, int nRows, int nColumns) {
    const Matrix all = matrix(name, nRows, nColumns);
    std::vector<float> row(extent(nColumns));
    for (int i = 0; all.data != nullptr && i < nRows; ++i) {
        all.kernels->dequantize(all.row(i), nColumns, row.data());
        checkNumbers(name, row);
    }
    return all;
}

std::vector<Matrix> TensorFinder::matrices(const std::string& name, int n, int nRows,
                                           int nColumns) {
    const TensorInfo* tensor = find(name, {extent(nColumns), extent(nRows), extent(n)});
    std::vector<Matrix> all(extent(n));
    for (int i = 0; tensor != nullptr && i < n; ++i) {
        all[extent(i)] = slice(*tensor, nRows, nColumns, i);
    }
    return all;
}

const TensorInfo* TensorFinder::find(const std::string& shortName, Shape shape) {
    const std::string name = m_prefix + shortName;
    const TensorInfo* tensor = m_file.tensor(name);
    if (tensor == nullptr) return remember(ErrorCode::Corrupt, "lacks the tensor " + name);
    m_found.insert(tensor);
    // Dimensions of 1 at the end are a matter of taste among writers.
    Shape found = tensor->shape;
    while (found.size() > 1 && found.back() == 1) found.pop_back();
    while (shape.size() > 1 && shape.back() == 1) shape.pop_back();
    if (found != shape) {
        return remember(ErrorCode::Corrupt, "has the tensor " + name + " of shape " +
                                                shapeText(tensor->shape) + " instead of " +
                                                shapeText(shape));
    }
    const WeightKernels* kernels = m_kernels.find(tensor->type);
    if (kernels == nullptr) {
        return remember(ErrorCode::Unsupported, "has the tensor " + name + " of type " +
                                                    std::string(typeTraits(tensor->type)->name) +
                                                    ", which this version cannot compute with");
    }
    m_needsInt8 = m_needsInt8 || kernels->input == ActivationFormat::Int8Blocks;
    m_sizeBytes += tensor->data.size();
    return tensor;
}

std::vector<std::string> TensorFinder::unread() const {
    std::vector<std::string> names;
    for (const TensorInfo& tensor : m_file.tensors()) {
        if (m_found.count(&tensor) == 0) names.push_back(tensor.name);
    }
    return names;
}

Matrix TensorFinder::slice(const TensorInfo& tensor, int nRows, int nColumns, int index) const {
    const std::size_t rowBytes = tensor.rowBytes();
    return {.data = tensor.data.data() + extent(index) * extent(nRows) * rowBytes,
            .rowBytes = rowBytes,
            .nRows = nRows,
            .nColumns = nColumns,
            .kernels = m_kernels.find(tensor.type),
            .tensor = &tensor,
            .firstRow = index * nRows};
}

void TensorFinder::checkNumbers(const std::string& name, const std::vector<float>& values) {
    const auto isNumber = [](float value) { return std::isfinite(value); };
    if (std::all_of(values.begin(), values.end(), isNumber)) return;
    remember(ErrorCode::Corrupt, "has values in the tensor " + m_prefix + name +
                                     " that are no numbers: it is damaged; download it again");
}

std::nullptr_t TensorFinder::remember(ErrorCode code, const std::string& what) {
    if (!m_error) m_error = Error{code, "the model file " + what};
    return nullptr;
}

}  // namespace conclave::engine
