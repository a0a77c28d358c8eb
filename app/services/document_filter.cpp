#include "app/services/document_filter.h"

#include <algorithm>

namespace conclave::services {
namespace {

std::string inLowerCase(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    return lower;
}

/// A glob of "*" and "?" against all of `text`; bytes.
bool matchesGlob(std::string_view glob, std::string_view text) {
    std::size_t star = std::string_view::npos;
    std::size_t retry = 0;
    std::size_t g = 0;
    std::size_t t = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = g++;
            retry = t;
        } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
            ++g;
            ++t;
        } else if (star != std::string_view::npos) {
            g = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool isOfFile(const std::filesystem::path& path, const std::string& wanted) {
    const std::string glob = inLowerCase(wanted);
    const std::string whole = inLowerCase(path.string());
    if (glob.find('/') == std::string::npos) {
        return matchesGlob(glob, inLowerCase(path.filename().string()));
    }
    // A path, or its end: "2024/report.pdf". A folder stands for what is in it.
    const std::string below = glob + (glob.ends_with('/') ? "*" : "/*");
    return matchesGlob(glob, whole) || matchesGlob("*/" + glob, whole) ||
           matchesGlob(below, whole) || matchesGlob("*/" + below, whole);
}

}  // namespace

bool DocumentFilter::isEmpty() const {
    return files.empty() && types.empty() && since.empty() && until.empty();
}

bool DocumentFilter::holds(const storage::Document& document) const {
    const auto isOfFiles = [&](const std::string& wanted) {
        return isOfFile(document.path, wanted);
    };
    if (!files.empty() && std::none_of(files.begin(), files.end(), isOfFiles)) return false;
    const std::string name = inLowerCase(document.path.filename().string());
    const auto isOfType = [&](const std::string& type) {
        const std::string ending = inLowerCase(type);
        return name.ends_with(ending.starts_with('.') ? ending : "." + ending);
    };
    if (!types.empty() && std::none_of(types.begin(), types.end(), isOfType)) return false;
    using namespace std::chrono;
    const sys_time<nanoseconds> changed{nanoseconds(document.modifiedNs)};
    if (const auto first = dayOf(since); first && changed < *first) return false;
    if (const auto last = dayOf(until); last && changed >= *last + days(1)) return false;
    return true;
}

std::optional<std::chrono::sys_days> DocumentFilter::dayOf(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00";
    if (text.size() != kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool isDigit = text[i] >= '0' && text[i] <= '9';
        if (isDigit != (kForm[i] == '0') || (!isDigit && text[i] != '-')) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t length) {
        unsigned value = 0;
        for (const char c : text.substr(at, length))
            value = value * 10 + static_cast<unsigned>(c - '0');
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(0, 4))),
                                          std::chrono::month(number(5, 2)),
                                          std::chrono::day(number(8, 2))};
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days(day);
}

nlohmann::json DocumentFilter::toJson() const {
    nlohmann::json json = nlohmann::json::object();
    if (!files.empty()) json["files"] = files;
    if (!types.empty()) json["types"] = types;
    if (!since.empty()) json["since"] = since;
    if (!until.empty()) json["until"] = until;
    return json;
}

DocumentFilter DocumentFilter::fromJson(const nlohmann::json& json) {
    DocumentFilter filter;
    if (!json.is_object()) return filter;
    const auto readList = [&](const char* key, std::vector<std::string>& list) {
        const auto found = json.find(key);
        if (found == json.end() || !found->is_array()) return;
        for (const auto& each : *found) {
            if (each.is_string()) list.push_back(each.get<std::string>());
        }
    };
    readList("files", filter.files);
    readList("types", filter.types);
    const auto readDay = [&](const char* key, std::string& day) {
        const auto found = json.find(key);
        if (found != json.end() && found->is_string()) day = found->get<std::string>();
    };
    readDay("since", filter.since);
    readDay("until", filter.until);
    return filter;
}

Result<std::optional<std::vector<storage::DocumentId>>> documentsHeldBy(
    const DocumentFilter& filter, storage::DocumentStore& store,
    const std::vector<storage::CollectionId>& collections) {
    std::optional<std::vector<storage::DocumentId>> held;
    if (filter.isEmpty()) return held;
    held.emplace();
    for (const storage::CollectionId collection : collections) {
        const auto documents = store.documents(collection);
        if (!documents) return tl::unexpected(documents.error());
        for (const storage::Document& document : *documents) {
            if (filter.holds(document)) held->push_back(document.id);
        }
    }
    std::sort(held->begin(), held->end());
    return held;
}

}  // namespace conclave::services
