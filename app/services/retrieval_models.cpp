#include "app/services/retrieval_models.h"

#include <utility>

#include "base/log.h"

namespace conclave::services {
namespace {

constexpr std::string_view kEmbedderKey = "search.embedder";      // file; absent: Conclave's own
constexpr std::string_view kInUseKey = "search.embedder.in_use";  // file of the vectors in use
constexpr std::string_view kRerankerKey = "search.reranker";      // file; absent: none

nlohmann::json fileOrNone(const std::string& file) {
    return file.empty() ? nlohmann::json() : nlohmann::json(file);
}

}  // namespace

std::string RetrievalModels::fileSetting(std::string_view key) {
    const auto stored = m_settings.get(key);
    const bool isFile = stored && stored->has_value() && (*stored)->is_string();
    return isFile ? (*stored)->get<std::string>() : std::string();
}

RetrievalModels::Embedder RetrievalModels::load(const std::string& file) {
    return file.empty() ? m_models.embedder() : engine::TextEmbedder::load(file);
}

RetrievalModels::Embedder RetrievalModels::embedderInUse() {
    const std::string wanted = fileSetting(kEmbedderKey);
    Embedder embedder = load(wanted);
    if (embedder) {
        const auto hasAny = m_documents.hasEmbeddings({});
        if (!hasAny) return tl::unexpected(hasAny.error());
        const auto hasItsOwn = m_documents.hasEmbeddings((*embedder)->id());
        if (!hasItsOwn) return tl::unexpected(hasItsOwn.error());
        if (*hasItsOwn || !*hasAny) return embedder;
    } else {
        log().warn("the chosen embedder is not usable: {}", embedder.error().detail);
    }
    // Its vectors are not complete yet: those before it are.
    const std::string before = fileSetting(kInUseKey);
    if (before != wanted) {
        if (Embedder other = load(before)) return other;
    }
    return wanted.empty() ? embedder : load({});
}

std::shared_ptr<const engine::Reranker> RetrievalModels::reranker() {
    const std::string file = fileSetting(kRerankerKey);
    const std::lock_guard lock(m_rerankerMutex);
    if (file == m_rerankerFile) return m_reranker;
    m_rerankerFile = file;
    m_reranker = nullptr;
    if (file.empty()) return nullptr;
    auto loaded = engine::Reranker::load(file);
    if (loaded) {
        m_reranker = std::move(*loaded);
    } else {
        log().warn("searching without the chosen reranker: {}", loaded.error().detail);
    }
    return m_reranker;
}

SearchModels RetrievalModels::chosen(Library& library) {
    SearchModels models;
    models.embedder = fileSetting(kEmbedderKey);
    models.reranker = fileSetting(kRerankerKey);
    if (const auto embedder = load(models.embedder)) {
        models.embedderId = (*embedder)->id();
        models.isInUse = library.embedderId() == models.embedderId;
        models.nToEmbed = m_documents.countToEmbed(models.embedderId).value_or(0);
    }
    return models;
}

Result<void> RetrievalModels::change(const std::string& file,
                                     const std::shared_ptr<const engine::TextEmbedder>& embedder,
                                     Library& library,
                                     const std::function<bool(int, int)>& progress) {
    if (auto done = library.switchEmbedder(embedder, progress); !done) return done;
    if (fileSetting(kInUseKey) == file) return {};
    return m_settings.set(kInUseKey, fileOrNone(file));
}

Result<std::string> RetrievalModels::chooseEmbedder(std::string_view nameOrFile, Library& library,
                                                    const std::function<bool(int, int)>& progress) {
    std::string file;
    if (!nameOrFile.empty()) {
        const auto entry = m_models.find(nameOrFile);
        if (!entry) return tl::unexpected(entry.error());
        if (!entry->info.isEmbedder) {
            return fail(ErrorCode::Unsupported,
                        entry->name +
                            " is no text embedder; BERT, Nomic, Jina, EmbeddingGemma and "
                            "Qwen3 Embedding files are");
        }
        file = entry->file.string();
    }
    const Embedder embedder = load(file);
    if (!embedder) return tl::unexpected(embedder.error());
    if (auto saved = m_settings.set(kEmbedderKey, fileOrNone(file)); !saved) {
        return tl::unexpected(saved.error());
    }
    if (auto done = change(file, *embedder, library, progress); !done) {
        return tl::unexpected(done.error());
    }
    return (*embedder)->info().name;
}

Result<std::string> RetrievalModels::chooseReranker(std::string_view nameOrFile) {
    std::string file;
    std::string name;
    if (!nameOrFile.empty()) {
        const auto entry = m_models.find(nameOrFile);
        if (!entry) return tl::unexpected(entry.error());
        if (!entry->info.isReranker) {
            return fail(ErrorCode::Unsupported,
                        entry->name +
                            " is no reranker; BERT files with a classification head and "
                            "Qwen3 Reranker are");
        }
        file = entry->file.string();
        name = entry->name;
        // What cannot be loaded is not chosen.
        if (auto loaded = engine::Reranker::load(file); !loaded) {
            return tl::unexpected(loaded.error());
        }
    }
    if (auto saved = m_settings.set(kRerankerKey, fileOrNone(file)); !saved) {
        return tl::unexpected(saved.error());
    }
    return name;
}

Result<void> RetrievalModels::resume(Library& library,
                                     const std::function<bool(int, int)>& progress) {
    const std::string file = fileSetting(kEmbedderKey);
    const Embedder embedder = load(file);
    if (!embedder) return tl::unexpected(embedder.error());
    return change(file, *embedder, library, progress);
}

}  // namespace conclave::services
