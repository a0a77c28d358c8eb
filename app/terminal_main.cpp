// conclave: the terminal program.
#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "app/terminal/commands.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/visible_output.h"
#include "base/file_mode.h"

int main(int argc, char** argv) {
    // Chats, backups and logs are the user's alone.
    conclave::keepFilesPrivate();
    conclave::terminal::catchInterrupts();
    // A worker process or a server that hangs up is an error to report, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    // So is a file that grows beyond the limit (ulimit -f): writing fails.
    std::signal(SIGXFSZ, SIG_IGN);
    const conclave::terminal::VisibleOutput out(std::cout, STDOUT_FILENO);
    const conclave::terminal::VisibleOutput err(std::cerr, STDERR_FILENO);
    constexpr int kFailure = 1;
    constexpr const char* kNoMemory =
        "conclave: there is not enough memory; end other programs or raise the limits (ulimit -v, "
        "ulimit -u)\n";
    try {
        return conclave::terminal::runProgram(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::bad_alloc&) {
        std::cerr << kNoMemory;
    } catch (const std::system_error&) {  // of a thread that could not be started
        std::cerr << kNoMemory;
    } catch (const std::exception& problem) {
        std::cerr << "conclave: " << problem.what() << '\n';
    }
    return kFailure;
}
