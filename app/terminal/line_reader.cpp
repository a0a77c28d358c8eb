#include "app/terminal/line_reader.h"

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <string_view>
#include <utility>

#include <histedit.h>
#include <unistd.h>

#include "app/terminal/console.h"
#include "app/terminal/interrupt.h"

namespace conclave::terminal {

/// libedit with its history. Its own reading of keys would swallow a Ctrl-C, so it gets ours.
class LineReader::Editor {
public:
    Editor() : m_edit(el_init("conclave", stdin, stdout, stderr)), m_history(history_init()) {
        if (!isUsable()) return;
        HistEvent event;
        history(m_history, &event, H_SETSIZE, kMostLines);
        history(m_history, &event, H_SETUNIQUE, 1);
        el_set(m_edit, EL_CLIENTDATA, this);
        el_set(m_edit, EL_SIGNAL, 0);
        el_set(m_edit, EL_EDITOR, "emacs");
        el_set(m_edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
        el_set(m_edit, EL_PROMPT_ESC, &Editor::prompt, kEscape);
        el_set(m_edit, EL_HIST, history, m_history);
        el_wset(m_edit, EL_GETCFN, &Editor::readKey);
        el_source(m_edit, nullptr);  // the user's ~/.editrc
    }
    Editor(const Editor&) = delete;
    Editor& operator=(const Editor&) = delete;
    ~Editor() {
        if (m_history) history_end(m_history);
        if (m_edit) el_end(m_edit);
    }

    [[nodiscard]] bool isUsable() const { return m_edit && m_history; }

    Outcome read(std::string& line, bool isFirst) {
        m_isFirst = isFirst;
        int count = 0;
        const char* typed = el_gets(m_edit, &count);
        if (!typed || count <= 0) return wasInterrupted() ? Outcome::Interrupted : Outcome::End;
        line.assign(typed, static_cast<std::size_t>(count));
        while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
        return Outcome::Line;
    }

    void remember(const std::string& line) {
        HistEvent event;
        history(m_history, &event, H_ENTER, line.c_str());
    }

private:
    static constexpr int kMostLines = 500;
    static constexpr char kEscape = '\1';  ///< stands around what takes no room on the screen

    static char* prompt(EditLine* edit) {
        static std::string first = std::getenv("NO_COLOR") ? "> " : "\1\33[1m\1>\1\33[0m\1 ";
        static std::string further = "  ";
        Editor* self = nullptr;
        el_get(edit, EL_CLIENTDATA, &self);
        return self && !self->m_isFirst ? further.data() : first.data();
    }

    /// One character; 0 at the end of the input, -1 on Ctrl-C.
    static int readKey(EditLine* edit, wchar_t* key) {
        (void)edit;
        std::mbstate_t state{};
        while (true) {
            char byte = 0;
            const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
            if (count == 0) return 0;
            if (count < 0) {
                if (errno == EINTR && !wasInterrupted()) continue;
                return -1;
            }
            const std::size_t length = std::mbrtowc(key, &byte, 1, &state);
            if (length <= 1) return 1;
            if (length == static_cast<std::size_t>(-1)) state = {};  // not a character: skip it
        }
    }

    EditLine* m_edit;
    History* m_history;
    bool m_isFirst = true;
};

namespace {

bool isDumbTerminal() {
    const char* name = std::getenv("TERM");
    return !name || std::string_view(name).empty() || std::string_view(name) == "dumb";
}

}  // namespace

LineReader::LineReader() {
    if (::isatty(STDIN_FILENO) == 0 || !stdoutIsTerminal() || isDumbTerminal()) return;
    // libedit writes what is typed in the locale's characters; ours are UTF-8 wherever we run.
    if (!std::setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    m_editor = std::make_unique<Editor>();
    if (!m_editor->isUsable()) m_editor.reset();
}

LineReader::~LineReader() = default;

LineReader::Outcome LineReader::read(std::string& line) {
    line.clear();
    std::string part;
    for (bool isFirst = true;; isFirst = false) {
        const Outcome outcome = readPart(part, isFirst);
        if (outcome == Outcome::Interrupted) return outcome;
        if (outcome == Outcome::End) return isFirst ? outcome : Outcome::Line;
        const bool goesOn = !part.empty() && part.back() == '\\';
        if (goesOn) part.back() = '\n';
        line += part;
        if (!goesOn) return Outcome::Line;
    }
}

LineReader::Outcome LineReader::readPart(std::string& part, bool isFirst) {
    if (m_editor) {
        const Outcome outcome = m_editor->read(part, isFirst);
        if (outcome == Outcome::Line && !part.empty()) m_editor->remember(part);
        return outcome;
    }
    if (stdoutIsTerminal()) {
        const std::string prompt = isFirst ? bold("> ") : "  ";
        std::fputs(prompt.c_str(), stdout);
        std::fflush(stdout);
    }
    return readPlain(part);
}

LineReader::Outcome LineReader::readPlain(std::string& line) {
    while (true) {
        if (const std::size_t end = m_buffer.find('\n'); end != std::string::npos) {
            line = m_buffer.substr(0, end);
            m_buffer.erase(0, end + 1);
            return Outcome::Line;
        }
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count > 0) {
            m_buffer.append(bytes.data(), static_cast<std::size_t>(count));
        } else if (count < 0 && errno == EINTR) {
            if (wasInterrupted()) return Outcome::Interrupted;
        } else {
            if (m_buffer.empty()) return Outcome::End;
            line = std::exchange(m_buffer, {});
            return Outcome::Line;
        }
    }
}

}  // namespace conclave::terminal
