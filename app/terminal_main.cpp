// conclave: the terminal program.
#include <csignal>
#include <iostream>
#include <string>
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
    const conclave::terminal::VisibleOutput out(std::cout, STDOUT_FILENO);
    const conclave::terminal::VisibleOutput err(std::cerr, STDERR_FILENO);
    return conclave::terminal::runProgram(std::vector<std::string>(argv + 1, argv + argc));
}
