#include "ui/icons.h"

#include <QByteArray>
#include <QPainter>
#include <QSvgRenderer>

namespace conclave::ui {

namespace {

/// Shapes on a 24 x 24 grid, stroked 1.8 wide with round ends; `fill` ones are filled.
const char* shapes(Icon name) {
    switch (name) {
        case Icon::NewChat:
            return "<path d='M12 5H6.5A2.5 2.5 0 0 0 4 7.5v10A2.5 2.5 0 0 0 6.5 20h10a2.5 2.5 0 0 "
                   "0 "
                   "2.5-2.5V12'/><path d='M10 14.2 19.2 5l-.2-.2M10 14.2l.4-2.9 7.3-7.3a1.6 1.6 0 "
                   "0 1 "
                   "2.3 2.3L12.8 13.7z'/>";
        case Icon::Search: return "<circle cx='10.5' cy='10.5' r='6'/><path d='M15 15l5 5'/>";
        case Icon::Sidebar:
            return "<rect x='3.5' y='5' width='17' height='14' rx='2.5'/><path d='M9.5 5v14'/>";
        case Icon::Send: return "<path d='M12 19V5.5M6 11.5l6-6 6 6' stroke-width='2.4'/>";
        case Icon::Stop:
            return "<rect x='7' y='7' width='10' height='10' rx='1.5' fill='currentColor'/>";
        case Icon::Attach:
            return "<path d='M19 11.5l-7.4 7.3a4.3 4.3 0 0 1-6.1-6.1l8-8a2.9 2.9 0 0 1 4.1 "
                   "4.1l-7.8 "
                   "7.8a1.4 1.4 0 0 1-2-2l7-7'/>";
        case Icon::Copy:
            return "<rect x='9' y='9' width='11' height='11' rx='2.2'/><path d='M5.5 15A1.5 1.5 0 "
                   "0 1 4 "
                   "13.5v-8A1.5 1.5 0 0 1 5.5 4h8A1.5 1.5 0 0 1 15 5.5'/>";
        case Icon::Check: return "<path d='M5 12.5l4.5 4.5L19 7.5' stroke-width='2.2'/>";
        case Icon::Refresh:
            return "<path d='M19.5 12a7.5 7.5 0 1 1-2.4-5.5'/><path d='M19.8 3.5v4.3h-4.3'/>";
        case Icon::Edit: return "<path d='M5 19l.8-4L15.6 5.2a2.2 2.2 0 0 1 3.1 3.1L8.9 18.2z'/>";
        case Icon::Left: return "<path d='M14.5 6l-6 6 6 6'/>";
        case Icon::Right: return "<path d='M9.5 6l6 6-6 6'/>";
        case Icon::Down: return "<path d='M6 9.5l6 6 6-6'/>";
        case Icon::More:
            return "<g fill='currentColor' stroke='none'><circle cx='6' cy='12' r='1.6'/><circle "
                   "cx='12' cy='12' r='1.6'/><circle cx='18' cy='12' r='1.6'/></g>";
        case Icon::Pin: return "<path d='M9 4h6l-1 6 3.5 3.5H6.5L10 10zM12 13.5V20'/>";
        case Icon::Trash:
            return "<path d='M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.3 "
                   "11v5M13.7 11v5'/>";
        case Icon::Folder:
            return "<path d='M3.5 7A1.5 1.5 0 0 1 5 5.5h4.2l2 2.5H19A1.5 1.5 0 0 1 20.5 "
                   "9.5v8A1.5 1.5 0 0 1 19 19H5a1.5 1.5 0 0 1-1.5-1.5z'/>";
        case Icon::File:
            return "<path d='M6 5A1.5 1.5 0 0 1 7.5 3.5H14L18.5 8v11A1.5 1.5 0 0 1 17 "
                   "20.5H7.5A1.5 1.5 0 0 1 6 19zM13.5 3.8V8.5h4.7'/>";
        case Icon::Book:
            return "<path d='M12 6.5C10 5 7 4.7 3.5 5v13c3.5-.3 6.5 0 8.5 1.5 2-1.5 5-1.8 "
                   "8.5-1.5V5C17 4.7 14 5 12 6.5zM12 6.5v13'/>";
        case Icon::Settings:
            return "<path d='M4 7.5h9M17.5 7.5H20M4 16.5h2.5M11 16.5h9'/><circle cx='15.2' "
                   "cy='7.5' r='2.3'/><circle cx='8.8' cy='16.5' r='2.3'/>";
        case Icon::Warning: return "<path d='M12 4.5l8.5 15h-17zM12 10v4.5M12 17.2v.1'/>";
        case Icon::Close: return "<path d='M6.5 6.5l11 11M17.5 6.5l-11 11'/>";
        case Icon::Plus: return "<path d='M12 5v14M5 12h14'/>";
        case Icon::Minus: return "<path d='M5 12h14'/>";
        case Icon::FitWidth:
            return "<path d='M4.5 5v14M19.5 5v14M8 12h8M10.5 9.3 7.8 12l2.7 2.7M13.5 9.3l2.7 "
                   "2.7-2.7 2.7'/>";
        case Icon::Lines: return "<path d='M5 6.5h14M5 12h14M5 17.5h9'/>";
        case Icon::Chip:
            return "<rect x='6.5' y='6.5' width='11' height='11' rx='2'/><path d='M9.5 3.5v3M14.5 "
                   "3.5v3M9.5 17.5v3M14.5 17.5v3M3.5 9.5h3M3.5 14.5h3M17.5 9.5h3M17.5 "
                   "14.5h3'/>";
        case Icon::External:
            return "<path d='M11 5.5H6A1.5 1.5 0 0 0 4.5 7v11A1.5 1.5 0 0 0 6 19.5h11a1.5 "
                   "1.5 0 0 0 1.5-1.5v-5M14 4.5h5.5V10M19 5l-8.5 8.5'/>";
        case Icon::Pause: return "<path d='M9 6.5v11M15 6.5v11' stroke-width='2.4'/>";
        case Icon::Resume: return "<path d='M8.5 6.2v11.6l9-5.8z' fill='currentColor'/>";
        case Icon::Filter: return "<path d='M4.5 7h15M7.5 12h9M10.5 17h3'/>";
        case Icon::Back: return "<path d='M19.5 12h-15M10.5 6l-6 6 6 6'/>";
    }
    return "";
}

}  // namespace

QPixmap iconPixmap(Icon name, const QColor& color, int size, double scale) {
    QByteArray svg =
        "<svg xmlns='http://www.w3.org/20/svg' viewBox='0 0 24 24' fill='none' "
        "stroke='currentColor' stroke-width='1.8' stroke-linecap='round' stroke-linejoin='round'>";
    svg += shapes(name);
    svg += "</svg>";
    svg.replace("currentColor", color.name().toLatin1());
    QPixmap pixmap(QSize(size, size) * scale);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setOpacity(color.alphaF());
    QSvgRenderer(svg).render(&painter);
    painter.end();
    pixmap.setDevicePixelRatio(scale);
    return pixmap;
}

QIcon icon(Icon name, const QColor& color) {
    QIcon result;
    QColor faint = color;
    faint.setAlpha(90);
    for (const int size : {18, 36, 54}) {
        result.addPixmap(iconPixmap(name, color, size, 1.0));
        result.addPixmap(iconPixmap(name, faint, size, 1.0), QIcon::Disabled);
    }
    return result;
}

}  // namespace conclave::ui
