// `conclave quantize`: a model file with smaller weights.
#include <iostream>

#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/output.h"

namespace conclave::terminal {
namespace {

int quantize(const Arguments& arguments) {
    const std::string& in = arguments.plain()[0];
    const std::string& out = arguments.plain()[1];
    if (const auto known = engine::checkQuantizedType(arguments.plain()[2]); !known) {
        note("conclave: " + known.error().detail);
        return kWrongUsage;
    }
    const CancelOnInterrupt cancel;
    ProgressBar bar("");
    const auto info = engine::readModelInfo(in);
    // Files that are no models of ours (an adapter, an encoder) can be quantized all the same.
    const double inBytes = info ? static_cast<double>(info->fileBytes) : 0.0;
    engine::QuantizeOptions options;
    options.type = arguments.plain()[2];
    options.importanceMatrix = arguments.text("--imatrix");
    options.nThreads = arguments.integer("--threads", 0);
    options.allowRequantize = arguments.has("--allow-requantize");
    options.cancel = cancel.token();
    options.onProgress = [&](std::uint64_t doneBytes, std::string_view tensor) {
        bar.show(inBytes > 0 ? static_cast<double>(doneBytes) / inBytes : 0.0, tensor);
    };
    const auto report = engine::quantizeModel(in, out, options);
    if (!report) return failed(report.error());
    bar.show(1.0);
    if (report->nFallbacks > 0) {
        note("conclave: " + std::to_string(report->nFallbacks) +
             " tensors have rows that do not divide into blocks of " + options.type +
             "; they are in a larger type");
    }
    if (arguments.has("--json")) {
        printJson({{"in_bytes", report->inBytes},
                   {"out_bytes", report->outBytes},
                   {"seconds", report->time.count()}});
        return kSuccess;
    }
    constexpr double kBytesOfMebi = 1024.0 * 1024.0;
    std::cout << out << ": ";
    if (report->nConverted == 0) {
        std::cout << "copied, since all tensors are of this type already; ";
    } else {
        std::cout << report->nConverted << " tensors converted, ";
    }
    std::cout << rounded(static_cast<double>(report->outBytes) / kBytesOfMebi) << " MiB";
    if (report->nConverted > 0) {
        std::cout << " instead of " << rounded(static_cast<double>(report->inBytes) / kBytesOfMebi);
    }
    std::cout << ", in " << rounded(report->time.count()) << " s\n";
    return kSuccess;
}

}  // namespace

std::vector<Command> quantizeCommands() {
    using Kind = Option::Kind;
    return {
        {.name = "quantize",
         .usage = "IN OUT TYPE [--imatrix FILE]",
         .summary = "write a model with smaller weights",
         .details =
             "Reads the F16, BF16 or F32 file of a model and writes the same file as llama.cpp's\n"
             "quantizer. TYPE, from good to small:\n"
             "  F32 F16 BF16 Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S IQ4_NL IQ4_XS\n"
             "  MXFP4_MOE Q4_1 Q4_0 Q3_K_L Q3_K_M Q3_K_S Q2_K, and TQ2_0 TQ1_0 for models that\n"
             "  were trained with weights -1, 0 and 1\n"
             "Q3_K, Q4_K and Q5_K mean Q3_K_M, Q4_K_M and Q5_K_M. Q4_K_M is a good choice; below "
             "it,\n"
             "give an importance matrix.",
         .example = "conclave quantize model-F16.gguf model-Q4_K_M.gguf Q4_K_M",
         .nLeast = 3,
         .nMost = 3,
         .options = {{"--imatrix", "FILE", "what llama.cpp's imatrix tool wrote for this model"},
                     {"--allow-requantize", "", "also from weights that are quantized already",
                      Kind::Flag}},
         .run = quantize}};
}

}  // namespace conclave::terminal
