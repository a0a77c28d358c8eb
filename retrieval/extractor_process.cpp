#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "retrieval/document_json.h"
#include "retrieval/draft_frames.h"
#include "retrieval/extractor_process.h"
#include "retrieval/ocr.h"
#include "retrieval/retrieval.h"
#include "retrieval/worker_protocol.h"

namespace conclave::retrieval {
namespace {

using Clock = std::chrono::steady_clock;

/// Text beyond this is no document; JSON takes up to six bytes for one of a control character.
constexpr std::size_t kMostOutputBytes = std::size_t{256} << 20;

/// How long a stop may go unnoticed.
constexpr std::chrono::milliseconds kPatience{20};

/// A file descriptor that closes itself.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int value) : m_value(value) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    void close() {
        if (m_value >= 0) ::close(m_value);
        m_value = -1;
    }
    [[nodiscard]] int get() const { return m_value; }
    [[nodiscard]] int release() { return std::exchange(m_value, -1); }

private:
    int m_value = -1;
};

/// The running worker; ends its whole process group and reaps it when it goes out of scope.
class WorkerProcess {
public:
    explicit WorkerProcess(pid_t id) : m_id(id) {}
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;
    ~WorkerProcess() {
        if (m_id <= 0) return;
        kill();
        static_cast<void>(wait());
    }

    void kill() const { ::kill(-m_id, SIGKILL); }

    /// Ends it if it still runs. The status as of waitpid().
    int end() {
        kill();
        return wait();
    }

    /// The status as of waitpid().
    int wait() {
        int status = 0;
        while (::waitpid(m_id, &status, 0) < 0 && errno == EINTR) {
        }
        m_id = -1;
        return status;
    }

private:
    pid_t m_id;
};

/// A worker program that waits for requests, one at a time, and ends with this.
class WaitingWorker {
public:
    /// `program` runs as `id` and has the other end of `socket` as its standard input.
    WaitingWorker(std::filesystem::path program, pid_t id, int socket)
        : m_program(std::move(program)), m_process(id), m_socket(socket) {}

    [[nodiscard]] const std::filesystem::path& program() const { return m_program; }

    [[nodiscard]] bool ask(const std::vector<std::string>& arguments, int input, int output) const {
        WorkerRequest request{.arguments = {}, .input = input, .output = output};
        for (const std::string& each : arguments) request.arguments.append(each).push_back('\0');
        return sendRequest(m_socket.get(), request);
    }

    /// The status of the process that it made, as of waitpid(); none if there is none in time. It
    /// closes its output by ending, so this takes no time, unless it does not end.
    [[nodiscard]] std::optional<int> status() const {
        constexpr int kPatienceMilliseconds = 1000;
        pollfd watched{m_socket.get(), POLLIN, 0};
        int status = 0;
        int ready = 0;
        do {
            ready = ::poll(&watched, 1, kPatienceMilliseconds);
        } while (ready < 0 && errno == EINTR);
        if (ready <= 0 || ::recv(m_socket.get(), &status, sizeof status, 0) != sizeof status) {
            return std::nullopt;
        }
        return status;
    }

private:
    std::filesystem::path m_program;
    WorkerProcess m_process;  ///< with the one that it made in its process group
    Descriptor m_socket;
};

struct Pipe {
    int read = -1;
    int write = -1;
};

Result<Pipe> makePipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail(ErrorCode::Io, std::string("cannot make a pipe: ") + std::strerror(errno));
    }
    return Pipe{ends[0], ends[1]};
}

/// What posix_spawn needs, freed at the end.
struct SpawnSetup {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
    SpawnSetup() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
};

/// Starts the worker in a process group of its own, with the pipes as its standard input and
/// output, default signals and an environment that holds nothing of the user's.
Result<pid_t> spawnWorker(const std::filesystem::path& worker, std::vector<std::string> arguments,
                          int input, int output) {
    SpawnSetup setup;
    posix_spawn_file_actions_adddup2(&setup.actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&setup.actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&setup.actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&setup.attributes, &none);
    posix_spawnattr_setsigdefault(&setup.attributes, &all);
    posix_spawnattr_setpgroup(&setup.attributes, 0);
    posix_spawnattr_setflags(
        &setup.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string program = worker.string();
    std::vector<char*> argv{program.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::string locale = "LC_ALL=C.UTF-8";
    std::string sanitizer = "ASAN_OPTIONS=detect_leaks=0";
    // More threads would only fight over the processor with other files being read.
    std::string threads = "OMP_THREAD_LIMIT=1";
    std::array<char*, 4> environment{locale.data(), sanitizer.data(), threads.data(), nullptr};
    pid_t id = -1;
    const int problem = ::posix_spawn(&id, program.c_str(), &setup.actions, &setup.attributes,
                                      argv.data(), environment.data());
    if (problem != 0) {
        return fail(ErrorCode::Io,
                    "cannot start the document worker " + program + ": " + std::strerror(problem));
    }
    return id;
}

/// What the worker reads: drafts, and the password, as the command line can be read by every user.
Result<int> inputOf(const std::string& drafts, const std::string& password) {
    constexpr std::size_t kLongest = 4096;
    const std::string secret = password.substr(0, kLongest);
    if (!drafts.empty()) return fileInMemory(drafts + secret);
    const auto pipe = makePipe();
    if (!pipe) return tl::unexpected(pipe.error());
    // The reading end is still open in this process, so this cannot raise SIGPIPE; a pipe holds
    // 64 KiB, so it cannot block either.
    static_cast<void>(!::write(pipe->write, secret.data(), secret.size()));
    ::close(pipe->write);
    return pipe->read;
}

enum class ReadEnd { Complete, TooLong, TimedOut, Cancelled, Failed };

ReadEnd readAll(int descriptor, const ExtractOptions& options, std::string& output) {
    const Clock::time_point deadline = Clock::now() + options.timeLimit;
    std::vector<char> buffer(std::size_t{64} << 10);
    std::size_t nBytes = 0;
    while (true) {
        if (options.cancel.stop_requested()) return ReadEnd::Cancelled;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) return ReadEnd::TimedOut;
        pollfd watched{descriptor, POLLIN, 0};
        const int ready = ::poll(&watched, 1, static_cast<int>(std::min(left, kPatience).count()));
        if (ready < 0 && errno != EINTR) return ReadEnd::Failed;
        if (ready <= 0) continue;
        const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ReadEnd::Failed;
        if (n == 0) return ReadEnd::Complete;
        output.append(buffer.data(), static_cast<std::size_t>(n));
        nBytes += static_cast<std::size_t>(n);
        if (nBytes > kMostOutputBytes) return ReadEnd::TooLong;
        while (options.onDraft) {
            const auto frame = takeFrame(output);
            if (!frame) break;
            if (!options.onDraft(frame->lastPage, frame->bytes)) return ReadEnd::Cancelled;
        }
    }
}

Error describeEnd(const std::filesystem::path& path, int status) {
    const std::string name = path.filename().string();
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        if (signal == SIGXCPU) {
            return {ErrorCode::LimitExceeded, name + " takes too much processor time to read"};
        }
        return {ErrorCode::Corrupt, "reading " + name + " ended the document worker (signal " +
                                        std::to_string(signal) + "); the file is damaged"};
    }
    return {ErrorCode::Corrupt, "the document worker could not read " + name + " (exit status " +
                                    std::to_string(WEXITSTATUS(status)) + ")"};
}

/// This thread's waiting worker; it starts one if there is none of this program.
Result<WaitingWorker*> waitingWorker(const std::filesystem::path& program,
                                     std::unique_ptr<WaitingWorker>& worker) {
    if (worker && worker->program() == program) return worker.get();
    worker.reset();
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail(ErrorCode::Io, std::string("cannot make a socket: ") + std::strerror(errno));
    }
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    const Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const auto started =
        spawnWorker(program, {std::string(kServeArgument)}, theirs.get(), nowhere.get());
    if (!started) return tl::unexpected(started.error());
    worker = std::make_unique<WaitingWorker>(program, *started, ours.release());
    return worker.get();
}

Result<std::string> finishedOutput(ReadEnd end, std::string output, const ExtractOptions& options,
                                   const std::filesystem::path& about) {
    switch (end) {
        case ReadEnd::Complete: return output;
        case ReadEnd::Cancelled: return fail(ErrorCode::Cancelled, "reading was stopped");
        case ReadEnd::TimedOut:
            return fail(ErrorCode::Timeout, about.filename().string() +
                                                " takes longer to read than the limit of " +
                                                std::to_string(options.timeLimit.count()) + " ms");
        case ReadEnd::TooLong:
            return fail(ErrorCode::LimitExceeded,
                        about.filename().string() +
                            " holds more text than Conclave reads from one "
                            "file (256 MiB)");
        case ReadEnd::Failed: break;
    }
    return fail(ErrorCode::Io,
                std::string("cannot read from the document worker: ") + std::strerror(errno));
}

/// What a person can do about a file that Conclave reads no more of.
Error withNextStep(Error error) {
    if (error.code == ErrorCode::LimitExceeded || error.code == ErrorCode::Timeout) {
        error.detail +=
            "; save what you need of it as smaller files, or leave it out with a line in "
            ".conclaveignore";
    }
    return error;
}

}  // namespace

Result<void> checkFile(const std::filesystem::path& path) {
    std::error_code problem;
    const auto status = std::filesystem::status(path, problem);
    if (status.type() == std::filesystem::file_type::not_found) {
        return fail(ErrorCode::NotFound, path.string() + " does not exist");
    }
    if (problem) {
        return fail(ErrorCode::Io, "cannot open " + path.string() + ": " + problem.message());
    }
    if (status.type() != std::filesystem::file_type::regular) {
        return fail(ErrorCode::Io, path.string() + " is not a regular file");
    }
    return {};
}

Result<std::string> runLimited(const std::filesystem::path& worker,
                               const std::vector<std::string>& arguments, int input,
                               const ExtractOptions& options, const std::filesystem::path& about,
                               bool many) {
    const auto outputPipe = makePipe();
    if (!outputPipe) return tl::unexpected(outputPipe.error());
    const Descriptor outputRead(outputPipe->read);
    Descriptor outputWrite(outputPipe->write);
    // With more room in the pipe both sides wait less; where that is not allowed nothing is lost.
    ::fcntl(outputRead.get(), F_SETPIPE_SZ, 1 << 20);
    std::error_code ignored;
    const std::filesystem::path program = std::filesystem::absolute(worker, ignored);
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(options.timeLimit).count() + 1;
    std::vector<std::string> all = {"--memory", std::to_string(options.memoryLimitBytes),
                                    "--seconds", std::to_string(seconds)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::string output;
    int status = 0;
    if (many) {
        thread_local std::unique_ptr<WaitingWorker> kept;
        auto waiting = waitingWorker(program, kept);
        if (waiting && !(*waiting)->ask(all, input, outputWrite.get())) {
            kept.reset();  // somebody ended it
            waiting = waitingWorker(program, kept);
            if (waiting && !(*waiting)->ask(all, input, outputWrite.get())) {
                kept.reset();
                return fail(ErrorCode::Io, "the document worker " + program.string() + " ended");
            }
        }
        if (!waiting) return tl::unexpected(waiting.error());
        outputWrite.close();
        const ReadEnd end = readAll(outputRead.get(), options, output);
        const auto ended = end == ReadEnd::Complete ? (*waiting)->status() : std::nullopt;
        // What did not end as it should is ended with the worker; the next file gets another one.
        if (!ended) kept.reset();
        if (end != ReadEnd::Complete) return finishedOutput(end, {}, options, about);
        status = ended.value_or(SIGKILL);
    } else {
        const auto started = spawnWorker(program, std::move(all), input, outputWrite.get());
        if (!started) return tl::unexpected(started.error());
        WorkerProcess process(*started);
        outputWrite.close();
        const ReadEnd end = readAll(outputRead.get(), options, output);
        if (end != ReadEnd::Complete) return finishedOutput(end, {}, options, about);
        // It closes its output by ending; one that goes on without output is not waited for.
        status = process.end();
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return tl::unexpected(describeEnd(about, status));
    }
    return output;
}

Result<int> fileInMemory(std::string_view bytes) {
    Descriptor file(::memfd_create("input", MFD_CLOEXEC));
    while (file.get() >= 0 && !bytes.empty()) {
        const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) file.close();
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    if (file.get() < 0) {
        return fail(ErrorCode::Io,
                    std::string("cannot keep a file in memory: ") + std::strerror(errno));
    }
    ::lseek(file.get(), 0, SEEK_SET);
    return file.release();
}

Extractor::Extractor(std::filesystem::path worker) : m_worker(std::move(worker)) {}

Result<ExtractedDocument> Extractor::extract(const std::filesystem::path& path,
                                             const ExtractOptions& options) const {
    if (const auto usable = checkFile(path); !usable) return tl::unexpected(usable.error());
    std::string drafts;
    for (const std::string& draft : options.draftsBefore) drafts += draft;
    const auto run = [&](std::vector<std::string> arguments,
                         bool withDrafts) -> Result<std::string> {
        const auto opened = inputOf(withDrafts ? drafts : std::string(), options.password);
        if (!opened) return tl::unexpected(opened.error());
        const Descriptor input(*opened);
        if (withDrafts) {
            arguments.insert(arguments.end(),
                             {"--draft-every", std::to_string(options.draftEvery.count()),
                              "--drafts-on-stdin", std::to_string(drafts.size())});
        }
        std::error_code ignored;
        arguments.push_back(std::filesystem::absolute(path, ignored));
        return runLimited(m_worker, arguments, input.get(), options, path, options.many);
    };
    auto output = run({"--password-on-stdin", "--texts-behind"}, options.onDraft != nullptr);
    // Pictures of a page may need more than there is; its words do not.
    if (!output && output.error().code == ErrorCode::Corrupt && path.extension() == ".pdf") {
        output = run({"--password-on-stdin", "--texts-behind", "--text-only"}, false);
    }
    if (!output) return tl::unexpected(withNextStep(output.error()));
    auto document = documentFromJson(*output);
    if (!document && document.error().code == ErrorCode::NeedsOcr &&
        !options.ocrLanguages.empty()) {
        document = recognizeText(m_worker, path, options);
    }
    if (!document) return tl::unexpected(withNextStep(document.error()));
    if (document->title.empty()) document->title = path.filename().string();
    return document;
}

}  // namespace conclave::retrieval
