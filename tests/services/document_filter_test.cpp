#include "app/services/document_filter.h"

#include <gtest/gtest.h>

namespace conclave::services {
namespace {

storage::Document documentAt(const char* path, const char* day = "2026-05-10") {
    storage::Document document;
    document.path = path;
    using namespace std::chrono;
    const auto noon = *DocumentFilter::dayOf(day) + hours(12);
    document.modifiedNs = duration_cast<nanoseconds>(noon.time_since_epoch()).count();
    return document;
}

TEST(DocumentFilter, HoldsFilesByNameAndPlace) {
    const auto holds = [](const char* file, const char* path) {
        return DocumentFilter{.files = {file}}.holds(documentAt(path));
    };
    EXPECT_TRUE(holds("lease.pdf", "/docs/2026/Lease.pdf"));
    EXPECT_TRUE(holds("lease*", "/docs/2026/lease-3.pdf"));
    EXPECT_TRUE(holds("lease-?.pdf", "/docs/2026/lease-3.pdf"));
    EXPECT_TRUE(holds("2026/", "/docs/2026/lease-3.pdf"));
    EXPECT_TRUE(holds("2026/lease-3.pdf", "/docs/2026/lease-3.pdf"));
    EXPECT_TRUE(holds("/docs", "/docs/2026/lease-3.pdf"));
    EXPECT_FALSE(holds("lease", "/docs/2026/lease-3.pdf")) << "a name is a whole name";
    EXPECT_FALSE(holds("026/", "/docs/2026/lease-3.pdf"));
    EXPECT_FALSE(holds("2026", "/docs/2026/lease-3.pdf"));
}

TEST(DocumentFilter, HoldsTypesAndDays) {
    const storage::Document document = documentAt("/docs/Report.PDF");
    EXPECT_TRUE((DocumentFilter{.types = {"docx", "pdf"}}.holds(document)));
    EXPECT_TRUE((DocumentFilter{.types = {".pdf"}}.holds(document)));
    EXPECT_FALSE((DocumentFilter{.types = {"df"}}.holds(document)));
    EXPECT_TRUE((DocumentFilter{.since = "2026-05-10", .until = "2026-05-10"}.holds(document)));
    EXPECT_FALSE(DocumentFilter{.since = "2026-05-11"}.holds(document));
    EXPECT_FALSE(DocumentFilter{.until = "2026-05-09"}.holds(document));
    EXPECT_FALSE((DocumentFilter{.files = {"x.pdf"}, .types = {"pdf"}}.holds(document)));
    EXPECT_TRUE(DocumentFilter{}.holds(document));
}

TEST(DocumentFilter, ReadsDaysInOneForm) {
    EXPECT_TRUE(DocumentFilter::dayOf("2024-02-29").has_value());
    for (const char* text : {"2026-02-29", "2026-2-9", "10.05.2026", "2026-05-1x", "", "today"}) {
        EXPECT_FALSE(DocumentFilter::dayOf(text).has_value()) << text;
    }
}

TEST(DocumentFilter, IsKeptAsJson) {
    const DocumentFilter filter{
        .files = {"a*"}, .types = {"pdf"}, .since = "2026-01-01", .until = "2026-12-31"};
    EXPECT_EQ(DocumentFilter::fromJson(filter.toJson()).toJson(), filter.toJson());
    EXPECT_TRUE(DocumentFilter::fromJson({{"files", 3}, {"since", nullptr}}).isEmpty());
}

}  // namespace
}  // namespace conclave::services
