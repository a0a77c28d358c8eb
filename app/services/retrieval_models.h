// retrieval_models.h: the models that search: the embedder and, if one is chosen, the reranker.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "app/services/library.h"
#include "app/services/model_service.h"
#include "app/services/services.h"

namespace conclave::services {

/// Thread-safe but for chooseEmbedder and resume, of which one runs at a time.
class RetrievalModels {
public:
    /// All must outlive it.
    RetrievalModels(storage::Database& database, ModelServiceImpl& models)
        : m_settings(database.settings()), m_documents(database.documents()), m_models(models) {}

    /// The chosen embedder if vectors in use are its own or there are none yet, else the one
    /// before.
    [[nodiscard]] Result<std::shared_ptr<const engine::TextEmbedder>> embedderInUse();
    /// Null if none is chosen, or it cannot be loaded (said once in the log).
    [[nodiscard]] std::shared_ptr<const engine::Reranker> reranker();

    [[nodiscard]] SearchModels chosen(Library& library);

    /// See Services::chooseEmbedder. Gives the model's name.
    [[nodiscard]] Result<std::string> chooseEmbedder(std::string_view nameOrFile, Library& library,
                                                     const std::function<bool(int, int)>& progress);
    /// See Services::chooseReranker. Gives the model's name; empty: none.
    [[nodiscard]] Result<std::string> chooseReranker(std::string_view nameOrFile);
    /// Goes on with a change of embedder that was not finished.
    [[nodiscard]] Result<void> resume(Library& library,
                                      const std::function<bool(int, int)>& progress);

private:
    using Embedder = Result<std::shared_ptr<const engine::TextEmbedder>>;

    [[nodiscard]] std::string fileSetting(std::string_view key);
    /// The model of this file; empty: the one that comes with Conclave.
    [[nodiscard]] Embedder load(const std::string& file);
    Result<void> change(const std::string& file,
                        const std::shared_ptr<const engine::TextEmbedder>& embedder,
                        Library& library, const std::function<bool(int, int)>& progress);

    storage::SettingStore& m_settings;
    storage::DocumentStore& m_documents;
    ModelServiceImpl& m_models;

    std::mutex m_rerankerMutex;  ///< guards the two below
    std::string m_rerankerFile;  ///< of the one that was loaded, or that could not be
    std::shared_ptr<const engine::Reranker> m_reranker;
};

}  // namespace conclave::services
