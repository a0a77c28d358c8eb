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
    /// add, and a token for each of the first nTokens rows of both.
    void addRows(const Matrix& weights, const Rows& in, Rows& out, std::size_t nTokens);

    /// Computes all of them and empties the list.
    void run(ThreadPool& pool);

private:
    struct Product {
        const Matrix* weights;
        std::size_t firstToken;
        std::size_t nTokens;
        bool dense;
    };
    struct Task {
        std::size_t product;
        int firstRow;
        int nRows;
    };

    [[nodiscard]] bool split();
    void compute(const Task& task) const;

    std::vector<Product> m_products;
    std::vector<const void*> m_inputs;
    std::vector<float*> m_outputs;
    std::vector<Task> m_tasks;
    std::unique_ptr<AdapterPass> m_adapters;
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
