// model_contents.h: whether a model's files are what they were, though their times changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace conclave::services {

/// Remembers, in a small file, which contents a model's files had in which state. A file that is
/// touched, copied back or moved is in another state; its contents then decide what it is, which
/// takes reading all of it, once. Thread-safe.
class ModelContents {
public:
    /// @param file  made when something is learnt; empty: nothing is remembered
    explicit ModelContents(std::filesystem::path file);
    ModelContents(const ModelContents&) = delete;
    ModelContents& operator=(const ModelContents&) = delete;
    /// Gives up what is being read.
    ~ModelContents();

    /// Reads a model's files, if their contents are not known in this state. Small ones are read
    /// at once, larger ones by a thread behind that gives way to others. Those of more than half of
    /// the machine's memory are not, since that would take from the system's cache what answers
    /// need.
    void learn(const engine::ModelFiles& files);
    /// Whether the files have the contents that they had in an earlier state. False if that was
    /// never learnt. Reads the files if their contents are not known as they are.
    [[nodiscard]] bool hadSame(std::uint64_t earlierState, const engine::ModelFiles& files,
                               const std::stop_token& cancel = {});

private:
    struct Known {
        std::uint64_t state = 0;
        std::uint64_t contents = 0;
    };

    [[nodiscard]] std::vector<Known> read() const;
    [[nodiscard]] std::optional<std::uint64_t> contentsIn(std::uint64_t state) const;
    /// Reads all files. None: they changed, or it was cancelled.
    std::optional<std::uint64_t> readAll(const engine::ModelFiles& files,
                                         const std::stop_token& cancel);
    void remember(const Known& known);

    std::filesystem::path m_file;
    mutable std::mutex m_mutex;          ///< of the file
    std::mutex m_behindMutex;            ///< of the two below
    std::uint64_t m_stateBehind = 0;     ///< that is or was read behind
    std::vector<std::jthread> m_behind;  ///< one, or none
};

}  // namespace conclave::services
