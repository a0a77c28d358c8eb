#include "engine/model/products.h"

#include <algorithm>
#include <numeric>

#include "engine/model/activation.h"
#include "engine/model/adapter_pass.h"
#include "engine/model/blas.h"

namespace conclave::engine {
namespace {

// Multiply-adds of one task: some 5 microseconds of work on one core, which costs little to hand
// over and little to wait for.
constexpr std::size_t kTaskWork = 100'000;
// Where a few tokens read a matrix, memory decides, and each task asks for its first lines anew:
// tasks ten times as large read 4 to 8 % more a second on one thread (measured on Zen 3). Several
// threads get at least so many tasks each, to be done at the same time.
constexpr std::size_t kMemoryTaskWork = 1'000'000;
constexpr std::size_t kMemoryTasksOfThread = 16;
constexpr std::size_t kFewTokens = 2;
// Below this, some 15 microseconds, a second thread would be woken for less than its waking takes:
// with 60'000, models of small matrices were slower with two threads than with one.
constexpr std::size_t kLeastSharedWork = 500'000;
constexpr std::size_t kLeastBlasTokens = 32;
constexpr int kBlasRows = 256;

bool byBlas(bool dense, const Matrix& weights, std::size_t nTokens) {
    return dense && weights.kernels->type == TensorType::F32 && nTokens >= kLeastBlasTokens;
}

/// outputs[token][r] = row firstRow + r of weights times inputs[token].
void multiply(const Matrix& weights, bool dense, int firstRow, int nRows,
              std::span<const void* const> inputs, std::span<float* const> outputs) {
    if (byBlas(dense, weights, inputs.size())) {
        multiplyWithBlas(weights, firstRow, nRows, inputs, outputs);
        return;
    }
    weights.kernels->matmul({.weights = weights.rowsForProduct(firstRow, nRows),
                             .rowBytes = weights.rowBytes,
                             .nRows = nRows,
                             .nColumns = weights.nColumns,
                             .inputs = inputs.data(),
                             .outputs = outputs.data(),
                             .nTokens = static_cast<int>(inputs.size())});
}

/// @param bias  of the whole matrix, or empty; `values` are its rows from `firstRow` on
void scaleAndAdd(const KernelTable& kernels, float scale, const std::vector<float>& bias,
                 int firstRow, std::span<float> values) {
    if (scale != 1.0f) {
        for (float& value : values) value *= scale;
    }
    if (bias.empty()) return;
    kernels.addScaled(values.data(), bias.data() + firstRow, 1.0f, static_cast<int>(values.size()));
}

/// Some values of a token between a network's layers, from its products on.
void finishHiddenRow(const HiddenLayer& layer, const HiddenRow& row, int first,
                     std::span<float> gate, std::span<float> up) {
    const FeedForwardWeights& network = layer.network;
    scaleAndAdd(layer.kernels, row.scale, network.gateBias, first, gate);
    scaleAndAdd(layer.kernels, row.scale, network.upBias, first, up);
    activate(layer.activation, layer.kernels, gate.data(), up.data(),
             static_cast<int>(gate.size()));
    layer.out.put(layer.kernels, network.down.kernels->input, row.out, first, gate);
}

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

void Rows::put(const KernelTable& kernels, ActivationFormat format, std::size_t index, int first,
               std::span<const float> values) {
    if (format == ActivationFormat::Float32) {
        std::copy(values.begin(), values.end(), row(index) + first);
        return;
    }
    CONCLAVE_CHECK(m_quantizedBytes > 0);
    kernels.quantizePart(values.data(), first, static_cast<int>(values.size()), m_dim,
                         m_quantized.data() + index * m_quantizedBytes);
}

void Products::add(const Matrix& weights, bool dense) {
    m_products.push_back({&weights, m_inputs.size(), 0, dense, -1});
}

void Products::addHidden(const HiddenLayer& layer, std::span<const HiddenRow> rows) {
    const FeedForwardWeights& network = layer.network;
    if (m_adapters != nullptr &&
        (m_adapters->changes(network.gate) || m_adapters->changes(network.up))) {
        addChangedHidden(layer, rows);
        return;
    }
    m_products.push_back({&layer.network.gate, m_hiddenRows.size(), rows.size(), layer.dense,
                          static_cast<int>(m_hidden.size())});
    m_hidden.push_back(layer);
    m_hiddenRows.insert(m_hiddenRows.end(), rows.begin(), rows.end());
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

void Products::addRows(const Matrix& weights, const Rows& in, Rows& out, std::size_t first,
                       std::size_t end) {
    add(weights, true);
    for (std::size_t i = first; i < end; ++i) {
        addToken(in.input(weights.kernels->input, i), out.row(i));
    }
}

void Products::run(ThreadPool& pool) {
    if (split(pool.nActive())) {
        pool.run(static_cast<int>(m_tasks.size()),
                 [this](int task) { compute(m_tasks[static_cast<std::size_t>(task)]); });
    } else {
        for (const Task& task : m_tasks) compute(task);
    }
    m_products.clear();
    m_inputs.clear();
    m_outputs.clear();
    m_hidden.clear();
    m_hiddenRows.clear();
    if (m_adapters == nullptr) return;
    m_adapters->run(pool);
    for (ChangedHidden& each : m_changedHidden) finishHidden(pool, each);
    m_changedHidden.clear();
}

void Products::forget() {
    m_products.clear();
    m_inputs.clear();
    m_outputs.clear();
    m_hidden.clear();
    m_hiddenRows.clear();
    m_changedHidden.clear();
    if (m_adapters != nullptr) m_adapters->forget();
}

/// What adapters change is added to whole products, before anything follows.
void Products::addChangedHidden(const HiddenLayer& layer, std::span<const HiddenRow> rows) {
    const auto dim = static_cast<std::size_t>(layer.network.gate.nRows);
    ChangedHidden& hidden = m_changedHidden.emplace_back(ChangedHidden{
        layer, {rows.begin(), rows.end()}, std::vector<float>(2 * rows.size() * dim)});
    float* at = hidden.values.data();
    for (const Matrix* weights : {&layer.network.gate, &layer.network.up}) {
        add(*weights, layer.dense);
        for (const HiddenRow& row : rows) {
            addToken(layer.in.input(weights->kernels->input, row.in), at);
            at += dim;
        }
    }
}

void Products::finishHidden(ThreadPool& pool, ChangedHidden& hidden) {
    const auto dim = static_cast<std::size_t>(hidden.layer.network.gate.nRows);
    parallelFor(pool, hidden.rows.size(), 4 * dim, [&](std::size_t i) {
        float* gate = hidden.values.data() + i * dim;
        finishHiddenRow(hidden.layer, hidden.rows[i], 0, {gate, dim},
                        {gate + hidden.rows.size() * dim, dim});
    });
}

/// Multiply-adds for a row of its matrix, or of both. Bytes count as much where they are more: a
/// router of floats keeps one thread waiting for memory longer than the others stay awake.
std::size_t Products::rowWork(const Product& product) {
    if (product.nTokens == 0) return 0;
    const Matrix& weights = *product.weights;
    return std::max(static_cast<std::size_t>(weights.nColumns) * product.nTokens,
                    weights.rowBytes) *
           (product.hidden >= 0 ? 2 : 1);
}

/// Cuts the products into tasks of whole rows, and tells if they are worth sharing. Where the cuts
/// fall changes no result, except with OpenBLAS, whose tasks are therefore cut alike for any number
/// of threads. Large tasks go first, so that no thread has one left when the others are done.
bool Products::split(int nThreads) {
    m_tasks.clear();
    m_order.resize(m_products.size());
    std::iota(m_order.begin(), m_order.end(), std::size_t{0});
    std::stable_sort(m_order.begin(), m_order.end(), [&](std::size_t a, std::size_t b) {
        return m_products[a].nTokens > m_products[b].nTokens;
    });
    std::size_t totalWork = 0;
    for (const Product& product : m_products) {
        totalWork += static_cast<std::size_t>(product.weights->nRows) * rowWork(product);
    }
    const std::size_t share =
        nThreads == 1 ? totalWork
                      : totalWork / (kMemoryTasksOfThread * static_cast<std::size_t>(nThreads));
    const std::size_t memoryWork = std::clamp(share, kTaskWork, kMemoryTaskWork);
    for (const std::size_t i : m_order) {
        const Product& product = m_products[i];
        if (product.nTokens == 0) continue;
        const int nRows = product.weights->nRows;
        int rows = nRows;
        if (byBlas(product.dense, *product.weights, product.nTokens)) {
            rows = kBlasRows;
        } else if (totalWork >= kLeastSharedWork) {
            // What a hidden layer gives is quantized by whole blocks, and AVX-512 takes two panels
            // together: one alone costs an eighth more.
            constexpr int step = 2 * kPanelRows;
            static_assert(step % kActivationBlock == 0);
            const std::size_t work = product.nTokens <= kFewTokens ? memoryWork : kTaskWork;
            const std::size_t wanted = work / rowWork(product) + 1;
            rows = static_cast<int>(std::min(wanted, static_cast<std::size_t>(nRows)));
            rows = (rows + step - 1) / step * step;
        }
        for (int first = 0; first < nRows; first += rows) {
            m_tasks.push_back({i, first, std::min(rows, nRows - first)});
        }
    }
    return totalWork >= kLeastSharedWork;
}

void Products::compute(const Task& task) const {
    const Product& product = m_products[task.product];
    if (product.hidden >= 0) {
        computeHidden(task, m_hidden[static_cast<std::size_t>(product.hidden)]);
        return;
    }
    float* const* outputs = m_outputs.data() + product.firstToken;
    thread_local std::vector<float*> shifted;
    shifted.assign(outputs, outputs + product.nTokens);
    for (float*& output : shifted) output += task.firstRow;
    multiply(*product.weights, product.dense, task.firstRow, task.nRows,
             {m_inputs.data() + product.firstToken, product.nTokens}, shifted);
}

void Products::computeHidden(const Task& task, const HiddenLayer& layer) const {
    const Product& product = m_products[task.product];
    const std::span rows(m_hiddenRows.data() + product.firstToken, product.nTokens);
    const FeedForwardWeights& network = layer.network;
    const auto nRows = static_cast<std::size_t>(task.nRows);
    thread_local std::vector<float> room;  // [gate, up][token][row of the task]
    thread_local std::vector<const void*> inputs;
    thread_local std::vector<float*> outputs;
    if (room.size() < 2 * rows.size() * nRows) room.resize(2 * rows.size() * nRows);
    inputs.resize(rows.size());
    outputs.resize(rows.size());
    float* at = room.data();
    for (const Matrix* weights : {&network.gate, &network.up}) {
        for (std::size_t i = 0; i < rows.size(); ++i, at += nRows) {
            inputs[i] = layer.in.input(weights->kernels->input, rows[i].in);
            outputs[i] = at;
        }
        multiply(*weights, layer.dense, task.firstRow, task.nRows, inputs, outputs);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::span gate(room.data() + i * nRows, nRows);
        const std::span up(gate.data() + rows.size() * nRows, nRows);
        finishHiddenRow(layer, rows[i], task.firstRow, gate, up);
    }
}

}  // namespace conclave::engine
