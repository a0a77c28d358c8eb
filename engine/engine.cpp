#include "engine/engine.h"

namespace conclave::engine {

std::string_view finishReasonName(FinishReason reason) {
    switch (reason) {
        case FinishReason::EndOfTurn: return "end_of_turn";
        case FinishReason::StopString: return "stop_string";
        case FinishReason::MaxTokens: return "max_tokens";
        case FinishReason::ContextFull: return "context_full";
        case FinishReason::Cancelled: return "cancelled";
        case FinishReason::Repetition: return "repetition";
    }
    return "unknown";
}

double Usage::prefillSpeed() const {
    const int nComputed = promptTokens - cachedTokens;
    return prefillTime.count() > 0 ? nComputed / prefillTime.count() : 0.0;
}

double Usage::decodeSpeed() const {
    // The first token comes out of prefill, so decode made one token fewer.
    const int nDecoded = completionTokens - 1;
    return decodeTime.count() > 0 && nDecoded > 0 ? nDecoded / decodeTime.count() : 0.0;
}

}  // namespace conclave::engine
