// lora_adapter.h: what stands behind engine::LoraAdapter.
#pragma once

#include <memory>
#include <span>

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/model/adapter.h"
#include "engine/runtime/loaded_model.h"

namespace conclave::engine {

class LoadedAdapter final : public LoraAdapter {
public:
    /// As LoraAdapter::load.
    [[nodiscard]] static Result<std::shared_ptr<const LoadedAdapter>> load(
        const std::filesystem::path& path, std::shared_ptr<const LoadedModel> model);

    [[nodiscard]] const std::string& name() const override { return m_name; }
    [[nodiscard]] int nTensors() const override { return m_weights.nTensors; }

    [[nodiscard]] const LoadedModel& model() const { return *m_model; }
    [[nodiscard]] const AdapterWeights& weights() const { return m_weights; }
    /// Of all of the file that counts: its tensors and its alpha.
    [[nodiscard]] std::uint64_t fingerprint() const { return m_fingerprint; }

private:
    LoadedAdapter(GgufFile file, std::shared_ptr<const LoadedModel> model)
        : m_file(std::move(file)), m_model(std::move(model)) {}

    GgufFile m_file;
    std::shared_ptr<const LoadedModel> m_model;
    std::string m_name;
    AdapterWeights m_weights;
    std::uint64_t m_fingerprint = 0;
};

/// The adapters of a session that change anything, in the order in which they are added up.
/// Errors: InvalidArgument (an adapter of another model, a scale that is no number).
[[nodiscard]] Result<std::vector<AdapterUse>> checkedAdapters(const LoadedModel& model,
                                                              std::span<const AdapterUse> wanted);

/// For these, in this order: 0 if there are none. Entries of a KV cache depend on it.
[[nodiscard]] std::uint64_t fingerprintOf(std::span<const AdapterUse> adapters);

/// Null if there are none.
[[nodiscard]] std::unique_ptr<const AdapterSet> makeAdapterSet(
    const LoadedModel& model, std::span<const AdapterUse> adapters);

}  // namespace conclave::engine
