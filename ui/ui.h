// ui.h: what the person sees. The desktop's main builds the services and hands them to the window.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/services/services.h"

class QWidget;

namespace conclave::ui {

struct WindowOptions {
    std::optional<services::ChatId> chat;       ///< --open CHAT
    std::vector<std::filesystem::path> attach;  ///< files named on the command line
    bool newChat = false;                       ///< --new-window: begin anew, not where one was
};

/// The main window; `services` must outlive it. Needs a QApplication.
[[nodiscard]] std::unique_ptr<QWidget> createMainWindow(services::Services& services,
                                                        const WindowOptions& options);

}  // namespace conclave::ui
