#include "engine/runtime/lora_adapter.h"

#include <bit>
#include <cmath>
#include <utility>

#include "engine/runtime/hash64.h"

namespace conclave::engine {
namespace {

/// An adapter is small, and two of one training differ little: everything counts.
std::uint64_t hashAdapter(const GgufFile& file) {
    std::uint64_t hash =
        std::bit_cast<std::uint64_t>(file.number("adapter.lora.alpha").value_or(0.0));
    for (const TensorInfo& tensor : file.tensors()) {
        hash = hash64(tensor.name, hash + static_cast<std::uint64_t>(tensor.type));
        hash = hash64(std::as_bytes(std::span(tensor.shape)), hash);
        hash = hash64(tensor.data, hash);
    }
    return hash;
}

/// Of this file's classes, LoadedAdapter is the only one.
const LoadedAdapter& loadedOf(const AdapterUse& use) {
    return static_cast<const LoadedAdapter&>(*use.adapter);
}

}  // namespace

Result<std::shared_ptr<const LoraAdapter>> LoraAdapter::load(const std::filesystem::path& path,
                                                             std::shared_ptr<const Model> model) {
    auto loaded = std::dynamic_pointer_cast<const LoadedModel>(std::move(model));
    if (!loaded) return fail(ErrorCode::InvalidArgument, "an adapter needs a loaded model");
    auto adapter = LoadedAdapter::load(path, std::move(loaded));
    if (!adapter) return tl::unexpected(adapter.error());
    return std::shared_ptr<const LoraAdapter>(std::move(*adapter));
}

Result<std::shared_ptr<const LoadedAdapter>> LoadedAdapter::load(
    const std::filesystem::path& path, std::shared_ptr<const LoadedModel> model) {
    auto file = GgufFile::open(path);
    if (!file) return tl::unexpected(file.error());
    // Not make_shared, whose access to the private constructor would need a friend.
    std::shared_ptr<LoadedAdapter> adapter(new LoadedAdapter(std::move(*file), std::move(model)));
    auto weights = AdapterWeights::read(adapter->m_file, adapter->m_model->file(),
                                        adapter->m_model->weights(), adapter->m_model->kernels());
    if (!weights) {
        Error error = weights.error();
        error.detail = path.filename().string() + ": " + error.detail;
        return tl::unexpected(std::move(error));
    }
    adapter->m_weights = std::move(*weights);
    adapter->m_name = adapter->m_file.string("general.name").value_or(path.stem().string());
    adapter->m_fingerprint = hashAdapter(adapter->m_file);
    return adapter;
}

Result<std::vector<AdapterUse>> checkedAdapters(const LoadedModel& model,
                                                std::span<const AdapterUse> wanted) {
    std::vector<AdapterUse> kept;
    for (const AdapterUse& use : wanted) {
        const auto* loaded = dynamic_cast<const LoadedAdapter*>(use.adapter.get());
        if (loaded == nullptr || &loaded->model() != &model) {
            return fail(ErrorCode::InvalidArgument,
                        "the adapter was not loaded for this model; load it with the model that "
                        "the session computes with");
        }
        constexpr float kMaxScale = 1e6f;
        if (!(std::abs(use.scale) <= kMaxScale)) {
            return fail(ErrorCode::InvalidArgument,
                        "the scale of the adapter " + loaded->name() +
                            " is out of range (-1000000 to 1000000; 1 takes it as it was trained)");
        }
        if (use.scale != 0.0f) kept.push_back(use);
    }
    return kept;
}

std::uint64_t fingerprintOf(std::span<const AdapterUse> adapters) {
    std::uint64_t hash = 0;
    for (const AdapterUse& use : adapters) {
        hash = hash64(std::as_bytes(std::span(&use.scale, 1)), hash + loadedOf(use).fingerprint());
    }
    return hash;
}

std::unique_ptr<const AdapterSet> makeAdapterSet(const LoadedModel& model,
                                                 std::span<const AdapterUse> adapters) {
    if (adapters.empty()) return nullptr;
    auto set = std::make_unique<AdapterSet>(model.kernels());
    for (const AdapterUse& use : adapters) set->add(loadedOf(use).weights(), use.scale);
    return set;
}

}  // namespace conclave::engine
