#include "retrieval/extractor/worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "retrieval/document_json.h"
#include "retrieval/draft_frames.h"
#include "retrieval/extractor/sandbox.h"
#include "retrieval/page_picture.h"
#include "retrieval/worker_protocol.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr std::string_view kHelp =
    "usage: conclave-extract [--memory BYTES] [--seconds N] [--password-on-stdin] [--texts-behind] "
    "[--text-only]\n"
    "                        [--draft-every MILLISECONDS [--drafts-on-stdin BYTES]] FILE\n"
    "       conclave-extract [--memory BYTES] [--seconds N] --ocr TESSERACT LANGUAGES < PICTURE\n"
    "       conclave-extract-pdf [--memory BYTES] [--seconds N] --render PAGE FILE > PICTURE\n"
    "       conclave-extract-pdf [--memory BYTES] [--seconds N] --view PAGE --width PIXELS\n"
    "                            [--mark START END]... [--sizes] FILE > PICTURE\n"
    "\n"
    "Reads one document and writes its text as JSON, or (--texts-behind) behind the JSON. Conclave "
    "starts it for every file it reads,\n"
    "so that a damaged or hostile file meets a process without network and without rights.\n"
    "It may write to no file, so its output goes to a terminal or a pipe.\n"
    "\n"
    "example: conclave-extract report.docx | less\n";

constexpr std::size_t kMostPages = 1'000'000;

struct Arguments {
    SandboxLimits limits;
    bool readsPassword = false;
    PageTexts texts = PageTexts::InJson;
    bool drawsPages = true;
    std::optional<std::chrono::milliseconds> draftEvery;  ///< hands over what is read so far
    std::size_t nDraftBytes = 0;  ///< on the standard input, before the password
    int renderedPage = 0;         ///< writes a picture of it instead of the text; 0: none
    PageRequest view{.page = 0, .widthPixels = 0, .marks = {}, .withSizes = false};  ///< the same
    std::string ocrProgram;  ///< becomes it, with a picture on the standard input
    std::string ocrLanguages;
    std::filesystem::path file;
};

std::optional<std::size_t> toSize(std::string_view text) {
    std::size_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// An option of a view at words[i], and its values, the last of which `i` is moved to. False for
/// anything else.
bool readViewOption(const std::vector<std::string_view>& words, std::size_t& i, PageRequest& view) {
    const std::string_view word = words[i];
    if (word == "--sizes") {
        view.withSizes = true;
        return true;
    }
    const auto number = [&] { return i + 1 < words.size() ? toSize(words[++i]) : std::nullopt; };
    if (word == "--mark") {
        const auto start = number();
        const auto end = number();
        if (!start || !end || view.marks.size() == kMostPageMarks) return false;
        view.marks.push_back({*start, *end});
        return true;
    }
    if (word != "--view" && word != "--width") return false;
    const auto value = number();
    const std::size_t most = word == "--view" ? kMostPages : kMostPageWidth;
    if (!value || *value == 0 || *value > most) return false;
    (word == "--view" ? view.page : view.widthPixels) = static_cast<int>(*value);
    return true;
}

/// None for wrong usage.
std::optional<Arguments> readArguments(const std::vector<std::string_view>& words) {
    Arguments arguments;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word == "--password-on-stdin") {
            arguments.readsPassword = true;
        } else if (word == "--texts-behind") {
            arguments.texts = PageTexts::BehindIt;
        } else if (word == "--text-only") {
            arguments.drawsPages = false;
        } else if (word == "--ocr" && i + 2 < words.size()) {
            arguments.ocrProgram = words[++i];
            arguments.ocrLanguages = words[++i];
        } else if ((word == "--memory" || word == "--seconds" || word == "--render") &&
                   i + 1 < words.size()) {
            const auto number = toSize(words[++i]);
            if (!number || *number == 0) return std::nullopt;
            if (word == "--render") {
                arguments.renderedPage = static_cast<int>(std::min(*number, kMostPages));
            } else if (word == "--memory") {
                arguments.limits.memoryBytes = *number;
            } else {
                arguments.limits.processorTime = std::chrono::seconds(*number);
            }
        } else if ((word == "--draft-every" || word == "--drafts-on-stdin") &&
                   i + 1 < words.size()) {
            const auto number = toSize(words[++i]);
            if (!number) return std::nullopt;
            if (word == "--draft-every") {
                arguments.draftEvery = std::chrono::milliseconds(*number);
            } else {
                arguments.nDraftBytes = *number;
            }
        } else if (!word.starts_with("--") && arguments.file.empty()) {
            arguments.file = std::filesystem::path(word);
        } else if (!readViewOption(words, i, arguments.view)) {
            return std::nullopt;
        }
    }
    if (arguments.file.empty() && arguments.ocrProgram.empty()) return std::nullopt;
    if ((arguments.view.page > 0) != (arguments.view.widthPixels > 0)) return std::nullopt;
    return arguments;
}

/// So many bytes of the standard input, or all that are left of it.
std::string readInput(std::size_t nBytes) {
    std::string input(nBytes, '\0');
    std::size_t done = 0;
    while (done < nBytes) {
        const ssize_t n = ::read(STDIN_FILENO, input.data() + done, nBytes - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    input.resize(done);
    return input;
}

/// A quarter of the memory may go to the file itself; the rest is for what comes of it.
Result<std::string> readFile(const std::filesystem::path& path, std::size_t memoryBytes) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        const ErrorCode code = errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io;
        return fail(code, "cannot open " + path.string() + ": " + std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        return fail(ErrorCode::Io, path.string() + " is not a regular file");
    }
    const auto most = memoryBytes / 4;
    if (static_cast<std::size_t>(status.st_size) > most) {
        ::close(descriptor);
        return fail(ErrorCode::LimitExceeded, "the file is larger than " +
                                                  std::to_string(most >> 20U) +
                                                  " MiB, the limit for one document");
    }
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::read(descriptor, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int problem = errno;
            ::close(descriptor);
            return fail(ErrorCode::Io,
                        "cannot read " + path.string() + ": " + std::strerror(problem));
        }
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    ::close(descriptor);
    bytes.resize(done);
    return bytes;
}

bool writeAll(std::string_view output) {
    while (!output.empty()) {
        const ssize_t n = ::write(STDOUT_FILENO, output.data(), output.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        output.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool isPdf(const Source& source) {
    const auto format = detectFormat(source);
    return format && *format == Format::Pdf;
}

/// In this process's place.
void handOver(const std::vector<std::string_view>& words, const WorkerHooks& hooks) {
    std::vector<std::string> copies(words.begin(), words.end());
    copies.insert(copies.begin(), "conclave-extract");
    std::vector<char*> argv;
    for (std::string& word : copies) argv.push_back(word.data());
    argv.push_back(nullptr);
    hooks.handOver(argv.data());
}

Result<ExtractedDocument> readDocument(const Arguments& arguments,
                                       const std::vector<std::string_view>& words,
                                       const WorkerHooks& hooks) {
    if (hooks.prepare) hooks.prepare();
    const auto bytes = readFile(arguments.file, arguments.limits.memoryBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    Source source{.bytes = *bytes, .fileName = arguments.file.filename().string(), .password = {}};
    if (hooks.pdf == nullptr && hooks.handOver && isPdf(source)) handOver(words, hooks);
    source.drawsPages = arguments.drawsPages;
    // The rest is for writing it; who waits gives a second less than this process may take.
    source.mostTime =
        std::chrono::milliseconds(arguments.limits.processorTime - std::chrono::seconds(1)) * 2 / 3;
    const std::string drafts =
        readInput(std::min(arguments.nDraftBytes, arguments.limits.memoryBytes / 4));
    source.drafts = drafts;
    constexpr std::size_t kLongestPassword = 4096;
    if (arguments.readsPassword) source.password = readInput(kLongestPassword);
    if (arguments.draftEvery) {
        source.draftEvery = *arguments.draftEvery;
        source.onDraft = [](int lastPage, const std::string& draft) {
            static_cast<void>(writeAll(toBytes(DraftFrame{lastPage, draft})));
        };
    }
    static_cast<void>(forbidSystemCalls());
    return parseDocument(source, hooks.pdf);
}

/// Writes the picture of one page.
int renderPage(const Arguments& arguments, const WorkerHooks& hooks) {
    if (hooks.render == nullptr) return 1;
    if (hooks.prepare) hooks.prepare();
    const auto bytes = readFile(arguments.file, arguments.limits.memoryBytes);
    if (!bytes) return 1;
    static_cast<void>(forbidSystemCalls());
    const auto picture = hooks.render(
        {.bytes = *bytes, .fileName = arguments.file.filename().string(), .password = {}},
        arguments.renderedPage);
    return picture && writeAll(*picture) ? 0 : 1;
}

/// Writes one page as page_picture.h says, or as JSON why it cannot.
int viewPage(const Arguments& arguments, const WorkerHooks& hooks) {
    if (hooks.view == nullptr) return 1;
    if (hooks.prepare) hooks.prepare();
    const auto bytes = readFile(arguments.file, arguments.limits.memoryBytes);
    if (!bytes) return writeAll(toJson(tl::unexpected(bytes.error()))) ? 0 : 1;
    static_cast<void>(forbidSystemCalls());
    const auto picture = hooks.view(
        {.bytes = *bytes, .fileName = arguments.file.filename().string(), .password = {}},
        arguments.view);
    return writeAll(picture ? toBytes(*picture) : toJson(tl::unexpected(picture.error()))) ? 0 : 1;
}

/// Only returns if it fails.
int becomeOcr(const Arguments& arguments) {
    static_cast<void>(forbidNetwork());
    std::string program = arguments.ocrProgram;
    std::string languages = arguments.ocrLanguages;
    std::string input = "stdin";
    std::string output = "stdout";
    std::string option = "-l";
    std::array<char*, 6> argv{program.data(), input.data(),     output.data(),
                              option.data(),  languages.data(), nullptr};
    ::execv(program.c_str(), argv.data());
    return 1;
}

int runOnce(const std::vector<std::string_view>& words, const WorkerHooks& hooks) {
    const auto arguments = readArguments(words);
    if (!arguments) {
        std::cerr << kHelp;
        return 2;
    }
    limitResources(arguments->limits);
    if (!arguments->ocrProgram.empty()) return becomeOcr(*arguments);
    if (arguments->renderedPage > 0) return renderPage(*arguments, hooks);
    if (arguments->view.page > 0) return viewPage(*arguments, hooks);
    return writeAll(toJson(readDocument(*arguments, words, hooks), arguments->texts)) ? 0 : 1;
}

/// A process for each request. This one looks at no file and at nothing that they write.
int serve(const WorkerHooks& hooks) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    WorkerRequest request;
    while (receiveRequest(STDIN_FILENO, request)) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(request.input, STDIN_FILENO);
            ::dup2(request.output, STDOUT_FILENO);
            const std::vector<std::string> arguments = argumentsOf(request);
            ::_exit(runOnce({arguments.begin(), arguments.end()}, hooks));
        }
        ::close(request.input);
        ::close(request.output);
        int status = 0;
        if (child < 0) return 1;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (::send(STDIN_FILENO, &status, sizeof status, MSG_NOSIGNAL) != sizeof status) return 1;
    }
    return 0;
}

}  // namespace

int runWorker(int argc, char** argv, const WorkerHooks& hooks) {
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    if (std::find(words.begin(), words.end(), "--help") != words.end()) {
        std::cout << kHelp << std::flush;
        return 0;
    }
    if (words.size() == 1 && words.front() == kServeArgument) return serve(hooks);
    return runOnce(words, hooks);
}

}  // namespace conclave::retrieval::extractor
