// ui.h: what the person sees. The desktop's main builds the services and hands them to the window.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "app/services/services.h"

class QObject;
class QWidget;

namespace conclave::ui {

/// What a start asks of the window.
struct WindowOptions {
    std::optional<services::ChatId> chat;       ///< --open CHAT
    std::vector<std::filesystem::path> attach;  ///< files named on the command line
    bool newChat = false;                       ///< --new-window: begin anew, not where one was
};

/// Gives every window and question of the program its look; before the first one. Needs a
/// QApplication.
void prepareLook();

/// What to do about the database; all need the services to be closed first. Restore asks for the
/// backup to put in its place.
enum class Rescue { BackUp, Repair, Restore };

/// The main window; `services` must outlive it. Needs a QApplication. `onRescue` is called when the
/// person asks for help with the database: end the event loop, then do it.
[[nodiscard]] std::unique_ptr<QWidget> createMainWindow(services::Services& services,
                                                        const WindowOptions& options,
                                                        std::function<void(Rescue)> onRescue = {});

/// Asks the Conclave that shows `database` already, if one does, to do what `options` say in its
/// window. Waits two seconds at most.
/// @returns false if none runs or it does not answer
[[nodiscard]] bool handOver(const std::filesystem::path& database, const WindowOptions& options);

/// Lets `window`, made by createMainWindow, do what later starts hand over, for as long as the
/// result lives. Without the permission to listen those starts open windows of their own.
[[nodiscard]] std::unique_ptr<QObject> takeOver(const std::filesystem::path& database,
                                                QWidget& window);

}  // namespace conclave::ui
