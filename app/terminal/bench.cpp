#include "app/terminal/bench.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/output.h"

namespace conclave::terminal {
namespace {

using engine::TokenId;

/// Tokens without meaning, the same at each call.
std::vector<TokenId> someTokens(int count, int vocabularySize) {
    std::vector<TokenId> tokens;
    std::uint32_t state = 1;
    for (int i = 0; i < count; ++i) {
        constexpr std::uint32_t kFactor = 1664525;  // Numerical Recipes' linear congruences
        constexpr std::uint32_t kStep = 1013904223;
        state = state * kFactor + kStep;
        tokens.push_back(
            static_cast<TokenId>((state >> 8u) % static_cast<std::uint32_t>(vocabularySize)));
    }
    return tokens;
}

/// Of all threads of this process.
double ownCpuSeconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        constexpr double kMicro = 1e-6;
        return static_cast<double>(time.tv_sec) + kMicro * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double residentMebibytes() {
    std::ifstream status("/proc/self/status");
    std::string line;
    constexpr double kKibiPerMebi = 1024.0;
    while (std::getline(status, line)) {
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / kKibiPerMebi;
    }
    return 0.0;
}

/// Times to the first token of two questions on one context of `nTokens`, each in a chat of its
/// own: the second begins with what the first left behind.
Result<nlohmann::json> benchReuse(const std::shared_ptr<const engine::Model>& model, int nTokens,
                                  const BenchSettings& settings, const std::stop_token& cancel) {
    constexpr int kQuestion = 24;
    const int vocabularySize = model->info().vocabularySize;
    std::vector<TokenId> all = someTokens(nTokens + 2 * kQuestion, vocabularySize);
    nlohmann::json times = nlohmann::json::array();
    for (int question = 0; question < 2; ++question) {
        const auto session =
            engine::Session::create(model, {.contextLength = nTokens + kQuestion + 2,
                                            .nThreads = settings.nThreads,
                                            .sharesPrefixes = true,
                                            .nExpertsUsed = settings.nExpertsUsed,
                                            .kvType = settings.kvTypes});
        if (!session) return tl::unexpected(session.error());
        engine::GenerateRequest request;
        request.prompt.assign(all.begin(), all.begin() + nTokens);
        const auto own = all.begin() + nTokens + question * kQuestion;
        request.prompt.insert(request.prompt.end(), own, own + kQuestion);
        request.sampling.temperature = 0.0f;
        request.maxTokens = 1;
        request.cancel = cancel;
        const auto result = (*session)->generate(request);
        if (!result) return tl::unexpected(result.error());
        const std::chrono::duration<double, std::milli> time = result->usage.timeToFirstToken;
        times.push_back(time.count());
    }
    return times;
}

double millisecondsSince(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
}

/// A file that is gone at the end.
class TemporaryFile {
public:
    TemporaryFile()
        : m_path(std::filesystem::temp_directory_path() /
                 ("conclave-bench-" + std::to_string(::getpid()) + ".session")) {}
    ~TemporaryFile() {
        std::error_code ignored;
        std::filesystem::remove(m_path, ignored);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

/// What a chat of `nTokens` costs to compute, to save, to restore, and then to the first token of
/// a question.
Result<nlohmann::json> benchReopen(const std::shared_ptr<const engine::Model>& model, int nTokens,
                                   const BenchSettings& settings, const std::stop_token& cancel) {
    constexpr int kQuestion = 24;
    const std::vector<TokenId> all = someTokens(nTokens + kQuestion, model->info().vocabularySize);
    const auto newSession = [&] {
        return engine::Session::create(model, {.contextLength = nTokens + kQuestion + 2,
                                               .nThreads = settings.nThreads,
                                               .nExpertsUsed = settings.nExpertsUsed,
                                               .kvType = settings.kvTypes});
    };
    const auto firstToken = [&](engine::Session& session, int nPrompt) -> Result<double> {
        engine::GenerateRequest request;
        request.prompt.assign(all.begin(), all.begin() + nPrompt);
        request.sampling.temperature = 0.0f;
        request.maxTokens = 1;
        request.cancel = cancel;
        const auto result = session.generate(request);
        if (!result) return tl::unexpected(result.error());
        return std::chrono::duration<double, std::milli>(result->usage.timeToFirstToken).count();
    };
    const TemporaryFile file;
    const auto before = newSession();
    if (!before) return tl::unexpected(before.error());
    const auto prefillTime = firstToken(**before, nTokens);
    if (!prefillTime) return tl::unexpected(prefillTime.error());
    auto begin = std::chrono::steady_clock::now();
    if (const auto saved = (*before)->save(file.path()); !saved) {
        return tl::unexpected(saved.error());
    }
    const double saveTime = millisecondsSince(begin);
    const auto after = newSession();
    if (!after) return tl::unexpected(after.error());
    begin = std::chrono::steady_clock::now();
    if (const auto restored = (*after)->restore(file.path()); !restored) {
        return tl::unexpected(restored.error());
    }
    const double restoreTime = millisecondsSince(begin);
    const auto questionTime = firstToken(**after, nTokens + kQuestion);
    if (!questionTime) return tl::unexpected(questionTime.error());
    return nlohmann::json{{"prefill_ms", *prefillTime},
                          {"save_ms", saveTime},
                          {"file_bytes", std::filesystem::file_size(file.path())},
                          {"restore_ms", restoreTime},
                          {"ttft_ms", *questionTime}};
}

}  // namespace

Result<nlohmann::json> runBench(services::Services& services, const BenchSettings& settings,
                                std::stop_token cancel) {
    const auto begun = std::chrono::steady_clock::now();
    const auto model = services.models().loaded();
    if (!model) return tl::unexpected(model.error());
    const std::chrono::duration<double, std::milli> loadTime =
        std::chrono::steady_clock::now() - begun;
    // The first answer may begin now; speeds are those of a model that is all in place.
    (*model)->settle();
    const std::chrono::duration<double, std::milli> settleTime =
        std::chrono::steady_clock::now() - begun;
    const int needed = settings.depth + std::max(settings.nPrefill, settings.nDecode + 1) + 1;
    const auto session = engine::Session::create(*model, {.contextLength = needed,
                                                          .nThreads = settings.nThreads,
                                                          .nExpertsUsed = settings.nExpertsUsed,
                                                          .kvType = settings.kvTypes});
    if (!session) return tl::unexpected(session.error());
    const int vocabularySize = (*model)->info().vocabularySize;

    const auto run = [&](int nTokens, int maxTokens) {
        engine::GenerateRequest request;
        request.prompt = someTokens(nTokens, vocabularySize);
        request.sampling.temperature = 0.0f;
        request.maxTokens = maxTokens;
        request.ignoreEndOfTurn = true;
        request.cancel = cancel;
        return (*session)->generate(request);
    };
    // Processors this process had on average while it worked: below the number of threads, others
    // kept them busy, and the speed says little about the engine.
    const auto runCounted = [&](int nTokens, int maxTokens, nlohmann::json& cores) {
        const double cpuBefore = ownCpuSeconds();
        const auto before = std::chrono::steady_clock::now();
        auto result = run(nTokens, maxTokens);
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
        cores.push_back((ownCpuSeconds() - cpuBefore) / wall.count());
        return result;
    };
    // What the first use of the buffers costs is no speed of the engine.
    constexpr int kWarmUp = 16;
    if (auto warm = run(std::min(kWarmUp, needed - 1), 1); !warm) {
        return tl::unexpected(warm.error());
    }
    nlohmann::json prefill = nlohmann::json::array();
    nlohmann::json decode = nlohmann::json::array();
    nlohmann::json prefillCores = nlohmann::json::array();
    nlohmann::json decodeCores = nlohmann::json::array();
    for (int repeat = 0; repeat < settings.nRepeats; ++repeat) {
        (*session)->clear();
        if (settings.depth > 0) {
            if (auto filled = run(settings.depth, 1); !filled) {
                return tl::unexpected(filled.error());
            }
        }
        if (settings.nPrefill > 0) {
            const auto result = runCounted(settings.depth + settings.nPrefill, 1, prefillCores);
            if (!result) return tl::unexpected(result.error());
            prefill.push_back(result->usage.prefillSpeed());
        }
        if (settings.nDecode > 0) {
            // The first token comes out of the prompt; the others are decode steps.
            const auto result = runCounted(settings.depth + 1, settings.nDecode + 1, decodeCores);
            if (!result) return tl::unexpected(result.error());
            decode.push_back(result->usage.decodeSpeed());
        }
        if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
    }
    nlohmann::json report{{"prefill_tps", prefill},         {"decode_tps", decode},
                          {"prefill_cores", prefillCores},  {"decode_cores", decodeCores},
                          {"load_ms", loadTime.count()},    {"settled_ms", settleTime.count()},
                          {"rss_mib", residentMebibytes()}, {"model", (*model)->info().name},
                          {"isa", engine::kernelSetName()}};
    if (settings.reuse) {
        auto times = benchReuse(*model, std::max(settings.nPrefill, 1), settings, cancel);
        if (!times) return times;
        report["reuse_ttft_ms"] = std::move(*times);
    }
    if (settings.reopen) {
        auto times = benchReopen(*model, std::max(settings.nPrefill, 1), settings, cancel);
        if (!times) return times;
        report["reopen"] = std::move(*times);
    }
    return report;
}

int benchCommand(const Arguments& arguments) {
    const auto started = startForModel(arguments);
    if (!started) return failed(started.error());
    const CancelOnInterrupt cancel;
    const BenchSettings settings{
        .nPrefill = arguments.integer("-p", 512),
        .nDecode = arguments.integer("-n", 128),
        .depth = arguments.integer("-d", 0),
        .nThreads = arguments.integer("-t", arguments.integer("--threads", 0)),
        .nRepeats = arguments.integer("-r", 3),
        .nExpertsUsed = arguments.integer("--experts", 0),
        .kvTypes = cacheTypesFrom(arguments),
        .reuse = arguments.has("--reuse"),
        .reopen = arguments.has("--reopen")};
    const auto report = runBench(**started, settings, cancel.token());
    if (!report) return failed(report.error());
    if (arguments.has("--json")) {
        printJson(*report);
        return kSuccess;
    }
    const auto mean = [](const nlohmann::json& values) {
        double sum = 0.0;
        for (const auto& value : values) sum += value.get<double>();
        return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
    };
    std::cout << (*report)["model"].get<std::string>() << " with "
              << (*report)["isa"].get<std::string>() << ": prefill "
              << rounded(mean((*report)["prefill_tps"])) << " tokens/s, decode "
              << rounded(mean((*report)["decode_tps"])) << " tokens/s, loaded in "
              << rounded((*report)["load_ms"].get<double>()) << " ms, "
              << rounded((*report)["rss_mib"].get<double>()) << " MiB\n";
    if (report->contains("reuse_ttft_ms")) {
        const auto times = (*report)["reuse_ttft_ms"].get<std::vector<double>>();
        std::cout << "first token of a question after " << rounded(times[0])
                  << " ms, of the next one on the same context after " << rounded(times[1])
                  << " ms\n";
    }
    if (report->contains("reopen")) {
        const nlohmann::json& times = (*report)["reopen"];
        const auto shown = [&](const char* key) { return rounded(times[key].get<double>()); };
        constexpr double kMebi = 1024.0 * 1024.0;
        std::cout << "the context computed in " << shown("prefill_ms") << " ms, saved in "
                  << shown("save_ms") << " ms ("
                  << rounded(times["file_bytes"].get<double>() / kMebi) << " MiB), restored in "
                  << shown("restore_ms") << " ms, first token of a question then after "
                  << shown("ttft_ms") << " ms\n";
    }
    return kSuccess;
}

}  // namespace conclave::terminal
