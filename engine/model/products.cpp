#include "engine/model/products.h"

#include <algorithm>

#include "engine/model/adapter_pass.h"
#include "engine/model/blas.h"

namespace conclave::engine {
namespace {

// Multiply-adds of one task: some 5 microseconds of work on one core, which costs little to hand
// over and little to wait for.
constexpr std::size_t kTaskWork = 100'000;
// Below this, some 15 microseconds, a second thread would be woken for less than its waking takes:
// with 60'000, models of small matrices were slower with two threads than with one.
constexpr std::size_t kLeastSharedWork = 500'000;
constexpr int kRowStep = 16;  ///< kPanelRows, and a multiple of what kernels take at once
constexpr std::size_t kLeastBlasTokens = 32;
constexpr int kBlasRows = 256;

}  // namespace

Rows::Rows(std::size_t nRows, int dim, bool wantsInt8)
    : m_dim(dim), m_values(nRows * static_cast<std::size_t>(dim)) {
    if (wantsInt8 && dim % kActivationBlock == 0) {
        m_quantizedBytes = activationBytes(ActivationFormat::Int8Blocks, dim);
        m_quantized.resize(nRows * m_quantizedBytes);
    }
}

std::size_t Rows::bytes(std::size_t nRows, int dim, bool wantsInt8) {
    const bool quantized = wantsInt8 && dim % kActivationBlock == 0;
    return nRows * (static_cast<std::size_t>(dim) * sizeof(float) +
                    (quantized ? activationBytes(ActivationFormat::Int8Blocks, dim) : 0));
}

void Rows::finish(const KernelTable& kernels, std::size_t index) {
    if (m_quantizedBytes == 0) return;
    kernels.quantize(row(index), m_dim, m_quantized.data() + index * m_quantizedBytes);
}

const void* Rows::input(ActivationFormat format, std::size_t index) const {
    if (format == ActivationFormat::Float32) {
        return m_values.data() + index * static_cast<std::size_t>(m_dim);
    }
    CONCLAVE_CHECK(m_quantizedBytes > 0);
    return m_quantized.data() + index * m_quantizedBytes;
}

void Products::add(const Matrix& weights, bool dense) {
    m_products.push_back({&weights, m_inputs.size(), 0, dense});
}

Products::Products() = default;
Products::~Products() = default;

void Products::setAdapters(const AdapterSet* adapters) {
    m_adapters = adapters != nullptr ? std::make_unique<AdapterPass>(*adapters) : nullptr;
}

void Products::addToken(const void* input, float* output) {
    m_inputs.push_back(input);
    m_outputs.push_back(output);
    ++m_products.back().nTokens;
    if (m_adapters != nullptr) m_adapters->add(*m_products.back().weights, input, output);
}

void Products::addRows(const Matrix& weights, const Rows& in, Rows& out, std::size_t nTokens) {
    add(weights, true);
    for (std::size_t i = 0; i < nTokens; ++i) {
        addToken(in.input(weights.kernels->input, i), out.row(i));
    }
}

void Products::run(ThreadPool& pool) {
    if (split()) {
        pool.run(static_cast<int>(m_tasks.size()),
                 [this](int task) { compute(m_tasks[static_cast<std::size_t>(task)]); });
    } else {
        for (const Task& task : m_tasks) compute(task);
    }
    m_products.clear();
    m_inputs.clear();
    m_outputs.clear();
    if (m_adapters != nullptr) m_adapters->run(pool);
}

/// Cuts the products into tasks of whole rows, and tells if they are worth sharing. Where the cuts
/// fall changes no result, except with OpenBLAS, whose tasks are therefore cut alike for any number
/// of threads.
bool Products::split() {
    m_tasks.clear();
    std::size_t totalWork = 0;
    for (const Product& product : m_products) {
        totalWork += static_cast<std::size_t>(product.weights->nRows) *
                     static_cast<std::size_t>(product.weights->nColumns) * product.nTokens;
    }
    for (std::size_t i = 0; i < m_products.size(); ++i) {
        const Product& product = m_products[i];
        if (product.nTokens == 0) continue;
        const Matrix& weights = *product.weights;
        const std::size_t rowWork = static_cast<std::size_t>(weights.nColumns) * product.nTokens;
        int rows = weights.nRows;
        if (product.dense && weights.kernels->type == TensorType::F32 &&
            product.nTokens >= kLeastBlasTokens) {
            rows = kBlasRows;
        } else if (totalWork >= kLeastSharedWork) {
            const std::size_t wanted = kTaskWork / rowWork + 1;
            rows = static_cast<int>(std::min(wanted, static_cast<std::size_t>(weights.nRows)));
            rows = (rows + kRowStep - 1) / kRowStep * kRowStep;
        }
        for (int first = 0; first < weights.nRows; first += rows) {
            m_tasks.push_back({i, first, std::min(rows, weights.nRows - first)});
        }
    }
    return totalWork >= kLeastSharedWork;
}

void Products::compute(const Task& task) const {
    const Product& product = m_products[task.product];
    const Matrix& weights = *product.weights;
    const void* const* inputs = m_inputs.data() + product.firstToken;
    float* const* outputs = m_outputs.data() + product.firstToken;
    if (product.dense && weights.kernels->type == TensorType::F32 &&
        product.nTokens >= kLeastBlasTokens) {
        multiplyWithBlas(weights, task.firstRow, task.nRows, {inputs, product.nTokens},
                         {outputs, product.nTokens});
        return;
    }
    std::vector<float*> shifted(outputs, outputs + product.nTokens);
    for (float*& output : shifted) output += task.firstRow;
    weights.kernels->matmul({.weights = weights.rowsForProduct(task.firstRow, task.nRows),
                             .rowBytes = weights.rowBytes,
                             .nRows = task.nRows,
                             .nColumns = weights.nColumns,
                             .inputs = inputs,
                             .outputs = shifted.data(),
                             .nTokens = static_cast<int>(product.nTokens)});
}

}  // namespace conclave::engine
