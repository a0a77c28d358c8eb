// model_service.h: which models there are, and the one that is loaded.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "app/services/model_catalog.h"
#include "app/services/services.h"
#include "app/services/worker.h"

namespace conclave::services {

class ModelServiceImpl final : public ModelService {
public:
    /// `settings` and `quick` (short calls) must outlive the service. `wanted`: name or file for
    /// this run, not remembered; empty: the remembered one, else the best there is. `memoryBytes`,
    /// `kvTypes`, `contextLength` and `predicts` as engine::LoadOptions.
    ModelServiceImpl(storage::SettingStore& settings, const Places& places, std::string wanted,
                     std::vector<AdapterFile> adapters, std::uint64_t memoryBytes,
                     engine::KvTypes kvTypes, int contextLength, bool predicts, Worker& quick);
    ~ModelServiceImpl() override;

    void list(Reply<std::vector<ModelEntry>> reply) override;
    void add(const std::filesystem::path& fileOrFolder,
             Reply<std::vector<ModelEntry>> reply) override;
    void remove(std::string_view nameOrFile, Reply<void> reply) override;
    void choose(std::string_view nameOrFile, Reply<ModelEntry> reply) override;
    [[nodiscard]] ModelStatus status() const override;
    void onStatus(std::function<void(ModelStatus)> listener) override;
    void verify(const std::filesystem::path& file, std::function<bool(double)> progress,
                Reply<std::vector<Finding>> reply) override;
    void pull(const std::string& url, const std::string& sha256,
              std::function<bool(std::uint64_t, std::uint64_t)> progress,
              Reply<std::filesystem::path> reply) override;
    [[nodiscard]] Result<std::filesystem::path> chosenFile() override;
    [[nodiscard]] Result<std::shared_ptr<const engine::Model>> loaded() override;
    [[nodiscard]] std::vector<engine::AdapterUse> adapters() const override;
    [[nodiscard]] std::vector<AdapterFile> adapterFiles() const override;
    void useAdapters(std::vector<AdapterFile> files, Reply<void> reply) override;
    [[nodiscard]] Result<std::shared_ptr<const engine::TextEmbedder>> embedder() override;

    /// loaded(), given up when `cancel` is asked for (the loading itself goes on); `progress` gets
    /// 0..1. Errors: NotFound (no model at all), Cancelled, and those of engine::Model::load.
    [[nodiscard]] Result<std::shared_ptr<const engine::Model>> loaded(
        const std::stop_token& cancel, const std::function<void(float)>& progress);
    /// The loaded model if it is there already; null otherwise.
    [[nodiscard]] std::shared_ptr<const engine::Model> loadedNow() const;

    /// A model that can be chosen, or the one at this path. Errors: NotFound.
    [[nodiscard]] Result<ModelEntry> find(std::string_view nameOrFile);

    /// Stops loading and refuses more.
    void finish();

private:
    std::vector<ModelEntry> listNow();
    void tellChoice();
    std::vector<std::filesystem::path> addedPlaces();
    Result<ModelEntry> chosen();
    void startLoading();
    void load(const ModelEntry& entry, std::uint64_t request);
    void changeStatus(const std::function<void(ModelStatus&)>& change);

    storage::SettingStore& m_settings;
    std::filesystem::path m_folder;  ///< where pulled models go
    std::string m_wanted;
    std::uint64_t m_memoryBytes;
    engine::KvTypes m_kvTypes;
    int m_contextLength;
    bool m_predicts;
    ModelCatalog m_catalog;
    Worker& m_quick;

    mutable std::mutex m_mutex;  ///< guards what follows
    std::condition_variable_any m_changed;
    ModelStatus m_status;
    Error m_error;                            ///< when Failed
    std::vector<AdapterFile> m_adapterFiles;  ///< changed on m_loader alone
    std::shared_ptr<const engine::Model> m_model;
    std::vector<engine::AdapterUse> m_adapters;  ///< of m_model
    std::optional<ModelEntry> m_choice;
    bool m_isLoading = false;
    std::atomic<std::uint64_t> m_request = 0;  ///< a newer one makes the running load give up

    std::recursive_mutex
        m_listenerMutex;  ///< held while the listener runs: once changed, it is over
    std::function<void(ModelStatus)> m_listener;

    std::mutex m_embedderMutex;
    std::shared_ptr<const engine::TextEmbedder> m_embedder;

    Worker m_loader{Worker::AtEnd::Drop};
    Worker m_slow{Worker::AtEnd::Drop};  ///< verify and pull
};

}  // namespace conclave::services
