// conclave-extract-pdf: conclave-extract with QtPdf; started by it when the file is a PDF.
#include <memory>

#include <QCoreApplication>

#include <unistd.h>

#include "retrieval/extractor/worker.h"

int main(int argc, char** argv) {
    using namespace conclave::retrieval::extractor;
    std::unique_ptr<QCoreApplication> application;
    int qtArgc = 1;  // the options are ours, not Qt's
    const WorkerHooks hooks{
        .pdf = parsePdf,
        .render = renderPdfPage,
        .view = viewPdfPage,
        .prepare = [&] { application = std::make_unique<QCoreApplication>(qtArgc, argv); },
        .handOver = {},
    };
    const int status = runWorker(argc, argv, hooks);
    ::_exit(status);
}
