// answer_job.h: an answer to be written, as the steps of answering pass it on.
#pragma once

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// Its rows exist in the database.
struct AnswerJob {
    Chat chat;
    Message question;
    Message answer;
    std::vector<std::filesystem::path> attachments;
    bool retrieval = true;
    Scope scope = Scope::Automatic;
    /// The question with what it leans on (standaloneQuestion), once its turns were read.
    std::string asked;
    std::string searchedFor;  ///< what the documents were asked, if they were
    AnswerEvents events;
    std::stop_source stop;
    std::atomic<bool> isTaken = false;  ///< by the worker, or by a stop before its turn

    void report(AnswerStage::Kind kind, float progress = 0.0f) const {
        if (events.onStage) events.onStage({kind, progress});
    }
};

}  // namespace conclave::services
