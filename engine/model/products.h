// products.h: matrix products of one step of the forward pass, sharing the threads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/model/weights.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// Values of the tokens of a batch, [token][dim], and their quantized form where some matrix of the
/// model reads it.
class Rows {
public:
    /// @param wantsInt8  keep room for the quantized form (possible only if dim is a multiple of
    /// 32)
    Rows(std::size_t nRows, int dim, bool wantsInt8);

    [[nodiscard]] int dim() const { return m_dim; }
    [[nodiscard]] float* row(std::size_t index) {
        return m_values.data() + index * static_cast<std::size_t>(m_dim);
    }
    /// To be called after row `index` was written and before a product reads it.
    void finish(const KernelTable& kernels, std::size_t index);
    /// Instead of writing values [first, first + n) of row `index` and finishing it: keeps them in
    /// the form that `format` asks for alone. `first` is a multiple of 32, and n too but for the
    /// last values of a row.
    void put(const KernelTable& kernels, ActivationFormat format, std::size_t index, int first,
             std::span<const float> values);
    /// Row `index` in the form that `format` asks for.
    [[nodiscard]] const void* input(ActivationFormat format, std::size_t index) const;

    /// Memory of such an object.
    [[nodiscard]] static std::size_t bytes(std::size_t nRows, int dim, bool wantsInt8);

private:
    int m_dim;
    std::size_t m_quantizedBytes = 0;  ///< of one row; 0: not kept
    std::vector<float> m_values;
    std::vector<std::byte> m_quantized;
};

class AdapterPass;
class AdapterSet;
/// A token on its way through a feed-forward network.
struct HiddenRow {
    std::size_t in = 0;   ///< row of HiddenLayer::in
    std::size_t out = 0;  ///< row of HiddenLayer::out
    float scale = 1.0f;   ///< of both products
};

/// What a feed-forward network computes between its layers: out = f(gate * in) * (up * in), in the
/// form that its second layer, `down`, reads.
struct HiddenLayer {
    const KernelTable& kernels;
    Activation activation;
    const FeedForwardWeights& network;
    const Rows& in;
    Rows& out;
    bool dense = false;  ///< see Products::add
};

/// A list of products out = W * in. Filled anew for each step; keeps its memory.
class Products {
public:
    Products();
    ~Products();

    /// From now on products are those of weights that these adapters have changed; null: of the
    /// weights alone. Costs nothing where there are none.
    void setAdapters(const AdapterSet* adapters);

    /// Starts a product; addToken gives it its tokens.
    /// @param dense  every token of the batch takes part: OpenBLAS may compute it if W is F32 and
    ///               the batch is large. Its results depend on the batch's size in the last bits,
    ///               which ours do not, so F32 files alone lose that equality.
    void add(const Matrix& weights, bool dense = false);
    void addToken(const void* input, float* output);
    /// add, and a token for each of rows `first` to `end` - 1 of both.
    void addRows(const Matrix& weights, const Rows& in, Rows& out, std::size_t first,
                 std::size_t end);
    /// The same of the first nTokens rows.
    void addRows(const Matrix& weights, const Rows& in, Rows& out, std::size_t nTokens) {
        addRows(weights, in, out, 0, nTokens);
    }

    /// Adds both products of a network's first layer. Each task takes some rows of both matrices
    /// for all tokens and finishes what they give, so that no thread waits between.
    void addHidden(const HiddenLayer& layer, std::span<const HiddenRow> rows);

    /// Computes all of them, those of most tokens first, and empties the list.
    void run(ThreadPool& pool);

    /// Empties the list, as when memory ran out in the middle of a step.
    void forget();

private:
    struct Product {
        const Matrix* weights;  ///< of a network's first layer: gate
        std::size_t firstToken;
        std::size_t nTokens;
        bool dense;
        int hidden;  ///< index in m_hidden, or -1
    };
    struct Task {
        std::size_t product;
        int firstRow;
        int nRows;
    };

    /// A first layer whose products are computed whole, since adapters change them.
    struct ChangedHidden {
        HiddenLayer layer;
        std::vector<HiddenRow> rows;
        std::vector<float> values;  ///< [gate, up][row][nRows of the matrices]
    };

    void addChangedHidden(const HiddenLayer& layer, std::span<const HiddenRow> rows);
    static void finishHidden(ThreadPool& pool, ChangedHidden& hidden);
    [[nodiscard]] bool split(int nThreads);
    [[nodiscard]] static std::size_t rowWork(const Product& product);
    void compute(const Task& task) const;
    void computeHidden(const Task& task, const HiddenLayer& layer) const;

    std::vector<Product> m_products;
    std::vector<const void*> m_inputs;
    std::vector<float*> m_outputs;
    std::vector<HiddenLayer> m_hidden;
    std::vector<HiddenRow> m_hiddenRows;  ///< [token], where m_inputs and m_outputs have none
    std::vector<std::size_t> m_order;
    std::vector<Task> m_tasks;
    std::unique_ptr<AdapterPass> m_adapters;
    std::vector<ChangedHidden> m_changedHidden;
};

/// Calls body(index) for 0 to n - 1 on the pool, in tasks large enough to be worth handing over.
/// @param cost  rough number of simple operations of one call
template <typename Body>
void parallelFor(ThreadPool& pool, std::size_t n, std::size_t cost, const Body& body) {
    constexpr std::size_t kTaskCost = 20000;
    const std::size_t each = cost >= kTaskCost ? 1 : kTaskCost / (cost + 1) + 1;
    const std::size_t nTasks = (n + each - 1) / each;
    pool.run(static_cast<int>(nTasks), [&](int task) {
        const std::size_t first = static_cast<std::size_t>(task) * each;
        for (std::size_t i = first; i < n && i < first + each; ++i) body(i);
    });
}

}  // namespace conclave::engine
