// worker_protocol.h: how Conclave asks a waiting worker program to read one file.
//
// The worker's standard input is a socket of sequenced packets. A request is the arguments of one
// run, each ended by a zero byte, with two descriptors: the standard input and output of the
// process that the worker forks for it. When that process has ended, the answer is its status as of
// waitpid(), an int.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::retrieval {

/// Makes a worker program wait for requests instead of reading a file.
inline constexpr std::string_view kServeArgument = "--serve";
inline constexpr std::size_t kMostRequestBytes = std::size_t{32} << 10U;

struct WorkerRequest {
    std::string arguments;  ///< each ended by a zero byte
    int input = -1;
    int output = -1;
};

/// False if the other end is gone, or the request is too long.
[[nodiscard]] bool sendRequest(int socket, const WorkerRequest& request);
/// False at the end of the requests. The caller closes the descriptors.
[[nodiscard]] bool receiveRequest(int socket, WorkerRequest& request);
[[nodiscard]] std::vector<std::string> argumentsOf(const WorkerRequest& request);

}  // namespace conclave::retrieval
