// engine_embedder.h: the engine's embedder as retrieval knows it.
#pragma once

#include <memory>
#include <utility>

#include "engine/engine.h"
#include "retrieval/retrieval.h"

namespace conclave::services {

class EngineEmbedder final : public retrieval::Embedder {
public:
    explicit EngineEmbedder(std::shared_ptr<const engine::TextEmbedder> embedder)
        : m_embedder(std::move(embedder)) {}

    const std::string& id() const override { return m_embedder->id(); }
    int dimension() const override { return m_embedder->dimension(); }
    void embed(std::string_view text, std::span<float> vector) const override {
        m_embedder->embed(text, vector, engine::TextKind::Query);
    }
    /// An encoder knows more than a table of words, and both legs then count alike.
    double keywordWeight() const override { return isSlow() ? 0.5 : 0.8; }

    /// [text][dimension()]
    void embedPassages(std::span<const std::string> texts, std::span<float> vectors) const {
        m_embedder->embedAll(texts, engine::TextKind::Passage, vectors);
    }
    /// Documents are not kept waiting for its vectors, which are made afterwards.
    [[nodiscard]] bool isSlow() const { return m_embedder->info().architecture != "static-embed"; }

private:
    std::shared_ptr<const engine::TextEmbedder> m_embedder;
};

}  // namespace conclave::services
