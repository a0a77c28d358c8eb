// conclave: the terminal program.
#include <csignal>
#include <string>
#include <vector>

#include "app/terminal/commands.h"
#include "app/terminal/interrupt.h"
#include "base/file_mode.h"

int main(int argc, char** argv) {
    // Chats, backups and logs are the user's alone.
    conclave::keepFilesPrivate();
    conclave::terminal::catchInterrupts();
    // A worker process or a server that hangs up is an error to report, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    return conclave::terminal::runProgram(std::vector<std::string>(argv + 1, argv + argc));
}
