// model_files.h: the state of a model's files, by which a change of them is noticed.
#pragma once

#include <cstdint>
#include <span>

#include "base/mapped_file.h"

namespace conclave::engine {

/// ModelFiles::state of files in these states.
[[nodiscard]] std::uint64_t stateOfFiles(std::span<const MappedFile::State> states);

}  // namespace conclave::engine
