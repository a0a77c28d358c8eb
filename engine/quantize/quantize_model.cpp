// quantize_model.cpp: a model file with its tensors in other types.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "base/threads.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_header.h"
#include "engine/gguf/gguf_parser.h"
#include "engine/gguf/output_file.h"
#include "engine/kernels/kernels.h"
#include "engine/quantize/importance.h"
#include "engine/quantize/mixture.h"
#include "engine/quantize/row_quantizer.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;
using quantize::ImportanceMatrix;
using quantize::Plan;

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint32_t kQuantizationVersion = 2;  ///< of ggml's blocks
/// Bytes of a tensor that are worked on before they are written: bounds the memory needed.
constexpr std::uint64_t kStepBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kTaskValues = std::uint64_t{1} << 15;

std::uint64_t rowBytesOf(TensorType type, std::uint64_t nColumns) {
    const TypeTraits& traits = *typeTraits(type);
    return nColumns / traits.blockValues * traits.blockBytes;
}

/// Calls task(0) to task(n - 1) on a few threads; stops early if one of them returns false.
template <typename Task>
bool onThreads(int nThreads, std::uint64_t n, const Task& task) {
    std::atomic<std::uint64_t> next = 0;
    std::atomic<bool> isGood = true;
    const auto work = [&] {
        for (std::uint64_t i = next++; i < n && isGood; i = next++) {
            if (!task(i)) isGood = false;
        }
    };
    std::vector<std::jthread> threads;
    const auto nOthers = std::min<std::uint64_t>(static_cast<std::uint64_t>(nThreads), n);
    startThreads(threads, static_cast<int>(nOthers) - 1, [&](int) { return work; });
    work();
    threads.clear();
    return isGood;
}

class Quantizer {
public:
    Quantizer(const QuantizeOptions& options, const ImportanceMatrix* importances,
              OutputFile& output, const GgufHeader& header)
        : m_options(options),
          m_importances(importances),
          m_output(output),
          m_header(header),
          m_nThreads(options.nThreads > 0 ? options.nThreads : defaultThreadCount()) {}

    /// Writes one tensor and what pads it.
    [[nodiscard]] Result<void> write(const Plan& plan) {
        const TensorInfo& tensor = *plan.tensor;
        m_name = tensor.name;
        const bool isSame = plan.type == tensor.type;
        const auto written = isSame ? copy(tensor.data) : convert(plan);
        if (!written) return written;
        const std::uint64_t sizeBytes =
            tensor.nValues() / tensor.shape[0] * rowBytesOf(plan.type, tensor.shape[0]);
        const std::vector<std::byte> padding(m_header.paddingAfter(sizeBytes));
        return m_output.write(padding);
    }

private:
    [[nodiscard]] Result<void> copy(std::span<const std::byte> data) {
        while (!data.empty()) {
            const auto step = data.first(std::min<std::size_t>(data.size(), kStepBytes));
            if (const auto written = m_output.write(step); !written) return written;
            data = data.subspan(step.size());
            if (const auto goOn = report(step.size()); !goOn) return goOn;
        }
        return {};
    }

    /// A matrix's importances, or none if the tensor has none. Errors: InvalidArgument.
    [[nodiscard]] Result<std::span<const float>> importancesOf(const TensorInfo& tensor) const {
        std::span<const float> values;
        if (m_importances != nullptr) values = m_importances->of(tensor.name);
        const std::uint64_t nMatrices = tensor.shape.size() > 2 ? tensor.shape[2] : 1;
        if (values.empty() || values.size() == tensor.shape[0] * nMatrices) return values;
        if (tensor.name == "token_embd.weight") return std::span<const float>();
        return fail(ErrorCode::InvalidArgument,
                    "the importance matrix has " + std::to_string(values.size()) + " values for " +
                        tensor.name + " instead of " + std::to_string(tensor.shape[0] * nMatrices) +
                        "; it was measured on another model");
    }

    [[nodiscard]] Result<void> convert(const Plan& plan) {
        const TensorInfo& tensor = *plan.tensor;
        const auto importances = importancesOf(tensor);
        if (!importances) return tl::unexpected(importances.error());
        const std::uint64_t nColumns = tensor.shape[0];
        const std::uint64_t nRows = tensor.nValues() / nColumns;
        const std::uint64_t rowsOfMatrix = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
        const std::uint64_t rowBytes = rowBytesOf(plan.type, nColumns);
        const std::uint64_t rowsOfTask = std::max<std::uint64_t>(1, kTaskValues / nColumns);
        const std::uint64_t rowsOfStep =
            std::max<std::uint64_t>(1, kStepBytes / rowBytes / rowsOfTask) * rowsOfTask;
        const WeightKernels& from = *kernels().find(tensor.type);
        const quantize::QuantizeRow quantizeRow = quantize::rowQuantizer(plan.type);
        m_buffer.resize(std::min(rowsOfStep, nRows) * rowBytes);
        for (std::uint64_t first = 0; first < nRows; first += rowsOfStep) {
            const std::uint64_t n = std::min(rowsOfStep, nRows - first);
            const auto task = [&](std::uint64_t index) {
                if (m_options.cancel.stop_requested()) return true;  // seen below
                std::vector<float> values(nColumns);
                const std::uint64_t end = std::min(n, (index + 1) * rowsOfTask);
                for (std::uint64_t row = index * rowsOfTask; row < end; ++row) {
                    const std::uint64_t at = first + row;
                    from.dequantize(tensor.data.data() + at * tensor.rowBytes(),
                                    static_cast<int>(nColumns), values.data());
                    const bool isFinite = std::all_of(values.begin(), values.end(),
                                                      [](float v) { return std::isfinite(v); });
                    if (!isFinite) return false;
                    const std::uint64_t matrix = at / rowsOfMatrix;
                    quantizeRow(values,
                                importances->empty()
                                    ? *importances
                                    : importances->subspan(matrix * nColumns % importances->size(),
                                                           nColumns),
                                m_buffer.data() + row * rowBytes);
                }
                return true;
            };
            if (!onThreads(m_nThreads, (n + rowsOfTask - 1) / rowsOfTask, task)) {
                return fail(ErrorCode::Corrupt, "the tensor " + tensor.name +
                                                    " holds values that are not finite; the model "
                                                    "file is damaged or was converted badly");
            }
            if (const auto goOn = report(n * tensor.rowBytes()); !goOn) return goOn;
            const auto written =
                m_output.write(std::span<const std::byte>(m_buffer).first(n * rowBytes));
            if (!written) return written;
        }
        return {};
    }

    /// @param sizeBytes  of the input, done since the last call
    [[nodiscard]] Result<void> report(std::uint64_t sizeBytes) {
        m_doneBytes += sizeBytes;
        if (m_options.cancel.stop_requested()) {
            return fail(ErrorCode::Cancelled, "stopped; nothing was written");
        }
        if (m_options.onProgress) m_options.onProgress(m_doneBytes, m_name);
        return {};
    }

    const QuantizeOptions& m_options;
    const ImportanceMatrix* m_importances;
    OutputFile& m_output;
    const GgufHeader& m_header;
    int m_nThreads;
    std::string m_name;
    std::vector<std::byte> m_buffer;
    std::uint64_t m_doneBytes = 0;
};

Result<void> checkOutput(const GgufFile& file, const fs::path& out) {
    std::error_code ignored;
    for (const fs::path& part : file.partPaths()) {
        if (fs::equivalent(part, out, ignored)) {
            return fail(ErrorCode::InvalidArgument,
                        "the output is the input; give another name, since " + part.string() +
                            " would be lost");
        }
    }
    return {};
}

/// Refuses tensors that would be converted but cannot be read, or only with a second loss.
Result<void> checkPlans(const std::vector<Plan>& plans, bool allowRequantize) {
    for (const Plan& plan : plans) {
        if (plan.type == plan.tensor->type) continue;
        const TypeTraits& source = *typeTraits(plan.tensor->type);
        constexpr std::uint64_t kMostColumns = 1u << 30;
        if (kernels().find(plan.tensor->type) == nullptr || plan.tensor->shape[0] > kMostColumns) {
            return fail(ErrorCode::Unsupported, "the tensor " + plan.tensor->name + " of type " +
                                                    std::string(source.name) +
                                                    " cannot be converted");
        }
        if (source.blockValues > 1 && !allowRequantize) {
            return fail(ErrorCode::InvalidArgument,
                        "the tensor " + plan.tensor->name + " is " + std::string(source.name) +
                            " already, and quantizing again loses more; take the F16 or BF16 file "
                            "of the model, or give --allow-requantize");
        }
    }
    return {};
}

bool isReplaced(std::string_view key) {
    return key == "general.quantization_version" || key == "general.file_type" ||
           key == "split.no" || key == "split.count" || key == "split.tensors.count";
}

GgufHeader headerOf(const GgufFile& file, quantize::FileType fileType,
                    const std::vector<Plan>& plans, const ImportanceMatrix* importances,
                    const fs::path& importanceFile) {
    const auto alignment = file.integer("general.alignment");
    GgufHeader header(alignment ? static_cast<std::uint64_t>(*alignment) : kDefaultAlignment);
    for (const RawMetadata& entry : file.rawMetadata()) {
        const bool isOfMatrix = entry.key.starts_with("quantize.imatrix.");
        if (!isReplaced(entry.key) && !(isOfMatrix && importances != nullptr)) header.add(entry);
    }
    header.add("general.quantization_version", kQuantizationVersion);
    header.add("general.file_type", static_cast<std::uint32_t>(fileType));
    if (importances != nullptr) {
        header.add("quantize.imatrix.file", std::string_view(importanceFile.native()));
        if (!importances->dataset().empty()) {
            header.add("quantize.imatrix.dataset", std::string_view(importances->dataset()));
        }
        header.add("quantize.imatrix.entries_count",
                   static_cast<std::uint32_t>(importances->nEntries()));
        if (importances->nChunks() > 0) {
            header.add("quantize.imatrix.chunks_count", importances->nChunks());
        }
    }
    for (const Plan& plan : plans) {
        // As ggml writes it: a last dimension of one is none.
        std::vector<std::uint64_t> shape = plan.tensor->shape;
        while (shape.size() > 1 && shape.back() == 1) shape.pop_back();
        header.addTensor(plan.tensor->name, shape, plan.type);
    }
    return header;
}

}  // namespace

Result<void> checkQuantizedType(std::string_view name) {
    const auto type = quantize::fileTypeNamed(name);
    return type ? Result<void>() : tl::unexpected(type.error());
}

Result<QuantizeReport> quantizeModel(const fs::path& in, const fs::path& out,
                                     const QuantizeOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    const auto fileType = quantize::fileTypeNamed(options.type);
    if (!fileType) return tl::unexpected(fileType.error());
    const auto file = GgufFile::open(in);
    if (!file) return tl::unexpected(file.error());
    if (const auto good = checkOutput(*file, out); !good) return tl::unexpected(good.error());
    std::optional<ImportanceMatrix> importances;
    if (!options.importanceMatrix.empty()) {
        auto read = ImportanceMatrix::read(options.importanceMatrix);
        if (!read) return tl::unexpected(read.error());
        importances = std::move(*read);
    }
    const ImportanceMatrix* matrix = importances ? &*importances : nullptr;
    auto facts = quantize::ModelFacts::read(*file);
    if (!facts) return tl::unexpected(facts.error());
    facts->hasImportances = matrix != nullptr;
    const std::vector<Plan> plans = quantize::planTypes(*file, *fileType, *facts);
    if (const auto good = checkPlans(plans, options.allowRequantize); !good) {
        return tl::unexpected(good.error());
    }

    QuantizeReport report;
    report.inBytes = file->fileBytes();
    const GgufHeader header = headerOf(*file, *fileType, plans, matrix, options.importanceMatrix);
    const std::string head = header.bytes();
    report.outBytes = head.size() + header.dataBytes();
    auto output = OutputFile::create(out, report.outBytes);
    if (!output) return tl::unexpected(output.error());
    if (const auto done = output->write(std::as_bytes(std::span(head))); !done) {
        return tl::unexpected(done.error());
    }
    Quantizer quantizer(options, matrix, *output, header);
    for (const Plan& plan : plans) {
        report.nConverted += plan.type != plan.tensor->type ? 1 : 0;
        report.nFallbacks += plan.isFallback ? 1 : 0;
        if (const auto done = quantizer.write(plan); !done) return tl::unexpected(done.error());
    }
    if (const auto done = output->commit(); !done) return tl::unexpected(done.error());
    report.time = std::chrono::steady_clock::now() - start;
    return report;
}

}  // namespace conclave::engine
