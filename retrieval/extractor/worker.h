// worker.h: the worker program's run, the same for conclave-extract and conclave-extract-pdf.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {

/// What differs between the two programs.
struct WorkerHooks {
    Parser pdf = nullptr;
    /// Draws one page (from 1) of a PDF as a grey picture (PGM); empty behind the last page.
    Result<std::string> (*render)(const Source& source, int page) = nullptr;
    /// Draws one page of a PDF as the window shows it.
    Result<PagePicture> (*view)(const Source& source, const PageRequest& request) = nullptr;
    /// Called before the system calls are cut down, to load what a library needs.
    std::function<void()> prepare;
    /// Called for a PDF when `pdf` is null: replaces the program by the one that reads PDF. Gets
    /// the arguments, with the program's name in front and a null pointer behind.
    std::function<void(char* const* argv)> handOver;
};

/// Reads the arguments, gives up rights, reads one file and writes it as JSON (document_json.h) on
/// the standard output. Returns the exit status: 0 if JSON was written, errors included.
/// With kServeArgument alone it waits for requests (worker_protocol.h) and forks a process for
/// each, which does just that: it has what the program loads, and nothing of the files before it.
[[nodiscard]] int runWorker(int argc, char** argv, const WorkerHooks& hooks);

}  // namespace conclave::retrieval::extractor
