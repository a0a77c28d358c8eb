// thread_count.cpp: how many threads a session gets unless it says otherwise.
#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include <sched.h>

#include "engine/engine.h"

namespace conclave::engine {

/// Physical cores that this process may run on: two hardware threads of one core share the units
/// that matrix products keep busy.
int defaultThreadCount() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
    std::set<std::string> cores;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) continue;
        std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                           "/topology/thread_siblings_list");
        std::string siblings;
        if (!std::getline(file, siblings)) siblings = std::to_string(cpu);
        cores.insert(siblings);
    }
    return std::max(1, static_cast<int>(cores.size()));
}

}  // namespace conclave::engine
