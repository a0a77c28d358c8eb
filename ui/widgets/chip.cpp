#include "ui/widgets/chip.h"

#include <QHBoxLayout>

#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

Chip Chip::make(QWidget* parent, bool isStrong) {
    Chip chip;
    chip.frame = new QFrame(parent);
    chip.frame->setObjectName(QStringLiteral("attachment"));
    chip.frame->setProperty("pending", isStrong);
    chip.name = new QToolButton(chip.frame);
    chip.name->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    chip.name->setFont(Theme::instance().font(TextSize::Small));
    chip.name->setFocusPolicy(Qt::TabFocus);
    chip.remove = new QToolButton(chip.frame);
    chip.remove->setProperty("tiny", true);
    chip.remove->setFocusPolicy(Qt::TabFocus);
    chip.remove->setIcon(icon(Icon::Close, isStrong ? colors().accent : colors().muted));
    const int size = Theme::instance().scaled(13);
    chip.remove->setIconSize({size, size});
    chip.remove->setCursor(Qt::PointingHandCursor);
    auto* row = new QHBoxLayout(chip.frame);
    row->setContentsMargins(4, 1, 2, 1);
    row->setSpacing(0);
    row->addWidget(chip.name);
    row->addWidget(chip.remove);
    chip.frame->show();
    return chip;
}

void Chip::drop(QList<QWidget*>& chips) {
    for (QWidget* chip : chips) {
        chip->hide();
        chip->deleteLater();
    }
    chips.clear();
}

}  // namespace conclave::ui
