// conclave-extract: reads every format but PDF itself, and so needs no Qt and starts at once.
#include <filesystem>
#include <string>

#include <unistd.h>

#include "base/places.h"
#include "retrieval/extractor/worker.h"

int main(int argc, char** argv) {
    using namespace conclave::retrieval::extractor;
    const WorkerHooks hooks{
        .pdf = nullptr,
        .prepare = {},
        .handOver =
            [](char* const* arguments) {
                const std::filesystem::path program =
                    conclave::programFolder() / "conclave-extract-pdf";
                ::execv(program.c_str(), arguments);  // returns only if there is no such program
            },
    };
    const int status = runWorker(argc, argv, hooks);
    // No destructors: the address space goes away, and a leak checker would start a process.
    ::_exit(status);
}
