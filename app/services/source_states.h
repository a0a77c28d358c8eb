// source_states.h: how the files that an answer rests on were when it was written.
#pragma once

#include "app/services/services.h"

namespace conclave::services {

/// Keeps in `details.usage` which passages are of files that are out of reach, were changed since
/// they were read (an answer does not wait for many of these to be read again) or had hidden text.
/// A stat a file.
void noteSourceStates(storage::DocumentStore& documents, AnswerDetails& details);

}  // namespace conclave::services
