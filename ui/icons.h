// icons.h: the window's line icons, drawn from short SVG paths in the colour that is asked for.
#pragma once

#include <QColor>
#include <QIcon>
#include <QPixmap>

namespace conclave::ui {

enum class Icon {
    NewChat,
    Search,
    Sidebar,
    Send,
    Stop,
    Attach,
    Copy,
    Check,
    Refresh,
    Edit,
    Left,
    Right,
    Down,
    More,
    Pin,
    Trash,
    Folder,
    File,
    Book,
    Settings,
    Warning,
    Close,
    Plus,
    Minus,
    FitWidth,
    Lines,
    Chip,
    External,
    Back,
    Pause,
    Resume,
    Filter,
};

/// A square icon; sharp at the screen's scale factor.
[[nodiscard]] QIcon icon(Icon name, const QColor& color);
[[nodiscard]] QPixmap iconPixmap(Icon name, const QColor& color, int size, double scale);

}  // namespace conclave::ui
