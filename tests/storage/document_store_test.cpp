#include "storage_support.h"

namespace conclave::storage {
namespace {

TEST_F(StorageTest, FindsChunksByTheirTerms) {
    auto database = open();
    DocumentStore& store = database->documents();
    const auto collection = valueOf(store.createCollection("Guide"));
    const auto document = valueOf(store.ensureDocument(collection, "/docs/a.txt"));
    valueOf(store.storeContent(document, contentOf("apples and pears\nplums\n住宿上限")));
    const std::vector<std::string> terms = {"apple", "住宿"};
    EXPECT_EQ(valueOf(store.keywordSearch(terms, {}, 10)).size(), 2U);
    expectSound(*database);
}

}  // namespace
}  // namespace conclave::storage
