// stored_texts.h: a database in memory with documents of one passage each.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "app/services/services.h"
#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::services {

class StoredTexts : public testing::Test {
protected:
    StoredTexts() {
        storage::OpenOptions open;
        open.analyzer = retrieval::analyze;
        open.inMemory = true;
        m_database = std::move(*storage::Database::open({}, open));
    }
    [[nodiscard]] storage::DocumentStore& store() const { return m_database->documents(); }
    [[nodiscard]] CollectionId collection(const std::string& name) const {
        return store().createCollection(name).value_or(0);
    }
    /// A document as a folder has it, titled by its name without the ending.
    [[nodiscard]] static storage::DocumentContent contentOf(const std::string& name,
                                                            const std::string& text) {
        storage::DocumentContent content;
        content.title = name.substr(0, name.find('.'));
        content.mime = "text/plain";
        content.pages.push_back({1, text});
        content.chunks.push_back({.page = 1, .startByte = 0, .endByte = text.size()});
        return content;
    }
    DocumentId keep(CollectionId collection, const std::string& name,
                    const storage::DocumentContent& content) const {
        const DocumentId id = store().ensureDocument(collection, "/docs/" + name).value_or(0);
        EXPECT_TRUE(store().storeContent(id, content).has_value());
        return id;
    }

    std::unique_ptr<storage::Database> m_database;
};

}  // namespace conclave::services
