#include "app/services/model_service.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "app/services/download.h"
#include "app/services/file_scan.h"
#include "app/services/sha256.h"
#include "base/log.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kChoiceKey = "model.file";
constexpr std::string_view kPlacesKey = "model.places";

fs::path bundledModels() {
    const Result<fs::path> resources = findResources();
    return resources ? *resources / "models" : fs::path();
}

/// The hash that a file had when it was pulled, to tell later damage.
std::string hashKey(const fs::path& file) { return "model.sha256." + file.string(); }

Result<std::vector<engine::AdapterUse>> loadAdapters(
    const std::vector<AdapterFile>& files, const std::shared_ptr<const engine::Model>& model) {
    std::vector<engine::AdapterUse> adapters;
    for (const AdapterFile& each : files) {
        auto adapter = engine::LoraAdapter::load(each.file, model);
        if (!adapter) return tl::unexpected(adapter.error());
        adapters.push_back({std::move(*adapter), each.scale});
    }
    return adapters;
}

/// @param models  those that there are, of which none can answer
Error noModel(std::span<const ModelEntry> models) {
    for (const ModelEntry& model : models) {
        if (model.problem.empty() || model.searches()) continue;
        return {ErrorCode::Unsupported,
                "no model can be used; " + model.name + ": " + model.problem};
    }
    return {ErrorCode::NotFound,
            "there is no model: put a GGUF file into the models folder, or use `conclave models "
            "pull URL`"};
}

/// Of a model, or of an adapter for one.
Finding findingOfHeader(const fs::path& file) {
    constexpr auto kSubject = "header, metadata and bounds of every tensor";
    const auto adapter = engine::readAdapterInfo(file);
    if (!adapter) return {false, kSubject, adapter.error().detail};
    if (*adapter) {
        const engine::AdapterInfo& info = **adapter;
        return {true, kSubject,
                "LoRA adapter for " + info.architecture + ", rank " + std::to_string(info.rank) +
                    ", " + info.fileType};
    }
    const auto info = engine::readModelInfo(file);
    if (!info) return {false, kSubject, info.error().detail};
    return {true, kSubject, info->architecture + ", " + info->fileType};
}

/// Of a model; nothing of an adapter, which needs its model.
std::optional<Finding> findingOfUse(const fs::path& file) {
    const auto adapter = engine::readAdapterInfo(file);
    if (adapter && *adapter) return std::nullopt;
    constexpr auto kSubject = "tensors, tokenizer and chat template";
    const auto checked = engine::checkModel(file);
    return Finding{checked.has_value(), kSubject,
                   checked ? "as this version reads them" : checked.error().detail};
}

Finding findingOfWeights(const std::vector<engine::NonFiniteTensor>& bad) {
    constexpr auto kSubject = "every weight is a finite number";
    if (bad.empty()) return {true, kSubject, "none is NaN or infinite"};
    constexpr std::size_t kNamed = 5;
    std::string detail;
    for (std::size_t i = 0; i < std::min(bad.size(), kNamed); ++i) {
        const engine::NonFiniteTensor& tensor = bad[i];
        detail += tensor.name + " (" + tensor.type + "): NaN or infinite " +
                  (tensor.inBlocks ? "scales" : "values") + ", " + std::to_string(tensor.n) + "; ";
    }
    if (bad.size() > kNamed) {
        detail += "and in " + std::to_string(bad.size() - kNamed) + " more tensors; ";
    }
    return {
        false, kSubject,
        detail + "answers would be worthless: get the file again, or the model in another type"};
}

}  // namespace

ModelServiceImpl::ModelServiceImpl(storage::SettingStore& settings, const Places& places,
                                   std::string wanted, std::vector<AdapterFile> adapters,
                                   std::uint64_t memoryBytes, engine::KvTypes kvTypes,
                                   int contextLength, bool predicts, Worker& quick)
    : m_settings(settings),
      m_folder(places.models()),
      m_wanted(std::move(wanted)),
      m_memoryBytes(memoryBytes),
      m_kvTypes(kvTypes),
      m_contextLength(contextLength),
      m_predicts(predicts),
      m_catalog(bundledModels()),
      m_quick(quick),
      m_adapterFiles(std::move(adapters)) {}

ModelServiceImpl::~ModelServiceImpl() { finish(); }

void ModelServiceImpl::finish() {
    ++m_request;
    m_loader.finish();
    m_slow.finish();
    m_changed.notify_all();
}

std::vector<fs::path> ModelServiceImpl::addedPlaces() {
    std::vector<fs::path> places;
    const auto stored = m_settings.get(kPlacesKey);
    if (stored && stored->has_value() && (*stored)->is_array()) {
        for (const auto& place : **stored) {
            if (place.is_string()) places.emplace_back(place.get<std::string>());
        }
    }
    return places;
}

std::vector<ModelEntry> ModelServiceImpl::listNow() {
    std::vector<fs::path> places = addedPlaces();
    places.insert(places.begin(), m_folder);
    return m_catalog.list(places);
}

void ModelServiceImpl::list(Reply<std::vector<ModelEntry>> reply) {
    m_quick.post([this, reply = std::move(reply)] {
        tellChoice();
        reply(listNow());
    });
}

void ModelServiceImpl::add(const fs::path& fileOrFolder, Reply<std::vector<ModelEntry>> reply) {
    m_quick.post([this, place = tidyPath(fileOrFolder), reply = std::move(reply)] {
        const std::vector<ModelEntry> found = m_catalog.list(std::vector{place});
        const bool hasModel = std::any_of(found.begin(), found.end(), [&](const ModelEntry& m) {
            return !m.isEmbedded && (m.problem.empty() || m.searches());
        });
        if (!hasModel) {
            const bool hasBroken = !found.empty() && !found.front().isEmbedded;
            return reply(fail(
                hasBroken ? ErrorCode::Corrupt : ErrorCode::NotFound,
                hasBroken ? found.front().problem : "there is no GGUF model at " + place.string()));
        }
        std::vector<fs::path> places = addedPlaces();
        if (std::find(places.begin(), places.end(), place) == places.end()) {
            places.push_back(place);
            nlohmann::json value = nlohmann::json::array();
            for (const fs::path& each : places) value.push_back(each.string());
            if (auto saved = m_settings.set(kPlacesKey, value); !saved) {
                return reply(tl::unexpected(saved.error()));
            }
        }
        reply(listNow());
    });
}

void ModelServiceImpl::remove(std::string_view nameOrFile, Reply<void> reply) {
    m_quick.post([this, wanted = std::string(nameOrFile), reply = std::move(reply)] {
        std::vector<fs::path> places = addedPlaces();
        fs::path place = tidyPath(wanted);
        const std::vector<ModelEntry> models = listNow();
        const ModelEntry* model = findModel(models, wanted);
        if (model != nullptr) place = model->file;
        if (std::erase(places, place) > 0) {
            nlohmann::json value = nlohmann::json::array();
            for (const fs::path& each : places) value.push_back(each.string());
            return reply(m_settings.set(kPlacesKey, value));
        }
        if (model == nullptr) {
            return reply(fail(ErrorCode::NotFound, "there is no model named " + wanted +
                                                       "; `conclave models list` shows them"));
        }
        if (model->isEmbedded || !isWithin(model->file, m_folder)) {
            return reply(fail(
                ErrorCode::InvalidArgument,
                model->file.string() + " is not in Conclave's models folder and is left alone"));
        }
        std::error_code problem;
        fs::remove(model->file, problem);
        if (problem) {
            return reply(fail(ErrorCode::Io,
                              "cannot delete " + model->file.string() + ": " + problem.message()));
        }
        reply({});
    });
}

Result<ModelEntry> ModelServiceImpl::find(std::string_view nameOrFile) {
    const std::vector<ModelEntry> models = listNow();
    if (const ModelEntry* model = findModel(models, nameOrFile)) return *model;
    const fs::path file = tidyPath(fs::path(nameOrFile));
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) return m_catalog.look(file);
    return fail(ErrorCode::NotFound, "there is no model named " + std::string(nameOrFile) +
                                         "; `conclave models list` shows them");
}

Result<ModelEntry> ModelServiceImpl::chosen() {
    {
        const std::lock_guard lock(m_mutex);
        if (m_choice) return *m_choice;
    }
    if (!m_wanted.empty()) return find(m_wanted);
    const auto remembered = m_settings.get(kChoiceKey);
    std::string lost;
    if (remembered && remembered->has_value() && (*remembered)->is_string()) {
        const auto file = (*remembered)->get<std::string>();
        auto model = find(file);
        if (model && model->problem.empty()) return model;
        log().warn("the model chosen last is not usable any more; taking another one");
        lost = model ? "cannot be used (" + model->problem + ")"
                     : "is not at its place any more (" + file + ")";
    }
    const std::vector<ModelEntry> models = listNow();
    const ModelEntry* best = bestModel(models);
    if (best == nullptr) return tl::unexpected(noModel(models));
    if (!lost.empty() && status().state != ModelStatus::State::Ready) {
        changeStatus([&](ModelStatus& status) {
            status.note = "The model chosen last " + lost + "; " + best->name + " answers instead.";
        });
    }
    return *best;
}

/// Before anything is loaded the status names the model that the first question will load.
void ModelServiceImpl::tellChoice() {
    if (status().state != ModelStatus::State::None) return;
    const auto entry = chosen();
    if (!entry) return;
    changeStatus([&](ModelStatus& status) {
        if (status.state == ModelStatus::State::None) status.model = *entry;
    });
}

void ModelServiceImpl::choose(std::string_view nameOrFile, Reply<ModelEntry> reply) {
    m_quick.post([this, wanted = std::string(nameOrFile), reply = std::move(reply)] {
        auto model = find(wanted);
        if (!model) return reply(tl::unexpected(model.error()));
        if (!model->problem.empty()) {
            return reply(fail(ErrorCode::Unsupported, model->problem));
        }
        if (auto saved = m_settings.set(kChoiceKey, model->file.string()); !saved) {
            return reply(tl::unexpected(saved.error()));
        }
        {
            const std::lock_guard lock(m_mutex);
            const bool isSame = m_model != nullptr && m_status.model.file == model->file;
            m_choice = *model;
            if (!isSame) {
                ++m_request;
                m_model = nullptr;
                m_adapters.clear();
                m_isLoading = false;
                m_status = {};
            }
        }
        startLoading();
        reply(std::move(model));
    });
}

ModelStatus ModelServiceImpl::status() const {
    const std::lock_guard lock(m_mutex);
    return m_status;
}

void ModelServiceImpl::onStatus(std::function<void(ModelStatus)> listener) {
    const std::lock_guard lock(m_listenerMutex);
    m_listener = std::move(listener);
}

void ModelServiceImpl::changeStatus(const std::function<void(ModelStatus&)>& change) {
    const std::lock_guard listening(m_listenerMutex);
    ModelStatus now;
    {
        const std::lock_guard lock(m_mutex);
        change(m_status);
        now = m_status;
    }
    m_changed.notify_all();
    if (m_listener) m_listener(now);
}

void ModelServiceImpl::startLoading() {
    std::uint64_t request = 0;
    {
        const std::lock_guard lock(m_mutex);
        if (m_model != nullptr || m_isLoading) return;
        m_isLoading = true;
        m_status.state = ModelStatus::State::Loading;
        request = ++m_request;
    }
    m_loader.post([this, request] {
        Result<ModelEntry> entry;
        try {
            entry = chosen();
            if (entry && !entry->problem.empty()) {
                entry = fail(ErrorCode::Unsupported, entry->problem);
            }
            if (entry) return load(*entry, request);
        } catch (const std::bad_alloc&) {  // those who wait for the model must hear of it
            entry = fail(ErrorCode::OutOfMemory,
                         "there is not enough memory to load a model; end other programs or raise "
                         "the limit (ulimit -v)");
        }
        changeStatus([&](ModelStatus& status) {
            if (request != m_request) return;
            m_isLoading = false;
            m_error = entry.error();
            status = {};
            status.state = ModelStatus::State::Failed;
            status.error = m_error.detail;
        });
    });
}

void ModelServiceImpl::load(const ModelEntry& entry, std::uint64_t request) {
    changeStatus([&](ModelStatus& status) {
        if (request != m_request) return;
        std::string note = std::move(status.note);  // of the choice
        status = {};
        status.state = ModelStatus::State::Loading;
        status.model = entry;
        status.note = std::move(note);
    });
    float reported = 0.0f;
    engine::LoadOptions options;
    options.memoryBytes = m_memoryBytes;
    options.kvTypes = m_kvTypes;
    options.contextLength = m_contextLength;
    options.predicts = m_predicts;
    options.progress = [&](float fraction) {
        constexpr float kStep = 0.01f;
        if (fraction - reported >= kStep && request == m_request) {
            reported = fraction;
            changeStatus([&](ModelStatus& status) { status.progress = fraction; });
        }
        return request == m_request;
    };
    options.onPlan = [&](const engine::MemoryPlan& plan) {
        if (!plan.streams) return;
        log().info("the model {} {}", entry.name, plan.text());
        changeStatus([&](ModelStatus& status) {
            if (request != m_request) return;
            if (!status.note.empty()) status.note += '\n';
            status.note += entry.name + " " + plan.text() + ".";
        });
    };
    auto model = engine::Model::load(entry.file, options);
    std::vector<engine::AdapterUse> adapters;
    if (model) {
        auto loaded = loadAdapters(m_adapterFiles, *model);
        if (loaded) adapters = std::move(*loaded);
        if (!loaded) model = tl::unexpected(loaded.error());
    }
    // Whoever asked for the model is told, so that this is for the log file.
    if (!model) log().info("cannot load the model {}: {}", entry.name, model.error().detail);
    changeStatus([&](ModelStatus& status) {
        if (request != m_request) return;  // another one was chosen meanwhile
        m_isLoading = false;
        status.model = entry;
        if (model) {
            const std::string note = turnsNote(**model);
            if (!note.empty()) status.templateNote = entry.name + " " + note;
            m_model = std::move(*model);
            m_adapters = std::move(adapters);
            status.state = ModelStatus::State::Ready;
            status.progress = 1.0f;
        } else {
            m_error = model.error();
            status.state = ModelStatus::State::Failed;
            status.error = m_error.detail;
        }
    });
}

Result<fs::path> ModelServiceImpl::chosenFile() {
    return chosen().map([](const ModelEntry& entry) { return entry.file; });
}

Result<std::shared_ptr<const engine::Model>> ModelServiceImpl::loaded() {
    return loaded(std::stop_token{}, {});
}

Result<std::shared_ptr<const engine::Model>> ModelServiceImpl::loaded(
    const std::stop_token& cancel, const std::function<void(float)>& progress) {
    startLoading();
    std::unique_lock lock(m_mutex);
    while (m_model == nullptr) {
        if (m_status.state == ModelStatus::State::Failed && !m_isLoading) {
            return tl::unexpected(m_error);
        }
        if (cancel.stop_requested() || m_loader.stopToken().stop_requested()) {
            return fail(ErrorCode::Cancelled, "stopped while the model was loading");
        }
        const float before = m_status.progress;
        // The pause only bounds how late the end of the program is seen.
        constexpr auto kPause = std::chrono::milliseconds(50);
        m_changed.wait_for(lock, cancel, kPause, [&] {
            return m_model != nullptr || m_status.progress != before || !m_isLoading;
        });
        if (progress && m_status.progress != before) {
            const float now = m_status.progress;
            lock.unlock();
            progress(now);
            lock.lock();
        }
    }
    return m_model;
}

std::vector<engine::AdapterUse> ModelServiceImpl::adapters() const {
    const std::lock_guard lock(m_mutex);
    return m_adapters;
}

std::vector<AdapterFile> ModelServiceImpl::adapterFiles() const {
    const std::lock_guard lock(m_mutex);
    return m_adapterFiles;
}

void ModelServiceImpl::useAdapters(std::vector<AdapterFile> files, Reply<void> reply) {
    m_loader.post([this, files = std::move(files), reply = std::move(reply)]() mutable {
        const auto model = loadedNow();
        std::vector<engine::AdapterUse> adapters;
        if (model != nullptr) {
            auto loaded = loadAdapters(files, model);
            if (!loaded) return reply(tl::unexpected(loaded.error()));
            adapters = std::move(*loaded);
        }
        {
            const std::lock_guard lock(m_mutex);
            m_adapterFiles = std::move(files);
            // Another model that was chosen meanwhile is loaded with the files.
            if (m_model == model) m_adapters = std::move(adapters);
        }
        reply({});
    });
}

std::shared_ptr<const engine::Model> ModelServiceImpl::loadedNow() const {
    const std::lock_guard lock(m_mutex);
    return m_model;
}

Result<std::shared_ptr<const engine::TextEmbedder>> ModelServiceImpl::embedder() {
    const std::lock_guard lock(m_embedderMutex);
    if (m_embedder != nullptr) return m_embedder;
    const auto file = m_catalog.embedderFile();
    if (!file) return tl::unexpected(file.error());
    auto embedder = engine::TextEmbedder::load(*file);
    if (!embedder) return embedder;
    m_embedder = std::move(*embedder);
    return m_embedder;
}

void ModelServiceImpl::verify(const fs::path& file, std::function<bool(double)> progress,
                              Reply<std::vector<Finding>> reply) {
    m_slow.post([this, file = tidyPath(file), progress = std::move(progress),
                 reply = std::move(reply)] {
        std::error_code ignored;
        if (!fs::exists(file, ignored)) {
            return reply(fail(ErrorCode::NotFound, "there is no file " + file.string()));
        }
        const auto keepGoing = [&](double share) {
            return !m_slow.stopToken().stop_requested() && (!progress || progress(share));
        };
        std::vector<Finding> findings;
        findings.push_back(findingOfHeader(file));
        if (findings.back().ok) {
            if (const auto usable = findingOfUse(file)) findings.push_back(*usable);
        }
        // The file is read twice: for the weights, and for the hash.
        if (findings.front().ok) {
            const auto bad =
                engine::findNonFiniteWeights(file, [&](std::uint64_t done, std::uint64_t total) {
                    return keepGoing(0.5 * static_cast<double>(done) / static_cast<double>(total));
                });
            if (!bad) return reply(tl::unexpected(bad.error()));
            findings.push_back(findingOfWeights(*bad));
        }
        const std::vector<fs::path> parts = engine::modelFileParts(file);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            // A part that is missing is named by the first finding.
            if (!fs::exists(parts[i], ignored)) continue;
            const auto sizeBytes = static_cast<double>(fs::file_size(parts[i], ignored));
            const auto hash = sha256OfFile(parts[i], [&](std::uint64_t done) {
                const double share = static_cast<double>(i) + static_cast<double>(done) / sizeBytes;
                return keepGoing(0.5 + 0.5 * share / static_cast<double>(parts.size()));
            });
            if (!hash) return reply(tl::unexpected(hash.error()));
            const auto known = m_settings.get(hashKey(parts[i]));
            const bool isRecorded = known && known->has_value() && (*known)->is_string();
            const bool isSame = !isRecorded || (*known)->get<std::string>() == *hash;
            findings.push_back(
                {isSame,
                 parts.size() > 1 ? "SHA-256 of " + parts[i].filename().string() : "SHA-256",
                 *hash + (isSame ? (isRecorded ? " (as when it was loaded)" : "")
                                 : " is not the hash it had when it was loaded")});
        }
        reply(std::move(findings));
    });
}

void ModelServiceImpl::pull(const std::string& url, const std::string& sha256,
                            std::function<bool(std::uint64_t, std::uint64_t)> progress,
                            Reply<fs::path> reply) {
    m_slow.post([this, url, sha256, progress = std::move(progress), reply = std::move(reply)] {
        const auto keepGoing = [&](std::uint64_t done, std::uint64_t total) {
            return !m_slow.stopToken().stop_requested() && (!progress || progress(done, total));
        };
        auto file =
            download({.url = url, .folder = m_folder, .sha256 = sha256, .progress = keepGoing});
        if (!file) return reply(std::move(file));
        if (const ModelEntry entry = m_catalog.look(*file);
            !entry.problem.empty() && !entry.searches()) {
            return reply(fail(ErrorCode::Corrupt, "the file was loaded to " + file->string() +
                                                      " but cannot be used: " + entry.problem));
        }
        if (const auto hash = sha256OfFile(*file)) {
            if (auto saved = m_settings.set(hashKey(*file), *hash); !saved) {
                log().warn("the hash of a model could not be kept: {}", saved.error().detail);
            }
        }
        reply(std::move(file));
    });
}

}  // namespace conclave::services
