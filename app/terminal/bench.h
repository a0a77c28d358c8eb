// bench.h: how fast a model is on this machine.
#pragma once

#include <stop_token>

#include <nlohmann/json.hpp>

#include "app/services/services.h"
#include "app/terminal/arguments.h"

namespace conclave::terminal {

struct BenchSettings {
    int nPrefill = 512;
    int nDecode = 128;
    int depth = 0;     ///< tokens in the context before either is measured
    int nThreads = 0;  ///< 0: automatic
    int nRepeats = 3;
    int nExpertsUsed = 0;  ///< 0: the model's own number
    engine::KvTypes kvTypes = {};
    bool reuse = false;   ///< also how soon a second question on the same context is answered
    bool reopen = false;  ///< also how soon a saved chat with such a context goes on
};

/// {"prefill_tps":[…],"decode_tps":[…],"prefill_cores":[…],"decode_cores":[…],"load_ms",
/// "settled_ms","rss_mib","model","isa"} with one number a repeat; cores are own CPU time over wall
/// time. After load_ms an answer may begin, after settled_ms it runs at full speed. On wish
/// "reuse_ttft_ms":[first,second] and "reopen":{"prefill_ms","save_ms","file_bytes","restore_ms",
/// "ttft_ms"}.
/// Errors: the model's, Cancelled.
[[nodiscard]] Result<nlohmann::json> runBench(services::Services& services,
                                              const BenchSettings& settings,
                                              std::stop_token cancel);

/// `conclave bench`. Returns its exit code.
int benchCommand(const Arguments& arguments);

}  // namespace conclave::terminal
